//! A statement for tests, and one whose texts would be obeyed.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use schemas::{
    Interval, SlaStatement, StatementCredit, StatementDay, StatementExclusion, StatementPart, StatementProvenance,
    StatementResult, StatementRevision, StatementRun, parse_rfc3339,
};

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

/// September with 44 bad minutes.
pub(super) fn sample() -> SlaStatement {
    let interval = Interval { start: at("2026-09-01T00:00:00Z"), end: at("2026-10-01T00:00:00Z") };
    let first: NaiveDate = "2026-09-01".parse().expect("a day");
    let outage = Interval { start: at("2026-09-12T10:00:00Z"), end: at("2026-09-12T10:44:00Z") };
    let revision = |revision, state: &str, cause: Option<&str>| StatementRevision {
        revision,
        state: state.to_owned(),
        at: interval.end + TimeDelta::days(i64::from(revision)),
        run: "sla-monthly@20261001T000000Z".to_owned(),
        figures: "uptime 99.8981 % missed".to_owned(),
        amount: Some("49.90".to_owned()),
        cause: cause.map(str::to_owned),
    };
    SlaStatement {
        lake: "acme-lake".to_owned(),
        sla: "api".to_owned(),
        service: "api".to_owned(),
        tenant: "acme".to_owned(),
        period: "2026-09".to_owned(),
        interval,
        timezone: "UTC".to_owned(),
        state: "adjusted".to_owned(),
        revision: 2,
        measured_by: "requests".to_owned(),
        slice_minutes: 1,
        slices: 43_200,
        parts: vec![part(first)],
        credit: Some(StatementCredit {
            fee: "499.00".to_owned(),
            currency: "EUR".to_owned(),
            amount: "49.90".to_owned(),
            formula: vec!["499.00 × 10 % = 49.90".to_owned()],
            note: None,
        }),
        no_credit: None,
        days: days(first),
        runs: vec![StatementRun {
            what: "bad".to_owned(),
            interval: outage,
            slices: 44,
            total: 20_000,
            failed: 12_000,
            exclusion: None,
        }],
        exclusions: vec![exclusion(outage)],
        revisions: vec![revision(1, "final", None), revision(2, "adjusted", Some("rows came late, or were corrected"))],
        provenance: provenance(interval),
    }
}

/// The same with texts that programs would obey.
pub(super) fn hostile() -> SlaStatement {
    let mut statement = sample();
    statement.tenant = "<script>alert(1)</script>".to_owned();
    statement.exclusions[0].reason = "=cmd|' /c calc'!A0\u{1b}[2J\u{202e}".to_owned();
    statement
}

fn part(first: NaiveDate) -> StatementPart {
    StatementPart {
        tier: "pro".to_owned(),
        from: first,
        days: 30,
        total: 9_000_000,
        failed: 12_000,
        results: vec![StatementResult {
            metric: "uptime".to_owned(),
            promise: "at least 99.9 % of slices are good".to_owned(),
            method: "timeslices".to_owned(),
            good: 43_156,
            valid: 43_200,
            percent: Some("99.8981".to_owned()),
            excluded: 0,
            unknown: 0,
            status: "missed".to_owned(),
            why: None,
            budget_left: Some(-1),
            credit_percent: "10".to_owned(),
            band: Some("below the target 99.9 %".to_owned()),
            is_owed: true,
        }],
        p50_us: Some(40_123),
        p95_us: Some(180_000),
        p99_us: Some(900_001),
    }
}

fn days(first: NaiveDate) -> Vec<StatementDay> {
    (0..30)
        .map(|day| StatementDay {
            day: first + Days::new(day),
            slices: 1_440,
            bad: if day == 11 { 44 } else { 0 },
            excluded: if day == 20 { 60 } else { 0 },
            unknown: if day == 25 { 3 } else { 0 },
        })
        .collect()
}

fn exclusion(outage: Interval) -> StatementExclusion {
    StatementExclusion {
        id: "x-1".to_owned(),
        kind: "maintenance".to_owned(),
        interval: outage,
        announced_at: Some(outage.start),
        approved_by: "ops".to_owned(),
        ticket: Some("OPS-7".to_owned()),
        reason: "new database".to_owned(),
        slices: 0,
        ignored: Some("maintenance must be announced 72 hours before".to_owned()),
    }
}

fn provenance(interval: Interval) -> StatementProvenance {
    StatementProvenance {
        run: "sla-monthly@20261001T000000Z".to_owned(),
        at: interval.end,
        version: "0.1.0".to_owned(),
        tiers: "standard, version 1".to_owned(),
        spec_sha256: "a".repeat(64),
        evidence_sha256: "b".repeat(64),
        evidence: vec!["_auditlake/evidence/sla-monthly/20261001T000000Z/1/2026-09.slices.parquet".to_owned()],
        inputs: Vec::new(),
    }
}
