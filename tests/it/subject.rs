//! What persons ask for, as those run it who answer: erased, killed half way, held, come back; shown and taken along.

mod cases;
mod corrections;
mod in_force;
mod packages;
mod reach;
mod rows_of_runs;
mod states;
mod under_way;
mod withdrawn;

use std::fmt::Write as _;

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::auditlake::{Lake, Ran};
use crate::kill::{killed, kills, undisturbed};

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

/// A job that publishes every row.
pub(crate) const OUT: &str = "job: out
kind: export
window: 60d
dataset: audit
format: csv
to: \"exports/{job}/{interval.end:%Y-%m-%d}/\"
";

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

/// Whether bytes, be they Parquet, have a name in them.
pub(crate) fn has(bytes: &Bytes, text: &str) -> bool {
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
    let places = certificate["places"].as_array().expect("places");
    let audit = places.iter().find(|place| place["dataset"] == "audit").expect("a place");
    assert_eq!(audit["rows"]["deleted"], THEIRS, "{certificate}");
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
    ready.write("jobs/out.yaml", OUT);
    ready.run(&["run", "out", NOW]).succeeded();
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
