//! Cases of persons: who agrees, what a hold does to them, deadlines, and what is refused.

use super::{A_DAY, ANN, DAYS, NOW, THEIRS, erase, filled, having, silent};
use crate::auditlake::{Lake, files_below};

#[test]
fn a_plan_is_agreed_to_by_somebody_else_and_a_hold_outranks_it() {
    let lake = filled(Lake::new());
    let open = lake.run(&[
        "subject",
        "open",
        "--type",
        "erasure",
        "--id-file",
        "ann.txt",
        "--case",
        "D-1",
        "--received",
        "2026-11-15",
        "--jurisdiction",
        "gdpr",
        NOW,
    ]);
    open.said(
        0,
        &["due 2026-12-15", "1 of kind person, 2 of kind user", "other persons have them, too: 1 of kind user"],
    );
    silent(&open);
    let apply = ["subject", "apply", "D-1", "--yes", NOW];
    lake.run(&apply).failed(1, &["it has no plan"]);
    lake.run(&["subject", "plan", "D-1", "--as", "paula", NOW]).said(0, &["80 deleted", "nothing has been changed"]);
    lake.run(&apply).failed(1, &["0 of 1 approvals"]);
    let approve = |by: &'static str| ["subject", "approve", "D-1", "--ticket", "DSR-7", "--as", by, NOW];
    lake.run(&approve("paula")).failed(1, &["\"paula\" planned it"]);
    lake.run(&approve("omar")).succeeded();
    lake.run(&approve("omar")).failed(1, &["approved it already"]);
    lake.run(&["subject", "apply", "D-1", NOW]).failed(2, &["--yes"]);

    let hold =
        ["hold", "place", "--case", "L-9", "--dataset", "audit", "--tenant", "t0", "--reason", "litigation", NOW];
    lake.run(&hold).succeeded();
    let ran = lake.run(&apply);
    ran.said(0, &["case D-1 stays open", "held by L-9", "40 rows stay as they are"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY - THEIRS / 2);
    lake.run(&["hold", "release", "--case", "L-9", "--reason", "settled", NOW]).said(0, &["D-1"]);
    lake.run(&apply).said(0, &["is fulfilled"]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY - THEIRS);
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn deadlines_are_kept_moved_and_told() {
    let lake = filled(Lake::new());
    let open = |case: &'static str, kind: &'static str, received: &'static str| {
        [
            "subject",
            "open",
            "--type",
            kind,
            "--id-file",
            "ann.txt",
            "--case",
            case,
            "--received",
            received,
            "--jurisdiction",
            "gdpr",
            NOW,
        ]
    };
    lake.run(&open("R-1", "rectification", "2026-10-20")).succeeded();
    lake.run(&open("R-2", "restriction", "2026-11-03")).succeeded();
    lake.run(&open("R-3", "know", "2026-11-29")).succeeded();
    lake.run(&["subject", "list", NOW]).said(
        0,
        &["overdue since 11 days", "due in 3 days", "R-3  know  gdpr  received 2026-11-29  due 2026-12-29  open"],
    );
    lake.run(&["subject", "extend", "R-2", "--reason", "many systems", NOW]).said(0, &["due 2027-02-03"]);
    lake.run(&["subject", "extend", "R-1", "--reason", "many systems", NOW]).said(0, &["the due day stays"]);
    lake.run(&["subject", "pause", "R-3", "--from", "2026-12-01", "--to", "2026-12-05", "--reason", "identity", NOW])
        .said(0, &["due 2027-01-02"]);
    lake.run(&["subject", "close", "R-1", "--state", "denied", "--reason", "identity not shown", NOW])
        .said(0, &["is denied"]);
    let cases = lake.json(&["subject", "list", "--all", NOW]);
    assert_eq!(cases["cases"].as_array().map(Vec::len), Some(3), "{cases}");
    assert!(!having(&lake, "R-1").is_empty());
}

#[test]
fn cases_are_rows_of_a_dataset_once_each_whoever_dies_meanwhile() {
    let lake = filled(Lake::new());
    let policy = std::fs::read_to_string(lake.folder().join("policies/subjects.yaml")).expect("a policy");
    lake.write("policies/subjects.yaml", format!("{policy}  requests: {{dataset: dsr, tenant: t0}}\n"));
    let open = |case: &'static str, kind: &'static str| {
        let ids = ["subject", "open", "--type", kind, "--id-file", "ann.txt", "--case", case];
        lake.run(&[&ids[..], &["--received", "2026-11-20", "--jurisdiction", "gdpr", NOW]].concat()).succeeded();
    };
    open("R-1", "rectification");
    open("R-2", "restriction");
    lake.run(&["subject", "extend", "R-1", "--reason", "many systems", NOW]).succeeded();
    let pause = ["subject", "pause", "R-2", "--from", "2026-11-21", "--to", "2026-11-25", "--reason", "identity", NOW];
    lake.run(&pause).succeeded();
    lake.run(&["subject", "close", "R-1", "--state", "denied", "--reason", "not theirs", NOW]).succeeded();
    erase(&lake).said(0, &["is fulfilled"]);
    let rows = |sql: &str| lake.rows(sql).iter().map(ToString::to_string).collect::<Vec<_>>();
    let in_force = rows("SELECT request_id, revision, type, state, denial_reason FROM dsr ORDER BY request_id");
    assert_eq!(
        in_force,
        [
            r#"{"request_id":"R-1","revision":3,"type":"rectification","state":"denied","denial_reason":"not theirs"}"#,
            r#"{"request_id":"R-2","revision":2,"type":"restriction","state":"open","denial_reason":null}"#,
            r#"{"request_id":"subject-2026-0001","revision":4,"type":"erasure","state":"fulfilled","denial_reason":null}"#,
        ]
    );
    let history = "SELECT count(*) FROM dsr_history";
    assert_eq!(lake.figure(history), 9, "a revision for each record");
    // The clocks of controls are those of cases: a pause moves the due day by four.
    let due = "SELECT due_at(jurisdiction, type, received_at, pauses, extended_at, TIMESTAMP '2026-11-30T00:00:00Z', 'UTC')::date AS due
               FROM dsr WHERE request_id = 'R-2'";
    assert_eq!(rows(due), [r#"{"due":"2026-12-24"}"#]);
    lake.run(&["subject", "list", NOW]).said(0, &["R-2  restriction  gdpr  received 2026-11-20  due 2026-12-24"]);
    // Whoever died between the ingest and its marker, or before either, is made up for, and no row comes twice.
    for file in files_below(&lake.data().join("_auditlake/subjects/R-1")) {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".ingested.json") || name == "rows-000003.ndjson" {
            std::fs::remove_file(&file).expect("removed");
        }
    }
    open("R-3", "know");
    assert_eq!((lake.figure(history), lake.figure("SELECT count(DISTINCT request_id) FROM dsr_history")), (10, 4));
    assert!(having(&lake, ANN).iter().all(|name| name.ends_with("sealed")), "{:?}", having(&lake, ANN));
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn a_case_goes_on_where_its_row_cannot_be_written_and_the_row_comes_later() {
    let lake = filled(Lake::new());
    let policy = std::fs::read_to_string(lake.folder().join("policies/subjects.yaml")).expect("a policy");
    lake.write("policies/subjects.yaml", format!("{policy}  requests: {{dataset: dsr, tenant: t0}}\n"));
    let broken = "_auditlake/subjects/R-1/rows-000001.ndjson";
    lake.put(broken, "{\"request_id\":\n");
    let open = |case: &'static str| {
        ["subject", "open", "--type", "know", "--id-file", "ann.txt", "--case", case, "--received", "2026-11-20", NOW]
    };
    let ran = lake.run(&open("R-1"));
    ran.said(0, &["case R-1 is open"]);
    let words = ["rows of cases are not in their dataset yet", "the next command about a case goes on"];
    assert!(words.iter().all(|word| ran.err.contains(word)), "{}", ran.err);
    silent(&ran);
    assert_eq!(lake.figure("SELECT count(*) FROM dsr"), 0);
    std::fs::remove_file(lake.data().join(broken)).expect("removed");
    lake.run(&open("R-2")).succeeded();
    assert_eq!(lake.figure("SELECT count(*) FROM dsr"), 2);
}

#[test]
fn what_cannot_be_done_is_refused_and_names_nobody() {
    let lake = filled(Lake::new());
    for (text, words) in [
        ("", "there is no identifier"),
        ("# only a comment\n", "there is no identifier"),
        ("user\t \n", "line 1"),
        ("secret-zq9@x\tann\n", "line 1"),
    ] {
        lake.write("bad.txt", text);
        let ran = lake.run(&["subject", "erase", "--id-file", "bad.txt", "--yes", NOW]);
        ran.failed(2, &[words]);
        assert!(!ran.err.contains("zq9"), "{}", ran.err);
    }
    lake.run(&["subject", "erase", "--id-file", "none.txt", "--yes", NOW]).failed(1, &["none.txt"]);
    lake.run(&["subject", "apply", "D-9", "--yes", NOW]).failed(2, &["case of a person \"D-9\" does not exist"]);
    lake.run(&["subject", "apply", "D-9", "--yes", "--workers", "0", NOW]).failed(2, &["--workers", "non-zero"]);
    lake.write("shared.txt", "shared\n");
    let shared = ["subject", "erase", "--id-file", "shared.txt", "--yes", NOW];
    lake.run(&shared).failed(2, &["belongs to 2 persons", "--shared"]);
    let objection = ["subject", "open", "--type", "objection", "--purpose", "research", "--id-file", "ann.txt"];
    lake.run(&[&objection[..], &["--jurisdiction", "ccpa", NOW]].concat()).failed(2, &["no clock runs"]);
    lake.run(&["subject", "open", "--type", "know", "--id-file", "ann.txt", "--received", "2027-01-01", NOW])
        .failed(2, &["still to come"]);
    // A key that is gone, or short enough to be guessed.
    let key = lake.folder().join("keys/subjects.key");
    std::fs::write(&key, "0123456789012345678901234567890\n").expect("written");
    lake.run(&["subject", "list", NOW]).failed(2, &["31 bytes", "could be guessed"]);
    std::fs::remove_file(&key).expect("removed");
    lake.run(&["subject", "list", NOW]).failed(1, &["subjects.key"]);
    std::fs::remove_file(lake.folder().join("policies/subjects.yaml")).expect("removed");
    lake.run(&["subject", "list", NOW]).failed(2, &["policies/subjects.yaml"]);
}

#[test]
fn who_needs_two_to_agree_does_not_do_it_in_one_step() {
    let lake = filled(Lake::new());
    let policy = std::fs::read_to_string(lake.folder().join("policies/subjects.yaml")).expect("a policy");
    lake.write("policies/subjects.yaml", format!("{policy}  approval: {{approvers: 2}}\n"));
    erase(&lake).failed(2, &["wants 2 approvals"]);
    lake.run(&["subject", "open", "--type", "erasure", "--id-file", "ann.txt", "--case", "D-2", NOW]).succeeded();
    lake.run(&["subject", "plan", "D-2", "--as", "paula", NOW]).succeeded();
    lake.run(&["subject", "approve", "D-2", "--ticket", "T", "--as", "omar", NOW]).said(0, &["1 of 2 approvals"]);
    lake.run(&["subject", "apply", "D-2", "--yes", NOW]).failed(1, &["1 of 2 approvals"]);
    lake.run(&["subject", "approve", "D-2", "--ticket", "T", "--as", "nora", NOW]).said(0, &["apply it with"]);
    lake.run(&["subject", "apply", "D-2", "--yes", NOW])
        .said(0, &["80 deleted", "approved by nora", "approved by omar"]);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn what_does_not_fit_a_case_is_refused_and_says_what_does() {
    let lake = filled(Lake::new());
    let open = |kind: &'static str, case: &'static str| {
        lake.run(&["subject", "open", "--type", kind, "--id-file", "ann.txt", "--case", case, NOW]).succeeded();
    };
    open("know", "K-1");
    open("erasure", "E-1");
    lake.run(&["subject", "plan", "K-1", NOW]).failed(1, &["it asks for no erasure", "subject list"]);
    lake.run(&["subject", "apply", "K-1", "--yes", NOW]).failed(1, &["nothing to apply to a request of type know"]);
    lake.run(&["subject", "export", "E-1", "--to", "e.zip", NOW])
        .failed(1, &["it asks for erasure, and not for what there is"]);
    lake.run(&["subject", "certificate", "E-1", NOW]).failed(1, &["no certificate yet", "subject apply E-1"]);
    lake.run(&["subject", "approve", "E-1", "--ticket", "T", "--as", "omar", NOW])
        .failed(1, &["it has no plan", "subject plan E-1"]);
    lake.run(&["subject", "plan", "E-1", "--as", "paula", NOW]).succeeded();
    lake.run(&["subject", "approve", "E-1", "--ticket", " ", "--as", "omar", NOW]).failed(2, &["--ticket is empty"]);
    let close = |reason: &'static str| ["subject", "close", "K-1", "--state", "withdrawn", "--reason", reason, NOW];
    lake.run(&close(" ")).failed(2, &["--reason is empty"]);
    lake.run(&close("letter")).said(0, &["is withdrawn"]);
    lake.run(&["subject", "certificate", "K-1", NOW]).failed(1, &["it ended without an erasure"]);
    let pause = ["subject", "pause", "E-1", "--from", "2026-11-05", "--to", "2026-11-05", "--reason", "identity", NOW];
    lake.run(&pause).failed(2, &["never stood still"]);
    lake.run(&["subject", "open", "--type", "know", "--id-file", "ann.txt", "--case", "E-1", NOW])
        .failed(1, &["it is there already"]);

    // The plan of a case is carried out by its own command.
    lake.run(&["subject", "approve", "E-1", "--ticket", "T", "--as", "omar", NOW]).succeeded();
    lake.run(&["subject", "apply", "E-1", "--yes", NOW]).said(0, &["is fulfilled"]);
    let listed = lake.json(&["retention", "plans", NOW]).to_string();
    assert!(listed.contains("audit"), "{listed}");

    // Identifiers that somebody else sealed, took away, or sealed with a key that is gone.
    open("erasure", "E-2");
    let sealed = "_auditlake/subjects/E-2/sealed";
    let bytes = lake.object(sealed);
    lake.put(sealed, [&bytes[..bytes.len() - 1], b"x".as_slice()].concat());
    lake.run(&["subject", "plan", "E-2", NOW]).failed(1, &["damaged, or of another case or key"]);
    std::fs::remove_file(lake.data().join(sealed)).expect("removed");
    lake.run(&["subject", "plan", "E-2", NOW]).failed(1, &["is gone, although the case is open", "open another case"]);
    lake.put("_auditlake/subjects/E-3/sealed", b"of another attempt");
    let again = ["subject", "open", "--type", "erasure", "--id-file", "ann.txt", "--case", "E-3", NOW];
    lake.run(&again).failed(1, &["identifiers lie beside it already", "another number"]);
    let policy = std::fs::read_to_string(lake.folder().join("policies/subjects.yaml")).expect("a policy");
    lake.write("policies/subjects.yaml", policy.replace("id: s1", "id: s2"));
    lake.run(&["subject", "replay", NOW]).failed(2, &["under key \"s1\"", "add it to retired"]);
    lake.run(&["ingest", "ndjson", "drop", "--into", "audit", "--partial", NOW])
        .failed(2, &["under key \"s1\"", "add it to retired"]);
}
