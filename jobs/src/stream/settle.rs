//! When a file that is seen counts: after two looks that saw the same, and when it has been so for long enough.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use engine::PlannedInput;

use crate::clock::Stopwatch;

/// Two looks that are closer to each other are one.
const BETWEEN_LOOKS_SECONDS: f64 = 2.0;

/// A file as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) file: PlannedInput,
    /// As its store says.
    pub(crate) modified: DateTime<Utc>,
}

/// Files that were seen and do not count yet.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    seen: BTreeMap<String, (PlannedInput, Stopwatch)>,
}

impl Settling {
    /// Takes in what a look saw; gives what counts, by path, and in how many seconds more will.
    pub(crate) fn look(
        &mut self,
        listed: Vec<Listed>,
        settle_seconds: u64,
        now: DateTime<Utc>,
    ) -> (Vec<PlannedInput>, Option<f64>) {
        let mut before = std::mem::take(&mut self.seen);
        let (mut counting, mut next) = (Vec::new(), None::<f64>);
        for Listed { file, modified } in listed {
            let seen = before.remove(&file.path).filter(|(before, _)| *before == file);
            let (file, since) = seen.unwrap_or_else(|| (file, Stopwatch::start()));
            match left(since.seconds(), now - modified, settle_seconds) {
                None => counting.push(file),
                Some(left) => {
                    next = Some(next.map_or(left, |next| next.min(left)));
                    self.seen.insert(file.path.clone(), (file, since));
                }
            }
        }
        (counting, next)
    }

    /// Files that do not count yet.
    pub(crate) fn count(&self) -> usize {
        self.seen.len()
    }
}

/// In how many seconds a file counts that was first seen so long ago and is so old; none where it does.
///
/// Its age is by two clocks, that of its store and ours, so it makes a file count sooner only behind a second look.
fn left(seen_seconds: f64, age: TimeDelta, settle_seconds: u64) -> Option<f64> {
    if settle_seconds == 0 {
        return None;
    }
    let settle = settle_seconds as f64;
    let age = age.num_milliseconds() as f64 / 1_000.0;
    let until_second_look = BETWEEN_LOOKS_SECONDS.min(settle) - seen_seconds;
    let until_settled = settle - seen_seconds.max(age);
    let left = until_second_look.max(until_settled);
    (left > 0.0).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_after_a_second_look_and_when_it_is_old_enough() {
        let age = TimeDelta::seconds;
        // Seen just now: not before a second look, however old it is.
        assert_eq!(left(0.0, age(3_600), 30), Some(2.0));
        assert_eq!(left(2.0, age(3_600), 30), None);
        // Young: as long as it is.
        assert_eq!(left(2.0, age(10), 30), Some(20.0));
        assert_eq!(left(30.0, age(29), 30), None);
        // A store whose clock is ahead makes a file wait for no longer than one that came when it was first seen.
        assert_eq!(left(10.0, age(-500), 30), Some(20.0));
        // One that settles at once needs no second look; one that settles within a second needs one then.
        assert_eq!(left(0.0, age(0), 0), None);
        assert_eq!(left(0.0, age(9), 1), Some(1.0));
    }

    #[test]
    fn a_file_that_changes_is_seen_anew() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let file = |etag: &str| Listed {
            file: PlannedInput { path: "a".to_owned(), etag: etag.to_owned(), bytes: 1 },
            modified: now,
        };
        let mut settling = Settling::default();
        assert_eq!(settling.look(vec![file("1")], 30, now).0, []);
        assert_eq!(settling.count(), 1);
        assert_eq!(settling.look(vec![file("2")], 30, now).0, []);
        // What is gone is forgotten, and what settles at once counts.
        assert_eq!(settling.look(Vec::new(), 30, now), (Vec::new(), None));
        assert_eq!(settling.count(), 0);
        assert_eq!(settling.look(vec![file("3")], 0, now).0, [file("3").file]);
    }
}
