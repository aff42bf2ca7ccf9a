//! What persons ask for, as those run it who answer: erased, killed half way, held, come back; shown and taken along.

use std::fmt::Write as _;
use std::io::Read as _;

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::auditlake::{Lake, Ran};
use crate::kill::{killed, kills, undisturbed};
use crate::moto;

const NOW: &str = "--at=2026-11-30T00:00:00Z";
/// Whoever asks. No other text of the lake has it in it but as part of a longer name.
const ANN: &str = "ann-zq7";
/// Begins like Ann, and is somebody else.
const ANNA: &str = "ann-zq71";
/// Ann's other account.
const DESK: &str = "svc-zq8";
const DAYS: u64 = 20;
const A_DAY: u64 = 12;

fn event(events: &mut String, (day, event): (u64, u64), actor: &str, subject: Option<&str>) {
    let subject = subject.map_or("null".to_owned(), |subject| format!("\"{subject}\""));
    writeln!(
        events,
        r#"{{"event_id":"e-{day}-{event}","time":"2026-11-{:02}T10:{event:02}:00Z","tenant_id":"t{}","source":"app","event_type":"data.read","outcome":"success","actor_id":"{actor}","actor_type":"user","src_ip":"192.0.2.{event}","subject_id":{subject}}}"#,
        day + 1,
        event % 2,
    )
    .expect("a String takes any text");
}

/// Days of two tenants: of every twelve events Ann acts in one and is the subject of two, her other account acts in one.
fn events(days: u64) -> String {
    let mut events = String::new();
    for day in 0..days {
        for number in 0..A_DAY {
            let (actor, subject) = match number {
                0 => (ANN, None),
                1 => ("bob", Some(ANN)),
                2 => (ANNA, Some(ANN)),
                3 => (DESK, Some("bob")),
                4 => (ANNA, Some(ANNA)),
                5 => ("carl", None),
                _ => ("dora", Some("emil")),
            };
            event(&mut events, (day, number), actor, subject);
        }
    }
    events
}

/// Rows that are Ann's, her other account's among them.
const THEIRS: u64 = DAYS * 4;

fn filled(lake: Lake) -> Lake {
    filled_with(lake, DAYS)
}

fn filled_with(lake: Lake, days: u64) -> Lake {
    lake.write("drop/events.ndjson", events(days));
    lake.write("ann.txt", format!("{ANN}\n"));
    // One record that cannot be read mentions her, and one mentions who is called nearly like her.
    lake.write(
        "drop/broken.ndjson",
        format!("{{\"event_id\":\"b-1\",\"actor_id\":\"{ANN}\"}}\n{{\"event_id\":\"b-2\",\"actor_id\":\"{ANNA}\"}}\n"),
    );
    lake.write(
        "drop-identity/accounts.ndjson",
        [(ANN, "p-ann"), (DESK, "p-ann"), ("shared", "p-ann"), ("shared", "p-bob"), ("bob", "p-bob"), (ANNA, "p-anna")]
            .iter()
            .enumerate()
            .map(|(number, (account, person))| {
                format!(
                    "{{\"tenant_id\":\"t0\",\"account_id\":\"{account}\",\"kind\":\"user\",\"state\":\"enabled\",\"roles\":[],\
                     \"valid_from\":\"2026-01-0{}T00:00:00Z\",\"person_id\":\"{person}\"}}\n",
                    number + 1
                )
            })
            .collect::<String>(),
    );
    lake.json(&["ingest", "ndjson", "drop-identity", "--into", "identity", NOW]);
    lake.run(&["ingest", "ndjson", "drop", "--into", "audit", "--partial", NOW]).succeeded();
    lake
}

/// The ids of all rows that are not Ann's.
fn others(lake: &Lake) -> Vec<Value> {
    lake.rows("SELECT event_id, actor_id, subject_id, src_ip FROM audit WHERE actor_id NOT IN ('ann-zq7', 'svc-zq8', 'erased') AND coalesce(subject_id, '') NOT IN ('ann-zq7', 'erased') ORDER BY event_id")
}

/// Objects that have a text in them, be it packed.
fn having(lake: &Lake, text: &str) -> Vec<String> {
    let names = lake.objects().into_iter().filter(|(name, bytes)| name.contains(text) || has(bytes, text));
    names.map(|(name, _)| name).collect()
}

fn has(bytes: &Bytes, text: &str) -> bool {
    let stands = |bytes: &[u8]| {
        bytes.windows(text.len()).enumerate().any(|(at, part)| {
            // Who is called longer than that is somebody else.
            part == text.as_bytes() && !bytes.get(at + text.len()).is_some_and(u8::is_ascii_alphanumeric)
        })
    };
    if stands(bytes) {
        return true;
    }
    if !bytes.starts_with(b"PAR1") {
        return false;
    }
    let reader = SerializedFileReader::new(bytes.clone()).expect("a Parquet file");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| row.expect("a row").to_string()).any(|row| stands(row.as_bytes()))
}

fn silent(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains(ANN) && !text.contains(DESK), "{text}");
    }
}

fn erase(lake: &Lake) -> Ran {
    lake.run(&["subject", "erase", "--id-file", "ann.txt", "--ticket", "DSR-1", "--yes", NOW])
}

#[test]
fn a_person_is_gone_from_every_byte_and_nobody_else_is() {
    let lake = filled(Lake::new());
    let before = others(&lake);
    assert!(!having(&lake, ANN).is_empty() && !having(&lake, DESK).is_empty());
    let dry = lake.run(&["subject", "erase", "--id-file", "ann.txt", "--dry-run", NOW]);
    dry.said(0, &["80 deleted", "audit_rejected", "it may be applied; nothing has been changed"]);
    silent(&dry);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY);

    let ran = erase(&lake);
    ran.said(0, &["80 deleted", "audit_rejected: 1 deleted", "is fulfilled; its identifiers are gone"]);
    silent(&ran);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY - THEIRS);
    assert_eq!(others(&lake), before);
    assert_eq!(lake.figure("SELECT count(*) FROM audit_rejected"), 1);
    for text in [ANN, DESK, "p-ann"] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }
    // Who is called nearly like her, and whose mailbox she shared, are as they were.
    assert!(!having(&lake, ANNA).is_empty());
    assert_eq!(lake.figure("SELECT count(*) FROM identity WHERE account_id = 'shared'"), 1);
    lake.run(&["verify", NOW]).succeeded();

    // A certificate is there, signed, and says what was done and what was not looked into.
    let certificate = lake.json(&["subject", "certificate", "subject-2026-0002", NOW]);
    assert_eq!(certificate["places"][0]["dataset"], "audit", "{certificate}");
    assert_eq!(certificate["places"][0]["rows"]["deleted"], THEIRS);
    assert!(certificate["note"].as_str().is_some_and(|note| note.contains("erasure-certificate/v1")));
    assert_eq!(certificate["subject"].as_array().map(Vec::len), Some(3), "{certificate}");
    let path = "_auditlake/subjects/subject-2026-0002/certificate.json";
    let bytes = lake.object(path);
    lake.put(path, String::from_utf8_lossy(&bytes).replace("DSR-1", "DSR-2"));
    lake.run(&["verify", NOW]).said(3, &["certificate.json"]);
    lake.put(path, bytes);

    // Nothing is found a second time, and the case stays closed.
    let again = erase(&lake);
    again.said(0, &["0 rows deleted, 0 anonymized"]);
    lake.run(&["subject", "apply", "subject-2026-0002", "--yes", NOW])
        .failed(1, &["is fulfilled", "open another case"]);
}

#[test]
fn whatever_moment_an_erasure_is_killed_at_the_next_one_ends_it() {
    let ready = filled(Lake::new());
    let open = ready.json(&["subject", "open", "--type", "erasure", "--id-file", "ann.txt", NOW]);
    let case = open["case"].as_str().expect("a case").to_owned();
    ready.run(&["subject", "plan", &case, "--as", "paula", NOW]).succeeded();
    ready.run(&["subject", "approve", &case, "--ticket", "DSR-1", "--as", "omar", NOW]).succeeded();
    let apply = ["subject", "apply", case.as_str(), "--yes", NOW];
    let before = others(&ready);
    let whole = ready.copy();
    let (_, longest) = undisturbed(&whole, &apply);
    assert_eq!(having(&whole, ANN), [] as [&str; 0]);
    let mut chance = ChaCha8Rng::seed_from_u64(2_026_120);
    for kill in 0..kills() {
        let lake = ready.copy();
        let cut_off = killed(&lake, &apply, &mut chance, longest);
        let ran = lake.run(&apply);
        if cut_off || ran.code == Some(0) {
            silent(&ran);
        }
        assert_eq!(having(&lake, ANN), [] as [&str; 0], "kill {kill}: {}{}", ran.out, ran.err);
        assert_eq!(having(&lake, DESK), [] as [&str; 0], "kill {kill}");
        assert_eq!(others(&lake), before, "kill {kill}");
        assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY - THEIRS, "kill {kill}");
        let cases = lake.json(&["subject", "list", "--all", NOW]);
        assert_eq!(cases["cases"][0]["state"], "fulfilled", "kill {kill}: {cases}");
        lake.run(&["verify", NOW]).succeeded();
    }
}

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
fn rows_that_must_stay_lose_what_names_the_person() {
    let lake = Lake::new();
    lake.write("policies/audit.yaml", "policy: audit\nrules: [{rule: all, minimum: 20d}]\n");
    let lake = filled(lake);
    let ran = erase(&lake);
    // Of twenty days the last eleven are below the minimum.
    ran.said(0, &["is fulfilled", "36 deleted, 44 anonymized"]);
    let kept = lake.figure("SELECT count(*) FROM audit WHERE actor_id = 'erased' OR subject_id = 'erased'");
    assert_eq!(kept, 44);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY - (THEIRS - kept));
    assert_eq!(
        lake.figure(
            "SELECT count(*) FROM audit WHERE (actor_id = 'erased' OR subject_id = 'erased') AND src_ip IS NOT NULL"
        ),
        0
    );
    // Who else acts in these rows is still known.
    assert!(lake.figure("SELECT count(*) FROM audit WHERE actor_id = 'bob' AND subject_id = 'erased'") > 0);
    for text in [ANN, DESK] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn whoever_was_erased_does_not_come_back() {
    let lake = filled(Lake::new());
    let before = lake.objects();
    erase(&lake).succeeded();
    // The same source again under another name, and with something new of hers.
    let mut late = events(DAYS);
    late.push_str(&format!("{{\"event_id\":\"new-1\",\"time\":\"2026-12-02T10:00:00Z\",\"tenant_id\":\"t0\",\"source\":\"app\",\"event_type\":\"data.read\",\"outcome\":\"success\",\"actor_id\":\"{ANN}\",\"actor_type\":\"user\"}}\n"));
    lake.write("late/events.ndjson", late);
    let ran = lake.json(&["ingest", "ndjson", "late", "--into", "audit", "--at=2026-12-03T00:00:00Z"]);
    assert_eq!((&ran["suppressed"], &ran["rows"]), (&Value::from(THEIRS), &Value::from(1)), "{ran}");
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY - THEIRS + 1);

    // A backup of before is restored over it.
    for (name, bytes) in before.iter().filter(|(name, _)| name.starts_with("audit/")) {
        lake.put(name, bytes);
    }
    assert!(!having(&lake, DESK).is_empty());
    let later = "--at=2026-12-04T00:00:00Z";
    lake.run(&["subject", "replay", "--dry-run", later]).said(0, &["80 rows of 1 case came back"]);
    let ran = lake.run(&["subject", "replay", "--yes", later]);
    ran.said(0, &["80 deleted"]);
    silent(&ran);
    assert_eq!(having(&lake, DESK), [] as [&str; 0]);
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE actor_id = 'ann-zq7'"), 1, "newer than the erasure");
    // Without the keys nobody would know.
    std::fs::remove_file(lake.folder().join("policies/subjects.yaml")).expect("removed");
    lake.run(&["ingest", "ndjson", "late", "--into", "audit", later]).failed(2, &["put it back"]);
}

#[test]
fn exactly_the_right_rows_go_whatever_identifiers_look_like() {
    let lake = Lake::new();
    let mut given = String::new();
    let names = ["42", "042", "4", "José", "Jose\u{301}", "jose", "JOSÉ", "a'b", "a\\\"b", "ß", "ss", "😀"];
    for (number, name) in (0..).zip(names) {
        event(&mut given, (0, number), name, None);
    }
    lake.write("drop/events.ndjson", given);
    lake.json(&["ingest", "ndjson", "drop", "--into", "audit", NOW]);
    let mut left: Vec<String> = lake
        .rows("SELECT actor_id FROM audit")
        .iter()
        .map(|row| row["actor_id"].as_str().expect("text").to_owned())
        .collect();
    for (id, gone) in [
        ("42", vec!["42"]),
        ("José", vec!["José", "Jose\u{301}"]),
        ("a'b", vec!["a'b"]),
        ("a\"b", vec!["a\"b"]),
        ("ß", vec!["ß"]),
        ("😀", vec!["😀"]),
        ("nobody", vec![]),
    ] {
        lake.write("ids.txt", id);
        lake.run(&["subject", "erase", "--id-file", "ids.txt", "--yes", NOW]).succeeded();
        left.retain(|name| !gone.contains(&name.as_str()));
        left.sort();
        let mut there: Vec<String> = lake
            .rows("SELECT actor_id FROM audit")
            .iter()
            .map(|row| row["actor_id"].as_str().expect("text").to_owned())
            .collect();
        there.sort();
        assert_eq!(there, left, "{id}");
    }
}

/// The entries of a ZIP, by name.
fn entries(bytes: &[u8]) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a ZIP");
    let read = (0..archive.len()).map(|at| {
        let mut entry = archive.by_index(at).expect("an entry");
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        (String::from_utf8_lossy(entry.name_raw()).into_owned(), text)
    });
    read.collect()
}

#[test]
fn a_person_gets_all_of_their_data_and_nobody_elses_name() {
    let lake = filled(Lake::new());
    let access = |to: &'static str| ["subject", "access", "--id-file", "ann.txt", "--to", to, NOW];
    let ran = lake.run(&access("one.zip"));
    ran.said(0, &["audit: 80 rows", "audit_rejected: 1 row", "identity: 3 rows", "is fulfilled"]);
    silent(&ran);
    lake.run(&access("one.zip")).failed(2, &["is there already"]);
    lake.run(&["subject", "access", "--id-file", "ann.txt", "--to", "two.zip", "--case", "subject-2026-0001", NOW])
        .failed(1, &["it is there already"]);
    let bytes = std::fs::read(lake.folder().join("one.zip")).expect("a package");
    let entries = entries(&bytes);
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.is_sorted() || names.ends_with(&["SHA256SUMS"]), "{names:?}");
    let text = |name: &str| &entries.iter().find(|(other, _)| other == name).unwrap_or_else(|| panic!("{names:?}")).1;
    let rows: Value = serde_json::from_str(text("audit.json")).expect("JSON");
    let independent = lake.rows("SELECT event_id FROM audit WHERE actor_id IN ('ann-zq7','svc-zq8') OR subject_id IN ('ann-zq7','svc-zq8') ORDER BY time, event_id");
    let mut own: Vec<&str> =
        rows.as_array().expect("rows").iter().map(|row| row["event_id"].as_str().expect("an id")).collect();
    let mut expected: Vec<&str> = independent.iter().map(|row| row["event_id"].as_str().expect("an id")).collect();
    own.sort_unstable();
    expected.sort_unstable();
    assert_eq!(own, expected);
    assert_eq!(text("audit.csv").lines().count() as u64, THEIRS + 1);
    for (name, text) in &entries {
        assert!(!text.contains(ANNA) && !text.contains("\"bob\"") && !text.contains(",bob,"), "{name} names others");
    }
    assert!(text("audit.csv").contains("other-") && text("README.txt").contains("Art. 15"));
    // Of the same rows and the same case the same bytes.
    let twice = |to: &str| {
        lake.run(&["subject", "access", "--id-file", "ann.txt", "--to", to, "--case", "A-1", NOW]).succeeded();
        std::fs::remove_dir_all(lake.data().join("_auditlake/subjects/A-1")).expect("the case was there");
        std::fs::read(lake.folder().join(to)).expect("a package")
    };
    assert!(twice("a.zip") == twice("b.zip"), "other bytes");

    let portability = ["subject", "portability", "--id-file", "ann.txt", "--to", "p.zip", NOW];
    lake.run(&portability).failed(1, &["no dataset says what a person may take along"]);
    lake.write("datasets/audit.yaml", "dataset: audit\nlocation: audit/\nschema: audit.v1\ncolumns: {time: {class: internal, portable: true}, actor_id: {class: personal, portable: true}}\n");
    lake.run(&portability).said(0, &["audit: 80 rows"]);
    let bytes = std::fs::read(lake.folder().join("p.zip")).expect("a package");
    let csv = self::entries(&bytes).into_iter().find(|(name, _)| name == "audit.csv").expect("rows").1;
    assert_eq!(csv.lines().next(), Some("time,actor_id"));
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
    lake.write("shared.txt", "shared\n");
    let shared = ["subject", "erase", "--id-file", "shared.txt", "--yes", NOW];
    lake.run(&shared).failed(2, &["belongs to 2 persons", "--shared"]);
    lake.run(&["subject", "open", "--type", "objection", "--id-file", "ann.txt", "--jurisdiction", "ccpa", NOW])
        .failed(2, &["no clock runs"]);
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
fn whoever_has_more_accounts_than_a_person_stops_and_asks() {
    let lake = filled(Lake::new());
    let policy = std::fs::read_to_string(lake.folder().join("policies/subjects.yaml")).expect("a policy");
    lake.write(
        "policies/subjects.yaml",
        policy.replace("ids: {account_id: user}}", "ids: {account_id: user}, limit: 2}"),
    );
    let ran = erase(&lake);
    ran.failed(1, &["2 of kind user", "a person has at most 2"]);
    silent(&ran);
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * A_DAY);
}

#[test]
fn what_mentions_the_person_elsewhere_is_named() {
    let lake = filled(Lake::new());
    lake.put("exports/x/part-00001.csv", format!("event_id,actor_id\r\ne-1,{ANN}\r\n"));
    lake.put("exports/y/part-00001.csv", format!("event_id,actor_id\r\ne-1,{ANNA}\r\n"));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, format!("{{\"who\":\"{DESK}\"}}").as_bytes()).expect("packed");
    lake.put("notes/old.json.gz", packed.finish().expect("packed"));
    lake.put(&format!("notes/{ANN}.txt"), "a name");
    let ran = erase(&lake);
    ran.said(
        0,
        &[
            "not reached: exports/x/part-00001.csv: an export that shows the person",
            "not reached: notes/old.json.gz",
            "not reached: path s1:",
            "is partly fulfilled",
        ],
    );
    assert!(!ran.out.contains("exports/y/"), "{}", ran.out);
    silent(&ran);
}

#[test]
fn in_a_bucket_that_keeps_versions_the_old_ones_go_too() {
    let test = "in_a_bucket_that_keeps_versions_the_old_ones_go_too";
    let Some(bucket) = moto::versioned_bucket(test) else { return };
    let lake = filled_with(Lake::in_bucket(bucket), 2);
    let before = others(&lake);
    erase(&lake).said(0, &["8 deleted", "is fulfilled"]);
    assert_eq!(others(&lake), before);
    for text in [ANN, DESK, "p-ann"] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }
    let bucket = lake.bucket().expect("a bucket");
    let versions = bucket.http("GET", "?versions", &[], b"");
    let of = |begin: &str| -> Vec<&str> {
        versions.split("<Version>").skip(1).filter(|version| version.contains(&format!("<Key>lake/{begin}"))).collect()
    };
    assert!(
        !of("audit/").is_empty() && of("audit/").iter().all(|version| version.contains("<IsLatest>true")),
        "{versions}"
    );
    assert!(of("identity/").iter().all(|version| version.contains("<IsLatest>true")), "{versions}");
    assert!(!versions.contains("/sealed</Key>"), "{versions}");
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn files_that_a_compaction_came_in_the_place_of_go_at_once() {
    let lake = filled(Lake::new());
    lake.write("later/events.ndjson", events(DAYS).replace("\"e-", "\"f-"));
    lake.json(&["ingest", "ndjson", "later", "--into", "audit", NOW]);
    let compacted = lake.json(&["compact", "audit", NOW]);
    assert!(compacted["compacted"]["files_before"].as_u64() > Some(0), "{compacted}");
    erase(&lake).said(0, &["160 deleted", "is fulfilled"]);
    for text in [ANN, DESK] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 2 * (DAYS * A_DAY - THEIRS));
    lake.run(&["verify", NOW]).succeeded();
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
fn late_rows_that_must_stay_come_in_without_the_person() {
    let lake = Lake::new();
    lake.write("policies/audit.yaml", "policy: audit\nrules: [{rule: all, minimum: 1y}]\n");
    let lake = filled_with(lake, 2);
    erase(&lake).said(0, &["0 deleted, 8 anonymized"]);
    // The days after come late, and have rows of hers, too.
    let late = events(4)
        .lines()
        .filter(|line| line.contains("\"e-2-") || line.contains("\"e-3-"))
        .fold(String::new(), |all, line| all + line + "\n");
    lake.write("late/events.ndjson", late);
    let ran = lake.json(&["ingest", "ndjson", "late", "--into", "audit", NOW]);
    assert_eq!((&ran["suppressed"], &ran["rows"]), (&Value::from(0), &Value::from(2 * A_DAY)), "{ran}");
    assert_eq!(lake.figure("SELECT count(*) FROM audit WHERE actor_id = 'erased' OR subject_id = 'erased'"), 16);
    let shown =
        "SELECT count(*) FROM audit WHERE (actor_id = 'erased' OR subject_id = 'erased') AND src_ip IS NOT NULL";
    assert_eq!(lake.figure(shown), 0);
    for text in [ANN, DESK] {
        assert_eq!(having(&lake, text), [] as [&str; 0], "{text}");
    }
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn what_cannot_be_looked_into_is_named_and_the_rest_is_done() {
    let lake = filled(Lake::new());
    let objects = lake.objects();
    let (damaged, bytes) = objects.iter().find(|(name, _)| name.starts_with("audit/tenant=t1/")).expect("an object");
    lake.put(damaged, &bytes[..bytes.len() / 2]);
    lake.put("notes/cut.json.gz", [0x1f, 0x8b, 8, 0, 1, 2, 3]);
    let ran = erase(&lake);
    let name = format!("not reached: {damaged}");
    ran.said(
        0,
        &["78 deleted", &name, "see with auditlake verify", "not searched: notes/cut.json.gz", "is partly fulfilled"],
    );
    silent(&ran);
    assert!(!ran.out.contains("--exclude"), "{}", ran.out);
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
    lake.run(&["subject", "apply", "K-1", "--yes", NOW]).failed(1, &["it asks for no erasure"]);
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
