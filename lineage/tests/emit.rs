//! What is emitted says everything the facts need, and others can check it.
//!
//! With `AUDITLAKE_LINEAGE_SAMPLES` naming a folder, samples are left there for `tests/interop/check_openlineage.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use lineage::{
    ColumnLineage, Dataset, DatasetFact, DatasetKind, DatasetName, EdgeFact, FACET_SCHEMA, Facts, Indirect, JobFact,
    JobName, Lifecycle, Merged, Node, Nominal, Operation, Origin, Parent, Reading, RunEvent, SchemaField, Source,
    Sources, State, Statistics, Tag, Way, normal_name, read, read_all, read_manifest, run_id,
};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};

fn instant(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).expect("an instant")
}

fn one<T: Clone>(rng: &mut ChaCha8Rng, of: &[T]) -> T {
    of.choose(rng).expect("one of several").clone()
}

fn table(rng: &mut ChaCha8Rng) -> DatasetName {
    let (namespace, name) = one(
        rng,
        &[
            ("s3://lake", "audit"),
            ("file", "/data/usage"),
            ("auditlake://acme", "c \u{1f577}.#/x"),
            ("postgres://h:5432", "db.s.t"),
        ],
    );
    normal_name(namespace, name)
}

fn sources(rng: &mut ChaCha8Rng) -> Sources {
    let mut sources = Sources::default();
    for _ in 0..rng.random_range(0..4) {
        let field = (!rng.random_bool(0.1))
            .then(|| one(rng, &["id", "actor.id", "tags[]", "a b\"'</script>", "gr\u{f6}\u{df}e"]).to_owned());
        let kinds = (0..rng.random_range(0..4))
            .map(|_| (one(rng, &EdgeKind::ALL), rng.random_bool(0.2)))
            .collect::<EdgeKinds>();
        sources.add(Source { dataset: table(rng), field }, Way { kinds, cap: one(rng, &Form::ALL) });
    }
    if rng.random_bool(0.3) {
        sources.certainty = one(rng, &[Certainty::Superset, Certainty::Opaque]);
        sources.gap = Some(one(rng, &Gap::ALL));
    }
    sources
}

fn output(rng: &mut ChaCha8Rng, name: DatasetName) -> Dataset {
    let mut output = Dataset::new(name);
    let columns = (0..rng.random_range(0..4)).map(|number| (format!("c{number}"), sources(rng))).collect();
    output.facets.lineage = Some(ColumnLineage { fields: columns, dataset: sources(rng) });
    let field =
        |name: &str, word: &str| SchemaField { name: name.into(), type_word: Some(word.into()), fields: vec![] };
    let nested = SchemaField { fields: vec![field("id", "text")], ..field("actor", "struct") };
    output.facets.schema = Some(vec![field("c0", "bigint"), nested]);
    output.facets.tags = Some([Tag { field: Some("c0".into()), key: "class".into(), value: "personal".into() }].into());
    output.facets.kind = Some(one(rng, &[DatasetKind::Table, DatasetKind::File, DatasetKind::Model]));
    output.facets.owners = Some(["security".to_owned()].into());
    output.facets.lifecycle = rng.random_bool(0.3).then_some(Lifecycle::Overwrite);
    output.facets.version = Some("17".into());
    // Another name, which stands for nothing as long as the dataset bears its own.
    let link = format!("linked {}", output.name.name);
    output.facets.symlinks = Some([normal_name("glue://acme", &link)].into());
    output.partitions = Some(vec![BTreeMap::from([("day".to_owned(), "2026-01-01".to_owned())])]);
    output.statistics = Some(Statistics { rows: Some(10), size_bytes: Some(1000), files: Some(1) });
    output
}

fn run(rng: &mut ChaCha8Rng, state: State) -> RunEvent {
    let mut input = Dataset::new(table(rng));
    input.statistics = Some(Statistics { rows: Some(3), ..Statistics::default() });
    input.partitions = Some(vec![BTreeMap::from([("day".to_owned(), "2026-01-01".to_owned())])]);
    let names: BTreeSet<DatasetName> = (0..rng.random_range(0..3)).map(|_| table(rng)).collect();
    RunEvent {
        run_id: run_id("acme", "daily", instant(0), rng.random_range(1..9)),
        job: JobName { namespace: "auditlake://acme".into(), name: "daily".into() },
        job_kind: "query".into(),
        at: instant(rng.random_range(0..100)),
        state,
        nominal: Some(Nominal { from: instant(0), to: Some(instant(60)) }),
        parent: rng.random_bool(0.2).then(|| Parent {
            run_id: run_id("acme", "all", instant(0), 1),
            job: JobName { namespace: "auditlake://acme".into(), name: "all".into() },
        }),
        engine_version: "0.1.0".into(),
        inputs: vec![input],
        outputs: names.into_iter().map(|name| output(rng, name)).collect(),
        error: (state == State::Fail).then(|| "division by zero".into()),
        sql: Some("SELECT a FROM t WHERE b = ?str".into()),
        operations: (0..2).map(|_| one(rng, &[Operation::Aggregation, Operation::Delete, Operation::Export])).collect(),
    }
}

/// The facts of one completed run, said plainly.
fn facts(run: &RunEvent) -> Facts {
    let mut facts = Facts::default();
    let names = |datasets: &[Dataset]| datasets.iter().map(|one| one.name.clone()).collect::<BTreeSet<_>>();
    let job = JobFact {
        operations: run.operations.clone(),
        inputs: names(&run.inputs),
        outputs: names(&run.outputs),
        last_run_at: Some(run.at),
    };
    for name in job.inputs.union(&job.outputs) {
        facts.datasets.insert(name.clone(), DatasetFact::default());
    }
    facts.jobs.insert(run.job.clone(), job);
    for output in &run.outputs {
        let lineage = output.facets.lineage.as_ref().expect("lineage");
        let columns =
            lineage.fields.iter().map(|(path, sources)| (Node::Column(output.name.clone(), path.clone()), sources));
        for (target, sources) in columns.chain([(Node::Dataset(output.name.clone()), &lineage.dataset)]) {
            let mut from: Vec<(Node, Way)> = Vec::new();
            for (Source { dataset, field }, way) in &sources.from {
                let node =
                    field.clone().map_or(Node::Dataset(dataset.clone()), |field| Node::Column(dataset.clone(), field));
                from.push((node, *way));
            }
            if from.is_empty() && sources.certainty != Certainty::Exact {
                let unknown = Way { kinds: EdgeKinds::default(), cap: Form::Raw };
                from.extend(run.inputs.iter().map(|input| (Node::Dataset(input.name.clone()), unknown)));
            }
            for (source, Way { kinds, cap }) in from {
                let (job, certainty, gap) = (run.job.clone(), sources.certainty, sources.gap);
                facts.edges.insert(EdgeFact {
                    source,
                    target: target.clone(),
                    job,
                    valid_from: run.at,
                    valid_to: None,
                    kinds,
                    cap,
                    certainty,
                    gap,
                });
            }
        }
    }
    for node in facts.edges.iter().flat_map(|edge| [&edge.source, &edge.target]) {
        let (Node::Dataset(name) | Node::Column(name, _)) = node;
        let fact = facts.datasets.entry(name.clone()).or_default();
        if let Node::Column(_, path) = node {
            fact.columns.entry(path.clone()).or_default();
        }
    }
    for output in &run.outputs {
        let fact = facts.datasets.get_mut(&output.name).expect("a dataset");
        fact.kind = output.facets.kind.expect("a kind");
        fact.owners.insert("security".into());
        for (path, word) in [("c0", "bigint"), ("actor", "struct"), ("actor.id", "text")] {
            fact.columns.entry(path.into()).or_default().type_word = Some(word.into());
        }
        fact.columns.get_mut("c0").expect("a column").class = Some("personal".into());
    }
    facts
}

fn read_back(values: &[serde_json::Value]) -> Facts {
    let reading = Reading { origin: Origin::Run, declared: None, redact_sql: |sql| Some(sql.to_owned()) };
    let mut merged = Merged::default();
    for value in values {
        let (event, remarks) = read(value.to_string().as_bytes(), &reading).expect("our own events are read");
        assert_eq!(remarks, []);
        // Copies for old readers are another spelling; the plain one is read and written without a difference.
        if value["outputs"][0]["facets"]["columnLineage"]["dataset"].is_array() {
            assert_eq!(event.to_value(Indirect::Dataset), *value);
        }
        merged.add(event);
    }
    merged.facts()
}

#[test]
fn emitted_events_give_the_facts_that_went_in() {
    for seed in 0..500 {
        let run = run(&mut ChaCha8Rng::seed_from_u64(seed), State::Complete);
        assert_eq!(read_back(&run.to_values(Indirect::Dataset)), facts(&run), "seed {seed}");
    }
}

#[test]
fn copies_for_old_readers_fold_into_the_same_facts() {
    let mut run = run(&mut ChaCha8Rng::seed_from_u64(1), State::Complete);
    let way = |kind| Way::of(EdgeKinds::one(kind, false));
    let source = |field: &str| Source { dataset: normal_name("s3://lake", "audit"), field: Some(field.into()) };
    let mut lineage = ColumnLineage::default();
    lineage.fields.entry("a".into()).or_default().add(source("x"), way(EdgeKind::Identity));
    lineage.fields.entry("b".into()).or_default().add(source("y"), way(EdgeKind::Conditional));
    lineage.dataset.add(source("x"), way(EdgeKind::GroupBy));
    let mut output = output(&mut ChaCha8Rng::seed_from_u64(1), normal_name("s3://lake", "out"));
    output.facets.lineage = Some(lineage);
    run.outputs = vec![output];
    assert_eq!(read_back(&run.to_values(Indirect::Fields)), facts(&run));
}

#[test]
fn a_large_event_is_told_in_parts_before_the_end() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut run = run(&mut rng, State::Complete);
    let name = |number| normal_name("s3://lake", &format!("part-{number}"));
    run.outputs = (0..3000).map(|number| output(&mut rng, name(number))).collect();
    let values = run.to_values(Indirect::Dataset);
    let states: Vec<&str> = values.iter().filter_map(|value| value["eventType"].as_str()).collect();
    assert!(states.len() > 2 && states[..states.len() - 1].iter().all(|state| *state == "RUNNING"), "{states:?}");
    assert_eq!(states.last(), Some(&"COMPLETE"));
    assert!(values.iter().all(|value| value.to_string().len() <= 1_000_000));
    assert_eq!(read_back(&values), facts(&run));
}

fn write(folder: &Path, name: &str, values: &[serde_json::Value]) {
    let text: String = values.iter().map(|value| format!("{value}\n")).collect();
    fs::write(folder.join(name), text).expect("a sample is written");
}

#[test]
fn samples_are_left_for_a_validator() {
    let Some(folder) = std::env::var_os("AUDITLAKE_LINEAGE_SAMPLES").map(PathBuf::from) else {
        writeln!(std::io::stderr(), "SKIPPED samples_are_left_for_a_validator: AUDITLAKE_LINEAGE_SAMPLES is not set")
            .expect("stderr");
        return;
    };
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("facets.schema.json"), FACET_SCHEMA).expect("the schema is written");
    let states = [State::Start, State::Running, State::Complete, State::Fail, State::Abort];
    let mut emitted = Vec::new();
    for (seed, state) in (0..200).flat_map(|seed| states.map(|state| (seed, state))) {
        let run = run(&mut ChaCha8Rng::seed_from_u64(seed), state);
        emitted.extend(run.to_values(if seed % 2 == 0 { Indirect::Dataset } else { Indirect::Fields }));
    }
    write(&folder, "emitted.ndjson", &emitted);
    let Some(corpus) = std::env::var_os("AUDITLAKE_REAL_DATA").map(PathBuf::from) else { return };
    let declared = BTreeSet::new();
    let reading = Reading { origin: Origin::Import, declared: Some(&declared), redact_sql: |_| None };
    let seed = fs::read(corpus.join("lineage/marquez/seed_events.json")).expect("events of the corpus");
    let batch = read_all(&seed, &reading);
    let kept: Vec<_> = batch.events.iter().map(|event| event.to_value(Indirect::Dataset)).collect();
    write(&folder, "kept.ndjson", &kept);
    let file =
        fs::File::open(corpus.join("lineage/dbt/jaffle-shop/manifest.json.gz")).expect("a manifest of the corpus");
    let manifest = std::io::read_to_string(flate2::read::GzDecoder::new(file)).expect("gzip");
    let manifest = read_manifest(manifest.as_bytes(), "postgres://host:5432").expect("a manifest");
    let built: Vec<_> = manifest.events.iter().map(|event| event.to_value(Indirect::Dataset)).collect();
    write(&folder, "manifest.ndjson", &built);
}
