//! A dataset and its facets as JSON.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use schemas::EdgeKinds;

use super::lineage::{ColumnLineage, Source, Sources, Way};
use super::write::{Indirect, Writer};
use super::{Dataset, DatasetFacets, Lifecycle, SchemaField, Statistics, Tag};
use crate::facts::DatasetName;
use crate::words::dataset_word;

/// Writes a dataset that stands as `holder`: input, output or, if empty, alone.
pub(super) fn dataset(writer: &Writer<'_>, dataset: &Dataset, holder: &str) -> Value {
    let mut out = named(&dataset.name);
    out.insert("facets".into(), Value::Object(facets(writer, &dataset.facets)));
    let mut more = Map::new();
    let is_input = holder == "input";
    if let Some(statistics) = &dataset.statistics {
        let (name, schema) = if is_input {
            ("inputStatistics", "1-0-0/InputStatisticsInputDatasetFacet")
        } else {
            ("outputStatistics", "1-0-2/OutputStatisticsOutputDatasetFacet")
        };
        more.insert(name.into(), writer.facet(schema, counts(statistics)));
    }
    if let Some(partitions) = &dataset.partitions {
        let partitions: Vec<Value> = partitions.iter().map(|partition| json!({"dimensions": partition})).collect();
        let condition = json!({"type": "partition", "partitions": partitions});
        let (key, schema) = if is_input {
            ("inputCondition", "InputSubsetInputDatasetFacet")
        } else {
            ("outputCondition", "OutputSubsetOutputDatasetFacet")
        };
        let facet = writer.facet_in("1-0-0/BaseSubsetDatasetFacet", schema, json!({key: condition}));
        more.insert("subset".into(), facet);
    }
    if !more.is_empty() {
        out.insert(if is_input { "inputFacets" } else { "outputFacets" }.into(), Value::Object(more));
    }
    Value::Object(out)
}

pub(super) fn text_list(texts: &BTreeSet<String>) -> Value {
    texts.iter().map(String::as_str).collect()
}

fn facets(writer: &Writer<'_>, facets: &DatasetFacets) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: &str, facet: Value| drop(out.insert(name.to_owned(), facet));
    if let Some(schema) = &facets.schema {
        put("schema", writer.facet("1-2-0/SchemaDatasetFacet", json!({"fields": schema_fields(schema)})));
    }
    if let Some(lineage) = &facets.lineage {
        put("columnLineage", writer.facet("1-2-0/ColumnLineageDatasetFacet", column_lineage(lineage, writer.indirect)));
        put("auditlake_lineage", writer.own_facet("LineageDatasetFacet", own_lineage(lineage)));
    }
    if let Some(symlinks) = &facets.symlinks {
        let identifier = |name: &DatasetName| {
            let mut identifier = named(name);
            identifier.insert("type".into(), json!("TABLE"));
            Value::Object(identifier)
        };
        let identifiers: Vec<Value> = symlinks.iter().map(identifier).collect();
        put("symlinks", writer.facet("1-0-1/SymlinksDatasetFacet", json!({"identifiers": identifiers})));
    }
    if let Some(owners) = &facets.owners {
        let owners: Vec<Value> = owners.iter().map(|name| json!({"name": name})).collect();
        put("ownership", writer.facet("1-0-1/OwnershipDatasetFacet", json!({"owners": owners})));
    }
    if let Some(tags) = &facets.tags {
        let tags: Vec<Value> = tags.iter().map(tag).collect();
        put("tags", writer.facet("1-0-0/TagsDatasetFacet", json!({"tags": tags})));
    }
    if let Some(kind) = facets.kind {
        let body = json!({"datasetType": dataset_word(kind)});
        put("datasetType", writer.facet("1-0-1/DatasetTypeDatasetFacet", body));
    }
    if let Some(change) = &facets.lifecycle {
        put("lifecycleStateChange", writer.facet("1-0-1/LifecycleStateChangeDatasetFacet", lifecycle(change)));
    }
    if let Some(version) = &facets.version {
        put("version", writer.facet("1-0-1/DatasetVersionDatasetFacet", json!({"datasetVersion": version})));
    }
    out
}

fn named(name: &DatasetName) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("namespace".into(), json!(name.namespace));
    out.insert("name".into(), json!(name.name));
    out
}

fn counts(statistics: &Statistics) -> Value {
    let mut out = Map::new();
    let all = [("rowCount", statistics.rows), ("size", statistics.size_bytes), ("fileCount", statistics.files)];
    out.extend(all.into_iter().filter_map(|(name, count)| Some((name.to_owned(), json!(count?)))));
    Value::Object(out)
}

fn schema_fields(fields: &[SchemaField]) -> Value {
    let field = |field: &SchemaField| {
        let mut out = Map::new();
        out.insert("name".into(), json!(field.name));
        if let Some(word) = &field.type_word {
            out.insert("type".into(), json!(word));
        }
        if !field.fields.is_empty() {
            out.insert("fields".into(), schema_fields(&field.fields));
        }
        Value::Object(out)
    };
    fields.iter().map(field).collect()
}

fn tag(tag: &Tag) -> Value {
    let mut out = json!({"key": tag.key, "value": tag.value});
    if let Some(field) = &tag.field {
        out["field"] = json!(field);
    }
    out
}

fn lifecycle(change: &Lifecycle) -> Value {
    let word = match change {
        Lifecycle::Alter => "ALTER",
        Lifecycle::Create => "CREATE",
        Lifecycle::Drop => "DROP",
        Lifecycle::Overwrite => "OVERWRITE",
        Lifecycle::Rename(_) => "RENAME",
        Lifecycle::Truncate => "TRUNCATE",
    };
    let mut out = json!({"lifecycleStateChange": word});
    if let Lifecycle::Rename(Some(before)) = change {
        out["previousIdentifier"] = Value::Object(named(before));
    }
    out
}

/// What the published facet has fields for: sources that are columns, with their kinds.
fn column_lineage(lineage: &ColumnLineage, indirect: Indirect) -> Value {
    let copied = (indirect == Indirect::Fields).then(|| {
        let mut copied = lineage.clone();
        copied.copy_rows();
        copied
    });
    let fields = &copied.as_ref().unwrap_or(lineage).fields;
    let fields: Map<String, Value> =
        fields.iter().map(|(name, sources)| (name.clone(), json!({"inputFields": input_fields(sources)}))).collect();
    match indirect {
        Indirect::Dataset => json!({"fields": fields, "dataset": input_fields(&lineage.dataset)}),
        Indirect::Fields => json!({"fields": fields}),
    }
}

fn input_fields(sources: &Sources) -> Value {
    let columns = sources.from.iter().filter(|(source, _)| source.field.is_some());
    columns.map(|(source, way)| input_field(source, Some(way.kinds))).collect()
}

fn input_field(source: &Source, kinds: Option<EdgeKinds>) -> Value {
    let mut out = named(&source.dataset);
    if let Some(field) = &source.field {
        out.insert("field".into(), json!(field));
    }
    if let Some(kinds) = kinds {
        let one = |(kind, is_masked): (schemas::EdgeKind, bool)| json!({"type": kind.type_word(), "subtype": kind.as_str(), "masking": is_masked});
        out.insert("transformations".into(), kinds.iter().map(one).collect());
    }
    Value::Object(out)
}

/// What the published facet has no field for, as far as it does not follow from that facet.
fn own_lineage(lineage: &ColumnLineage) -> Value {
    let mut out = Map::new();
    let fields: Map<String, Value> =
        lineage.fields.iter().filter_map(|(name, sources)| Some((name.clone(), beyond(sources)?))).collect();
    if !fields.is_empty() {
        out.insert("fields".into(), Value::Object(fields));
    }
    if let Some(dataset) = beyond(&lineage.dataset) {
        out.insert("dataset".into(), dataset);
    }
    Value::Object(out)
}

fn beyond(sources: &Sources) -> Option<Value> {
    let mut out = Map::new();
    // A reader of the published facet does not see whole datasets, and judges without them.
    if (sources.certainty, sources.gap) != sources.told_by_columns() {
        out.insert("certainty".into(), json!(sources.certainty.as_str()));
        if let Some(gap) = sources.gap {
            out.insert("gap".into(), json!(gap.as_str()));
        }
    }
    let needs_word = |(source, way): &(&Source, &Way)| source.field.is_none() || way.cap != Way::of(way.kinds).cap;
    let input = |(source, way): (&Source, &Way)| {
        let mut input = input_field(source, source.field.is_none().then_some(way.kinds));
        input["cap"] = json!(way.cap.as_str());
        input
    };
    let inputs: Vec<Value> = sources.from.iter().filter(needs_word).map(input).collect();
    if !inputs.is_empty() {
        out.insert("inputs".into(), Value::Array(inputs));
    }
    (!out.is_empty()).then_some(Value::Object(out))
}
