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

#[tokio::test]
async fn a_wrong_argument_says_what_would_be_right() {
    let lake = harness::lake(&[], &[]).await;
    for (sql, part) in [
        ("SELECT days_between(now(), now(), 'Mars') AS d", "is not an IANA zone; write for example Europe/Berlin"),
        ("SELECT days_between(now()) AS d", "days_between takes (from_at timestamp, to_at timestamp, timezone text)"),
        (
            "SELECT due_at('gdpr', 'know', now(), 'x', now(), now(), 'UTC') AS d",
            "pauses list<struct<from:ts, to:ts, reason:str>>",
        ),
    ] {
        let error = lake.session().query(sql).await.expect_err("refused");
        let chain = format!("{error:?}");
        assert!(chain.contains(part), "{sql}: {chain}");
    }
}
