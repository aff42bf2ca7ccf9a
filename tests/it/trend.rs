//! What came before a report: its trends with their gaps, and what changed since the report before.

use std::fs;

use serde_json::{Value, json};

use crate::auditlake::Lake;

/// A job over so many days up to the instant, with more lines.
fn job(lake: &Lake, days: u32, more: &str) {
    let text = format!(
        "job: look\nkind: compliance_report\nwindow: {days}d\nframeworks: [soc2]\n{more}\noutputs:\n  \
         - {{format: html, to: \"reports/{{interval.end}}/\"}}\n  \
         - {{format: json, to: \"reports/{{interval.end}}/\"}}\n  \
         - {{format: csv,  to: \"reports/{{interval.end}}/\"}}\n"
    );
    lake.write("jobs/look.yaml", text);
}

/// A login in March 2026 of an administrator; without a second factor it violates AL-AUTH-003.
fn login(id: &str, day: u32, tenant: &str, outcome: &str, mfa: bool) -> String {
    let event = json!({
        "event_id": id, "time": format!("2026-03-{day:02}T12:00:00Z"), "tenant_id": tenant, "source": "app",
        "event_type": "user.login", "outcome": outcome, "actor_id": "u-1", "actor_type": "admin",
        "actor_roles": ["admin"], "mfa": mfa,
    });
    format!("{event}\n")
}

fn lake_of(events: &[String]) -> Lake {
    let lake = Lake::new();
    lake.write("drop/events.ndjson", events.concat());
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", "--at", "2026-03-06T00:00:00Z"]);
    lake
}

/// One output of the report of midnight of a day in March 2026.
fn output(lake: &Lake, day: u32, name: &str) -> String {
    let path = lake.data().join(format!("reports/202603{day:02}T000000Z/{name}"));
    fs::read_to_string(path).expect("an output of the report")
}

fn reported(lake: &Lake, day: u32) -> Value {
    lake.json(&["run", "look", "--at", &format!("2026-03-{day:02}T00:00:00Z")]);
    serde_json::from_str(&output(lake, day, "look.json")).expect("JSON")
}

/// Day of the month, whether redefined, status and violations of each point of a control's trend.
fn points(report: &Value, control: &str) -> Vec<String> {
    let controls = report["controls"].as_array().expect("controls");
    let control = controls.iter().find(|one| one["id"] == control).expect("is there");
    let point = |point: &Value| {
        let day = &point["interval_end"].as_str().expect("an instant")[8..10];
        let turn = if point["redefined"] == true { "|" } else { "" };
        format!("{turn}{day} {} {}", point["status"].as_str().expect("a status"), point["violations"])
    };
    control["trend"].as_array().expect("points").iter().map(point).collect()
}

fn counts(findings: &Value) -> [u64; 4] {
    ["new", "gone", "left", "not_looked_for"].map(|name| findings[name].as_u64().expect("a count"))
}

/// Whoever runs the SQL beside the figures at the instant of the run gets the same ones.
#[track_caller]
fn counted_by_its_sql(lake: &Lake, report: &Value) {
    let at = report["run"]["instant"].as_str().expect("an instant");
    let change = &report["change"];
    let sum = |sql: &str, column: &str| -> u64 {
        let rows = lake.rows_at(at, change[sql].as_str().expect("SQL"));
        rows.iter().map(|row| row[column].as_u64().expect("a count")).sum()
    };
    let counted =
        [sum("new_sql", "new"), sum("gone_sql", "gone"), sum("gone_sql", "left"), sum("gone_sql", "not_looked_for")];
    assert_eq!(counted, counts(&change["findings"]));
    for control in report["controls"].as_array().expect("controls") {
        let sql = report["trend"]["sql"].as_str().expect("SQL");
        for point in control["trend"].as_array().expect("points") {
            let sql = format!(
                "SELECT sum(violations) AS v FROM ({sql}) WHERE control_id = {} AND interval_end = TIMESTAMP {}",
                control["id"].to_string().replace('"', "'"),
                point["interval_end"].to_string().replace('"', "'")
            );
            assert_eq!(lake.rows_at(at, &sql)[0]["v"], point["violations"], "{sql}");
        }
    }
}

#[test]
fn a_gap_is_shown_as_a_gap_and_what_is_older_is_no_success() {
    let lake = lake_of(&[
        login("e-1", 1, "a", "success", false),
        login("e-2", 1, "a", "success", false),
        login("e-3", 1, "b", "success", true),
        login("e-4", 2, "a", "success", true),
        login("e-4", 2, "b", "success", true),
        login("e-5", 4, "a", "success", false),
        login("e-6", 4, "b", "success", false),
    ]);
    job(&lake, 1, "controls: [AL-AUTH-003]");
    let first = reported(&lake, 2);
    assert_eq!((&first["change"], points(&first, "AL-AUTH-003")), (&Value::Null, vec!["02 fail 2".to_owned()]));
    let page = output(&lake, 2, "look.html");
    assert!(page.contains("This is the first report of the job") && !page.contains("svg.strip"), "{page}");

    let second = reported(&lake, 3);
    assert_eq!(counts(&second["change"]["findings"]), [0, 0, 2, 0], "they are of the day before");
    counted_by_its_sql(&lake, &second);

    // Nobody looked at the third of March.
    let third = reported(&lake, 5);
    assert_eq!(points(&third, "AL-AUTH-003"), ["02 fail 2", "03 pass 0", "05 fail 2"]);
    let missing: Vec<&Value> =
        third["trend"]["intervals"].as_array().expect("intervals").iter().map(|one| &one["missing_before"]).collect();
    assert_eq!(missing, [0, 0, 1]);
    assert_eq!(third["change"]["run"], "look@20260303T000000Z");
    let changed = &third["change"]["controls"][0];
    assert_eq!(
        (&changed["before"], &changed["after"], counts(&changed["findings"])),
        (&"pass".into(), &"fail".into(), [2, 0, 0, 0])
    );
    counted_by_its_sql(&lake, &third);
    let page = output(&lake, 5, "look.html");
    for words in ["<b>2 new findings</b>", "no run for one interval", "2026-03-03 pass 0", "Since the report before"] {
        assert!(page.contains(words), "{words}");
    }
    let table = output(&lake, 5, "look.trend.csv");
    assert!(
        table.contains("control,AL-AUTH-003,2026-03-05T00:00:00Z,look@20260305T000000Z,1,false,fail,2,"),
        "{table}"
    );
    assert_eq!(table.lines().filter(|line| line.starts_with("framework,soc2,")).count(), 3, "{table}");
    assert!(
        output(&lake, 5, "look.changes.csv").contains("AL-AUTH-003,look@20260303T000000Z,pass,fail,false,false,2,")
    );

    // On the fifth nothing happened: no verdict, and nobody says that anything was put right.
    let fourth = reported(&lake, 6);
    assert_eq!(points(&fourth, "AL-AUTH-003")[3], "06 not_evaluated 0");
    assert_eq!(counts(&fourth["change"]["findings"]), [0, 0, 2, 0]);
    counted_by_its_sql(&lake, &fourth);

    // An earlier interval that is looked at later fills the gap from then on, and changes no report there is.
    let late = reported(&lake, 4);
    assert_eq!(points(&late, "AL-AUTH-003").len(), 3, "what is later is no past");
}

#[test]
fn another_threshold_or_fewer_controls_are_no_success_of_anybody() {
    let attempts = (1..=5).map(|number| login(&format!("f-{number}"), 1, "a", "failure", false));
    let events: Vec<String> = attempts.chain([login("e-1", 1, "a", "success", false)]).collect();
    let lake = lake_of(&events);
    job(&lake, 30, "controls: [AL-AUTH-001, AL-AUTH-003]");
    reported(&lake, 2);
    let same = reported(&lake, 3);
    assert_eq!(counts(&same["change"]["findings"]), [0; 4]);
    assert_eq!(same["change"]["controls"], json!([]));
    assert!(output(&lake, 3, "look.html").contains("No control changed its status, and no finding came or went."));

    job(&lake, 30, "controls: [AL-AUTH-001, AL-AUTH-003]\nparams: {AL-AUTH-001: {threshold: 6}}");
    let other = reported(&lake, 4);
    assert_eq!(points(&other, "AL-AUTH-001"), ["02 fail 1", "03 fail 1", "|04 pass 0"]);
    assert_eq!(points(&other, "AL-AUTH-003"), ["02 fail 1", "03 fail 1", "04 fail 1"]);
    let changed = &other["change"]["controls"];
    assert_eq!(changed.as_array().expect("controls").len(), 1);
    assert_eq!((&changed[0]["control"], &changed[0]["redefined"]), (&"AL-AUTH-001".into(), &true.into()));
    assert_eq!(counts(&changed[0]["findings"]), [0, 1, 0, 0]);
    counted_by_its_sql(&lake, &other);
    let turns = other["scorecards"][0]["trend"].as_array().expect("points").iter().map(|point| &point["redefined"]);
    assert_eq!(turns.collect::<Vec<_>>(), [false, false, true]);
    let page = output(&lake, 4, "look.html");
    assert!(page.contains("other version or parameters") && page.contains("(params) 2026-03-04 pass 0"), "{page}");

    job(&lake, 30, "controls: [AL-AUTH-001]");
    let fewer = reported(&lake, 5);
    assert_eq!(counts(&fewer["change"]["findings"]), [1, 0, 0, 1], "the burst is back, the login was not looked for");
    let gone = fewer["change"]["controls"].as_array().expect("controls").iter().find(|one| one["after"].is_null());
    assert_eq!(gone.expect("is named")["control"], "AL-AUTH-003");
    counted_by_its_sql(&lake, &fewer);
}
