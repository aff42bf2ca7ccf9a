//! An erasure in a bucket that keeps versions, of which one request goes wrong: it is the last one before a `kill -9`, or is
//! refused, unanswered or cut off. The same command then ends it: the person is in no byte of any version, nobody else lost
//! anything, and the case is closed once.
//!
//! `AUDITLAKE_BUCKET_FAULTS=all` meets every write or request with each of them, `KilledBefore,KilledAfter` with these;
//! otherwise some, evenly apart.

use std::fs;

use bytes::Bytes;

use crate::auditlake::{Lake, files_below};
use crate::faulty_proxy::{At, Fault, Met, Which, all_hold, disturbed};
use crate::moto::{self, Bucket};
use crate::serial_proxy::serialised;
use crate::subject::{OUT, has};

const NOW: &str = "--at=2026-11-30T00:00:00Z";
/// Whoever is to be gone, in a name that is in no other.
const ANN: &str = "ann-zq7";
/// One object after the other, so that the same request is the same one whenever it is met.
const APPLY: [&str; 7] = ["subject", "apply", "E-1", "--yes", "--workers", "1", NOW];
/// Of each tenant who acts in the events of its one day: all of them go, some go, none goes.
const DAYS: [(&str, &[&str]); 3] =
    [("dropped", &[ANN, ANN]), ("rewritten", &["bob", ANN, "bob"]), ("untouched", &["bob"])];

/// A lake with an approved erasure, of which copies are made.
struct Ready {
    lake: Lake,
    everything: Vec<(String, Bytes)>,
    others: Vec<String>,
    met: Met,
}

#[test]
fn an_erasure_in_a_bucket_leaves_nothing_of_a_person_whatever_becomes_of_a_request() {
    let test = "an_erasure_in_a_bucket_leaves_nothing_of_a_person_whatever_becomes_of_a_request";
    let Some(bucket) = moto::bucket(test) else { return };
    let ready = Ready::new(bucket);
    let cases = cases(&ready.met, std::env::var("AUDITLAKE_BUCKET_FAULTS").ok().as_deref());
    all_hold(&ready.met, &cases, |case| ready.check(case));
}

/// What happens at which request: at all of them, or at some, evenly apart.
fn cases(met: &Met, wanted: Option<&str>) -> Vec<At> {
    let some = [
        (Which::Writes, Fault::KilledBefore, 1),
        (Which::Writes, Fault::KilledAfter, 2),
        (Which::Writes, Fault::Unanswered, 1),
        (Which::Any, Fault::Busy, 1),
    ];
    let mut cases = Vec::new();
    for (nth, (which, fault, count)) in (1..).zip(some) {
        let there = met.of(which);
        let Some(wanted) = wanted else {
            let apart = there / count;
            cases.extend((0..count).map(|number| (which, number * apart + nth * apart / 5, fault)));
            continue;
        };
        if wanted.split(',').any(|name| name == "all" || *name == format!("{fault:?}")) {
            cases.extend((0..there).map(|number| (which, number, fault)));
        }
    }
    if wanted.is_none() {
        // Among the last writes the case is closed, and the same command is refused then.
        cases.push((Which::Writes, met.writes - 5, Fault::KilledAfter));
    }
    assert!(!cases.is_empty(), "{wanted:?} names no fault");
    cases
}

impl Ready {
    fn new(bucket: Bucket) -> Self {
        let bucket = serialised(&bucket);
        let lake = Lake::in_bucket(bucket.clone());
        // Every dataset takes requests of its own whenever something is searched.
        for definition in files_below(&lake.folder().join("datasets")) {
            if !definition.ends_with("audit.yaml")
                && !definition.ends_with("identity.yaml")
                && !definition.ends_with("correction.yaml")
            {
                fs::remove_file(definition).expect("removed");
            }
        }
        fs::remove_dir_all(lake.folder().join("jobs")).expect("removed");
        fs::remove_file(lake.folder().join("policies/study-copy.yaml")).expect("removed");
        lake.write("drop/events.ndjson", events());
        lake.write("ann.txt", format!("{ANN}\n"));
        lake.json(&["ingest", "ndjson", "drop", "--into", "audit", NOW]);
        fs::remove_dir_all(lake.folder().join("drop")).expect("removed");
        // What was published of her goes, too.
        lake.write("jobs/out.yaml", OUT);
        lake.run(&["run", "out", NOW]).succeeded();
        let open = ["subject", "open", "--type", "erasure", "--id-file", "ann.txt", "--case", "E-1", NOW];
        lake.run(&open).succeeded();
        lake.run(&["subject", "plan", "E-1", "--as", "paula", NOW]).succeeded();
        lake.run(&["subject", "approve", "E-1", "--ticket", "DSR-1", "--as", "omar", NOW]).succeeded();
        let everything = bucket.objects("lake");
        let others = rows_of_others(&lake);
        assert_eq!(others.len(), 3);
        let mut ready = Self { lake, everything, others, met: Met::default() };
        let (lake, bucket) = ready.copy();
        assert!(!versions_with_ann(&bucket).is_empty(), "nothing is there to be gone");
        let undisturbed = disturbed(&lake, &bucket, &APPLY, None);
        undisturbed.ran.said(0, &["3 deleted", "withdrawn: export exports/out/", "is fulfilled"]);
        ready.met = undisturbed.met;
        ready.is_done(&lake, &bucket, "undisturbed");
        ready
    }

    /// The same lake, where every object of rows has an older version that names the person.
    fn copy(&self) -> (Lake, Bucket) {
        let bucket = moto::versioned_bucket("a copy").expect("the server of the first bucket");
        for (name, bytes) in &self.everything {
            let put = |bytes: &[u8]| drop(bucket.http("PUT", &format!("/{name}"), &[], bytes));
            if name.starts_with("lake/audit/") && !name.contains("untouched") {
                put(format!("older bytes about {ANN}").as_bytes());
            }
            put(bytes);
        }
        (self.lake.with_bucket(bucket.clone()), bucket)
    }

    fn check(&self, (which, number, fault): &At) {
        let what = format!("{which:?} {number}, {fault:?}");
        let (lake, bucket) = self.copy();
        let disturbed = disturbed(&lake, &bucket, &APPLY, Some((*which, *number, *fault)));
        let hit = disturbed.met.hit.as_deref().unwrap_or_else(|| panic!("{what}: there was no such request"));
        let what = format!("{what}: {hit}");
        let killed = matches!(fault, Fault::KilledBefore | Fault::KilledAfter);
        assert_eq!(disturbed.ran.code.is_none(), killed, "{what}: {:?}", disturbed.ran);
        for text in [&disturbed.ran.out, &disturbed.ran.err] {
            assert!(!text.contains(ANN), "{what}: {text}");
        }
        if disturbed.ran.code != Some(0) {
            let again = lake.run(&APPLY);
            // It was closed by the one before, which died afterwards.
            let was_closed = again.err.contains("is fulfilled");
            assert!(again.code == Some(0) || was_closed, "{what}: {}{}", again.out, again.err);
            assert!(!again.out.contains(ANN) && !again.err.contains(ANN), "{what}: {again:?}");
        }
        if disturbed.deliver() {
            lake.run(&["evidence", "anchor"]).succeeded();
        }
        self.is_done(&lake, &bucket, &what);
    }

    fn is_done(&self, lake: &Lake, bucket: &Bucket, what: &str) {
        assert_eq!(versions_with_ann(bucket), [] as [&str; 0], "{what}");
        assert_eq!(rows_of_others(lake), self.others, "{what}");
        let cases = lake.json(&["subject", "list", "--all", NOW]);
        assert_eq!(cases["cases"][0]["state"], "fulfilled", "{what}: {cases}");
        lake.run(&["subject", "certificate", "E-1", NOW]).succeeded();
        lake.run(&["verify", NOW]).said(0, &["nothing is wrong"]);
        lake.run(&["retention", "reconcile", NOW]).said(0, &["nothing was left half done"]);
    }
}

fn events() -> String {
    let mut lines = String::new();
    for (tenant, actors) in DAYS {
        for (number, actor) in actors.iter().enumerate() {
            lines.push_str(&format!(
                r#"{{"event_id":"{tenant}-{number}","time":"2026-11-02T10:00:0{number}Z","tenant_id":"{tenant}","source":"app","event_type":"data.read","outcome":"success","actor_id":"{actor}","actor_type":"user","src_ip":"192.0.2.{number}"}}"#
            ));
            lines.push('\n');
        }
    }
    lines
}

fn rows_of_others(lake: &Lake) -> Vec<String> {
    let rows = lake.rows(&format!("SELECT * FROM audit WHERE actor_id <> '{ANN}' ORDER BY event_id"));
    rows.iter().map(ToString::to_string).collect()
}

/// Every version of every object whose name or bytes, Parquet decoded, have the person in them.
fn versions_with_ann(bucket: &Bucket) -> Vec<String> {
    let with_ann = bucket.versions().into_iter().filter(|(name, id)| {
        let bytes = bucket.version(name, id);
        name.contains(ANN) || has(&bytes, ANN)
    });
    with_ann.map(|(name, _)| name).collect()
}
