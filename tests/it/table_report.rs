//! Reports of tables: figures of what ships against the same figures computed here from the rows, whose rows they are, and what is
//! refused.

mod money;
mod own;
mod tenants;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::auditlake::Lake;

/// Two plain tenants, and three whose names mean something to folders, patterns and texts of SQL.
const TENANTS: [&str; 5] = ["acme", "globex", "a/b", "%", "O'Neil"];
const AT: &str = "--at=2026-09-04T00:00:00Z";

/// A request: its tenant, service, routes, day of the three, microseconds, and whether it failed.
struct Request {
    tenant: &'static str,
    service: &'static str,
    route: String,
    day: i64,
    us: i64,
    failed: bool,
}

fn requests() -> Vec<Request> {
    let of = |number: i64| {
        let tenant = TENANTS[usize::try_from(number).expect("small") % TENANTS.len()];
        Request {
            tenant,
            service: if number % 3 == 0 { "web" } else { "api" },
            // Routes say whose they are, so that a row of another tenant would show.
            route: format!("route-of-{}", TENANTS.iter().position(|one| *one == tenant).expect("known")),
            day: number / 5 % 3,
            us: (number * 7_919 % 1_000 + 1) * 1_000,
            failed: number % 7 == 0,
        }
    };
    (0..600).map(of).collect()
}

/// A job that counts the requests by minute, as a lake counts those of its log.
fn counting() -> String {
    let rows = requests().into_iter().map(|one| {
        let tenant = one.tenant.replace('\'', "''");
        format!("('{tenant}', '{}', '{}', {}, {}, {})", one.service, one.route, one.day, one.us, one.failed)
    });
    let rows: Vec<String> = rows.collect();
    format!(
        "job: count\nkind: query\nwindow: 3d\ninto: request_1m\nsql: |\n  SELECT tenant_id, service, 'eu' AS region, route AS route_group,\n    \
         to_timestamp_micros(CAST($start AS bigint) + day * 86400000000) AS minute, count(*) AS total,\n    \
         count(*) FILTER (WHERE NOT failed) AS good, count(*) FILTER (WHERE failed) AS err_server, 0 AS err_client, 0 AS throttled,\n    \
         0 AS timeout, count(*) FILTER (WHERE us > 500000) AS slow, 500000 AS target_us, latency_sketch(us) AS latency,\n    \
         sum(us) AS latency_sum_us, max(us) AS latency_max_us, 1 AS revision\n  FROM (VALUES {}) AS r(tenant_id, service, route, day, us, failed)\n  \
         GROUP BY tenant_id, service, route, day\n",
        rows.join(",\n    ")
    )
}

/// A lake with requests of three days in September.
fn lake() -> Lake {
    let lake = Lake::new();
    lake.write("jobs/count.yaml", counting());
    lake.run(&["run", "count", AT]).succeeded();
    lake
}

/// Runs a job and gives the report that it wrote as JSON.
fn report(lake: &Lake, job: &str, at: &str) -> Value {
    let told = lake.json(&["run", job, at]);
    let mut files = told["files"].as_array().expect("files").iter().filter_map(Value::as_str);
    let json = files.rfind(|file| file.ends_with(".json")).expect("a report as JSON");
    serde_json::from_slice(&std::fs::read(json).expect("a report")).expect("JSON")
}

/// The rows of a section, each by the names of its columns.
fn rows(report: &Value, section: &str) -> Vec<BTreeMap<String, Option<String>>> {
    let sections = report["sections"].as_array().expect("sections");
    let found = sections.iter().find(|one| one["section"] == section);
    let found = found.unwrap_or_else(|| panic!("no section {section} in {report}"));
    let names: Vec<&str> =
        found["columns"].as_array().expect("columns").iter().filter_map(|column| column["name"].as_str()).collect();
    let row = |row: &Value| {
        let values = row.as_array().expect("a row").iter().map(|value| value.as_str().map(str::to_owned));
        names.iter().map(|name| (*name).to_owned()).zip(values).collect()
    };
    found["rows"].as_array().expect("rows").iter().map(row).collect()
}

fn text<'a>(row: &'a BTreeMap<String, Option<String>>, column: &str) -> &'a str {
    row.get(column).unwrap_or_else(|| panic!("no {column} in {row:?}")).as_deref().unwrap_or("")
}

const OUTPUTS: &str = "outputs:
  - {format: html, to: \"reports/{job}/{interval.end:%Y-%m-%d}/\"}
  - {format: csv, to: \"reports/{job}/{interval.end:%Y-%m-%d}/\"}
  - {format: xlsx, to: \"reports/{job}/{interval.end:%Y-%m-%d}/\"}
  - {format: json, to: \"reports/{job}/{interval.end:%Y-%m-%d}/\"}
";

fn performance(job: &str, more: &str) -> String {
    format!(
        "job: {job}\nkind: report\nreport: performance\nwindow: 3d\ndatasets: {{requests: request_1m}}\n{more}{OUTPUTS}"
    )
}

/// What is between two figures that a sketch may tell apart: one per cent.
fn is_near(shown: &str, us: i64) -> bool {
    let micros: i64 = shown.replace('.', "").parse().expect("digits");
    (micros - us).abs() * 100 <= us
}

/// The value of nearest rank.
fn quantile(mut all: Vec<i64>, part: usize) -> i64 {
    all.sort_unstable();
    all[(all.len() * part).div_ceil(100) - 1]
}

#[test]
fn performance_counts_what_the_rows_count() {
    let lake = lake();
    lake.write("jobs/performance.yaml", performance("performance-daily", ""));
    let ran = lake.run(&["run", "performance-daily", AT]);
    let left_out = [
        "report performance of all tenants: 3 sections, ",
        "left out attainment: no dataset is bound to results; name what it reads in datasets of the job",
        "left out exclusions: no dataset is bound to exclusions",
    ];
    ran.said(0, &left_out);
    let report = report(&lake, "performance-daily", AT);
    let all = requests();
    let mut keys: Vec<(&str, &str)> = all.iter().map(|one| (one.tenant, one.service)).collect();
    keys.sort_unstable();
    keys.dedup();
    let shown = rows(&report, "services");
    assert_eq!(shown.len(), keys.len());
    for (row, (tenant, service)) in shown.iter().zip(keys) {
        let own: Vec<&Request> = all.iter().filter(|one| (one.tenant, one.service) == (tenant, service)).collect();
        let (total, failed) = (own.len(), own.iter().filter(|one| one.failed).count());
        assert_eq!((text(row, "tenant_id"), text(row, "service")), (tenant, service));
        assert_eq!((text(row, "requests"), text(row, "failed")), (&*total.to_string(), &*failed.to_string()));
        let ppm = failed * 1_000_000 / total;
        assert_eq!(text(row, "error_rate"), format!("{}.{:04}", ppm / 10_000, ppm % 10_000));
        let ppm = (total - failed) * 1_000_000 / total;
        assert_eq!(text(row, "answered"), format!("{}.{:04}", ppm / 10_000, ppm % 10_000));
        let us: Vec<i64> = own.iter().map(|one| one.us).collect();
        for (column, part) in [("p50", 50), ("p95", 95), ("p99", 99)] {
            assert!(is_near(text(row, column), quantile(us.clone(), part)), "{column} of {row:?}");
        }
        let longest = us.iter().max().expect("some");
        assert_eq!(text(row, "longest"), format!("{}.{:03}", longest / 1_000, longest % 1_000));
    }
    let days = rows(&report, "throughput");
    assert_eq!(days.len(), 6, "three days of two services");
    let of_first = all.iter().filter(|one| one.day == 0 && one.service == "api").count().to_string();
    assert_eq!((text(&days[0], "day"), text(&days[0], "service")), ("2026-09-01", "api"));
    assert_eq!(text(&days[0], "requests"), of_first);
    let slowest = rows(&report, "slowest");
    assert!(slowest.is_sorted_by_key(|row| -text(row, "p95").replace('.', "").parse::<i64>().expect("digits")));
    let slow: usize = slowest.iter().map(|row| text(row, "slow").parse::<usize>().expect("digits")).sum();
    assert_eq!(slow, all.iter().filter(|one| one.us > 500_000).count());
    says_where_it_comes_from(&lake, &report);
}

/// Every section's statement, given to `auditlake sql`, has the rows of the section; and every file is told.
fn says_where_it_comes_from(lake: &Lake, report: &Value) {
    for section in report["sections"].as_array().expect("sections") {
        let sql = section["source"]["sql"].as_str().expect("a statement");
        let told = lake.rows_at("2026-09-04T00:00:00Z", sql);
        assert_eq!(Some(told.len() as u64), section["rows_total"].as_u64(), "{sql}");
        for (row, shown) in told.iter().zip(section["rows"].as_array().expect("rows")) {
            let row = row.as_object().expect("a row");
            for (column, shown) in
                section["columns"].as_array().expect("columns").iter().zip(shown.as_array().expect("a row"))
            {
                let value = &row[column["name"].as_str().expect("a name")];
                let digits = |text: &str| text.replace('.', "").trim_matches('0').to_owned();
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let (value, shown) = (value.trim_matches('"'), shown.as_str().unwrap_or("null"));
                assert_eq!(digits(value), digits(shown), "{column} of {sql}");
            }
        }
    }
    let inputs = report["provenance"]["inputs"].as_array().expect("inputs");
    assert!(!inputs.is_empty() && inputs.iter().all(|input| !input["etag"].as_str().unwrap_or_default().is_empty()));
    let files = lake.figure("SELECT count(*) FROM auditlake.run_inputs WHERE run LIKE 'performance-daily@%'");
    assert_eq!(inputs.len() as u64, files);
}

#[test]
fn each_format_shows_the_same_and_says_whose_rows_they_are() {
    let lake = lake();
    lake.write("jobs/performance.yaml", performance("performance-daily", ""));
    lake.run(&["run", "performance-daily", AT]).succeeded();
    let folder = "reports/performance-daily/2026-09-04/performance-daily";
    let page = String::from_utf8(lake.object(&format!("{folder}.html")).to_vec()).expect("text");
    for part in [
        "Rows of all tenants",
        "What this report does not have",
        "O'Neil",
        "<svg class=\"lines\"",
        "<svg class=\"bars\"",
    ] {
        assert!(page.contains(part) || page.contains(&part.replace('\'', "&#39;")), "{part}");
    }
    let services = String::from_utf8(lake.object(&format!("{folder}.services.csv")).to_vec()).expect("text");
    assert!(services.starts_with("tenant_id,service,requests,failed,throttled,error_rate (%),"), "{services}");
    assert!(lake.object(&format!("{folder}.xlsx")).starts_with(b"PK"));
    // The same run again writes nothing, and what it wrote proves itself.
    lake.run(&["run", "performance-daily", AT]).said(0, &["was committed before"]);
    let told = lake.json(&["verify", "--at=2026-09-05T00:00:00Z"]);
    assert_eq!(told["findings"].as_array().map(Vec::len), Some(0), "{told}");
    let lineage = lake.run(&["lineage", "trace", "reports.performance-daily.services.p95"]);
    lineage.said(0, &["request_1m", "latency"]);
}

#[test]
fn operations_count_runs_and_what_they_ingested() {
    let lake = lake();
    let event = |id: &str, time: &str| {
        format!(
            "{{\"event_id\":\"{id}\",\"time\":\"{time}\",\"tenant_id\":\"acme\",\"source\":\"app\",\"event_type\":\"data.read\",\
             \"outcome\":\"success\",\"actor_id\":\"u\",\"actor_type\":\"user\"}}\n"
        )
    };
    let [first, second] = ["2026-09-03T10:00:00Z", "2026-09-03T11:00:00Z"].map(|time| event(&time[11..13], time));
    lake.write("drop/events.ndjson", format!("{first}{second}{first}{{\"event_id\":\"broken\"}}\n"));
    lake.write(
        "jobs/bring.yaml",
        "job: bring\nkind: ingest\nfrom: {location: drop/, format: ndjson}\ninto: audit\nmax_rejected_ppm: 1000000\n",
    );
    lake.write(
        "jobs/breaks.yaml",
        "job: breaks\nkind: query\nwindow: 1d\ninto: request_1m\nsql: SELECT 1 AS nothing WHERE $start < $end\n",
    );
    lake.run(&["run", "bring", "--at=2026-09-03T12:00:00Z"]).succeeded();
    lake.run(&["run", "breaks", "--at=2026-09-03T13:00:00Z"]).failed(1, &["tenant_id"]);
    let job = "job: operations-daily\nkind: report\nreport: operations\nwindow: 1d\ndatasets: {events: audit, rejected: audit_rejected, alerts: alert}\n";
    lake.write("jobs/operations.yaml", format!("{job}{OUTPUTS}"));
    let report = report(&lake, "operations-daily", AT);
    let jobs = rows(&report, "jobs");
    // The run of the report itself ends with its interval, and is of the next one.
    assert_eq!(jobs.iter().map(|row| text(row, "job")).collect::<Vec<_>>(), ["breaks", "bring"]);
    let counts = |row| ["known", "done", "missed", "failed", "other"].map(|column| text(row, column).to_owned());
    assert_eq!(counts(&jobs[0]), ["1", "0", "0", "1", "0"]);
    assert_eq!(counts(&jobs[1]), ["1", "1", "0", "0", "0"]);
    let troubles = rows(&report, "troubles");
    assert_eq!((troubles.len(), text(&troubles[0], "state")), (1, "failed"));
    assert!(text(&troubles[0], "error").contains("request_1m"), "{troubles:?}");
    let ingests = rows(&report, "ingests");
    let counts = ["objects", "records", "new_rows", "duplicates", "rejected"].map(|column| text(&ingests[0], column));
    assert_eq!(counts, ["1", "4", "2", "1", "1"]);
    let lag = rows(&report, "lag");
    assert_eq!((text(&lag[0], "events"), text(&lag[0], "latest")), ("2", "7200.000000"));
    assert!(is_near(text(&lag[0], "p50"), 3_600_000_000), "{lag:?}");
    let rejected = rows(&report, "rejected");
    assert_eq!((text(&rejected[0], "job"), text(&rejected[0], "records")), ("bring", "1"));
    let storage = rows(&report, "storage");
    for row in &storage {
        let dataset = text(row, "dataset");
        let objects = lake
            .objects()
            .into_iter()
            .filter(|(name, _)| name.starts_with(&format!("{dataset}/")) && name.ends_with(".parquet"));
        let sizes: Vec<usize> = objects.map(|(_, bytes)| bytes.len()).collect();
        let told = (text(row, "files").to_owned(), text(row, "bytes").to_owned());
        assert_eq!(told, (sizes.len().to_string(), sizes.iter().sum::<usize>().to_string()), "{dataset}");
    }
    assert!(storage.iter().any(|row| text(row, "dataset") == "request_1m"));
    assert_eq!((rows(&report, "alerts").len(), rows(&report, "holds").len()), (0, 0));
}
