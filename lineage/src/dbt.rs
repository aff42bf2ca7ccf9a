//! dbt manifests: what is built from what, as jobs that stand.
//!
//! Each resource is a job, named by its unique id, that reads what it depends on. Models, seeds and snapshots write
//! their table; what is never stored (ephemeral models, metrics, semantic models, saved queries) writes a dataset of
//! kind [`DatasetKind::JobOutput`]; tests and exposures write nothing. Sources are datasets. A manifest does not know
//! columns' origins, so the dependencies are those of whole datasets. Absent: catalogs, run results, descriptions,
//! statements.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::event::{About, Dataset, Event, JobPart, JobType, Origin, Remark, SchemaField, Tag, instant, normal_name};
use crate::facts::{DatasetKind, DatasetName, JobName};

/// Newest version of the manifest's schema that is read.
const VERSION_MAX: u32 = 12;

/// Where resources stand in a manifest; sources apart, since nothing makes them.
const COLLECTIONS: [&str; 6] = ["nodes", "metrics", "semantic_models", "saved_queries", "unit_tests", "exposures"];

/// What a manifest says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DbtManifest {
    /// A job event for each resource, a dataset event for each source.
    pub events: Vec<Event>,
    /// Resources by type, for example `model`; sources too.
    pub resources: BTreeMap<String, usize>,
    /// Dependencies as listed, repeated ones included.
    pub dependencies: usize,
    /// Dependencies on what the manifest does not hold.
    pub unresolved: Vec<Remark>,
}

/// Reads a manifest; its tables are in `namespace`, for example `postgres://host:5432`, which it does not say itself.
///
/// # Errors
/// The first place that cannot be read, and why.
pub fn read_manifest(bytes: &[u8], namespace: &str) -> Result<DbtManifest, Remark> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| remark("", format!("is not JSON: {error}")))?;
    let metadata = &value["metadata"];
    version(&metadata["dbt_schema_version"])?;
    let (made_at, _) = instant(metadata["generated_at"].as_str().unwrap_or_default())
        .map_err(|reason| remark("/metadata/generated_at", reason))?;
    let mut outputs: BTreeMap<&str, Dataset> = BTreeMap::new();
    for (_, id, resource) in all(&value, &["sources"]).chain(all(&value, &COLLECTIONS)) {
        if let Some(output) = output(id, resource, namespace) {
            outputs.insert(id, output);
        }
    }
    let mut manifest = DbtManifest::default();
    for (_, id, _) in all(&value, &["sources"]) {
        *manifest.resources.entry("source".to_owned()).or_default() += 1;
        if let Some(dataset) = outputs.get(id) {
            manifest.events.push(event(made_at, About::Dataset(dataset.clone())));
        }
    }
    for (collection, id, resource) in all(&value, &COLLECTIONS) {
        let kind = kind_of(id, resource);
        *manifest.resources.entry(kind.to_owned()).or_default() += 1;
        let mut job = JobPart::new(JobName { namespace: namespace.to_owned(), name: id.to_owned() });
        let word = Some(kind.to_uppercase());
        job.kind = Some(JobType { processing: "BATCH".to_owned(), integration: "DBT".to_owned(), word });
        let mut inputs: BTreeSet<DatasetName> = BTreeSet::new();
        for (at, above) in resource["depends_on"]["nodes"].as_array().into_iter().flatten().enumerate() {
            manifest.dependencies += 1;
            match above.as_str().and_then(|above| outputs.get(above)) {
                Some(above) => drop(inputs.insert(above.name.clone())),
                None => {
                    let pointer = format!("/{collection}/{id}/depends_on/nodes/{at}");
                    manifest.unresolved.push(remark(&pointer, format!("{above} is not in the manifest")));
                }
            }
        }
        job.inputs = inputs.into_iter().map(Dataset::new).collect();
        job.outputs.extend(outputs.get(id).cloned());
        manifest.events.push(event(made_at, About::Job(job)));
    }
    Ok(manifest)
}

fn all<'a>(value: &'a Value, collections: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> {
    collections.iter().flat_map(|collection| {
        let entries = value[*collection].as_object().into_iter().flatten();
        entries.map(|(id, resource)| (*collection, id.as_str(), resource))
    })
}

fn version(at: &Value) -> Result<(), Remark> {
    let url = at.as_str().unwrap_or_default();
    let name = url.rsplit_once("/manifest/v").and_then(|(_, name)| name.strip_suffix(".json"));
    match name.and_then(|number| number.parse::<u32>().ok()) {
        Some(1..=VERSION_MAX) => Ok(()),
        _ => {
            let reason = format!("{url:?} is not a manifest's schema up to v{VERSION_MAX}");
            Err(remark("/metadata/dbt_schema_version", reason))
        }
    }
}

/// The type of a resource; where it does not tell, its id begins with it.
fn kind_of<'a>(id: &'a str, resource: &'a Value) -> &'a str {
    resource["resource_type"].as_str().or(id.split('.').next()).unwrap_or(id)
}

/// The dataset a resource stands for; none for what is only looked at.
fn output(id: &str, resource: &Value, namespace: &str) -> Option<Dataset> {
    let stored = match kind_of(id, resource) {
        "source" => resource["identifier"].as_str().or(resource["name"].as_str()),
        "model" | "seed" | "snapshot" if resource["config"]["materialized"] != "ephemeral" => {
            resource["alias"].as_str().or(resource["name"].as_str())
        }
        "model" | "metric" | "semantic_model" | "saved_query" => None,
        _ => return None,
    };
    let Some(table) = stored else {
        let mut dataset = Dataset::new(normal_name(namespace, id));
        dataset.facets.kind = Some(DatasetKind::JobOutput);
        return Some(dataset);
    };
    let parts = [resource["database"].as_str(), resource["schema"].as_str(), Some(table)];
    let path: Vec<&str> = parts.into_iter().flatten().collect();
    let mut dataset = Dataset::new(normal_name(namespace, &path.join(".")));
    let is_view = resource["config"]["materialized"] == "view";
    dataset.facets.kind = Some(if is_view { DatasetKind::View } else { DatasetKind::Table });
    let mut tags: BTreeSet<Tag> = words(&resource["tags"], None).collect();
    let mut schema = Vec::new();
    for (name, column) in resource["columns"].as_object().into_iter().flatten() {
        let type_word = column["data_type"].as_str().map(str::to_owned);
        schema.push(SchemaField { name: name.clone(), type_word, fields: Vec::new() });
        tags.extend(words(&column["tags"], Some(name)));
    }
    // A manifest names the columns that somebody wrote down; without any it says nothing of them.
    dataset.facets.schema = (!schema.is_empty()).then_some(schema);
    dataset.facets.tags = (!tags.is_empty()).then_some(tags);
    Some(dataset)
}

fn words<'a>(tags: &'a Value, field: Option<&'a String>) -> impl Iterator<Item = Tag> + 'a {
    let words = tags.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.map(move |word| Tag { field: field.cloned(), key: word.to_owned(), value: String::new() })
}

fn event(at: DateTime<Utc>, about: About) -> Event {
    Event { at, producer: "urn:auditlake:dbt".to_owned(), origin: Origin::Import, about, dropped: BTreeSet::new() }
}

fn remark(pointer: &str, reason: String) -> Remark {
    Remark { pointer: pointer.to_owned(), reason }
}

#[cfg(test)]
mod tests;
