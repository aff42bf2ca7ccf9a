//! Results of a support agreement's period: what is recorded of a tenant, when it is new, and why it changed.

use chrono::{DateTime, Utc};
use engine::EngineError;
use schemas::{Interval, SlaId, TicketMetric};
use serde::{Deserialize, Serialize};

use super::judged::{ClockStatus, JudgedTicket, JudgedTickets, TicketClock};
use super::rows::lines;
use crate::revisions::{self, Results};

/// Results of support agreements.
#[derive(Debug, Clone, Copy)]
pub(super) struct SupportResults;

/// The records of a period.
pub(super) type Sequence = revisions::Sequence<SupportResults>;
/// One of them.
pub(super) type PeriodRecord = revisions::PeriodRecord<SupportHead, Figures>;
/// A revision of a tenant's result.
pub(super) type TenantResult = revisions::TenantResult<Figures>;

/// What a record says of its period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SupportHead {
    /// The agreement.
    pub(super) support: SlaId,
    /// The period's name.
    pub(super) period: String,
    /// Its time.
    pub(super) interval: Interval,
}

/// What a tenant's period came to, and what it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    /// The instant as of which tickets are judged.
    pub(super) judged_at: DateTime<Utc>,
    /// Everything that was judged.
    pub(super) judged: JudgedTickets,
    /// The tenant's tier.
    pub(super) tier: String,
    /// Version of the limits.
    pub(super) limits_version: u32,
    /// The calendar, with versions that are in force until then: `berlin, version 1`.
    pub(super) calendar: String,
    /// SHA-256 of the agreement's file and those of its calendar.
    pub(super) spec_sha256: String,
    /// SHA-256 over the rows of tickets.
    pub(super) rows_sha256: String,
    /// SHA-256 over the lines of the evidence.
    pub(super) evidence_sha256: String,
    /// Objects with it, as the run that computed these figures wrote them.
    pub(super) evidence: Vec<String>,
}

impl Results for SupportResults {
    const FOLDER: &'static str = "support";
    const NAME: &'static str = "auditlake.support";
    type Head = SupportHead;
    type Figures = Figures;

    /// A clock that runs on, a comment of a file, and a column that decides nothing make no result new.
    fn are_same(before: &Figures, after: &Figures) -> bool {
        before.tier == after.tier
            && before.judged.promises == after.judged.promises
            && before.judged.tickets.len() == after.judged.tickets.len()
            && before.judged.tickets.iter().zip(&after.judged.tickets).all(|(a, b)| decided(a) == decided(b))
    }

    fn is_older(before: &Figures, after: &Figures) -> bool {
        after.judged_at < before.judged_at
    }

    fn cause(before: &Figures, after: &Figures) -> String {
        let mut causes = Vec::new();
        if before.spec_sha256 != after.spec_sha256 {
            causes.push("the agreement or its calendar changed");
        }
        if before.rows_sha256 != after.rows_sha256 {
            causes.push("rows came late, or were corrected");
        }
        if causes.is_empty() {
            causes.push("clocks of open tickets went on");
        }
        causes.join("; ")
    }

    fn lines(record: &PeriodRecord) -> Result<Vec<u8>, EngineError> {
        lines(record)
    }
}

/// A ticket without what may differ and decides nothing: the revision of its row, and how long clocks that run have run.
fn decided(ticket: &JudgedTicket) -> (JudgedTicket, Vec<(TicketMetric, ClockStatus)>) {
    let statuses = ticket.clocks.iter().map(|(metric, clock)| (*metric, clock.status)).collect();
    let of = |clock: &TicketClock| {
        let counted_us = if clock.ended_at.is_some() { clock.counted_us } else { 0 };
        TicketClock { counted_us, counted: Vec::new(), ..clock.clone() }
    };
    let clocks = ticket.clocks.iter().map(|(metric, clock)| (*metric, of(clock))).collect();
    let without = JudgedTicket { revision: 0, state: String::new(), clocks, ..ticket.clone() };
    (without, statuses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::parse_rfc3339;
    use std::collections::BTreeMap;

    fn at(text: &str) -> DateTime<Utc> {
        parse_rfc3339(text).expect("an instant")
    }

    fn figures(judged_at: &str, (status, counted_us): (ClockStatus, u64), revision: i64) -> Figures {
        let clock = TicketClock {
            status,
            ended_at: (status == ClockStatus::Kept).then(|| at("2026-09-02T00:00:00Z")),
            counted_us,
            limit_seconds: 3_600,
            counted: Vec::new(),
        };
        let ticket = JudgedTicket {
            id: "T-1".to_owned(),
            revision,
            tier: "pro".to_owned(),
            priority: 1,
            opened_at: at("2026-09-01T00:00:00Z"),
            state: "open".to_owned(),
            reopened: 0,
            clocks: BTreeMap::from([(TicketMetric::Response, clock)]),
            pauses: Vec::new(),
            not_judged: None,
        };
        Figures {
            judged_at: at(judged_at),
            judged: JudgedTickets { promises: Vec::new(), tickets: vec![ticket] },
            tier: "pro".to_owned(),
            limits_version: 1,
            calendar: "24x7, version 1".to_owned(),
            spec_sha256: "s".to_owned(),
            rows_sha256: format!("r{revision}"),
            evidence_sha256: format!("e{judged_at}"),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn what_runs_on_is_nothing_new_and_what_ends_is() {
        use ClockStatus::{Kept, Missed, Running, Warned};
        let of = |status, counted_us| figures("2026-10-05T00:00:00Z", (status, counted_us), 1);
        let same = SupportResults::are_same;
        let running = figures("2026-10-01T00:00:00Z", (Running, 1), 1);
        assert!(same(&running, &of(Running, 7)), "a clock runs on");
        assert!(!same(&running, &of(Warned, 7)) && !same(&running, &of(Missed, 7)) && !same(&running, &of(Kept, 7)));
        assert!(same(&of(Missed, 8), &of(Missed, 9)), "it runs, and is over its limit all the same");
        assert!(!same(&of(Kept, 8), &of(Kept, 9)), "it ended at another time");
        assert!(same(&of(Kept, 8), &figures("2026-10-05T00:00:00Z", (Kept, 8), 2)), "another revision says the same");
        let retiered = Figures { tier: "free".to_owned(), ..of(Running, 7) };
        assert!(!same(&running, &retiered));
        assert!(SupportResults::is_older(&of(Running, 7), &running) && !SupportResults::is_older(&running, &running));
    }

    #[test]
    fn what_changed_is_told() {
        use ClockStatus::{Missed, Running};
        let before = figures("2026-10-01T00:00:00Z", (Running, 1), 1);
        let told = |after: &Figures| SupportResults::cause(&before, after);
        let later = figures("2026-10-05T00:00:00Z", (Missed, 9), 1);
        assert_eq!(told(&later), "clocks of open tickets went on");
        let rows = figures("2026-10-05T00:00:00Z", (Missed, 9), 2);
        assert_eq!(told(&rows), "rows came late, or were corrected");
        let spec = Figures { spec_sha256: "t".to_owned(), ..rows };
        assert_eq!(told(&spec), "the agreement or its calendar changed; rows came late, or were corrected");
    }
}
