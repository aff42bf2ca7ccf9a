use serde_json::json;

use crate::dbt::read_manifest;
use crate::event::Event;
use crate::facts::{DatasetKind, Facts};
use crate::merge::Merged;

const HOST: &str = "postgres://host:5432";

fn manifest(version: &str) -> Vec<u8> {
    let model = |name: &str, materialized: &str, above: &[&str]| {
        json!({"resource_type": "model", "database": "db", "schema": "s", "name": name, "alias": name,
            "config": {"materialized": materialized}, "tags": ["daily"], "depends_on": {"nodes": above},
            "raw_code": "SELECT 'alice@example.org'",
            "columns": {"id": {"data_type": "bigint", "tags": ["pii"], "description": "of a person"}}})
    };
    let value = json!({
        "metadata": {"dbt_schema_version": version, "generated_at": "2026-01-01T00:00:00Z"},
        "sources": {"source.p.raw.people": {"resource_type": "source", "database": "db", "schema": "raw",
            "name": "people", "identifier": "people_v1"}},
        "nodes": {
            "model.p.a": model("a", "view", &["source.p.raw.people", "source.p.raw.people"]),
            "model.p.between": model("between", "ephemeral", &["model.p.a"]),
            "model.p.b": model("b", "table", &["model.p.between", "model.p.gone"]),
            "test.p.t": {"resource_type": "test", "depends_on": {"nodes": ["model.p.b"]}}
        },
        "metrics": {"metric.p.m": {"resource_type": "metric", "depends_on": {"nodes": ["model.p.b"]}}}
    });
    serde_json::to_vec(&value).expect("JSON")
}

fn facts(events: Vec<Event>) -> Facts {
    let mut merged = Merged::default();
    events.into_iter().for_each(|event| merged.add(event));
    merged.facts()
}

#[test]
fn resources_are_jobs_and_what_they_store_are_datasets() {
    let read = read_manifest(&manifest("https://schemas.getdbt.com/dbt/manifest/v12.json"), HOST).expect("reads");
    assert_eq!((read.dependencies, read.resources["model"], read.resources["source"]), (7, 3, 1));
    let unresolved: Vec<String> = read.unresolved.iter().map(ToString::to_string).collect();
    assert_eq!(unresolved, ["/nodes/model.p.b/depends_on/nodes/1 \"model.p.gone\" is not in the manifest"]);
    let text = format!("{:?}", read.events);
    assert!(!text.contains("alice") && !text.contains("of a person"), "{text}");

    let facts = facts(read.events);
    let kinds: Vec<(&str, DatasetKind)> =
        facts.datasets.iter().map(|(name, fact)| (name.name.as_str(), fact.kind)).collect();
    let want = [
        ("db.raw.people_v1", DatasetKind::Table),
        ("db.s.a", DatasetKind::View),
        ("db.s.b", DatasetKind::Table),
        ("metric.p.m", DatasetKind::JobOutput),
        ("model.p.between", DatasetKind::JobOutput),
    ];
    assert_eq!(kinds, want);
    assert_eq!((facts.jobs.len(), facts.edges.len()), (5, 4));
    let column = facts.datasets.values().find_map(|fact| fact.columns.get("id")).expect("a column");
    assert!(column.tags.contains("pii") && column.type_word.as_deref() == Some("bigint"));
}

#[test]
fn what_is_no_manifest_is_refused() {
    for version in
        ["https://schemas.getdbt.com/dbt/manifest/v13.json", "https://schemas.getdbt.com/dbt/catalog/v1.json"]
    {
        let refused = read_manifest(&manifest(version), HOST).expect_err(version);
        assert_eq!(refused.pointer, "/metadata/dbt_schema_version");
    }
    assert!(read_manifest(b"{", HOST).expect_err("refused").reason.starts_with("is not JSON"));
    assert_eq!(read_manifest(b"[]", HOST).expect_err("refused").pointer, "/metadata/dbt_schema_version");
}
