//! A statement for tests, and one whose texts would be obeyed.

use chrono::{DateTime, Days, NaiveDate, Utc};
use schemas::{
    Interval, ResultRevision, UsageCharge, UsageDay, UsagePart, UsagePrice, UsageProvenance, UsageQuota,
    UsageStatement, parse_rfc3339,
};

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

/// Twenty days of September, on one of which more requests were made than there are.
pub(super) fn sample() -> UsageStatement {
    let interval = Interval { start: at("2026-09-01T00:00:00Z"), end: at("2026-10-01T00:00:00Z") };
    let first: NaiveDate = "2026-09-01".parse().expect("a day");
    UsageStatement {
        lake: "acme-lake".to_owned(),
        usage: "platform".to_owned(),
        service: Some("api".to_owned()),
        tenant: "acme".to_owned(),
        period: "2026-09".to_owned(),
        interval,
        until: at("2026-09-21T00:00:00Z"),
        timezone: "UTC".to_owned(),
        state: "provisional".to_owned(),
        revision: 2,
        parts: vec![UsagePart {
            tier: "basic".to_owned(),
            from: first,
            days: 30,
            quotas: vec![requests(first), users(), unknown()],
        }],
        price: Some(UsagePrice {
            currency: "USD".to_owned(),
            amount: Some("46.20".to_owned()),
            formula: vec!["99.00 × 14/30 days = 46.20 (tier basic)".to_owned()],
        }),
        charges: vec![UsageCharge {
            category: "Credit".to_owned(),
            class: Some("Correction".to_owned()),
            service: "api".to_owned(),
            currency: "USD".to_owned(),
            rows: 1,
            billed_cost: "-0.000000000001".to_owned(),
        }],
        revisions: vec![ResultRevision {
            revision: 1,
            state: "provisional".to_owned(),
            at: interval.start,
            run: "usage-daily@20260921T000000Z".to_owned(),
            figures: "api_requests_per_day 60000 of 50000 over".to_owned(),
            cause: Some("rows came late, or were corrected".to_owned()),
        }],
        provenance: UsageProvenance {
            run: "usage-daily@20260921T000000Z".to_owned(),
            at: at("2026-09-21T00:00:00Z"),
            version: "0.1.0".to_owned(),
            quotas: "platform, version 1".to_owned(),
            spec_sha256: "a".repeat(64),
            evidence_sha256: "b".repeat(64),
            evidence: Vec::new(),
            inputs: Vec::new(),
        },
    }
}

/// The same with texts that programs would obey.
pub(super) fn hostile() -> UsageStatement {
    let mut statement = sample();
    statement.tenant = "<script>alert(1)</script>".to_owned();
    statement.charges[0].service = "=cmd|' /c calc'!A0\u{1b}[2J\u{202e}".to_owned();
    statement
}

fn requests(first: NaiveDate) -> UsageQuota {
    let of = |day: u64| {
        let (used, permille, status) = match day {
            11 => ("60000", 1_200, "over"),
            12 => ("45000", 900, "warn"),
            _ => ("20000", 400, "ok"),
        };
        UsageDay {
            day: first + Days::new(day),
            used: used.to_owned(),
            permille: Some(permille),
            status: status.to_owned(),
        }
    };
    UsageQuota {
        quota: "api_requests_per_day".to_owned(),
        meter: "api_requests".to_owned(),
        measure: "sum".to_owned(),
        is_daily: true,
        unit: Some("requests".to_owned()),
        used: Some("60000".to_owned()),
        limit: Some("50000".to_owned()),
        percent: Some("120.00".to_owned()),
        status: "over".to_owned(),
        note: None,
        peak_at: Some("2026-09-12".to_owned()),
        rows: 20,
        days_over: 1,
        days: (0..20).map(of).collect(),
    }
}

fn users() -> UsageQuota {
    UsageQuota {
        quota: "users".to_owned(),
        meter: "users".to_owned(),
        measure: "max".to_owned(),
        is_daily: false,
        unit: Some("seats".to_owned()),
        used: Some("21".to_owned()),
        limit: Some("25".to_owned()),
        percent: Some("84.00".to_owned()),
        status: "warn".to_owned(),
        note: None,
        peak_at: Some("2026-09-03T00:00:00Z".to_owned()),
        rows: 3,
        days_over: 0,
        days: Vec::new(),
    }
}

fn unknown() -> UsageQuota {
    UsageQuota {
        quota: "tokens_in".to_owned(),
        meter: "tokens_in".to_owned(),
        used: None,
        limit: None,
        percent: None,
        unit: None,
        status: "not_evaluated".to_owned(),
        note: Some("no quota names the meter".to_owned()),
        peak_at: None,
        ..users()
    }
}
