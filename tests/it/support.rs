//! Support agreements as their users judge them: provisional, final, adjusted, explained; tenants apart; and what cannot be judged.

use serde_json::{Value, json};

use crate::auditlake::Lake;

/// When September is over, and when its figures are final.
const ENDED: &str = "--at=2026-10-01T06:00:00Z";
const SETTLED: &str = "--at=2026-10-05T06:00:00Z";
const LATER: &str = "--at=2026-10-06T06:00:00Z";

/// A slash, a blank, a letter beyond ASCII, and a quote that SQL would end a text at.
const OTHER: &str = "a/b ü'~100%";

const CALENDAR: &str = "calendar: berlin
version: 1
effective: 2026-01-01
timezone: Europe/Berlin
hours: {mon: \"09:00-17:00\", tue: \"09:00-17:00\", wed: \"09:00-17:00\", thu: \"09:00-17:00\", fri: \"09:00-17:00\"}
";

const SUPPORT: &str = "support: helpdesk
dataset: ticket
calendar: berlin
calendars: {\"a/b ü'~100%\": 24x7}
timezone: Europe/Berlin
limits:
  - version: 1
    effective: 2026-01-01
    tier:
      pro: {p1: {response: 1h, resolution: 8h}, p2: {response: 4h}}
share: {resolution: \"90\"}
tenants: {acme: pro, \"a/b ü'~100%\": pro}
";

const JOB: &str = "job: support-monthly
kind: sla
sla: helpdesk
into: sla_result
outputs:
  - {format: html, to: \"support/{interval.end:%Y-%m-%dT%H}/\"}
  - {format: json, to: \"support/{interval.end:%Y-%m-%dT%H}/\"}
  - {format: csv, to: \"support/{interval.end:%Y-%m-%dT%H}/\"}
  - {format: xlsx, to: \"support/{interval.end:%Y-%m-%dT%H}/\"}
";

/// A ticket of priority 1 of acme.
fn ticket(id: &str, [opened, answered, resolved]: [&str; 3]) -> Value {
    let known = |at: &str| if at.is_empty() { Value::Null } else { at.into() };
    json!({
        "tenant_id": "acme", "ticket_id": id, "tier": "pro", "priority": 1, "opened_at": opened,
        "first_response_at": known(answered), "resolved_at": known(resolved),
        "state": if resolved.is_empty() { "open" } else { "closed" }, "revision": 1,
    })
}

fn with(mut ticket: Value, keys: Value) -> Value {
    if let (Some(ticket), Value::Object(keys)) = (ticket.as_object_mut(), keys) {
        ticket.extend(keys);
    }
    ticket
}

/// September: within its limits; over a weekend, answered late; open at the end of the month.
fn september() -> Vec<Value> {
    let waiting = json!({"from": "2026-09-01T09:00:00Z", "to": "2026-09-01T09:30:00Z", "reason": "waiting_customer"});
    let lunch = json!({"from": "2026-09-01T08:40:00Z", "to": "2026-09-01T08:50:00Z", "reason": "lunch"});
    vec![
        with(
            ticket("T-1", ["2026-09-01T08:00:00Z", "2026-09-01T08:30:00Z", "2026-09-01T10:00:00Z"]),
            json!({"pauses": [waiting, lunch]}),
        ),
        ticket("T-2", ["2026-09-04T14:00:00Z", "2026-09-07T07:30:00Z", "2026-09-07T14:00:00Z"]),
        ticket("T-3", ["2026-09-30T14:00:00Z", "2026-09-30T14:10:00Z", ""]),
        // The next month's, by the contract's zone.
        ticket("T-4", ["2026-09-30T22:00:00Z", "", ""]),
        with(
            ticket("T-1", ["2026-09-05T20:00:00Z", "2026-09-05T20:59:59.999999Z", "2026-09-06T04:00:00Z"]),
            json!({"tenant_id": OTHER, "revision": 9}),
        ),
        with(ticket("T-elsewhere", ["2026-09-05T20:00:00Z", "", ""]), json!({"tenant_id": OTHER})),
        with(ticket("T-nobody", ["2026-09-05T20:00:00Z", "", ""]), json!({"tenant_id": "umbrella"})),
    ]
}

fn lake() -> Lake {
    let lake = Lake::new();
    lake.write("slas/helpdesk.yaml", SUPPORT);
    lake.write("slas/berlin.yaml", CALENDAR);
    lake.write("jobs/support.yaml", JOB);
    lake
}

fn ingested(lake: &Lake, name: &str, rows: &[Value]) {
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let file = lake.write(name, rows).display().to_string();
    lake.run(&["ingest", "ndjson", &file, "--into", "ticket"]).succeeded();
}

/// The results in force of acme, a line each.
fn results(lake: &Lake) -> String {
    let sql = "SELECT metric, tier, good, valid, unknown, status, state, credit_bp, budget_left, revision FROM sla_result \
               WHERE tenant_id = 'acme' ORDER BY metric DESC";
    let ran = lake.run(&["sql", sql, "--format", "csv"]);
    ran.succeeded();
    ran.out.replace("\r\n", "\n").lines().skip(1).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_month_of_tickets_is_provisional_then_final_then_adjusted() {
    let lake = lake();
    ingested(&lake, "tickets.ndjson", &september());
    lake.run(&["run", "support-monthly", ENDED]).said(
        0,
        &[
            "support helpdesk 2026-09: 2 tenants, 3 missed promises, 0 not evaluated; 2 results new, 2 provisional",
            "5 tickets: 3 limits exceeded, 1 clock running, 0 warned of, 0 not judged",
            "has rows and no tier: umbrella",
        ],
    );
    let first = "response,pro,2,3,0,missed,provisional,0,-1,1\nresolution,pro,2,2,0,ok,provisional,0,0,1";
    assert_eq!(results(&lake), first);
    // A clock that runs on is nothing new; from 80 % of its limit on it is, and so is the end of its limit.
    lake.run(&["run", "support-monthly", "--at=2026-10-01T07:00:00Z"]).said(0, &["0 results new, 2 provisional"]);
    lake.run(&["run", "support-monthly", "--at=2026-10-01T13:00:00Z"])
        .said(0, &["1 result new, 2 provisional", "0 clocks running, 1 warned of"]);
    lake.run(&["run", "support-monthly", SETTLED]).said(0, &["4 missed promises", "2 results new, 0 provisional"]);
    assert_eq!(results(&lake), "response,pro,2,3,0,missed,final,0,-1,3\nresolution,pro,2,3,0,missed,final,0,-1,3");
    // It was resolved on Thursday at ten, and somebody says so late.
    let resolved = ticket("T-3", ["2026-09-30T14:00:00Z", "2026-09-30T14:10:00Z", "2026-10-01T08:00:00Z"]);
    ingested(&lake, "late.ndjson", &[with(resolved, json!({"revision": 2, "state": "resolved"}))]);
    lake.run(&["run", "support-monthly", LATER]).said(0, &["3 missed promises", "1 result new, 0 provisional"]);
    let last = "response,pro,2,3,0,missed,adjusted,0,-1,4\nresolution,pro,3,3,0,ok,adjusted,0,0,4";
    assert_eq!(results(&lake), last);
    lake.run(&["sla", "explain", "acme", "2026-09"]).said(
        0,
        &[
            "helpdesk of acme (tier pro), period 2026-09 in Europe/Berlin: adjusted, revision 4, judged as of 2026-10-06T06:00:00Z",
            "missed         at least 100 % of tickets are answered within their limit (2 of 3, 66.6666 %)",
            "ok             at least 90 % of tickets are resolved within their limit (3 of 3, 100.0000 %)",
            "tier pro, priority 1, response within 1:00:00: 2 of 3 kept, 1 missed, 0 running, 0 warned of",
            "): response 0:30:00 of 1:00:00 kept, resolution 1:30:00 of 8:00:00 kept",
            "pause 2026-09-01T08:40:00Z to 2026-09-01T08:50:00Z, lunch: ignored: only pauses for third_party, waiting_customer count",
            "pause 2026-09-01T09:00:00Z to 2026-09-01T09:30:00Z, waiting_customer: counts",
            "): response 1:30:00 of 1:00:00 missed, resolution 8:00:00 of 8:00:00 kept",
            "): response 0:10:00 of 1:00:00 kept, resolution 2:00:00 of 8:00:00 kept",
            "revision 4 adjusted at 2026-10-06T06:00:00Z",
            "(rows came late, or were corrected)",
            "helpdesk, version 1 of its limits; calendar berlin, version 1",
        ],
    );
    // An earlier instant takes nothing back, and nothing is overwritten.
    lake.run(&["run", "support-monthly", "--at=2026-10-03T06:00:00Z"]).said(0, &["0 results new, 0 provisional"]);
    assert_eq!(results(&lake), last);
    assert_eq!(lake.figure("SELECT count(*) FROM sla_result_history WHERE tenant_id = 'acme'"), 8);
    lake.run(&["verify"]).said(0, &["nothing is wrong with what was checked"]);
}

#[test]
fn a_calendar_that_changes_adjusts_what_was_final() {
    let lake = lake();
    ingested(&lake, "tickets.ndjson", &september());
    lake.run(&["run", "support-monthly", SETTLED]).succeeded();
    // A comment changes no figure; the Monday on which somebody answered becomes a holiday.
    lake.write("slas/berlin.yaml", format!("# hours\n{CALENDAR}"));
    lake.run(&["run", "support-monthly", LATER]).said(0, &["0 results new"]);
    lake.write("slas/berlin.yaml", format!("{CALENDAR}holidays: [2026-09-07]\n"));
    lake.run(&["run", "support-monthly", "--at=2026-10-07T06:00:00Z"]).said(0, &["1 result new, 0 provisional"]);
    lake.run(&["sla", "explain", "acme", "2026-09", "--sla", "helpdesk"]).said(
        0,
        &[
            "): response 1:00:00 of 1:00:00 kept, resolution 1:00:00 of 8:00:00 kept",
            "(the agreement or its calendar changed)",
        ],
    );
}

#[test]
fn a_statement_speaks_of_one_tenant_and_of_all_that_proves_it() {
    let lake = lake();
    ingested(&lake, "tickets.ndjson", &september());
    lake.run(&["run", "support-monthly", SETTLED]).succeeded();
    let stem = "support/2026-10-05T06/helpdesk.2026-09.acme";
    let page = String::from_utf8(lake.object(&format!("{stem}.html")).to_vec()).expect("a page");
    let document: Value = serde_json::from_slice(&lake.object(&format!("{stem}.json"))).expect("a document");
    let table = String::from_utf8(lake.object(&format!("{stem}.tickets.csv")).to_vec()).expect("a table");
    assert!(lake.object(&format!("{stem}.xlsx")).starts_with(b"PK"));
    for other in ["T-elsewhere", "T-nobody", "umbrella", "%C3%BC", "ü"] {
        assert!(!page.contains(other) && !document.to_string().contains(other) && !table.contains(other), "{other}");
    }
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(page.contains("T-2") && page.contains("1:30:00"));
    let evidence = document["provenance"]["evidence"].as_array().expect("paths");
    assert_eq!(evidence.len(), 3);
    for path in evidence {
        lake.object(path.as_str().expect("a path"));
    }
    assert!(!document["provenance"]["inputs"].as_array().expect("files").is_empty());
    // A run that finds nothing new names what proves the result that is in force.
    lake.run(&["run", "support-monthly", LATER]).said(0, &["0 results new"]);
    let again: Value =
        serde_json::from_slice(&lake.object("support/2026-10-06T06/helpdesk.2026-09.acme.json")).expect("a document");
    for key in ["evidence", "evidence_sha256"] {
        assert_eq!(again["provenance"][key], document["provenance"][key]);
    }
    // The other one's ticket of the same name and a higher revision is its own, and its clock runs at any time.
    let told = lake.json(&["sla", "explain", OTHER, "2026-09"]);
    let tickets = told["tickets"].as_array().expect("tickets");
    let response: Vec<&Value> = tickets.iter().map(|ticket| &ticket["response"]["counted_us"]).collect();
    assert_eq!(response[0], 3_599_999_999_u64, "{told}");
    assert_eq!((&tickets[0]["id"], tickets.len()), (&"T-1".into(), 2));
    let listed = lake.json(&["sla", "list", "--period", "2026-09"]);
    assert_eq!(listed["results"].as_array().map(Vec::len), Some(2));
    lake.run(&["sla", "list", "--period", "2026-09"])
        .said(0, &["helpdesk         acme                     2026-09  final        response 66.6666 % missed; resolution 66.6666 % missed"]);
}

/// The same tickets in some order, in as many files; the evidence of the result.
fn judged_in_order(order: usize) -> (String, String) {
    let lake = lake();
    let mut rows = september();
    let revised = with(rows[1].clone(), json!({"revision": 2, "reopened": 1, "resolved_at": "2026-09-07T14:30:00Z"}));
    rows.push(revised);
    let length = rows.len();
    let shuffled: Vec<Value> = (0..length).map(|at| rows[(at * [1, 3, 5][order] + order) % length].clone()).collect();
    for (number, part) in shuffled.chunks(length.div_ceil(order + 1)).enumerate() {
        ingested(&lake, &format!("{number}.ndjson"), part);
    }
    lake.run(&["run", "support-monthly", SETTLED]).succeeded();
    let told = lake.json(&["sla", "explain", "acme", "2026-09"]);
    assert_eq!(told["tickets"][1]["revision"], 2, "{told}");
    let of = |key: &str| told["provenance"][key].as_str().expect("a hash").to_owned();
    (of("evidence_sha256"), of("spec_sha256"))
}

#[test]
fn the_order_in_which_tickets_come_changes_nothing() {
    let first = judged_in_order(0);
    for order in 1..3 {
        assert_eq!(judged_in_order(order), first, "order {order}");
    }
}

#[test]
fn tickets_that_cannot_be_judged_are_told_and_not_counted() {
    let lake = lake();
    let good = || ticket("T-1", ["2026-09-01T08:00:00Z", "2026-09-01T08:30:00Z", "2026-09-01T10:00:00Z"]);
    let of = |id: &str, keys: Value| with(with(good(), json!({"ticket_id": id})), keys);
    let rows = [
        good(),
        of("T-early", json!({"resolved_at": "2026-08-31T10:00:00Z"})),
        of("T-gold", json!({"tier": "gold"})),
        of("T-seven", json!({"priority": 7})),
        of(
            "T-back",
            json!({"pauses": [{"from": "2026-09-01T09:00:00Z", "to": "2026-09-01T08:00:00Z", "reason": "third_party"}]}),
        ),
        of("T-when", json!({"state": "resolved", "resolved_at": null})),
    ];
    ingested(&lake, "tickets.ndjson", &rows);
    lake.run(&["run", "support-monthly", SETTLED])
        .said(0, &["0 missed promises, 2 not evaluated", "6 tickets: 0 limits exceeded", "4 not judged"]);
    assert_eq!(
        results(&lake),
        "response,pro,2,2,4,not_evaluated,final,0,0,1\nresolution,pro,2,2,4,not_evaluated,final,0,0,1"
    );
    lake.run(&["sla", "explain", "acme", "2026-09"]).said(
        0,
        &[
            "4 tickets cannot be judged, and would decide it",
            "not judged: it was resolved before it was opened",
            "not judged: tier \"gold\" has no limits in support \"helpdesk\"",
            "not judged: priority 7 is none of 1 to 4",
            "not judged: its state is resolved, and when it was resolved is not known",
            "third_party: ignored: it ends before it begins",
        ],
    );
}

#[test]
fn rows_of_one_revision_that_contradict_each_other_are_told() {
    let lake = lake();
    ingested(&lake, "tickets.ndjson", &september());
    // Files that others write: of one ticket they say two things, and of the others the same twice.
    lake.write("datasets/foreign.yaml", "dataset: foreign\nlocation: foreign/\nschema: ticket.v1\n");
    lake.write("slas/helpdesk.yaml", SUPPORT.replace("dataset: ticket", "dataset: foreign"));
    let other = "SELECT * REPLACE (CASE WHEN ticket_id = 'T-2' THEN 'gold' ELSE tier END AS tier) FROM ticket";
    std::fs::create_dir_all(lake.data().join("foreign")).expect("a folder can be made");
    for (name, sql) in [("a", "SELECT * FROM ticket"), ("b", other)] {
        let to = lake.data().join(format!("foreign/{name}.parquet"));
        lake.run(&["export", "--sql", sql, "--format", "parquet", "--to", to.to_str().expect("a path")]).succeeded();
    }
    lake.run(&["run", "support-monthly", SETTLED]).said(0, &["5 tickets: ", "1 not judged"]);
    lake.run(&["sla", "explain", "acme", "2026-09"])
        .said(0, &["not judged: rows of its revision 1 contradict each other"]);
}

#[test]
fn what_is_asked_for_and_not_there_is_named() {
    let lake = lake();
    lake.run(&["sla", "explain", "acme", "2026-09"]).failed(
        2,
        &["period 2026-09 of support \"helpdesk\" is not judged yet for tenant \"acme\"", "2026-09-30T22:00:00Z"],
    );
    lake.run(&["sla", "explain", "acme", "September"])
        .failed(2, &["support \"helpdesk\": \"September\" is not a month"]);
    lake.run(&["sla", "explain", "acme", "2026-09", "--sla", "helpdsk"])
        .failed(2, &["sla \"helpdsk\" does not exist", "there are: helpdesk"]);
    lake.run(&["sla", "explain", "umbrella", "2026-09", "--sla", "helpdesk"])
        .failed(2, &["\"umbrella\" does not exist"]);
    lake.run(&["run", "support-monthly", "--at=2026-01-02T00:00:00Z"])
        .failed(2, &["no version of its limits holds for period 2025-12", "effective from 2026-01-01"]);
    // A month without tickets has nothing to judge.
    lake.run(&["run", "support-monthly", SETTLED]).said(0, &["0 missed promises, 0 not evaluated", "0 tickets"]);
    assert_eq!(
        results(&lake),
        "response,pro,0,0,0,not_applicable,final,0,,1\nresolution,pro,0,0,0,not_applicable,final,0,,1"
    );
    let sla = "sla: api\nservice: api\nprobes: {dataset: probe}\ntenants: {acme: pro}\n";
    lake.write("slas/api.yaml", sla);
    lake.run(&["sla", "explain", "acme", "2026-09"])
        .failed(2, &["several SLAs promise tenant \"acme\" something", "--sla: api, helpdesk"]);
}
