//! The facets of a dataset.

use std::collections::BTreeSet;

use super::pointer::At;
use super::read::{Reader, owners};
use super::read_lineage::{column_lineage, explicit_lineage, refine};
use super::word::meaning;
use super::{Dataset, DatasetFacets, Lifecycle, Partition, Remark, SchemaField, Statistics, Tag};
use crate::facts::DatasetName;
use crate::words::DATASETS;

impl Reader<'_> {
    /// Reads a dataset that stands as `holder`: input, output or dataset.
    pub(super) fn dataset(&mut self, at: &At<'_>, holder: &str) -> Result<Dataset, Remark> {
        let mut dataset = Dataset::new(self.dataset_name(at)?);
        if let Some(facets) = at.get("facets") {
            dataset.facets = self.dataset_facets(&facets)?;
        }
        let Some(facets) = at.get(if holder == "input" { "inputFacets" } else { "outputFacets" }) else {
            return Ok(dataset);
        };
        for (name, facet) in facets.entries()? {
            match name {
                "inputStatistics" | "outputStatistics" => dataset.statistics = Some(statistics(&facet)?),
                "subset" if self.is_ours() => dataset.partitions = partitions(&facet)?,
                "dataQualityMetrics" => {
                    // Its figures are values of rows; it is checked, so that a broken event is not taken for a whole one.
                    if facet.count_of("rowCount")?.is_none() && facet.get("columnMetrics").is_none() {
                        return Err(facet.refuse("has neither rowCount nor columnMetrics"));
                    }
                    self.drop_facet(holder, name);
                }
                _ => self.drop_facet(holder, name),
            }
        }
        Ok(dataset)
    }

    fn dataset_facets(&mut self, at: &At<'_>) -> Result<DatasetFacets, Remark> {
        let mut facets = DatasetFacets::default();
        let mut explicit = None;
        let mut ours = None;
        for (name, facet) in at.entries()? {
            // A deleted facet is an empty one; without its dependencies an event says nothing of them.
            let is_deleted = facet.is_true("_deleted");
            match name {
                "columnLineage" | "lineage" if is_deleted => {}
                "schema" if is_deleted => facets.schema = Some(Vec::new()),
                "schema" => facets.schema = facet.get("fields").map(|fields| schema_fields(&fields)).transpose()?,
                "columnLineage" => facets.lineage = Some(column_lineage(&facet, self)?),
                "lineage" => explicit = Some(explicit_lineage(&facet, self)?),
                "auditlake_lineage" => ours = Some(facet),
                "symlinks" => facets.symlinks = Some(self.symlinks(&facet)?),
                "ownership" => facets.owners = Some(owners(&facet)?),
                "tags" => facets.tags = Some(tags(&facet)?),
                "datasetType" if is_deleted => {}
                "datasetType" => {
                    let word = facet.need("datasetType")?;
                    facets.kind = meaning(&DATASETS, word.text()?);
                    if facets.kind.is_none() {
                        self.warn(word.refuse("is not a known type; left open"));
                    }
                }
                "lifecycleStateChange" if is_deleted => {}
                "lifecycleStateChange" => facets.lifecycle = Some(self.lifecycle(&facet)?),
                "version" | "datasetVersion" => facets.version = facet.text_of("datasetVersion")?,
                "auditlake_dropped" => self.dropped_before(&facet)?,
                _ => self.drop_facet("dataset", name),
            }
        }
        // The explicit facet takes precedence; a list without any entry says nothing.
        facets.lineage = explicit.or(facets.lineage.filter(|told| ours.is_some() || !told.is_silent()));
        if let Some(ours) = ours {
            refine(facets.lineage.get_or_insert_default(), &ours, self)?;
        }
        Ok(facets)
    }

    fn symlinks(&self, facet: &At<'_>) -> Result<BTreeSet<DatasetName>, Remark> {
        let Some(identifiers) = facet.get("identifiers") else { return Ok(BTreeSet::new()) };
        identifiers.items()?.map(|identifier| self.dataset_name(&identifier)).collect()
    }

    fn lifecycle(&self, facet: &At<'_>) -> Result<Lifecycle, Remark> {
        let word = facet.need("lifecycleStateChange")?;
        Ok(match word.text()? {
            "ALTER" => Lifecycle::Alter,
            "CREATE" => Lifecycle::Create,
            "DROP" => Lifecycle::Drop,
            "OVERWRITE" => Lifecycle::Overwrite,
            "TRUNCATE" => Lifecycle::Truncate,
            "RENAME" => {
                let before = facet.get("previousIdentifier");
                Lifecycle::Rename(before.map(|at| self.dataset_name(&at)).transpose()?)
            }
            _ => return Err(word.refuse("is none of ALTER, CREATE, DROP, OVERWRITE, RENAME and TRUNCATE")),
        })
    }
}

/// A schema may be nested as deep as JSON is read.
fn schema_fields(fields: &At<'_>) -> Result<Vec<SchemaField>, Remark> {
    let field = |at: At<'_>| {
        Ok(SchemaField {
            name: at.need("name")?.text()?.to_owned(),
            type_word: at.text_of("type")?,
            fields: at.get("fields").map(|fields| schema_fields(&fields)).transpose()?.unwrap_or_default(),
        })
    };
    fields.items()?.map(field).collect()
}

fn tags(facet: &At<'_>) -> Result<BTreeSet<Tag>, Remark> {
    let Some(tags) = facet.get("tags") else { return Ok(BTreeSet::new()) };
    let tag = |at: At<'_>| {
        let value = at.need("value")?.text()?.to_owned();
        Ok(Tag { field: at.text_of("field")?, key: at.name_of("key")?, value })
    };
    tags.items()?.map(tag).collect()
}

fn statistics(facet: &At<'_>) -> Result<Statistics, Remark> {
    Ok(Statistics {
        rows: facet.count_of("rowCount")?,
        size_bytes: facet.count_of("size")?,
        files: facet.count_of("fileCount")?,
    })
}

/// The partitions of a subset; other conditions hold literals and are not kept.
fn partitions(facet: &At<'_>) -> Result<Option<Vec<Partition>>, Remark> {
    let Some(condition) = facet.get("inputCondition").or_else(|| facet.get("outputCondition")) else { return Ok(None) };
    let Some(partitions) = condition.get("partitions") else { return Ok(None) };
    let partition = |at: At<'_>| {
        let dimensions = at.need("dimensions")?;
        let entries = dimensions.entries()?.map(|(key, value)| Ok((key.to_owned(), value.text()?.to_owned())));
        entries.collect::<Result<Partition, Remark>>()
    };
    partitions.items()?.map(partition).collect::<Result<_, _>>().map(Some)
}
