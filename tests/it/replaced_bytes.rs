//! Rows that retention takes lie in files that a compaction replaced as well: of those, too, nothing is left on the store when
//! a plan is done, and until then it is said what is there, and till when.

use serde_json::Value;

use crate::auditlake::Lake;
use crate::moto;
use crate::subject::has;

/// Whose rows go, in a name that is in no other.
const ANN: &str = "ann-zq7";
/// When both files were merged.
const MERGED: &str = "--at=2026-11-30T00:00:00Z";

fn policy(grace: &str) -> String {
    format!(
        "policy: audit\ndataset: audit\nrules:\n  - {{rule: reads, where: {{event_type: \"data.*\"}}, maximum: 30d, disposition: \
         delete}}\ngrace: {grace}\napproval: {{brake: 100%}}\n"
    )
}

/// Two files of one old day, in each a row that is due and one that stays, and one file with the rows of both.
fn merged(lake: &Lake, grace: &str) {
    lake.write("policies/audit.yaml", policy(grace));
    for file in 0..2 {
        let row = |kind: &str, actor: &str| {
            format!(
                r#"{{"event_id":"{kind}-{file}","time":"2026-10-01T10:00:00Z","tenant_id":"acme","source":"app","event_type":"{kind}","outcome":"success","actor_id":"{actor}","actor_type":"user"}}"#
            )
        };
        lake.write("drop/events.ndjson", format!("{}\n{}\n", row("data.read", ANN), row("user.login", "bob")));
        lake.json(&["ingest", "ndjson", "drop", "--into", "audit", "--at=2026-11-29T00:00:00Z"]);
    }
    std::fs::remove_dir_all(lake.folder().join("drop")).expect("removed");
    let told = lake.json(&["compact", "audit", MERGED]);
    assert_eq!(told["compacted"]["files_before"], 2, "{told}");
}

fn approved(lake: &Lake, at: &str) -> String {
    let plan = lake.json(&["retention", "plan", "--dataset", "audit", "--as", "paula", at]);
    let id = plan["plan"].as_str().expect("an id").to_owned();
    lake.json(&["retention", "approve", &id, "--ticket", "CHG-88", "--as", "omar", at]);
    id
}

fn with_ann(lake: &Lake) -> Vec<String> {
    let with_ann = lake.objects().into_iter().filter(|(_, bytes)| has(bytes, ANN));
    with_ann.map(|(name, _)| name).filter(|name| name.starts_with("audit/")).collect()
}

#[test]
fn without_a_grace_they_go_with_the_rows() {
    let lake = Lake::new();
    merged(&lake, "0h");
    let at = "--at=2026-11-30T00:01:00Z";
    let plan = approved(&lake, at);
    assert_eq!(with_ann(&lake).len(), 3);
    let applied = lake.run(&["retention", "apply", &plan, "--yes", at]);
    applied.said(
        0,
        &["2 deleted", "2 files deleted that a compaction or a query had replaced", "receipt and certificate"],
    );
    assert!(with_ann(&lake).is_empty(), "{:?}", with_ann(&lake));
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 2);
    lake.run(&["verify", at]).said(0, &["nothing is wrong"]);
}

#[test]
fn for_as_long_as_they_stay_the_plan_is_not_done() {
    let lake = Lake::new();
    merged(&lake, "12h");
    lake.write("jobs/retention.yaml", "job: retention\nkind: retention\n");
    let at = "--at=2026-11-30T11:00:00Z";
    let plan = approved(&lake, at);
    let apply = |at| lake.run(&["retention", "apply", &plan, "--yes", at]);
    let early = apply(at);
    early.said(
        0,
        &["2 deleted", "2 files that a compaction or a query replaced stay on the store until 2026-11-30T12:00:00Z"],
    );
    assert!(!early.out.contains("receipt and certificate"), "{}", early.out);
    assert_eq!((with_ann(&lake).len(), lake.figure("SELECT count(*) FROM audit")), (2, 2));
    // What is replaced after the plan was drawn up is none of its business: it has the rows no more.
    let job = lake.json(&["run", "retention", "--at=2026-12-01T00:00:00Z"]);
    assert_eq!(job["summary"]["retention"]["done"], 1, "{job}");
    assert!(with_ann(&lake).is_empty(), "{:?}", with_ann(&lake));
    apply("--at=2026-12-01T01:00:00Z").said(0, &["was applied before"]);
    let receipt: Value =
        serde_json::from_slice(&lake.object(&format!("_auditlake/journal/{plan}/receipt.json"))).expect("a receipt");
    assert_eq!((&receipt["replaced"]["deleted"], &receipt["replaced"]["staying"]), (&2.into(), &0.into()));
}

#[test]
fn a_case_that_was_opened_since_keeps_them() {
    let lake = Lake::new();
    merged(&lake, "0h");
    let at = "--at=2026-11-30T00:01:00Z";
    let plan = approved(&lake, at);
    // It holds none of the rows that are due, and may hold others that were replaced.
    lake.run(&["hold", "place", "--case", "C-1", "--dataset", "audit", "--tenant", "other", "--reason", "letter", at])
        .succeeded();
    let applied = lake.run(&["retention", "apply", &plan, "--yes", at]);
    applied.said(0, &["not reached: 2 files that were replaced: case C-1 was opened since"]);
    assert_eq!(with_ann(&lake).len(), 2);
}

/// Also those that a compaction deleted before: a bucket that keeps versions has them still.
#[test]
fn no_version_of_them_is_left() {
    let Some(bucket) = moto::versioned_bucket("no_version_of_them_is_left") else { return };
    let lake = Lake::in_bucket(bucket.clone());
    merged(&lake, "0h");
    let at = "--at=2026-12-03T00:00:00Z";
    lake.run(&["compact", "audit", at]).said(0, &["2 replaced files deleted"]);
    let plan = approved(&lake, at);
    let versions = || {
        let versions = bucket.versions().into_iter().filter(|(name, _)| name.starts_with("lake/audit/"));
        versions.filter(|(name, id)| has(&bucket.version(name, id), ANN)).count()
    };
    assert_eq!(versions(), 3);
    lake.run(&["retention", "apply", &plan, "--yes", at]).said(0, &["2 deleted", "receipt and certificate"]);
    assert_eq!((versions(), lake.figure("SELECT count(*) FROM audit")), (0, 2));
}
