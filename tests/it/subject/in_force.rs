//! Restrictions and objections: what stays, who sees it, which jobs leave it out, and how it ends.

use serde_json::Value;

use super::{A_DAY, ANN, DAYS, NOW, THEIRS, erase, filled, having, others, silent};
use crate::auditlake::{Lake, Ran};

const ACCESS: &str = "
roles:
  reader: {inherits: [analyst], permissions: [dataset.unmasked], datasets: {audit: {rows: all}, audit_rejected: {rows: all}, identity: {rows: all}}}
  counsel: {inherits: [reader], permissions: [dataset.restricted]}
principals:
  rita: {tenants: all, roles: [reader]}
  carla: {tenants: all, roles: [counsel]}
  paula: {tenants: all, roles: [privacy_officer]}
  omar: {tenants: all, roles: [privacy_officer]}
";
/// Days of events that stay under [`POLICY`].
const STAY: u64 = DAYS - 9;
/// What is older than 20 days goes: of twenty days of events, nine.
const POLICY: &str = "policy: audit
rules:
  - {rule: all, maximum: 20d, disposition: delete}
grace: 0h
approval: {brake: 100%}
";

fn open<'a>(case: &'a str, kind: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let ids =
        ["subject", "open", "--type", kind, "--id-file", "ann.txt", "--case", case, "--received", "2026-11-20", NOW];
    [&ids[..], more].concat()
}

fn seen(lake: &Lake, who: &str, sql: &str) -> u64 {
    let rows = lake.json(&["sql", "--as", who, sql, NOW]);
    rows[0].as_object().and_then(|row| row.values().next()).and_then(Value::as_u64).expect("a figure")
}

fn applied(lake: &Lake, case: &str) -> Ran {
    let ran = lake.run(&["subject", "apply", case, "--yes", NOW]);
    silent(&ran);
    ran
}

/// What lies in a folder.
fn named(lake: &Lake, folder: &str) -> Vec<String> {
    lake.objects().iter().filter_map(|(name, _)| Some(name.strip_prefix(folder)?.to_owned())).collect()
}

/// Deletes what the policy says, with somebody's approval.
fn expire(lake: &Lake) {
    let plan = lake.json(&["retention", "plan", "--dataset", "audit", "--as", "paula", NOW]);
    let id = plan["plan"].as_str().expect("an id").to_owned();
    lake.json(&["retention", "approve", &id, "--ticket", "CHG-1", "--as", "omar", NOW]);
    lake.json(&["retention", "apply", &id, "--yes", NOW]);
}

#[test]
fn what_is_restricted_stays_and_is_shown_to_nobody_but_who_may() {
    let lake = filled(Lake::new());
    lake.write("access.yaml", ACCESS);
    lake.write("policies/audit.yaml", POLICY);
    let all = "SELECT count(*) FROM audit";
    assert_eq!(seen(&lake, "rita", all), DAYS * A_DAY);
    lake.run(&open("R-1", "restriction", &[])).said(0, &["next: auditlake subject apply R-1"]);
    lake.run(&["subject", "apply", "R-1", "--dry-run", NOW]).said(0, &["would bring about", "dataset.restricted"]);
    lake.run(&["subject", "apply", "R-1", NOW]).failed(2, &["--yes"]);
    assert_eq!(seen(&lake, "rita", all), DAYS * A_DAY);
    applied(&lake, "R-1").said(0, &["case R-1 is fulfilled, and in force until `auditlake subject lift R-1`"]);
    assert!(!having(&lake, ANN).iter().any(|name| name.starts_with("_auditlake/")), "{:?}", having(&lake, ANN));

    // Rows are hidden by every way of asking for them, with those of her other account.
    assert_eq!(seen(&lake, "rita", all), DAYS * A_DAY - THEIRS);
    assert_eq!(seen(&lake, "rita", &format!("SELECT count(*) FROM audit WHERE actor_id = '{ANN}'")), 0);
    assert_eq!(seen(&lake, "rita", "SELECT count(DISTINCT subject_id) FROM audit"), 2);
    assert_eq!(seen(&lake, "rita", "SELECT count(*) FROM identity WHERE person_id = 'p-ann'"), 0);
    assert_eq!(seen(&lake, "rita", "SELECT count(*) FROM audit_rejected"), 0, "nobody knows whom they name");
    assert_eq!(seen(&lake, "carla", all), DAYS * A_DAY);
    assert_eq!(lake.figure(all), DAYS * A_DAY);
    let exported = ["export", "--as", "rita", "--dataset", "audit", "--format", "csv", "--to", "out/", NOW];
    assert_eq!(lake.json(&exported)["rows"], DAYS * A_DAY - THEIRS);
    let part = std::fs::read_to_string(lake.folder().join("out/part-00001.csv")).expect("the part");
    assert!(!part.contains("ann-zq7,") && !part.contains("svc-zq8"));

    // A policy removes those of everybody else, and an erasure waits.
    expire(&lake);
    let hers = format!("SELECT count(*) FROM audit WHERE actor_id IN ('{ANN}', 'svc-zq8') OR subject_id = '{ANN}'");
    assert_eq!(lake.figure(&hers), THEIRS);
    assert_eq!(lake.figure(all), THEIRS + STAY * (A_DAY - 4), "of others, some days");
    erase(&lake).said(0, &["stays open", "held by R-1", "rows stay as they are"]);
    assert_eq!(lake.figure(&hers), THEIRS);

    // It is no hold that anybody may end unseen.
    let release = ["hold", "release", "--case", "R-1", "--reason", "why not", NOW];
    lake.run(&release).failed(1, &["restriction that a person asked for", "auditlake subject lift R-1"]);
    lake.run(&["subject", "list", "--all", NOW]).said(0, &["R-1  restriction", "fulfilled, in force"]);
    let amend = ["hold", "place", "--case", "R-1", "--amend", "--dataset", "dsr", "--reason", "why not", NOW];
    lake.run(&amend).failed(1, &["restriction that a person asked for", "auditlake subject lift R-1"]);
    let lifted = lake.run(&["subject", "lift", "R-1", "--reason", "accuracy established", NOW]);
    lifted.said(0, &["case R-1 is lifted", "Art. 18(3)", "subject-2026-0001 waited for a release"]);
    lake.run(&["subject", "lift", "R-1", "--reason", "again", NOW]).failed(1, &["nothing of it is in force"]);
    assert_eq!(seen(&lake, "rita", &hers), THEIRS);
    applied(&lake, "subject-2026-0001").said(0, &["is fulfilled"]);
    assert_eq!(lake.figure(&hers), 0);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn jobs_of_a_purpose_leave_out_who_objects_to_it() {
    let lake = filled(Lake::new());
    lake.run(&open("O-0", "objection", &[])).failed(2, &["--purpose"]);
    lake.run(&open("O-0", "know", &["--purpose", "marketing"])).failed(2, &["--purpose is for objections"]);
    lake.run(&open("O-0", "objection", &["--purpose", "Direct mail"])).failed(2, &["is not a name"]);
    lake.write("datasets/profiles.yaml", "dataset: profiles\nlocation: profiles/\n");
    let job = |name: &str, purpose: &str| {
        let sql = "SELECT tenant_id, count(*) AS events FROM audit WHERE time >= $start AND time < $end GROUP BY 1";
        format!("job: {name}\nkind: query\nwindow: 30d\ninto: profiles\nsql: {sql}\n{purpose}")
    };
    lake.write("jobs/profile.yaml", job("profile", "purpose: marketing\n"));
    let export = "job: mail\nkind: export\nwindow: 30d\ndataset: audit\nformat: csv\nto: out/mail/{interval.start:%Y-%m-%d}/\npurpose: marketing\n";
    lake.write("jobs/mail.yaml", export);
    lake.run(&["check"]).succeeded();
    let events = |at: &str| {
        lake.run(&["run", "profile", NOW, "--again"]).succeeded();
        let mail = lake.json(&["run", "mail", at]);
        let profiles = lake.figure("SELECT sum(events)::bigint FROM profiles");
        (profiles, mail["summary"]["export"]["rows"].as_u64().expect("rows"))
    };
    lake.run(&["run", "profile", NOW]).succeeded();
    assert_eq!(events("--at=2026-11-30T00:00:00Z"), (DAYS * A_DAY, DAYS * A_DAY));
    lake.run(&open("O-1", "objection", &["--purpose", "marketing", "--purpose", "research"])).succeeded();
    applied(&lake, "O-1").said(0, &["jobs whose purpose is \"marketing\" or \"research\" leave out rows"]);
    let left = DAYS * A_DAY - THEIRS;
    assert_eq!(events("--at=2026-11-29T00:00:00Z"), (left, left));
    // Somebody else's purpose, and nobody's, leave out nobody.
    lake.write("jobs/profile.yaml", job("profile", "purpose: security\n"));
    assert_eq!(events("--at=2026-11-28T00:00:00Z"), (DAYS * A_DAY, left));
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY);
    lake.run(&["subject", "lift", "O-1", "--reason", "consent of 1 December", NOW]).said(0, &["O-1 is lifted"]);
    lake.write("jobs/profile.yaml", job("profile", "purpose: marketing\n"));
    assert_eq!(events("--at=2026-11-27T00:00:00Z"), (DAYS * A_DAY, DAYS * A_DAY));
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn a_hold_on_a_person_keeps_their_rows_and_nobody_elses() {
    let lake = filled(Lake::new());
    lake.write("policies/audit.yaml", POLICY);
    let place = ["hold", "place", "--case", "L-1", "--id-file", "ann.txt", "--reason", "a claim", NOW];
    let placed = lake.run(&place);
    placed.said(0, &["L-1 holds from now on", "other persons have them, too: 1 of kind user"]);
    silent(&placed);
    lake.write("bad.txt", "# nobody\n");
    let bad = ["hold", "place", "--case", "L-2", "--id-file", "bad.txt", "--reason", "a claim", NOW];
    lake.run(&bad).failed(2, &["bad.txt", "there is no identifier in it"]);
    let listed = lake.run(&["hold", "list", NOW]);
    listed.said(0, &["L-1  open", "subjects"]);
    silent(&listed);
    assert!(!having(&lake, ANN).iter().any(|name| name.starts_with("_auditlake/holds")));
    let why = |event: &str| lake.run(&["retention", "explain", "--dataset", "audit", "--event-id", event, NOW]);
    why("e-0-0").said(0, &["case L-1"]);
    assert!(!why("e-0-5").out.contains("L-1"));
    expire(&lake);
    let kept = lake.figure("SELECT count(*) FROM audit");
    assert_eq!(kept, THEIRS + STAY * (A_DAY - 4));
    assert_eq!(others(&lake).len() as u64, STAY * (A_DAY - 4));
    lake.run(&["hold", "release", "--case", "L-1", "--reason", "settled", NOW]).succeeded();
    expire(&lake);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), STAY * A_DAY);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn without_the_key_nothing_is_shown_computed_or_removed() {
    let lake = filled(Lake::new());
    lake.write("access.yaml", ACCESS);
    lake.write("policies/audit.yaml", POLICY);
    lake.run(&open("R-1", "restriction", &[])).succeeded();
    applied(&lake, "R-1").succeeded();
    lake.run(&open("O-1", "objection", &["--purpose", "marketing"])).succeeded();
    applied(&lake, "O-1").succeeded();
    lake.write("datasets/profiles.yaml", "dataset: profiles\nlocation: profiles/\n");
    let sql = "SELECT actor_id FROM audit WHERE time >= $start";
    lake.write(
        "jobs/profile.yaml",
        format!("job: profile\nkind: query\nwindow: 30d\ninto: profiles\nsql: {sql}\npurpose: marketing\n"),
    );
    let policy = lake.folder().join("policies/subjects.yaml");
    let text = std::fs::read_to_string(&policy).expect("the policy");
    std::fs::write(&policy, text.replace("id: s1", "id: s2")).expect("written");
    let words = ["key \"s1\"", "put it back under key or retired"];
    lake.run(&["sql", "--as", "rita", "SELECT count(*) FROM audit", NOW]).failed(2, &words);
    lake.run(&["run", "profile", NOW]).failed(2, &words);
    assert_eq!(seen(&lake, "carla", "SELECT count(*) FROM audit"), DAYS * A_DAY);
    // Every row may be the one that is held.
    let plan = lake.run(&["retention", "plan", "--dataset", "audit", NOW]);
    plan.said(0, &["R-1"]);
    assert!(plan.out.contains("nothing is due") || !plan.out.contains("retention approve"), "{}", plan.out);
    std::fs::write(&policy, text).expect("written");
    // Another secret under the same id knows nobody again.
    let key = lake.folder().join("keys/subjects.key");
    let secret = std::fs::read(&key).expect("a key");
    std::fs::write(&key, "f".repeat(64)).expect("written");
    let words = ["key \"s1\"", "is another one than persons were noted with"];
    lake.run(&["sql", "--as", "rita", "SELECT count(*) FROM audit", NOW]).failed(2, &words);
    lake.run(&["run", "profile", NOW]).failed(2, &words);
    lake.run(&["retention", "plan", "--dataset", "audit", NOW]).failed(2, &words);
    lake.run(&["subject", "list", NOW]).failed(2, &words);
    std::fs::write(&key, secret).expect("written");
    // Nor does anybody know them without the policy.
    let policy_there = std::fs::read(&policy).expect("the policy");
    std::fs::remove_file(&policy).expect("removed");
    let words = ["key \"s1\"", "put it back under key or retired"];
    lake.run(&["sql", "--as", "rita", "SELECT count(*) FROM audit", NOW]).failed(2, &words);
    lake.run(&["run", "profile", NOW]).failed(2, &words);
    std::fs::write(&policy, policy_there).expect("written");
    assert_eq!(seen(&lake, "rita", "SELECT count(*) FROM audit"), DAYS * A_DAY - THEIRS);
}

#[test]
fn whoever_dies_while_it_comes_into_force_goes_on_with_the_same_command() {
    let lake = filled(Lake::new());
    lake.write("access.yaml", ACCESS);
    lake.run(&open("R-1", "restriction", &[])).succeeded();
    lake.run(&open("O-1", "objection", &["--purpose", "marketing"])).succeeded();
    for case in ["R-1", "O-1"] {
        let before = lake.copy();
        applied(&before, case).succeeded();
        assert_eq!(
            named(&before, &format!("_auditlake/subjects/{case}/")),
            ["000001.json", "000002.json", "000003.json"]
        );
        // As it is when the last record, or the last two, were not written any more.
        for gone in [vec!["000003.json"], vec!["000003.json", "000002.json"]] {
            let half = before.copy();
            for name in gone {
                std::fs::remove_file(half.data().join(format!("_auditlake/subjects/{case}/{name}"))).expect("removed");
            }
            let sealed = lake.object(&format!("_auditlake/subjects/{case}/sealed"));
            half.put(&format!("_auditlake/subjects/{case}/sealed"), sealed);
            // Nobody ends it half way.
            let lift = ["subject", "lift", case, "--reason", "why not", NOW];
            half.run(&lift).failed(1, &["it is open", &format!("subject apply {case}")]);
            let close = ["subject", "close", case, "--state", "denied", "--reason", "why not", NOW];
            half.run(&close).failed(1, &["somebody began to put it into force"]);
            applied(&half, case).said(0, &["is fulfilled, and in force"]);
            assert_eq!(named(&half, &format!("_auditlake/subjects/{case}/")).len(), 3, "and nothing sealed");
            let expected = if case == "R-1" { DAYS * A_DAY - THEIRS } else { DAYS * A_DAY };
            assert_eq!(seen(&half, "rita", "SELECT count(*) FROM audit"), expected);
            assert_eq!(named(&half, "_auditlake/holds/R-1/").len(), usize::from(case == "R-1"));
            assert_eq!(named(&half, "_auditlake/objections/O-1/").len(), usize::from(case == "O-1"));
        }
    }
}
