//! `auditlake serve`: it does what is due, says how it is, takes over definitions, stops when told, and dies without loss.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::{Value, json};

use crate::auditlake::Lake;

/// Every two seconds.
const TICK: &str = "job: tick\nkind: verify\nschedule: {cron: \"0/2 * * * * ?\", dialect: quartz, catch_up: all}\n";

/// A server, and what it logs.
struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    address: String,
}

impl Server {
    fn start(lake: &Lake) -> Self {
        Self::start_with(lake, &[])
    }

    fn start_with(lake: &Lake, more: &[&str]) -> Self {
        let args = [&["serve", "--listen", "127.0.0.1:0", "--settle", "0", "--grace", "5"][..], more].concat();
        let mut child =
            lake.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let log = BufReader::new(child.stderr.take().expect("its log"));
        let mut server = Self { child, log, address: String::new() };
        let line = server.until("serving");
        server.address = line["address"].as_str().expect("an address").to_owned();
        server
    }

    /// Reads the log up to a line with this message.
    fn until(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).expect("the log can be read");
            assert!(read > 0, "the server ended before it said \"{message}\"");
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if line["message"].as_str().is_some_and(|told| told.contains(message)) {
                return line;
            }
        }
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path)
    }

    fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (status, answer)
    }

    fn signal(&self, name: &str) {
        let ran = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(ran.success());
    }

    /// How it ended, after it was told to stop.
    fn stopped(mut self) -> i32 {
        self.signal("-TERM");
        self.until("stopped");
        self.child.wait().expect("it ends").code().expect("a code")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Instants of the runs of a job that are committed, each with how many commits it has.
fn commits(lake: &Lake, job: &str) -> BTreeSet<String> {
    let prefix = format!("_auditlake/runs/{job}/");
    let names = lake.objects().into_iter().filter_map(|(name, _)| name.strip_prefix(&prefix).map(str::to_owned));
    let committed: Vec<String> = names.filter(|name| name.contains("/commit-")).collect();
    assert!(committed.iter().all(|name| name.ends_with("/commit-000001.json")), "{committed:?}");
    committed.into_iter().map(|name| name.split('/').next().unwrap_or_default().to_owned()).collect()
}

/// What should have been computed and was not, of intervals that are over for a while.
fn missing(lake: &Lake) -> Vec<String> {
    let told = lake.json(&["runs", "missing", "tick"]);
    let all = told["missing"].as_array().expect("a list").iter();
    all.filter(|one| !["due", "started", "queued"].contains(&one["state"].as_str().unwrap_or("")))
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_server_does_what_is_due_and_says_how_it_is() {
    let lake = Lake::new();
    lake.write("jobs/tick.yaml", TICK);
    let mut server = Server::start(&lake);
    for _ in 0..2 {
        let committed = server.until("committed");
        assert!(committed["run"].as_str().is_some_and(|run| run.starts_with("tick@")), "{committed}");
    }
    for (path, status, words) in [
        ("/healthz", 200, "ok"),
        ("/readyz", 200, "ok"),
        ("/", 200, "tick"),
        ("/metrics", 200, "auditlake_attempts_total{job=\"tick\",status=\"committed\"} "),
        ("/metrics", 200, "auditlake_run_duration_seconds_bucket{le=\"+Inf\",job=\"tick\"} "),
        ("/metrics", 200, "auditlake_interval_lag_seconds{job=\"tick\"} "),
        ("/nope", 404, "/healthz"),
    ] {
        let (code, answer) = server.get(path);
        assert_eq!(code, status, "{path}: {answer}");
        assert!(answer.contains(words), "{path}: {answer}");
    }
    assert_eq!(server.ask("POST", "/metrics").0, 405);
    assert_eq!(server.stopped(), 0);
    assert!(commits(&lake, "tick").len() >= 2);
    assert_eq!(missing(&lake), [] as [&str; 0]);
    // Another one goes on where it stopped, and nothing is lost between the two.
    let mut next = Server::start(&lake);
    next.until("committed");
    next.until("committed");
    assert_eq!(next.stopped(), 0);
    assert_eq!(missing(&lake), [] as [&str; 0]);
    lake.run(&["verify"]).succeeded();
}

#[test]
fn a_server_takes_over_definitions_that_are_right_and_goes_on_with_its_own_otherwise() {
    let lake = Lake::new();
    lake.write("jobs/tick.yaml", TICK);
    let mut server = Server::start(&lake);
    server.until("committed");
    let broken = lake.write("jobs/tock.yaml", "job: tock\nkind: verify\nschedule: {cron: \"0 0 31 2 *\"}\n");
    let told = server.until("definitions changed and are wrong");
    assert!(told["why"].as_str().is_some_and(|why| why.contains("tock.yaml")), "{told}");
    server.until("committed");
    std::fs::remove_file(broken).expect("removed");
    lake.write("jobs/tock.yaml", TICK.replace("job: tick", "job: tock"));
    server.until("definitions changed, taken over");
    loop {
        if server.until("committed")["job"] == "tock" {
            break;
        }
    }
    assert_eq!(server.stopped(), 0);
}

#[test]
fn of_two_servers_one_may_die_at_any_moment() {
    let lake = Lake::new();
    lake.write("jobs/tick.yaml", TICK);
    let mut survivor = Server::start(&lake);
    for _ in 0..3 {
        let other = Server::start(&lake);
        survivor.until("committed");
        other.signal("-KILL");
    }
    let before = commits(&lake, "tick").len();
    survivor.until("committed");
    survivor.until("committed");
    assert_eq!(survivor.stopped(), 0);
    let all = commits(&lake, "tick");
    assert!(all.len() > before);
    assert_eq!(missing(&lake), [] as [&str; 0]);
    lake.run(&["verify"]).succeeded();
}

#[test]
fn a_server_answers_requests() {
    let lake = Lake::new();
    lake.write(
        "access.yaml",
        "roles: {reader: {inherits: [analyst], datasets: {audit: {rows: all}}}}\nprincipals: {rita: {tenants: all, roles: [reader], channels: [inbox]}}\n",
    );
    lake.write("jobs/tick.yaml", TICK);
    let mut server = Server::start(&lake);
    lake.put("requests/inbox/rita/all.yaml", "request: 1\ndataset: audit\nformat: csv\n");
    // Its manifest lies there before it is counted; the next commits come while it is answered.
    let answered = "auditlake_requests_total{outcome=\"answered\"} 1";
    let mut waited = 0;
    while !server.get("/metrics").1.contains(answered) {
        server.until("committed");
        waited += 1;
        assert!(waited < 30, "the request is not answered");
    }
    assert!(
        lake.objects().iter().any(|(name, _)| name.starts_with("exports/rita/") && name.ends_with("/manifest.json"))
    );
    assert_eq!(server.stopped(), 0);
}

#[test]
fn a_server_rewrites_many_small_files_and_leaves_few_alone() {
    let lake = Lake::new();
    let event = |number: u32| {
        format!(
            r#"{{"event_id":"e-{number}","time":"2026-02-0{day}T10:00:00Z","tenant_id":"t1","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-1","actor_type":"user"}}"#,
            day = 1 + number % 2,
        )
    };
    lake.write("events.ndjson", [event(0), event(1)].join("\n"));
    lake.json(&["ingest", "ndjson", "events.ndjson", "--into", "audit", "--at=2026-03-10T08:00:00Z"]);
    let written: Vec<_> = lake.objects().into_iter().filter(|(name, _)| is_of_day(name, 1)).collect();
    let [(path, bytes)] = &written[..] else { panic!("one file of that day: {written:?}") };
    let folder = path.rsplit_once('/').expect("a folder").0;
    for copy in 0..80 {
        lake.put(&format!("{folder}/copy-{copy}.parquet"), bytes);
    }
    let mut server = Server::start_with(&lake, &["--compact-every", "1"]);
    let told = server.until("compacted");
    assert_eq!((&told["dataset"], &told["before"], &told["after"]), (&json!("audit"), &json!(81), &json!(1)), "{told}");
    assert_eq!(server.stopped(), 0);
    assert_eq!(lake.figure("SELECT count(*) AS n FROM audit"), 82, "of both days");
    let left = lake.json(&["compact", "audit", "--dry-run", "--at=2026-03-10T09:00:00Z"]);
    assert_eq!(left["compacted"]["files_before"], 0, "{left}");
}

/// Whether an object is a file of rows of that day of February.
fn is_of_day(name: &str, day: u32) -> bool {
    name.ends_with(".parquet") && name.contains(&format!("date=2026-02-{day:02}/"))
}

#[test]
fn what_a_server_cannot_do_is_refused() {
    let lake = Lake::new();
    lake.run(&["serve", "--at=2026-03-04T00:00:00Z"]).failed(2, &["serve goes by the clock of the machine"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    lake.run(&["serve", "--listen", &address]).failed(1, &["cannot listen on", &address]);
}
