//! An apply in a bucket that keeps versions, of which one request goes wrong: it is the last one before a `kill -9`, or is
//! refused, unanswered, cut off or late. Afterwards each object has its old bytes or its new ones, the same command comes to
//! the same end, no row is lost, no old version is left, and nothing is found wrong.
//!
//! `AUDITLAKE_BUCKET_FAULTS=all` meets every request with each of them, `Busy,Torn` with these; otherwise some, evenly apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

use crate::auditlake::{Lake, files_below};
use crate::faulty_proxy::{At, Fault, Met, Which, all_hold, disturbed};
use crate::moto::{self, Bucket};
use crate::serial_proxy::serialised;

const NOW: &str = "--at=2026-11-30T00:00:00Z";
/// Of each tenant the events of its one day: all of them go, some go, some are archived, all stay.
const DAYS: [(&str, &str, &[&str]); 4] = [
    ("dropped", "2026-10-20", &["data.read", "data.read", "data.read"]),
    ("rewritten", "2026-10-20", &["data.read", "user.login", "user.logout", "data.read", "user.logout"]),
    ("archived", "2026-10-20", &["api.create", "user.logout", "api.read"]),
    ("untouched", "2026-11-29", &["data.read", "user.login"]),
];
const POLICY: &str = "policy: audit
rules:
  - {rule: reads, where: {event_type: \"data.*\"}, maximum: 30d, disposition: delete}
  - {rule: calls, where: {event_type: \"api.*\"}, maximum: 30d, disposition: archive, archive: {keep: 1y}}
  - rule: logins
    where: {event_type: user.login}
    maximum: 30d
    disposition: anonymize
    anonymize: {src_ip: {method: truncate_ip, v4: 24, v6: 48}, subject_id: {method: redact}, actor_id: {method: constant, value: erased}}
grace: 0h
approval: {brake: 100%}
";
/// Rows that stay, that are archived, and that are there at first.
const ROWS: (usize, usize, usize) = (6, 2, 13);

type Objects = BTreeMap<String, Bytes>;

/// A lake with an approved plan, of which copies are made; what becomes of it when nobody disturbs the apply.
struct Ready {
    lake: Lake,
    everything: Vec<(String, Bytes)>,
    plan: String,
    before: Objects,
    after: Objects,
    rows: Value,
    met: Met,
}

#[test]
fn an_apply_in_a_bucket_comes_to_the_same_end_whatever_becomes_of_a_request() {
    let test = "an_apply_in_a_bucket_comes_to_the_same_end_whatever_becomes_of_a_request";
    let Some(bucket) = moto::bucket(test) else { return };
    let ready = Ready::new(bucket);
    let cases = cases(&ready.met, std::env::var("AUDITLAKE_BUCKET_FAULTS").ok().as_deref());
    all_hold(&ready.met, &cases, |case| ready.check(case));
}

#[test]
fn what_object_lock_keeps_is_named_and_does_not_come_back() {
    let Some(bucket) = moto::locking_bucket("what_object_lock_keeps_is_named_and_does_not_come_back") else { return };
    let bucket = serialised(&bucket);
    let (lake, plan) = planned(bucket.clone());
    lake.json(&["retention", "apply", &plan, "--yes", "--workers", "1", NOW]);
    let (kept, archived) = split(&bucket.data().into_iter().collect());
    assert_eq!((kept.len(), archived.len()), (ROWS.0, ROWS.1));
    let receipt = receipt(&bucket, &plan);
    for object in receipt["objects"].as_array().expect("objects") {
        let named = object["not_reached"].to_string();
        assert!(named.contains("Object Lock retains it (COMPLIANCE)") && named.contains("until"), "{object}");
    }
    nothing_is_wrong(&lake);
}

/// What happens at which request: at all of them, or at some, evenly apart, and at other ones for each kind of fault.
fn cases(met: &Met, wanted: Option<&str>) -> Vec<At> {
    let some = [
        (Which::Writes, Fault::KilledBefore, 2),
        (Which::Writes, Fault::KilledAfter, 4),
        (Which::Writes, Fault::Unanswered, 1),
        (Which::Any, Fault::Unanswered, 1),
        (Which::Any, Fault::Busy, 1),
        (Which::Listings, Fault::Torn, 1),
        (Which::Listings, Fault::CutShort, 2),
        (Which::Writes, Fault::Delayed, 1),
    ];
    let mut cases = Vec::new();
    for (nth, (which, fault, count)) in (1..).zip(some) {
        let there = met.of(which);
        let Some(wanted) = wanted else {
            let apart = there / count;
            cases.extend((0..count).map(|number| (which, number * apart + nth * apart / 9, fault)));
            continue;
        };
        // Writes are among all requests.
        let is_doubled = (which, fault) == (Which::Writes, Fault::Unanswered);
        if !is_doubled && wanted.split(',').any(|name| name == "all" || *name == format!("{fault:?}")) {
            cases.extend((0..there).map(|number| (which, number, fault)));
        }
    }
    assert!(!cases.is_empty(), "{wanted:?} names no fault");
    cases
}

/// A lake in a bucket, and an approved plan of it.
fn planned(bucket: Bucket) -> (Lake, String) {
    let lake = Lake::in_bucket(bucket);
    // Every dataset takes requests of its own whenever something is checked.
    for definition in files_below(&lake.folder().join("datasets")) {
        if !definition.ends_with("audit.yaml") {
            fs::remove_file(definition).expect("removed");
        }
    }
    fs::remove_dir_all(lake.folder().join("jobs")).expect("removed");
    // It names one of those datasets.
    fs::remove_file(lake.folder().join("policies/subjects.yaml")).expect("removed");
    lake.write("drop/events.ndjson", events());
    lake.write("policies/audit.yaml", POLICY);
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", NOW]);
    let plan = lake.json(&["retention", "plan", "--dataset", "audit", "--as", "paula", NOW]);
    let plan = plan["plan"].as_str().expect("an id").to_owned();
    lake.json(&["retention", "approve", &plan, "--ticket", "CHG-88", "--as", "omar", NOW]);
    (lake, plan)
}

impl Ready {
    fn new(bucket: Bucket) -> Self {
        let (lake, plan) = planned(bucket.clone());
        let before: Objects = bucket.data().into_iter().collect();
        assert_eq!((before.len(), events_of(&before).len()), (DAYS.len(), ROWS.2));
        let everything = bucket.objects("lake");
        let mut ready =
            Self { lake, everything, plan, before, after: Objects::new(), rows: Value::Null, met: Met::default() };
        let (lake, bucket) = ready.copy();
        let undisturbed = disturbed(&lake, &bucket, &ready.apply(), None);
        undisturbed.ran.succeeded();
        ready.met = undisturbed.met;
        ready.after = bucket.data().into_iter().collect();
        ready.rows = receipt(&bucket, &ready.plan)["rows"].clone();
        let (kept, archived) = split(&ready.after);
        assert_eq!((kept.len(), archived.len()), (ROWS.0, ROWS.1));
        assert_eq!((kept.union(&archived).count()) as u64 + ready.rows["deleted"].as_u64().expect("a count"), 13);
        ready.is_done(&bucket);
        nothing_is_wrong(&lake);
        ready
    }

    /// One object after the other, so that the same request is the same one whenever it is met.
    fn apply(&self) -> [&str; 7] {
        ["retention", "apply", &self.plan, "--yes", "--workers", "1", NOW]
    }

    /// The same lake, where every object that loses rows has an older version.
    fn copy(&self) -> (Lake, Bucket) {
        let bucket = moto::versioned_bucket("a copy").expect("the server of the first bucket");
        for (name, bytes) in &self.everything {
            let put = |bytes: &[u8]| drop(bucket.http("PUT", &format!("/{name}"), &[], bytes));
            if name.starts_with("lake/audit/") && !name.contains("untouched") {
                put(b"older bytes");
            }
            put(bytes);
        }
        (self.lake.with_bucket(bucket.clone()), bucket)
    }

    fn check(&self, (which, number, fault): &At) {
        let what = format!("{which:?} {number}, {fault:?}");
        let (lake, bucket) = self.copy();
        let disturbed = disturbed(&lake, &bucket, &self.apply(), Some((*which, *number, *fault)));
        let hit = disturbed.met.hit.as_deref().unwrap_or_else(|| panic!("{what}: there was no such request"));
        let what = format!("{what}: {hit}");
        let killed = matches!(fault, Fault::KilledBefore | Fault::KilledAfter);
        assert_eq!(disturbed.ran.code.is_none(), killed, "{what}: {:?}", disturbed.ran);
        self.is_whole(&bucket.data().into_iter().collect(), &what);
        if let Some(meanwhile) = &disturbed.meanwhile {
            self.is_whole(&meanwhile.iter().cloned().collect(), &what);
        }
        // What came to an end is not begun again.
        if disturbed.ran.code != Some(0) {
            let again = lake.run(&self.apply());
            assert_eq!(again.code, Some(0), "{what}: {}{}", again.out, again.err);
        }
        self.is_done(&bucket);
        // What arrives late changes nothing; where it says that something is about to be logged, `verify` tells what to do.
        // What could not be logged because an answer was damaged waits for the same.
        if disturbed.deliver() || *fault == Fault::CutShort {
            lake.run(&["evidence", "anchor"]).succeeded();
            self.is_done(&bucket);
        }
        nothing_is_wrong(&lake);
    }

    /// That each object has its old bytes or its new ones, and no row is lost.
    fn is_whole(&self, there: &Objects, what: &str) {
        for (name, bytes) in there {
            let known = [self.before.get(name), self.after.get(name)];
            assert!(known.contains(&Some(bytes)), "{what}: \"{name}\" has other bytes");
        }
        let (kept, archived) = split(there);
        let (must_stay, must_be_archived) = split(&self.after);
        assert!(must_stay.is_subset(&kept), "{what}: rows are lost");
        let either: BTreeSet<_> = kept.union(&archived).cloned().collect();
        assert!(must_be_archived.is_subset(&either), "{what}: rows that were to be archived are lost");
    }

    /// That all of it is done, and once.
    fn is_done(&self, bucket: &Bucket) {
        let there: Objects = bucket.data().into_iter().collect();
        assert_eq!(there.keys().collect::<Vec<_>>(), self.after.keys().collect::<Vec<_>>());
        assert!(there == self.after, "an object has other bytes");
        assert_eq!(receipt(bucket, &self.plan)["rows"], self.rows);
        // One version of each object, and nothing of those that are gone.
        let listed = |folder: &str| bucket.http("GET", &format!("?versions&prefix=lake/{folder}"), &[], b"");
        let versions = ["audit/", "archive/"].map(listed).concat();
        let count = |tag: &str| versions.matches(tag).count();
        assert_eq!((count("<Version>"), count("<DeleteMarker>")), (self.after.len(), 0), "{versions}");
    }
}

fn nothing_is_wrong(lake: &Lake) {
    lake.run(&["verify", NOW]).said(0, &["nothing is wrong"]);
    lake.run(&["retention", "reconcile", NOW]).said(0, &["nothing was left half done"]);
}

fn receipt(bucket: &Bucket, plan: &str) -> Value {
    let folder = format!("lake/_auditlake/journal/{plan}");
    let (_, receipt) = bucket
        .objects(&folder)
        .into_iter()
        .find(|(name, _)| *name == format!("{folder}/receipt.json"))
        .expect("a receipt");
    serde_json::from_slice(&receipt).expect("JSON")
}

fn events() -> String {
    let mut lines = String::new();
    for (tenant, date, types) in DAYS {
        for (number, kind) in types.iter().enumerate() {
            lines.push_str(&format!(
                r#"{{"event_id":"{tenant}-{number}","time":"{date}T10:00:0{number}Z","tenant_id":"{tenant}","source":"app","event_type":"{kind}","outcome":"success","actor_id":"u-1","actor_type":"user","src_ip":"192.0.2.{number}","subject_id":"p-1"}}"#
            ));
            lines.push('\n');
        }
    }
    lines
}

/// The events of the dataset, and those of its archive.
fn split(objects: &Objects) -> (BTreeSet<String>, BTreeSet<String>) {
    let (kept, archived): (Objects, Objects) =
        objects.clone().into_iter().partition(|(name, _)| name.starts_with("audit/"));
    (events_of(&kept), events_of(&archived))
}

fn events_of(objects: &Objects) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for (name, bytes) in objects {
        let reader = SerializedFileReader::new(bytes.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        for row in reader.get_row_iter(None).expect("rows") {
            let row = row.unwrap_or_else(|error| panic!("{name} is not whole: {error}"));
            let id = row.get_column_iter().find(|(column, _)| *column == "event_id").expect("an id").1.to_string();
            assert!(ids.insert(id), "{name}: a row is there twice");
        }
    }
    ids
}
