//! Scores of a series at hand, and metrics of a lake whose unusual buckets raise alerts.

use std::fmt::Write;
use std::fs::File;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::auditlake::{Lake, ended};

/// A value each quarter of an hour from 2026-03-01 on: 0 to 4 in turn, and 41 once.
fn logins() -> String {
    let mut text = String::from("timestamp,value\n");
    for number in 0..400 {
        let value = if number == 350 { 41 } else { number % 5 };
        let (day, hour, minute) = (1 + number / 96, number / 4 % 24, number % 4 * 15);
        writeln!(text, "2026-03-{day:02} {hour:02}:{minute:02}:00,{value}").expect("a line");
    }
    text
}

#[test]
fn every_value_is_scored_and_the_unusual_one_is_explained() {
    let lake = Lake::new();
    let file = lake.write("logins.csv", logins()).display().to_string();
    for detector in ["surprise", "poisson", "robust_z", "ewma", "three_sigma"] {
        let told = lake.run(&["anomalies", "score", &file, "--detector", detector, "--alerts"]);
        let words = ["2026-03-04 15:30:00  score ", "expected 2 ± 1.483, saw 41; nothing above 4 in 350 values before"];
        told.said(0, &[&words[..], &[&format!("1 alert in 400 values, by {detector}")]].concat());
    }
    let document = lake.json(&["anomalies", "score", &file, "--detector", "poisson", "--alerts"]);
    assert_eq!(document["alerts"][0]["expected"]["greatest"], 4.0, "{document}");
    assert_eq!(document["detector"], "poisson");
    let scores = lake.json(&["anomalies", "score", &file]);
    let rows = scores["scores"].as_array().expect("rows");
    assert_eq!((rows.len(), &rows[0]["anomaly_score"]), (400, &serde_json::Value::Null));
    let highest = rows.iter().max_by(|one, other| {
        let score = |row: &serde_json::Value| row["anomaly_score"].as_f64().unwrap_or(0.0);
        score(one).total_cmp(&score(other))
    });
    assert_eq!(highest.map(|row| row["value"].clone()), Some("41".into()));
    // Where only the highest of a time is told, what follows it is nought.
    let cooled = lake.json(&["anomalies", "score", &file, "--cool-down", "48h"]);
    assert_eq!(cooled["scores"][399]["anomaly_score"], 0.0);
}

#[test]
fn other_columns_other_separators_and_gaps_are_read() {
    let lake = Lake::new();
    let mut text = String::from("when;what;who\n");
    for number in 0..50 {
        let value = if number == 20 { String::new() } else { number.to_string() };
        writeln!(text, "\"2026-03-01T00:{number:02}:00Z\";{value};x").expect("a line");
    }
    text += "2026-03-01T00:49:00Z;7;x\n";
    let file = lake.write("series.csv", &text).display().to_string();
    let ran = lake.run(&["anomalies", "score", &file, "--time-column", "when", "--value-column", "what"]);
    ran.said(0, &["timestamp,value,anomaly_score", "2026-03-01T00:20:00Z,,\n", "2026-03-01T00:49:00Z,7,"]);
    for words in ["1 record without a value; they are not scored", "1 record not later than the one before"] {
        assert!(ran.err.contains(words), "{}", ran.err);
    }
    let document =
        lake.json(&["anomalies", "score", &file, "--time-column", "when", "--value-column", "what", "--alerts"]);
    assert_eq!((&document["missing"], &document["not_later"], &document["values"]), (&1.into(), &1.into(), &50.into()));
    let one = lake.write("one.csv", "timestamp,value\n2026-03-01 00:00:00,5\n").display().to_string();
    let ran = lake.run(&["anomalies", "score", &one]);
    ran.said(0, &["2026-03-01 00:00:00,5,"]);
    assert!(ran.err.contains("is judged from its 31st value on; this one has too few"), "{}", ran.err);
}

#[test]
fn packed_files_and_standard_input_are_read_as_they_are() {
    let lake = Lake::new();
    let plain = lake.write("logins.csv", logins());
    let packed = lake.folder().join("logins.csv.gz");
    let mut encoder = GzEncoder::new(File::create(&packed).expect("a file"), Compression::default());
    std::io::Write::write_all(&mut encoder, logins().as_bytes()).expect("packed");
    encoder.finish().expect("packed");
    let told = lake.run(&["anomalies", "score", &plain.display().to_string()]);
    told.said(0, &["2026-03-04 15:30:00,41,"]);
    assert_eq!(lake.run(&["anomalies", "score", &packed.display().to_string()]).out, told.out);
    let mut command = lake.command(&["anomalies", "score", "-"]);
    let piped = ended(command.stdin(File::open(&plain).expect("a file")).output().expect("the program runs"));
    assert_eq!(piped.out, told.out);
}

#[test]
fn what_is_no_series_is_refused_by_name() {
    let lake = Lake::new();
    let none = lake.folder().join("none.csv").display().to_string();
    lake.run(&["anomalies", "score", &none]).failed(1, &["cannot read", "none.csv"]);
    for (text, more, words) in [
        ("time,value\n2026-03-01 00:00:00,5\n", &[][..], &["has no column \"timestamp\"; ", "time"][..]),
        ("timestamp,value\nyesterday,5\n", &[], &["record 1 has no instant \"yesterday\"; write 2026-02-10T09:30:00Z"]),
        ("timestamp,value\n2026-03-01 00:00:00,many\n", &[], &["record 1 has no number \"many\""]),
        ("timestamp,value\n2026-03-01 00:00:00,inf\n", &[], &["record 1 has no number \"inf\""]),
        ("timestamp,value\n2026-03-01 00:00:00\n", &[], &["record 1 is no row of 2 fields"]),
        (
            "timestamp,value\n2026-03-01 00:00:00,2\n2026-03-01 00:15:00,1.5\n",
            &["--detector", "poisson"],
            &["record 2: poisson takes counts, whole numbers from 0 to 10^9; take another --detector"],
        ),
    ] {
        let file = lake.write("series.csv", text).display().to_string();
        let command = [&["anomalies", "score", file.as_str()], more].concat();
        lake.run(&command).failed(1, &[words, &["series.csv"]].concat());
    }
    let file = lake.write("series.csv", logins()).display().to_string();
    lake.run(&["anomalies", "score", &file, "--detector", "magic"]).failed(2, &["surprise", "three_sigma"]);
    lake.run(&["anomalies", "score", &file, "--cool-down", "soon"]).failed(2, &["or a number of values"]);
    lake.run(&["anomalies", "score", &file, "--threshold", "3"]).failed(2, &["--alerts"]);
}

/// Logins of twenty days: of u-1 up to four in a quarter of an hour, of another tenant's u-1 one; and on the last evening 41 of
/// u-17, whom nobody saw before.
const LOGINS: &str = "
SELECT tenant_id, to_timestamp_nanos((1772323200000000 + bucket * 900000000 + k * 1000000) * 1000) AS time, actor, 1.5 AS weight
FROM (SELECT 'acme' AS tenant_id, 'u-1' AS actor, b AS bucket, unnest(generate_series(1, b % 5)) AS k FROM (SELECT unnest(generate_series(0, 1919)) AS b)
  UNION ALL SELECT 'globex', 'u-1', b, 1 FROM (SELECT unnest(generate_series(0, 1919)) AS b)
  UNION ALL SELECT 'acme', 'u-17', 1910, unnest(generate_series(1, 41)))";

const WATCH: &str = "job: watch
kind: anomalies
window: 1d
into: alert
metrics:
  - {metric: logins, from: logins, by: actor, every: 15m}
  - {metric: weight, from: logins, value: sum(weight), every: 1h, detect: [surprise, robust_z], scale: log1p}
";

/// A lake with those logins, and a job that watches them.
fn watched(job: &str) -> Lake {
    let lake = Lake::new();
    lake.write("datasets/logins.yaml", "dataset: logins\nlocation: logins/\ntenant: tenant_id\ntime: time\n");
    lake.write("jobs/watch.yaml", job);
    let to = lake.data().join("logins/part.parquet");
    std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
    lake.run(&["export", "--sql", LOGINS, "--format", "parquet", "--to", to.to_str().expect("a path")]).succeeded();
    lake
}

#[test]
fn an_unusual_bucket_raises_one_alert_that_is_taken_and_resolved() {
    let lake = watched(WATCH);
    lake.run(&["run", "watch", "--at=2026-03-20T00:00:00Z"])
        .said(0, &["0 alerts: 0 high or critical, in dataset alert"]);
    let ran = lake.run(&["run", "watch", "--at=2026-03-21T00:00:00Z"]);
    ran.said(0, &["1 high or critical, in dataset alert", "logins: 1 alert in 3 series judged, 0 not judged yet"]);
    lake.run(&["run", "watch", "--at=2026-03-22T00:00:00Z"]).succeeded();
    let listed = lake.json(&["anomalies", "list", "--state", "open", "--tenant", "acme"]);
    let told = lake.run(&["anomalies", "list", "--state", "open", "--tenant", "acme"]);
    told.said(0, &["critical open         acme         u-17: logins, 15 minutes from 2026-03-20T21:30:00Z"]);
    let of_logins = |alert: &&serde_json::Value| alert["metric"] == "logins";
    let alerts: Vec<_> = listed["alerts"].as_array().expect("alerts").iter().filter(of_logins).collect();
    assert_eq!(alerts.len(), 1, "{listed}");
    assert_eq!((&alerts[0]["entity_id"], &alerts[0]["detector"]), (&"u-17".into(), &"poisson".into()));
    let id = alerts[0]["alert_id"].as_str().expect("an id").to_owned();
    let explained = lake.run(&["anomalies", "explain", &id]);
    let words = [
        "logins, 15 minutes from 2026-03-20T21:30:00Z: expected 0 ± 0, saw 41; nothing above 0 in 1909 values before",
        "of         actor u-17 of tenant acme",
        "critical",
    ];
    explained.said(0, &words);
    for (name, bytes) in lake.objects().into_iter().filter(|(name, _)| name.starts_with("_auditlake/alerts/")) {
        assert!(!String::from_utf8_lossy(&bytes).contains("u-17"), "{name} has who it is about");
    }
    let step = |name: &str| lake.run(&["anomalies", name, &id, "--by", "ops", "--reason", "a load test"]);
    step("acknowledge").said(0, &["is acknowledged"]);
    step("acknowledge").failed(2, &["is acknowledged already; end it with auditlake anomalies resolve "]);
    step("resolve").said(0, &["is resolved"]);
    step("resolve").failed(2, &["is resolved and over; what happens again is another alert"]);
    lake.run(&["anomalies", "explain", &id]).said(0, &["resolved   ", " by ops: a load test"]);
    let revisions = lake.figure(&format!("SELECT count(*) FROM alert_history WHERE alert_id = '{id}'"));
    assert_eq!(revisions, 3);
    let named =
        lake.figure(&format!("SELECT count(*) FROM alert WHERE alert_id = '{id}' AND acknowledged_at < resolved_at"));
    assert_eq!(named, 1);
    lake.run(&["run", "watch", "--at=2026-03-21T00:00:00Z", "--again"])
        .failed(2, &["what it published stays as it is"]);
    lake.run(&["anomalies", "explain", "nobody"]).failed(2, &["alert \"nobody\" does not exist"]);
}

#[test]
fn an_alert_that_nobody_resolves_expires_once() {
    let lake = watched(WATCH);
    lake.run(&["run", "watch", "--at=2026-03-21T00:00:00Z"]).succeeded();
    let id = lake.rows("SELECT alert_id, group_id FROM alert WHERE metric = 'logins'")[0].clone();
    assert_eq!(id["alert_id"], id["group_id"]);
    let id = id["alert_id"].as_str().expect("an id").to_owned();
    let take = ["anomalies", "acknowledge", &id, "--by", "ops", "--reason", "looking", "--at=2026-03-22T00:00:00Z"];
    lake.run(&take).succeeded();
    let alerts = lake.figure("SELECT count(*) FROM alert");
    let expired = |day: &str| {
        lake.json(&["run", "watch", &format!("--at={day}T00:00:00Z")])["summary"]["anomalies"]["expired"].clone()
    };
    assert_eq!(expired("2026-04-19"), 0);
    // Somebody resolved it and died before the row came: that is what counts.
    let other = lake.copy();
    let step = format!("_auditlake/alerts/steps/{id}/000003.json");
    let record = |state: &str, by: &str| {
        format!("{{\"state\":\"{state}\",\"by\":\"{by}\",\"reason\":\"over\",\"at\":\"2026-04-19T01:00:00Z\"}}")
    };
    other.put(&step, record("resolved", "ops"));
    let told = other.json(&["run", "watch", "--at=2026-04-20T00:00:00Z"]);
    assert_eq!(told["summary"]["anomalies"]["expired"], alerts - 1, "{told}");
    other.run(&["anomalies", "explain", &id]).said(0, &["resolved   2026-04-19T01:00:00Z by ops: over"]);
    assert_eq!(other.figure(&format!("SELECT count(*) FROM alert WHERE alert_id = '{id}' AND state = 'resolved'")), 1);
    // The job died after it had taken the step: it goes on.
    lake.put(&step, record("expired", "job:watch"));
    assert_eq!(expired("2026-04-20"), alerts);
    assert_eq!(lake.figure("SELECT count(*) FROM alert WHERE state = 'expired'"), alerts);
    assert_eq!(expired("2026-04-21"), 0);
    lake.run(&["anomalies", "list", "--state", "expired"]).said(0, &[&id]);
    lake.run(&["anomalies", "explain", &id])
        .said(0, &["acknowledged 2026-03-22T00:00:00Z by ops", "expired    2026-04-19T01:00:00Z by job:watch"]);
    let late = ["anomalies", "resolve", &id, "--by", "ops", "--reason", "late", "--at=2026-04-22T00:00:00Z"];
    lake.run(&late).failed(2, &["is expired and over; what happens again is another alert"]);
    // What each of four runs came to, and that alerts expired: no alert lies beside its dataset.
    assert_eq!(lake.count("_auditlake/alerts/watch"), 5);
}

#[test]
fn pages_of_a_tenant_draw_its_series_alone_and_mark_its_alerts() {
    let to = "to: \"series/{interval.end:%Y-%m-%d}/\"";
    let outputs = format!("outputs: [{{format: html, {to}}}, {{format: json, {to}}}, {{format: csv, {to}}}]\nmetrics:");
    let lake = watched(&WATCH.replace("metrics:", &outputs));
    lake.run(&["run", "watch", "--at=2026-03-21T00:00:00Z"]).succeeded();
    // A page, a document and three tables of each tenant, and the proof of each.
    assert_eq!(lake.count("series/2026-03-21"), 2 * 5 * 2);
    let text = |name: &str| {
        let object = lake.object(&format!("series/2026-03-21/watch.20260321T000000Z.{name}"));
        String::from_utf8(object.to_vec()).expect("a text")
    };
    for (tenant, others) in [("acme", &["globex"][..]), ("globex", &["acme", "u-17"])] {
        for ending in ["html", "json", "series.csv", "values.csv", "alerts.csv"] {
            let shown = text(&format!("{tenant}.{ending}"));
            for other in others {
                assert!(!shown.contains(other), "{other} is not of {tenant}, in {ending}");
            }
        }
        let page = text(&format!("{tenant}.html"));
        assert!(
            page.contains("<svg class=\"series\" role=\"img\"") && page.contains("logins of actor u-1<"),
            "{tenant}"
        );
    }
    let id = lake.rows("SELECT alert_id FROM alert WHERE metric = 'logins'")[0]["alert_id"].clone();
    let id = id.as_str().expect("an id");
    let page = text("acme.html");
    let marked = "<title>alert 1: logins, 15 minutes from 2026-03-20T21:30:00Z: expected 0 ± 0, saw 41; ";
    assert!(page.contains(marked) && page.contains(id), "{page}");
    assert!(!text("globex.html").contains("<title>alert "), "nothing of globex is unusual");
    let document: serde_json::Value = serde_json::from_str(&text("acme.json")).expect("a document");
    let logins = &document["metrics"][0];
    assert_eq!((&logins["metric"], &logins["series"], &logins["alerts"]), (&"logins".into(), &2.into(), &1.into()));
    let first = &logins["pictures"][0];
    assert_eq!((&first["entity"], &first["greatest"]), (&"u-17".into(), &41.0.into()), "those with alerts come first");
    assert_eq!(first["alerts"][0]["alert_id"], id);
}

#[test]
fn a_metric_that_cannot_be_measured_is_named() {
    let with = |metric: &str| format!("job: watch\nkind: anomalies\nwindow: 1d\ninto: alert\nmetrics:\n  - {metric}\n");
    for (metric, words) in [
        ("{metric: odd, from: logins, value: sum(nothing), every: 15m}", &["metric \"odd\"", "nothing"][..]),
        ("{metric: odd, from: logins, where: \"actor >\", every: 15m}", &["metric \"odd\""]),
        ("{metric: odd, from: logins, by: nobody, every: 15m}", &["metric \"odd\"", "nobody"]),
        (
            "{metric: odd, from: logins, value: sum(-weight), every: 1h, scale: log1p}",
            &["metric \"odd\"", "odd of acme, bucket 2026-03-01T00:00:00Z: the logarithm takes values from 0 on"],
        ),
    ] {
        let lake = watched(&with(metric));
        lake.run(&["run", "watch", "--at=2026-03-21T00:00:00Z"]).failed(1, words);
        assert_eq!(lake.count("_auditlake/alerts"), 0, "nothing is raised");
    }
    // Of more series than there may be, the quietest are left out and counted.
    let few =
        with("{metric: logins, from: logins, by: actor, every: 15m}").replace("into: alert", "into: alert\nseries: 2");
    let lake = watched(&few);
    let ran = lake.run(&["run", "watch", "--at=2026-03-21T00:00:00Z"]);
    ran.said(0, &["0 alerts", "logins: 0 alerts in 2 series judged, 0 not judged yet, 1 of the quietest left out"]);
}

#[test]
fn a_trend_is_told_with_the_day_on_which_it_reaches_a_limit() {
    let lake = Lake::new();
    let series = |slope: f64| {
        let days = (0..40)
            .map(|day| format!("2026-{:02}-{:02},{}\n", 3 + day / 31, 1 + day % 31, 7.0 + slope * f64::from(day)));
        format!("timestamp,value\n{}", days.collect::<String>().replace(",", "T00:00:00Z,"))
    };
    let text = series(3.0).replace("timestampT00:00:00Z", "timestamp");
    let file = lake.write("growing.csv", &text).display().to_string();
    let told = lake.run(&["anomalies", "trend", &file, "--limit", "184"]);
    // The last of 40 days is April 9, with 124.
    told.said(
        0,
        &["grows by 3 a day (least squares: 3 to 3) in 40 values\n", "reaches 184 in 20 days, on 2026-04-29\n"],
    );
    let document = lake.json(&["anomalies", "trend", &file, "--limit", "184"]);
    assert_eq!((&document["is_certain"], &document["values"]), (&true.into(), &40.into()), "{document}");
    lake.run(&["anomalies", "trend", &file, "--limit", "100"]).said(0, &["has reached 100\n"]);
    let text = series(-2.0).replace("timestampT00:00:00Z", "timestamp");
    let file = lake.write("falling.csv", &text).display().to_string();
    lake.run(&["anomalies", "trend", &file, "--limit", "100"])
        .said(0, &["falls by 2 a day", "does not grow towards 100\n"]);
    let text = series(0.0).replace("timestampT00:00:00Z", "timestamp");
    let file = lake.write("level.csv", &text).display().to_string();
    lake.run(&["anomalies", "trend", &file]).said(0, &["neither grows nor falls for certain: 0 a day"]);
    let file = lake.write("few.csv", "timestamp,value\n2026-03-01 00:00:00,5\n").display().to_string();
    lake.run(&["anomalies", "trend", &file]).failed(1, &["few.csv", "a trend takes at least 31 values", "there are 1"]);
    lake.run(&["anomalies", "trend", &file, "--limit", "many"]).failed(2, &["--limit"]);
}

/// Bytes that tenants keep: acme's grow by 10 a day from 100 on, those of others stay.
const KEPT: &str = "
SELECT tenant_id, to_timestamp_nanos((1772323200000000 + n * 86400000000) * 1000) AS time,
  CASE WHEN tenant_id = 'acme' THEN 100 + n * 10 ELSE 400 + n % 3 END AS bytes
FROM (VALUES ('acme'), ('globex')) AS t(tenant_id), (SELECT unnest(generate_series(0, 59)) AS n)";

#[test]
fn growth_towards_a_limit_raises_one_alert_while_it_goes_on() {
    let lake = Lake::new();
    lake.write("datasets/kept.yaml", "dataset: kept\nlocation: kept/\ntenant: tenant_id\ntime: time\n");
    let job = "job: watch\nkind: anomalies\nwindow: 1d\ninto: alert\nhistory: 60d\nseverity: {high: \"2.5\"}\nmetrics:\n  - {metric: kept_bytes, from: kept, \
               value: max(bytes), every: 1d, detect: [], limit: \"800\", within: 30d}\n";
    lake.write("jobs/watch.yaml", job);
    let to = lake.data().join("kept/part.parquet");
    std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
    lake.run(&["export", "--sql", KEPT, "--format", "parquet", "--to", to.to_str().expect("a path")]).succeeded();
    let run = |day: &str| lake.run(&["run", "watch", &format!("--at=2026-{day}T00:00:00Z")]);
    // By the end of April 9 acme has 490 bytes, and 31 days left.
    run("04-10").said(0, &["0 alerts: 0 high", "kept_bytes: 0 alerts in 2 series judged"]);
    run("04-12").said(0, &["1 alert: 0 high"]);
    let told = lake.rows("SELECT tenant_id, detector, severity, value, high, explanation FROM alert");
    let words = "kept_bytes, 1440 minutes from 2026-04-11T00:00:00Z: grows by 10 a day (least squares: 10 to 10) and reaches 800 in 29 \
                 days, on 2026-05-11";
    let alert = serde_json::json!({"tenant_id": "acme", "detector": "trend", "severity": 3, "value": 510.0, "high": 800.0, "explanation": words});
    assert_eq!(told, [alert]);
    run("04-13").said(0, &["0 alerts: 0 high"]);
    // Eleven days before it is there, it is high, and of the same group.
    run("04-30").said(0, &["1 alert: 1 high"]);
    assert_eq!(lake.figure("SELECT count(DISTINCT group_id) FROM alert WHERE severity IN (3, 4)"), 1);
}
