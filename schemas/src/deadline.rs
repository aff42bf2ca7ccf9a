//! How long a request of a data subject may take: rules as data, days as people count them.
//!
//! Absent: whether an extension or a pause was justified, which a control judges.

use std::sync::LazyLock;

use chrono::{Days, Months, NaiveDate};
use serde::Deserialize;

use crate::civil::add_business_days;

/// A clock that stood still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// First day.
    pub from: NaiveDate,
    /// The day on which the clock went on.
    pub to: NaiveDate,
    /// Why.
    pub reason: String,
}

/// What is known of a request when its due day is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestClock {
    /// The day of receipt: day 0.
    pub received: NaiveDate,
    /// The day on which the person was told that it takes longer.
    pub extended: Option<NaiveDate>,
    /// Pauses in any order, of any reason.
    pub pauses: Vec<Pause>,
}

/// How long requests of some jurisdictions and types may take, from some day on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRule {
    jurisdictions: Vec<String>,
    /// None stands for every type.
    types: Option<Vec<String>>,
    effective: NaiveDate,
    due: Period,
    extended: Option<Period>,
    #[serde(default)]
    pauses: Vec<String>,
    acknowledge: Option<Period>,
}

/// A length of time in days; exactly one of the three ways to count stands in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Period {
    days: Option<u32>,
    business_days: Option<u32>,
    months: Option<u32>,
    /// With months: never more days than these.
    days_max: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRules {
    #[serde(rename = "deadlines")]
    _deadlines: String,
    #[serde(rename = "version")]
    _version: u32,
    rules: Vec<RequestRule>,
}

// A file that does not read is our bug; the test names it, and no request has a clock.
static RULES: LazyLock<Vec<RequestRule>> = LazyLock::new(|| rules().map(|raw| raw.rules).unwrap_or_default());

impl RequestRule {
    /// Every jurisdiction that has a rule, in the order of its file.
    pub fn jurisdictions() -> Vec<&'static str> {
        let mut all: Vec<&str> = Vec::new();
        for one in RULES.iter().flat_map(|rule| &rule.jurisdictions) {
            if !all.contains(&one.as_str()) {
                all.push(one);
            }
        }
        all
    }

    /// The rule for a request received on a day; none when nobody wrote one.
    pub fn of(jurisdiction: &str, kind: &str, received: NaiveDate) -> Option<&'static Self> {
        let applies = |rule: &&RequestRule| {
            rule.jurisdictions.iter().any(|one| one == jurisdiction)
                && rule.types.as_ref().is_none_or(|types| types.iter().any(|one| one == kind))
                && rule.effective <= received
        };
        RULES.iter().filter(applies).max_by_key(|rule| rule.effective)
    }

    /// The last day on which an answer is in time.
    ///
    /// An extension counts when the person was told by the first due day. A pause counts when the rule allows its
    /// reason and it began by the due day: what has passed does not come back.
    pub fn due(&self, clock: &RequestClock) -> Option<NaiveDate> {
        let first = self.moved(self.due.after(clock.received)?, clock)?;
        match (self.extended, clock.extended) {
            (Some(longer), Some(told)) if told <= first => self.moved(longer.after(clock.received)?, clock),
            _ => Some(first),
        }
    }

    /// The last day on which confirming the receipt is in time; none where nobody asks for it.
    pub fn acknowledge(&self, received: NaiveDate) -> Option<NaiveDate> {
        self.acknowledge?.after(received)
    }

    /// Whether the clock stands still for this reason.
    pub fn allows(&self, reason: &str) -> bool {
        self.pauses.iter().any(|allowed| allowed == reason)
    }

    /// A due day after the pauses; days that lie in several of them count once.
    fn moved(&self, mut due: NaiveDate, clock: &RequestClock) -> Option<NaiveDate> {
        let mut pauses: Vec<&Pause> = clock.pauses.iter().filter(|pause| self.allows(&pause.reason)).collect();
        pauses.sort_by_key(|pause| (pause.from, pause.to));
        let mut counted_to = clock.received;
        for pause in pauses {
            let from = pause.from.max(counted_to);
            if from > due {
                break;
            }
            let days = u64::try_from((pause.to - from).num_days()).unwrap_or_default();
            due = due.checked_add_days(Days::new(days))?;
            counted_to = counted_to.max(pause.to);
        }
        Some(due)
    }
}

impl Period {
    fn after(self, day: NaiveDate) -> Option<NaiveDate> {
        match (self.days, self.business_days, self.months) {
            (Some(days), None, None) => day.checked_add_days(Days::new(days.into())),
            (None, Some(days), None) => add_business_days(day, days),
            (None, None, Some(months)) => {
                let end = day.checked_add_months(Months::new(months))?;
                match self.days_max {
                    Some(days) => Some(end.min(day.checked_add_days(Days::new(days.into()))?)),
                    None => Some(end),
                }
            }
            _ => None,
        }
    }
}

fn rules() -> Result<RawRules, serde_saphyr::Error> {
    serde_saphyr::from_str(include_str!("../deadlines/requests.yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    /// Jurisdiction and type, day of receipt, day of an extension, pauses as `from..to reason`.
    #[track_caller]
    fn check(clock: (&str, &str), received: &str, extended: &str, pauses: &[&str], due: Option<&str>) {
        let pauses = pauses.iter().map(|text| {
            let (range, reason) = text.split_once(' ').expect("a reason");
            let (from, to) = range.split_once("..").expect("a range");
            Pause { from: day(from), to: day(to), reason: reason.to_owned() }
        });
        let request =
            RequestClock { received: day(received), extended: extended.parse().ok(), pauses: pauses.collect() };
        let found = RequestRule::of(clock.0, clock.1, request.received).and_then(|rule| rule.due(&request));
        assert_eq!(found, due.map(day));
    }

    const GDPR: (&str, &str) = ("gdpr", "know");
    const CCPA: (&str, &str) = ("ccpa", "erasure");

    #[test]
    fn every_rule_reads_and_counts_one_way() {
        for rule in rules().expect("reads").rules {
            for period in [Some(rule.due), rule.extended, rule.acknowledge].into_iter().flatten() {
                assert!(period.after(day("2026-01-31")) > Some(day("2026-01-31")), "{rule:?}");
            }
        }
    }

    #[test]
    fn a_month_is_a_month_and_at_most_30_days() {
        check(GDPR, "2026-01-31", "", &[], Some("2026-02-28"));
        check(GDPR, "2026-01-31", "2026-02-28", &[], Some("2026-04-30"));
        check(GDPR, "2026-01-31", "2026-03-01", &[], Some("2026-02-28"));
        check(GDPR, "2026-07-15", "", &[], Some("2026-08-14"));
        check(GDPR, "2028-01-31", "", &[], Some("2028-02-29"));
        check(("uk_gdpr", "erasure"), "2026-04-30", "", &[], Some("2026-05-30"));
    }

    #[test]
    fn other_laws_count_days() {
        check(CCPA, "2026-01-31", "", &[], Some("2026-03-17"));
        check(CCPA, "2026-01-31", "2026-02-10", &[], Some("2026-05-01"));
        check(CCPA, "2026-01-31", "", &["2026-02-01..2026-02-20 identity"], Some("2026-03-17"));
        check(("ccpa", "opt_out"), "2026-12-24", "2026-12-25", &[], Some("2027-01-14"));
        check(("hipaa", "know"), "2026-01-31", "", &[], Some("2026-03-02"));
        check(("hipaa", "know"), "2026-01-31", "2026-03-02", &[], Some("2026-04-01"));
        check(("house", "objection"), "2026-01-31", "2026-02-01", &[], Some("2026-04-01"));
        let ten =
            RequestRule::of("ccpa", "know", day("2026-12-24")).and_then(|rule| rule.acknowledge(day("2026-12-24")));
        assert_eq!(ten, Some(day("2027-01-07")));
    }

    #[test]
    fn pauses_move_the_day_and_count_once() {
        let week = "2026-02-02..2026-02-09 identity";
        check(GDPR, "2026-01-31", "", &[week], Some("2026-03-07"));
        check(GDPR, "2026-01-31", "", &[week, "2026-02-04..2026-02-11 clarification"], Some("2026-03-09"));
        check(GDPR, "2026-01-31", "", &[week, "2026-02-03..2026-02-05 identity"], Some("2026-03-07"));
        check(GDPR, "2026-01-31", "", &["2026-02-02..2026-02-09 vacation"], Some("2026-02-28"));
        check(GDPR, "2026-01-31", "", &["2026-01-01..2026-02-02 identity"], Some("2026-03-02"));
        check(GDPR, "2026-01-31", "", &["2026-02-09..2026-02-02 identity"], Some("2026-02-28"));
        check(("house", "know"), "2026-01-31", "", &["2026-02-02..2026-02-09 clarification"], Some("2026-03-02"));
        // On the due day is in time; a day later there is nothing left to move.
        check(GDPR, "2026-01-31", "", &["2026-02-28..2026-03-05 identity"], Some("2026-03-05"));
        check(GDPR, "2026-01-31", "", &["2026-03-01..2026-03-05 identity"], Some("2026-02-28"));
        check(GDPR, "2026-01-31", "2026-03-05", &[week], Some("2026-05-07"));
    }

    #[test]
    fn who_has_no_rule_has_no_clock() {
        check(("lgpd", "know"), "2026-01-31", "", &[], None);
        check(("GDPR", "know"), "2026-01-31", "", &[], None);
        check(("ccpa", "objection"), "2026-01-31", "", &[], None);
        check(("ccpa", "limit"), "2022-12-31", "", &[], None);
        check(GDPR, "2018-05-24", "", &[], None);
        let gdpr = RequestRule::of("gdpr", "know", day("2026-01-31")).expect("a rule");
        assert_eq!(gdpr.acknowledge(day("2026-01-31")), None);
    }
}
