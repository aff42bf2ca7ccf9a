//! Real uptime: logs of monitors as probes, whose attainment by month is what an independent count says; the outages that
//! hit many of them at once; and the ladders that a provider publishes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::auditlake::{Lake, real_data};
use crate::real::facts;

/// Three spellings of one line; of two that ran together, the first counts.
const MAPPING: &str = "
SELECT 'lab' AS tenant_id, monitor || '-' || nth AS probe_id, monitor AS target, monitor AS service, 'one' AS location,
  to_timestamp(regexp_match(line, '^([0-9-]+ [0-9:]+),')[1] || ':00Z') AS time,
  regexp_match(line, '^[0-9-]+ [0-9:]+, (success|failed)')[1] = 'success' AS ok,
  CAST(CAST(regexp_match(line, '(?:success|failed),? ([0-9]+[.][0-9]{6})')[1] AS decimal(18, 6)) * 1000000 AS bigint) AS latency_us,
  3600 AS interval_s
FROM input";

/// Every line of every monitor as a record. A line that says the same check again in another spelling is left out; a
/// second monitor of the same name is told apart by its number. How many lines and records.
fn records(folder: &Path, text: &mut String) -> (u64, u64) {
    let (mut lines, mut kept) = (0, 0);
    let mut files: Vec<_> = ["main", "slac_s3df"]
        .into_iter()
        .flat_map(|part| std::fs::read_dir(folder.join(part)).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 24, "monitors");
    for file in files {
        let name = file.file_name().expect("a name").to_string_lossy().replace(".log.gz", "");
        let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in BufReader::new(GzDecoder::new(File::open(&file).expect("a log"))).lines() {
            let line = line.expect("text");
            lines += 1;
            let (time, rest) = line.split_at(16);
            let seconds: String = rest.chars().skip_while(|one| !one.is_ascii_digit()).take(8).collect();
            let of_minute = seen.entry(time.to_owned()).or_default();
            if of_minute.insert(seconds) {
                text.push_str(&format!("{name},{},\"{line}\"\n", of_minute.len()));
                kept += 1;
            }
        }
    }
    (lines, kept)
}

/// A lake with an SLA for each monitor, whose checks are counted.
fn loaded(data: &Path) -> Lake {
    let lake = Lake::new();
    let mut text = String::from("monitor,nth,line\n");
    let (lines, kept) = records(&data.join("uptime/fettle"), &mut text);
    let facts = facts(data, "uptime/fettle");
    let checks = facts.as_object().expect("monitors").values().map(|of| of["checks"].as_u64().expect("a count"));
    assert_eq!(lines, checks.sum::<u64>(), "lines of all logs");
    let file = lake.write("checks.csv", text).display().to_string();
    let mapping = lake.write("checks.sql", MAPPING).display().to_string();
    let command = ["ingest", "csv", &file, "--into", "probe", "--mapping", "fettle@1", "--map-file", &mapping];
    let told = lake.json(&command);
    assert_eq!((&told["rows"], &told["rejected"]), (&kept.into(), &0.into()), "{told}");
    lake.write(
        "slas/own.yaml",
        "tiers: own\nversion: 1\neffective: 2022-01-01\ntier: {any: {uptime: \"99\"}}\n\
         credits: {uptime: [{below: target, percent: \"10\"}]}\n",
    );
    lake
}

/// An SLA of a monitor, and its job.
fn promise(lake: &Lake, service: &str, (method, rest): (&str, &str)) -> String {
    let name = format!("{}-{method}", service.to_ascii_lowercase());
    lake.write(
        &format!("slas/{name}.yaml"),
        format!(
            "sla: {name}\nservice: {service}\nprobes: {{dataset: probe, stale_after: 2h}}\nmethod: {method}\ntimezone: UTC\n\
             tiers: own\ntenants: {{lab: any}}\n{rest}"
        ),
    );
    lake.write(&format!("jobs/{name}.yaml"), format!("job: {name}\nkind: sla\nsla: {name}\ninto: sla_result\n"));
    name
}

#[test]
fn attainment_of_monitors_is_what_the_facts_say() {
    let Some(data) = real_data("attainment_of_monitors_is_what_the_facts_say") else { return };
    let lake = loaded(&data);
    let facts = facts(&data, "uptime/fettle");
    // Every third of the monitors with figures by month, and the one name that two monitors have; or all of them.
    let monitors: Vec<(String, &Value)> = facts
        .as_object()
        .expect("monitors")
        .iter()
        .filter(|(_, facts)| facts["per_month_checks_failed"].is_object())
        .map(|(path, facts)| (path.replace("slac_s3df/", "").replace(".log.gz", ""), facts))
        .collect();
    let is_whole = std::env::var_os("AUDITLAKE_MONITORS").is_some();
    let chosen = monitors.iter().enumerate();
    let chosen = chosen.filter(|(at, (name, _))| is_whole || at % 3 == 0 || name == "Rubin_Dashboard");
    for (_, (service, facts)) in chosen {
        let sla = promise(&lake, service, ("occurrences", "max_unknown: \"100\"\n"));
        for (month, counts) in facts["per_month_checks_failed"].as_object().expect("months") {
            let (checks, failed) = (counts[0].as_u64().expect("a count"), counts[1].as_u64().expect("a count"));
            let (year, number) = month.split_once('-').expect("a month");
            let (year, number): (u32, u32) = (year.parse().expect("a year"), number.parse().expect("a number"));
            let (year, number) = if number == 12 { (year + 1, 1) } else { (year, number + 1) };
            lake.run(&["run", &sla, &format!("--at={year}-{number:02}-09T00:00:00Z")]).succeeded();
            let told = lake.json(&["sla", "explain", "lab", month, "--sla", &sla]);
            let uptime = &told["parts"][0]["results"][0];
            assert_eq!(uptime["valid"], checks, "{service} {month}");
            assert_eq!(uptime["good"], checks - failed, "{service} {month}");
            let is_kept = (checks - failed) * 100 >= 99 * checks;
            assert_eq!(uptime["status"], if is_kept { "ok" } else { "missed" }, "{service} {month}");
        }
    }
}

#[test]
fn outages_that_hit_many_monitors_at_once_are_told_with_their_hours() {
    let Some(data) = real_data("outages_that_hit_many_monitors_at_once_are_told_with_their_hours") else { return };
    let lake = loaded(&data);
    let slices = "slices: {length: 1h}\nmax_unknown: \"100\"\n";
    let bad = |sla: &str, at: &str, month: &str| -> Vec<(String, u64)> {
        lake.run(&["run", sla, &format!("--at={at}")]).succeeded();
        let told = lake.json(&["sla", "explain", "lab", month, "--sla", sla]);
        let runs = told["runs"].as_array().expect("runs").iter().filter(|run| run["what"] == "bad");
        runs.map(|run| {
            let start = run["interval"]["start"].as_str().expect("an instant").to_owned();
            (start, run["slices"].as_u64().expect("a count"))
        })
        .collect()
    };
    let whole = promise(&lake, "S3DF", ("timeslices", slices));
    let november = bad(&whole, "2024-12-09T00:00:00Z", "2024-11");
    assert!(november.iter().any(|(start, _)| start.starts_with("2024-11-14")), "{november:?}");
    assert!(november.iter().map(|(_, hours)| hours).sum::<u64>() >= 3, "{november:?}");
    for service in ["S3DF", "SLURM", "Storage", "Globus"] {
        let sla = promise(&lake, service, ("timeslices", slices));
        let december = bad(&sla, "2025-01-09T00:00:00Z", "2024-12");
        let is_of_it = |(start, _): &(String, u64)| start.starts_with("2024-12-26") || start.starts_with("2024-12-27");
        let hours: u64 = december.iter().filter(|run| is_of_it(run)).map(|(_, hours)| hours).sum();
        assert!(hours >= 8, "{service}: {december:?}");
    }
}

#[test]
fn ladders_that_a_provider_publishes_owe_what_they_say() {
    let Some(data) = real_data("ladders_that_a_provider_publishes_owe_what_they_say") else { return };
    let text = std::fs::read_to_string(data.join("uptime/sla_credit_tables.json")).expect("tables");
    let tables: Value = serde_json::from_str(&text).expect("JSON");
    for (number, table) in tables.as_array().expect("tables").iter().enumerate() {
        let steps = table["tiers"].as_array().expect("steps");
        let target = steps[0]["lt"].as_f64().expect("a percentage");
        let bands: Vec<String> = steps
            .iter()
            .map(|step| {
                format!("{{below: \"{:.2}\", percent: \"{}\"}}", step["lt"].as_f64().expect("one"), step["credit_pct"])
            })
            .collect();
        let lake = Lake::new();
        lake.write(
            "slas/own.yaml",
            format!(
                "tiers: own\nversion: 1\neffective: 2022-01-01\ntier: {{any: {{uptime: \"{target:.2}\"}}}}\n\
                 credits: {{uptime: [{}]}}\n",
                bands.join(", ")
            ),
        );
        let sla = promise(&lake, "api", ("occurrences", "max_unknown: \"100\"\n"));
        // Ten thousand checks a month, of which one more or as many fail as each step allows.
        let mut months = BTreeMap::new();
        let mut sql = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let below = (step["lt"].as_f64().expect("one") * 100.0).round() as u64;
            for (offset, owed) in [(0, at.checked_sub(1)), (1, Some(at))] {
                let month = format!("2024-{:02}", 2 * at + offset + 1);
                let failed = 10_000 - below + offset as u64;
                let start =
                    schemas::parse_rfc3339(&format!("{month}-01T00:00:00Z")).expect("an instant").timestamp_micros();
                sql.push(format!("SELECT {start} AS start, {failed} AS failed"));
                months.insert(month, owed.map_or(0, |owed| steps[owed]["credit_pct"].as_u64().expect("one")));
            }
        }
        let fill = format!(
            "job: fill\nkind: query\nwindow: 366d\ninto: probe\nsql: |\n  SELECT 'lab' AS tenant_id, 'p' AS probe_id, 'api' AS target, \
             'api' AS service, 'one' AS location, to_timestamp_micros(start + n * 240000000) AS time, n >= \
             failed AS ok, 1 AS latency_us, 240 AS interval_s FROM ({}), (SELECT unnest(generate_series(0, 9999)) AS n) WHERE \
             $start < $end\n",
            sql.join(" UNION ALL ")
        );
        lake.write("jobs/fill.yaml", fill);
        lake.run(&["run", "fill", "--at=2025-01-01T00:00:00Z"]).succeeded();
        for (month, owed) in months {
            let at = format!("--at={}-09T00:00:00Z", next_month(&month));
            lake.run(&["run", &sla, &at]).succeeded();
            let told = lake.json(&["sla", "explain", "lab", &month, "--sla", &sla]);
            let uptime = &told["parts"][0]["results"][0];
            assert_eq!(uptime["valid"], 10_000);
            assert_eq!(uptime["credit_percent"], owed.to_string(), "table {number}, {month}: {uptime}");
        }
    }
}

fn next_month(month: &str) -> String {
    let number: u32 = month[5..].parse().expect("a number");
    format!("{}-{:02}", &month[..4], number + 1)
}
