//! Facts for tests: small random ones, and shapes that undo careless walks.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};

use crate::facts::{
    ColumnFact, DatasetFact, DatasetKind, DatasetName, EdgeFact, Facts, JobFact, JobName, Node, Operation,
};

/// Names that break what does not escape them.
const NAMES: [&str; 8] = [
    "audit",
    "</script>",
    "\"><img src=x onerror=alert(1)>",
    "a{b}|c",
    "line\nend\r",
    "bell\u{7}\\",
    "é&amp;<b>",
    "usage",
];
const PATHS: [&str; 8] = ["actor", "actor.id", "actor.geo.city", "tags", "tags[]", "]]>", "n", "actor_id"];

pub(crate) fn dataset(name: &str) -> DatasetName {
    DatasetName { namespace: "auditlake://acme".to_owned(), name: name.to_owned() }
}

pub(crate) fn column(dataset_name: &str, path: &str) -> Node {
    Node::Column(dataset(dataset_name), path.to_owned())
}

pub(crate) fn job(name: &str) -> JobName {
    JobName { namespace: "auditlake://acme".to_owned(), name: name.to_owned() }
}

pub(crate) fn day(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(day * 86_400, 0).expect("a day of this century")
}

/// An exact edge of one kind that holds.
pub(crate) fn edge(source: Node, target: Node, kind: EdgeKind, cap: Form, by: &str) -> EdgeFact {
    EdgeFact {
        source,
        target,
        job: job(by),
        valid_from: day(1),
        valid_to: None,
        kinds: EdgeKinds::one(kind, false),
        cap,
        certainty: Certainty::Exact,
        gap: None,
    }
}

pub(crate) fn facts_of(edges: impl IntoIterator<Item = EdgeFact>) -> Facts {
    Facts { edges: edges.into_iter().collect(), ..Facts::default() }
}

/// Random facts; the same for the same seed.
pub(crate) fn facts(seed: u64) -> Facts {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut facts = Facts::default();
    let mut nodes = Vec::new();
    for name in NAMES.choose_multiple(&mut rng, 6).copied().collect::<BTreeSet<_>>() {
        let mut fact = DatasetFact { kind: DatasetKind::Table, ..DatasetFact::default() };
        nodes.push(Node::Dataset(dataset(name)));
        for path in PATHS {
            if rng.random_bool(0.4) {
                continue;
            }
            nodes.push(column(name, path));
            // A few are known from edges alone.
            if rng.random_bool(0.9) {
                let class = rng.random_bool(0.2).then(|| "personal".to_owned());
                let tags = rng.random_bool(0.2).then(|| "a, b".to_owned()).into_iter().collect();
                let fact_of_column = ColumnFact { type_word: Some("Utf8".to_owned()), class, tags };
                fact.columns.insert(path.to_owned(), fact_of_column);
            }
        }
        facts.datasets.insert(dataset(name), fact);
    }
    let jobs = ["daily", "</job>&\"", "export"];
    for name in jobs {
        let inputs = facts.datasets.keys().take(2).cloned().collect();
        let operations = BTreeSet::from([Operation::Transformation]);
        let last_run_at = rng.random_bool(0.5).then(|| day(rng.random_range(10..20)));
        facts.jobs.insert(job(name), JobFact { operations, inputs, outputs: BTreeSet::new(), last_run_at });
    }
    for _ in 0..rng.random_range(0..120) {
        let fact = random_edge(&mut rng, &nodes, &jobs);
        facts.edges.insert(fact);
    }
    facts
}

fn random_edge(rng: &mut ChaCha8Rng, nodes: &[Node], jobs: &[&str]) -> EdgeFact {
    let pick = |rng: &mut ChaCha8Rng| nodes.choose(rng).expect("there are nodes").clone();
    let from = rng.random_range(1..10);
    let mut kinds = EdgeKinds::default();
    for _ in 0..rng.random_range(0..3) {
        let kind = *EdgeKind::ALL.choose(rng).expect("there are kinds");
        kinds = kinds.union(EdgeKinds::one(kind, rng.random_bool(0.2)));
    }
    let certainty = if rng.random_bool(0.9) { Certainty::Exact } else { *Certainty::ALL.choose(rng).expect("some") };
    EdgeFact {
        source: pick(rng),
        target: pick(rng),
        job: job(jobs.choose(rng).expect("there are jobs")),
        valid_from: day(from),
        valid_to: rng.random_bool(0.4).then(|| day(from + rng.random_range(0..10))),
        kinds,
        cap: *Form::ALL.choose(rng).expect("there are forms"),
        certainty,
        gap: (certainty == Certainty::Opaque).then_some(Gap::NotTraced),
    }
}
