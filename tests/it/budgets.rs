//! Error budgets that burn too fast, as those who are on call meet them: one alert of a burn, of the tenant whose budget it is.

use crate::auditlake::Lake;

const SLA: &str = "sla: api
service: api
requests: {dataset: request_1m}
timezone: UTC
tenants: {acme: pro, \"O'Neil/%\": pro, globex: basic}
exclusions: {dataset: exclusion}
";

const WATCH: &str = "job: watch
kind: anomalies
window: 1h
into: alert
budgets: [{sla: api}]
";

/// Five days from September 1 on. In half an hour from 20:40 on of the fifth, half of the requests of two tenants fail.
const FILL: &str = "job: fill
kind: query
window: 5d
into: request_1m
sql: |
  SELECT t.tenant_id, 'api' AS service, 'eu' AS region, 'all' AS route_group,
    to_timestamp_micros(CAST($start AS bigint) + n * 60000000) AS minute,
    200 AS total, 200 - failed AS good, failed AS err_server, 0 AS err_client, 0 AS throttled, 0 AS timeout,
    2 AS slow, target_us, latency, 20000 AS latency_sum_us, 900000 AS latency_max_us, 1 AS revision
  FROM (SELECT *, CASE WHEN tenant_id <> 'globex' AND n BETWEEN 7000 AND 7029 THEN 100 ELSE 0 END AS failed
        FROM (VALUES ('acme', 200000), ('O''Neil/%', 200000), ('globex', 500000)) AS t(tenant_id, target_us),
             (SELECT unnest(generate_series(0, 7199)) AS n)) AS t,
       (SELECT latency_sketch(v) AS latency FROM (VALUES (40000), (50000)) AS x(v))
";

fn filled() -> Lake {
    let lake = Lake::new();
    lake.write("slas/api.yaml", SLA);
    lake.write("jobs/watch.yaml", WATCH);
    lake.write("jobs/fill.yaml", FILL);
    lake.run(&["run", "fill", "--at=2026-09-06T00:00:00Z"]).succeeded();
    lake
}

/// Rows about alerts, without the line of names.
fn alerts(lake: &Lake, columns: &str) -> Vec<String> {
    let sql = format!("SELECT {columns} FROM alert ORDER BY tenant_id, metric, bucket_start");
    let ran = lake.run(&["sql", &sql, "--format", "csv"]);
    ran.succeeded();
    ran.out.replace("\r\n", "\n").lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_burn_raises_one_alert_of_each_promise_and_tenant_while_it_goes_on() {
    let lake = filled();
    let run = |at: &str| lake.run(&["run", "watch", at]);
    run("--at=2026-09-05T20:00:00Z")
        .said(0, &["0 alerts: 0 high", "budgets of sla api: 0 alerts in 3 tenants watched\n"]);
    run("--at=2026-09-05T21:00:00Z")
        .said(0, &["4 alerts: 4 high or critical", "budgets of sla api: 4 alerts in 3 tenants"]);
    // Five of sixty minutes are 83 times 0.1 %; twenty of sixty with half of the requests are 16 times 1 %.
    let expected = [
        "O'Neil/%,errors_budget,burn_rate_60m,2026-09-05T20:00:00.000000Z,5,16.666667,14.4",
        "O'Neil/%,uptime_budget,burn_rate_60m,2026-09-05T19:45:00.000000Z,5,83.333333,14.4",
        "acme,errors_budget,burn_rate_60m,2026-09-05T20:00:00.000000Z,5,16.666667,14.4",
        "acme,uptime_budget,burn_rate_60m,2026-09-05T19:45:00.000000Z,5,83.333333,14.4",
    ];
    assert_eq!(alerts(&lake, "tenant_id, metric, detector, bucket_start, severity, value, high"), expected);
    // It goes on by slower rules, and is told.
    for at in ["--at=2026-09-05T22:00:00Z", "--at=2026-09-05T23:00:00Z", "--at=2026-09-06T00:00:00Z"] {
        run(at).said(0, &["0 alerts: 0 high"]);
    }
    run("--at=2026-09-05T21:00:00Z").said(0, &["was committed before"]);
    let id = &alerts(&lake, "alert_id")[3];
    let told = lake.run(&["anomalies", "explain", id]);
    let words = [
        "uptime_budget, 60 minutes from 2026-09-05T19:45:00Z: the error budget burns 83.3 times as fast as it may, 1000.0 times in \
         the last 5 minutes; 5 of 60 slices were bad; more than 14.4 uses up 2 % of the budget of 2026-09 in this time",
        "of         sla api of tenant acme",
        "value      83.333333, usually 0 to 14.4; score 83.333333, critical",
    ];
    told.said(0, &words);
    // Nothing came afterwards: rules are silent, and say so.
    run("--at=2026-09-06T03:00:00Z").said(0, &["0 alerts: 0 high", "had too little to go by at the end"]);
    let of = lake.run(&["lineage", "trace", "alert"]);
    of.said(0, &["request_1m"]);
}

#[test]
fn a_longer_interval_finds_the_same_and_an_ended_alert_is_followed_by_another_one() {
    let lake = filled();
    lake.write("jobs/watch.yaml", WATCH.replace("1h", "1d"));
    lake.run(&["run", "watch", "--at=2026-09-06T00:00:00Z"]).said(0, &["4 alerts: 4 high or critical"]);
    let ids = alerts(&lake, "alert_id");
    assert_eq!(alerts(&lake, "bucket_start").len(), 4);
    // The same fails again two days later, while one of the alerts is still open.
    let again = FILL.replace("job: fill", "job: again").replace("BETWEEN 7000 AND 7029", "BETWEEN 2000 AND 2029");
    lake.write("jobs/again.yaml", again);
    lake.run(&["run", "again", "--at=2026-09-11T00:00:00Z"]).succeeded();
    lake.run(&["anomalies", "resolve", &ids[3], "--by", "ops", "--reason", "rolled back", "--at=2026-09-06T08:00:00Z"])
        .succeeded();
    let refused = lake.run(&[
        "anomalies",
        "acknowledge",
        &ids[3],
        "--by",
        "ops",
        "--reason",
        "late",
        "--at=2026-09-06T09:00:00Z",
    ]);
    refused.failed(2, &["is resolved and over; what happens again is another alert; see auditlake anomalies explain "]);
    lake.run(&["run", "watch", "--at=2026-09-08T00:00:00Z"]).said(0, &["4 alerts: 4 high or critical"]);
    assert_eq!(alerts(&lake, "alert_id").len(), 8);
}

#[test]
fn what_is_excluded_burns_nothing() {
    let lake = filled();
    let window = "{\"tenant_id\":\"acme\",\"id\":\"x-1\",\"service\":\"api\",\"starts_at\":\"2026-09-05T20:40:00Z\",\
                  \"ends_at\":\"2026-09-05T21:10:00Z\",\"kind\":\"force_majeure\",\"ticket_ref\":\"T-1\",\"approved_by\":\"ops\",\
                  \"reason\":\"a flood\",\"revision\":1}\n";
    let file = lake.write("exclusions.ndjson", window).display().to_string();
    lake.run(&["ingest", "ndjson", &file, "--into", "exclusion"]).succeeded();
    lake.run(&["run", "watch", "--at=2026-09-05T21:00:00Z"]).said(0, &["2 alerts: 2 high or critical"]);
    assert_eq!(alerts(&lake, "tenant_id"), ["O'Neil/%", "O'Neil/%"]);
}

#[test]
fn budgets_without_promises_are_named() {
    let lake = filled();
    lake.write("slas/api.yaml", SLA.replace("timezone: UTC", "timezone: UTC\ntiers: later"));
    let tiers =
        "tiers: later\nversion: 1\neffective: 2027-01-01\ntier: {pro: {uptime: \"99.9\"}, basic: {uptime: \"99\"}}\n";
    lake.write("slas/later.yaml", tiers);
    let words = ["sla \"api\": no version of tiers \"later\" holds for period 2026-09", "effective from 2027-01-01"];
    lake.run(&["run", "watch", "--at=2026-09-05T21:00:00Z"]).failed(2, &words);
    assert!(alerts(&lake, "alert_id").is_empty());
}
