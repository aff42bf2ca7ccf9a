//! How anonymous a table is as it stands.
//!
//! - k: the rows of the smallest group of rows that are equal in all quasi identifiers (Sweeney 2002, "k-anonymity: a
//!   model for protecting privacy").
//! - l, distinct and entropy: how many values a sensitive column has in the poorest group, plainly, and as the number
//!   of equally frequent values of the same entropy (Machanavajjhala, Kifer, Gehrke, Venkitasubramaniam 2007,
//!   "l-diversity: privacy beyond k-anonymity").
//! - t: how far the values of the farthest group are spread from those of all rows, by the earth mover's distance (Li,
//!   Li, Venkatasubramanian 2007, "t-closeness: privacy beyond k-anonymity and l-diversity").
//!
//! NULL is a value like any other and equals NULL. Each sensitive column counts by itself. Absent: recursive (c,
//! l)-diversity.

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use arrow::array::{Array, ArrayRef};

use super::column::SensitiveColumn;
use super::error::AnonymizeError;
use super::grouping::{Grouper, Part};
use super::levels::coded;
use super::spread::{Coding, Spread, Whole, entropy_l};

/// How anonymous a table is. One without rows has 0 everywhere, which satisfies nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Its rows.
    pub rows: u64,
    /// Groups of rows that are equal in the quasi identifiers.
    pub groups: u64,
    /// Rows of the smallest group.
    pub k: u64,
    /// Each sensitive column, in their order.
    pub sensitive: Vec<Diversity>,
}

/// How diverse a sensitive column is in the group where it is least so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diversity {
    /// Different values.
    pub distinct_l: u64,
    /// The exponential of the entropy, in nats, of its values.
    pub entropy_l: f64,
    /// The earth mover's distance to all rows, in the group where it is largest.
    pub t: f64,
}

/// Measures a table. Columns must have the same rows.
///
/// # Errors
/// If columns differ in length, there is no quasi identifier, or an ordered column has no order.
pub fn measure(quasi: &[ArrayRef], sensitive: &[SensitiveColumn]) -> Result<Measured, AnonymizeError> {
    let names = (1..=quasi.len()).map(|at| format!("quasi identifier {at}")).collect::<Vec<_>>();
    let columns = names.iter().map(String::as_str).zip(quasi);
    let rows = same_rows(columns.chain(sensitive.iter().map(|column| (column.name.as_str(), &column.values))))?;
    if quasi.is_empty() {
        return Err(AnonymizeError::NoQuasi);
    }
    let nothing = Diversity { distinct_l: 0, entropy_l: 0.0, t: 0.0 };
    if rows == 0 {
        return Ok(Measured { rows: 0, groups: 0, k: 0, sensitive: vec![nothing; sensitive.len()] });
    }
    let codes = each_on_a_thread(quasi.len(), |at| coded(&names[at], &quasi[at]))?;
    let parts: Vec<_> =
        codes.iter().map(|column| Part { codes: &column.codes, map: None, count: column.count() }).collect();
    let mut group_of_row = Vec::new();
    let groups = Grouper::default().group(rows, &parts, &mut group_of_row);
    let mut sizes = vec![0_u64; groups];
    for group in &group_of_row {
        sizes[*group as usize] += 1;
    }
    drop(codes);
    let diversity = |at: usize| Coding::of(&sensitive[at]).map(|coding| poorest(&coding, &group_of_row, &sizes));
    Ok(Measured {
        rows: rows as u64,
        groups: groups as u64,
        k: sizes.iter().copied().min().unwrap_or_default(),
        sensitive: each_on_a_thread(sensitive.len(), diversity)?,
    })
}

/// Does some things that have nothing to do with one another, as many at once as there are cores.
fn each_on_a_thread<T: Send>(
    count: usize,
    make: impl Fn(usize) -> Result<T, AnonymizeError> + Sync,
) -> Result<Vec<T>, AnonymizeError> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let next = AtomicUsize::new(0);
    let work = || {
        let mine = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < count));
        mine.map(|at| (at, make(at))).collect::<Vec<_>>()
    };
    let mut made = thread::scope(|scope| {
        let others: Vec<_> = (1..cores.min(count)).map(|_| scope.spawn(work)).collect();
        let mut made = work();
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    });
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, made)| made).collect()
}

/// The figures of the groups in which they are worst.
fn poorest(coding: &Coding, group_of_row: &[u32], sizes: &[u64]) -> Diversity {
    let spread = Spread::of(coding, group_of_row, sizes.len());
    let whole = Whole::new(spread.totals(coding.count, |_| true), coding.distance);
    let mut poorest = Diversity { distinct_l: u64::MAX, entropy_l: f64::INFINITY, t: 0.0 };
    for (group, size) in sizes.iter().enumerate() {
        let values = spread.group(group);
        poorest.distinct_l = poorest.distinct_l.min(values.len() as u64);
        poorest.entropy_l = poorest.entropy_l.min(entropy_l(values, *size));
        poorest.t = poorest.t.max(whole.distance_to(values, *size));
    }
    poorest
}

/// How many rows the columns have, each as many.
pub(super) fn same_rows<'a>(
    mut columns: impl Iterator<Item = (&'a str, &'a ArrayRef)>,
) -> Result<usize, AnonymizeError> {
    let others = columns.next().map_or(0, |(_, values)| values.len());
    match columns.find(|(_, values)| values.len() != others) {
        Some((column, values)) => {
            Err(AnonymizeError::Lengths { column: column.to_owned(), rows: values.len(), others })
        }
        None => Ok(others),
    }
}
