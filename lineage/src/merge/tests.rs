use chrono::DateTime;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::EdgeKind;

use super::*;
use crate::event::{ColumnLineage, PRODUCER, RunPart, SchemaField, Tag, normal_name};
use crate::facts::{DatasetKind, EdgeFact, Operation};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).expect("an instant")
}

fn name(table: &str) -> DatasetName {
    normal_name("s3://b", table)
}

fn job(name: &str) -> JobName {
    JobName { namespace: "jobs".to_owned(), name: name.to_owned() }
}

fn event(second: i64, about: About) -> Event {
    Event { at: at(second), producer: PRODUCER.to_owned(), origin: Origin::Import, about, dropped: BTreeSet::new() }
}

/// A run of job `j` that reads `in` and writes `out`; `lineage` is `a<-x a<-y`, `*<-x` for the dataset, or nothing.
fn ran(second: i64, run: &str, state: State, lineage: &str) -> Event {
    let mut output = Dataset::new(name("out"));
    for pair in lineage.split_whitespace() {
        let (target, source) = pair.split_once("<-").expect("an arrow");
        let told = output.facets.lineage.get_or_insert_default();
        let sources = if target == "*" { &mut told.dataset } else { told.fields.entry(target.to_owned()).or_default() };
        let kind = if target == "*" { EdgeKind::Filter } else { EdgeKind::Identity };
        let source = Source { dataset: name("in"), field: Some(source.to_owned()) };
        sources.add(source, Way::of(EdgeKinds::one(kind, false)));
    }
    let mut part = JobPart::new(job("j"));
    part.inputs.push(Dataset::new(name("in")));
    part.outputs.push(output);
    event(second, About::Run(RunPart::new(run, state), part))
}

fn merged(events: &[Event]) -> Facts {
    let mut merged = Merged::default();
    events.iter().for_each(|event| merged.add(event.clone()));
    merged.facts()
}

/// `source>target from..to`, with the gap where there is one.
fn lines(facts: &Facts) -> Vec<String> {
    let node = |node: &Node| match node {
        Node::Dataset(name) => name.name.clone(),
        Node::Column(name, path) => format!("{}.{path}", name.name),
    };
    let line = |edge: &EdgeFact| {
        let second = |at: DateTime<Utc>| at.timestamp() - 1_700_000_000;
        let to = edge.valid_to.map(|to| second(to).to_string()).unwrap_or_default();
        let gap = edge.gap.map(|gap| format!(" {} {}", edge.certainty.as_str(), gap.as_str())).unwrap_or_default();
        format!("{}>{} {}..{to}{gap}", node(&edge.source), node(&edge.target), second(edge.valid_from))
    };
    facts.edges.iter().map(line).collect()
}

#[track_caller]
fn check(events: &[Event], want: &[&str]) {
    assert_eq!(lines(&merged(events)), want);
    let backwards: Vec<Event> = events.iter().rev().cloned().collect();
    assert_eq!(merged(&backwards), merged(events));
}

#[test]
fn only_completed_runs_open_edges() {
    check(&[ran(1, "r", State::Start, "a<-x")], &[]);
    check(
        &[ran(1, "r", State::Start, "a<-x"), ran(2, "r", State::Running, "b<-x"), ran(3, "r", State::Fail, "a<-x")],
        &[],
    );
    check(&[ran(1, "r", State::Complete, "a<-x"), ran(2, "r", State::Fail, "a<-x")], &[]);
    check(&[ran(2, "r", State::Complete, "a<-x"), ran(1, "r", State::Fail, "a<-x")], &["in.x>out.a 2.."]);
    check(&[ran(2, "r", State::Complete, "a<-x"), ran(2, "r", State::Fail, "a<-x")], &[]);
    check(&[ran(2, "r", State::Complete, "a<-x"), ran(2, "r", State::Abort, "a<-x")], &[]);
}

#[test]
fn a_completed_run_replaces_what_its_job_said_of_the_output() {
    let runs = [
        ran(1, "r1", State::Complete, "a<-x b<-x"),
        ran(2, "r2", State::Complete, "a<-x b<-x"),
        ran(3, "r3", State::Complete, "a<-x *<-y"),
        ran(4, "r4", State::Fail, ""),
        ran(5, "r5", State::Complete, "a<-x b<-x"),
    ];
    check(&runs, &["in.x>out.a 1..", "in.x>out.b 1..3", "in.x>out.b 5..", "in.y>out 3..5"]);
    let (once, again) = (merged(&runs[..1]), merged(&runs[..2]));
    assert_eq!(once.edges, again.edges, "a run that says the same again changes no edge");
    assert_eq!(again.jobs[&job("j")].last_run_at, Some(at(2)));
}

#[test]
fn what_is_said_twice_at_one_instant_holds_together() {
    check(
        &[ran(1, "r1", State::Complete, "a<-x"), ran(1, "r2", State::Complete, "b<-x")],
        &["in.x>out.a 1..", "in.x>out.b 1.."],
    );
}

#[test]
fn a_beginning_after_the_end_changes_nothing_the_end_said() {
    let end = ran(5, "r", State::Complete, "a<-x");
    check(&[end.clone(), ran(9, "r", State::Start, "a<-y")], &["in.x>out.a 5.."]);
    // A clock that ran backwards takes nothing away: what only the beginning tells is kept.
    let mut silent = ran(5, "r", State::Complete, "");
    if let About::Run(_, job) = &mut silent.about {
        job.outputs.clear();
    }
    check(&[silent, ran(9, "r", State::Start, "a<-y")], &["in.y>out.a 5.."]);
}

#[test]
fn without_columns_a_run_tells_of_whole_datasets() {
    check(&[ran(1, "r", State::Complete, "")], &["in>out 1.. opaque job_level"]);
    check(
        &[ran(1, "r", State::Complete, ""), ran(2, "s", State::Complete, "a<-x")],
        &["in>out 1..2 opaque job_level", "in.x>out.a 2.."],
    );
}

#[test]
fn an_opaque_column_without_sources_may_come_from_anything_that_was_read() {
    let mut run = ran(1, "r", State::Complete, "a<-x");
    if let About::Run(_, job) = &mut run.about {
        let lineage = job.outputs[0].facets.lineage.as_mut().expect("lineage");
        let lost = Sources { certainty: Certainty::Opaque, gap: Some(Gap::Execute), ..Sources::default() };
        lineage.fields.insert("b".to_owned(), lost);
    }
    check(&[run], &["in>out.b 1.. opaque execute", "in.x>out.a 1.."]);
}

#[test]
fn a_dataset_that_lost_its_rows_has_no_sources_until_it_is_written_again() {
    let emptied = |second, change: Lifecycle| {
        let mut part = JobPart::new(job("cleaner"));
        part.outputs.push(Dataset::new(name("out")));
        part.outputs[0].facets.lifecycle = Some(change);
        event(second, About::Run(RunPart::new("c", State::Complete), part))
    };
    for change in [Lifecycle::Drop, Lifecycle::Truncate] {
        let runs = [ran(1, "r", State::Complete, "a<-x"), emptied(2, change)];
        check(&runs, &["in.x>out.a 1..2"]);
        check(&[&runs[..], &[ran(3, "s", State::Complete, "a<-x")]].concat(), &["in.x>out.a 1..2", "in.x>out.a 3.."]);
    }
    check(&[ran(1, "r", State::Complete, "a<-x"), emptied(2, Lifecycle::Overwrite)], &["in.x>out.a 1.."]);
}

#[test]
fn a_job_as_it_stands_replaces_how_it_stood() {
    let stands = |second, tables: &[&str]| {
        let mut part = JobPart::new(job("j"));
        part.inputs.push(Dataset::new(name("in")));
        part.outputs.extend(tables.iter().map(|table| Dataset::new(name(table))));
        event(second, About::Job(part))
    };
    let events = [stands(1, &["out", "p"]), stands(2, &["p", "q"])];
    check(&events, &["in>out 1..2 opaque job_level", "in>p 1.. opaque job_level", "in>q 2.. opaque job_level"]);
    let facts = merged(&events);
    assert_eq!(facts.jobs[&job("j")].outputs, [name("p"), name("q")].into(), "the last one counts");
    // What a run said since is not taken back by a definition that does not name it.
    check(
        &[stands(1, &["out"]), ran(2, "r", State::Complete, "a<-x"), stands(3, &[])],
        &["in>out 1..2 opaque job_level", "in.x>out.a 2.."],
    );
}

#[test]
fn datasets_that_feed_one_another_are_no_trouble() {
    let mut back = ran(2, "s", State::Complete, "");
    if let About::Run(_, part) = &mut back.about {
        part.name = job("back");
        std::mem::swap(&mut part.inputs, &mut part.outputs);
    }
    let mut own = ran(3, "t", State::Complete, "");
    if let About::Run(_, part) = &mut own.about {
        part.name = job("own");
        part.inputs = part.outputs.clone();
    }
    check(
        &[ran(1, "r", State::Complete, ""), back, own],
        &["in>out 1.. opaque job_level", "out>in 2.. opaque job_level", "out>out 3.. opaque job_level"],
    );
}

#[test]
fn names_of_one_dataset_are_one_node() {
    let mut linked = ran(2, "r", State::Complete, "a<-x");
    if let About::Run(_, part) = &mut linked.about {
        part.inputs[0].facets.symlinks =
            Some([normal_name("auditlake://acme", "in"), normal_name("glue://a", "in")].into());
        part.outputs[0].facets.lifecycle = Some(Lifecycle::Rename(Some(name("before"))));
    }
    let mut logical = Dataset::new(normal_name("auditlake://acme", "in"));
    logical.facets.owners = Some(["ops".to_owned()].into());
    let events = [linked, event(1, About::Dataset(logical)), event(1, About::Dataset(Dataset::new(name("before"))))];
    // The logical name is what people say; what the output was called before is older than what it is called.
    check(&events, &["in.x>before.a 2.."]);
    let (facts, own) = (merged(&events), normal_name("auditlake://acme", "in"));
    assert_eq!(facts.datasets.keys().collect::<Vec<_>>(), [&own, &name("before")]);
    assert!(facts.datasets[&own].owners.contains("ops"));
}

#[test]
fn a_definition_outranks_a_run_and_a_run_an_import() {
    let described = |second, origin, word: &str, class: &str| {
        let mut dataset = Dataset::new(name("t"));
        let fields = vec![SchemaField { name: "_element".into(), type_word: None, fields: vec![] }];
        let tags = SchemaField { name: "tags".into(), type_word: None, fields };
        let id = SchemaField { name: "id".into(), type_word: Some(word.into()), fields: vec![] };
        dataset.facets.schema = Some(vec![id, tags]);
        let class = Tag { field: Some("id".into()), key: "class".into(), value: class.into() };
        let tag = Tag { field: None, key: word.into(), value: String::new() };
        dataset.facets.tags = Some([class, tag].into());
        dataset.facets.kind = Some(DatasetKind::Topic);
        Event { origin, ..event(second, About::Dataset(dataset)) }
    };
    let events = [
        described(1, Origin::Definition, "bigint", "personal"),
        described(2, Origin::Run, "int", "internal"),
        described(3, Origin::Import, "text", "public"),
        described(4, Origin::Import, "varchar", "public"),
    ];
    let facts = merged(&events);
    let fact = &facts.datasets[&name("t")];
    assert_eq!(fact.columns["id"].type_word.as_deref(), Some("bigint"));
    assert_eq!(fact.columns["id"].class.as_deref(), Some("personal"));
    assert_eq!(fact.columns.keys().collect::<Vec<_>>(), ["id", "tags", "tags[]"]);
    assert_eq!(fact.tags, ["bigint", "int", "varchar"].map(str::to_owned).into(), "an event replaces its predecessor");
    assert_eq!(fact.kind, DatasetKind::Topic);
}

#[test]
fn an_output_that_was_never_written_is_known_by_its_name_alone() {
    let mut failed = ran(1, "r", State::Fail, "a<-x");
    if let About::Run(run, part) = &mut failed.about {
        run.operations = Some([Operation::Delete].into());
        let schema = vec![SchemaField { name: "a".into(), type_word: None, fields: vec![] }];
        part.inputs[0].facets.schema = Some(schema.clone());
        part.outputs[0].facets.schema = Some(schema);
    }
    let facts = merged(&[failed]);
    assert!(facts.datasets[&name("out")].columns.is_empty() && !facts.datasets[&name("in")].columns.is_empty());
    assert_eq!(facts.jobs[&job("j")], JobFact::default());
}

/// Events of a small world, so that names, instants and runs meet often.
fn anything(rng: &mut ChaCha8Rng, with_links: bool) -> Vec<Event> {
    let count = rng.random_range(1..30);
    (0..count).map(|number| any_event(rng, number, with_links)).collect()
}

fn any_event(rng: &mut ChaCha8Rng, number: i64, with_links: bool) -> Event {
    let second = rng.random_range(0..12);
    let mut part = JobPart::new(job(["j", "k", "l"].choose(rng).expect("one")));
    part.inputs = (0..rng.random_range(0..3)).map(|_| any_dataset(rng, false, with_links)).collect();
    part.outputs = (0..rng.random_range(0..3)).map(|_| any_dataset(rng, true, with_links)).collect();
    let states =
        [State::Complete, State::Complete, State::Start, State::Running, State::Abort, State::Fail, State::Other];
    // With links, several events share a run; without, each run has one, so that an event is whole when it comes.
    let run = if with_links { rng.random_range(0..8) } else { number };
    let about = match rng.random_range(0..8) {
        0 => About::Job(part),
        1 => About::Dataset(any_dataset(rng, false, with_links)),
        _ => About::Run(RunPart::new(&format!("r{run}"), *states.choose(rng).expect("one")), part),
    };
    let origin = *[Origin::Import, Origin::Run, Origin::Definition].choose(rng).expect("one");
    Event { origin, ..event(second, about) }
}

fn any_dataset(rng: &mut ChaCha8Rng, is_output: bool, with_links: bool) -> Dataset {
    let tables = ["a", "b", "c", "d"];
    let any_name = |rng: &mut ChaCha8Rng| name(tables.choose(rng).expect("one"));
    let mut dataset = Dataset::new(any_name(rng));
    if rng.random_bool(0.3) {
        let word = Some(["int", "text"].choose(rng).expect("one").to_string());
        dataset.facets.schema = Some(vec![SchemaField { name: "x".into(), type_word: word, fields: vec![] }]);
    }
    if rng.random_bool(0.2) {
        dataset.facets.owners = Some([rng.random_range(0..3).to_string()].into());
    }
    if with_links && rng.random_bool(0.1) {
        dataset.facets.symlinks = Some([any_name(rng), normal_name("auditlake://acme", "a")].into());
    }
    if is_output && rng.random_bool(0.1) {
        dataset.facets.lifecycle = [Lifecycle::Drop, Lifecycle::Overwrite].choose(rng).cloned();
    }
    if is_output && rng.random_bool(0.8) {
        let mut lineage = ColumnLineage::default();
        for _ in 0..rng.random_range(0..4) {
            let field = ["x", "y"].choose(rng).map(ToString::to_string).expect("one");
            let source = Source { dataset: any_name(rng), field: Some(field.clone()) };
            let way = Way::of(EdgeKinds::one(*EdgeKind::ALL.choose(rng).expect("one"), rng.random()));
            if rng.random_bool(0.3) { &mut lineage.dataset } else { lineage.fields.entry(field).or_default() }
                .add(source, way);
        }
        dataset.facets.lineage = Some(lineage);
    }
    dataset
}

#[test]
fn order_repetition_and_batches_change_nothing() {
    for seed in 0..400 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let events = anything(&mut rng, true);
        let facts = merged(&events);
        let mut again = events.clone();
        again.extend((0..rng.random_range(0..events.len())).filter_map(|_| events.choose(&mut rng).cloned()));
        again.shuffle(&mut rng);
        let mut merged = Merged::default();
        let batch = rng.random_range(1..=again.len());
        for events in again.chunks(batch) {
            events.iter().for_each(|event| merged.add(event.clone()));
            // Asking in between leaves no trace.
            merged.facts();
        }
        assert_eq!(merged.facts(), facts, "seed {seed}");
    }
}

#[test]
fn intervals_of_one_dependency_do_not_touch() {
    for seed in 0..400 {
        let facts = merged(&anything(&mut ChaCha8Rng::seed_from_u64(seed), true));
        let mut held: BTreeMap<EdgeFact, Vec<_>> = BTreeMap::new();
        for edge in &facts.edges {
            let timeless = EdgeFact { valid_from: at(0), valid_to: None, ..edge.clone() };
            held.entry(timeless).or_default().push((edge.valid_from, edge.valid_to));
        }
        for (edge, times) in held {
            let apart = times.windows(2).all(|pair| pair[0].1.is_some_and(|to| to < pair[1].0));
            let forward = times.iter().all(|(from, to)| to.is_none_or(|to| *from < to));
            assert!(apart && forward, "seed {seed}: {edge:?} {times:?}");
        }
    }
}

#[test]
fn as_of_a_day_is_what_the_events_up_to_it_say() {
    for seed in 0..400 {
        let events = anything(&mut ChaCha8Rng::seed_from_u64(seed), false);
        let facts = merged(&events);
        for second in 0..12 {
            let day = at(second);
            let until: Vec<Event> = events.iter().filter(|event| event.at <= day).cloned().collect();
            let holds = |edge: &&EdgeFact| edge.valid_from <= day && edge.valid_to.is_none_or(|to| day < to);
            let open = |edge: &EdgeFact| EdgeFact { valid_to: None, ..edge.clone() };
            let then: BTreeSet<EdgeFact> = facts.edges.iter().filter(holds).map(open).collect();
            let rebuilt = merged(&until).edges;
            assert_eq!(then, rebuilt.iter().filter(holds).map(open).collect(), "seed {seed} second {second}");
        }
    }
}
