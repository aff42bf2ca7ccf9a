//! The SQL functions of our own, as a statement meets them.

use crate::harness;

/// What an expression over the request `r-1`, as text.
async fn check(row: &str, expression: &str, expected: &str) {
    let line = format!(r#"{{"_table":"dsr","tenant_id":"t","request_id":"r-1",{row}}}"#);
    let lake = harness::lake(&[&line], &["extended_at"]).await;
    let sql = format!("SELECT coalesce(CAST({expression} AS varchar), 'null') AS told FROM dsr");
    let batches = lake.session().query(&sql).await.unwrap_or_else(|error| unreachable!("{sql}: {error:?}"));
    assert_eq!(harness::texts(&batches[0], "told"), [expected], "{row} {expression}");
}

const DUE: &str =
    "due_at(jurisdiction, type, received_at, pauses, extended_at, TIMESTAMP '2026-03-02T00:00:00Z', 'Europe/Berlin')";

#[tokio::test]
async fn a_due_day_ends_in_the_zone_of_the_controller() {
    check(r#""received_at":"2026-01-31T12:00:00Z""#, DUE, "2026-02-28T22:59:59.999999Z").await;
    // Half past midnight in Berlin is the next day, and summer time begins before the due day.
    check(r#""received_at":"2026-03-01T23:30:00Z""#, DUE, "2026-04-01T21:59:59.999999Z").await;
    check(
        r#""received_at":"2026-01-31T12:00:00Z","extended_at":"2026-02-10T00:00:00Z""#,
        DUE,
        "2026-04-30T21:59:59.999999Z",
    )
    .await;
    check(
        r#""received_at":"2026-01-31T12:00:00Z","extended_at":"2026-03-01T00:00:00Z""#,
        DUE,
        "2026-02-28T22:59:59.999999Z",
    )
    .await;
    check(r#""received_at":"2026-01-31T12:00:00Z","jurisdiction":"lgpd""#, DUE, "null").await;
    let paused = r#""received_at":"2026-01-31T12:00:00Z","pauses":[{"from":"2026-02-20T00:00:00Z","to":null,"reason":"identity"},{"from":"2026-02-01T00:00:00Z","to":"2026-02-03T00:00:00Z","reason":"holidays"},{"from":"2026-02-01T00:00:00Z","to":null,"reason":null}]"#;
    check(paused, DUE, "2026-03-10T22:59:59.999999Z").await;
    let ignored = "pauses_ignored(jurisdiction, type, received_at, pauses, TIMESTAMP '2026-03-02T00:00:00Z', 'UTC')";
    check(paused, ignored, "holidays").await;
    check(r#""received_at":"2026-01-31T12:00:00Z""#, ignored, "null").await;
}

#[tokio::test]
async fn what_has_not_happened_yet_moves_no_due_day() {
    let later = r#""received_at":"2026-02-20T12:00:00Z","extended_at":"2026-03-05T00:00:00Z","pauses":[{"from":"2026-03-03T00:00:00Z","to":"2026-03-10T00:00:00Z","reason":"identity"}]"#;
    check(later, DUE, "2026-03-20T22:59:59.999999Z").await;
}

#[tokio::test]
async fn receipts_are_confirmed_in_business_days() {
    let ack = "ack_due_at(jurisdiction, type, received_at, 'America/Los_Angeles')";
    check(r#""received_at":"2026-12-24T20:00:00Z","jurisdiction":"ccpa""#, ack, "2027-01-08T07:59:59.999999Z").await;
    check(r#""received_at":"2026-12-24T20:00:00Z""#, ack, "null").await;
    let row = r#""received_at":"2026-12-24T23:30:00Z""#;
    let between = |name: &str, zone: &str| format!("{name}(received_at, TIMESTAMP '2027-01-07T12:00:00Z', '{zone}')");
    check(row, &between("business_days_between", "UTC"), "10").await;
    check(row, &between("business_days_between", "Europe/Berlin"), "9").await;
    check(row, &between("days_between", "UTC"), "14").await;
    check(row, "days_between(received_at, NULL, 'UTC')", "null").await;
    check(row, "days_between(received_at, TIMESTAMP '2026-12-23T00:00:00Z', 'UTC')", "-1").await;
}

/// A statement fails, and says this.
async fn refused(sql: &str, part: &str) {
    let lake = harness::lake(&[], &[]).await;
    let error = lake.session().query(sql).await.expect_err("refused");
    let chain = format!("{error:?}");
    assert!(chain.contains(part), "{sql}: {chain}");
}

#[tokio::test]
async fn a_wrong_argument_says_what_would_be_right() {
    for (sql, part) in [
        ("SELECT days_between(now(), now(), 'Mars') AS d", "is not an IANA zone; write for example Europe/Berlin"),
        ("SELECT days_between(now()) AS d", "days_between takes (from_at timestamp, to_at timestamp, timezone text)"),
        (
            "SELECT due_at('gdpr', 'know', now(), 'x', now(), now(), 'UTC') AS d",
            "pauses list<struct<from:ts, to:ts, reason:str>>",
        ),
    ] {
        refused(sql, part).await;
    }
}

/// What a statement without a table tells, row by row, as text.
async fn told(sql: &str) -> Vec<String> {
    let lake = harness::lake(&[], &[]).await;
    let sql = format!("SELECT coalesce(CAST(told AS varchar), 'null') AS told FROM ({sql}) AS t");
    let batches = lake.session().query(&sql).await.unwrap_or_else(|error| unreachable!("{sql}: {error:?}"));
    batches.iter().flat_map(|batch| harness::texts(batch, "told")).collect()
}

const THOUSAND: &str = "(SELECT value, value % 7 AS part FROM generate_series(0, 1000) AS t(value)) AS d";

#[tokio::test]
async fn sketches_of_parts_merge_into_that_of_the_whole() {
    let whole = told(&format!("SELECT encode(latency_sketch(value), 'hex') AS told FROM {THOUSAND}")).await;
    let parts = format!("SELECT part, latency_sketch(value) AS s FROM {THOUSAND} GROUP BY part");
    let merged = told(&format!("SELECT encode(sketch_merge(s), 'hex') AS told FROM ({parts}) AS p")).await;
    assert_eq!(merged, whole);
    let of = |part: &str| format!("SELECT sketch_quantile(sketch_merge(s), {part}) AS told FROM ({parts}) AS p");
    // The exact ones are 500, 950, 1,000 and 0.
    for (part, value) in [("1, 2", "495"), ("95, 100", "943"), ("1, 1", "1000"), ("0, 1", "0")] {
        assert_eq!(told(&of(part)).await, [value], "{part}");
    }
    let count = format!("SELECT sketch_count(sketch_merge(s)) AS told FROM ({parts}) AS p");
    assert_eq!(told(&count).await, ["1001"]);
}

#[tokio::test]
async fn a_sketch_counts_what_its_filter_lets_through_and_no_nulls() {
    let sql = format!(
        "SELECT sketch_count(latency_sketch(value) FILTER (WHERE value % 2 = 0)) AS told FROM {THOUSAND} GROUP BY part"
    );
    let mut counts = told(&sql).await;
    counts.sort();
    assert_eq!(counts, ["71", "71", "71", "72", "72", "72", "72"]);
    let none = "SELECT latency_sketch(CASE WHEN value < 0 THEN value END) AS s FROM generate_series(1, 9) AS t(value)";
    assert_eq!(told(&format!("SELECT sketch_count(s) AS told FROM ({none}) AS n")).await, ["null"]);
    assert_eq!(
        told(&format!("SELECT sketch_quantile(sketch_merge(s), 1, 2) AS told FROM ({none}) AS n")).await,
        ["null"]
    );
    assert_eq!(told("SELECT sketch_count(latency_sketch(NULL)) AS told").await, ["null"]);
}

#[tokio::test]
async fn what_is_no_duration_and_no_sketch_is_refused() {
    for (sql, part) in [
        ("SELECT latency_sketch(-5) AS s", "latency_sketch: a duration is below zero"),
        ("SELECT latency_sketch(1.5) AS s", "latency_sketch takes (duration whole number), as microseconds"),
        (
            "SELECT latency_sketch(DISTINCT value), count(*) FROM generate_series(1, 9) AS t(value)",
            "leave DISTINCT out",
        ),
        ("SELECT sketch_merge(7) AS s", "sketch_merge takes (sketch binary)"),
        ("SELECT sketch_merge(X'0900') AS s", "sketch_merge: it is no sketch (its version is another)"),
        ("SELECT sketch_count(X'0100') AS s", "it is no sketch (it ends early)"),
        ("SELECT sketch_quantile(latency_sketch(5), 101, 100) AS s", "a quantile is from 0/1 to 1/1"),
        (
            "SELECT sketch_quantile(latency_sketch(5), 0.95) AS s",
            "sketch_quantile takes (sketch binary, part whole number",
        ),
    ] {
        refused(sql, part).await;
    }
}
