//! Slices of checks from outside: a location fails where a check of it fails, and a slice where enough locations do.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{Interval, SliceRule};

use super::slices::{Counted, Slices, Verdict, count, slice_at};

/// A check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) at: DateTime<Utc>,
    pub(super) probe: String,
    pub(super) location: String,
    pub(super) ok: bool,
    /// Seconds to the next one.
    pub(super) interval_s: Option<i64>,
}

/// How checks make a slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProbeRule {
    pub(super) slices: SliceRule,
    /// Locations that must fail; a majority of those that report without it.
    pub(super) quorum: Option<u32>,
    /// How long a check speaks for; twice its interval without it.
    pub(super) stale_after: Option<TimeDelta>,
}

/// What a probe at a location said last.
#[derive(Debug, Clone, Copy)]
struct Said {
    ok: bool,
    until: DateTime<Utc>,
}

impl ProbeRule {
    /// Until when a check speaks.
    fn until(&self, check: &Check) -> DateTime<Utc> {
        let twice = || TimeDelta::try_seconds(check.interval_s?.max(0).checked_mul(2)?);
        let speaks = self.stale_after.or_else(twice).unwrap_or(TimeDelta::zero());
        check.at.checked_add_signed(speaks).unwrap_or(check.at)
    }
}

/// Slices of checks in the order of their time; those before the time speak for its first slices.
pub(super) fn of_checks(interval: Interval, rule: &ProbeRule, checks: &[Check]) -> Slices {
    let slices = count(interval, rule.slices);
    let mut counted = vec![Counted::default(); slices];
    let mut verdicts = Vec::with_capacity(slices);
    let mut said: BTreeMap<(&str, &str), Said> = BTreeMap::new();
    let mut checks = checks.iter().peekable();
    while let Some(check) = checks.next_if(|check| check.at < interval.start) {
        said.insert((&check.location, &check.probe), Said { ok: check.ok, until: rule.until(check) });
    }
    let length = TimeDelta::minutes(i64::from(rule.slices.minutes));
    for (number, slice) in counted.iter_mut().enumerate() {
        let start = interval.start + length * i32::try_from(number).unwrap_or(i32::MAX);
        // What was said before speaks for the slice where it reaches into it.
        let mut failing: BTreeMap<&str, bool> = BTreeMap::new();
        let mut heard: BTreeMap<(&str, &str), bool> = BTreeMap::new();
        while let Some(check) = checks.next_if(|check| slice_at(interval, rule.slices, check.at) == Some(number)) {
            slice.total += 1;
            slice.failed += u64::from(!check.ok);
            let key = (check.location.as_str(), check.probe.as_str());
            *heard.entry(key).or_insert(true) &= check.ok;
            said.insert(key, Said { ok: check.ok, until: rule.until(check) });
        }
        for ((location, probe), one) in &said {
            let ok = match heard.get(&(*location, *probe)) {
                Some(ok) => *ok,
                None if one.until > start => one.ok,
                None => continue,
            };
            *failing.entry(location).or_insert(false) |= !ok;
        }
        slice.is_measured = !failing.is_empty();
        let failed = failing.values().filter(|failed| **failed).count();
        let is_bad = match rule.quorum {
            Some(quorum) => failed >= usize::try_from(quorum).unwrap_or(usize::MAX),
            None => failed * 2 > failing.len(),
        };
        verdicts.push(match (slice.is_measured, is_bad) {
            (false, _) => Verdict::Unknown,
            (true, true) => Verdict::Bad,
            (true, false) => Verdict::Good,
        });
    }
    Slices::new(interval.start, rule.slices, counted, verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{Share, parse_rfc3339};

    fn at(minute: i64) -> DateTime<Utc> {
        parse_rfc3339("2026-09-01T00:00:00Z").expect("an instant") + TimeDelta::minutes(minute)
    }

    fn rule(quorum: Option<u32>, stale_minutes: Option<i64>) -> ProbeRule {
        let slices = SliceRule { minutes: 1, min_total: 100, bad: Share::of_percent("10").expect("one"), min_bad: 1 };
        ProbeRule { slices, quorum, stale_after: stale_minutes.map(TimeDelta::minutes) }
    }

    fn check(minute: i64, location: &str, ok: bool) -> Check {
        let (probe, location) = ("front".to_owned(), location.to_owned());
        Check { at: at(minute), probe, location, ok, interval_s: Some(60) }
    }

    fn verdicts(minutes: i64, rule: &ProbeRule, checks: &[Check]) -> Vec<Verdict> {
        of_checks(Interval { start: at(0), end: at(minutes) }, rule, checks).verdicts
    }

    #[test]
    fn a_slice_is_bad_where_most_locations_fail() {
        use Verdict::{Bad, Good};
        let mut checks = Vec::new();
        for (minute, failing) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
            for (number, location) in ["a", "b", "c"].into_iter().enumerate() {
                checks.push(check(minute, location, number >= failing));
            }
        }
        assert_eq!(verdicts(4, &rule(None, None), &checks), [Good, Good, Bad, Bad]);
        assert_eq!(verdicts(4, &rule(Some(1), None), &checks), [Good, Bad, Bad, Bad]);
        assert_eq!(verdicts(4, &rule(Some(3), None), &checks), [Good, Good, Good, Bad]);
        let two = [check(0, "a", false), check(0, "b", true)];
        assert_eq!(verdicts(1, &rule(None, None), &two), [Good], "one of two is no majority");
    }

    #[test]
    fn a_check_speaks_until_it_is_stale() {
        use Verdict::{Bad, Good, Unknown};
        let checks = [check(1, "a", true), check(4, "a", false)];
        // Twice its interval: two minutes.
        assert_eq!(verdicts(8, &rule(None, None), &checks), [Unknown, Good, Good, Unknown, Bad, Bad, Unknown, Unknown]);
        assert_eq!(verdicts(6, &rule(None, Some(1)), &checks), [Unknown, Good, Unknown, Unknown, Bad, Unknown]);
        let before = [check(-1, "a", false)];
        assert_eq!(verdicts(2, &rule(None, None), &before), [Bad, Unknown], "from before the time");
        let silent = Check { interval_s: None, ..check(0, "a", true) };
        assert_eq!(verdicts(2, &rule(None, None), &[silent]), [Good, Unknown], "a check speaks for its own slice");
    }

    #[test]
    fn a_location_fails_where_one_of_its_checks_does() {
        use Verdict::{Bad, Good};
        let other = Check { probe: "login".to_owned(), ok: false, ..check(0, "a", true) };
        assert_eq!(verdicts(1, &rule(None, None), &[check(0, "a", true), other]), [Bad]);
        let again = Check { at: at(0) + TimeDelta::seconds(30), ..check(0, "a", true) };
        assert_eq!(
            verdicts(2, &rule(None, None), &[check(0, "a", false), again]),
            [Bad, Good],
            "then it is well again"
        );
    }
}
