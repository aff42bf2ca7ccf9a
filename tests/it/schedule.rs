//! Schedules: each interval is computed once, those that were missed are named, and a failure says what is tried next.

use serde_json::{Value, json};

use crate::auditlake::Lake;

const PER_HOUR: &str = "dataset: per_hour\nlocation: per_hour/\ntenant: tenant_id\ntime: hour\n";
const SQL: &str = "into: per_hour\nsql: |\n  SELECT tenant_id, date_trunc('hour', time) AS hour, count(*) AS events\n  \
                   FROM audit WHERE time >= $start AND time < $end GROUP BY tenant_id, date_trunc('hour', time)\n";

/// One event in the middle of each hour of 2026-03-04.
fn event(hour: u32) -> String {
    format!(
        r#"{{"event_id":"e-{hour}","time":"2026-03-04T{hour:02}:30:00Z","tenant_id":"acme","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-1","actor_type":"user"}}"#
    ) + "\n"
}

/// A lake with a job of a schedule.
fn lake_with(schedule: &str) -> Lake {
    let lake = Lake::new();
    lake.write("drop/day.ndjson", (0..24).map(event).collect::<String>());
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", "--at=2026-03-05T00:00:00Z"]);
    lake.write("datasets/per_hour.yaml", PER_HOUR);
    write_job(&lake, schedule);
    lake
}

fn write_job(lake: &Lake, schedule: &str) {
    lake.write("jobs/hourly.yaml", format!("job: hourly\nkind: query\nschedule: {schedule}\n{SQL}"));
}

/// What `run --due` did at an instant of that day: hours that were committed, and hours that were missed, with why.
fn due(lake: &Lake, time: &str) -> (Vec<String>, Vec<String>) {
    let at = format!("--at=2026-03-04T{time}:00Z");
    let told = lake.json(&["run", "--due", &at]);
    let events = told["events"].as_array().expect("events").clone();
    let hour = |event: &Value| event["run"].as_str().and_then(|run| run.get(16..18)).expect("a run").to_owned();
    let of = |name: &str| events.iter().filter(move |event| event["event"] == name).cloned().collect::<Vec<_>>();
    let missed = of("missed")
        .iter()
        .map(|event| format!("{} {}", hour(event), event["reason"].as_str().unwrap_or("")))
        .collect();
    (of("committed").iter().map(hour).collect(), missed)
}

fn hours(lake: &Lake) -> Vec<u64> {
    let rows = lake.rows("SELECT date_part('hour', hour) AS h, sum(events) AS n FROM per_hour GROUP BY 1 ORDER BY 1");
    rows.iter().map(|row| row["h"].as_f64().expect("an hour") as u64).collect()
}

#[test]
fn what_a_runner_missed_is_caught_up_or_named() {
    for (catch_up, runs, missed) in [
        ("none", vec![], vec!["10 not_running", "11 not_running", "12 not_running", "13 not_running"]),
        ("latest", vec!["13"], vec!["10 superseded", "11 superseded", "12 superseded"]),
        ("all", vec!["10", "11", "12", "13"], vec![]),
        ("{all: 2}", vec!["12", "13"], vec!["10 superseded", "11 superseded"]),
    ] {
        let lake = lake_with(&format!("{{cron: \"0 * * * *\", catch_up: {catch_up}}}"));
        assert_eq!(due(&lake, "09:30"), (vec![], vec![]), "{catch_up}");
        let (ran, named) = due(&lake, "13:10");
        assert_eq!(
            (ran, named),
            (runs.iter().map(ToString::to_string).collect(), missed.iter().map(ToString::to_string).collect()),
            "{catch_up}"
        );
        // The same again finds nothing to do, and the next hour is due as ever.
        assert_eq!(due(&lake, "13:20"), (vec![], vec![]), "{catch_up}");
        assert_eq!(due(&lake, "14:01"), (vec!["14".to_owned()], vec![]), "{catch_up}");
        let listed = lake.json(&["runs", "missing", "--at=2026-03-04T14:05:00Z"]);
        assert_eq!(listed["missing"].as_array().map(Vec::len), Some(missed.len()), "{catch_up}: {listed:#}");
        lake.run(&["verify", "--at=2026-03-04T14:05:00Z"]).succeeded();
    }
}

#[test]
fn what_is_too_late_is_missed_and_a_backfill_fills_it() {
    let lake =
        lake_with("{cron: \"0 * * * *\", start: \"2026-03-04T00:00:00Z\", catch_up: all, starting_deadline: 3h}");
    let (ran, missed) = due(&lake, "05:00");
    assert_eq!(ran, ["02", "03", "04", "05"]);
    assert_eq!(missed, ["01 deadline"]);
    assert_eq!(hours(&lake), [1, 2, 3, 4]);
    let at = "--at=2026-03-04T05:30:00Z";
    let listed = lake.json(&["runs", "missing", at]);
    let one = &listed["missing"][0];
    assert_eq!((&one["run"], &one["reason"]), (&json!("hourly@20260304T010000Z"), &json!("deadline")));
    lake.run(&["runs", "missing", "--fail-on", "missing", at])
        .said(3, &["hourly@20260304T010000Z", "1 interval without"]);
    // The command that the list shows fills it, and nothing is computed twice.
    let command = one["command"].as_str().expect("a command").to_owned();
    let args: Vec<&str> = command.split(' ').skip(1).chain([at]).collect();
    lake.run(&[args.as_slice(), &["--dry-run"]].concat()).said(0, &["would run hourly@20260304T010000Z", "1 run"]);
    lake.run(&args).said(0, &["committed hourly@20260304T010000Z", "1 committed, 0 failed"]);
    lake.run(&args).said(0, &["nothing to run"]);
    assert_eq!(hours(&lake), [0, 1, 2, 3, 4]);
    lake.run(&["runs", "missing", "--fail-on", "missing", at]).said(0, &["nothing is missing"]);
    // Also of the time before its schedule begins, and of more than one at a time.
    let days = ["run", "hourly", "--from", "2026-03-03", "--to", "2026-03-04", "--workers", "3", at];
    lake.run(&days).said(0, &["24 committed, 0 failed"]);
    lake.run(&days).said(0, &["nothing to run"]);
    let all = ["run", "hourly", "--from", "2026-03-04", "--to", "2026-03-05", "--only", "all", at];
    lake.run(&all).failed(2, &["nothing was changed; --yes goes on without asking"]);
    lake.run(&[all.as_slice(), &["--yes"]].concat()).said(0, &["5 committed, 0 failed"]);
    assert_eq!(hours(&lake), [0, 1, 2, 3, 4]);
    let shown = lake.json(&["runs", "show", "hourly@20260304T010000Z"]);
    assert_eq!(shown["commit"]["revision"], 2);
}

#[test]
fn a_paused_schedule_starts_nothing_and_says_so() {
    let lake = lake_with("{cron: \"0 * * * *\"}");
    due(&lake, "09:30");
    let pause = ["schedule", "pause", "hourly", "--reason", "the source moves", "--at=2026-03-04T09:40:00Z"];
    lake.run(&pause).said(0, &["job \"hourly\" is paused"]);
    lake.run(&pause).failed(1, &["it is paused since 2026-03-04T09:40:00Z, by operator", "schedule resume hourly"]);
    let (ran, missed) = due(&lake, "11:30");
    assert_eq!((ran.len(), missed), (0, vec!["10 paused".to_owned(), "11 paused".to_owned()]));
    lake.run(&["job", "show", "hourly", "--at=2026-03-04T11:30:00Z"]).said(0, &["paused since", "the source moves"]);
    lake.run(&["schedule", "resume", "hourly", "--at=2026-03-04T12:30:00Z"])
        .said(0, &["1 interval of the pause will be run", "2 intervals stay missed"]);
    let (ran, missed) = due(&lake, "12:40");
    assert_eq!((ran, missed.len()), (vec!["12".to_owned()], 0));
    assert_eq!(due(&lake, "13:00").0, ["13"]);
    lake.run(&["schedule", "resume", "hourly"]).failed(1, &["it is not paused"]);
    lake.run(&["schedule", "pause", "compliance", "--reason", "x"]).failed(1, &["it has no schedule"]);
    lake.run(&["schedule", "pause", "hourly", "--reason", " "]).failed(2, &["--reason is empty"]);
}

#[test]
fn a_job_waits_for_what_it_reads() {
    let lake = lake_with("{cron: \"0 * * * *\", catch_up: all, start: \"2026-03-04T00:00:00Z\"}");
    let out = |extra: &str| {
        format!(
            "job: out\nkind: export\n{extra}\nsql: SELECT tenant_id, hour, events FROM per_hour WHERE hour >= $start AND hour < $end \
             ORDER BY hour\nto: \"exports/out/{{interval.end:%Y%m%dT%H%M}}/\"\nformat: csv\n"
        )
    };
    lake.write(
        "jobs/out.yaml",
        out("schedule: {cron: \"0 3,6 * * *\", start: \"2026-03-04T00:00:00Z\"}\nafter: [{job: hourly, wait: 2h}]"),
    );
    lake.write(
        "jobs/each.yaml",
        out("after: [{job: hourly}]").replace("job: out", "job: each").replace("exports/out", "exports/each"),
    );
    let told = lake.json(&["run", "--due", "--at=2026-03-04T03:00:00Z"]);
    let runs = |told: &Value| -> Vec<String> {
        let events = told["events"].as_array().expect("events").iter();
        events
            .map(|event| format!("{} {}", event["event"].as_str().unwrap_or(""), event["run"].as_str().unwrap_or("")))
            .collect()
    };
    let has = |told: &Value, one: &str| runs(told).iter().any(|run| run == one);
    assert!(has(&told, "committed out@20260304T030000Z"), "{:?}", runs(&told));
    let of_out = runs(&told).iter().position(|run| run.contains("out@")).expect("out");
    assert!(runs(&told)[..of_out].iter().filter(|run| run.contains("hourly@")).count() == 3, "{:?}", runs(&told));
    // The follower was seen first at this instant: what was committed since is its own.
    write_job(&lake, "{cron: \"0 * * * *\", catch_up: all, start: \"2026-03-04T00:00:00Z\", lateness: 1h}");
    let told = lake.json(&["run", "--due", "--at=2026-03-04T06:00:00Z"]);
    assert!(
        has(&told, "committed hourly@20260304T050000Z") && has(&told, "committed each@20260304T050000Z"),
        "{:?}",
        runs(&told)
    );
    let waiting = &told["waiting"][0];
    assert_eq!(waiting["run"], "out@20260304T060000Z");
    assert_eq!(waiting["what"], "waits for hourly@20260304T060000Z, which is not started");
    lake.run(&["job", "explain", "out", "--at=2026-03-04T06:30:00Z"]).said(
        0,
        &[
            "out@20260304T060000Z covers [2026-03-04T03:00:00Z, 2026-03-04T06:00:00Z)",
            "waited for hourly@20260304T0",
            "it is queued",
        ],
    );
    // It gives up waiting after two hours, names what was not there, and is run when somebody says so.
    write_job(&lake, "{cron: \"0 * * * *\", catch_up: all, start: \"2026-03-04T00:00:00Z\", lateness: 6h}");
    let ran = lake.run(&["run", "--due", "--fail-on", "missed", "--at=2026-03-04T08:01:00Z"]);
    ran.said(3, &["missed out@20260304T060000Z: upstream, hourly@20260304T060000Z, which is not started"]);
    let late =
        ["run", "out", "--from", "2026-03-04T03:00:00Z", "--to", "2026-03-04T06:00:00Z", "--at=2026-03-04T08:02:00Z"];
    lake.run(&late).said(
        1,
        &["failed out@20260304T060000Z", "it needs hourly@20260304T060000Z, which is not started; run that first"],
    );
    write_job(&lake, "{cron: \"0 * * * *\", catch_up: all, start: \"2026-03-04T00:00:00Z\"}");
    lake.json(&["run", "--due", "--at=2026-03-04T08:03:00Z"]);
    lake.run(&late).said(0, &["committed out@20260304T060000Z"]);
}

#[test]
fn an_edited_schedule_leaves_no_gap_and_no_overlap() {
    let lake = lake_with("{cron: \"0 * * * *\", start: \"2026-03-04T00:00:00Z\", catch_up: all}");
    assert_eq!(due(&lake, "03:00").0, ["01", "02", "03"]);
    write_job(&lake, "{cron: \"30 */4 * * *\", start: \"2026-03-04T00:00:00Z\", catch_up: all}");
    assert_eq!(due(&lake, "09:00").0, ["04", "08"]);
    write_job(&lake, "{cron: \"15 * * * *\", start: \"2026-03-04T00:00:00Z\", catch_up: all}");
    assert_eq!(due(&lake, "11:00").0, ["09", "10"]);
    let runs = lake.json(&["runs", "list"]);
    let mut spans: Vec<(String, String)> = Vec::new();
    for run in runs["runs"].as_array().expect("runs") {
        let shown = lake.json(&["runs", "show", run["run"].as_str().expect("a run")]);
        let interval = &shown["attempts"][0]["scheduled"];
        spans.push((
            interval["start"].as_str().expect("start").to_owned(),
            interval["end"].as_str().expect("end").to_owned(),
        ));
    }
    spans.sort();
    assert_eq!(spans.first().map(|(start, _)| start.as_str()), Some("2026-03-04T00:00:00Z"));
    assert_eq!(spans.last().map(|(_, end)| end.as_str()), Some("2026-03-04T10:15:00Z"));
    assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0), "{spans:?}");
}

#[test]
fn what_was_run_before_there_was_a_schedule_swallows_no_interval() {
    let lake = lake_with("{cron: \"0 * * * *\"}");
    lake.write("jobs/hourly.yaml", format!("job: hourly\nkind: query\nwindow: 1h\n{SQL}"));
    lake.run(&["run", "hourly", "--at=2026-03-04T09:17:00Z"]).succeeded();
    write_job(&lake, "{cron: \"0 * * * *\", start: \"2026-03-04T00:00:00Z\", catch_up: all}");
    lake.run(&["run", "hourly", "--at=2026-03-04T10:05:00Z"]).failed(1, &["overlaps"]);
    // Its rows would count twice; every other hour is run.
    let told = lake.run(&["run", "--due", "--at=2026-03-04T08:05:00Z"]);
    told.said(0, &["committed hourly@20260304T010000Z", "committed hourly@20260304T080000Z", "8 committed"]);
}

#[test]
fn an_edited_start_loses_nothing() {
    let lake = lake_with("{cron: \"0 * * * *\", start: \"2026-03-04T00:00:00Z\", catch_up: all}");
    assert_eq!(due(&lake, "03:00").0, ["01", "02", "03"]);
    write_job(&lake, "{cron: \"0 * * * *\", catch_up: all}");
    assert_eq!(due(&lake, "06:00").0, ["04", "05", "06"]);
    write_job(&lake, "{cron: \"0 * * * *\", start: \"2026-03-03T22:00:00Z\", catch_up: all}");
    let told = lake.run(&["run", "--due", "--at=2026-03-04T06:30:00Z"]);
    told.said(0, &["committed hourly@20260303T230000Z", "committed hourly@20260304T000000Z", "2 committed"]);
    // What was computed before a beginning, by another pattern, is not computed again.
    let span = ["run", "hourly", "--from", "2026-03-03T10:00:00Z", "--to", "2026-03-03T14:00:00Z"];
    let at = "--at=2026-03-04T06:30:00Z";
    lake.run(&[span.as_slice(), &[at]].concat()).said(0, &["4 committed"]);
    write_job(&lake, "{cron: \"30 * * * *\", start: \"2026-03-03T22:00:00Z\", catch_up: all}");
    lake.run(&[span.as_slice(), &[at, "--dry-run"]].concat()).said(0, &["0 runs"]);
}

#[test]
fn a_pause_starts_nothing_of_what_waited_and_a_follower_misses_nothing() {
    let lake = lake_with("{cron: \"0 * * * *\", start: \"2026-03-04T00:00:00Z\", catch_up: all}");
    lake.write(
        "jobs/each.yaml",
        "job: each\nkind: export\nafter: [{job: hourly}]\nsql: SELECT tenant_id, hour, events FROM per_hour WHERE hour >= $start \
         AND hour < $end ORDER BY hour\nto: \"exports/each/{interval.end:%Y%m%dT%H%M}/\"\nformat: csv\n",
    );
    let pause = |job: &str, time: &str| {
        let at = format!("--at=2026-03-04T{time}:00Z");
        lake.run(&["schedule", "pause", job, "--reason", "a move", &at]).succeeded();
    };
    let resume = |job: &str, time: &str| {
        let at = format!("--at=2026-03-04T{time}:00Z");
        lake.run(&["schedule", "resume", job, &at]).succeeded();
    };
    pause("hourly", "03:30");
    pause("each", "00:30");
    assert_eq!(due(&lake, "03:40"), (vec![], vec![]));
    lake.run(&["run", "--due", "--at=2026-03-04T03:40:00Z"])
        .said(0, &["hourly@20260304T010000Z waits for the end of the pause"]);
    // An interval that is waived before anybody recorded it is not run afterwards.
    let waive =
        ["runs", "waive", "hourly@20260304T020000Z", "--reason", "nobody needs it", "--at=2026-03-04T03:40:00Z"];
    lake.run(&waive).succeeded();
    resume("hourly", "03:50");
    assert_eq!(due(&lake, "03:55").0, ["01", "03"]);
    resume("each", "04:10");
    let told = lake.run(&["run", "--due", "--at=2026-03-04T04:10:00Z"]);
    told.said(
        0,
        &["committed each@20260304T010000Z", "committed each@20260304T030000Z", "committed each@20260304T040000Z"],
    );
}

/// What a runner left that began the run of 10:00 and was heard of no more.
fn begun_at_ten(lake: &Lake, holder: &Value) {
    let run = "20260304T100000Z";
    let interval = json!({ "start": "2026-03-04T09:00:00Z", "end": "2026-03-04T10:00:00Z" });
    let start = json!({
        "run": format!("hourly@{run}"), "attempt": 1, "started_at": "2026-03-04T10:00:01Z", "kind": "query", "interval": interval,
        "scheduled": interval, "definitions_sha256": "", "job_sha256": "", "version": "0.1.0",
    });
    lake.put(&format!("_auditlake/claims/runs/hourly/{run}/epoch-000001"), holder.to_string());
    lake.put(&format!("_auditlake/runs/hourly/{run}/1.start.json"), start.to_string());
}

#[test]
fn what_elapsed_after_a_runner_died_is_caught_up_as_ever() {
    let lake = lake_with("{cron: \"0 * * * *\", catch_up: latest}");
    due(&lake, "09:30");
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a machine");
    let space = std::fs::read_link("/proc/self/ns/pid").expect("a space of processes");
    begun_at_ten(
        &lake,
        &json!({
            "runner": "process 4194999", "nonce": "08", "boot": boot.trim(), "process_space": space.to_string_lossy(),
            "process": 4_194_999, "process_start": "1",
        }),
    );
    let (ran, missed) = due(&lake, "14:10");
    assert_eq!(ran, ["10", "14"]);
    assert_eq!(missed, ["11 superseded", "12 superseded", "13 superseded"]);
}

#[test]
fn a_runner_that_died_elsewhere_is_watched_for_a_while_and_followed() {
    let lake = lake_with("{cron: \"0 * * * *\", catch_up: all}");
    due(&lake, "09:30");
    let elsewhere = json!({
        "runner": "process 7", "nonce": "07", "boot": "another", "process_space": null, "process": 7, "process_start": null,
    });
    begun_at_ten(&lake, &elsewhere);
    // It may be at work until its claim has lapsed: that takes as long as it takes.
    let (ran, missed) = due(&lake, "12:10");
    assert_eq!((ran, missed.len()), (vec!["10".to_owned(), "11".to_owned(), "12".to_owned()], 0));
    let shown = lake.json(&["runs", "show", "hourly@20260304T100000Z"]);
    assert_eq!(shown["commit"]["attempt"], 2);
}

#[test]
fn a_job_waits_for_nothing_before_the_other_began() {
    let lake = lake_with("{cron: \"*/5 * * * *\", catch_up: all}");
    lake.write(
        "jobs/checked.yaml",
        "job: checked\nkind: verify\nschedule: {cron: \"0 * * * *\"}\nafter: [{job: hourly}]\n",
    );
    lake.json(&["run", "--due", "--at=2026-03-04T10:07:00Z"]);
    lake.run(&["run", "--due", "--at=2026-03-04T10:59:00Z"]).said(0, &["committed hourly@20260304T105500Z"]);
    lake.run(&["run", "--due", "--at=2026-03-04T11:00:00Z"]).said(0, &["committed checked@20260304T110000Z"]);
}

#[test]
fn what_fails_is_tried_again_only_where_that_may_help() {
    // A statement that is wrong for good: the attempt is recorded, and it is not tried again.
    let lake = lake_with("{cron: \"0 * * * *\", start: \"2026-03-04T08:00:00Z\", catch_up: all}");
    lake.write("jobs/hourly.yaml", format!("job: hourly\nkind: query\nschedule: {{cron: \"0 * * * *\", start: \"2026-03-04T08:00:00Z\", catch_up: all}}\n{}", SQL.replace("FROM audit", "FROM nowhere")));
    let ran = lake.run(&["run", "--due", "--at=2026-03-04T10:00:00Z"]);
    ran.said(
        1,
        &[
            "failed hourly@20260304T090000Z (",
            "failed hourly@20260304T090000Z, not tried again",
            "failed hourly@20260304T100000Z, not tried again",
        ],
    );
    let listed = lake.run(&["runs", "missing", "--at=2026-03-04T10:00:00Z"]);
    listed.said(0, &["hourly@20260304T090000Z                  failed", "nowhere", "--only failed"]);
    lake.run(&["run", "--due", "--at=2026-03-04T10:30:00Z"]).said(0, &["nothing is due"]);
    // Once it is put right, the command that the list shows computes it.
    write_job(&lake, "{cron: \"0 * * * *\", start: \"2026-03-04T08:00:00Z\", catch_up: all}");
    let again = [
        "run",
        "hourly",
        "--from",
        "2026-03-04T08:00:00Z",
        "--to",
        "2026-03-04T10:00:00Z",
        "--only",
        "failed",
        "--at=2026-03-04T10:40:00Z",
    ];
    lake.run(&again).said(0, &["2 committed, 0 failed"]);
    lake.run(&["runs", "missing", "--at=2026-03-04T10:40:00Z"]).said(0, &["nothing is missing"]);
}

#[test]
fn an_attempt_that_takes_too_long_is_ended_and_tried_again() {
    let lake = lake_with("{cron: \"0 * * * *\"}");
    let slow = SQL.replace(
        "count(*) AS events",
        "count(*) AS events, (SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8) AS slow",
    );
    lake.write(
        "jobs/hourly.yaml",
        format!("job: hourly\nkind: query\nschedule: {{cron: \"0 * * * *\", start: \"2026-03-04T08:00:00Z\"}}\ntimeout: 1s\nretry: {{max: 1, base: 10s}}\n{slow}"),
    );
    let at = |time: &str| format!("--at=2026-03-04T09:{time}Z");
    lake.run(&["run", "--due", &at("00:00")])
        .said(1, &["took longer than 1 s and was ended", "is tried again at 2026-03-04T09:00:"]);
    lake.run(&["run", "--due", &at("00:10")]).said(1, &["took longer than 1 s", "not tried again"]);
    let shown = lake.json(&["runs", "show", "hourly@20260304T090000Z"]);
    assert_eq!(shown["attempts"].as_array().map(Vec::len), Some(2), "{shown:#}");
    assert_eq!(shown["given_up"]["attempts"], 2);
}

#[test]
fn decisions_about_runs_are_recorded_and_logged() {
    let lake = lake_with("{cron: \"0 * * * *\", start: \"2026-03-04T08:00:00Z\", catch_up: none}");
    lake.json(&["run", "--due", "--at=2026-03-04T10:59:00Z"]);
    let at = "--at=2026-03-04T10:59:00Z";
    let waive = ["runs", "waive", "hourly@20260304T090000Z", "--reason", "the source was off", at];
    lake.run(&waive).said(0, &["it is no longer listed as missing"]);
    lake.run(&waive).failed(1, &["somebody did that before"]);
    let listed = lake.json(&["runs", "missing", at]);
    assert_eq!(listed["missing"].as_array().map(Vec::len), Some(1), "{listed:#}");
    let cancel = |run: &str| ["runs", "cancel", run, "--reason", "wrong filter", at].map(str::to_owned);
    for (run, code, words) in [
        ("hourly@20260304T093000Z", 1, "no interval of the schedule ends then"),
        ("hourly@20260304T200000Z", 1, "its interval has not elapsed"),
        ("hourly", 2, "is no run; write for example"),
        ("compliance@20260304T090000Z", 2, "job with a schedule \"compliance\" does not exist"),
    ] {
        lake.run(&cancel(run).each_ref().map(String::as_str)).failed(code, &[words]);
    }
    lake.run(&cancel("hourly@20260304T100000Z").each_ref().map(String::as_str)).said(0, &["is cancelled"]);
    lake.run(&["run", "hourly", "--from", "2026-03-04T09:00:00Z", "--to", "2026-03-04T10:00:00Z", at])
        .said(0, &["nothing to run"]);
    lake.run(&["runs", "show", "hourly@20260304T100000Z"]).said(0, &["cancelled by operator: wrong filter"]);
    let entries = lake.json(&["evidence", "entries"]);
    let of_schedules =
        entries.as_array().expect("entries").iter().filter(|entry| entry.to_string().contains("cancel.json"));
    assert_eq!(of_schedules.count(), 1);
    lake.run(&["verify", at]).succeeded();
}

#[test]
fn a_damaged_record_is_named_and_holds_up_no_other_job() {
    let lake = lake_with("{cron: \"0 * * * *\"}");
    lake.write("jobs/checked.yaml", "job: checked\nkind: verify\nschedule: {cron: \"0 * * * *\"}\n");
    due(&lake, "09:30");
    let record = "_auditlake/schedule/hourly/000001.json";
    let whole = lake.object(record);
    for (bytes, words) in [
        (&b"{"[..], "000001.json"),
        (b"{\"job\":\"other\",\"number\":7,\"step\":\"paused\",\"at\":\"2026-03-04T09:30:00Z\"}", "is not record 1"),
    ] {
        lake.put(record, bytes);
        let ran = lake.run(&["run", "--due", "--at=2026-03-04T10:00:00Z"]);
        assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(record) && ran.err.contains(words), "{}", ran.err);
        lake.run(&["runs", "show", "checked@20260304T100000Z"]).said(0, &["committed"]);
    }
    lake.put(record, whole);
    assert_eq!(due(&lake, "10:05").0, ["10"]);
}

#[test]
fn a_clock_that_jumps_computes_nothing_twice() {
    let lake = lake_with("{cron: \"0 * * * *\", start: \"2026-03-04T08:00:00Z\", catch_up: all}");
    assert_eq!(due(&lake, "10:00").0, ["09", "10"]);
    // Back, and then far ahead.
    assert_eq!(due(&lake, "09:05"), (vec![], vec![]));
    assert_eq!(due(&lake, "13:00").0, ["11", "12", "13"]);
    assert_eq!(due(&lake, "10:30"), (vec![], vec![]));
    assert_eq!(due(&lake, "14:00").0, ["14"]);
    assert_eq!(hours(&lake), [8, 9, 10, 11, 12, 13]);
}

#[test]
fn fires_to_come_are_shown_on_local_clocks() {
    let lake = lake_with("{cron: \"30 2 * * *\", timezone: Europe/Berlin}");
    let at = "--at=2026-03-28T00:00:00Z";
    let told = lake.json(&["schedule", "next", "3", "hourly", at]);
    let fires = told["fires"].as_array().expect("fires");
    let shown: Vec<(&str, &str)> =
        fires.iter().map(|fire| (fire["utc"].as_str().unwrap_or(""), fire["local"].as_str().unwrap_or(""))).collect();
    // On the day on which clocks go from two to three, half past two is three.
    assert_eq!(
        shown,
        [
            ("2026-03-28T01:30:00Z", "2026-03-28T02:30:00+01:00"),
            ("2026-03-29T01:00:00Z", "2026-03-29T03:00:00+02:00"),
            ("2026-03-30T00:30:00Z", "2026-03-30T02:30:00+02:00"),
        ]
    );
    assert_eq!(fires[1]["interval"], json!({ "start": "2026-03-28T01:30:00Z", "end": "2026-03-29T01:00:00Z" }));
    lake.run(&["schedule", "next", "2", at]).said(0, &["hourly", "2026-03-28T02:30:00+01:00  covers ["]);
    lake.run(&["schedule", "next", "1", "hurly"]).failed(2, &["job \"hurly\" does not exist", "hourly"]);
    lake.run(&["check", at]).said(0, &["hourly", "2026-03-28T02:30:00+01:00"]);
    lake.run(&["job", "list", at]).said(0, &["30 2 * * * Europe/Berlin", "never run  next 2026-03-28T02:30:00+01:00"]);
    // A run by hand is the run of the last interval that has elapsed.
    lake.run(&["run", "hourly", at]).said(0, &["run hourly@20260327T013000Z committed"]);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let lake = lake_with("{cron: \"0 * * * *\"}");
    let at = "--at=2026-03-04T10:00:00Z";
    for (args, words) in [
        (&["run", "hourly", "--from", "2026-03-04", "--to", "2026-03-03"][..], "--from is not before --to"),
        (
            &["run", "hourly", "--from", "yesterday", "--to", "2026-03-03"],
            "\"yesterday\" is neither a day nor an instant",
        ),
        (
            &["run", "compliance", "--from", "2026-03-03", "--to", "2026-03-04"],
            "has no schedule that says its intervals",
        ),
        (
            &["run", "hourly", "--from", "2027-03-03", "--to", "2027-03-04"],
            "no interval of job \"hourly\" lies between",
        ),
        (&["run", "hurly"], "job \"hurly\" does not exist"),
        (&["run", "--due", "hourly"], "cannot be used with"),
        (&["run", "hourly", "--dry-run"], "--from"),
        (&["run"], "required"),
    ] {
        lake.run(&[args, &[at]].concat()).failed(2, &[words]);
    }
    lake.run(&["run", "compliance"]).failed(2, &["has no schedule; say for which instant"]);
    write_job(&lake, "{cron: \"* * * * *\", start: 2020-01-01}");
    lake.run(&["run", "--due", at]).failed(1, &["more than 600000 of its intervals", "give it a later start"]);
    let none = Lake::new();
    none.run(&["run", "--due"]).failed(2, &["no job has a schedule; write for example schedule:"]);
}

#[test]
fn runs_are_listed_of_a_job_that_is_there_or_was() {
    let lake = lake_with("{cron: \"0 * * * *\", start: \"2026-03-04T00:00:00Z\", catch_up: all}");
    assert_eq!(due(&lake, "02:30").0, ["01", "02"]);
    for name in ["hurly", "no job"] {
        lake.run(&["runs", "list", name])
            .failed(2, &[&format!("job \"{name}\" does not exist"), "jobs are: ", "hourly"]);
    }
    std::fs::remove_file(lake.folder().join("jobs/hourly.yaml")).expect("removed");
    let listed = lake.json(&["runs", "list", "hourly", "--at=2026-03-04T03:00:00Z"]);
    assert_eq!(listed["runs"].as_array().map(Vec::len), Some(2), "{listed}");
}
