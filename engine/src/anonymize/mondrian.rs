//! Ranges of its own for each group: strict multidimensional partitioning (LeFevre, DeWitt, Ramakrishnan 2006,
//! "Mondrian multidimensional k-anonymity").
//!
//! All rows are one part. A part is cut in two at the median of a column, so that no value is on both sides, and each
//! side is cut again, as long as both satisfy the requirement. The column is the one over which the part stretches
//! farthest, as a share of the column's distinct values; of equal ones, the first. Numbers and times are in their
//! order, other values in that of their hierarchy, NULL before all. Of the two cuts beside the median value it is the
//! more even one, then the one behind it. Absent: rows that are left out; a search for the best partition, which is
//! NP-hard.

mod axis;
#[cfg(test)]
mod tests;

use arrow::array::StringArray;

use super::column::{QuasiColumn, SensitiveColumn};
use super::error::{AnonymizeError, NotMet};
use super::measure::same_rows;
use super::requirement::{Requirement, at_most};
use super::spread::{Coding, Whole};
use axis::Axis;

/// A table in groups. No row is left out.
#[derive(Debug, Clone)]
pub struct Partitioned {
    /// The texts of each quasi identifier, in their order, for every row: `20`, or a range `[20-29]`, of numbers and
    /// times; the lowest common ancestor of categories, or `*` where they have none.
    pub columns: Vec<StringArray>,
    /// The group of each row.
    pub group_of_row: Vec<u32>,
    /// How many groups there are. Of two, the texts may be the same.
    pub groups: u64,
}

/// Cuts all rows in two at the median of a column, and each part again, as long as both parts satisfy the requirement.
///
/// # Errors
/// If all rows together do not satisfy it, or a column has neither numbers nor times nor a hierarchy.
pub fn mondrian(
    quasi: &[QuasiColumn],
    sensitive: &[SensitiveColumn],
    requirement: &Requirement,
) -> Result<Partitioned, AnonymizeError> {
    let columns = quasi.iter().map(|column| (column.name.as_str(), &column.values));
    let rows = same_rows(columns.chain(sensitive.iter().map(|column| (column.name.as_str(), &column.values))))?;
    if quasi.is_empty() {
        return Err(AnonymizeError::NoQuasi);
    }
    requirement.check(sensitive.len())?;
    let axes = quasi.iter().map(Axis::of).collect::<Result<Vec<_>, _>>()?;
    let judge = Judge::of(requirement, sensitive)?;
    let all: Vec<u32> = (0..rows as u32).collect();
    if !judge.admits(&all) {
        return Err(AnonymizeError::NotMet(Box::new(NotMet {
            asked: requirement.told(),
            levels: Vec::new(),
            groups: u64::from(rows > 0),
            below_groups: u64::from(rows > 0),
            below_rows: rows as u64,
            rows: rows as u64,
            allowed_rows: 0,
        })));
    }
    Ok(written(&axes, rows, &parts(all, &axes, &judge)))
}

/// The parts that cannot be cut.
fn parts(all: Vec<u32>, axes: &[Axis], judge: &Judge<'_>) -> Vec<Vec<u32>> {
    let (mut open, mut whole) = (vec![all], Vec::new());
    while let Some(part) = open.pop() {
        match cut(&part, axes, judge) {
            // The lower part comes next.
            Some((lower, upper)) => open.extend([upper, lower]),
            None => whole.push(part),
        }
    }
    whole
}

/// Both sides of the first cut that may be made, if there is one.
fn cut(part: &[u32], axes: &[Axis], judge: &Judge<'_>) -> Option<(Vec<u32>, Vec<u32>)> {
    if (part.len() as u64) < judge.requirement.k.saturating_mul(2) {
        return None;
    }
    let mut widths: Vec<(usize, u64)> = axes.iter().map(|axis| axis.width(part)).enumerate().collect();
    widths.retain(|(_, width)| *width > 0);
    // Shares of the distinct values, compared by multiplying out.
    let share = |(_, width): &(usize, u64), other: usize| u128::from(*width) * axes[other].steps() as u128;
    widths.sort_by(|one, other| share(other, one.0).cmp(&share(one, other.0)));
    widths.into_iter().find_map(|(at, _)| cut_at_median(part, &axes[at], judge))
}

fn cut_at_median(part: &[u32], axis: &Axis, judge: &Judge<'_>) -> Option<(Vec<u32>, Vec<u32>)> {
    let mut places: Vec<u32> = part.iter().map(|row| axis.place(*row)).collect();
    let middle = (places.len() - 1) / 2;
    let median = *places.select_nth_unstable(middle).1;
    let before = places.iter().filter(|place| **place < median).count();
    let behind = before + places.iter().filter(|place| **place == median).count();
    let mut cuts = [(behind, median + 1), (before, median)];
    cuts.sort_by_key(|(lower, _)| part.len().abs_diff(2 * lower));
    cuts.into_iter().find_map(|(lower, first_above)| {
        if (lower.min(part.len() - lower) as u64) < judge.requirement.k {
            return None;
        }
        let (lower, upper): (Vec<u32>, Vec<u32>) = part.iter().partition(|row| axis.place(**row) < first_above);
        (judge.admits(&lower) && judge.admits(&upper)).then_some((lower, upper))
    })
}

/// Says of rows whether they may be a group.
struct Judge<'a> {
    requirement: &'a Requirement,
    sensitive: Vec<(Coding, Whole)>,
}

impl<'a> Judge<'a> {
    fn of(requirement: &'a Requirement, sensitive: &[SensitiveColumn]) -> Result<Self, AnonymizeError> {
        let counted = if requirement.is_of_sensitive() { sensitive } else { &[] };
        let with_whole = |column| {
            let coding = Coding::of(column)?;
            let whole = Whole::new(coding.totals(), coding.distance);
            Ok((coding, whole))
        };
        Ok(Self { requirement, sensitive: counted.iter().map(with_whole).collect::<Result<_, _>>()? })
    }

    fn admits(&self, rows: &[u32]) -> bool {
        let size = rows.len() as u64;
        let spread = |(coding, whole): &(Coding, Whole)| {
            let values = coding.values_of(rows);
            self.requirement.is_diverse(&values, size)
                && self.requirement.t.is_none_or(|t| at_most(whole.distance_to(&values, size), t))
        };
        size >= self.requirement.k && self.sensitive.iter().all(spread)
    }
}

/// The texts of each part for its rows.
fn written(axes: &[Axis], rows: usize, parts: &[Vec<u32>]) -> Partitioned {
    let mut group_of_row = vec![0; rows];
    for (group, part) in parts.iter().enumerate() {
        part.iter().for_each(|row| group_of_row[*row as usize] = group as u32);
    }
    let column = |axis: &Axis| -> StringArray {
        let texts: Vec<Option<String>> = parts.iter().map(|part| axis.text_of(part)).collect();
        group_of_row.iter().map(|group| texts[*group as usize].as_deref()).collect()
    };
    Partitioned { columns: axes.iter().map(column).collect(), groups: parts.len() as u64, group_of_row }
}
