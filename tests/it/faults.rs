//! A store that throttles, breaks off, loses what it listed, or no longer takes the credentials: a clear error, nothing
//! lost, nothing doubled, and the same command again goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::auditlake::Lake;
use crate::double::{Asked, Double, Fault};

const AT: &str = "--at=2026-03-09T00:00:00Z";
const COUNT: &str = "SELECT count(*) FROM audit";
const EXPIRED: Fault = Fault::Refused(400, "ExpiredToken");
const THROTTLED: Fault = Fault::Refused(503, "SlowDown");

fn event(number: u64) -> String {
    let (day, tenant) = (1 + number % 5, number % 2);
    format!(
        r#"{{"event_id":"e-{number}","time":"2026-03-0{day}T10:00:00Z","tenant_id":"t{tenant}","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-{}","actor_type":"user"}}"#,
        number % 7
    ) + "\n"
}

fn events(numbers: std::ops::Range<u64>) -> Vec<u8> {
    numbers.map(event).collect::<String>().into_bytes()
}

/// A lake on a server that can fail, beside a folder of five source objects with 3,000 events.
fn lake() -> (Double, Lake) {
    let server = Double::start();
    for part in 0..5 {
        server.put(&format!("drop/part-{part}.ndjson"), events(part * 600..(part + 1) * 600));
    }
    let lake = Lake::at("s3://acme-audit/lake", server.environment());
    (server, lake)
}

const INGEST: [&str; 6] = ["ingest", "ndjson", "s3://acme-audit/drop", "--into", "audit", AT];

/// A lake that holds the events, in two files of each folder.
fn filled() -> (Double, Lake) {
    let (server, lake) = lake();
    lake.json(&["ingest", "ndjson", "s3://acme-audit/drop/part-3.ndjson", "--into", "audit", AT]);
    assert_eq!(lake.json(&INGEST)["rows"], 2_400);
    once(&lake);
    (server, lake)
}

/// Every event is there once, and the ingest counted each.
#[track_caller]
fn whole(lake: &Lake, answer: &Value) {
    let counts = ["read", "rows", "duplicates", "rejected"].map(|name| answer[name].as_u64());
    assert_eq!(counts, [Some(3_000), Some(3_000), Some(0), Some(0)], "{answer}");
    once(lake);
}

#[track_caller]
fn once(lake: &Lake) {
    assert_eq!(lake.figure(COUNT), 3_000);
    assert_eq!(lake.figure("SELECT count(DISTINCT event_id) FROM audit"), 3_000);
    assert_eq!(lake.figure("SELECT count(*) FROM audit_rejected"), 0);
}

/// `fault` at every fifth request.
fn now_and_then(fault: Fault) -> impl Fn(&Asked) -> Option<Fault> + Send + Sync {
    let met = AtomicUsize::new(0);
    move |_| met.fetch_add(1, Ordering::SeqCst).is_multiple_of(5).then_some(fault)
}

#[test]
fn what_fails_now_and_then_is_asked_again_and_nobody_notices() {
    for fault in [THROTTLED, Fault::Cut, Fault::Lost] {
        let (server, lake) = lake();
        server.fail(now_and_then(fault));
        let answer = lake.json(&INGEST);
        whole(&lake, &answer);
        assert_eq!(lake.json(&INGEST)["files_seen_before"], 5);
        lake.json(&["run", "compliance", AT]);
        assert_eq!(lake.rows("SELECT run FROM auditlake.runs WHERE state = 'committed'").len(), 1, "{fault:?}");
    }
}

#[test]
fn a_read_that_breaks_off_every_time_is_an_error_and_no_shorter_answer() {
    let (server, lake) = filled();
    for (fault, word) in [(Fault::Cut, ""), (Fault::Lost, ""), (THROTTLED, "SlowDown")] {
        server.fail(move |asked| asked.reads_data().then_some(fault));
        lake.run(&["sql", COUNT]).failed(1, &["object \"audit/tenant=", "cannot read it", word]);
    }
    server.heal();
    once(&lake);
}

#[test]
fn a_source_that_breaks_off_is_no_short_object() {
    for (fault, word) in [(Fault::Cut, "part-1"), (Fault::Lost, "part-1"), (EXPIRED, "credentials have expired")] {
        let (server, lake) = lake();
        server.fail(move |asked| (asked.method == "GET" && asked.name.ends_with("part-1.ndjson")).then_some(fault));
        let command = [&INGEST[..], &["--partial"]].concat();
        lake.run(&command).failed(1, &["input \"s3://acme-audit/drop/part-1.ndjson\"", "cannot be read", word]);
        server.heal();
        // Accepting short objects accepts no store that fails: nothing was refused, and nothing is left out.
        whole(&lake, &lake.json(&INGEST));
    }
}

#[test]
fn an_upload_that_breaks_off_is_sent_again_by_the_same_command() {
    // From the third file on.
    let from_third = |fault| {
        let written = AtomicUsize::new(0);
        let data = |asked: &Asked| asked.method == "PUT" && asked.name.contains("/audit/tenant=");
        move |asked: &Asked| (data(asked) && written.fetch_add(1, Ordering::SeqCst) >= 2).then_some(fault)
    };
    for fault in [Fault::Lost, EXPIRED, THROTTLED] {
        let (server, lake) = lake();
        server.fail(from_third(fault));
        lake.run(&INGEST).failed(1, &["object \"audit/tenant=", "cannot create it"]);
        let left = server.objects().into_keys().filter(|name| name.contains("/audit/tenant=")).count();
        assert_eq!(left, 2, "the others wait for the same command");
        server.heal();
        whole(&lake, &lake.json(&INGEST));
    }
    // Where only the answers were lost, the bytes are there, and that is seen.
    let (server, lake) = lake();
    server.fail(from_third(Fault::Cut));
    whole(&lake, &lake.json(&INGEST));
}

#[test]
fn a_listing_that_loses_a_page_is_an_error_and_not_a_shorter_list() {
    let (server, lake) = filled();
    for (fault, words) in [
        (Fault::Cut, &["cannot list it"][..]),
        (Fault::Refused(404, "NoSuchKey"), &["cannot list it"]),
        (EXPIRED, &["cannot list it", "credentials have expired"]),
    ] {
        server.fail(move |asked| asked.next_page.then_some(fault));
        lake.run(&["sql", COUNT]).failed(1, words);
        lake.run(&["run", "compliance", AT]).failed(1, words);
        lake.run(&INGEST).failed(1, &[]);
    }
    server.heal();
    once(&lake);
    let first = AtomicUsize::new(0);
    server.fail(move |asked| (asked.next_page && first.fetch_add(1, Ordering::SeqCst) == 0).then_some(THROTTLED));
    once(&lake);
}

#[test]
fn a_listed_object_that_is_gone_is_named() {
    let (server, lake) = filled();
    server.fail(|asked| asked.reads_data().then_some(Fault::Refused(404, "NoSuchKey")));
    let said = ["object \"audit/tenant=", "it was there a moment ago", "run the same command again"];
    lake.run(&["sql", COUNT]).failed(1, &said);
    lake.run(&["run", "compliance", AT]).failed(1, &said);
    server.fail(|asked| {
        (asked.method == "GET" && asked.name.ends_with("part-5.ndjson")).then_some(Fault::Refused(404, "NoSuchKey"))
    });
    server.put("drop/part-5.ndjson", events(3_000..3_001));
    lake.run(&INGEST).failed(1, &["part-5.ndjson", "cannot be read"]);
    server.heal();
    assert_eq!(lake.json(&INGEST)["rows"], 1);
}

#[test]
fn credentials_that_expire_in_the_middle_end_the_command_and_leave_no_report() {
    let (server, lake) = filled();
    let renew = ["the credentials have expired", "renew them and run the same command again"];
    // The listing still goes through, the data does not.
    server.fail(|asked| asked.reads_data().then_some(EXPIRED));
    lake.run(&["sql", COUNT]).failed(1, &renew);
    lake.run(&["compact", "audit"]).failed(1, &renew);
    lake.run(&["run", "compliance", AT]).failed(1, &renew);
    // One read alone is refused: in the look at every file, or while controls are evaluated, which then have no result.
    let mut cut_short = 0;
    for refused in (19..).step_by(9) {
        let met = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&met);
        server.fail(move |asked| {
            (asked.reads_data() && seen.fetch_add(1, Ordering::SeqCst) == refused).then_some(EXPIRED)
        });
        let ran = lake.run(&["run", "compliance", AT]);
        if met.load(Ordering::SeqCst) <= refused {
            ran.succeeded();
            break;
        }
        ran.failed(1, &renew);
        cut_short += 1;
    }
    assert!(cut_short >= 3, "{cut_short}");
    server.heal();
    assert_eq!(lake.figure("SELECT count(*) FROM auditlake.runs WHERE state = 'committed'"), 1);
    lake.json(&["run", "compliance", AT]);
    let errors = lake.figure("SELECT count(*) FROM auditlake.control_results WHERE status = 'error'");
    assert_eq!(errors, 0, "what the store refused is no result");
    once(&lake);
}
