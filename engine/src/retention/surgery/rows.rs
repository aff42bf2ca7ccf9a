//! Which rows of one Parquet file are meant: half-open ranges of row numbers, row group by row group.
//!
//! Rows are records, counted within their row group from 0; a record of a nested column is one row however many values it
//! holds. A set has one form only, so equal sets are written and digested alike. Absent: why a row is in the set.
//!
//! ```text
//! [[0,[[5,9]]],[3,[[0,1],[7,12]]]]      rows 5 to 8 of group 0; rows 0 and 7 to 11 of group 3
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A set of rows of one file. Within a row group its ranges are sorted, not empty, disjoint and not adjacent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Compact", into = "Compact")]
pub struct RowSet {
    groups: BTreeMap<usize, Vec<Range<u64>>>,
}

/// How a set is written: row groups, each with its ranges.
type Compact = Vec<(usize, Vec<(u64, u64)>)>;

/// A written set that is not in its one form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rows of row group {group} are not sorted, disjoint, non-empty ranges; write each set in its one form")]
pub struct RowSetError {
    group: usize,
}

impl RowSet {
    /// The set without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `rows` of row group `group`. Cheapest when ranges come in ascending order.
    pub fn insert(&mut self, group: usize, rows: Range<u64>) {
        if rows.is_empty() {
            return;
        }
        let ranges = self.groups.entry(group).or_default();
        match ranges.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            Some(last) if last.end > rows.start => {
                let first = ranges.partition_point(|range| range.end < rows.start);
                let after = ranges.partition_point(|range| range.start <= rows.end);
                let start = ranges.get(first).map_or(rows.start, |range| range.start.min(rows.start));
                let end = after.checked_sub(1).and_then(|at| ranges.get(at)).map_or(rows.end, |r| r.end.max(rows.end));
                if first < after {
                    ranges.splice(first..after, [start..end]);
                } else {
                    ranges.insert(first, rows);
                }
            }
            _ => ranges.push(rows),
        }
    }

    /// Every row of a file whose row groups have `group_rows` rows.
    pub fn all(group_rows: &[u64]) -> Self {
        let mut all = Self::new();
        for (group, rows) in group_rows.iter().enumerate() {
            all.insert(group, 0..*rows);
        }
        all
    }

    /// The rows of a file with `group_rows` rows in its row groups that are not in this set.
    pub fn complement(&self, group_rows: &[u64]) -> Self {
        let mut rest = Self::new();
        for (group, rows) in group_rows.iter().enumerate() {
            for gap in gaps(self.ranges(group), *rows) {
                rest.insert(group, gap);
            }
        }
        rest
    }

    /// The rows in this set, in `other`, or in both.
    pub fn union(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (group, ranges) in other.groups() {
            for range in ranges {
                both.insert(group, range.clone());
            }
        }
        both
    }

    /// Number of rows in the set.
    pub fn len(&self) -> u64 {
        self.groups.values().map(|ranges| count(ranges)).sum()
    }

    /// Whether there is no row in the set.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Number of rows in the set that are in row group `group`.
    pub fn len_in(&self, group: usize) -> u64 {
        count(self.ranges(group))
    }

    /// The ranges of row group `group`; none when it is untouched.
    pub fn ranges(&self, group: usize) -> &[Range<u64>] {
        self.groups.get(&group).map_or(&[], Vec::as_slice)
    }

    /// Row groups with rows in the set, in order, with their ranges.
    pub fn groups(&self) -> impl Iterator<Item = (usize, &[Range<u64>])> {
        self.groups.iter().map(|(group, ranges)| (*group, ranges.as_slice()))
    }

    /// SHA-256 over the compact JSON text of the set, without blanks, as in the example above; the empty set is `[]`.
    pub fn sha256(&self) -> [u8; 32] {
        let mut text = String::from("[");
        for (at, (group, ranges)) in self.groups().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            write!(text, "{comma}[{group},[").unwrap_or_default();
            for (at, range) in ranges.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                write!(text, "{comma}[{},{}]", range.start, range.end).unwrap_or_default();
            }
            text.push_str("]]");
        }
        text.push(']');
        Sha256::digest(text).into()
    }
}

/// Collects (row group, row) pairs; cheapest when they are sorted.
impl FromIterator<(usize, u64)> for RowSet {
    fn from_iter<I: IntoIterator<Item = (usize, u64)>>(rows: I) -> Self {
        let mut set = Self::new();
        for (group, row) in rows {
            set.insert(group, row..row.saturating_add(1));
        }
        set
    }
}

impl From<RowSet> for Compact {
    fn from(set: RowSet) -> Self {
        let pairs = |ranges: Vec<Range<u64>>| ranges.into_iter().map(|range| (range.start, range.end)).collect();
        set.groups.into_iter().map(|(group, ranges)| (group, pairs(ranges))).collect()
    }
}

impl TryFrom<Compact> for RowSet {
    type Error = RowSetError;

    fn try_from(compact: Compact) -> Result<Self, RowSetError> {
        let mut groups = BTreeMap::new();
        for (group, pairs) in compact {
            let ordered = pairs.iter().all(|(start, end)| start < end)
                && pairs.windows(2).all(|pair| matches!(pair, [before, after] if before.1 < after.0));
            let after_others = groups.last_key_value().is_none_or(|(last, _)| *last < group);
            if pairs.is_empty() || !ordered || !after_others {
                return Err(RowSetError { group });
            }
            groups.insert(group, pairs.into_iter().map(|(start, end)| start..end).collect());
        }
        Ok(Self { groups })
    }
}

/// Number of rows in `ranges`.
pub(super) fn count(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end - range.start).sum()
}

/// What `ranges` leave of the rows from 0 to `rows`.
pub(super) fn gaps(ranges: &[Range<u64>], rows: u64) -> Vec<Range<u64>> {
    let mut gaps = Vec::with_capacity(ranges.len() + 1);
    let mut next = 0;
    for range in ranges {
        if next < range.start.min(rows) {
            gaps.push(next..range.start.min(rows));
        }
        next = range.end;
    }
    if next < rows {
        gaps.push(next..rows);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> RowSet {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_set_is_the_same_in_whatever_order_its_rows_come() {
        let orders: [&[u64]; 4] = [&[1, 2, 3, 7, 9], &[9, 7, 3, 2, 1], &[3, 1, 9, 2, 7], &[7, 9, 1, 3, 2, 2, 9]];
        for order in orders {
            let rows: RowSet = order.iter().map(|row| (4, *row)).collect();
            assert_eq!(serde_json::to_string(&rows).unwrap(), "[[4,[[1,4],[7,8],[9,10]]]]", "{order:?}");
            assert_eq!((rows.len(), rows.len_in(4), rows.len_in(3)), (5, 5, 0));
        }
    }

    #[test]
    fn ranges_that_overlap_or_touch_become_one() {
        let mut rows = RowSet::new();
        for range in [10..20, 30..40, 50..60, 5..6, 18..31, 40..41, 0..0, 70..70] {
            rows.insert(0, range);
        }
        assert_eq!(rows, set("[[0,[[5,6],[10,41],[50,60]]]]"));
        rows.insert(0, 0..100);
        assert_eq!(rows, set("[[0,[[0,100]]]]"));
    }

    #[test]
    fn a_set_and_its_complement_are_all_rows() {
        let rows = set("[[0,[[0,3],[5,6]]],[2,[[9,10]]]]");
        let sizes = [6, 4, 10];
        let rest = rows.complement(&sizes);
        assert_eq!(rest, set("[[0,[[3,5]]],[1,[[0,4]]],[2,[[0,9]]]]"));
        assert_eq!(rows.union(&rest), RowSet::all(&sizes));
        assert_eq!(rest.complement(&sizes), rows);
        assert_eq!(rows.len() + rest.len(), 20);
    }

    #[test]
    fn only_the_one_form_of_a_set_is_read() {
        for text in
            ["[[0,[]]]", "[[0,[[3,3]]]]", "[[0,[[1,2],[2,3]]]]", "[[0,[[4,5],[1,2]]]]", "[[1,[[0,1]]],[0,[[0,1]]]]"]
        {
            assert!(serde_json::from_str::<RowSet>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_digest_is_that_of_the_compact_text() {
        let rows = set("[[0,[[5,9]]],[3,[[0,1],[7,12]]]]");
        let text = serde_json::to_string(&rows).unwrap();
        assert_eq!(text, "[[0,[[5,9]]],[3,[[0,1],[7,12]]]]");
        assert_eq!(rows.sha256(), <[u8; 32]>::from(Sha256::digest(text)));
        assert_eq!(RowSet::new().sha256(), <[u8; 32]>::from(Sha256::digest("[]")));
    }
}
