//! The shell as its users meet it: statements on standard input, and a terminal that `script` of util-linux makes.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::auditlake::{Lake, Ran, binary, ended};

const AT: &str = "--at=2026-03-01T00:00:00Z";
/// A state that does not come within this is not coming.
const PATIENCE: Duration = Duration::from_secs(120);

fn piped(lake: &Lake, args: &[&str], text: &str) -> Ran {
    let mut command = lake.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    ended(child.wait_with_output().expect("it ends"))
}

#[test]
fn statements_on_standard_input_are_carried_out_in_order() {
    let lake = Lake::new();
    let text = "-- two\nSELECT 'a;b' AS one;\n\\format ndjson\nSELECT now() AS instant";
    for args in [&["sql", "--format", "csv", AT][..], &["sql", "-", "--format", "csv", AT]] {
        let ran = piped(&lake, args, text);
        ran.succeeded();
        assert_eq!(ran.out, "one\r\na;b\r\n{\"instant\":\"2026-03-01T00:00:00.000000000Z\"}\n");
    }
    let file = lake.write("two.sql", text);
    let ran = lake.run(&["sql", "--format", "csv", AT, "--file", file.to_str().expect("UTF-8")]);
    assert_eq!(ran.out, "one\r\na;b\r\n{\"instant\":\"2026-03-01T00:00:00.000000000Z\"}\n", "{}", ran.err);
}

#[test]
fn a_script_ends_at_the_first_error() {
    let lake = Lake::new();
    let ran = piped(&lake, &["sql", "--format", "csv"], "SELECT 1 AS one;\n\nDROP TABLE audit;\nSELECT 2;");
    ran.failed(1, &["line 3 failed; nothing below it was run", "only reading statements"]);
    assert_eq!(ran.out, "one\r\n1\r\n");
    piped(&lake, &["sql"], "SELECT 1;\n\\x\n").failed(1, &["line 2", "\"\\x\" is no command; commands are"]);
    piped(&lake, &["sql"], "SELECT 'open").failed(1, &["line 1", "Unterminated string literal"]);
}

#[test]
fn no_statement_at_all_is_said_to_be_missing() {
    let lake = Lake::new();
    piped(&lake, &["sql"], "").failed(2, &["standard input holds no statement", "--file"]);
    piped(&lake, &["sql"], "-- nothing\n;").failed(2, &["standard input holds no statement"]);
    lake.write("empty.sql", " ;");
    lake.run(&["sql", "--file", "empty.sql"]).failed(2, &["file \"empty.sql\" holds no statement"]);
}

#[test]
fn one_document_holds_one_statement() {
    let lake = Lake::new();
    let ran = piped(&lake, &["--output", "json", "sql"], "SELECT 1 AS one;");
    ran.succeeded();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&ran.out).expect("JSON")[0]["one"], 1);
    let ran = piped(&lake, &["--output", "json", "sql"], "SELECT 1; SELECT 2;");
    ran.failed(2, &["--output json prints one document; give one statement, or --format ndjson for several"]);
}

/// A shell of auditlake on a terminal of its own, 100 columns wide.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    printed: Receiver<Vec<u8>>,
    /// What was printed and not yet waited for.
    seen: String,
}

impl Terminal {
    /// None where there is no `script`; then `test` says so.
    fn open(test: &str, lake: &Lake, state: &Path, args: &str) -> Option<Self> {
        Self::open_after(test, lake, state, "", args)
    }

    /// The same after commands of the system's shell.
    fn open_after(test: &str, lake: &Lake, state: &Path, before: &str, args: &str) -> Option<Self> {
        if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
            // Not `eprintln!`: a test that passes keeps that to itself.
            writeln!(std::io::stderr(), "SKIPPED {test}: script of util-linux is not installed").expect("stderr");
            return None;
        }
        let shell = format!("stty rows 40 cols 100; {before} exec '{}' sql {args}", binary().display());
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &shell, "/dev/null"])
            .env("AUDITLAKE_LAKE", lake.folder())
            .env("XDG_STATE_HOME", state)
            .env("COLUMNS", "100")
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .env("SHELL", "/bin/sh")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("script starts");
        let mut output = child.stdout.take().expect("a pipe");
        let (sender, printed) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = child.stdin.take().expect("a pipe");
        Some(Self { child, keys, printed, seen: String::new() })
    }

    fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("somebody reads");
        self.keys.flush().expect("somebody reads");
    }

    /// Waits until `text` is printed, and returns what came before it. Answers the question where the cursor is.
    #[track_caller]
    fn until(&mut self, text: &str) -> String {
        const WHERE: &str = "\u{1b}[6n";
        loop {
            let asked = self.seen.find(WHERE);
            let found = self.seen.find(text);
            match (asked, found) {
                (Some(asked), found) if found.is_none_or(|found| asked < found) => {
                    self.seen.replace_range(asked..asked + WHERE.len(), "");
                    self.type_keys("\u{1b}[1;1R");
                }
                (_, Some(found)) => {
                    let before = self.seen[..found].to_owned();
                    self.seen.drain(..found + text.len());
                    return before;
                }
                _ => match self.printed.recv_timeout(PATIENCE) {
                    Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                    Err(error) => panic!("\"{text}\" is not printed ({error}): {:?}", self.seen),
                },
            }
        }
    }

    /// Ends the shell with `keys`; it must end well.
    #[track_caller]
    fn leave(mut self, keys: &str) {
        self.type_keys(keys);
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{:?}", self.seen);
    }
}

const PROMPT: &str = "auditlake> ";

fn history(state: &Path) -> PathBuf {
    state.join("auditlake/sql_history")
}

#[test]
fn a_terminal_gets_a_shell_that_remembers() {
    let lake = Lake::new();
    let state = lake.folder().join("state");
    let Some(mut shell) = Terminal::open("the shell on a terminal", &lake, &state, "") else { return };
    shell.until(PROMPT);
    shell.type_keys("SELECT 'a;'\r");
    shell.until("::: ");
    shell.type_keys("|| 'b' AS both;\r");
    assert!(shell.until("(1 row)\r\n").contains("both\r\n----\r\na;b\r\n"));
    shell.until(PROMPT);
    shell.type_keys("SELECT nothing;\r");
    shell.until("error: the statement cannot be planned");
    shell.until(PROMPT);
    shell.type_keys("SELECT 'dropped");
    shell.until("dropped");
    shell.type_keys("\u{3}");
    shell.until(PROMPT);
    shell.type_keys("SELECT outc\t");
    shell.until("SELECT outcome");
    shell.type_keys(" FROM audit;\r");
    shell.until("(0 rows)\r\n");
    shell.until(PROMPT);
    shell.leave("\u{4}");
    let remembered = fs::read_to_string(history(&state)).expect("a history");
    assert_eq!(remembered.lines().next(), Some("SELECT 'a;'<\\n>|| 'b' AS both;"), "{remembered}");
    assert!(!remembered.contains("dropped"), "{remembered}");
    assert_eq!(fs::metadata(history(&state)).expect("a file").permissions().mode() & 0o777, 0o600);

    let Some(mut shell) = Terminal::open("the shell on a terminal", &lake, &state, "") else { return };
    shell.until(PROMPT);
    shell.type_keys("\u{1b}[A");
    shell.until("SELECT outcome FROM audit;");
    shell.type_keys("\r");
    shell.until("(0 rows)\r\n");
    shell.until(PROMPT);
    shell.leave("\\q\r");
}

#[test]
fn a_long_statement_shows_progress_and_can_be_stopped() {
    let lake = Lake::new();
    let state = lake.folder().join("state");
    let Some(mut shell) = Terminal::open("a statement stopped on a terminal", &lake, &state, "--no-history") else {
        return;
    };
    shell.until(PROMPT);
    shell.type_keys(
        "SELECT sum(a.value * b.value) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b;\r",
    );
    shell.until("rows read");
    shell.type_keys("\u{3}");
    shell.until("cancelled\r\n");
    shell.until(PROMPT);
    shell.type_keys("SELECT 1 AS one;\r");
    shell.until("(1 row)\r\n");
    shell.until(PROMPT);
    shell.leave("\\q\r");
    assert!(!history(&state).exists(), "--no-history leaves no file");
}

#[test]
fn rows_too_wide_for_a_terminal_stand_as_records() {
    let lake = Lake::new();
    let state = lake.folder().join("state");
    let Some(mut shell) = Terminal::open("wide rows on a terminal", &lake, &state, "--no-history") else { return };
    shell.until(PROMPT);
    shell.type_keys("SELECT repeat('x', 60) AS a, repeat('y', 60) AS b;\r");
    let before = shell.until("(1 row)\r\n");
    let x = "x".repeat(60);
    assert!(before.contains(&format!("-- row 1\r\na | {x}\r\nb | y")), "{before:?}");
    shell.until(PROMPT);
    shell.leave("\\q\r");
}

#[test]
fn a_shell_ends_when_its_terminal_is_gone() {
    let lake = Lake::new();
    let state = lake.folder().join("state");
    let pipe = lake.folder().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    // Ignoring hang-ups is what nohup does, and some who start programs. The pipe ends when the shell does.
    let before = format!("trap '' HUP; exec 9> '{}';", pipe.display());
    let (sender, ended) = channel();
    std::thread::spawn(move || sender.send(fs::read(pipe)));
    let test = "a shell whose terminal is gone";
    let Some(mut shell) = Terminal::open_after(test, &lake, &state, &before, "--no-history") else { return };
    shell.until(PROMPT);
    shell.child.kill().expect("it is there");
    shell.child.wait().expect("it ends");
    ended.recv_timeout(PATIENCE).expect("the shell ends").expect("a pipe");
}
