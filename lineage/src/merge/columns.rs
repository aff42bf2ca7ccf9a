//! What is known of datasets and their columns, from everybody who described them.

use std::collections::{BTreeMap, BTreeSet};

use super::Rank;
use crate::event::{DatasetFacets, Origin, SchemaField, Tag};
use crate::facts::{DatasetFact, DatasetName, Facts, Node};

/// Key of the tag that names a column's class.
const CLASS: &str = "class";

/// Descriptions of datasets, the most believable last: by origin, then by rank.
#[derive(Debug, Default)]
pub(super) struct Described<'a> {
    by_dataset: BTreeMap<DatasetName, BTreeMap<(Origin, Rank), Vec<&'a DatasetFacets>>>,
}

impl<'a> Described<'a> {
    pub(super) fn add(&mut self, name: &DatasetName, origin: Origin, rank: Rank, facets: &'a DatasetFacets) {
        if *facets == DatasetFacets::default() {
            return;
        }
        let said = self.by_dataset.entry(name.clone()).or_default();
        said.entry((origin, rank)).or_default().push(facets);
    }

    /// Puts every dataset of `names`, and every end of an edge, among the facts.
    pub(super) fn settle(&self, names: &BTreeSet<DatasetName>, facts: &mut Facts) {
        for name in names {
            let fact = facts.datasets.entry(name.clone()).or_default();
            if let Some(said) = self.by_dataset.get(name) {
                settle_one(said, fact);
            }
        }
        for edge in &facts.edges {
            for node in [&edge.source, &edge.target] {
                match node {
                    Node::Dataset(name) => drop(facts.datasets.entry(name.clone()).or_default()),
                    Node::Column(name, path) => {
                        let fact = facts.datasets.entry(name.clone()).or_default();
                        fact.columns.entry(path.clone()).or_default();
                    }
                }
            }
        }
    }
}

fn settle_one(said: &BTreeMap<(Origin, Rank), Vec<&DatasetFacets>>, fact: &mut DatasetFact) {
    let mut schema = None;
    let mut tags: BTreeMap<Origin, &BTreeSet<Tag>> = BTreeMap::new();
    for ((origin, _), facets) in said {
        for facets in facets {
            schema = facets.schema.as_ref().or(schema);
            fact.kind = facets.kind.unwrap_or(fact.kind);
            if let Some(owners) = &facets.owners {
                fact.owners.clone_from(owners);
            }
            if let Some(told) = &facets.tags {
                tags.insert(*origin, told);
            }
        }
    }
    fields(schema.into_iter().flatten(), "", fact);
    // Words of all origins stand together; of two classes the definition's holds.
    for tag in tags.into_values().flatten() {
        let word = if tag.value.is_empty() { tag.key.clone() } else { format!("{}={}", tag.key, tag.value) };
        match &tag.field {
            None => drop(fact.tags.insert(word)),
            Some(field) => {
                let column = fact.columns.entry(field.clone()).or_default();
                if tag.key == CLASS {
                    column.class = Some(tag.value.clone());
                } else {
                    column.tags.insert(word);
                }
            }
        }
    }
}

/// Columns and their fields by path: `actor.id` for a struct's, `tags[]` for what a list holds. Keys of a map are data.
fn fields<'a>(schema: impl Iterator<Item = &'a SchemaField>, above: &str, fact: &mut DatasetFact) {
    for field in schema {
        let path = match field.name.as_str() {
            "_key" | "_value" if !above.is_empty() => continue,
            "_element" if !above.is_empty() => format!("{above}[]"),
            name if above.is_empty() => name.to_owned(),
            name => format!("{above}.{name}"),
        };
        fact.columns.entry(path.clone()).or_default().type_word.clone_from(&field.type_word);
        fields(field.fields.iter(), &path, fact);
    }
}
