//! SLAs as their users judge them: provisional, final, adjusted, and explained; and what cannot be judged.

use serde_json::Value;

use crate::auditlake::Lake;

/// When September is over, and when its figures are final.
const ENDED: &str = "--at=2026-10-01T06:00:00Z";
const SETTLED: &str = "--at=2026-10-05T06:00:00Z";
const LATER: &str = "--at=2026-10-06T06:00:00Z";

const SLA: &str = "sla: api
service: api
requests: {dataset: request_1m}
timezone: UTC
tenants: {acme: pro, globex: basic, initech: free}
exclusions: {dataset: exclusion}
fees: {dataset: usage, currency: EUR}
";

const JOB: &str = "job: sla-monthly
kind: sla
sla: api
into: sla_result
outputs: [{format: html, to: \"sla/{interval.end:%Y-%m-%d}/\"}, {format: json, to: \"sla/{interval.end:%Y-%m-%d}/\"}]
";

/// A minute of two hundred requests after the other; of acme 44 fail, and of initech 500.
const FILL: &str = "job: fill
kind: query
window: 30d
into: request_1m
sql: |
  SELECT t.tenant_id, 'api' AS service, 'eu' AS region, 'all' AS route_group,
    to_timestamp_micros(CAST($start AS bigint) + n * 60000000) AS minute,
    200 AS total, 200 - failed AS good, failed AS err_server, 0 AS err_client, 0 AS throttled, 0 AS timeout,
    2 AS slow, target_us, latency, 20000 AS latency_sum_us, 900000 AS latency_max_us, 1 AS revision
  FROM (SELECT *, CASE WHEN tenant_id = 'acme' AND n BETWEEN 10000 AND 10043 THEN 100
                       WHEN tenant_id = 'initech' AND n BETWEEN 20000 AND 20499 THEN 100 ELSE 0 END AS failed
        FROM (VALUES ('acme', 200000), ('globex', 500000), ('initech', 1000000), ('umbrella', 1000000)) AS t(tenant_id, target_us),
             (SELECT unnest(generate_series(0, 43199)) AS n)) AS t,
       (SELECT latency_sketch(v) AS latency FROM (VALUES (40000), (50000), (180000)) AS x(v))
  WHERE CAST($end AS bigint) > CAST($start AS bigint)
";

/// A lake with September's requests of four tenants, of whom three are promised something.
fn filled() -> Lake {
    let lake = Lake::new();
    lake.write("slas/api.yaml", SLA);
    lake.write("jobs/sla.yaml", JOB);
    lake.write("jobs/fill.yaml", FILL);
    lake.run(&["run", "fill", "--at=2026-10-01T00:00:00Z"]).succeeded();
    charged(&lake, "acme", "u-1", "499.00");
    charged(&lake, "globex", "u-2", "99.00");
    lake
}

/// A charge of a tenant for September.
fn charged(lake: &Lake, tenant: &str, id: &str, cost: &str) {
    let row = format!(
        "{{\"usage_id\":\"{id}\",\"tenant_id\":\"{tenant}\",\"period_start\":\"2026-09-01T00:00:00Z\",\
         \"period_end\":\"2026-10-01T00:00:00Z\",\"meter\":\"seats\",\"unit\":\"Seats\",\"billed_cost\":\"{cost}\",\
         \"currency\":\"EUR\",\"charge_category\":\"Purchase\",\"service\":\"api\"}}\n"
    );
    ingested(lake, "usage", &format!("{id}.ndjson"), &row);
}

/// Rows of a dataset, as lines of JSON.
fn ingested(lake: &Lake, dataset: &str, name: &str, rows: &str) {
    let file = lake.write(name, rows).display().to_string();
    lake.run(&["ingest", "ndjson", &file, "--into", dataset]).succeeded();
}

/// Another revision of the first minute in which requests of acme fail: so many requests, of which so many failed.
fn corrected(lake: &Lake, (total, failed): (u32, u32)) {
    let job = format!(
        "job: correct\nkind: query\nwindow: 1m\ninto: request_1m\nsql: |\n  SELECT 'acme' AS tenant_id, 'api' AS service, 'eu' AS \
         region, 'all' AS route_group, $start AS minute, {total} AS total, {total} AS good, {failed} AS err_server, 0 AS \
         err_client, 0 AS throttled, 0 AS timeout, 2 AS slow, 200000 AS target_us, latency, 20000 AS latency_sum_us, 900000 AS \
         latency_max_us, 2 AS revision FROM (SELECT latency_sketch(v) AS latency FROM (VALUES (40000)) AS x(v))\n"
    );
    lake.write("jobs/correct.yaml", job);
    lake.run(&["run", "correct", "--at=2026-09-07T22:41:00Z"]).succeeded();
}

/// The results in force, a line each.
fn results(lake: &Lake) -> String {
    let sql = "SELECT tenant_id, metric, good, valid, status, state, credit_bp, credit_amount, revision FROM sla_result \
               ORDER BY tenant_id, metric";
    let ran = lake.run(&["sql", sql, "--format", "csv"]);
    ran.succeeded();
    ran.out
}

#[test]
fn a_month_is_provisional_then_final_then_adjusted() {
    let lake = filled();
    let ran = lake.run(&["run", "sla-monthly", ENDED]);
    ran.said(
        0,
        &[
            "sla api 2026-09: 3 tenants, 2 missed promises, 0 not evaluated, credits of 49.90 EUR; 3 results new, 3 provisional",
            "has rows and no tier: umbrella",
        ],
    );
    let first = "tenant_id,metric,good,valid,status,state,credit_bp,credit_amount,revision
acme,errors,8635600,8640000,ok,provisional,0,0.0000,1
acme,latency,8553600,8640000,ok,provisional,0,0.0000,1
acme,uptime,43156,43200,missed,provisional,1000,49.9000,1
globex,errors,8640000,8640000,ok,provisional,0,0.0000,1
globex,latency,8553600,8640000,ok,provisional,0,0.0000,1
globex,uptime,43200,43200,ok,provisional,0,0.0000,1
initech,errors,8590000,8640000,ok,provisional,0,0.0000,1
initech,latency,8553600,8640000,ok,provisional,0,0.0000,1
initech,uptime,42700,43200,missed,provisional,2500,0.0000,1
";
    assert_eq!(results(&lake).replace("\r\n", "\n"), first);
    let again = lake.run(&["run", "sla-monthly", "--at=2026-10-02T06:00:00Z"]);
    again.said(0, &["0 results new, 3 provisional"]);
    lake.run(&["run", "sla-monthly", SETTLED]).said(0, &["3 results new, 0 provisional"]);
    let last = results(&lake).replace("\r\n", "\n");
    assert_eq!(last, first.replace("provisional", "final").replace(",1\n", ",2\n"));
    // One of the minutes was counted wrongly.
    corrected(&lake, (200, 0));
    lake.run(&["run", "sla-monthly", LATER]).said(0, &["1 missed promise, ", "1 result new, 0 provisional"]);
    let told = lake.run(&["sla", "explain", "acme", "2026-09"]);
    let words = [
        "adjusted, revision 3",
        "at least 99.9 % of slices are good (43157 of 43200, 99.9004 %)",
        "credit 0.00 EUR of a fee of 499.00",
        "revision 2 final at 2026-10-05T06:00:00Z: uptime 99.8981 % missed",
        "revision 3 adjusted at 2026-10-06T06:00:00Z: uptime 99.9004 % kept",
        "(rows came late, or were corrected)",
    ];
    told.said(0, &words);
    // An earlier instant makes nothing provisional again, and the same run nothing new.
    lake.run(&["run", "sla-monthly", "--at=2026-10-03T06:00:00Z"]).said(0, &["0 results new, 0 provisional"]);
    lake.run(&["run", "sla-monthly", LATER]).said(0, &["was committed before"]);
    let all = lake.run(&["sql", "SELECT count(*) AS n FROM sla_result_history", "--format", "csv"]);
    assert_eq!(all.out.replace("\r\n", "\n"), "n\n21\n", "nothing is overwritten");
}

#[test]
fn a_statement_speaks_of_one_tenant_and_of_all_that_proves_it() {
    let lake = filled();
    let window = |id: &str, tenant: &str, announced: &str| {
        format!(
            "{{\"tenant_id\":{tenant},\"id\":\"{id}\",\"service\":\"api\",\"starts_at\":\"2026-09-07T22:40:00Z\",\
             \"ends_at\":\"2026-09-07T22:45:00Z\",\"kind\":\"maintenance\",\"announced_at\":\"{announced}\",\
             \"approved_by\":\"ops\",\"reason\":\"new database\",\"revision\":1}}\n"
        )
    };
    let rows = window("x-1", "null", "2026-09-01T00:00:00Z")
        + &window("x-2", "\"acme\"", "2026-09-07T00:00:00Z")
        + &window("x-3", "\"globex\"", "2026-09-01T00:00:00Z");
    ingested(&lake, "exclusion", "exclusions.ndjson", &rows);
    lake.run(&["run", "sla-monthly", SETTLED]).succeeded();
    let page = String::from_utf8(lake.object("sla/2026-10-05/api.2026-09.acme.html").to_vec()).expect("a page");
    let document: Value =
        serde_json::from_slice(&lake.object("sla/2026-10-05/api.2026-09.acme.json")).expect("a document");
    for other in ["globex", "initech", "umbrella", "x-3"] {
        assert!(!page.contains(other), "{other} is another tenant's");
        assert!(!document.to_string().contains(other), "{other} is another tenant's");
    }
    let uptime = &document["parts"][0]["results"][0];
    assert_eq!((&uptime["good"], &uptime["valid"], &uptime["excluded"]), (&43_156.into(), &43_195.into(), &5.into()));
    assert_eq!(uptime["status"], "ok", "39 of 44 minutes count, and 43 are spared");
    let ignored = document["exclusions"][1]["ignored"].as_str().expect("told");
    assert!(ignored.contains("must be announced 72 hours before"), "{ignored}");
    assert!(page.contains(ignored) && page.contains("39 bad"));
    let inputs = document["provenance"]["inputs"].as_array().expect("files");
    assert!(inputs.iter().any(|input| input["path"].as_str().is_some_and(|path| path.contains("/tenant=acme/"))));
    for path in document["provenance"]["evidence"].as_array().expect("paths") {
        lake.object(path.as_str().expect("a path"));
    }
    let listed = lake.json(&["sla", "list", "--period", "2026-09"]);
    assert_eq!(listed["results"].as_array().map(Vec::len), Some(3));
    lake.run(&["verify"]).said(0, &["nothing is wrong with what was checked"]);
}

#[test]
fn what_cannot_be_judged_says_why() {
    let lake = filled();
    lake.run(&["sla", "explain", "acme", "2026-09"])
        .failed(2, &["is not judged yet for tenant \"acme\"", "2026-10-01T00:00:00Z"]);
    lake.run(&["sla", "explain", "umbrella", "2026-09"]).failed(2, &["tenant of an sla \"umbrella\" does not exist"]);
    lake.run(&["sla", "explain", "acme", "September"])
        .failed(2, &["\"September\" is not a month; write for example 2026-09"]);
    // A month of which nothing is known is neither kept nor missed.
    lake.run(&["run", "sla-monthly", "--at=2026-09-02T00:00:00Z"]).said(0, &["0 missed promises, 9 not evaluated"]);
    let told = lake.run(&["sla", "explain", "globex", "2026-08"]);
    told.said(0, &["not_evaluated", "nothing is known of 100.00 % of the slices, and at most 1 % may be unknown"]);
    // No tiers hold for it.
    lake.run(&["run", "sla-monthly", "--at=2025-12-02T00:00:00Z"])
        .failed(2, &["no version of tiers \"standard\" holds for period 2025-11", "effective from 2026-01-01"]);
    // Counts that contradict each other are told with their minute, and nothing is recorded.
    corrected(&lake, (10, 11));
    lake.run(&["run", "sla-monthly", ENDED])
        .failed(1, &["counts that contradict each other, of tenant \"acme\" at 2026-09-07T22:40:00Z"]);
    assert_eq!(lake.count("_auditlake/sla/api/2026-09"), 0);
}

/// Requests of a week in some order, in three files; then by the minute, and judged. The evidence of the result.
fn judged_in_order(seed: u64) -> String {
    let lake = Lake::new();
    lake.write("datasets/raw.yaml", "dataset: raw\nlocation: raw/\ntenant: tenant_id\ntime: time\n");
    lake.write(
        "slas/api.yaml",
        "sla: api\nservice: api\nperiod: week\nrequests: {dataset: request_1m}\nslices: {min_total: 1}\nmax_unknown: \"100\"\n\
         tenants: {acme: pro}\n",
    );
    lake.write("jobs/sla.yaml", "job: sla\nkind: sla\nsla: api\ninto: sla_result\n");
    lake.write(
        "jobs/rollup.yaml",
        "job: rollup\nkind: query\nwindow: 7d\ninto: request_1m\nsql: |\n  SELECT tenant_id, 'api' AS service, 'eu' AS region, 'all' AS \
         route_group, date_trunc('minute', time) AS minute, count(*) AS total, count(*) FILTER (WHERE ok) AS good, count(*) FILTER \
         (WHERE NOT ok) AS err_server, 0 AS err_client, 0 AS throttled, 0 AS timeout, count(*) FILTER (WHERE us > 200000) AS slow, \
         200000 AS target_us, latency_sketch(us) AS latency, sum(us) AS latency_sum_us, max(us) AS latency_max_us, 1 AS revision \
         FROM raw WHERE time >= $start AND time < $end GROUP BY tenant_id, date_trunc('minute', time)\n",
    );
    for part in 0..3 {
        let sql = format!(
            "SELECT 'acme' AS tenant_id, to_timestamp_micros(1788739200000000 + n * 30000000) AS time, n % 97 > 3 AS ok, \
             CAST(n * 7919 % 250000 AS bigint) AS us FROM (SELECT unnest(generate_series(0, 20159)) AS n) \
             WHERE substr(md5(CAST(n AS varchar) || '{seed}'), 1, 1) {} ORDER BY md5(CAST(n AS varchar) || 'order {seed}')",
            ["< '5'", "BETWEEN '5' AND '9'", "> '9'"][part]
        );
        let to = lake.data().join(format!("raw/part-{part}.parquet"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
        lake.run(&["export", "--sql", &sql, "--format", "parquet", "--to", to.to_str().expect("a path")]).succeeded();
    }
    lake.run(&["run", "rollup", "--at=2026-09-14T00:00:00Z"]).succeeded();
    lake.run(&["run", "sla", "--at=2026-09-17T00:00:00Z"]).succeeded();
    let told = lake.json(&["sla", "explain", "acme", "2026-W37"]);
    assert_eq!(told["parts"][0]["total"], 20_160, "{told}");
    told["provenance"]["evidence_sha256"].as_str().expect("a hash").to_owned()
}

#[test]
fn the_order_in_which_events_come_changes_nothing() {
    let shuffles = std::env::var("AUDITLAKE_SHUFFLES").ok().and_then(|count| count.parse().ok()).unwrap_or(2);
    let first = judged_in_order(0);
    for seed in 1..=shuffles {
        assert_eq!(judged_in_order(seed), first, "order {seed}");
    }
}
