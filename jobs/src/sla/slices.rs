//! Time in slices: what was counted in each, and whether it was good. No data is not good: a slice of which nothing is known
//! is neither good nor bad.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{Interval, SliceRule};

/// Units of a slice's good ratio.
pub(super) const RATIO_UNITS: u64 = 1_000_000_000;

/// What was counted in a slice: requests, or checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) total: u64,
    /// Of those, which failed through the service.
    pub(super) failed: u64,
    /// Of those, which took longer than promised.
    pub(super) slow: u64,
    /// Something of the service was measured then, of whatever tenant.
    pub(super) is_measured: bool,
}

/// What a slice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Bad,
    Unknown,
}

/// The slices of a time, from its start.
#[derive(Debug, Clone)]
pub(super) struct Slices {
    pub(super) start: DateTime<Utc>,
    pub(super) length: TimeDelta,
    pub(super) counted: Vec<Counted>,
    pub(super) verdicts: Vec<Verdict>,
}

/// How many slices a time has; the last may be shorter than the others.
pub(super) fn count(interval: Interval, rule: SliceRule) -> usize {
    let minutes = (interval.end - interval.start).num_minutes().max(0);
    usize::try_from(minutes.unsigned_abs().div_ceil(u64::from(rule.minutes))).unwrap_or(0)
}

/// The slice of an instant; none outside of the time.
pub(super) fn slice_at(interval: Interval, rule: SliceRule, at: DateTime<Utc>) -> Option<usize> {
    let within = (interval.start..interval.end).contains(&at);
    let minutes = (at - interval.start).num_minutes() / i64::from(rule.minutes);
    usize::try_from(minutes).ok().filter(|_| within)
}

/// Slices of requests, each by what was counted in it.
pub(super) fn of_requests(interval: Interval, rule: SliceRule, counted: Vec<Counted>) -> Slices {
    let verdict = |slice: &Counted| {
        if slice.total == 0 && !slice.is_measured {
            Verdict::Unknown
        } else if slice.total >= rule.min_total && rule.bad.is_exceeded_by(slice.failed, slice.total) {
            Verdict::Bad
        } else {
            Verdict::Good
        }
    };
    let verdicts = counted.iter().map(verdict).collect();
    Slices::new(interval.start, rule, counted, verdicts)
}

impl Slices {
    /// Slices with their verdicts; bad ones in a row that are too few do not count.
    pub(super) fn new(
        start: DateTime<Utc>,
        rule: SliceRule,
        counted: Vec<Counted>,
        mut verdicts: Vec<Verdict>,
    ) -> Self {
        let min_bad = usize::try_from(rule.min_bad).unwrap_or(usize::MAX);
        let mut from = 0;
        while from < verdicts.len() {
            let is_bad = verdicts[from] == Verdict::Bad;
            let run = verdicts[from..].iter().take_while(|verdict| (**verdict == Verdict::Bad) == is_bad).count();
            if is_bad && run < min_bad {
                verdicts[from..from + run].fill(Verdict::Good);
            }
            from += run;
        }
        Self { start, length: TimeDelta::minutes(i64::from(rule.minutes)), counted, verdicts }
    }

    /// When a slice begins.
    pub(super) fn start_of(&self, slice: usize) -> DateTime<Utc> {
        self.start + self.length * i32::try_from(slice).unwrap_or(i32::MAX)
    }

    /// The slices that begin in a time.
    pub(super) fn within(&self, interval: Interval) -> Range<usize> {
        let first = |at: DateTime<Utc>| {
            let (since, length) = ((at - self.start).num_seconds().max(0), self.length.num_seconds());
            usize::try_from(since.unsigned_abs().div_ceil(length.unsigned_abs().max(1))).unwrap_or(0)
        };
        let end = first(interval.end).min(self.verdicts.len());
        first(interval.start).min(end)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Share;

    fn rule(min_total: u64, min_bad: u32) -> SliceRule {
        SliceRule { minutes: 1, min_total, bad: Share::of_percent("10").expect("a share"), min_bad }
    }

    fn interval(minutes: i64) -> Interval {
        let start = schemas::parse_rfc3339("2026-09-01T00:00:00Z").expect("an instant");
        Interval { start, end: start + TimeDelta::minutes(minutes) }
    }

    #[test]
    fn a_slice_is_bad_above_its_share_and_unknown_without_data() {
        let of = |total, failed, is_measured| Counted { total, failed, slow: 0, is_measured };
        let cases = [
            (of(100, 10, true), Verdict::Good),
            (of(100, 11, true), Verdict::Bad),
            (of(99, 99, true), Verdict::Good),
            (of(0, 0, true), Verdict::Good),
            (of(0, 0, false), Verdict::Unknown),
        ];
        let counted = cases.iter().map(|(counted, _)| *counted).collect();
        let slices = of_requests(interval(5), rule(100, 1), counted);
        assert_eq!(slices.verdicts, cases.map(|(_, verdict)| verdict));
        // An idle slice is not bad even where no number of requests is asked for.
        assert_eq!(of_requests(interval(1), rule(0, 1), vec![of(0, 0, true)]).verdicts, [Verdict::Good]);
    }

    #[test]
    fn short_runs_of_bad_slices_do_not_count() {
        use Verdict::{Bad, Good, Unknown};
        let of = |verdicts: &[Verdict], min_bad| {
            let counted = vec![Counted::default(); verdicts.len()];
            Slices::new(interval(0).start, rule(1, min_bad), counted, verdicts.to_vec()).verdicts
        };
        let verdicts = [Bad, Good, Bad, Bad, Unknown, Bad, Bad, Bad];
        assert_eq!(of(&verdicts, 1), verdicts);
        assert_eq!(of(&verdicts, 3), [Good, Good, Good, Good, Unknown, Bad, Bad, Bad]);
        assert_eq!(of(&verdicts, 4), [Good, Good, Good, Good, Unknown, Good, Good, Good]);
    }

    #[test]
    fn instants_fall_into_slices_from_the_start() {
        let five = SliceRule { minutes: 5, ..rule(1, 1) };
        let time = interval(12);
        assert_eq!(count(time, five), 3, "the last one is short");
        let at = |seconds| slice_at(time, five, time.start + TimeDelta::seconds(seconds));
        assert_eq!(
            [at(-1), at(0), at(299), at(300), at(719), at(720)],
            [None, Some(0), Some(0), Some(1), Some(2), None]
        );
        let slices = Slices::new(time.start, five, vec![Counted::default(); 3], vec![Verdict::Good; 3]);
        let part = Interval { start: time.start + TimeDelta::minutes(3), end: time.end };
        assert_eq!(slices.within(part), 1..3, "a slice belongs where it begins");
        assert_eq!(slices.start_of(2), time.start + TimeDelta::minutes(10));
    }
}
