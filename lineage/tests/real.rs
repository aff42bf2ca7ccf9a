//! Real events and manifests count up to what an independent count says.
//!
//! The figures are read from the corpus' own `FACTS.json`; nothing of it stands here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use lineage::{Batch, Event, Facts, Indirect, Merged, Origin, Reading, State, read, read_all, read_manifest};
use schemas::Gap;
use serde_json::{Value, json};

/// The folder of the corpus. Where there is none, a test says so even when it passes.
fn corpus(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("AUDITLAKE_REAL_DATA").map(PathBuf::from);
    if folder.is_none() {
        // Not `eprintln!`: a test that passes keeps that to itself.
        writeln!(std::io::stderr(), "SKIPPED {test}: AUDITLAKE_REAL_DATA is not set").expect("stderr");
    }
    folder.map(|folder| folder.join("lineage"))
}

fn figures(corpus: &Path) -> Value {
    let text = fs::read_to_string(corpus.join("../FACTS.json")).expect("the facts of the corpus");
    serde_json::from_str::<Value>(&text).expect("JSON")["lineage"].clone()
}

fn bytes(file: &Path) -> Vec<u8> {
    let mut bytes = fs::read(file).expect("a file of the corpus");
    if file.extension().is_some_and(|ending| ending == "gz") {
        let mut unpacked = Vec::new();
        GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).expect("gzip");
        bytes = unpacked;
    }
    bytes
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder of the corpus").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn imported(files: &[PathBuf]) -> Batch {
    let declared = BTreeSet::new();
    let reading = Reading { origin: Origin::Import, declared: Some(&declared), redact_sql: |_| None };
    let mut all = Batch::default();
    for file in files {
        let batch = read_all(&bytes(file), &reading);
        all.events.extend(batch.events);
        all.warnings.extend(batch.warnings);
        all.refused.extend(batch.refused);
    }
    all
}

fn merged(events: &[Event]) -> Facts {
    let mut merged = Merged::default();
    events.iter().for_each(|event| merged.add(event.clone()));
    merged.facts()
}

/// The figures of the corpus, counted from what was read.
fn counted(events: &[Event]) -> Value {
    let (mut runs, mut jobs, mut datasets, mut ties) =
        <(BTreeSet<_>, BTreeSet<_>, BTreeSet<_>, BTreeSet<_>)>::default();
    let mut columns = BTreeSet::new();
    let mut types: BTreeMap<String, u64> = BTreeMap::new();
    for event in events {
        let word = event.to_value(Indirect::Dataset)["eventType"].as_str().unwrap_or("OTHER").to_owned();
        *types.entry(word).or_default() += 1;
        runs.extend(event.run().map(|run| run.id.clone()));
        let Some(job) = event.job() else { continue };
        jobs.insert(&job.name);
        for (is_output, dataset) in
            job.inputs.iter().map(|one| (false, one)).chain(job.outputs.iter().map(|one| (true, one)))
        {
            datasets.insert(&dataset.name);
            ties.insert((&job.name, is_output, &dataset.name));
            let Some(lineage) = &dataset.facets.lineage else { continue };
            for (field, sources) in &lineage.fields {
                // What a producer copied into every column has been put to the dataset; the count has it at each.
                for source in sources.from.keys().chain(lineage.dataset.from.keys()) {
                    columns.insert((&dataset.name, field, source));
                }
            }
        }
    }
    json!({"events": events.len(), "types": types, "runs": runs.len(), "jobs": jobs.len(),
        "datasets": datasets.len(), "dataset_job_edges": ties.len(), "column_edges": columns.len()})
}

/// Where an independent count has no type, none is told of a run and a job alone has one that does not count.
fn check(file: &str, events: &[Event], want: &Value) {
    let mut have = counted(events);
    let mut want = want.clone();
    for word in ["None", "OTHER"] {
        for figures in [&mut have, &mut want] {
            figures["types"].as_object_mut().expect("types").remove(word);
        }
    }
    if events.iter().any(|event| event.run().is_none()) {
        have["types"] = want["types"].clone();
    }
    assert_eq!(have, want, "{file}");
}

#[test]
fn every_captured_event_is_read_and_counts_up() {
    let Some(corpus) = corpus("every_captured_event_is_read_and_counts_up") else { return };
    let figures = figures(&corpus);
    let mut total = 0;
    for (name, want) in figures.as_object().expect("figures") {
        let Some(folder) = name.strip_prefix("events/") else { continue };
        let batch = imported(&files(&corpus.join("openlineage/events").join(folder)));
        assert_eq!(batch.refused, [], "{name}");
        check(name, &batch.events, want);
        total += batch.events.len();
    }
    assert_eq!(total, 45);
    for (name, want) in figures.as_object().expect("figures") {
        if let Some(file) = name.strip_prefix("marquez/") {
            let batch = imported(&[corpus.join("marquez").join(file)]);
            assert_eq!(batch.refused, [], "{name}");
            check(name, &batch.events, want);
        }
    }
}

#[test]
fn captured_events_come_to_the_graph_that_was_counted() {
    let Some(corpus) = corpus("captured_events_come_to_the_graph_that_was_counted") else { return };
    let figures = figures(&corpus);
    for (name, folder) in [
        ("events/airflow", "openlineage/events/airflow"),
        ("events/spark_dataproc_bigquery_shakespare", "openlineage/events/spark_dataproc_bigquery_shakespare"),
        ("marquez/seed_events.json", ""),
    ] {
        let files = if folder.is_empty() { vec![corpus.join(name)] } else { files(&corpus.join(folder)) };
        let batch = imported(&files);
        let facts = merged(&batch.events);
        let want = &figures[name];
        let columns = facts.edges.iter().filter(|edge| edge.gap != Some(Gap::JobLevel)).count();
        let ties: usize = facts.jobs.values().map(|job| job.inputs.len() + job.outputs.len()).sum();
        // What only a column's source names is a dataset, too, and is not in the count.
        let tied: BTreeSet<_> = facts.jobs.values().flat_map(|job| job.inputs.iter().chain(&job.outputs)).collect();
        let have = json!([facts.jobs.len(), tied.len(), ties, columns]);
        assert_eq!(
            have,
            json!([want["jobs"], want["datasets"], want["dataset_job_edges"], want["column_edges"]]),
            "{name}"
        );
        assert!(facts.edges.iter().all(|edge| edge.valid_to.is_none()), "{name}");
        // Every event holds for itself, so what was kept of them is what is read again.
        let mut again = Vec::new();
        for event in &batch.events {
            let text = event.to_value(Indirect::Dataset).to_string();
            let reading = Reading { origin: Origin::Import, declared: None, redact_sql: |sql| Some(sql.to_owned()) };
            let (read, _) = read(text.as_bytes(), &reading).expect("what was written is read");
            assert_eq!((read.id(), &read), (event.id(), event), "{name}");
            again.push(read);
        }
        assert_eq!(merged(&again), facts, "{name}");
    }
}

#[test]
fn events_made_to_be_invalid_are_refused_with_the_place() {
    let Some(corpus) = corpus("events_made_to_be_invalid_are_refused_with_the_place") else { return };
    let files = files(&corpus.join("openlineage/fluentd_events"));
    let batch = imported(&files);
    assert_eq!(batch.events.len(), 2);
    let refused: Vec<String> = batch.refused.iter().map(|refused| refused.remark.to_string()).collect();
    let want = [
        "/outputs/0/facets/ownership/owners/0/name is missing",
        "/inputs/0/inputFacets/dataQualityMetrics has neither rowCount nor columnMetrics",
        "/job/facets/ownership/owners/0/name is missing",
        "/outputs/0/outputFacets/outputStatistics/rowCount is not a whole number",
        "/run/facets/parent/run/runId is missing",
        "/run/runId is missing",
    ];
    assert_eq!(refused, want);
}

#[test]
fn odd_events_are_read_with_a_warning() {
    let Some(corpus) = corpus("odd_events_are_read_with_a_warning") else { return };
    for (file, want) in [
        ("event_required_no_timezone.json", "/eventTime has no zone; taken as UTC"),
        ("event_without_schema_url.json", "/schemaURL is missing; read as 2-0-2"),
        ("null_nominal_end_time.json", "/run/facets/nominalTime has no nominalEndTime; the interval has no end"),
    ] {
        let batch = imported(&[corpus.join("marquez").join(file)]);
        let warnings: Vec<String> = batch.warnings.iter().map(|(_, remark)| remark.to_string()).collect();
        assert_eq!(warnings, [want], "{file}");
    }
    let unicode = imported(&[corpus.join("marquez/event_unicode.json")]);
    assert!(unicode.events.iter().any(|event| event.job().is_some_and(|job| !job.name.name.is_ascii())));
}

#[test]
fn events_of_another_tool_are_read_but_for_those_without_a_run() {
    let Some(corpus) = corpus("events_of_another_tool_are_read_but_for_those_without_a_run") else { return };
    let name = "dbt_to_openlineage/postgres/build_command/build_ol_events.json.gz";
    let batch = imported(&[corpus.join(name)]);
    let want = figures(&corpus)[name]["events"].as_u64().expect("a count");
    assert_eq!((batch.events.len() + batch.refused.len()) as u64, want);
    assert!(batch.refused.iter().all(|refused| refused.remark.pointer == "/run/runId"), "{:?}", batch.refused);
    let facts = merged(&batch.events);
    let completed = batch.events.iter().filter(|event| event.run().is_some_and(|run| run.state == State::Complete));
    let names: BTreeSet<_> = completed.filter_map(|event| event.job()).map(|job| &job.name).collect();
    let ended = facts.jobs.iter().filter(|(_, job)| job.last_run_at.is_some()).map(|(name, _)| name);
    assert_eq!(ended.collect::<BTreeSet<_>>(), names);
}

#[test]
fn manifests_have_the_resources_and_dependencies_that_were_counted() {
    let Some(corpus) = corpus("manifests_have_the_resources_and_dependencies_that_were_counted") else { return };
    for (name, want) in figures(&corpus).as_object().expect("figures") {
        let Some(project) = name.strip_prefix("dbt/") else { continue };
        let manifest = read_manifest(&bytes(&corpus.join("dbt").join(project).join("manifest.json.gz")), "dbt")
            .expect("a manifest");
        let count = |kind: &str| manifest.resources.get(kind).copied().unwrap_or_default();
        for (kind, number) in want["by_type"].as_object().expect("counts by type") {
            assert_eq!(json!(count(kind)), *number, "{project} {kind}");
        }
        assert_eq!(json!(count("source")), want["sources"], "{project}");
        assert_eq!(json!(count("metric")), want["metrics"], "{project}");
        assert_eq!(json!(manifest.dependencies), want["parent_edges"], "{project}");
        assert_eq!(manifest.unresolved, [], "{project}");
        let facts = merged(&manifest.events);
        let jobs: usize = manifest.resources.iter().filter(|(kind, _)| *kind != "source").map(|(_, count)| count).sum();
        assert_eq!(facts.jobs.len(), jobs, "{project}");
        // Each dependency is an input of its job, and an edge where the job makes something.
        let edges: usize = facts.jobs.values().map(|job| job.inputs.len() * job.outputs.len()).sum();
        assert_eq!(facts.edges.len(), edges, "{project}");
    }
}
