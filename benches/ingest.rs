//! Ingest of `audit.v1` NDJSON into a lake in memory, in events per second.
//!
//! `cargo bench -p benches` in a release build; the demo's generator makes the events.

use std::fs;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::IngestFrom;
use jobs::{IngestCommand, OpenLake, Progress, World, generate, ingest};
use schemas::{FixedClock, IngestFormat, parse_rfc3339};

const LAKE: &str = "lake: bench\nstore: \"memory:\"\n";
const AUDIT: &str = "dataset: audit\nlocation: audit/\nschema: audit.v1\n";

fn ndjson(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("auditlake-bench-{}", std::process::id()));
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, bytes)
    };
    write("lake.yaml", LAKE.as_bytes()).expect("the temporary folder takes files");
    write("datasets/audit.yaml", AUDIT.as_bytes()).expect("the temporary folder takes files");
    let made = generate(1, &mut |name, bytes| write(name, bytes)).expect("the temporary folder takes files");
    let at = parse_rfc3339("2026-03-02T00:00:00Z").expect("a constant");
    let world = World::seeded(Arc::new(FixedClock(at)), 1);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(made.events)).sample_size(10);
    group.bench_function("ndjson", |bench| {
        bench.iter(|| {
            let lake = OpenLake::open(&folder).expect("the definitions are right");
            let command = IngestCommand {
                format: IngestFormat::Ndjson,
                from: IngestFrom::Paths(vec!["drop".to_owned()]),
                into: "audit".to_owned(),
                mapping: None,
                tenant: None,
                partial: false,
                max_rejected_ppm: 0,
            };
            black_box(runtime.block_on(ingest(&lake, &world, &command, &Progress::silent())).expect("every event fits"))
        });
    });
    group.finish();
    drop(fs::remove_dir_all(&folder));
}

criterion_group!(benches, ndjson);
criterion_main!(benches);
