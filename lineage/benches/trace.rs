//! How long it takes to trace the columns of a statement: each of TPC-H, TPC-DS and ClickBench apart.
//!
//! `AUDITLAKE_TRACE_BENCHMARKS` names the folder that `tests/interop/trace_benchmarks.py` wrote. Run with
//! `cargo bench -p lineage --bench trace`; the slowest of a hundred is their p99.

#[path = "../tests/benchmarks/statements.rs"]
mod statements;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use lineage::{FunctionClasses, Names, trace};
use statements::{SUITES, planned, session, texts};

fn statements_of_benchmarks(criterion: &mut Criterion) {
    let Some(folder) = std::env::var_os("AUDITLAKE_TRACE_BENCHMARKS").map(PathBuf::from) else {
        println!("AUDITLAKE_TRACE_BENCHMARKS names no folder, so nothing was traced");
        return;
    };
    for suite in SUITES {
        let context = session(&folder.join(suite));
        let mut group = criterion.benchmark_group(suite);
        group.sample_size(10).warm_up_time(Duration::from_millis(50)).measurement_time(Duration::from_millis(200));
        for (name, sql) in texts(&folder.join(suite)) {
            let plan = planned(&context, &sql).expect("the test of benchmarks has planned it");
            let (names, functions) = (Names::new(suite), FunctionClasses::default());
            group.bench_function(name, |bencher| bencher.iter(|| trace(black_box(&plan), &names, &functions)));
        }
        group.finish();
    }
}

criterion_group!(benches, statements_of_benchmarks);
criterion_main!(benches);
