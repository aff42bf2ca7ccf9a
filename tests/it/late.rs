//! Rows that come after the run of their interval: it is named, and computed anew where the job says so.

use serde_json::{Value, json};

use crate::auditlake::Lake;

const PER_HOUR: &str = "dataset: per_hour\nlocation: per_hour/\ntenant: tenant_id\ntime: hour\n";

fn event(id: &str, time: &str) -> String {
    format!(
        r#"{{"event_id":"{id}","time":"2026-03-04T{time}:00Z","tenant_id":"acme","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-1","actor_type":"user"}}"#
    ) + "\n"
}

fn ingest(lake: &Lake, name: &str, events: &[(&str, &str)], at: &str) {
    lake.write(&format!("drop/{name}"), events.iter().map(|(id, time)| event(id, time)).collect::<String>());
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", &format!("--at=2026-03-04T{at}:00Z")]);
}

/// A lake with an event in each hour from eight to noon, and a job that counts them hour by hour.
fn lake_with(late: &str) -> Lake {
    let lake = Lake::new();
    lake.write("datasets/per_hour.yaml", PER_HOUR);
    lake.write(
        "jobs/hourly.yaml",
        format!(
            "job: hourly\nkind: query\ninto: per_hour\nschedule: {{cron: \"0 * * * *\", start: \"2026-03-04T08:00:00Z\", \
             catch_up: all{late}}}\nsql: |\n  SELECT tenant_id, date_trunc('hour', time) AS hour, count(*) AS events\n  FROM \
             audit WHERE time >= $start AND time < $end GROUP BY tenant_id, date_trunc('hour', time)\n"
        ),
    );
    ingest(&lake, "a.ndjson", &[("a", "08:30"), ("b", "09:30"), ("c", "10:30"), ("d", "11:30")], "12:00");
    assert_eq!(due(&lake, "12:00"), ["09 1", "10 1", "11 1", "12 1"]);
    lake
}

/// Runs that `run --due` committed, by hour, each with its revision.
fn due(lake: &Lake, at: &str) -> Vec<String> {
    let told = lake.json(&["run", "--due", &format!("--at=2026-03-04T{at}:00Z")]);
    let committed = told["events"].as_array().expect("events").iter().filter(|event| event["event"] == "committed");
    let shown = |event: &Value| {
        let run = event["run"].as_str().expect("a run");
        format!("{} {}", &run[16..18], event["revision"])
    };
    committed.map(shown).collect()
}

fn counted(lake: &Lake) -> Vec<u64> {
    let rows = lake.rows("SELECT sum(events) AS n FROM per_hour GROUP BY hour ORDER BY hour");
    rows.iter().map(|row| row["n"].as_u64().or_else(|| row["n"].as_f64().map(|n| n as u64)).expect("a count")).collect()
}

fn stale(lake: &Lake, at: &str) -> Vec<Value> {
    let told = lake.json(&["runs", "stale", &format!("--at=2026-03-04T{at}:00Z")]);
    told["stale"].as_array().expect("a list").clone()
}

#[test]
fn a_run_is_computed_anew_for_rows_that_came_late_as_long_as_its_job_says() {
    let lake = lake_with(", late: {revise_within: 3h}");
    assert_eq!(stale(&lake, "12:30"), [] as [Value; 0]);
    // Late for three runs: of an interval that ended too long ago, of one that did not, and of one with two rows.
    ingest(&lake, "late.ndjson", &[("e", "08:10"), ("f", "10:20"), ("g", "11:01"), ("h", "11:59")], "12:40");
    let found = stale(&lake, "12:45");
    let rows: Vec<_> = found.iter().map(|one| (&one["late"][0]["rows"], &one["revised_by_itself"])).collect();
    assert_eq!(rows, [(&json!(1), &json!(false)), (&json!(1), &json!(true)), (&json!(2), &json!(true))], "{found:?}");
    assert_eq!(due(&lake, "13:00"), ["13 1", "11 2", "12 2"]);
    assert_eq!(counted(&lake), [1, 1, 2, 3]);
    assert_eq!(due(&lake, "13:01"), [] as [&str; 0]);
    let left = stale(&lake, "13:02");
    assert_eq!((left.len(), &left[0]["run"]), (1, &json!("hourly@20260304T090000Z")), "{left:?}");
    let command = left[0]["command"].as_str().expect("a command");
    let mut args: Vec<&str> = command.split(' ').skip(1).collect();
    args.extend(["--yes", "--at=2026-03-04T13:03:00Z"]);
    lake.json(&args);
    assert_eq!((counted(&lake), stale(&lake, "13:04")), (vec![2, 1, 2, 3], vec![]));
    // The same rows in other files are not late, and neither are rows of no interval.
    lake.json(&["compact", "audit", "--at=2026-03-04T13:05:00Z"]);
    assert_eq!(stale(&lake, "13:06"), [] as [Value; 0]);
    ingest(&lake, "other.ndjson", &[("i", "07:59"), ("j", "13:10")], "13:15");
    assert_eq!((stale(&lake, "13:20"), due(&lake, "13:20")), (vec![], vec![]));
}

#[test]
fn late_rows_are_only_named_unless_a_job_says_more() {
    let lake = lake_with("");
    ingest(&lake, "late.ndjson", &[("e", "08:10")], "12:40");
    assert_eq!(due(&lake, "13:00"), ["13 1"]);
    let told = lake.run(&["runs", "stale", "hourly", "--fail-on", "stale", "--at=2026-03-04T13:01:00Z"]);
    assert_eq!(told.code, Some(3), "{told:?}");
    assert!(told.out.contains("hourly@20260304T090000Z") && told.out.contains("lacks 1 row of audit"), "{told:?}");
    assert!(told.out.contains("auditlake run hourly --from 2026-03-04T08:00:00Z"), "{told:?}");
    // Whoever merges files says before what a run lacks of them.
    lake.json(&["compact", "audit", "--at=2026-03-04T13:00:30Z"]);
    assert_eq!(stale(&lake, "13:01").len(), 1);
    let told = lake.run(&["runs", "stale", "--since", "1h", "--at=2026-03-04T13:01:00Z"]);
    assert_eq!((told.code, told.out.trim()), (Some(0), "no run lacks rows that came late"));
}
