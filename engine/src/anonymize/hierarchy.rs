//! Hierarchies: what a value becomes at each level of coarseness.
//!
//! ```text
//! 34;30-39;20-39;*          a row of a hierarchy file: level 0 is the value, each next one is coarser
//! [5, 3, 2, 0]              of postcode 10115 as prefixes: 10115, 101**, 10***, *
//! ```
//!
//! A hierarchy is a tree: what is equal at a level is equal at every coarser one. Absent: reading the file; guessing a
//! hierarchy from the data.

mod rows;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// What each value of a column becomes at each level. Level 0 is the finest.
#[derive(Debug, Clone)]
pub struct Hierarchy(Shape);

#[derive(Debug, Clone)]
enum Shape {
    Table(Arc<Table>),
    /// How many characters are kept at each level.
    Prefixes(Vec<usize>),
    /// How wide the intervals of each level but the first and the last are.
    Intervals(Vec<i64>),
}

#[derive(Debug)]
struct Table {
    rows: Vec<Vec<String>>,
    /// The row of each value.
    row_of: HashMap<String, usize>,
    /// The place of each row where the tree is walked from its root, siblings as the file has them.
    place: Vec<usize>,
    /// The row of values that are not in it.
    unknown: Option<usize>,
}

/// Why a hierarchy cannot be used. Its texts are those of a definition, not of data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HierarchyError {
    /// Nothing in it.
    #[error("the hierarchy is empty; give one line for each value: value;coarser;…;*")]
    Empty,
    /// A line with more or fewer fields than the first one.
    #[error(
        "line {line} of the hierarchy has {found} fields and line 1 has {expected}; give every value the same levels"
    )]
    Lengths {
        /// Counted from 1.
        line: usize,
        /// Fields of this line.
        found: usize,
        /// Fields of the first line.
        expected: usize,
    },
    /// A value that two lines begin with.
    #[error("value \"{value}\" of the hierarchy stands on lines {first} and {line}; keep one of them")]
    Duplicate {
        /// The value.
        value: String,
        /// The line that has it first.
        first: usize,
        /// The line that has it again.
        line: usize,
    },
    /// A text with two parents.
    #[error(
        "the hierarchy is not a tree: \"{text}\" of level {level} is under \"{parent}\" and under \"{other}\"; give it \
         one parent, or two names"
    )]
    NotATree {
        /// The text.
        text: String,
        /// Its level.
        level: usize,
        /// What it becomes at the next level where it is met first.
        parent: String,
        /// What else it becomes.
        other: String,
    },
    /// A quotation mark without its other.
    #[error(
        "line {line} of the hierarchy has a field with an opening quotation mark only; write a quotation mark as \"\""
    )]
    Quote {
        /// Counted from 1.
        line: usize,
    },
    /// Prefixes that do not become shorter.
    #[error("the prefixes {given:?} must become shorter with each level, for example [5, 3, 2, 0]")]
    Prefixes {
        /// As given.
        given: Vec<usize>,
    },
    /// Intervals of which one is not made of those before.
    #[error(
        "the intervals {given:?} must be positive and each a larger multiple of the one before, for example [5, 10, 20]"
    )]
    Intervals {
        /// As given.
        given: Vec<i64>,
    },
}

impl Hierarchy {
    /// From the text of a hierarchy file: fields are separated by `;`, the first is the value, each next one is
    /// coarser; no header. A field with a `;` or a quotation mark stands in quotation marks. Values that are not in the
    /// file become `unknown` at every level; without it they are an error where they are met.
    ///
    /// # Errors
    /// If it is empty, lines have different lengths, a value stands twice, or it is not a tree.
    pub fn from_csv(text: &str, unknown: Option<&str>) -> Result<Self, HierarchyError> {
        let rows = rows::rows(text)?;
        Ok(Self(Shape::Table(Arc::new(Table::new(rows, unknown)?))))
    }

    /// Keeps so many characters at each level and writes `*` for each other one, or a single `*` where none is kept.
    ///
    /// # Errors
    /// If the lengths do not fall, or there is none.
    pub fn from_prefixes(keep: &[usize]) -> Result<Self, HierarchyError> {
        if keep.is_empty() || keep.windows(2).any(|pair| pair[0] <= pair[1]) {
            return Err(HierarchyError::Prefixes { given: keep.to_vec() });
        }
        Ok(Self(Shape::Prefixes(keep.to_vec())))
    }

    /// Integers, then intervals of each width, which begin at its multiples, then `*`.
    ///
    /// # Errors
    /// If a width is not a larger multiple of the one before, or there is none.
    pub fn from_intervals(widths: &[i64]) -> Result<Self, HierarchyError> {
        let nested = widths.windows(2).all(|pair| pair[0] > 0 && pair[1] > pair[0] && pair[1] % pair[0] == 0);
        if !nested || widths.first().is_none_or(|width| *width < 1) {
            return Err(HierarchyError::Intervals { given: widths.to_vec() });
        }
        Ok(Self(Shape::Intervals(widths.to_vec())))
    }

    /// How many levels there are, the first included.
    #[must_use]
    pub fn levels(&self) -> usize {
        match &self.0 {
            Shape::Table(table) => table.rows.first().map_or(0, Vec::len),
            Shape::Prefixes(keep) => keep.len(),
            Shape::Intervals(widths) => widths.len() + 2,
        }
    }

    /// Whether the first level has every value as it is.
    pub(crate) fn begins_with_values(&self) -> bool {
        match &self.0 {
            Shape::Table(table) => table.unknown.is_none(),
            Shape::Prefixes(_) => false,
            Shape::Intervals(_) => true,
        }
    }

    /// What a value becomes at each level, or none if it is not in the hierarchy.
    #[must_use]
    pub fn texts_of(&self, value: &str) -> Option<Vec<String>> {
        match &self.0 {
            Shape::Table(table) => table.row(value).map(|row| table.rows[row].clone()),
            Shape::Prefixes(keep) => Some(keep.iter().map(|keep| prefix(value, *keep)).collect()),
            Shape::Intervals(widths) => {
                let number: i64 = value.parse().ok()?;
                let intervals = widths.iter().map(|width| interval(number, *width));
                Some([number.to_string()].into_iter().chain(intervals).chain(["*".to_owned()]).collect())
            }
        }
    }

    /// The text that all values have at the last level, if that is one and there is a finer one.
    pub(super) fn root(&self) -> Option<&str> {
        match &self.0 {
            Shape::Table(table) => {
                let mut lasts = table.rows.iter().filter(|row| row.len() > 1).filter_map(|row| row.last());
                let root = lasts.next()?;
                lasts.all(|last| last == root).then_some(root)
            }
            Shape::Prefixes(keep) => (keep.len() > 1 && keep.last() == Some(&0)).then_some("*"),
            Shape::Intervals(_) => Some("*"),
        }
    }

    /// How values that are in the hierarchy follow one another: whoever is under one parent is together.
    pub(super) fn compare(&self, left: &str, right: &str) -> Ordering {
        match &self.0 {
            Shape::Table(table) => {
                let place = |value| table.row(value).map(|row| table.place[row]);
                place(left).cmp(&place(right))
            }
            Shape::Prefixes(_) => {
                let from_root = |value| self.texts_of(value).into_iter().flatten().rev();
                from_root(left).cmp(from_root(right)).then_with(|| left.cmp(right))
            }
            Shape::Intervals(_) => left.parse::<i64>().ok().cmp(&right.parse::<i64>().ok()),
        }
    }
}

impl Table {
    fn new(mut rows: Vec<Vec<String>>, unknown: Option<&str>) -> Result<Self, HierarchyError> {
        let expected = rows.first().map_or(0, Vec::len);
        let mut row_of = HashMap::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            if row.len() != expected {
                return Err(HierarchyError::Lengths { line: at + 1, found: row.len(), expected });
            }
            match row_of.entry(row[0].clone()) {
                Entry::Occupied(first) => {
                    let value = row[0].clone();
                    return Err(HierarchyError::Duplicate { value, first: first.get() + 1, line: at + 1 });
                }
                Entry::Vacant(entry) => entry.insert(at),
            };
        }
        let unknown = unknown.map(|text| {
            *row_of.entry(text.to_owned()).or_insert_with(|| {
                rows.push(vec![text.to_owned(); expected]);
                rows.len() - 1
            })
        });
        is_tree(&rows)?;
        Ok(Self { place: places(&rows), rows, row_of, unknown })
    }

    fn row(&self, value: &str) -> Option<usize> {
        self.row_of.get(value).copied().or(self.unknown)
    }
}

fn is_tree(rows: &[Vec<String>]) -> Result<(), HierarchyError> {
    let mut parents: HashMap<(usize, &str), &str> = HashMap::new();
    for row in rows {
        for (level, pair) in row.windows(2).enumerate() {
            let parent = *parents.entry((level, &pair[0])).or_insert(&pair[1]);
            if parent != pair[1] {
                let (text, parent, other) = (pair[0].clone(), parent.to_owned(), pair[1].clone());
                return Err(HierarchyError::NotATree { text, level, parent, other });
            }
        }
    }
    Ok(())
}

/// Where each row comes when the tree is walked from its root, siblings in the order of the rows.
fn places(rows: &[Vec<String>]) -> Vec<usize> {
    let mut met: HashMap<(usize, &str), usize> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        for (level, text) in row.iter().enumerate() {
            met.entry((level, text)).or_insert(at);
        }
    }
    let path = |at: &usize| -> Vec<usize> {
        rows[*at].iter().enumerate().rev().map(|(level, text)| met[&(level, text.as_str())]).collect()
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_cached_key(path);
    let mut places = vec![0; rows.len()];
    for (place, row) in order.into_iter().enumerate() {
        places[row] = place;
    }
    places
}

fn prefix(value: &str, keep: usize) -> String {
    if keep == 0 {
        return "*".to_owned();
    }
    value.chars().enumerate().map(|(at, char)| if at < keep { char } else { '*' }).collect()
}

fn interval(number: i64, width: i64) -> String {
    // The first interval may begin, and the last one end, beyond the numbers that there are.
    let from = i128::from(number.div_euclid(width)) * i128::from(width);
    let to = from + i128::from(width) - 1;
    if width == 1 { number.to_string() } else { format!("[{from}-{to}]") }
}
