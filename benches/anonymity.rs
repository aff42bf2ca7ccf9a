//! Measuring and generalising a table of made-up people, in rows per second.
//!
//! `cargo bench -p benches --bench anonymity` in a release build.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::anonymize::{
    Distance, Hierarchy, Loss, QuasiColumn, Requirement, Search, SensitiveColumn, measure, mondrian, optimal,
};

const ROWS: u32 = 100_000;

/// A number below a bound that looks drawn and is the same each time.
fn below(bound: u32, row: u32, column: u32) -> u32 {
    row.wrapping_mul(2_654_435_761).rotate_left(column).wrapping_mul(2_246_822_519) % bound
}

fn people() -> (Vec<QuasiColumn>, Vec<SensitiveColumn>) {
    let ages = Int32Array::from_iter_values((0..ROWS).map(|row| below(80, row, 3) as i32));
    let codes = StringArray::from_iter_values((0..ROWS).map(|row| format!("{:05}", below(500, row, 11) * 100)));
    let diseases = StringArray::from_iter_values((0..ROWS).map(|row| format!("disease {}", below(20, row, 19))));
    let quasi = |name: &str, values: ArrayRef, hierarchy| QuasiColumn {
        name: name.to_owned(),
        values,
        hierarchy: Some(hierarchy),
    };
    let intervals = Hierarchy::from_intervals(&[5, 10, 20, 40]).expect("each is made of those before");
    let prefixes = Hierarchy::from_prefixes(&[5, 3, 2, 1, 0]).expect("each is shorter");
    let disease = SensitiveColumn { name: "disease".to_owned(), values: Arc::new(diseases), distance: Distance::Equal };
    (vec![quasi("age", Arc::new(ages), intervals), quasi("postcode", Arc::new(codes), prefixes)], vec![disease])
}

fn anonymity(criterion: &mut Criterion) {
    let (quasi, sensitive) = people();
    let columns: Vec<ArrayRef> = quasi.iter().map(|column| column.values.clone()).collect();
    let requirement = Requirement { distinct_l: Some(2), ..Requirement::k(5) };
    let search = Search { requirement: requirement.clone(), loss: Loss::Entropy, suppress: 0.04 };
    let mut group = criterion.benchmark_group("anonymity");
    group.throughput(Throughput::Elements(u64::from(ROWS))).sample_size(10);
    group.bench_function("measure", |bench| bench.iter(|| black_box(measure(&columns, &sensitive)).is_ok()));
    group.bench_function("optimal", |bench| bench.iter(|| black_box(optimal(&quasi, &sensitive, &search)).is_ok()));
    group.bench_function("mondrian", |bench| {
        bench.iter(|| black_box(mondrian(&quasi, &sensitive, &requirement)).is_ok())
    });
    group.finish();
}

criterion_group!(benches, anonymity);
criterion_main!(benches);
