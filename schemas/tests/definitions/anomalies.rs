//! Jobs for anomalies: what they measure, and what they cannot mean.

use expect_test::{Expect, expect};
use schemas::{
    AnomaliesSpec, DefinitionError, DetectorKind, EmptyBucket, JobKind, Lake, ReportFormat, SourceFile, check,
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
