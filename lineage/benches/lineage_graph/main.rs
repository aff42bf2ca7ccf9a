//! How long a large graph takes: to build, to walk, to label, to open and to write.
//!
//! `C` is like a lake: 150,000 datasets of 40 columns, most of them copied on. `L` is made to be hard: 2 M columns and
//! 10 M edges in 20 layers with hubs. Both come from seeds. Run with `cargo bench -p lineage`.

mod counted;
mod shapes;

use std::hint::black_box;
use std::io;

use counted::Counted;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use lineage::{
    Direction, Document, Filter, Forms, Graph, Lifts, Limits, Mask, Snapshot, Walker, When, forms, write_dot,
    write_graphml, write_html, write_json,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::Form;
use shapes::{Parts, layered, like_a_lake};

fn mask(graph: &Graph) -> Mask {
    graph.compile(&Filter { when: When::Ever, ..Filter::default() })
}

fn build(criterion: &mut Criterion) {
    for (name, parts) in [("C", like_a_lake()), ("L", layered())] {
        let graph = parts.clone().graph();
        let (edges, bytes) = (graph.edges(), graph.edge_bytes());
        println!("{name}: {edges} edges, {:.1} bytes an edge", bytes as f64 / edges as f64);
        drop(graph);
        let mut group = criterion.benchmark_group("build");
        group.sample_size(10);
        group.bench_function(name, |bench| bench.iter_batched(|| parts.clone(), Parts::graph, BatchSize::PerIteration));
        group.finish();
    }
}

fn walk(criterion: &mut Criterion) {
    for (name, graph) in [("C", like_a_lake().graph()), ("L", layered().graph())] {
        let (all, direct) = (mask(&graph), graph.compile(&Filter::direct()));
        let mut walker = Walker::default();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut group = criterion.benchmark_group(format!("walk {name}"));
        group.sample_size(20);
        let unlimited = Limits { nodes: u64::MAX, ..Limits::default() };
        let ten = Limits { depth: Some(10), ..unlimited };
        for (what, mask, limits) in
            [("10 levels", &all, ten), ("10 levels, filtered", &direct, ten), ("closure", &all, unlimited)]
        {
            for direction in [Direction::Outgoing, Direction::Incoming] {
                group.bench_function(format!("{what}, {direction:?}"), |bench| {
                    bench.iter(|| {
                        let start = [rng.random_range(0..graph.nodes().len())];
                        let reach = walker.closure(graph.view(mask), &start, direction, &limits, || false);
                        black_box(reach.edges_seen)
                    });
                });
            }
        }
        group.bench_function("10 levels with the edges, at most 100,000 nodes", |bench| {
            bench.iter(|| {
                let start = [rng.random_range(0..graph.nodes().len())];
                let limits = Limits { depth: Some(10), ..Limits::default() };
                black_box(walker.reach(graph.view(&all), &start, Direction::Outgoing, &limits, || false).edges_seen)
            });
        });
        group.bench_function("why", |bench| {
            bench.iter(|| {
                let [from, to] = [0; 2].map(|_: u32| rng.random_range(0..graph.nodes().len()));
                black_box(walker.why(graph.view(&all), from, to, &unlimited, || false).complete)
            });
        });
        group.finish();
    }
}

fn label(criterion: &mut Criterion) {
    for (name, graph) in [("C", like_a_lake().graph()), ("L", layered().graph())] {
        let all = mask(&graph);
        let view = graph.view(&all);
        let sources: Vec<(u32, Form)> = (0..graph.nodes().len()).step_by(997).map(|node| (node, Form::Raw)).collect();
        let mut group = criterion.benchmark_group("label");
        group.sample_size(10);
        group.bench_function(format!("forms, {name}"), |bench| {
            bench.iter(|| -> Forms { forms(view, &sources, &Lifts::default()) });
        });
        let earlier =
            graph.compile(&Filter { job: graph.jobs().first().map(|(name, _)| name.clone()), ..Filter::default() });
        group.bench_function(format!("diff, {name}"), |bench| {
            bench.iter(|| graph.view(&earlier).diff(graph.view(&earlier)).len());
        });
        group.finish();
    }
}

/// How a document is written.
type Format = fn(&Document<'_>, &mut Counted) -> io::Result<()>;

fn write(criterion: &mut Criterion) {
    let graph = layered().graph();
    let filter = Filter { when: When::Ever, ..Filter::default() };
    let mask = graph.compile(&filter);
    let document = Document::of_view(graph.view(&mask), &filter, "L", None);
    let mut group = criterion.benchmark_group("write 10 M edges");
    group.sample_size(10);
    let formats: [(&str, Format); 4] =
        [("DOT", write_dot), ("GraphML", write_graphml), ("JSON", write_json), ("HTML", write_html)];
    for (name, write) in formats {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let mut out = Counted::default();
                write(&document, &mut out).expect("counting does not fail");
                out.0
            });
        });
    }
    let snapshot = Snapshot::of(&graph).expect("the graph is not too large");
    let manifest = snapshot.manifest(1, 1);
    let files: Vec<Vec<u8>> = snapshot.files.into_iter().map(|(_, bytes)| bytes).collect();
    let files: [Vec<u8>; 5] = files.try_into().expect("five files");
    group.bench_function("open a snapshot", |bench| {
        let open = |files| Snapshot::open(&manifest, files).expect("the bytes are those that were written").edges();
        bench.iter_batched(|| files.clone(), open, BatchSize::PerIteration);
    });
    group.finish();
}

fn traps(criterion: &mut Criterion) {
    for (name, graph) in shapes::traps() {
        let mask = mask(&graph);
        let mut walker = Walker::default();
        criterion.bench_function(name, |bench| {
            let limits = Limits { nodes: u64::MAX, ..Limits::default() };
            bench.iter(|| walker.reach(graph.view(&mask), &[1], Direction::Outgoing, &limits, || false).edges_seen);
        });
    }
}

criterion_group!(benches, build, walk, label, write, traps);
criterion_main!(benches);
