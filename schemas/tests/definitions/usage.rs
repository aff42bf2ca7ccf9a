//! `slas/*.yaml`: quotas and contracts about usage, and jobs that judge them.

use expect_test::{Expect, expect};
use schemas::{
    DefinitionError, JobKind, Lake, Measure, PeriodLength, Quantity, QuotaLimit, Share, TierPrice, shipped_quotas,
};

use crate::sla::{is_refused, with_datasets};

const USAGE: &str = "usage: platform
dataset: usage
service: api
meters: {users: seats}
warn: \"90\"
timezone: America/New_York
timezones: {globex: Asia/Kolkata}
tenants: {acme: pro, globex: free}
changes: [{tenant: acme, from: 2026-09-15, tier: enterprise}]
settle: 24h
";

const JOB: &str = "job: usage-daily
kind: usage
usage: platform
into: used
periods: 2
outputs: [{format: html, to: \"statements/{interval.end:%Y-%m-%d}/\"}]
schedule: {cron: \"0 6 * * *\"}
";

const QUOTAS: &str = "quotas: own
version: 1
effective: 2026-01-01
currency: JPY
meters: {exports: {meter: export_rows, is: counter, per: day}}
tier: {gold: {exports: 1000, storage_gb: \"0.5\", price_month: \"9900\"}}
";

/// The sample lake with datasets of what is used, and these files.
fn lake(files: &[(&str, &str)]) -> Result<Lake, Vec<DefinitionError>> {
    with_datasets(&[("usage", "usage.v1"), ("used", "usage_result.v1")], files)
}

#[track_caller]
fn says(files: &[(&str, &str)], expected: Expect) {
    is_refused(lake(files), expected);
}

#[test]
fn a_contract_and_its_job_are_read_whole() {
    let lake = lake(&[("slas/usage.yaml", USAGE), ("jobs/usage.yaml", JOB)]).expect("is right");
    let usage = &lake.usages[0];
    assert_eq!(
        (usage.id.as_str(), usage.dataset.as_str(), usage.service.as_deref()),
        ("platform", "usage", Some("api"))
    );
    assert_eq!((usage.zone_of("acme").name(), usage.zone_of("globex").name()), ("America/New_York", "Asia/Kolkata"));
    assert_eq!((usage.warn, usage.settle_seconds), (Share::of_percent("90").expect("a share"), 86_400));
    let quotas = &usage.quotas[0];
    assert_eq!(usage.meter_of("users", &quotas.meters["users"]), "seats");
    assert_eq!(usage.meter_of("api_requests_per_day", &quotas.meters["api_requests_per_day"]), "api_requests");
    let september = PeriodLength::Month.parse("2026-09").expect("a month");
    let tiers: Vec<_> = usage.tiers_of("acme", september).into_iter().map(|(_, tier)| tier).collect();
    assert_eq!(tiers, ["pro", "enterprise"]);
    let job = lake.jobs.iter().find(|job| job.id.as_str() == "usage-daily").expect("the job");
    let JobKind::Usage(spec) = &job.kind else { panic!("{:?}", job.kind) };
    assert_eq!((spec.usage.as_str(), spec.into.as_str(), spec.periods, spec.outputs.len()), ("platform", "used", 2, 1));
}

#[test]
fn what_a_contract_leaves_out_has_a_meaning() {
    let short = "usage: platform\ndataset: usage\ntenants: {acme: pro}\n";
    let usage = lake(&[("slas/usage.yaml", short)]).expect("is right").usages.remove(0);
    assert_eq!((usage.timezone.name(), usage.settle_seconds), ("Europe/Berlin", 72 * 3_600));
    assert_eq!((usage.warn, usage.quotas[0].id.as_str()), (Share::of_percent("80").expect("a share"), "platform"));
    assert!(usage.service.is_none() && usage.meters.is_empty());
}

#[test]
fn both_tables_of_quotas_ship() {
    let names: Vec<&str> = shipped_quotas().iter().map(|quotas| quotas.id.as_str()).collect();
    assert_eq!(names, ["machine-learning", "platform"]);
    let [learning, platform] = shipped_quotas() else { panic!("{names:?}") };
    let units = |limit: &QuotaLimit| match limit {
        QuotaLimit::Of(limit) => Some(limit.units() / 10i128.pow(15)),
        QuotaLimit::Unlimited => None,
    };
    assert_eq!(units(&platform.tiers["pro"].limits["api_requests_per_day"]), Some(1_000_000));
    assert_eq!(platform.tiers["enterprise"].limits["users"], QuotaLimit::Unlimited);
    let prices = ["free", "basic", "pro", "enterprise"].map(|tier| platform.tiers[tier].price);
    assert_eq!(prices, [TierPrice::Of(0), TierPrice::Of(990_000), TierPrice::Of(4_990_000), TierPrice::Contract]);
    let meters: Vec<_> = learning
        .meters
        .iter()
        .map(|(quota, of)| (quota.as_str(), of.meter.as_str(), of.measure, of.is_daily))
        .collect();
    assert_eq!(
        meters,
        [
            ("api_requests_per_day", "api_requests", Measure::Sum, true),
            ("concurrent_training", "concurrent_training", Measure::Max, false),
            ("gpu_hours", "gpu_hours", Measure::Sum, false),
            ("models", "models", Measure::Max, false),
            ("storage_gb", "storage_gb", Measure::Mean, false),
            ("users", "users", Measure::Max, false),
        ]
    );
    assert_eq!(units(&learning.tiers["professional"].limits["gpu_hours"]), Some(1_000));
    assert_eq!(units(&learning.tiers["enterprise"].limits["concurrent_training"]), Some(100));
    assert_eq!((learning.tiers["starter"].price, learning.currency.as_str()), (TierPrice::None, "USD"));
}

#[test]
fn quotas_of_ones_own_say_how_they_are_metered() {
    let usage = "usage: own\ndataset: usage\nquotas: own\ntenants: {acme: gold}\n";
    let lake = lake(&[("slas/a.yaml", QUOTAS), ("slas/b.yaml", usage)]).expect("is right");
    let quotas = &lake.usages[0].quotas[0];
    let exports = &quotas.meters["exports"];
    assert_eq!((exports.meter.as_str(), exports.measure, exports.is_daily), ("export_rows", Measure::Counter, true));
    assert_eq!(quotas.tiers["gold"].limits["storage_gb"], QuotaLimit::Of(Quantity::of_units(500_000_000_000_000)));
    assert_eq!((quotas.tiers["gold"].price, quotas.decimals), (TierPrice::Of(99_000_000), 0));
}

#[test]
fn figures_of_quotas_that_are_none_are_refused() {
    let says = |from: &str, to: &str, expected: Expect| says(&[("slas/own.yaml", &QUOTAS.replace(from, to))], expected);
    says(
        "storage_gb: \"0.5\"",
        "storage_gb: half",
        expect![[r#"slas/own.yaml:6:42: storage_gb is "half"; write a number such as 1000 or "0.5", or unlimited"#]],
    );
    says(
        "\"0.5\"",
        "\"-1\"",
        expect![[r#"slas/own.yaml:6:42: storage_gb is "-1"; write a number such as 1000 or "0.5", or unlimited"#]],
    );
    says(
        "\"0.5\"",
        "\"0.1234567890123456\"",
        expect![[
            r#"slas/own.yaml:6:42: storage_gb is "0.1234567890123456"; write a number such as 1000 or "0.5", or unlimited"#
        ]],
    );
    says(
        "\"9900\"",
        "\"9900.50\"",
        expect![[
            r#"slas/own.yaml:6:62: price_month is "9900.50"; write an amount with at most 0 decimals such as "499", or contract"#
        ]],
    );
}

#[test]
fn quotas_say_how_they_are_metered_and_once() {
    let says = |from: &str, to: &str, expected: Expect| says(&[("slas/own.yaml", &QUOTAS.replace(from, to))], expected);
    says(
        "storage_gb",
        "disks",
        expect![[
            r#"slas/own.yaml:6:37: how "disks" is metered is not told by its name; add meters: {disks: {is: sum}}, or max, mean, counter"#
        ]],
    );
    says(
        "meters: {exports: {meter: export_rows, is: counter, per: day}}",
        "meters: {}",
        expect![[
            r#"slas/own.yaml:6:24: how "exports" is metered is not told by its name; add meters: {exports: {is: sum}}, or max, mean, counter"#
        ]],
    );
    says(
        "is: counter",
        "is: mean",
        expect![[
            r#"slas/own.yaml:5:19: "exports" is the mean of levels, which days do not have limits of; write is: sum or counter, or per: period"#
        ]],
    );
    says(
        "meters: {exports:",
        "meters: {export:",
        expect![[r#"
        slas/own.yaml:5:18: meters name quota "export", which no tier has; tiers have: exports, storage_gb
        slas/own.yaml:6:24: how "exports" is metered is not told by its name; add meters: {exports: {is: sum}}, or max, mean, counter"#]],
    );
    says(
        "currency: JPY",
        "currency: yen",
        expect![[r#"slas/own.yaml:4:11: currency "yen" is no code of ISO 4217; write for example EUR"#]],
    );
    says(
        "{gold: {exports: 1000, storage_gb: \"0.5\", price_month: \"9900\"}}",
        "{}",
        expect![[r#"
        slas/own.yaml:1:9: tier is empty; add for example pro: {users: 100, price_month: "499"}
        slas/own.yaml:5:19: meters name quota "exports", which no tier has; tiers have: "#]],
    );
    says(
        "quotas: own",
        "quotas: platform",
        expect![[
            r#"slas/own.yaml:2:10: quotas "platform" overlap: version 1 from 2026-01-01 is already there; give this one the next version and a later day, or another name"#
        ]],
    );
}

#[test]
fn a_contract_that_contradicts_itself_is_refused() {
    let says =
        |from: &str, to: &str, expected: Expect| says(&[("slas/usage.yaml", &USAGE.replace(from, to))], expected);
    says(
        "acme: pro",
        "acme: gold",
        expect![[
            r#"slas/usage.yaml:8:17: tier "gold" is not in version 1 of quotas "platform"; there are: basic, enterprise, free, pro"#
        ]],
    );
    says(
        "dataset: usage",
        "dataset: used",
        expect![[
            r#"slas/usage.yaml:2:10: dataset names dataset "used" of schema usage_result.v1; name one of schema usage.v1"#
        ]],
    );
    says(
        "dataset: usage",
        "dataset: nowhere",
        expect![[
            r#"slas/usage.yaml:2:10: dataset names dataset "nowhere", which does not exist; there are: audit, identity, month, usage, used"#
        ]],
    );
    says(
        "{users: seats}",
        "{people: seats}",
        expect![[
            r#"slas/usage.yaml:4:18: meters name quota "people", which the quotas do not have; they have: api_requests_per_day, users"#
        ]],
    );
    says(
        "{globex: Asia/Kolkata}",
        "{initech: Asia/Kolkata}",
        expect![[
            r#"slas/usage.yaml:7:22: timezones name tenant "initech", which has no tier in tenants; add it there first"#
        ]],
    );
    says(
        "Asia/Kolkata",
        "Asia/Nowhere",
        expect![[
            r#"slas/usage.yaml:7:21: timezone "Asia/Nowhere" is not an IANA zone; the nearest are Asia/Aden, Asia/Anadyr, Asia/Aqtobe"#
        ]],
    );
    says(
        "warn: \"90\"",
        "warn: \"120\"\nquotas: gold",
        expect![[r#"
        slas/usage.yaml:5:7: warn "120" is not a percentage; write 0 to 100 with at most 6 decimals, for example 99.9
        slas/usage.yaml:6:9: quotas "gold" do not exist; there are: machine-learning, platform"#]],
    );
    says(
        "settle: 24h",
        "settle: soon",
        expect![[r#"slas/usage.yaml:10:9: settle "soon" is not a length of time; write for example 30d, 24h or 15m"#]],
    );
    says(
        "tenants: {acme: pro, globex: free}",
        "tenants: {}",
        expect![[r#"
        slas/usage.yaml:1:8: tenants is empty; add for example acme: pro
        slas/usage.yaml:7:21: timezones name tenant "globex", which has no tier in tenants; add it there first
        slas/usage.yaml:9:20: changes name tenant "acme", which has no tier in tenants; add it there first"#]],
    );
}

#[test]
fn a_job_that_names_what_is_not_there_is_refused() {
    let says = |from: &str, to: &str, expected: Expect| {
        says(&[("slas/usage.yaml", USAGE), ("jobs/usage.yaml", &JOB.replace(from, to))], expected);
    };
    says(
        "usage: platform",
        "usage: plattform",
        expect![[r#"jobs/usage.yaml:3:8: usage "plattform" does not exist; did you mean "platform"?"#]],
    );
    says(
        "into: used",
        "into: usage",
        expect![[
            r#"jobs/usage.yaml:4:7: into names dataset "usage" of schema usage.v1; name one of schema usage_result.v1"#
        ]],
    );
    says("periods: 2", "periods: 0", expect!["jobs/usage.yaml:5:10: periods must be at least 1; found 0"]);
    says(
        "format: html",
        "format: oscal",
        expect![[
            r#"jobs/usage.yaml:6:10: format "oscal" is for controls; formats of usage are: html, json, csv, xlsx"#
        ]],
    );
    says(
        "usage: platform\n",
        "",
        expect!["jobs/usage.yaml:1:1: usage is required: the contract, for example platform"],
    );
}
