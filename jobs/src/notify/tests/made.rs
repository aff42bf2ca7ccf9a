//! Which events records are.

use object_store::path::Path;
use serde_json::{Value, json};

use super::{Telling, written};
use crate::notify::made::events;
use crate::notify::note::Source;

/// What is told of a record at a path: type, subject, what is counted or why.
#[track_caller]
fn told(telling: &Telling, path: &str, record: Value) -> Vec<(String, String, Option<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        telling.lake.front.replace(&Path::from(path), record.to_string().into()).await.expect("written");
        let source = Source::Records { paths: vec![path.to_owned()] };
        let made = events(&telling.lake, &source).await.expect("readable");
        made.into_iter().map(|event| (event.kind.as_str().to_owned(), event.subject, event.data.reason)).collect()
    })
}

fn one(kind: &str, subject: &str, reason: Option<&str>) -> Vec<(String, String, Option<String>)> {
    vec![(kind.to_owned(), subject.to_owned(), reason.map(str::to_owned))]
}

#[test]
fn records_of_a_run_that_say_why_it_has_no_commit_are_events() {
    let telling = Telling::of(written("  archive: {to: told/}\n", &[]));
    let (folder, run) = ("_auditlake/runs/daily/20260329T040000Z", "daily@20260329T040000Z");
    let interval = json!({"start": "2026-03-28T04:00:00Z", "end": "2026-03-29T04:00:00Z"});
    let missed = |reason: &str| {
        json!({"run": run, "interval": interval, "reason": reason, "recorded_at": "2026-03-29T05:00:00Z",
               "definitions_sha256": ""})
    };
    let path = format!("{folder}/missed.json");
    assert_eq!(told(&telling, &path, missed("deadline")), one("run.missed", run, Some("deadline")));
    assert_eq!(told(&telling, &path, missed("paused")), Vec::new(), "whoever paused it knows");
    let failed = json!({"run": run, "interval": interval, "attempts": 4, "errors": ["a row: 17"], "remedy": "report",
                        "recorded_at": "2026-03-29T05:00:00Z"});
    assert_eq!(told(&telling, &format!("{folder}/failed.json"), failed), one("run.failed", run, None));
    let decided = json!({"run": run, "by": "omar", "reason": "x", "at": "2026-03-29T05:00:00Z"});
    assert_eq!(told(&telling, &format!("{folder}/cancel.json"), decided.clone()), one("run.cancelled", run, None));
    assert_eq!(told(&telling, &format!("{folder}/waived.json"), decided), Vec::new(), "nobody is told of a waiver");
}

#[test]
fn records_of_schedules_holds_cases_and_findings_are_events() {
    let telling = Telling::of(written("  archive: {to: told/}\n", &[]));
    let at = "2026-03-29T05:00:00Z";
    let step = |step: &str| json!({"job": "daily", "number": 2, "step": step, "by": "omar", "at": at, "again": []});
    for (record, kind) in [("paused", "schedule.paused"), ("resumed", "schedule.resumed")] {
        assert_eq!(told(&telling, "_auditlake/schedule/daily/000002.json", step(record)), one(kind, "daily", None));
    }
    let seen = json!({"job": "daily", "number": 1, "step": "seen", "begin": at, "at": at});
    assert_eq!(told(&telling, "_auditlake/schedule/daily/000001.json", seen), Vec::new());
    let with = |mut record: Value, step: Value| {
        record.as_object_mut().expect("an object").extend(step.as_object().cloned().unwrap_or_default());
        record
    };
    let hold = |step| with(json!({"case": "lit-1", "number": 1, "by": "omar", "reason": "x", "at": at}), step);
    for (what, kind) in [
        (json!({"step": "placed", "scope": {}}), Some("hold.placed")),
        (json!({"step": "amended", "scope": {}}), None),
        (json!({"step": "released"}), Some("hold.released")),
    ] {
        let expected = kind.map_or_else(Vec::new, |kind| one(kind, "lit-1", None));
        assert_eq!(told(&telling, "_auditlake/holds/lit-1/000001.json", hold(what)), expected);
    }
    let case = |step| with(json!({"case": "subject-2026-0001", "number": 3, "by": "operator", "at": at}), step);
    let path = "_auditlake/subjects/subject-2026-0001/000003.json";
    let closed = case(json!({"step": "closed", "state": "fulfilled"}));
    assert_eq!(told(&telling, path, closed), one("subject.closed", "subject-2026-0001", Some("fulfilled")));
    assert_eq!(told(&telling, path, case(json!({"step": "in_force"}))), Vec::new());
    let decision = |state: &str| json!({"state": state, "by": "omar", "reason": "x", "at": at});
    let path = "_auditlake/findings/9f0c/000002.json";
    assert_eq!(told(&telling, path, decision("open")), one("finding.opened", "9f0c", Some("open")));
    assert_eq!(told(&telling, path, decision("remediated")), one("finding.resolved", "9f0c", Some("remediated")));
    assert_eq!(told(&telling, path, decision("accepted")), Vec::new(), "it is still there");
}

#[test]
fn nothing_of_an_error_or_a_reason_is_told() {
    let telling = Telling::of(written("  archive: {to: told/}\n", &[]));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let path = "_auditlake/runs/daily/20260329T040000Z/failed.json";
    let record = json!({
        "run": "daily@20260329T040000Z", "interval": {"start": "2026-03-28T04:00:00Z", "end": "2026-03-29T04:00:00Z"},
        "attempts": 1, "errors": ["cannot cast 'ana@example.com'"], "remedy": "inspect_data",
        "recorded_at": "2026-03-29T05:00:00Z",
    });
    let body = runtime.block_on(async {
        telling.lake.front.replace(&Path::from(path), record.to_string().into()).await.expect("written");
        let source = Source::Records { paths: vec![path.to_owned()] };
        let made = events(&telling.lake, &source).await.expect("readable");
        made[0].body(&telling.lake.definitions.id, "archive").expect("a body")
    });
    let body = String::from_utf8(body).expect("a text");
    assert!(!body.contains("ana") && body.contains("inspect_data"), "{body}");
}
