//! What criterion does not tell of a large graph: the slowest of many walks, memory above the graph, and how it compares
//! with a library of others. `measure_graph all` prints a line for each; `measure_graph peer EDGES` loads a graph of
//! that many edges and follows its first node, for `tests/interop/measure_lineage.py`.

#[path = "../benches/lineage_graph/counted.rs"]
mod counted;
#[path = "../benches/lineage_graph/shapes.rs"]
mod shapes;

use std::io;

use counted::Counted;
use criterion::measurement::{Measurement, WallTime};
use lineage::{
    Direction, Document, Filter, Graph, Limits, NumberedEdge, Snapshot, Walker, When, write_dot, write_graphml,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shapes::{Parts, attributes, jobs, layered, like_a_lake, nodes};

/// How a document is written.
type Format = fn(&Document<'_>, &mut Counted) -> io::Result<()>;

/// Walks of which the slowest are told.
const WALKS: usize = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["all"] => {
            traps();
            all();
        }
        ["peer", edges] => peer(edges.parse().expect("a number of edges")),
        _ => eprintln!("usage: measure_graph all | measure_graph peer EDGES"),
    }
}

fn all() {
    for (name, parts) in [("C", like_a_lake()), ("L", layered())] {
        let mut builds: Vec<f64> = Vec::new();
        let mut built = None;
        for _ in 0..5 {
            let copy = parts.clone();
            let (seconds, graph) = timed(|| copy.graph());
            builds.push(seconds);
            built = Some(graph);
        }
        drop(parts);
        let graph = built.expect("it was built");
        let bytes = graph.edge_bytes() as f64 / graph.edges() as f64;
        println!("{name}: {} edges, {bytes:.1} bytes an edge, build {}", graph.edges(), told(builds));
        walks(name, &graph);
        if name == "L" {
            files(&graph);
        }
    }
}

/// The first walk of each.
fn traps() {
    for (name, graph) in shapes::traps() {
        let mask = graph.compile(&Filter { when: When::Ever, ..Filter::default() });
        let limits = Limits { nodes: u64::MAX, ..Limits::default() };
        let mut walker = Walker::default();
        let walk = || walker.reach(graph.view(&mask), &[1], Direction::Outgoing, &limits, || false);
        let (seconds, reach) = timed(walk);
        println!("{name}: {} edges seen, {:.2} ms", reach.edges_seen, seconds * 1e3);
    }
}

fn walks(name: &str, graph: &Graph) {
    let mask = graph.compile(&Filter { when: When::Ever, ..Filter::default() });
    let mut walker = Walker::default();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let unlimited = Limits { nodes: u64::MAX, ..Limits::default() };
    for (what, limits) in [("ten levels", Limits { depth: Some(10), ..unlimited }), ("closure", unlimited)] {
        for direction in [Direction::Outgoing, Direction::Incoming] {
            let walks = (0..WALKS).map(|_| {
                let start = [rng.random_range(0..graph.nodes().len())];
                timed(|| walker.closure(graph.view(&mask), &start, direction, &limits, || false)).0
            });
            println!("{name}: {what}, {direction:?}, {}", told(walks.collect()));
        }
    }
}

fn files(graph: &Graph) {
    let snapshot = Snapshot::of(graph).expect("the graph is not too large");
    let manifest = snapshot.manifest(1, 1);
    let files: Vec<Vec<u8>> = snapshot.files.into_iter().map(|(_, bytes)| bytes).collect();
    let files: [Vec<u8>; 5] = files.try_into().expect("five files");
    let opens = (0..5).map(|_| {
        let files = files.clone();
        timed(|| Snapshot::open(&manifest, files).expect("what was written").edges()).0
    });
    println!("L: open a snapshot, both directions and attributes, {}", told(opens.collect()));
    drop(files);
    let filter = Filter { when: When::Ever, ..Filter::default() };
    let mask = graph.compile(&filter);
    let document = Document::of_view(graph.view(&mask), &filter, "L", None);
    let formats: [(&str, Format); 2] = [("DOT", write_dot), ("GraphML", write_graphml)];
    for (name, write) in formats {
        // Forgets the most there was before.
        std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
        let before = status_mib("VmRSS:");
        let (seconds, bytes) = timed(|| written(|out| write(&document, out)));
        println!("L: {name}, {bytes} bytes, {seconds:.2} s, {} MiB above the graph", status_mib("VmHWM:") - before);
    }
}

/// A node has four sources among the two thousand before it.
fn peer(edges: u32) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let count = edges / 4;
    let pairs: Vec<(u32, u32)> = (1..count)
        .flat_map(|node| (0..4).map(|_| (rng.random_range(node.saturating_sub(2_000)..node), node)).collect::<Vec<_>>())
        .collect();
    let parts = Parts { nodes: nodes(1, count), jobs: jobs(1), attributes: attributes(1), edges: Vec::new() };
    // The dataset is node 0, its columns follow.
    let (load, graph) = timed(|| {
        let edge =
            |(source, target): &(u32, u32)| NumberedEdge { source: source + 1, target: target + 1, attribute: 0 };
        Parts { edges: pairs.iter().map(edge).collect(), ..parts }.graph()
    });
    let mask = graph.compile(&Filter { when: When::Ever, ..Filter::default() });
    let mut walker = Walker::default();
    let limits = Limits { nodes: u64::MAX, ..Limits::default() };
    let walk = || walker.closure(graph.view(&mask), &[1], Direction::Outgoing, &limits, || false);
    let (descendants, reach) = timed(walk);
    println!("load {load:.4}s traverse {descendants:.4}s reached {}", reach.nodes().count() - 1);
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = WallTime.start();
    let made = work();
    (WallTime.end(begun).as_secs_f64(), made)
}

fn told(mut seconds: Vec<f64>) -> String {
    seconds.sort_by(f64::total_cmp);
    let at = |part: usize| seconds[(seconds.len() - 1) * part / 100] * 1e3;
    format!("median {:.3} ms, p99 {:.3} ms, max {:.3} ms", at(50), at(99), at(100))
}

/// Counts what it is given.
fn written(write: impl FnOnce(&mut Counted) -> io::Result<()>) -> u64 {
    let mut out = Counted::default();
    write(&mut out).expect("counting does not fail");
    out.0
}

/// A line of what Linux says of the process.
fn status_mib(name: &str) -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<i64>().ok()).unwrap_or_default() / 1024
}
