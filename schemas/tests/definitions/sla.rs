//! `slas/*.yaml`: SLAs and tiers, and jobs that judge them.

use expect_test::{Expect, expect};
use schemas::{
    BasisPoints, DefinitionError, JobKind, Lake, Measured, PeriodLength, Share, SlaMethod, SourceFile, check,
    parse_tiers, shipped_tiers,
};

use crate::acme::acme;

const SLA: &str = "sla: api
service: api
requests: {dataset: requests, routes: [public], regions: [eu]}
timezone: America/New_York
slices: {length: 5m, min_total: 50, bad: \"5%\", min_bad: 2}
max_unknown: \"0.5\"
tenants: {acme: pro, globex: free}
changes: [{tenant: acme, from: 2026-09-15, tier: enterprise}]
exclusions: {dataset: exclusions, notice: 48h, maintenance: 2h}
fees: {dataset: usage, currency: JPY}
settle: 24h
";

const JOB: &str = "job: sla-monthly
kind: sla
sla: api
into: results
periods: 2
outputs: [{format: html, to: \"sla/{interval.end:%Y-%m-%d}/\"}]
schedule: {cron: \"0 6 * * *\"}
";

const TIERS: &str = "tiers: own
version: 1
effective: 2026-01-01
tier: {gold: {uptime: \"99.95\"}}
credits: {uptime: [{below: target, percent: \"5\"}, {below: \"99.0\", percent: \"100\"}]}
";

/// Datasets of every kind that an SLA reads.
const DATASETS: [(&str, &str); 5] = [
    ("requests", "request_1m.v1"),
    ("probes", "probe.v1"),
    ("exclusions", "exclusion.v1"),
    ("usage", "usage.v1"),
    ("results", "sla_result.v1"),
];

/// The sample lake with those, and these files.
pub(crate) fn lake(files: &[(&str, &str)]) -> Result<Lake, Vec<DefinitionError>> {
    with_datasets(&DATASETS, files)
}

/// The sample lake with datasets of these schemas, and these files.
pub(crate) fn with_datasets(datasets: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Lake, Vec<DefinitionError>> {
    let mut all = acme();
    for (name, schema) in datasets {
        let text = format!("dataset: {name}\nlocation: {name}/\nschema: {schema}\n").into_bytes();
        all.push(SourceFile { path: format!("datasets/{name}.yaml"), text });
    }
    all.extend(
        files.iter().map(|(path, text)| SourceFile { path: (*path).to_owned(), text: text.as_bytes().to_vec() }),
    );
    check(&all)
}

/// Compares what is wrong, a line each.
#[track_caller]
pub(crate) fn is_refused(checked: Result<Lake, Vec<DefinitionError>>, expected: Expect) {
    let errors = checked.map(drop).expect_err("is refused");
    expected.assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
}

#[track_caller]
fn says(files: &[(&str, &str)], expected: Expect) {
    is_refused(lake(files), expected);
}

fn share(text: &str) -> Share {
    Share::of_percent(text).expect("a percentage")
}

#[test]
fn an_sla_and_its_job_are_read_whole() {
    let lake = lake(&[("slas/api.yaml", SLA), ("jobs/sla.yaml", JOB)]).expect("is right");
    let sla = &lake.slas[0];
    assert_eq!((sla.id.as_str(), sla.service.as_str(), sla.timezone.name()), ("api", "api", "America/New_York"));
    let Measured::Requests { dataset, routes, regions } = &sla.measured else { panic!("{:?}", sla.measured) };
    assert_eq!(
        (dataset.as_str(), routes.as_slice(), regions.as_slice()),
        ("requests", &["public".to_owned()][..], &["eu".to_owned()][..])
    );
    assert_eq!((sla.slices.minutes, sla.slices.min_total, sla.slices.min_bad), (5, 50, 2));
    assert_eq!((sla.slices.bad, sla.max_unknown), (share("5"), share("0.5")));
    assert_eq!((sla.tiers.len(), sla.tiers[0].id.as_str()), (1, "standard"));
    let exclusions = sla.exclusions.as_ref().expect("exclusions");
    assert_eq!((exclusions.notice_seconds, exclusions.maintenance_minutes_max), (48 * 3_600, 120));
    let fees = sla.fees.as_ref().expect("fees");
    assert_eq!((fees.service.as_str(), fees.currency.as_str(), fees.decimals), ("api", "JPY", 0));
    assert_eq!(sla.settle_seconds, 86_400);
    let september = sla.period.parse("2026-09").expect("a month");
    let tiers: Vec<_> =
        sla.tiers_of("acme", september).into_iter().map(|(day, tier)| (day.to_string(), tier)).collect();
    assert_eq!(tiers, [("2026-09-01".to_owned(), "pro"), ("2026-09-15".to_owned(), "enterprise")]);
    let october = september.before().map(|_| sla.period.parse("2026-10").expect("a month")).expect("one");
    assert_eq!(sla.tiers_of("acme", october).len(), 1);
    let job = lake.jobs.iter().find(|job| job.id.as_str() == "sla-monthly").expect("the job");
    let JobKind::Sla(spec) = &job.kind else { panic!("{:?}", job.kind) };
    assert_eq!((spec.sla.as_str(), spec.into.as_str(), spec.periods, spec.outputs.len()), ("api", "results", 2, 1));
}

#[test]
fn what_an_sla_leaves_out_has_a_meaning() {
    let short = "sla: api\nservice: api\nprobes: {dataset: probes}\ntenants: {acme: pro}\n";
    let sla = lake(&[("slas/api.yaml", short)]).expect("is right").slas.remove(0);
    assert_eq!(
        (sla.method, sla.period, sla.timezone.name()),
        (SlaMethod::Timeslices, PeriodLength::Month, "Europe/Berlin")
    );
    assert_eq!(
        (sla.slices.minutes, sla.slices.min_total, sla.slices.bad, sla.slices.min_bad),
        (1, 100, share("10"), 1)
    );
    assert_eq!((sla.max_unknown, sla.settle_seconds), (share("1"), 72 * 3_600));
    assert!(sla.exclusions.is_none() && sla.fees.is_none() && sla.changes.is_empty());
    let Measured::Probes { tenant, quorum, stale_after_seconds, .. } = &sla.measured else {
        panic!("{:?}", sla.measured)
    };
    assert_eq!((tenant, quorum, stale_after_seconds), (&None, &None, &None));
}

#[test]
fn tiers_have_versions_and_ladders() {
    let standard = &shipped_tiers()[0];
    let enterprise = standard.tiers["enterprise"];
    assert_eq!((enterprise.uptime, enterprise.p95_us, enterprise.money), (Some(share("99.99")), Some(100_000), true));
    assert!(!standard.tiers["free"].money);
    let owed: Vec<u32> = standard.credits.uptime.iter().map(|band| band.credit.get()).collect();
    assert_eq!((owed, standard.credits.latency.get(), standard.minimum), (vec![1_000, 2_500, 5_000], 1_000, 10_000));
    assert_eq!(standard.cap, BasisPoints::ALL);
    let next = TIERS.replace("version: 1", "version: 2").replace("2026-01-01", "2027-01-01");
    let sla = "sla: api\nservice: api\nprobes: {dataset: probes}\ntiers: own\ntenants: {acme: gold}\n";
    let lake = lake(&[("slas/a.yaml", TIERS), ("slas/b.yaml", &next), ("slas/c.yaml", sla)]).expect("is right");
    let on = |day: &str| lake.slas[0].tiers_on(day.parse().expect("a day")).map(|tiers| tiers.version);
    assert_eq!([on("2025-12-31"), on("2026-01-01"), on("2027-01-01")], [None, Some(1), Some(2)]);
}

#[test]
fn tiers_that_contradict_themselves_are_refused() {
    let says = |text: &str, expected: Expect| {
        let file = SourceFile { path: "slas/own.yaml".to_owned(), text: text.as_bytes().to_vec() };
        let errors = parse_tiers(&file).map(drop).expect_err("is refused");
        expected.assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
    };
    says(
        &TIERS.replace("{uptime: \"99.95\"}", "{money: true}"),
        expect![[
            r#"slas/own.yaml:4:14: tier "gold" is promised nothing; add uptime, p95_ms or errors_percent, or leave it out"#
        ]],
    );
    says(
        &TIERS.replace("99.95", "199"),
        expect![[
            r#"slas/own.yaml:4:23: uptime "199" is not a percentage; write 0 to 100 with at most 6 decimals, for example 99.9"#
        ]],
    );
    says(
        &TIERS.replace("below: \"99.0\"", "below: target"),
        expect![[
            r#"slas/own.yaml:5:59: bands overlap: below "target" does not lie under the band before it; write them from high to low, target first"#
        ]],
    );
    says(
        &TIERS.replace("percent: \"100\"", "percent: \"5\""),
        expect![
            "slas/own.yaml:5:76: band 2 owes 5 %, no more than the one above it; the last band that holds counts, so each must owe more"
        ],
    );
    says(
        &TIERS.replace("percent: \"100\"", "percent: \"0.125\""),
        expect![[r#"slas/own.yaml:5:76: percent "0.125" has more than 2 decimals; write for example 12.5"#]],
    );
    says(
        &TIERS.replace("tier: {gold: {uptime: \"99.95\"}}", "tier: {}"),
        expect![[r#"slas/own.yaml:1:8: tier is empty; add for example pro: {uptime: "99.9"}"#]],
    );
    says(
        &format!("{TIERS}cap: {{period_percent: \"1%%\", minimum: \"1,00\"}}\n"),
        expect![[r#"
            slas/own.yaml:6:23: period_percent "1%%" is not a percentage; write 0 to 100 with at most 6 decimals, for example 99.9
            slas/own.yaml:6:39: minimum "1,00" is not an amount; write for example "1.00", with at most four decimals"#]],
    );
    says(
        &TIERS.replace(
            "credits: {",
            "credits: {latency: [{missed: false, percent: \"5\"}, {missed: true, percent: \"6\"}], ",
        ),
        expect![[r#"
            slas/own.yaml:5:20: latency has several entries, and a target is missed or not; keep one
            slas/own.yaml:5:30: latency is owed where missed: true; leave the entry out where nothing is"#]],
    );
    says(
        &TIERS.replace("2026-01-01", "2026-1-1"),
        expect![[r#"slas/own.yaml:3:12: "2026-1-1" is not a day; write for example 2026-06-30"#]],
    );
}

#[test]
fn what_an_sla_cannot_mean_is_refused() {
    says(
        &[("slas/api.yaml", &SLA.replace("dataset: requests", "dataset: probes"))],
        expect![[
            r#"slas/api.yaml:3:21: requests names dataset "probes" of schema probe.v1; name one of schema request_1m.v1"#
        ]],
    );
    says(
        &[("slas/api.yaml", &SLA.replace("acme: pro", "acme: platinum"))],
        expect![[
            r#"slas/api.yaml:7:17: tier "platinum" is not in version 1 of tiers "standard"; there are: basic, enterprise, free, pro"#
        ]],
    );
    says(
        &[("slas/api.yaml", &SLA.replace("tenant: acme", "tenant: acne"))],
        expect![[
            r#"slas/api.yaml:8:20: changes name tenant "acne", which has no tier in tenants; add it there first"#
        ]],
    );
    says(
        &[("slas/api.yaml", &SLA.replace("length: 5m", "length: 7m"))],
        expect![[r#"slas/api.yaml:5:18: length "7m" does not divide a day into whole minutes; write for example 5m"#]],
    );
    says(
        &[("slas/api.yaml", &SLA.replace("currency: JPY", "currency: yen"))],
        expect![[r#"slas/api.yaml:10:34: currency "yen" is no code of ISO 4217; write for example EUR"#]],
    );
    says(
        &[("slas/api.yaml", &SLA.replace("requests: {", "probes: {dataset: probes}\nrequests: {"))],
        expect!["slas/api.yaml:3:9: an SLA is measured by requests or by probes; keep one of the two"],
    );
    says(
        &[("slas/api.yaml", &SLA.replace("sla: api\n", "sla: api\ntiers: gold\n"))],
        expect![[r#"slas/api.yaml:2:8: tiers "gold" do not exist; there are: standard"#]],
    );
    says(
        &[("slas/api.yaml", "sla: api\nservice: api\ntenants: {acme: pro}\n")],
        expect![
            "slas/api.yaml:1:1: requests is required: counted requests, for example {dataset: requests}; this or probes"
        ],
    );
    let twice = SLA.replace("tier: enterprise}", "tier: enterprise}, {tenant: acme, from: 2026-09-15, tier: basic}");
    says(
        &[("slas/api.yaml", &twice)],
        expect![[r#"slas/api.yaml:8:84: tenant "acme" changes its tier twice on 2026-09-15; keep one"#]],
    );
    says(
        &[("slas/a.yaml", TIERS), ("slas/b.yaml", TIERS)],
        expect![[
            r#"slas/b.yaml:2:10: tiers "own" overlap: version 1 from 2026-01-01 is already there; give this one the next version and a later day, or another name"#
        ]],
    );
    says(
        &[("slas/a.yaml", SLA), ("slas/b.yaml", SLA)],
        expect![[r#"slas/b.yaml:1:6: sla "api" is already described in slas/a.yaml; rename one of them"#]],
    );
}

#[test]
fn what_a_job_cannot_mean_is_refused() {
    let with = |job: String| [("slas/api.yaml", SLA.to_owned()), ("jobs/sla.yaml", job)];
    let says = |job: String, expected: Expect| {
        let files = with(job);
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        says(&files, expected);
    };
    says(
        JOB.replace("sla: api", "sla: apis"),
        expect![[r#"jobs/sla.yaml:3:6: sla "apis" does not exist; did you mean "api"?"#]],
    );
    says(
        JOB.replace("into: results", "into: usage"),
        expect![[
            r#"jobs/sla.yaml:4:7: into names dataset "usage" of schema usage.v1; name one of schema sla_result.v1"#
        ]],
    );
    says(
        JOB.replace("format: html", "format: oscal"),
        expect![[
            r#"jobs/sla.yaml:6:10: format "oscal" is for controls; formats of an SLA are: html, json, csv, xlsx"#
        ]],
    );
    says(JOB.replace("periods: 2", "periods: 0"), expect!["jobs/sla.yaml:5:10: periods must be at least 1; found 0"]);
    says(
        JOB.replace("into: results\n", ""),
        expect![
            "jobs/sla.yaml:1:1: into is required: dataset of schema sla_result.v1 that holds the results, for example sla_results"
        ],
    );
}
