//! Jobs for anomalies: what they measure, and what they cannot mean.

use expect_test::{Expect, expect};
use schemas::{
    AnomaliesSpec, BurnRule, BurnSeverity, ControlId, DefinitionError, DetectorKind, EmptyBucket, JobKind, Lake,
    LimitRule, ReportFormat, SourceFile, check,
};

use crate::acme::acme;

const JOB: &str = "job: watch
kind: anomalies
into: alerts
schedule: {cron: \"5 * * * *\"}
history: 14d
series: 500
severity: {high: \"8\", critical: \"16\"}
metrics:
  - {metric: failed_logins, from: audit, where: \"outcome = 'failure'\", by: actor_id, every: 15m, min_n: 2}
  - {metric: bytes, from: audit, value: sum(byte_count), every: 1h, detect: [surprise, ewma], scale: log1p, threshold: \"7.5\", cool_down: 1d}
  - {metric: slow, from: audit, value: max(latency_us), every: 1h}
";

fn lake(job: &str) -> Result<Lake, Vec<DefinitionError>> {
    let mut all = acme();
    let mut add = |path: &str, text: &str| {
        all.push(SourceFile { path: path.to_owned(), text: text.as_bytes().to_vec() });
    };
    add("datasets/alerts.yaml", "dataset: alerts\nlocation: alerts/\nschema: alert.v1\n");
    add("datasets/plain.yaml", "dataset: plain\nlocation: plain/\n");
    add("jobs/watch.yaml", job);
    check(&all)
}

fn read(job: &str) -> AnomaliesSpec {
    let lake = lake(job).expect("is right");
    let found = lake.jobs.into_iter().find(|job| job.id.as_str() == "watch").expect("the job");
    let spec = if let JobKind::Anomalies(spec) = found.kind { Some(spec) } else { None };
    spec.expect("a job for anomalies")
}

#[track_caller]
fn says(job: &str, expected: Expect) {
    let errors = lake(job).map(drop).expect_err("is refused");
    expected.assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_job_is_read_whole_and_what_it_leaves_out_has_a_meaning() {
    let spec = read(JOB);
    assert_eq!((spec.into.as_str(), spec.window_seconds, spec.history_seconds), ("alerts", None, 14 * 86_400));
    assert_eq!((spec.series_max, spec.high, spec.critical), (500, 8.0, 16.0));
    let [logins, bytes, slow] = spec.metrics.as_slice() else { panic!("{:?}", spec.metrics) };
    assert_eq!(
        (logins.value.as_str(), logins.by.as_deref(), logins.every_seconds),
        ("count(*)", Some("actor_id"), 900)
    );
    assert_eq!(
        (&logins.detectors[..], logins.empty, logins.min_rows),
        (&[DetectorKind::Poisson][..], EmptyBucket::Zero, 2)
    );
    assert_eq!((logins.threshold, logins.cool_down_seconds, logins.log1p), (None, 12 * 3_600, false));
    assert_eq!(&bytes.detectors[..], [DetectorKind::Surprise, DetectorKind::Ewma]);
    assert_eq!((bytes.threshold, bytes.cool_down_seconds, bytes.log1p), (Some(7.5), 86_400, true));
    assert_eq!((bytes.empty, slow.empty), (EmptyBucket::Zero, EmptyBucket::Missing));
    assert_eq!(&slow.detectors[..], [DetectorKind::Surprise]);
    assert_eq!(spec.outputs, []);
}

#[test]
fn pictures_are_written_in_formats_that_have_some() {
    let with = |outputs: &str| JOB.replace("metrics:\n", &format!("outputs: [{outputs}]\nmetrics:\n"));
    let to = "to: \"series/{interval.end:%Y-%m-%d}/\"";
    let all = format!("{{format: html, {to}}}, {{format: json, {to}}}, {{format: csv, {to}}}");
    let formats: Vec<ReportFormat> = read(&with(&all)).outputs.iter().map(|output| output.format).collect();
    assert_eq!(formats, [ReportFormat::Html, ReportFormat::Json, ReportFormat::Csv]);
    for format in ["xlsx", "oscal"] {
        let errors = lake(&with(&format!("{{format: {format}, {to}}}"))).map(drop).expect_err("is refused");
        let said: Vec<String> = errors.iter().map(DefinitionError::to_string).collect();
        let words = format!("format \"{format}\" has no pictures; formats of series are: html, json, csv");
        assert_eq!(said, [format!("jobs/watch.yaml:8:10: {words}")]);
    }
    let errors = lake(&with("")).map(drop).expect_err("is refused");
    assert!(
        errors.iter().any(|error| error.to_string().contains("jobs/watch.yaml:8:10: outputs is empty")),
        "{errors:?}"
    );
}

#[test]
fn what_a_job_cannot_mean_is_refused() {
    says(
        &JOB.replace("into: alerts", "into: audit"),
        expect![[r#"jobs/watch.yaml:3:7: into names dataset "audit" of schema audit.v1; name one of schema alert.v1"#]],
    );
    says(
        &JOB.replace("from: audit, where", "from: plain, where"),
        expect![[
            r#"jobs/watch.yaml:9:35: from names dataset "plain", whose rows have no time; say in its file which column that is"#
        ]],
    );
    says(
        &JOB.replace("from: audit, where", "from: audits, where"),
        expect![[r#"jobs/watch.yaml:9:35: from names dataset "audits", which does not exist; did you mean "audit"?"#]],
    );
    says(
        &JOB.replace("every: 15m", "every: 12h"),
        expect![[
            r#"jobs/watch.yaml:9:93: every "12h" has fewer than 31 buckets in the history, and none would be judged; write a longer history"#
        ]],
    );
    says(
        &JOB.replace("metric: bytes", "metric: failed_logins"),
        expect![[r#"jobs/watch.yaml:10:14: metric "failed_logins" stands here twice; rename one"#]],
    );
    says(
        &JOB.replace("[surprise, ewma]", "[poisson, poisson]"),
        expect![[r#"
        jobs/watch.yaml:10:78: poisson scores counts of events; write surprise for other values, and for logarithms
        jobs/watch.yaml:10:87: detector poisson stands here twice; keep one
        jobs/watch.yaml:10:87: poisson scores counts of events; write surprise for other values, and for logarithms"#]],
    );
    says(
        &JOB.replace("[surprise, ewma]", "[magic]"),
        expect![[
            r#"jobs/watch.yaml:10:78: detect "magic" does not exist; choices are: surprise, poisson, robust_z, ewma, cusum, hour_of_week, three_sigma"#
        ]],
    );
    says(
        &JOB.replace("[surprise, ewma]", "[hour_of_week]"),
        expect![[
            r#"jobs/watch.yaml:10:78: hour_of_week learns for four weeks before it judges, and the history is shorter than five; write for example history: 84d"#
        ]],
    );
    says(
        &JOB.replace("series: 500", "expire_after: soon"),
        expect![[
            r#"jobs/watch.yaml:6:15: expire_after "soon" is not a length of time; write for example 30d, 24h or 15m"#
        ]],
    );
    says(
        &JOB.replace("threshold: \"7.5\"", "threshold: high"),
        expect![[r#"jobs/watch.yaml:10:120: threshold "high" is no score above 0; write for example "10""#]],
    );
    says(
        &JOB.replace("schedule: {cron: \"5 * * * *\"}\n", ""),
        expect![
            "jobs/watch.yaml:1:1: window is required: length of the interval whose buckets are judged, up to its instant, for example 1h; not needed with schedule or after"
        ],
    );
    says(
        "job: watch\nkind: anomalies\ninto: alerts\nwindow: 1h\nmetrics: []\n",
        expect![
            "jobs/watch.yaml:5:10: metrics is empty; add for example {metric: failed_logins, from: audit, every: 15m}"
        ],
    );
}

const BUDGETS: &str = "job: watch
kind: anomalies
into: alerts
window: 5m
budgets:
  - {sla: api}
  - {sla: search, cool_down: 1d, rules: [{share: \"10\", long: 1d}, {share: \"2\", long: 2h, short: 10m, severity: critical}]}
";

fn with_slas(job: &str) -> Result<Lake, Vec<DefinitionError>> {
    let mut all = acme();
    let mut add = |path: &str, text: &str| {
        all.push(SourceFile { path: path.to_owned(), text: text.as_bytes().to_vec() });
    };
    add("datasets/alerts.yaml", "dataset: alerts\nlocation: alerts/\nschema: alert.v1\n");
    add("datasets/minutes.yaml", "dataset: minutes\nlocation: minutes/\nschema: request_1m.v1\n");
    for name in ["api", "search"] {
        let sla = format!("sla: {name}\nservice: {name}\nrequests: {{dataset: minutes}}\ntenants: {{acme: pro}}\n");
        add(&format!("slas/{name}.yaml"), &sla);
    }
    add("jobs/watch.yaml", job);
    check(&all)
}

#[test]
fn budgets_are_watched_by_rules_that_are_usual_or_written() {
    let lake = with_slas(BUDGETS).expect("is right");
    let found = lake.jobs.into_iter().find(|job| job.id.as_str() == "watch").expect("the job");
    let JobKind::Anomalies(spec) = found.kind else { panic!("{:?}", found.kind) };
    assert!(spec.metrics.is_empty());
    let [api, search] = spec.budgets.as_slice() else { panic!("{:?}", spec.budgets) };
    assert_eq!((api.sla.as_str(), &api.rules, api.cool_down_seconds), ("api", &BurnRule::usual(), 12 * 3_600));
    let windows: Vec<_> =
        search.rules.iter().map(|rule| (rule.long_minutes, rule.short_minutes, rule.severity)).collect();
    assert_eq!(windows, [(120, 10, BurnSeverity::Critical), (1_440, 120, BurnSeverity::High)]);
    assert_eq!(search.cool_down_seconds, 86_400);
}

#[test]
fn budgets_that_cannot_be_meant_are_refused() {
    let says = |job: &str, expected: Expect| {
        let errors = with_slas(job).map(drop).expect_err("is refused");
        expected.assert_eq(&errors.iter().map(DefinitionError::to_string).collect::<Vec<_>>().join("\n"));
    };
    let budgets = |text: &str| format!("job: watch\nkind: anomalies\ninto: alerts\nwindow: 5m\nbudgets: {text}\n");
    says(&budgets("[]"), expect!["jobs/watch.yaml:5:10: budgets is empty; name an SLA, for example [{sla: api}]"]);
    says(
        "job: watch\nkind: anomalies\ninto: alerts\nwindow: 5m\n",
        expect![
            "jobs/watch.yaml:1:6: metrics is required, or budgets or rules; add for example metrics: [{metric: failed_logins, from: audit, every: 15m}]"
        ],
    );
    says(
        &budgets("[{sla: apy}, {sla: api}, {sla: api}]"),
        expect![[r#"
        jobs/watch.yaml:5:17: sla "apy" does not exist; did you mean "api"?
        jobs/watch.yaml:5:41: sla "api" stands here twice; keep one, with all of its rules"#]],
    );
    says(
        &budgets("[{sla: api, rules: []}]"),
        expect![[
            r#"jobs/watch.yaml:5:29: rules is empty; leave it out for the usual ones, or write for example [{share: "2", long: 1h, short: 5m, severity: critical}]"#
        ]],
    );
    says(
        &budgets("[{sla: api, rules: [{share: \"0\", long: 1h}, {share: many, long: 90s}]}]"),
        expect![[r#"
        jobs/watch.yaml:5:38: share "0" is no part of a budget; write for example "2"
        jobs/watch.yaml:5:62: share "many" is not a percentage; write 0 to 100 with at most 6 decimals, for example 99.9
        jobs/watch.yaml:5:74: long "90s" is not a window of whole minutes, 31d at most; write for example 1h"#]],
    );
    says(
        &budgets("[{sla: api, rules: [{share: \"2\", long: 1h, short: 1h}, {share: \"2\", long: 60d}]}]"),
        expect![[r#"
            jobs/watch.yaml:5:60: short "1h" is not shorter than long "1h"
            jobs/watch.yaml:5:84: long "60d" is not a window of whole minutes, 31d at most; write for example 1h"#]],
    );
}

#[test]
fn a_limit_is_watched_beside_detectors_or_alone() {
    let with = |text: &str| JOB.replace("threshold: \"7.5\", cool_down: 1d", text);
    let spec = read(&with("limit: \"1e12\", within: 14d"));
    assert_eq!(spec.metrics[1].limit, Some(LimitRule { at: 1e12, within_seconds: 14 * 86_400 }));
    assert_eq!((spec.metrics[0].limit, spec.metrics[1].detectors.len()), (None, 2));
    let alone = read(&with("limit: \"5\"").replace("[surprise, ewma]", "[]"));
    assert_eq!(alone.metrics[1].limit.map(|limit| limit.within_seconds), Some(30 * 86_400));
    assert!(alone.metrics[1].detectors.is_empty());
    says(
        &with("limit: many"),
        expect![[r#"jobs/watch.yaml:10:116: limit "many" is not a number; write for example "1000""#]],
    );
    says(
        &with("within: 14d"),
        expect![[
            r#"jobs/watch.yaml:10:117: within says how soon a limit is reached, and there is none; add for example limit: "1000""#
        ]],
    );
    says(
        &JOB.replace("[surprise, ewma]", "[]"),
        expect!["jobs/watch.yaml:10:77: detect is empty; name a detector, for example [surprise]"],
    );
}

#[test]
fn rules_are_controls_that_there_are() {
    let rules = |text: &str| format!("job: watch\nkind: anomalies\ninto: alerts\nwindow: 5m\n{text}\n");
    let spec = read(&rules("rules: [AL-AUTH-001, AL-AUTH-004]\nrules_cool_down: 1h"));
    let ids: Vec<&str> = spec.rules.iter().map(ControlId::as_str).collect();
    assert_eq!((ids, spec.rule_cool_down_seconds), (vec!["AL-AUTH-001", "AL-AUTH-004"], 3_600));
    says(
        &rules("rules: [AL-AUTH-01, AL-AUTH-001, AL-AUTH-001]"),
        expect![[r#"
        jobs/watch.yaml:5:9: control "AL-AUTH-01" is not an id of the form PREFIX-FAMILY-001
        jobs/watch.yaml:5:34: control "AL-AUTH-001" stands here twice; keep one"#]],
    );
    says(
        &rules("rules: []"),
        expect!["jobs/watch.yaml:5:8: controls is empty; list controls, or leave it out for all of the frameworks"],
    );
}
