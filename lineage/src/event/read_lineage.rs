//! The facets that say where columns come from: column lineage of every version, the explicit `lineage` facet, and our
//! own facet that says what those have no field for.

use std::collections::BTreeSet;

use schemas::{EdgeKind, EdgeKinds};

use super::lineage::{ColumnLineage, Source, Sources, Way};
use super::pointer::At;
use super::read::Reader;
use super::{Remark, word};
use crate::facts::DatasetName;

/// What the explicit facet of a job says.
#[derive(Debug, Default)]
pub(super) struct JobLineage {
    pub(super) outputs: Vec<(DatasetName, ColumnLineage)>,
    pub(super) inputs: BTreeSet<DatasetName>,
}

impl ColumnLineage {
    /// Whether nothing was said at all.
    pub(super) fn is_silent(&self) -> bool {
        self.fields.is_empty() && self.dataset.from.is_empty()
    }

    fn judge(&mut self) {
        self.fields.values_mut().for_each(Sources::judge);
        self.dataset.judge();
    }
}

/// Reads the facet `columnLineage`, 1-0-0 to 1-2-0.
pub(super) fn column_lineage(facet: &At<'_>, reader: &Reader<'_>) -> Result<ColumnLineage, Remark> {
    let mut lineage = ColumnLineage::default();
    for (name, entry) in facet.need("fields")?.entries()? {
        let old = entry.text_of("transformationType")?.and_then(|word| old_kind(&word));
        let sources = lineage.fields.entry(name.to_owned()).or_default();
        for input in entry.need("inputFields")?.items()? {
            let mut kinds = transformations(&input, EdgeKind::Conditional)?;
            if kinds.is_empty() {
                kinds = old.unwrap_or_default();
            }
            sources.add(source(&input, reader)?, Way::of(kinds));
        }
    }
    match facet.get("dataset") {
        Some(rows) => {
            for input in rows.items()? {
                let kinds = transformations(&input, EdgeKind::Filter)?;
                lineage.dataset.add(source(&input, reader)?, Way::of(kinds));
            }
        }
        // A producer without this list has copied its entries.
        None => lineage.fold_copies(),
    }
    lineage.judge();
    Ok(lineage)
}

/// Reads the facet `lineage` of a dataset.
pub(super) fn explicit_lineage(facet: &At<'_>, reader: &mut Reader<'_>) -> Result<ColumnLineage, Remark> {
    let mut lineage = ColumnLineage::default();
    if let Some(fields) = facet.get("fields") {
        for (name, entry) in fields.entries()? {
            let sources = lineage.fields.entry(name.to_owned()).or_default();
            for input in entry.need("inputs")?.items()? {
                if !is_job(&input, reader)? {
                    sources.add(
                        explicit_source(&input, reader)?,
                        Way::of(transformations(&input, EdgeKind::Conditional)?),
                    );
                }
            }
        }
    }
    let known: BTreeSet<DatasetName> = lineage.sources().map(|(source, _)| source.dataset.clone()).collect();
    if let Some(inputs) = facet.get("inputs") {
        for input in inputs.items()? {
            if is_job(&input, reader)? {
                continue;
            }
            let source = explicit_source(&input, reader)?;
            let kinds = transformations(&input, EdgeKind::Filter)?;
            // That a dataset is read at all goes without saying where its columns are named.
            if source.field.is_some() || !kinds.is_empty() || !known.contains(&source.dataset) {
                lineage.dataset.add(source, Way::of(kinds));
            }
        }
    }
    lineage.judge();
    Ok(lineage)
}

/// Reads the facet `lineage` of a job.
pub(super) fn job_lineage(facet: &At<'_>, reader: &mut Reader<'_>) -> Result<JobLineage, Remark> {
    let mut told = JobLineage::default();
    for entry in facet.need("entries")?.items()? {
        if is_job(&entry, reader)? {
            let Some(inputs) = entry.get("inputs") else { continue };
            for input in inputs.items()? {
                if !is_job(&input, reader)? {
                    told.inputs.insert(reader.dataset_name(&input)?);
                }
            }
        } else {
            let lineage = explicit_lineage(&entry, reader)?;
            told.inputs.extend(lineage.sources().map(|(source, _)| source.dataset.clone()));
            told.outputs.push((reader.dataset_name(&entry)?, lineage));
        }
    }
    Ok(told)
}

/// Adds what our own facet says: certainty, reasons, caps, and sources that are whole datasets.
pub(super) fn refine(lineage: &mut ColumnLineage, ours: &At<'_>, reader: &Reader<'_>) -> Result<(), Remark> {
    if let Some(fields) = ours.get("fields") {
        for (name, entry) in fields.entries()? {
            refine_one(lineage.fields.entry(name.to_owned()).or_default(), &entry, reader)?;
        }
    }
    match ours.get("dataset") {
        Some(entry) => refine_one(&mut lineage.dataset, &entry, reader),
        None => Ok(()),
    }
}

fn refine_one(sources: &mut Sources, entry: &At<'_>, reader: &Reader<'_>) -> Result<(), Remark> {
    if let Some(inputs) = entry.get("inputs") {
        for input in inputs.items()? {
            let source = Source { dataset: reader.dataset_name(&input)?, field: input.text_of("field")? };
            let way = sources.from.entry(source).or_insert(Way::of(EdgeKinds::default()));
            way.kinds = way.kinds.union(transformations(&input, EdgeKind::Conditional)?);
            let cap = input.need("cap")?;
            way.cap = word::form(cap.text()?).ok_or_else(|| cap.refuse("is not a form"))?;
        }
    }
    if let Some(certainty) = entry.get("certainty") {
        sources.certainty = word::certainty(certainty.text()?).ok_or_else(|| certainty.refuse("is not a certainty"))?;
        let gap = |at: At<'_>| word::gap(at.text()?).ok_or_else(|| at.refuse("is not a reason"));
        sources.gap = entry.get("gap").map(gap).transpose()?;
    }
    Ok(())
}

fn source(input: &At<'_>, reader: &Reader<'_>) -> Result<Source, Remark> {
    Ok(Source { dataset: reader.dataset_name(input)?, field: Some(input.name_of("field")?) })
}

fn explicit_source(input: &At<'_>, reader: &Reader<'_>) -> Result<Source, Remark> {
    Ok(Source { dataset: reader.dataset_name(input)?, field: input.text_of("field")? })
}

/// Whether an entry of the explicit facet is a job. Other jobs have no place among the dependencies of datasets, so
/// that they are left out is told.
fn is_job(entry: &At<'_>, reader: &mut Reader<'_>) -> Result<bool, Remark> {
    let word = entry.need("type")?;
    match word.text()? {
        "DATASET" => Ok(false),
        "JOB" => {
            if entry.get("name").is_some() {
                reader.drop_facet("job", "lineage of other jobs");
            }
            Ok(true)
        }
        _ => Err(word.refuse("is neither DATASET nor JOB")),
    }
}

fn transformations(input: &At<'_>, unnamed: EdgeKind) -> Result<EdgeKinds, Remark> {
    let mut kinds = EdgeKinds::default();
    let Some(list) = input.get("transformations") else { return Ok(kinds) };
    for one in list.items()? {
        let type_word = one.need("type")?;
        let subtype = one.text_of("subtype")?.unwrap_or_default();
        let kind = word::kind(type_word.text()?, &subtype, one.is_true("masking"), unnamed);
        kinds = kinds.union(kind.unwrap_or_default());
    }
    Ok(kinds)
}

/// What the deprecated `transformationType` of a whole column says of each of its sources.
fn old_kind(word: &str) -> Option<EdgeKinds> {
    match word {
        "MASKED" => Some(EdgeKinds::one(EdgeKind::Transformation, true)),
        _ => word::kind("", word, false, EdgeKind::Conditional),
    }
}
