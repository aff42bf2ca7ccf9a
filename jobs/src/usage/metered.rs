//! How much rows of a meter come to: sums, levels over time, and counters.
//!
//! Everything is added in whole numbers of the smallest place; what is too large for that is an error and no figure.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Measure, Quantity};

use super::read::UsageRow;

/// A time, half open, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start_us: i64,
    pub(super) end_us: i64,
}

impl Window {
    fn has(self, at_us: i64) -> bool {
        (self.start_us..self.end_us).contains(&at_us)
    }
}

/// What was used in a time, and what else is to be known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Metered {
    pub(super) used: Quantity,
    /// The instant from which the most was in use.
    pub(super) peak_us: Option<i64>,
    /// What was added at which instant, of sums and counters.
    pub(super) steps: Vec<(i64, Quantity)>,
    /// Rows that were counted.
    pub(super) rows: u64,
    /// Times at which a counter fell.
    pub(super) resets: u64,
    /// Levels without any length, which say nothing.
    pub(super) instants: u64,
}

/// What rows of one meter come to in a time; none where a sum is too large. `rows` are in order, and may begin earlier.
pub(super) fn metered(measure: Measure, rows: &[&UsageRow], window: Window) -> Option<Metered> {
    match measure {
        Measure::Sum => {
            let steps = rows.iter().filter(|row| window.has(row.start_us));
            summed(steps.filter_map(|row| Some((row.start_us, row.quantity?))).collect())
        }
        Measure::Counter => counted(rows, window),
        Measure::Max => most(rows, window),
        Measure::Mean => mean(rows, window),
    }
}

fn summed(steps: Vec<(i64, Quantity)>) -> Option<Metered> {
    let used = steps.iter().try_fold(Quantity::ZERO, |sum, (_, step)| sum.checked_add(*step))?;
    Some(Metered { used, rows: steps.len() as u64, steps, ..Metered::default() })
}

/// Differences of readings, a counter by service and resource. After a fall a counter began at nothing: what it reads is what
/// was used since, and what was used between its last reading and the fall nobody knows.
fn counted(rows: &[&UsageRow], window: Window) -> Option<Metered> {
    let mut counters: BTreeMap<(&str, &str), Vec<(i64, Quantity)>> = BTreeMap::new();
    for row in rows {
        let Some(reading) = row.quantity else { continue };
        counters.entry((&row.service, &row.resource)).or_default().push((row.start_us, reading));
    }
    let (mut steps, mut resets, mut read) = (Vec::new(), 0, 0);
    for readings in counters.values() {
        read += readings.iter().filter(|(at, _)| window.has(*at)).count() as u64;
        for pair in readings.windows(2) {
            let ((_, before), (at, reading)) = (pair[0], pair[1]);
            if !window.has(at) {
                continue;
            }
            let has_fallen = reading < before;
            resets += u64::from(has_fallen);
            let step = if has_fallen { reading } else { difference(before, reading)? };
            steps.push((at, step));
        }
    }
    steps.sort();
    Some(Metered { rows: read, resets, ..summed(steps)? })
}

fn difference(before: Quantity, after: Quantity) -> Option<Quantity> {
    after.units().checked_sub(before.units()).map(Quantity::of_units)
}

/// Levels that reach into a time, cut off at its ends: beginning, end, level.
fn levels<'r>(rows: &'r [&UsageRow], window: Window) -> impl Iterator<Item = (i64, i64, Quantity)> + 'r {
    let reaching = move |row: &&&UsageRow| row.start_us < window.end_us && row.end_us > window.start_us;
    rows.iter()
        .filter(reaching)
        .filter(|row| row.end_us > row.start_us)
        .filter_map(move |row| Some((row.start_us.max(window.start_us), row.end_us.min(window.end_us), row.quantity?)))
}

/// Levels that begin in a time and have no length.
fn instants(rows: &[&UsageRow], window: Window) -> u64 {
    let is_one = |row: &&&UsageRow| window.has(row.start_us) && row.end_us <= row.start_us && row.quantity.is_some();
    rows.iter().filter(is_one).count() as u64
}

/// The most at any one time: what ends at an instant is gone before what begins there.
fn most(rows: &[&UsageRow], window: Window) -> Option<Metered> {
    let mut changes: BTreeMap<i64, i128> = BTreeMap::from([(window.start_us, 0)]);
    let mut count = 0;
    for (start, end, level) in levels(rows, window) {
        count += 1;
        for (at, change) in [(start, Some(level.units())), (end, level.units().checked_neg())] {
            let sum = changes.entry(at).or_default();
            *sum = sum.checked_add(change?)?;
        }
    }
    let (mut level, mut most) = (0i128, None);
    for (at, change) in changes.range(..window.end_us) {
        level = level.checked_add(*change)?;
        if most.is_none_or(|(most, _)| level > most) {
            most = Some((level, *at));
        }
    }
    let (used, at) = most.unwrap_or_default();
    let (used, instants) = (Quantity::of_units(used), instants(rows, window));
    Some(Metered { used, peak_us: Some(at), rows: count, instants, ..Metered::default() })
}

/// The mean over time, cut off at the last place; a time without a level counts as nothing.
fn mean(rows: &[&UsageRow], window: Window) -> Option<Metered> {
    let (mut sum, mut count) = (0i128, 0);
    for (start, end, level) in levels(rows, window) {
        count += 1;
        sum = sum.checked_add(level.units().checked_mul(i128::from(end - start))?)?;
    }
    let used = Quantity::of_units(sum.checked_div(i128::from(window.end_us - window.start_us))?);
    Some(Metered { used, rows: count, instants: instants(rows, window), ..Metered::default() })
}

/// The units that rows are in; figures of two units do not add up.
pub(super) fn units<'r>(rows: &[&'r UsageRow]) -> BTreeSet<&'r str> {
    rows.iter().filter(|row| row.quantity.is_some()).map(|row| row.unit.as_str()).collect()
}

#[cfg(test)]
mod tests;
