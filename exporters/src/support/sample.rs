//! A statement for tests, and one whose texts would be obeyed.

use chrono::{DateTime, Utc};
use schemas::{
    Interval, ResultRevision, SupportClock, SupportGroup, SupportPause, SupportPromise, SupportProvenance,
    SupportStatement, SupportTicket, parse_rfc3339,
};

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

/// September: a ticket within its limits, one over, one that runs, and one that cannot be judged.
pub(super) fn sample() -> SupportStatement {
    let interval = Interval { start: at("2026-09-01T00:00:00Z"), end: at("2026-10-01T00:00:00Z") };
    let revision = |revision, state: &str, cause: Option<&str>| ResultRevision {
        revision,
        state: state.to_owned(),
        at: at("2026-10-05T06:00:00Z"),
        run: "support@20261005T060000Z".to_owned(),
        figures: "response 66.6666 % missed, 1 warned of; 1 not judged".to_owned(),
        cause: cause.map(str::to_owned),
    };
    SupportStatement {
        lake: "acme-lake".to_owned(),
        support: "helpdesk".to_owned(),
        tenant: "acme".to_owned(),
        tier: "pro".to_owned(),
        period: "2026-09".to_owned(),
        interval,
        judged_at: at("2026-10-05T06:00:00Z"),
        timezone: "Europe/Berlin".to_owned(),
        calendar: "berlin".to_owned(),
        calendar_zone: "Europe/Berlin".to_owned(),
        pause_reasons: vec!["waiting_customer".to_owned()],
        warn_percent: "80".to_owned(),
        state: "adjusted".to_owned(),
        revision: 2,
        promises: vec![promise()],
        groups: vec![group()],
        tickets: tickets(),
        revisions: vec![revision(1, "final", None), revision(2, "adjusted", Some("clocks of open tickets went on"))],
        provenance: SupportProvenance {
            run: "support@20261005T060000Z".to_owned(),
            at: at("2026-10-05T06:00:00Z"),
            version: "0.1.0".to_owned(),
            defined: "helpdesk, version 1 of its limits; calendar berlin, version 1".to_owned(),
            spec_sha256: "a".repeat(64),
            evidence_sha256: "b".repeat(64),
            evidence: vec![
                "_auditlake/evidence/support/20261005T060000Z/1/helpdesk.2026-09.acme.tickets.parquet".to_owned(),
            ],
            inputs: Vec::new(),
        },
    }
}

/// The same with texts that programs would obey.
pub(super) fn hostile() -> SupportStatement {
    let mut statement = sample();
    statement.tenant = "<script>alert(1)</script>".to_owned();
    statement.tickets[1].id = "=cmd|' /c calc'!A0\u{1b}[2J\u{202e}".to_owned();
    statement
}

fn promise() -> SupportPromise {
    SupportPromise {
        metric: "response".to_owned(),
        promise: "at least 95 % of tickets are answered within their limit".to_owned(),
        good: 2,
        valid: 3,
        percent: Some("66.6666".to_owned()),
        running: 0,
        warned: 1,
        not_judged: 1,
        status: "missed".to_owned(),
        why: None,
        budget_left: Some(-1),
    }
}

fn group() -> SupportGroup {
    SupportGroup {
        tier: "pro".to_owned(),
        priority: 1,
        metric: "response".to_owned(),
        limit: "8:00:00".to_owned(),
        limit_seconds: 28_800,
        tickets: 3,
        kept: 1,
        missed: 1,
        running: 0,
        warned: 1,
    }
}

fn tickets() -> Vec<SupportTicket> {
    let ended = Some(at("2026-09-03T10:00:00Z"));
    let late = SupportTicket {
        pauses: vec![SupportPause {
            from: ended,
            to: None,
            reason: "lunch".to_owned(),
            ignored: Some("only pauses for waiting_customer count".to_owned()),
        }],
        reopened: 1,
        ..ticket("T-late", Some(clock("missed", ended, 34_200)))
    };
    let unknown = SupportTicket {
        priority: 7,
        not_judged: Some("priority 7 is none of 1 to 4".to_owned()),
        ..ticket("T-unknown", None)
    };
    vec![
        ticket("T-kept", Some(clock("kept", ended, 600))),
        late,
        ticket("T-open", Some(clock("warned", None, 28_000))),
        unknown,
    ]
}

fn ticket(id: &str, response: Option<SupportClock>) -> SupportTicket {
    SupportTicket {
        id: id.to_owned(),
        revision: 2,
        tier: "pro".to_owned(),
        priority: 1,
        opened_at: at("2026-09-02T08:00:00Z"),
        state: "pending".to_owned(),
        reopened: 0,
        response,
        resolution: None,
        pauses: Vec::new(),
        not_judged: None,
    }
}

fn clock(status: &str, ended_at: Option<DateTime<Utc>>, seconds: u64) -> SupportClock {
    SupportClock {
        status: status.to_owned(),
        ended_at,
        counted: format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60),
        counted_us: seconds * 1_000_000,
        limit: "8:00:00".to_owned(),
        limit_seconds: 28_800,
    }
}
