//! Usage as its users meter it: warned, over, late, and what it costs; and bills that go out as they came in.

use serde_json::Value;

use crate::auditlake::Lake;

const MIDDLE: &str = "--at=2026-09-20T06:00:00Z";
const ENDED: &str = "--at=2026-10-01T06:00:00Z";
const SETTLED: &str = "--at=2026-10-05T06:00:00Z";
const LATER: &str = "--at=2026-10-06T06:00:00Z";

const USAGE: &str = "usage: platform
dataset: usage
service: api
meters: {users: seats}
timezone: UTC
tenants: {acme: basic, globex: free}
";

const JOB: &str = "job: usage-daily
kind: usage
usage: platform
into: usage_result
outputs:
  - {format: html, to: \"statements/{interval.end:%Y-%m-%d}/\"}
  - {format: json, to: \"statements/{interval.end:%Y-%m-%d}/\"}
  - {format: csv, to: \"statements/{interval.end:%Y-%m-%d}/\"}
  - {format: xlsx, to: \"statements/{interval.end:%Y-%m-%d}/\"}
";

const NOTIFY: &str = "notify:\n  archive: {to: told/, events: [\"quota.*\"]}\n";

/// A row of usage: id, tenant, beginning, end, meter, quantity, cost.
fn row([id, tenant, start, end, meter, quantity, cost]: [&str; 7]) -> String {
    format!(
        "{{\"usage_id\":\"{id}\",\"tenant_id\":\"{tenant}\",\"period_start\":\"{start}\",\"period_end\":\"{end}\",\
         \"meter\":\"{meter}\",\"unit\":\"one\",\"quantity\":\"{quantity}\",\"billed_cost\":\"{cost}\",\"currency\":\"USD\",\
         \"charge_category\":\"Usage\",\"service\":\"api\"}}\n"
    )
}

/// What was used in September; initech has no tier.
fn september() -> Vec<String> {
    let rows = [
        ["u1", "acme", "2026-09-03T10:00:00Z", "2026-09-03T10:01:00Z", "api_requests", "45000", "0.000000000001"],
        ["u2", "acme", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", "seats", "20", "99.00"],
        ["u3", "acme", "2026-09-10T00:00:00Z", "2026-09-12T00:00:00Z", "seats", "5", "0"],
        ["u4", "globex", "2026-09-04T10:00:00Z", "2026-09-04T10:01:00Z", "api_requests", "999.5", "1.5"],
        ["u5", "initech", "2026-09-04T10:00:00Z", "2026-09-04T10:01:00Z", "api_requests", "1", "1"],
        ["u6", "acme", "2026-09-25T10:00:00Z", "2026-09-25T10:01:00Z", "api_requests", "50001", "0.1"],
    ];
    rows.map(row).to_vec()
}

fn lake() -> Lake {
    let lake = Lake::new();
    lake.write("slas/usage.yaml", USAGE);
    lake.write("jobs/usage.yaml", JOB);
    lake
}

fn ingested(lake: &Lake, name: &str, rows: &str) {
    let file = lake.write(name, rows).display().to_string();
    lake.run(&["ingest", "ndjson", &file, "--into", "usage"]).succeeded();
}

fn csv(lake: &Lake, sql: &str) -> String {
    let ran = lake.run(&["sql", sql, "--format", "csv"]);
    ran.succeeded();
    ran.out.replace("\r\n", "\n")
}

/// The results in force, a line each.
fn results(lake: &Lake) -> String {
    let columns = "tenant_id, tier, quota, used, used_bp, days_over, status, state, price, revision";
    csv(lake, &format!("SELECT {columns} FROM usage_result WHERE period_start = TIMESTAMP '2026-09-01' ORDER BY 1, 3"))
}

/// Events that a folder was told of.
fn told(lake: &Lake) -> Vec<String> {
    let files = crate::auditlake::files_below(&lake.data().join("told"));
    let events = files.iter().map(|path| {
        let event: Value = serde_json::from_slice(&std::fs::read(path).expect("an event")).expect("JSON");
        format!("{} {}", event["type"].as_str().unwrap_or_default(), event["data"]["counts"])
    });
    let mut events: Vec<String> = events.collect();
    events.sort();
    events
}

#[test]
fn a_month_is_judged_while_it_goes_on_and_again_when_rows_come_late() {
    let lake = lake();
    let definition = std::fs::read_to_string(lake.folder().join("lake.yaml")).expect("the lake");
    lake.write("lake.yaml", format!("{definition}{NOTIFY}"));
    ingested(&lake, "september.ndjson", &september().concat());
    let words = [
        "usage platform 2026-09: 2 tenants, 0 quotas over, 3 warned of; 2 results new, 2 provisional",
        "no tier: initech",
    ];
    lake.run(&["run", "usage-daily", MIDDLE]).said(0, &words);
    assert_eq!(
        results(&lake),
        "tenant_id,tier,quota,used,used_bp,days_over,status,state,price,revision
acme,basic,api_requests_per_day,45000.000000000000000,9000,0,warn,provisional,99.0000,1
acme,basic,users,25.000000000000000,10000,0,warn,provisional,99.0000,1
globex,free,api_requests_per_day,999.500000000000000,9995,0,warn,provisional,0.0000,1
globex,free,users,,,0,not_evaluated,provisional,0.0000,1
"
    );
    lake.run(&["run", "usage-daily", ENDED])
        .said(0, &["2026-09: 2 tenants, 1 quota over, 2 warned of; 2 results new, 2 provisional"]);
    lake.run(&["run", "usage-daily", SETTLED])
        .said(0, &["2026-09: 2 tenants, 1 quota over, 2 warned of; 2 results new, 0 provisional"]);
    // Two quotas are warned of at first, and one more is exceeded later: nobody is told of the same again.
    assert_eq!(told(&lake), ["auditlake.quota.exceeded {\"quotas\":1}", "auditlake.quota.warned {\"quotas\":3}"]);
    ingested(
        &lake,
        "late.ndjson",
        &row([
            "u7",
            "globex",
            "2026-09-30T23:59:59Z",
            "2026-10-01T00:00:00Z",
            "api_requests",
            "1000.000000000000001",
            "-0.5",
        ]),
    );
    lake.run(&["run", "usage-daily", LATER])
        .said(0, &["2026-09: 2 tenants, 2 quotas over, 1 warned of; 1 result new, 0 provisional"]);
    let show = lake.run(&["usage", "show", "globex", "--period", "2026-09"]);
    let words = [
        "usage platform of globex, month 2026-09 in UTC: adjusted, revision 4, counted until 2026-10-01T00:00:00Z",
        "over           api_requests_per_day 1000.000000000000001 of 1000 one (100.00 %): sum of 2 rows, most on 2026-09-30, 1 day over",
        "price 0.00 USD",
        "charged 1 USD for api (Usage, 2 rows)",
        "(rows came late, or were corrected)",
    ];
    show.said(0, &words);
    lake.run(&["usage", "list", "--period", "2026-09"]).said(0, &["acme", "final", "users 25 of 25 warn"]);
    // An earlier instant takes nothing back, and the same run adds nothing.
    lake.run(&["run", "usage-daily", "--at=2026-10-03T06:00:00Z"]).said(0, &["0 results new, 0 provisional"]);
    lake.run(&["run", "usage-daily", LATER]).said(0, &["was committed before"]);
    assert_eq!(lake.figure("SELECT count(*) FROM usage_result_history WHERE period_start = TIMESTAMP '2026-09-01' AND tenant_id = 'globex'"), 8);
}

#[test]
fn the_order_in_which_rows_came_changes_nothing() {
    let rows = september();
    let hashes = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2, 5, 0, 4, 1, 3]].map(|order| {
        let lake = lake();
        for (at, number) in order.into_iter().enumerate() {
            ingested(&lake, &format!("{at}.ndjson"), &rows[number]);
        }
        lake.run(&["run", "usage-daily", SETTLED]).succeeded();
        csv(&lake, "SELECT result_id, used, status, evidence_hash FROM usage_result ORDER BY 1")
    });
    assert!(hashes[0].lines().count() > 4, "{}", hashes[0]);
    assert_eq!((&hashes[0], &hashes[0]), (&hashes[1], &hashes[2]));
}

#[test]
fn a_statement_speaks_of_one_tenant_and_names_its_evidence() {
    let lake = lake();
    ingested(&lake, "september.ndjson", &september().concat());
    lake.run(&["run", "usage-daily", ENDED]).succeeded();
    let folder = "statements/2026-10-01/platform.2026-09.globex";
    for ending in [".html", ".json", ".quotas.csv", ".days.csv", ".charges.csv", ".revisions.csv", ".xlsx"] {
        let bytes = lake.object(&format!("{folder}{ending}"));
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("acme") && !text.contains("initech"), "{ending}: {text}");
    }
    let statement: Value = serde_json::from_slice(&lake.object(&format!("{folder}.json"))).expect("JSON");
    let evidence = statement["provenance"]["evidence"][0].as_str().expect("a file");
    assert!(evidence.contains("/usage-daily/") && evidence.ends_with(".globex.rows.parquet"), "{evidence}");
    assert!(!lake.object(evidence).is_empty());
    let files: Vec<&str> = statement["provenance"]["inputs"]
        .as_array()
        .expect("files")
        .iter()
        .filter_map(|file| file["path"].as_str())
        .collect();
    assert!(!files.is_empty() && files.iter().all(|path| path.contains("/tenant=globex/")), "{files:?}");
    let parts = &statement["parts"][0];
    assert_eq!((parts["tier"].as_str(), parts["quotas"][0]["used"].as_str()), (Some("free"), Some("999.5")));
}

#[test]
fn what_cannot_be_metered_is_said_and_nothing_is_recorded() {
    let lake = lake();
    lake.run(&["usage", "show", "acme"]).failed(2, &["is not judged yet for tenant \"acme\"", "run its job"]);
    lake.run(&["usage", "show", "nobody"]).failed(2, &["nobody", "slas/"]);
    lake.run(&["usage", "list", "--period", "2026-13"]).failed(2, &["usage \"platform\"", "2026-13"]);
    let most = "99999999999999999999999";
    let rows: String = ["a", "b", "c"]
        .map(|id| row([id, "acme", "2026-09-03T10:00:00Z", "2026-09-03T10:01:00Z", "seats", most, "0"]))
        .concat();
    ingested(&lake, "large.ndjson", &rows);
    let ran = lake.run(&["run", "usage-daily", ENDED]);
    ran.failed(1, &["dataset \"usage\", tenant \"acme\"", "quantities of meter \"seats\" are too large to add up"]);
    assert_eq!(lake.figure("SELECT count(*) FROM usage_result_history WHERE period_start < TIMESTAMP '2026-10-01'"), 0);
    let early = USAGE.replace("dataset: usage", "dataset: usage\nquotas: own");
    lake.write("slas/usage.yaml", early);
    lake.write(
        "slas/own.yaml",
        "quotas: own\nversion: 1\neffective: 2027-01-01\ntier: {basic: {users: 5}, free: {users: 1}}\n",
    );
    lake.run(&["run", "usage-daily", ENDED]).failed(2, &["quotas \"own\"", "effective from 2027-01-01"]);
}

#[test]
fn what_is_asked_for_and_not_there_is_named() {
    let lake = lake();
    lake.run(&["usage", "show", "acme", "--usage", "platfrom"]).failed(2, &["platfrom", "there are: platform"]);
    lake.run(&["usage", "show", "acme", "--period", "September"]).failed(2, &["usage \"platform\"", "September"]);
    lake.write("slas/second.yaml", USAGE.replace("usage: platform", "usage: second"));
    lake.run(&["usage", "show", "acme"])
        .failed(2, &["several contracts have tenant \"acme\"", "--usage: platform, second"]);
    lake.run(&["usage", "focus", "--period", "2026-13"]).failed(2, &["2026-13"]);
    lake.run(&["usage", "focus", "--dataset", "bills"]).failed(2, &["bills"]);
    lake.run(&["usage", "focus", "--format", "xlsx"]).failed(2, &["xlsx", "csv, json, ndjson"]);
}

#[test]
fn a_charge_whose_own_attributes_are_no_object_is_refused() {
    let lake = lake();
    let bill = "x_UsageId,x_Attributes,BilledCost,BillingAccountId,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ServiceName\n\
                a,\"{\"\"team\"\": \"\"blue\"\"}\",1,acme,USD,Tax,2026-02-01 00:00:00,2026-03-01 00:00:00,Tax\n\
                b,blue,1,acme,USD,Tax,2026-02-01 00:00:00,2026-03-01 00:00:00,Tax\n";
    let file = lake.write("bill.csv", bill).display().to_string();
    let ran = lake.run(&["ingest", "focus", &file, "--into", "usage"]);
    ran.failed(
        1,
        &["1 of 2 records were rejected", "column \"x_Attributes\" does not hold a JSON object", "--partial"],
    );
    assert_eq!(lake.figure("SELECT count(*) FROM usage_rejected WHERE record = 2"), 1);
    assert_eq!(lake.figure("SELECT count(*) FROM usage WHERE attributes['team'] = 'blue'"), 1);
}

/// Everything of charges that a bill carries.
const CHARGES: &str =
    "SELECT * EXCEPT (ingested_at, raw_ref, raw_hash) FROM usage ORDER BY tenant_id, period_start, usage_id";

#[test]
fn a_bill_that_goes_out_reads_back_equal() {
    let first = Lake::new();
    let bill = "x_UsageId,x_Tier,x_Quota,BilledCost,BillingAccountId,BillingCurrency,ChargeCategory,ChargeClass,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,PricingUnit,ServiceName,SkuMeter,RegionName,x_Team,Tags\n\
                a,pro,100,0.000000000001,acme,USD,Usage,,2026-02-01 00:00:00,2026-02-01 01:00:00,2.000000000000001,Requests,1000 Requests,Queue,api_requests,Europe,\"blue, \"\"green\"\"\",\"{\"\"env\"\": \"\"dev\"\"}\"\n\
                b,,,-1.5,acme,USD,Credit,Correction,2026-02-01 00:00:00,2026-03-01 00:00:00,,,,Tax,,,,\n\
                c,,,7,globex,USD,Usage,,2026-03-01 00:00:00,2026-03-02 00:00:00,1,charge,Hours,Queue,,,,\n";
    let file = first.write("bill.csv", bill).display().to_string();
    first.run(&["ingest", "focus", &file, "--into", "usage"]).succeeded();
    let out = first.run(&["usage", "focus"]);
    out.succeeded();
    let second = Lake::new();
    let file = second.write("again.csv", &out.out).display().to_string();
    second
        .run(&["ingest", "focus", &file, "--into", "usage"])
        .said(0, &["3 records = 3 rows + 0 duplicates + 0 skipped + 0 rejected"]);
    assert_eq!(first.rows(CHARGES), second.rows(CHARGES));
    assert!(out.out.starts_with("AvailabilityZone,BilledCost,BillingAccountId,"), "{}", out.out);
    let again = second.run(&["usage", "focus"]);
    assert_eq!(out.out, again.out, "what is read back goes out as it did");

    let one = first.run(&["usage", "focus", "--tenant", "acme", "--period", "2026-02", "--format", "ndjson"]);
    assert_eq!(one.out.lines().count(), 2);
    assert!(!one.out.contains("globex"), "{}", one.out);
    let statement = first.run(&["usage", "focus", "--tenant", "acme", "--sql"]);
    statement.said(0, &["SELECT", "billed_cost AS \"BilledCost\"", "tenant_id = 'acme'"]);
    assert_eq!(first.rows(&statement.out).len(), 2, "the statement runs by itself");
    first
        .run(&["usage", "focus", "--dataset", "audit"])
        .failed(2, &["dataset \"audit\" has schema audit.v1", "--dataset"]);
}
