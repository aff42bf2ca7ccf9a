//! Decisions on findings: a named person accepts, remediates or refutes one, with a reason and an end.
//!
//! A decision changes no figure: what it is about stays counted, and a fail stays a fail. Decisions of one finding are
//! a sequence, and the last one made by an instant stands there. Absent: storage, and who may decide.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::civil::CivilZone;
use crate::instant::rfc3339;

/// What is thought of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// Nobody has decided, or the decision was taken back or has run out.
    Open,
    /// The risk is borne for a time.
    Accepted,
    /// It was put right.
    Remediated,
    /// The control is wrong about it.
    FalsePositive,
}

impl FindingState {
    /// The word in records, tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Remediated => "remediated",
            Self::FalsePositive => "false_positive",
        }
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::FalsePositive => "false positive",
            other => other.as_str(),
        }
    }
}

/// What a named person decided about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// What is thought of it; open takes the decision before back.
    pub state: FindingState,
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Last day on which it holds, in the lake's zone.
    pub until: Option<NaiveDate>,
    /// When it was decided.
    pub at: DateTime<Utc>,
}

/// Why a decision cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// Nobody stands behind it, or nothing does.
    #[error("{what} is empty or holds characters that do not print; a decision needs {needs}")]
    Text {
        /// `by` or `reason`.
        what: &'static str,
        /// What it is for.
        needs: &'static str,
    },
    /// It would never be looked at again.
    #[error("a finding cannot be {} without an end; name the last day on which that holds, for example --until {example}", .state.word())]
    Endless {
        /// What was decided.
        state: FindingState,
        /// A day to begin with.
        example: NaiveDate,
    },
    /// It would be over before it begins.
    #[error("until {until} is in the past: the decision is made on {today}; name that day or a later one")]
    Over {
        /// Last day on which it should hold.
        until: NaiveDate,
        /// Day of the decision.
        today: NaiveDate,
    },
    /// Taking a decision back has no end.
    #[error("state open takes a decision back and has no end; leave --until out")]
    EndOfOpen,
    /// The finding is open.
    #[error("the finding is open: there is no decision in force that could be taken back")]
    AlreadyOpen,
    /// A report has told another story.
    #[error("the report of {} shows the finding; a decision made by then would change what it says: decide later than that, with the clock or --at", rfc3339(*.reported_at))]
    Reported {
        /// Instant of the last run that reported the finding.
        reported_at: DateTime<Utc>,
    },
    /// The sequence would not be in the order of time.
    #[error("decision {number} on the finding was made at {}; decide then or later, with the clock or --at", rfc3339(*.decided_at))]
    Earlier {
        /// Its number.
        number: usize,
        /// Its instant.
        decided_at: DateTime<Utc>,
    },
}

impl Decision {
    /// Checks the next decision on a finding: `before` are those made, `reported_at` is the instant of the last run that
    /// reported the finding.
    ///
    /// # Errors
    /// What is wrong with it and what would be right.
    pub fn check(&self, before: &[Self], reported_at: DateTime<Utc>, zone: CivilZone) -> Result<(), DecisionError> {
        let said = |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control);
        if !said(&self.by) {
            return Err(DecisionError::Text { what: "by", needs: "the name of who decides" });
        }
        if !said(&self.reason) {
            return Err(DecisionError::Text {
                what: "reason",
                needs: "a reason that a reader of the report understands",
            });
        }
        if self.at <= reported_at {
            return Err(DecisionError::Reported { reported_at });
        }
        if let Some(last) = before.last().filter(|last| last.at > self.at) {
            return Err(DecisionError::Earlier { number: before.len(), decided_at: last.at });
        }
        let today = zone.day_of(self.at);
        match (self.state, self.until) {
            (FindingState::Open, Some(_)) => Err(DecisionError::EndOfOpen),
            (FindingState::Open, None) if standing(before, self.at, zone).state == FindingState::Open => {
                Err(DecisionError::AlreadyOpen)
            }
            (FindingState::Accepted | FindingState::FalsePositive, None) => {
                let example = today.checked_add_months(chrono::Months::new(6)).unwrap_or(today);
                Err(DecisionError::Endless { state: self.state, example })
            }
            (_, Some(until)) if until < today => Err(DecisionError::Over { until, today }),
            _ => Ok(()),
        }
    }
}

/// Where a finding stands at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    /// What is thought of it then.
    pub state: FindingState,
    /// The decision in force; of an open finding the one that has run out.
    pub decision: Option<&'a Decision>,
}

/// Where a finding stands at `at` after `decisions`, which are in the order of their numbers.
///
/// Decisions made later are not known yet. A decision holds to the end of its last day in `zone`.
pub fn standing<'a>(decisions: &'a [Decision], at: DateTime<Utc>, zone: CivilZone) -> Standing<'a> {
    let last = decisions.iter().rfind(|decision| decision.at <= at);
    let decision = last.filter(|decision| decision.state != FindingState::Open);
    let over = |decision: &Decision| decision.until.is_some_and(|until| until < zone.day_of(at));
    let state = decision.filter(|decision| !over(decision)).map_or(FindingState::Open, |decision| decision.state);
    Standing { state, decision }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::parse_rfc3339;

    use FindingState::*;

    fn instant(text: &str) -> DateTime<Utc> {
        parse_rfc3339(text).expect("an instant")
    }

    fn decision(state: FindingState, until: Option<&str>, at: &str) -> Decision {
        let until = until.map(|day| day.parse().expect("a day"));
        Decision { state, by: "head of security".into(), reason: "known".into(), until, at: instant(at) }
    }

    fn berlin() -> CivilZone {
        CivilZone::parse("Europe/Berlin").expect("a zone")
    }

    #[test]
    fn the_last_decision_made_by_then_stands_to_the_end_of_its_last_day() {
        let decisions = [
            decision(Accepted, Some("2026-03-31"), "2026-03-01T10:00:00Z"),
            decision(Open, None, "2026-03-10T10:00:00Z"),
            decision(Remediated, None, "2026-03-20T10:00:00Z"),
            decision(FalsePositive, Some("2026-03-28"), "2026-03-21T10:00:00Z"),
        ];
        let check = |at: &str, state, number: Option<usize>| {
            let stands = standing(&decisions, instant(at), berlin());
            assert_eq!((stands.state, stands.decision), (state, number.map(|number| &decisions[number - 1])), "{at}");
        };
        check("2026-03-01T09:59:59.999999Z", Open, None);
        check("2026-03-01T10:00:00Z", Accepted, Some(1));
        check("2026-03-10T10:00:00Z", Open, None);
        check("2026-03-20T10:00:00Z", Remediated, Some(3));
        check("2026-03-28T22:59:59.999999Z", FalsePositive, Some(4));
        check("2026-03-28T23:00:00Z", Open, Some(4));
        assert_eq!(standing(&[], instant("2026-03-01T10:00:00Z"), berlin()).state, Open);
    }

    #[test]
    fn each_thing_that_is_wrong_is_said_with_what_would_be_right() {
        let before = [decision(Accepted, Some("2026-03-31"), "2026-03-05T10:00:00Z")];
        let reported = instant("2026-03-01T00:00:00Z");
        let refused = |decision: Decision, before: &[Decision], words: &[&str]| {
            let error = decision.check(before, reported, berlin()).expect_err("is refused").to_string();
            words.iter().for_each(|word| assert!(error.contains(word), "\"{word}\" is not in: {error}"));
        };
        let at = "2026-03-06T23:30:00Z";
        let until = Some("2026-03-31");
        refused(Decision { by: " \t".into(), ..decision(Accepted, until, at) }, &[], &["by is empty", "name"]);
        refused(Decision { by: "J\u{1b}[2J".into(), ..decision(Accepted, until, at) }, &[], &["by", "do not print"]);
        refused(Decision { reason: String::new(), ..decision(Accepted, until, at) }, &[], &["reason is empty"]);
        refused(decision(Accepted, None, at), &[], &["accepted without an end", "--until 2026-09-07"]);
        refused(decision(FalsePositive, None, at), &[], &["false positive without an end"]);
        // It is the 7th already where the lake is.
        refused(decision(Remediated, Some("2026-03-06"), at), &[], &["until 2026-03-06", "2026-03-07"]);
        refused(decision(Open, until, at), &before, &["leave --until out"]);
        refused(decision(Open, None, at), &[], &["no decision in force"]);
        refused(decision(Open, None, "2026-04-02T00:00:00Z"), &before, &["no decision in force"]);
        refused(decision(Remediated, None, "2026-03-01T00:00:00Z"), &[], &["report of 2026-03-01T00:00:00Z"]);
        refused(decision(Remediated, None, "2026-03-05T09:00:00Z"), &before, &["decision 1", "2026-03-05T10:00:00Z"]);
        for right in [
            decision(Accepted, Some("2026-03-07"), at),
            decision(FalsePositive, until, at),
            decision(Remediated, None, at),
            decision(Open, None, at),
        ] {
            right.check(&before, reported, berlin()).expect("is right");
        }
    }
}
