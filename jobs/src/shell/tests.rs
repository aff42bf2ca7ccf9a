use std::collections::VecDeque;
use std::path::Path;

use chrono::DateTime;
use expect_test::{Expect, expect};
use schemas::FixedClock;
use tempfile::TempDir;

use super::*;
use crate::scaffold;

/// Somebody at a prompt, as a list of what they do; they leave at its end.
struct Scripted {
    lines: VecDeque<Line>,
    /// What the shell thought at each prompt: whether a statement goes on.
    went_on: Vec<bool>,
}

impl Lines for Scripted {
    fn next(&mut self, goes_on: bool) -> Result<Line, JobError> {
        self.went_on.push(goes_on);
        Ok(self.lines.pop_front().unwrap_or(Line::End))
    }
}

struct Session {
    out: String,
    notes: String,
    went_on: Vec<bool>,
}

fn world() -> World {
    let instant = DateTime::from_timestamp(1_772_323_200, 0).expect("an instant");
    World::seeded(std::sync::Arc::new(FixedClock(instant)), 1)
}

fn with_lake<T>(act: impl AsyncFnOnce(&mut Shell<'_>) -> T) -> T {
    let folder = TempDir::new().expect("a temporary folder");
    let path: &Path = &folder.path().join("lake");
    scaffold::init(path, &world()).expect("a lake");
    let lake = OpenLake::open(path).expect("opens");
    let world = world();
    let asker = Asker::default();
    let mut shell = Shell::new(&lake, &world, &asker, RowFormat::Csv, Progress::silent());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(act(&mut shell))
}

/// What was written; lines of CSV end as RFC 4180 says.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
}

fn typed(lines: impl IntoIterator<Item = Line>) -> Session {
    let mut lines = Scripted { lines: lines.into_iter().collect(), went_on: Vec::new() };
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    with_lake(async |shell| shell.interactive(&mut lines, &mut out, &mut notes).await).expect("an ordinary leave");
    Session { out: text(out), notes: text(notes), went_on: lines.went_on }
}

fn lines(text: &str) -> Session {
    typed(text.lines().map(|line| Line::Typed(line.to_owned())))
}

#[track_caller]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&lines(text).out);
}

#[test]
fn a_statement_takes_lines_until_its_semicolon() {
    let session = lines("SELECT 1\nAS\none; SELECT ';\n' AS two;\n\nSELECT 3");
    assert_eq!(session.out, "one\n1\ntwo\n\";\n\"\n");
    assert_eq!(session.went_on, [false, true, true, true, false, false, true]);
}

#[test]
fn a_dropped_statement_is_forgotten() {
    let typed_line = |text: &str| Line::Typed(text.to_owned());
    let session = typed([typed_line("SELECT 'open"), Line::Dropped, typed_line("SELECT 1 AS one;")]);
    assert_eq!(session.out, "one\n1\n");
}

#[test]
fn an_error_does_not_leave_the_shell() {
    let session = lines("SELECT nothing;\n\\x\nDROP TABLE audit;\nSELECT 1 AS one;");
    assert_eq!(session.out, "one\n1\n");
    for told in ["No field named nothing", "\"\\x\" is no command; commands are \\d,", "only reading statements"] {
        assert!(session.notes.contains(told), "{}", session.notes);
    }
}

#[test]
fn statements_see_the_instant_of_the_clock() {
    check(
        "SELECT now() AS instant;",
        expect![[r#"
        instant
        2026-03-01T00:00:00.000000000Z
    "#]],
    );
}

#[test]
fn commands_do_what_the_help_says() {
    check(
        "\\format ndjson\nSELECT 1 AS one;\n\\format table\nSELECT 2 AS two;\n\\q\nSELECT 3;",
        expect![[r#"
        {"one":1}
        two
        ---
          2
        (1 row)
    "#]],
    );
    assert_eq!(lines("\\h").out, format!("{HELP}\n"));
    assert_eq!(lines("\\?;").out, format!("{HELP}\n"));
    let timed = lines("\\timing on\nSELECT 1;\n\\timing off\nSELECT 1;").notes;
    assert_eq!(timed.lines().filter(|line| line.ends_with(" s")).count(), 1, "{timed}");
    for (wrong, told) in [
        ("\\format xml", "\"xml\" is no format; take table, csv, json or ndjson"),
        ("\\timing", "\\timing takes on or off"),
        ("\\d a b", "\\d takes one table, for example \\d audit"),
        ("\\q now", "\\h, \\? and \\q take nothing after them"),
        ("\\d nothing", "table \"nothing\" does not exist; list them with \\d"),
        ("\\d nowhere.audit", "table \"nowhere.audit\" does not exist; list them with \\d"),
    ] {
        let notes = lines(wrong).notes;
        assert!(notes.contains(told), "{wrong}: {notes}");
    }
}

#[test]
fn tables_are_listed_with_what_a_row_is() {
    let out = lines("\\d").out;
    for line in [
        "table,meaning",
        "audit,One row per audit event.",
        "audit_rejected,",
        "dsr_history,Every revision of dsr.",
        "auditlake.runs,One run of a job with its state.",
    ] {
        assert!(out.lines().any(|found| found.starts_with(line)), "{line}: {out}");
    }
}

#[test]
fn columns_are_described_with_type_and_meaning() {
    for (command, line) in [
        ("\\d audit", "event_id,str,no,"),
        ("\\d AUDIT;", "time,ts,no,"),
        ("\\d public.dsr_history", "revision,"),
        ("\\d auditlake.findings", "control_id,str,no,"),
        ("\\d auditlake.runs", "interval_start,ts,yes,"),
        ("\\d information_schema.tables", "table_name,str,no,"),
    ] {
        let out = lines(command).out;
        let found = out.lines().find(|found| found.starts_with(line));
        let found = found.unwrap_or_else(|| panic!("{command}: {out}"));
        let documented = !command.contains("auditlake.runs") && !command.contains("information_schema");
        assert_eq!(found.split(',').nth(3).is_some_and(|meaning| meaning != "\"\""), documented, "{found}");
    }
}

#[test]
fn what_was_seen_is_completed() {
    let found = with_lake(async |shell| {
        let session = shell.lake.sessions.session(shell.world.now()).expect("a session");
        shell.names.learn_tables(&session);
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        shell.script("SELECT 1 AS seen_before", &mut out, &mut notes).await.expect("runs");
        ["SELECT seen_", "SELECT * FROM auditlake.run_", "SELECT event_i"]
            .map(|text| shell.names.complete(text, text.len()).1)
    });
    assert_eq!(found, [["seen_before"], ["run_inputs"], ["event_id"]].map(|names| names.map(str::to_owned).to_vec()));
}

#[test]
fn a_script_ends_at_its_first_error_and_names_the_line() {
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let script = "-- three\nSELECT 1 AS one;\n\nSELECT\nnothing;\nSELECT 3 AS three;";
    let done = with_lake(async |shell| shell.script(script, &mut out, &mut notes).await);
    let error = done.expect_err("the second statement is wrong");
    assert_eq!((text(out).as_str(), error.exit_code()), ("one\n1\n", 1));
    assert!(error.told().starts_with("error: line 4 failed; nothing below it was run\n"), "{error}");
}

#[test]
fn the_last_statement_of_a_script_needs_no_semicolon() {
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let done =
        with_lake(async |shell| shell.script("SELECT 1 AS one; SELECT 2 AS two -- end", &mut out, &mut notes).await);
    done.expect("runs");
    assert_eq!(text(out), "one\n1\ntwo\n2\n");
}
