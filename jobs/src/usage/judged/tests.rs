//! A month against its quotas: statuses at their edges, tiers that change, prices that add up.

use schemas::{DatasetId, PeriodLength, TierChange, UsageId, shipped_quotas};

use super::*;

fn usage(zone: &str) -> UsageContract {
    UsageContract {
        id: UsageId::parse("platform").expect("a name"),
        dataset: DatasetId::parse("usage").expect("a name"),
        service: None,
        quotas: shipped_quotas().to_vec(),
        meters: BTreeMap::new(),
        warn: Share::of_percent("80").expect("a share"),
        timezone: zone.parse().expect("a zone"),
        timezones: BTreeMap::new(),
        tenants: BTreeMap::from([("acme".to_owned(), "basic".to_owned())]),
        changes: Vec::new(),
        settle_seconds: 0,
        sha256: String::new(),
    }
}

fn quotas() -> Quotas {
    shipped_quotas().iter().find(|quotas| quotas.id.as_str() == "platform").expect("shipped").clone()
}

fn at(text: &str) -> i64 {
    schemas::parse_rfc3339(text).expect("an instant").timestamp_micros()
}

fn row((start, end): (&str, &str), meter: &str, quantity: &str) -> UsageRow {
    UsageRow {
        start_us: at(start),
        end_us: at(end),
        usage_id: start.to_owned(),
        meter: meter.to_owned(),
        unit: "one".to_owned(),
        quantity: Quantity::parse(quantity),
        billed_cost: Cost::parse("0.05").expect("a cost"),
        currency: "USD".to_owned(),
        category: "Usage".to_owned(),
        class: None,
        service: "api".to_owned(),
        resource: String::new(),
        raw_ref: String::new(),
    }
}

/// The month `2026-MM`, up to an instant or its end.
fn judged(usage: &UsageContract, month: &str, until: Option<&str>, rows: &[UsageRow]) -> Result<JudgedMonth, String> {
    let period = PeriodLength::Month.parse(month).expect("a month");
    let whole = period.interval(CivilZone::from(usage.timezone)).expect("an interval");
    let until = until.map_or(whole.end, |until| schemas::parse_rfc3339(until).expect("an instant"));
    judge((usage, &quotas()), ("acme", period), (whole, until), rows)
}

fn quota<'a>(month: &'a JudgedMonth, part: usize, name: &str) -> &'a JudgedQuota {
    month.parts[part].quotas.iter().find(|quota| quota.quota == name).expect("the quota")
}

#[test]
fn a_status_turns_at_its_edge_and_not_before() {
    let warn = Share::of_percent("80").expect("a share");
    let of = |used: &str, limit: &str| {
        let parse = |text: &str| Quantity::parse(text).expect("a quantity");
        QuotaStatus::of(parse(used), QuotaLimit::Of(parse(limit)), warn)
    };
    use QuotaStatus::{Ok, Over, Warn};
    let edges = ["79.999999999999999", "80", "100", "100.000000000000001"].map(|used| of(used, "100"));
    assert_eq!(edges, [Ok, Warn, Warn, Over]);
    // Nothing of nothing is no reason to warn.
    assert_eq!((of("0", "0"), of("0.000000000000001", "0")), (Ok, Over));
    assert_eq!(QuotaStatus::of(Quantity::ZERO, QuotaLimit::Unlimited, warn), QuotaStatus::Unlimited);
}

#[test]
fn a_daily_quota_is_of_civil_days() {
    let usage = usage("Europe/Berlin");
    // 22:30 UTC is the next day in Berlin, in summer.
    let rows = [
        row(("2026-09-10T22:30:00Z", "2026-09-10T22:31:00Z"), "api_requests", "30000"),
        row(("2026-09-11T10:00:00Z", "2026-09-11T10:01:00Z"), "api_requests", "20001"),
        row(("2026-09-11T22:00:00Z", "2026-09-11T22:01:00Z"), "api_requests", "39999"),
    ];
    let month = judged(&usage, "2026-09", None, &rows).expect("judged");
    let one = quota(&month, 0, "api_requests_per_day");
    let days: Vec<String> = one.by_day.iter().map(|(day, used)| format!("{day} {used}")).collect();
    assert_eq!(days, ["2026-09-11 50001", "2026-09-12 39999"]);
    assert_eq!(
        (one.status, one.days_over, one.used.map(|used| used.to_string())),
        (QuotaStatus::Over, 1, Some("50001".to_owned()))
    );
    assert_eq!(quota(&month, 0, "users").note.as_deref(), Some("nothing was metered"));
    assert_eq!(quota(&month, 0, "users").status, QuotaStatus::NotEvaluated);
    assert_eq!(
        month.charges.iter().map(|sum| (sum.rows, sum.billed_cost.to_string())).collect::<Vec<_>>(),
        [(3, "0.15".to_owned())]
    );
}

#[test]
fn parts_of_a_month_cost_what_the_month_costs() {
    let mut usage = usage("UTC");
    usage.changes = vec![TierChange {
        tenant: "acme".to_owned(),
        from: "2026-09-15".parse().expect("a day"),
        tier: "pro".to_owned(),
    }];
    let rows = [row(("2026-09-14T23:00:00Z", "2026-09-15T01:00:00Z"), "users", "30")];
    let month = judged(&usage, "2026-09", None, &rows).expect("judged");
    let parts: Vec<(&str, u32, Option<i64>)> =
        month.parts.iter().map(|part| (part.tier.as_str(), part.days, part.amount)).collect();
    // 14/30 of 99 is 46.20, 16/30 of 499 is 266.13 and a third of a cent.
    assert_eq!(parts, [("basic", 14, Some(462_000)), ("pro", 16, Some(2_661_300))]);
    let users = [0, 1].map(|part| quota(&month, part, "users").status);
    assert_eq!(users, [QuotaStatus::Over, QuotaStatus::Ok], "30 of 25, then of 100");
}

#[test]
fn prices_are_rounded_once_and_add_up() {
    for days in 28..=31u32 {
        for first in 1..days {
            let of = |prices: &[(TierPrice, u32)]| amounts(prices, days, 2).expect("small enough");
            let price = TierPrice::Of(1_000_000);
            let split: i64 = of(&[(price, first), (price, days - first)]).iter().flatten().sum();
            assert_eq!(split, 1_000_000, "{first} of {days} days");
        }
    }
    assert_eq!(amounts(&[(TierPrice::Contract, 30)], 30, 2), Some(vec![None]));
    assert_eq!(amounts(&[(TierPrice::Of(9_900), 15)], 30, 0), Some(vec![Some(0)]), "half of 0.99 yen is none");
}

#[test]
fn a_month_that_goes_on_is_counted_up_to_now() {
    let usage = usage("UTC");
    let rows = [
        row(("2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z"), "users", "22"),
        row(("2026-09-20T00:00:00Z", "2026-09-20T00:01:00Z"), "api_requests", "1"),
    ];
    let month = judged(&usage, "2026-09", Some("2026-09-10T00:00:00Z"), &rows).expect("judged");
    assert_eq!(quota(&month, 0, "users").status, QuotaStatus::Warn);
    assert_eq!(quota(&month, 0, "api_requests_per_day").status, QuotaStatus::NotEvaluated, "it was not yet");
    assert_eq!(month.charges.len(), 1);
}

#[test]
fn what_cannot_be_told_says_why() {
    let usage = usage("UTC");
    let mut rows = vec![
        row(("2026-09-02T00:00:00Z", "2026-09-02T01:00:00Z"), "users", "3"),
        row(("2026-09-03T00:00:00Z", "2026-09-03T00:00:00Z"), "api_requests", "3"),
        row(("2026-09-04T00:00:00Z", "2026-09-04T00:00:00Z"), "tokens", "3"),
    ];
    rows.push(UsageRow { unit: "thousand".to_owned(), ..rows[1].clone() });
    rows.push(UsageRow { category: "Tax".to_owned(), quantity: Quantity::parse("9"), ..rows[0].clone() });
    let month = judged(&usage, "2026-09", None, &rows).expect("judged");
    let notes = ["users", "api_requests_per_day", "tokens"].map(|name| quota(&month, 0, name).note.clone());
    let notes: Vec<&str> = notes.iter().map(|note| note.as_deref().unwrap_or("-")).collect();
    let units = "rows are in several units, which do not add up: one, thousand";
    assert_eq!(notes, ["-", units, "no quota names the meter"]);
    assert_eq!(quota(&month, 0, "users").used.map(|used| used.to_string()).as_deref(), Some("3"), "a tax is no use");
    let huge = UsageRow { quantity: Some(Quantity::of_units(i128::MAX)), ..rows[1].clone() };
    let error = judged(&usage, "2026-09", None, &[huge.clone(), huge]).expect_err("too large");
    assert_eq!(error, "quantities of meter \"api_requests\" are too large to add up");
}
