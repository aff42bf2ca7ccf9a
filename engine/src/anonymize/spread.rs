//! How the values of a sensitive column are spread over groups, and how far one group is from all rows.

use super::column::{Distance, SensitiveColumn};
use super::error::AnonymizeError;
use super::levels::coded;

/// A sensitive column in codes; those of an ordered one are in the order of the values.
#[derive(Debug)]
pub(super) struct Coding {
    pub(super) codes: Vec<u32>,
    pub(super) count: usize,
    pub(super) distance: Distance,
}

impl Coding {
    pub(super) fn of(column: &SensitiveColumn) -> Result<Self, AnonymizeError> {
        let mut values = coded(&column.name, &column.values)?;
        if column.distance == Distance::Ordered {
            let unfit = |_| AnonymizeError::of_type(&column.name, &column.values, "brought in order");
            let order = values.in_order(&column.values).map_err(unfit)?;
            values.renumber(&order);
        }
        Ok(Self { count: values.count(), codes: values.codes, distance: column.distance })
    }

    /// How many rows have each code.
    pub(super) fn totals(&self) -> Vec<u64> {
        let mut totals = vec![0; self.count];
        self.codes.iter().for_each(|code| totals[*code as usize] += 1);
        totals
    }

    /// The values of some rows, by their code, and how many have each.
    pub(super) fn values_of(&self, rows: &[u32]) -> Vec<(u32, u64)> {
        let mut codes: Vec<u32> = rows.iter().map(|row| self.codes[*row as usize]).collect();
        codes.sort_unstable();
        codes.chunk_by(|one, other| one == other).map(|equal| (equal[0], equal.len() as u64)).collect()
    }
}

/// The values of each group and how many rows have them.
#[derive(Debug)]
pub(super) struct Spread {
    starts: Vec<usize>,
    values: Vec<(u32, u64)>,
}

impl Spread {
    /// The values of rows in groups.
    pub(super) fn of(coding: &Coding, group_of_row: &[u32], groups: usize) -> Self {
        gather(group_of_row, groups, coding.count, |row| [(coding.codes[row], 1)])
    }

    /// The same when groups are put together. `count` is how many codes there are.
    pub(super) fn merged(&self, target_of_group: &[u32], targets: usize, count: usize) -> Self {
        gather(target_of_group, targets, count, |group| self.group(group).iter().copied())
    }

    /// The values of a group, by their code, and how many rows have each.
    pub(super) fn group(&self, group: usize) -> &[(u32, u64)] {
        &self.values[self.starts[group]..self.starts[group + 1]]
    }

    /// How many rows of the groups that `counts` have each code.
    pub(super) fn totals(&self, count: usize, counts: impl Fn(usize) -> bool) -> Vec<u64> {
        let mut totals = vec![0; count];
        for group in (0..self.starts.len() - 1).filter(|group| counts(*group)) {
            for (code, rows) in self.group(group) {
                totals[*code as usize] += rows;
            }
        }
        totals
    }
}

/// Brings the entries of items to their targets and adds up those of one code.
fn gather<E: IntoIterator<Item = (u32, u64)>>(
    target_of: &[u32],
    targets: usize,
    count: usize,
    entries: impl Fn(usize) -> E,
) -> Spread {
    let order = by_target(target_of, targets);
    let mut rows_of = vec![0_u64; count];
    let (mut starts, mut values) = (Vec::with_capacity(targets + 1), Vec::new());
    starts.push(0);
    for items in order.starts.windows(2) {
        let start = values.len();
        for item in &order.items[items[0]..items[1]] {
            for (code, rows) in entries(*item as usize) {
                if rows_of[code as usize] == 0 {
                    values.push((code, 0));
                }
                rows_of[code as usize] += rows;
            }
        }
        values[start..].sort_unstable();
        for (code, rows) in &mut values[start..] {
            *rows = std::mem::take(&mut rows_of[*code as usize]);
        }
        starts.push(values.len());
    }
    Spread { starts, values }
}

struct ByTarget {
    starts: Vec<usize>,
    items: Vec<u32>,
}

/// Items in the order of their targets.
fn by_target(target_of: &[u32], targets: usize) -> ByTarget {
    let mut starts = vec![0_usize; targets + 1];
    for target in target_of {
        starts[*target as usize + 1] += 1;
    }
    for target in 0..targets {
        starts[target + 1] += starts[target];
    }
    let (mut next, mut items) = (starts.clone(), vec![0; target_of.len()]);
    for (item, target) in target_of.iter().enumerate() {
        let place = &mut next[*target as usize];
        items[*place] = item as u32;
        *place += 1;
    }
    ByTarget { starts, items }
}

/// The exponential of the entropy, in nats, of the values of a group of `size` rows.
pub(super) fn entropy_l(values: &[(u32, u64)], size: u64) -> f64 {
    let share = |rows: u64| rows as f64 / size as f64;
    (-values.iter().map(|(_, rows)| share(*rows) * share(*rows).ln()).sum::<f64>()).exp()
}

/// The values of all rows, to which those of a group are compared.
#[derive(Debug)]
pub(super) struct Whole {
    distance: Distance,
    rows: u64,
    /// Rows of each code.
    totals: Vec<u64>,
    /// The place of each code among those that a row has.
    place: Vec<usize>,
    /// Rows up to each place, that included.
    up_to: Vec<u64>,
    /// The sum of the above before each place.
    before: Vec<u128>,
}

impl Whole {
    pub(super) fn new(totals: Vec<u64>, distance: Distance) -> Self {
        let (mut rows, mut sum, mut place) = (0, 0, vec![0; totals.len()]);
        let (mut up_to, mut before) = (Vec::new(), vec![0]);
        for (code, total) in totals.iter().enumerate().filter(|(_, total)| **total > 0) {
            place[code] = up_to.len();
            rows += total;
            sum += u128::from(rows);
            up_to.push(rows);
            before.push(sum);
        }
        Self { distance, rows, totals, place, up_to, before }
    }

    /// The earth mover's distance of a group of `size` rows to all rows. Counts are multiplied out, so that equal
    /// shares are exactly 0 apart.
    pub(super) fn distance_to(&self, values: &[(u32, u64)], size: u64) -> f64 {
        let (rows, size) = (u128::from(self.rows), u128::from(size));
        let (moved, steps) = match self.distance {
            Distance::Equal => {
                let too_many = |(code, here): &(u32, u64)| {
                    (u128::from(*here) * rows).saturating_sub(u128::from(self.totals[*code as usize]) * size)
                };
                (values.iter().map(too_many).sum::<u128>(), 1)
            }
            Distance::Ordered => (self.moved_along(values, rows, size), self.up_to.len().saturating_sub(1).max(1)),
        };
        moved as f64 / (rows * size) as f64 / steps as f64
    }

    /// The sum over all places of how far the rows up to there are from their share, times `rows` and `size`.
    fn moved_along(&self, values: &[(u32, u64)], rows: u128, size: u128) -> u128 {
        let (mut moved, mut from, mut here) = (0, 0, 0);
        let ends = values.iter().map(|(code, count)| (self.place[*code as usize], *count));
        for (to, count) in ends.chain([(self.up_to.len(), 0)]) {
            let share = here * rows;
            // What all rows have up to a place only grows: up to one place it is less than the share, then more.
            let turn = from + self.up_to[from..to].partition_point(|up_to| u128::from(*up_to) * size < share);
            moved += share * (turn - from) as u128 - size * (self.before[turn] - self.before[from]);
            moved += size * (self.before[to] - self.before[turn]) - share * (to - turn) as u128;
            (from, here) = (to, here + u128::from(count));
        }
        moved
    }
}
