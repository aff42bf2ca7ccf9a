//! The graphs that are measured: two large ones from seeds, and small ones in which a walk could lose itself.

use std::collections::BTreeMap;

use chrono::DateTime;
use lineage::{
    Attribute, DatasetFact, DatasetName, EdgeFact, Graph, JobFact, JobName, Node, Nodes, NodesBuilder, NumberedEdge,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::{Certainty, EdgeKind, EdgeKinds, Form};

const DATASETS: u32 = 150_000;
const COLUMNS: u32 = 40;
const LAYERS: u32 = 20;
const LAYER: u32 = 100_000;

/// What a graph is put together from.
pub(crate) struct Parts {
    pub(crate) nodes: Nodes,
    pub(crate) jobs: BTreeMap<JobName, JobFact>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) edges: Vec<NumberedEdge>,
}

impl Parts {
    pub(crate) fn graph(self) -> Graph {
        Graph::assemble(self.nodes, self.jobs, self.attributes, self.edges).expect("the parts fit")
    }
}

impl Clone for Parts {
    fn clone(&self) -> Self {
        let Self { nodes, jobs, attributes, edges } = self;
        Self { nodes: nodes.clone(), jobs: jobs.clone(), attributes: attributes.clone(), edges: edges.clone() }
    }
}

pub(crate) fn nodes(datasets: u32, columns: u32) -> Nodes {
    let mut builder = NodesBuilder::default();
    let columns: Vec<String> = (0..columns).map(|column| format!("column_{column}")).collect();
    for dataset in 0..datasets {
        let name = DatasetName { namespace: "auditlake://acme".to_owned(), name: format!("dataset_{dataset}") };
        builder.add(&name, &DatasetFact::default(), columns.iter().map(String::as_str));
    }
    builder.finish().expect("names are counted in 32 bits")
}

pub(crate) fn jobs(count: u32) -> BTreeMap<JobName, JobFact> {
    let name = |job| JobName { namespace: "auditlake://acme".to_owned(), name: format!("job_{job:07}") };
    (0..count).map(|job| (name(job), JobFact::default())).collect()
}

/// A direct and an indirect attribute for every job.
pub(crate) fn attributes(jobs: u32) -> Vec<Attribute> {
    let any = Node::Dataset(DatasetName { namespace: String::new(), name: String::new() });
    let of = |kind, cap| EdgeFact {
        source: any.clone(),
        target: any.clone(),
        job: JobName { namespace: String::new(), name: String::new() },
        valid_from: DateTime::UNIX_EPOCH,
        valid_to: None,
        kinds: EdgeKinds::one(kind, false),
        cap,
        certainty: Certainty::Exact,
        gap: None,
    };
    let facts = [
        of(EdgeKind::Identity, Form::Raw),
        of(EdgeKind::Aggregation, Form::Aggregated),
        of(EdgeKind::Filter, Form::None),
    ];
    (0..jobs).flat_map(|job| facts.iter().map(move |fact| Attribute::new(fact, job)).collect::<Vec<_>>()).collect()
}

/// Every dataset is made by a job of its own from one of the last thousand datasets: 80 % of its columns are copied,
/// the others computed from several, and a few columns filter.
pub(crate) fn like_a_lake() -> Parts {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let nodes = nodes(DATASETS, COLUMNS);
    let heads = nodes.datasets().to_vec();
    let mut edges = Vec::with_capacity(9_800_000);
    for at in 1..DATASETS {
        let target = heads[at as usize];
        let source = heads[rng.random_range(at.saturating_sub(1_000)..at) as usize];
        let edge = |from: u32, to: u32, kind: u32| NumberedEdge {
            source: source + from,
            target: target + to,
            attribute: 3 * at + kind,
        };
        for column in 1..=COLUMNS {
            if rng.random_bool(0.8) {
                edges.push(edge(column, column, 0));
            } else {
                edges.extend((0..4).map(|_| edge(rng.random_range(1..=COLUMNS), column, 1)));
            }
        }
        edges.extend((0..2).map(|_| edge(rng.random_range(1..=COLUMNS), 0, 2)));
    }
    Parts { nodes, jobs: jobs(DATASETS), attributes: attributes(DATASETS), edges }
}

/// Layers of columns. One edge of ten begins or ends at one of ten hubs of its layer.
pub(crate) fn layered() -> Parts {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let nodes = nodes(LAYERS, LAYER);
    let heads = nodes.datasets().to_vec();
    let pick = |rng: &mut ChaCha8Rng| {
        1 + if rng.random_bool(0.1) { rng.random_range(0..10) } else { rng.random_range(0..LAYER) }
    };
    let mut edges = Vec::with_capacity(10_000_000);
    for pair in heads.windows(2) {
        for _ in 0..10_000_000 / (LAYERS - 1) {
            let (from, to) = (pair[0] + pick(&mut rng), pair[1] + pick(&mut rng));
            edges.push(NumberedEdge { source: from, target: to, attribute: rng.random_range(0..300) });
        }
    }
    Parts { nodes, jobs: jobs(100), attributes: attributes(100), edges }
}

/// Edges as source, target and attribute.
type Shape = Vec<(u32, u32, u32)>;

/// Graphs in which a walk that lists ways, follows an edge twice or recurses would not end.
pub(crate) fn traps() -> Vec<(&'static str, Graph)> {
    let rung =
        |at: u32| [(2 * at, 2 * at + 2), (2 * at, 2 * at + 3), (2 * at + 1, 2 * at + 2), (2 * at + 1, 2 * at + 3)];
    let shapes: [(&str, Shape); 4] = [
        ("ladder of 2^1000 ways", (0..1_000).flat_map(rung).map(|(from, to)| (from + 1, to + 1, 0)).collect()),
        ("10,000 self-appends", (0..10_000).map(|job| (1, 1, 3 * job)).collect()),
        ("hub of 100,000", (2..100_000).map(|at| (1, at, 0)).collect()),
        ("chain of 100,000", (1..99_999).map(|at| (at, at + 1, 0)).collect()),
    ];
    let graph = |edges: Shape| {
        let edges = edges.into_iter().map(|(source, target, attribute)| NumberedEdge { source, target, attribute });
        let (nodes, jobs, attributes) = (nodes(1, 100_000), jobs(10_000), attributes(10_000));
        Parts { nodes, jobs, attributes, edges: edges.collect() }.graph()
    };
    shapes.map(|(name, edges)| (name, graph(edges))).into()
}
