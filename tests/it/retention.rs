//! Retention as its users run it: planned, approved by somebody else, applied, verified; held; killed; read meanwhile.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::auditlake::Lake;
use crate::kill::{killed, kills, undisturbed};

const NOW: &str = "--at=2026-11-30T00:00:00Z";
const DAYS: u64 = 60;
const A_DAY: u64 = 20;

/// Reads of 31 days and more go, sessions of 31 days and more lose addresses and people, what is older than 50 days is archived.
const POLICY: &str = "policy: audit
rules:
  - {rule: reads, where: {event_type: \"data.*\"}, maximum: 30d, disposition: delete}
  - rule: sessions
    where: {event_type: user.login}
    maximum: 30d
    disposition: anonymize
    anonymize: {src_ip: {method: truncate_ip, v4: 24, v6: 48}, subject_id: {method: redact}, actor_id: {method: constant, value: erased}}
  - {rule: rest, maximum: 50d, disposition: archive, archive: {keep: 1y}}
grace: 0h
approval: {brake: 100%}
";

/// A lake of sixty days of three tenants, each day an object a tenant.
fn filled(lake: Lake) -> Lake {
    let mut events = String::new();
    for day in 0..DAYS {
        // From 29 November back to 1 October.
        let date = if day < 29 { format!("2026-11-{:02}", 29 - day) } else { format!("2026-10-{:02}", 60 - day) };
        for event in 0..A_DAY {
            let kind = if event % 2 == 0 { "data.read" } else { "user.login" };
            writeln!(
                events,
                r#"{{"event_id":"e-{day}-{event}","time":"{date}T10:{:02}:00Z","tenant_id":"t{}","source":"app","event_type":"{kind}","outcome":"success","actor_id":"u-{}","actor_type":"user","src_ip":"192.0.2.{}","subject_id":"p-{}"}}"#,
                event % 60,
                event % 3,
                event % 5,
                event + 1,
                event % 4
            )
            .expect("a String takes any text");
        }
    }
    lake.write("drop/events.ndjson", events);
    lake.write("policies/audit.yaml", POLICY);
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", NOW]);
    lake
}

/// What must be counted at the end: rows, archived rows, and rows whose person is known.
const END: (u64, u64, u64) = (30 * A_DAY + 20 * A_DAY / 2, 10 * A_DAY, 30 * A_DAY);

fn seen(lake: &Lake) -> (u64, u64, u64) {
    (
        lake.figure("SELECT count(*) FROM audit"),
        lake.figure("SELECT count(*) FROM \"audit@archive\""),
        lake.figure("SELECT count(*) FROM audit WHERE subject_id IS NOT NULL"),
    )
}

/// Plans and approves; gives the id.
fn approved(lake: &Lake) -> String {
    let plan = lake.json(&["retention", "plan", "--dataset", "audit", "--as", "paula", NOW]);
    let id = plan["plan"].as_str().expect("an id").to_owned();
    lake.json(&["retention", "approve", &id, "--ticket", "CHG-88", "--as", "omar", NOW]);
    id
}

#[test]
fn what_is_due_goes_as_approved_and_a_stranger_can_check_it() {
    let lake = filled(Lake::new());
    let plan = lake.run(&["retention", "plan", "--dataset", "audit", "--as", "paula", NOW]);
    plan.succeeded();
    assert!(plan.out.contains("nothing has been changed") && plan.out.contains("--ticket"), "{}", plan.out);
    let id = lake.json(&["retention", "plan", "--dataset", "audit", "--as", "paula", NOW])["plan"].clone();
    let id = id.as_str().expect("an id");
    let apply = ["retention", "apply", &id[..8], "--yes", NOW];
    lake.run(&apply).failed(1, &["may not be applied", "0 of 1 approvals", "retention approve"]);
    let own = ["retention", "approve", &id[..8], "--ticket", "CHG-88", "--as", "paula", NOW];
    lake.run(&own).failed(1, &["\"paula\" drew it up"]);
    lake.json(&["retention", "approve", &id[..8], "--ticket", "CHG-88", "--as", "omar", NOW]);
    lake.run(&["retention", "apply", &id[..8], NOW]).failed(2, &["--yes"]);
    let dry = lake.run(&["retention", "apply", &id[..8], "--dry-run", NOW]);
    assert!(dry.out.contains("it may be applied; nothing has been changed"), "{}", dry.out);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY);
    let applied = lake.run(&apply);
    applied.succeeded();
    assert!(applied.out.contains("receipt and certificate"), "{}", applied.out);
    assert_eq!(seen(&lake), END);
    let of_login = lake.run(&["retention", "explain", "--dataset", "audit", "--event-id", "e-40-1", NOW]);
    assert!(of_login.out.contains("this was done to it"), "{}", of_login.out);
    let of_young = lake.run(&["retention", "explain", "--dataset", "audit", "--event-id", "e-4-1", NOW]);
    assert!(!of_young.out.contains("this was done to it"), "{}", of_young.out);
    let again = lake.run(&apply);
    assert!(again.out.contains("was applied before; nothing was done"), "{}", again.out);
    let empty = lake.json(&["retention", "plan", "--dataset", "audit", "--as", "paula", NOW]);
    assert_eq!(empty["empty"], true, "{empty}");

    let verified = lake.run(&["verify", NOW]);
    verified.succeeded();
    assert!(verified.out.contains("retention") && verified.out.contains("nothing is wrong"), "{}", verified.out);
    let receipts = lake.run(&["retention", "receipts", "--since", "30d", NOW]);
    assert!(receipts.out.contains(&id[..12]), "{}", receipts.out);
    let removed = lake.figure("SELECT sum(rows_deleted + rows_archived) FROM auditlake.receipts");
    assert_eq!(removed, DAYS * A_DAY - END.0);
    assert_eq!(lake.figure("SELECT count(DISTINCT src_ip) FROM audit WHERE subject_id IS NULL"), 1);
    let clean = lake.run(&["retention", "reconcile", NOW]);
    clean.succeeded();

    // A certificate that was changed is found, and so is a file that is not what the log says it became.
    let certificate = format!("_auditlake/journal/{id}/certificate.txt");
    let bytes = lake.object(&certificate);
    lake.put(&certificate, String::from_utf8_lossy(&bytes).replace("CHG-88", "CHG-89"));
    lake.run(&["verify", NOW]).said(3, &["bad_proof", "certificate"]);
    lake.put(&certificate, bytes);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn a_job_plans_on_its_own_and_applies_what_somebody_agreed_to_beforehand() {
    let lake = filled(Lake::new());
    lake.write("jobs/retention.yaml", "job: retention\nkind: retention\n");
    let run = ["run", "retention", NOW];
    let ran = lake.run(&run);
    ran.succeeded();
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY, "nobody agreed");
    let standing = [
        "retention",
        "approve",
        "--standing",
        "audit",
        "--rows",
        "10",
        "--until",
        "2027-01-01",
        "--ticket",
        "C-1",
        "--as",
        "omar",
        NOW,
    ];
    lake.json(&standing);
    lake.json(&["run", "retention", "--at=2026-11-30T01:00:00Z"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY, "these are more rows");
    let mut wider = standing;
    wider[5] = "5000";
    lake.json(&wider);
    lake.json(&["run", "retention", "--at=2026-11-30T02:00:00Z"]);
    assert_eq!(seen(&lake), END);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn what_is_held_stays_and_is_due_again_when_it_is_released() {
    let lake = filled(Lake::new());
    let place =
        ["hold", "place", "--case", "2026-114", "--dataset", "audit", "--tenant", "t1", "--reason", "litigation", NOW];
    lake.json(&place);
    lake.run(&place).failed(2, &["is open already"]);
    let plan = lake.run(&["retention", "plan", "--dataset", "audit", "--as", "paula", NOW]);
    assert!(plan.out.contains("2026-114") && plan.out.contains("conflict"), "{}", plan.out);
    let explained = lake.run(&["retention", "explain", "--dataset", "audit", "--event-id", "e-55-1", NOW]);
    explained.succeeded();
    assert!(explained.out.contains("2026-114"), "{}", explained.out);
    let id = approved(&lake);
    lake.json(&["retention", "apply", &id, "--yes", NOW]);
    let of_t1 = "SELECT count(*) FROM audit WHERE tenant_id = 't1'";
    assert_eq!(lake.figure(of_t1), DAYS * 7);
    assert_eq!(lake.rows("SELECT case_id FROM auditlake.holds WHERE open").len(), 1);
    lake.run(&["hold", "release", "--case", "2026-114", "--reason", "settled", NOW]).succeeded();
    let listed = lake.run(&["hold", "list", NOW]);
    assert!(listed.out.contains("no case is open"), "{}", listed.out);
    let id = approved(&lake);
    lake.json(&["retention", "apply", &id, "--yes", NOW]);
    assert_eq!(seen(&lake), END);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn a_hold_on_a_dataset_reaches_what_its_ingests_refused() {
    let lake = Lake::new();
    lake.write(
        "drop/events.ndjson",
        r#"{"event_id":"e-1","time":"yesterday","tenant_id":"t1","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-1","actor_type":"user"}"#,
    );
    let early = "--at=2026-06-01T00:00:00Z";
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", "--partial", early]);
    lake.write(
        "policies/refused.yaml",
        "policy: refused\ndataset: audit_rejected\nrules: [{rule: old, maximum: 30d, disposition: delete}]\ngrace: 0h\n\
         approval: {brake: 100%}\n",
    );
    let plan = || lake.json(&["retention", "plan", "--dataset", "audit_rejected", "--as", "paula", NOW]);
    assert_eq!(plan()["empty"], false, "{}", plan());
    lake.json(&["hold", "place", "--case", "C-1", "--dataset", "audit", "--reason", "a claim", NOW]);
    assert_eq!(plan()["empty"], true, "{}", plan());
    lake.json(&["hold", "release", "--case", "C-1", "--reason", "settled", NOW]);
    assert_eq!(plan()["empty"], false, "{}", plan());
}

#[test]
fn an_object_that_cannot_be_searched_is_named_with_what_to_do() {
    let lake = filled(Lake::new());
    let is_data = |name: &String| name.starts_with("audit/");
    let object = lake.objects().into_iter().map(|(name, _)| name).find(is_data).expect("an object");
    lake.put(&object, "no Parquet");
    let explain = ["retention", "explain", "--dataset", "audit", "--event-id", "e-40-1", NOW];
    lake.run(&explain).failed(1, &[&object, "cannot be searched", "auditlake verify", "backup"]);
}

#[test]
fn a_killed_apply_loses_nothing_and_comes_to_the_same_end() {
    let ready = filled(Lake::new());
    let whole = ready.copy();
    let id = approved(&whole);
    let (_, longest) = undisturbed(&whole, &["retention", "apply", &id, "--yes", NOW]);
    assert_eq!(seen(&whole), END);
    let mut chance = ChaCha8Rng::seed_from_u64(2_026_118);
    for kill in 0..kills() {
        let lake = ready.copy();
        // The files of a copy have ETags of their own.
        let id = approved(&lake);
        let apply = ["retention", "apply", &id, "--yes", NOW];
        killed(&lake, &apply, &mut chance, longest);
        let (rows, archived, _) = seen(&lake);
        assert!(rows >= END.0 && rows + archived >= END.0 + END.1, "kill {kill}: {rows} and {archived}");
        lake.json(&apply);
        assert_eq!(seen(&lake), END, "kill {kill}");
        let reconciled = lake.run(&["retention", "reconcile", "--repair", NOW]);
        reconciled.succeeded();
        let verified = lake.run(&["verify", NOW]);
        assert_eq!(verified.code, Some(0), "kill {kill}: {}", verified.out);
    }
}

#[test]
fn queries_during_an_apply_see_whole_objects_and_no_error() {
    let lake = filled(Lake::new());
    let id = approved(&lake);
    let mut child = lake.start(&["retention", "apply", &id, "--yes", NOW]);
    let objects = "SELECT tenant_id, date_trunc('day', time) AS day, count(*) AS n FROM audit GROUP BY 1, 2";
    // Rows of an object of each tenant: as it was, and without those that go.
    let allowed = BTreeMap::from([("t0", [7, 3]), ("t1", [7, 4]), ("t2", [6, 3])]);
    let mut asked = 0;
    loop {
        let ended = child.try_wait().expect("it can be asked").is_some();
        let rows = lake.rows(objects);
        assert!((150..=180).contains(&rows.len()), "{} objects have rows", rows.len());
        for row in rows {
            let tenant = row["tenant_id"].as_str().expect("a tenant");
            assert!(allowed[tenant].contains(&row["n"].as_u64().expect("a count")), "half an object: {row}");
        }
        asked += 1;
        if ended {
            break;
        }
    }
    assert!(asked > 1, "the apply was over at once");
    assert_eq!(seen(&lake), END);
}

#[test]
fn exports_during_an_apply_begin_anew_and_have_whole_objects() {
    let lake = filled(Lake::new());
    let id = approved(&lake);
    let mut child = lake.start(&["retention", "apply", &id, "--yes", NOW]);
    let sql = "SELECT tenant_id, CAST(time AS date) AS day FROM audit";
    let allowed = BTreeMap::from([("t0", [7, 3]), ("t1", [7, 4]), ("t2", [6, 3])]);
    let mut exported = 0;
    loop {
        let ended = child.try_wait().expect("it can be asked").is_some();
        let name = format!("out-{exported}.csv");
        lake.json(&["export", "--sql", sql, "--to", &lake.folder().join(&name).to_string_lossy()]);
        let text = std::fs::read_to_string(lake.folder().join(&name)).expect("an export");
        let mut of_each: BTreeMap<&str, u64> = BTreeMap::new();
        text.lines().skip(1).for_each(|row| *of_each.entry(row).or_default() += 1);
        assert!((150..=180).contains(&of_each.len()), "{} objects have rows", of_each.len());
        for (object, rows) in of_each {
            let tenant = object.split(',').next().expect("a tenant");
            assert!(allowed[tenant].contains(&rows), "half an object: {object} has {rows}");
        }
        exported += 1;
        if ended {
            break;
        }
    }
    assert!(exported > 1, "the apply was over at once");
    let left: Vec<_> =
        std::fs::read_dir(lake.folder()).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".export.json")), "{left:?}");
}
