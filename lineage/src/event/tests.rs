use std::collections::BTreeSet;

use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};
use serde_json::{Value, json};

use super::*;
use crate::facts::DatasetKind;

const RUN: &str = "41fb5137-f0fd-4ee5-ba5c-56f8571d1bd7";

fn complete(outputs: Value) -> Value {
    json!({
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "producer": "urn:test",
        "schemaURL": "https://openlineage.io/spec/1-0-5/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": RUN},
        "job": {"namespace": "jobs", "name": "load"},
        "inputs": [{"namespace": "s3://b", "name": "in"}],
        "outputs": outputs
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut event = complete(json!([{"namespace": "s3://b", "name": "out", "facets": {}, "outputFacets": {}}]));
    let (above, key) = pointer.rsplit_once('/').expect("a pointer");
    event.pointer_mut(above).and_then(Value::as_object_mut).expect("an object").insert(key.to_owned(), value);
    event
}

fn parse(event: &Value, origin: Origin) -> Result<(Event, Vec<Remark>), Remark> {
    let declared = BTreeSet::new();
    read(event.to_string().as_bytes(), &Reading { origin, declared: Some(&declared), redact_sql: |_| None })
}

#[track_caller]
fn refused(event: &Value, want: &str) {
    assert_eq!(parse(event, Origin::Import).expect_err(want).to_string(), want);
}

fn lineage_of(facets: Value) -> Option<ColumnLineage> {
    let (event, _) = parse(&with("/outputs/0/facets", facets), Origin::Import).expect("reads");
    event.job().expect("a job").outputs[0].facets.lineage.clone()
}

fn input(field: &str, transformations: Value) -> Value {
    json!({"namespace": "s3://b", "name": "in", "field": field, "transformations": transformations})
}

/// `column <- source KIND …; …`, with the certainty where it is not exact.
fn told(lineage: &ColumnLineage) -> Vec<String> {
    let line = |(target, sources): (&str, &Sources)| {
        let from = sources.from.iter().map(|(source, way)| {
            let masked =
                |(kind, is_masked): (EdgeKind, bool)| format!(" {}{}", kind.as_str(), if is_masked { "!" } else { "" });
            let kinds: String = way.kinds.iter().map(masked).collect();
            format!("{}{kinds} {}", source.field.as_deref().unwrap_or("*"), way.cap.as_str())
        });
        let from: Vec<String> = from.collect();
        let gap = sources.gap.map(|gap| format!(" ({} {})", sources.certainty.as_str(), gap.as_str()));
        format!("{target} <- {}{}", from.join(", "), gap.unwrap_or_default())
    };
    let fields = lineage.fields.iter().map(|(name, sources)| (name.as_str(), sources));
    fields.chain([("*", &lineage.dataset)]).map(line).collect()
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let out = json!([]);
    let parse_bytes = |bytes: &[u8]| {
        let declared = BTreeSet::new();
        read(bytes, &Reading { origin: Origin::Import, declared: Some(&declared), redact_sql: |_| None })
            .expect_err("refused")
            .to_string()
    };
    assert!(parse_bytes(b"{\"a\":").starts_with("the event is not JSON: EOF"));
    assert!(parse_bytes(b"\xff\xfe").starts_with("the event is not JSON"));
    assert_eq!(parse_bytes(b"[]"), "the event is not an object");
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    assert!(parse_bytes(deep.as_bytes()).contains("recursion limit"));
    let large = vec![b' '; 100_000_001];
    assert_eq!(parse_bytes(&large), "the event has 100000001 bytes; at most 100000000 are read");

    let mut event = complete(out.clone());
    event["schemaURL"] = json!("https://openlineage.io/spec/3-0-0/OpenLineage.json");
    refused(
        &event,
        "/schemaURL \"https://openlineage.io/spec/3-0-0/OpenLineage.json\" is of an unknown version; 1.x and 2.x are read",
    );
    let mut event = complete(out.clone());
    event["run"] = json!({});
    refused(&event, "/run/runId is missing");
    event.as_object_mut().expect("an object").remove("run");
    refused(&event, "/run is missing");
    let mut event = complete(out.clone());
    event["eventTime"] = json!("soon");
    refused(&event, "/eventTime \"soon\" is not an instant; write for example 2026-03-29T04:00:00Z");
    event["eventTime"] = json!(17);
    refused(&event, "/eventTime is not a text");
    let mut event = complete(out.clone());
    event["eventType"] = json!("DONE");
    refused(&event, "/eventType is none of START, RUNNING, COMPLETE, ABORT, FAIL and OTHER");
    let mut event = complete(out);
    event["job"] = json!({"namespace": "a", "name": ""});
    refused(&event, "/job/name is empty");
    refused(
        &with("/outputs/0/facets", json!({"a~b/c": null, "tags": {"tags": [{"key": "k"}]}})),
        "/outputs/0/facets/tags/tags/0/value is missing",
    );
    refused(
        &with("/outputs/0/facets", json!({"lifecycleStateChange": {"lifecycleStateChange": "GONE"}})),
        "/outputs/0/facets/lifecycleStateChange/lifecycleStateChange is none of ALTER, CREATE, DROP, OVERWRITE, RENAME and TRUNCATE",
    );
}

#[test]
fn what_is_assumed_is_said() {
    let mut event = with(
        "/run/facets",
        json!({"nominalTime": {"nominalStartTime": "2026-01-01T00:00:00", "nominalEndTime": null}}),
    );
    event["eventTime"] = json!("2026-01-01T00:00:00.123456789Z");
    event["run"]["runId"] = json!("7");
    event.as_object_mut().expect("an object").remove("schemaURL");
    let (event, remarks) = parse(&event, Origin::Import).expect("reads");
    let remarks: Vec<String> = remarks.iter().map(ToString::to_string).collect();
    let want = [
        "/schemaURL is missing; read as 2-0-2",
        "/eventTime is finer than microseconds; cut",
        "/run/runId \"7\" is not a UUID; kept as it is",
        "/run/facets/nominalTime/nominalStartTime has no zone; taken as UTC",
        "/run/facets/nominalTime has no nominalEndTime; the interval has no end",
    ];
    assert_eq!(remarks, want);
    assert_eq!(schemas::rfc3339(event.at), "2026-01-01T00:00:00.123456Z");
}

#[test]
fn column_lineage_of_every_version_comes_to_the_same_terms() {
    let identity = json!([{"type": "DIRECT", "subtype": "IDENTITY"}]);
    // 1-0-0: one word for a whole column, or none.
    let lineage = lineage_of(json!({"columnLineage": {"fields": {
        "a": {"inputFields": [{"namespace": "s3://b", "name": "in", "field": "x"}], "transformationType": "IDENTITY"},
        "b": {"inputFields": [{"namespace": "s3://b", "name": "in", "field": "x"}], "transformationType": "MASKED"},
        "c": {"inputFields": [{"namespace": "s3://b", "name": "in", "field": "x"}], "transformationType": ""}}}}));
    let want =
        ["a <- x IDENTITY raw", "b <- x TRANSFORMATION! pseudonymised", "c <- x raw (opaque producer_silent)", "* <- "];
    assert_eq!(told(&lineage.expect("lineage")), want);
    // 1-1-0: dependencies of the dataset are copied into every column.
    let filter = json!([{"type": "INDIRECT", "subtype": "FILTER"}, {"type": "INDIRECT", "subtype": "CONDITIONAL"}]);
    let lineage = lineage_of(json!({"columnLineage": {"fields": {
        "a": {"inputFields": [input("x", identity.clone()), input("y", filter.clone())]},
        "b": {"inputFields": [input("y", json!([{"type": "DIRECT", "subtype": "AGGREGATION", "masking": true}, {"type": "INDIRECT", "subtype": "FILTER"}, {"type": "INDIRECT", "subtype": "CONDITIONAL"}]))]}}}}));
    let want =
        ["a <- x IDENTITY raw, y CONDITIONAL none", "b <- y CONDITIONAL AGGREGATION! aggregated", "* <- y FILTER none"];
    assert_eq!(told(&lineage.expect("lineage")), want);
    // 1-2-0: a list for them, so that what stands at a column is meant for it.
    let lineage = lineage_of(
        json!({"columnLineage": {"fields": {"a": {"inputFields": [input("y", filter.clone())]}}, "dataset": [input("z", json!([{"type": "INDIRECT"}]))]}}),
    );
    assert_eq!(told(&lineage.expect("lineage")), ["a <- y FILTER CONDITIONAL none", "* <- z FILTER none"]);
    assert_eq!(lineage_of(json!({"columnLineage": {"fields": {}, "dataset": []}})), None, "nothing was said");
    // The explicit facet wins.
    let lineage = lineage_of(json!({"columnLineage": {"fields": {"a": {"inputFields": [input("y", identity)]}}},
        "lineage": {"inputs": [{"namespace": "s3://b", "name": "in", "type": "DATASET"}, {"namespace": "s3://b", "name": "other", "type": "DATASET"}],
            "fields": {"b": {"inputs": [{"namespace": "s3://b", "name": "in", "field": "q", "type": "DATASET", "transformations": [{"type": "DIRECT", "subtype": "TRANSFORMATION"}]},
                {"type": "JOB"}]}}}}));
    assert_eq!(told(&lineage.expect("lineage")), ["b <- q TRANSFORMATION raw", "* <- * raw (opaque job_level)"]);
}

#[test]
fn explicit_lineage_of_a_job_adds_what_the_event_does_not_name() {
    let entry = json!({"namespace": "s3://b", "name": "made", "type": "DATASET", "inputs": [],
        "fields": {"total": {"inputs": [{"type": "JOB"}, {"namespace": "j", "name": "other", "type": "JOB"},
            {"namespace": "s3://b", "name": "far", "field": "n", "type": "DATASET"}]}}});
    let own = json!({"type": "JOB", "inputs": [{"namespace": "s3://b", "name": "looked-at", "type": "DATASET"}]});
    let (event, _) =
        parse(&with("/job/facets", json!({"lineage": {"entries": [entry, own]}})), Origin::Import).expect("reads");
    let job = event.job().expect("a job");
    let names = |datasets: &[Dataset]| datasets.iter().map(|one| one.name.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(&job.inputs), names(&job.outputs)),
        (["in", "far", "looked-at"].map(str::to_owned).to_vec(), ["out", "made"].map(str::to_owned).to_vec())
    );
    assert!(event.dropped.contains("job.lineage of other jobs"));
}

#[test]
fn no_literal_of_anybody_else_is_kept() {
    let secret = "alice@example.org";
    let transformation = json!([{"type": "DIRECT", "subtype": "IDENTITY", "description": secret}]);
    let mut event = with(
        "/outputs/0/facets",
        json!({
            "schema": {"fields": [{"name": "a", "type": "text", "description": secret}]},
            "columnLineage": {"fields": {"a": {"inputFields": [input("x", transformation)], "transformationDescription": secret}}},
            "documentation": {"description": secret}, "tags": {"tags": [{"key": "k", "value": "v", "source": secret}]},
            "dataQualityAssertions": {"assertions": [{"assertion": secret}]}
        }),
    );
    event["run"]["facets"] = json!({"errorMessage": {"message": secret, "programmingLanguage": "JAVA", "stackTrace": secret},
        "extractionError": {"totalTasks": 1, "failedTasks": 1, "errors": [{"errorMessage": secret}]},
        "spark.logicalPlan": {"plan": [secret]}, "environmentVariables": {"environmentVariables": [{"name": "a", "value": secret}]}});
    event["job"]["facets"] =
        json!({"sql": {"query": format!("SELECT '{secret}'")}, "sourceCode": {"sourceCode": secret}});
    event["inputs"] = json!([{"namespace": "s3://b", "name": format!("t/mail={secret}/part.parquet"),
        "inputFacets": {"subset": {"inputCondition": {"type": "compare", "left": {"type": "literal", "value": secret}}},
            "dataQualityMetrics": {"columnMetrics": {"a": {"min": 1, "quantiles": {"0.5": 7}}}}}}]);
    event["extra"] = json!(secret);
    let (read, _) = parse(&event, Origin::Import).expect("reads");
    let kept = read.to_value(Indirect::Dataset).to_string();
    assert!(!kept.contains("alice"), "{kept}");
    let want = [
        "dataset.dataQualityAssertions",
        "dataset.documentation",
        "input.dataQualityMetrics",
        "input.subset",
        "job.sourceCode",
        "job.sql",
        "run.environmentVariables",
        "run.errorMessage",
        "run.spark.logicalPlan",
    ];
    assert_eq!(read.dropped.iter().map(String::as_str).collect::<Vec<_>>(), want);
}

#[test]
fn what_is_written_reads_back_equal() {
    let mut masked = Sources { certainty: Certainty::Superset, gap: Some(Gap::NotTraced), ..Sources::default() };
    let source = |field: Option<&str>| Source { dataset: normal_name("s3://b", "in"), field: field.map(str::to_owned) };
    masked.add(
        source(Some("x/y~z.\u{1f577}[]")),
        Way { kinds: EdgeKinds::one(EdgeKind::Identity, true), cap: Form::Masked },
    );
    masked.add(source(None), Way { kinds: EdgeKinds::one(EdgeKind::Join, false), cap: Form::None });
    let lost = Sources { certainty: Certainty::Opaque, gap: Some(Gap::Execute), ..Sources::default() };
    let fields = [("a", masked.clone()), ("b", lost), ("c", Sources::default())];
    let mut dataset = Dataset::new(normal_name("s3://b", "out"));
    dataset.statistics = Some(Statistics { rows: Some(7), size_bytes: None, files: Some(1) });
    dataset.partitions = Some(vec![[("day".to_owned(), "2026-01-01".to_owned())].into()]);
    dataset.facets = DatasetFacets {
        schema: Some(vec![SchemaField {
            name: "a".into(),
            type_word: Some("struct".into()),
            fields: vec![SchemaField { name: "b".into(), type_word: None, fields: vec![] }],
        }]),
        lineage: Some(ColumnLineage {
            fields: fields.map(|(name, sources)| (name.to_owned(), sources)).into(),
            dataset: masked,
        }),
        symlinks: Some([normal_name("auditlake://acme", "out")].into()),
        owners: Some(["ops".to_owned()].into()),
        tags: Some([Tag { field: Some("a".into()), key: "class".into(), value: "personal".into() }].into()),
        kind: Some(DatasetKind::Model),
        lifecycle: Some(Lifecycle::Rename(Some(normal_name("s3://b", "before")))),
        version: Some("7".into()),
    };
    let mut run = RunPart::new(RUN, State::Fail);
    let from = schemas::parse_rfc3339("2026-01-01T00:00:00Z").expect("an instant");
    run.nominal = Some(Nominal { from, to: Some(from) });
    run.parent = Some(Parent { run_id: RUN.into(), job: JobName { namespace: "a".into(), name: "b".into() } });
    run.engine = Some(Engine { name: None, version: "1".into() });
    run.error = Some("out of memory".into());
    run.operations = Some([Operation::Delete, Operation::Export].into());
    let mut job = JobPart::new(JobName { namespace: "jobs".into(), name: "load".into() });
    job.outputs = vec![dataset.clone(), Dataset { partitions: None, statistics: None, ..dataset.clone() }];
    job.owners = Some(BTreeSet::new());
    let alone = Dataset { partitions: None, statistics: None, ..dataset };
    for about in [About::Run(run, job.clone()), About::Job(job), About::Dataset(alone)] {
        let event = Event {
            at: from,
            producer: "urn:test".into(),
            origin: Origin::Run,
            about,
            dropped: ["run.x".to_owned()].into(),
        };
        let (again, remarks) = parse(&event.to_value(Indirect::Dataset), Origin::Run).expect("reads");
        assert_eq!((&again, remarks), (&event, vec![]));
        assert_eq!(again.id(), event.id());
    }
}

#[test]
fn a_file_gives_its_good_events_and_names_the_others() {
    let good = complete(json!([])).to_string();
    let declared = BTreeSet::new();
    let reading = Reading { origin: Origin::Import, declared: Some(&declared), redact_sql: |_| None };
    let check = |file: &str, events: usize, refused: &[usize]| {
        let batch = read_all(file.as_bytes(), &reading);
        let positions: Vec<Position> = batch.refused.iter().map(|refused| refused.position).collect();
        assert_eq!((batch.events.len(), positions.as_slice()), (events, refused), "{file}");
    };
    let pretty = serde_json::to_string_pretty(&complete(json!([]))).expect("JSON");
    check(&format!("\u{feff}{pretty}"), 1, &[]);
    check(&pretty.replace("COMPLETE", "DONE"), 0, &[1]);
    check(pretty.trim_end_matches('}'), 0, &[1]);
    check(&format!("{good}\n\n{{\"a\":\n{good}\r\n"), 2, &[3]);
    check(&format!("{{\"a\":\n{good}\n{good}"), 2, &[1]);
    check(&format!("[{good}, {{\"a\": \"]\\\"[\"}}, nonsense, {good}]"), 2, &[2, 3]);
    check(&format!("[{good}] trailing"), 1, &[2]);
    check("[", 0, &[1]);
    check(&format!("[{good}, {good}"), 2, &[3]);
    check("[]", 0, &[]);
    check("", 0, &[]);
    check("nonsense", 0, &[1]);
}
