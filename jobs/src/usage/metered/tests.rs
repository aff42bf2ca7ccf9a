//! Figures by hand, and random rows against an implementation that looks at every instant.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::Cost;

use super::*;

/// Random cases for each measure.
const CASES: u32 = 2_000;

fn row(start_us: i64, end_us: i64, quantity: &str, resource: &str) -> UsageRow {
    UsageRow {
        start_us,
        end_us,
        usage_id: format!("{start_us}-{end_us}-{resource}"),
        meter: "m".to_owned(),
        unit: "one".to_owned(),
        quantity: Quantity::parse(quantity),
        billed_cost: Cost::ZERO,
        currency: "EUR".to_owned(),
        category: "Usage".to_owned(),
        class: None,
        service: "api".to_owned(),
        resource: resource.to_owned(),
        raw_ref: String::new(),
    }
}

fn of(measure: Measure, rows: &[UsageRow], start_us: i64, end_us: i64) -> Metered {
    let mut rows: Vec<&UsageRow> = rows.iter().collect();
    rows.sort();
    metered(measure, &rows, Window { start_us, end_us }).expect("small enough")
}

fn used(measure: Measure, rows: &[UsageRow], start_us: i64, end_us: i64) -> String {
    of(measure, rows, start_us, end_us).used.to_string()
}

#[test]
fn a_sum_takes_what_begins_in_the_time() {
    let rows = [row(9, 30, "100", ""), row(10, 10, "0.1", ""), row(19, 40, "0.2", ""), row(20, 21, "100", "")];
    assert_eq!((used(Measure::Sum, &rows, 10, 20), of(Measure::Sum, &rows, 10, 20).rows), ("0.3".to_owned(), 2));
    let back = [row(10, 11, "5", ""), row(11, 12, "-2", "")];
    assert_eq!(used(Measure::Sum, &back, 10, 20), "3", "a correction is taken off");
}

#[test]
fn what_ends_is_gone_before_what_begins() {
    let rows = [row(0, 15, "3", ""), row(15, 30, "4", ""), row(12, 13, "2", ""), row(5, 10, "50", "")];
    let most = of(Measure::Max, &rows, 10, 20);
    assert_eq!((most.used.to_string().as_str(), most.peak_us, most.rows), ("5", Some(12), 3));
    let none = of(Measure::Max, &[], 10, 20);
    assert_eq!((none.used, none.rows), (Quantity::ZERO, 0));
    let point = of(Measure::Max, &[row(12, 12, "7", "")], 10, 20);
    assert_eq!((point.used, point.rows, point.instants), (Quantity::ZERO, 0, 1), "a level without length is none");
}

#[test]
fn a_mean_is_over_the_whole_time() {
    assert_eq!(used(Measure::Mean, &[row(0, 15, "3", "")], 10, 20), "1.5");
    assert_eq!(used(Measure::Mean, &[row(10, 11, "1", "")], 10, 13), "0.333333333333333", "cut off, not rounded");
}

#[test]
fn a_counter_that_falls_began_at_nothing() {
    let reading = |at, quantity| row(at, at, quantity, "disk");
    let rows = [reading(5, "100"), reading(10, "110"), reading(15, "4"), reading(18, "6"), reading(25, "900")];
    let found = of(Measure::Counter, &rows, 10, 20);
    assert_eq!((found.used.to_string().as_str(), found.resets, found.rows), ("16", 1, 3));
    assert_eq!(found.steps.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [10, 15, 18]);
    // The first reading ever says nothing of what was used before.
    assert_eq!(used(Measure::Counter, &[reading(12, "50"), reading(13, "51")], 10, 20), "1");
    let two = [row(11, 11, "5", "a"), row(12, 12, "7", "b"), row(13, 13, "6", "a"), row(14, 14, "9", "b")];
    assert_eq!(used(Measure::Counter, &two, 10, 20), "3", "counters are told apart by what was used");
}

#[test]
fn what_is_too_large_is_no_figure() {
    let window = Window { start_us: 0, end_us: 10 };
    let huge = UsageRow { quantity: Some(Quantity::of_units(i128::MAX)), ..row(1, 9, "1", "") };
    let most_negative = UsageRow { quantity: Some(Quantity::of_units(i128::MIN)), ..row(1, 9, "1", "") };
    for measure in [Measure::Sum, Measure::Max, Measure::Mean] {
        assert_eq!(metered(measure, &[&huge, &huge], window), None, "{measure:?}");
    }
    assert_eq!(metered(Measure::Max, &[&most_negative], window), None);
    assert_eq!(metered(Measure::Counter, &[&most_negative, &huge], window), None);
}

/// The levels of all rows at an instant, in units.
fn level(rows: &[UsageRow], at: i64) -> i128 {
    let there = rows.iter().filter(|row| row.start_us <= at && at < row.end_us);
    there.filter_map(|row| row.quantity).map(Quantity::units).sum()
}

/// What was used, by looking at every instant.
fn slowly(measure: Measure, rows: &[UsageRow], (start, end): (i64, i64)) -> i128 {
    match measure {
        Measure::Sum => {
            let begins = |at: i64| rows.iter().filter(move |row| row.start_us == at);
            (start..end).flat_map(begins).filter_map(|row| row.quantity).map(Quantity::units).sum()
        }
        Measure::Max => (start..end).map(|at| level(rows, at)).max().unwrap_or_default(),
        Measure::Mean => (start..end).map(|at| level(rows, at)).sum::<i128>() / i128::from(end - start),
        Measure::Counter => {
            let mut sum = 0;
            for resource in ["a", "b"] {
                let mut before = None;
                for at in 0..end {
                    let found = rows.iter().find(|row| row.resource == resource && row.start_us == at);
                    let Some(reading) = found.and_then(|row| row.quantity).map(Quantity::units) else { continue };
                    if let (Some(before), true) = (before, at >= start) {
                        sum += if reading < before { reading } else { reading - before };
                    }
                    before = Some(reading);
                }
            }
            sum
        }
    }
}

#[test]
fn random_rows_come_to_what_every_instant_says() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for measure in [Measure::Sum, Measure::Max, Measure::Mean, Measure::Counter] {
        for case in 0..CASES {
            let count = random.random_range(0..8);
            let mut rows: Vec<UsageRow> = Vec::new();
            for _ in 0..count {
                let start = random.random_range(0..40i64);
                let resource = if random.random_bool(0.5) { "a" } else { "b" };
                let quantity = random.random_range(0..2_000i128) * 10i128.pow(random.random_range(0..15));
                // A counter has one reading at an instant.
                if measure == Measure::Counter
                    && rows.iter().any(|row| row.resource == resource && row.start_us == start)
                {
                    continue;
                }
                let quantity = Some(Quantity::of_units(quantity));
                rows.push(UsageRow { quantity, ..row(start, start + random.random_range(0..15), "0", resource) });
            }
            let start = random.random_range(0..25i64);
            let window = (start, start + random.random_range(1..20));
            let found = of(measure, &rows, window.0, window.1);
            assert_eq!(found.used.units(), slowly(measure, &rows, window), "{measure:?}, case {case}: {rows:?}");
        }
    }
}
