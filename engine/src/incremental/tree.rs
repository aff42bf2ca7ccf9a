//! Which states fold into which: the tree of a dataset's files, a function of the files alone.
//!
//! ```text
//! result ─┬─ 2025 ─┬─ 2025-11 ─── files, by path
//!         │        └─ 2025-12 ─┬─ 2025-12-01 ─── files     a month of more than 256 files
//!         │                    └─ …
//!         └─ h0 … hf ─── files whose paths name no month
//! ```
//!
//! A leaf is one version of one file. A node is named by what is in it, so it is found for exactly these versions or not at
//! all. Absent: what is kept. That changes who has to work, and never the tree.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use crate::dataset::PinnedFile;
use crate::hex;

/// Hex digits of a name.
const NAME_DIGITS: usize = 32;
/// Files of a month from which on its days are folded first.
const FILES_BY_MONTH_MAX: usize = 256;
/// Children from which on a node is worth an object of its own.
const CHILDREN_KEPT_MIN: usize = 8;

/// The state of one version of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Where it stands in the list of files that the tree was made of.
    pub(super) at: usize,
    /// Of path, ETag and size.
    pub(super) name: String,
    /// Month of the file, else the first hex digit of its path's hash.
    pub(super) bucket: String,
}

impl Leaf {
    /// Its object, below the folder of a fingerprint.
    pub(super) fn object(&self) -> String {
        format!("{}/{}.parquet", self.bucket, self.name)
    }
}

/// What is folded into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// The state of one file.
    Leaf(Leaf),
    /// States of a day, a month or a year.
    Inner(Inner),
}

/// States of a day, a month or a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inner {
    /// `2026-09-01`, `2026-09`, `2026` or `h7`.
    pub(super) bucket: String,
    /// In the order in which they are folded.
    pub(super) children: Vec<Node>,
    /// Whether it is worth an object of its own, if all its files are whole.
    pub(super) keepable: bool,
}

impl Inner {
    /// Its object, below the folder of a fingerprint.
    pub(super) fn object(&self) -> String {
        let mut hash = Sha256::new();
        self.leaves(&mut |leaf| hash.update(leaf.name.as_bytes()));
        format!("{}.{}.parquet", self.bucket, short(&hash.finalize()))
    }

    /// Every leaf below it, in order.
    pub(super) fn leaves<'a>(&'a self, told: &mut impl FnMut(&'a Leaf)) {
        for child in &self.children {
            match child {
                Node::Leaf(leaf) => told(leaf),
                Node::Inner(inner) => inner.leaves(told),
            }
        }
    }
}

/// Leaves of each month, with the day of those whose paths name one.
type Months = BTreeMap<String, Vec<(Leaf, Option<String>)>>;

/// The tree over `files`: what folds into the result, in order. Whichever order they come in, the tree is the same.
pub(super) fn tree(files: &[&PinnedFile]) -> Vec<Inner> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by(|a, b| files[*a].path().cmp(files[*b].path()));
    let mut years: BTreeMap<String, Months> = BTreeMap::new();
    for at in order {
        let leaf = leaf(files[at], at);
        let day = month_and_day(files[at]).and_then(|(_, day)| day);
        let year = leaf.bucket.get(..4).unwrap_or(&leaf.bucket).to_owned();
        years.entry(year).or_default().entry(leaf.bucket.clone()).or_default().push((leaf, day));
    }
    let newest = years
        .iter()
        .rfind(|(year, _)| is_year(year))
        .map(|(year, months)| (year.clone(), months.keys().next_back().cloned().unwrap_or_default()));
    let is_newest = |bucket: &str| newest.as_ref().is_some_and(|(year, month)| year == bucket || month == bucket);
    let kept = |bucket: &str, children: usize| {
        children >= CHILDREN_KEPT_MIN && is_year(bucket.get(..4).unwrap_or_default()) && !is_newest(bucket)
    };
    let folded = years.into_iter().map(|(bucket, months)| {
        let mut months: Vec<Inner> = months
            .into_iter()
            .map(|(bucket, leaves)| {
                let keepable = kept(&bucket, leaves.len());
                Inner { children: month(&bucket, leaves), keepable, bucket }
            })
            .collect();
        match months.pop() {
            // Files without a month have no year, either.
            Some(only) if months.is_empty() && !is_year(&bucket) => only,
            last => {
                months.extend(last);
                let keepable = kept(&bucket, months.len());
                Inner { children: months.into_iter().map(Node::Inner).collect(), keepable, bucket }
            }
        }
    });
    folded.collect()
}

/// What a month folds: its files, or its days where there are many.
fn month(bucket: &str, leaves: Vec<(Leaf, Option<String>)>) -> Vec<Node> {
    if leaves.len() <= FILES_BY_MONTH_MAX || !is_year(bucket.get(..4).unwrap_or_default()) {
        return leaves.into_iter().map(|(leaf, _)| Node::Leaf(leaf)).collect();
    }
    let mut days: BTreeMap<String, Vec<Node>> = BTreeMap::new();
    for (leaf, day) in leaves {
        let day = day.unwrap_or_else(|| bucket.to_owned());
        days.entry(day).or_default().push(Node::Leaf(leaf));
    }
    let inner = |(bucket, children)| Node::Inner(Inner { bucket, children, keepable: false });
    days.into_iter().map(inner).collect()
}

fn is_year(bucket: &str) -> bool {
    bucket.len() == 4 && bucket.bytes().all(|byte| byte.is_ascii_digit())
}

/// The leaf of one version of a file.
pub(super) fn leaf(file: &PinnedFile, at: usize) -> Leaf {
    let name = leaf_name(file.path(), file.etag(), file.meta.size);
    Leaf { at, name, bucket: bucket(file.path()) }
}

/// SHA-256 of path, ETag and size, cut to 32 hex digits.
pub(super) fn leaf_name(path: &str, etag: &str, size_bytes: u64) -> String {
    let mut hash = Sha256::new();
    for part in [path, "\0", etag, "\0"] {
        hash.update(part.as_bytes());
    }
    hash.update(size_bytes.to_string().as_bytes());
    short(&hash.finalize())
}

/// The month that a path names, `2026-09`; else `h` and the first hex digit of its hash.
pub(super) fn bucket(path: &str) -> String {
    match named(path) {
        Some((month, _)) => month,
        None => format!("h{}", &hex(&Sha256::digest(path))[..1]),
    }
}

fn month_and_day(file: &PinnedFile) -> Option<(String, Option<String>)> {
    named(file.path())
}

/// The month and, where it names one, the day of a path: `date=2026-09-01`, `2026-09-01`, `year=2026/month=09`, `2026/09/01`.
fn named(path: &str) -> Option<(String, Option<String>)> {
    let parts: Vec<&str> = path.split('/').collect();
    for part in &parts {
        if let Some(day) = parts_of_day(part.strip_prefix("date=").unwrap_or(part)) {
            return Some((day.format("%Y-%m").to_string(), Some(day.format("%Y-%m-%d").to_string())));
        }
    }
    for (at, part) in parts.iter().enumerate() {
        let year = part.strip_prefix("year=").unwrap_or(part);
        let next = |step: usize, key: &str| parts.get(at + step).map(|part| part.strip_prefix(key).unwrap_or(part));
        let Some(month) = next(1, "month=").filter(|_| is_year(year)) else { continue };
        let Some(first) = day_of(year, month, "01") else { continue };
        let day = next(2, "day=").and_then(|day| day_of(year, month, day));
        return Some((first.format("%Y-%m").to_string(), day.map(|day| day.format("%Y-%m-%d").to_string())));
    }
    None
}

/// A part that is a day, or begins with one: `2026-09-01`, `2026-09-01.parquet`.
fn parts_of_day(part: &str) -> Option<NaiveDate> {
    let day = part.get(..10)?;
    let follows = part.as_bytes().get(10).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let shaped = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    (follows && shaped).then(|| day.parse().ok()).flatten()
}

fn day_of(year: &str, month: &str, day: &str) -> Option<NaiveDate> {
    let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    (two(month) && two(day)).then(|| format!("{year}-{month}-{day}").parse().ok()).flatten()
}

fn short(hash: &[u8]) -> String {
    let mut name = hex(hash);
    name.truncate(NAME_DIGITS);
    name
}

#[cfg(test)]
mod tests;
