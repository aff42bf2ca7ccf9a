//! Scores of a series at hand, and files that are none.

use std::fmt::Write;

use crate::auditlake::Lake;

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
