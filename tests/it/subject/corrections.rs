//! Corrections: recorded beside the rows, taken along, and gone with the person.

use super::{ANN, DAYS, NOW, erase, filled, having, silent};
use crate::auditlake::{Lake, Ran};

fn opened() -> Lake {
    let lake = filled(Lake::new());
    lake.run(&["subject", "open", "--type", "rectification", "--id-file", "ann.txt", "--case", "C-1", NOW])
        .said(0, &["next: auditlake subject correct C-1 --file FILE"]);
    lake
}

fn line(row: &str, column: &str, correct: &str) -> String {
    format!("{{\"dataset\":\"audit\",\"row\":\"{row}\",\"column\":\"{column}\",\"correct\":{correct}}}\n")
}

fn correct(lake: &Lake, lines: &str) -> Ran {
    lake.write("corrections.ndjson", lines);
    let ran = lake.run(&["subject", "correct", "C-1", "--file", "corrections.ndjson", NOW]);
    silent(&ran);
    ran
}

const ALL: &str =
    "SELECT correction_id, tenant_id, subject_id, row_key, field, stated, correct FROM correction ORDER BY 1";

#[test]
fn a_correction_stands_beside_the_row_and_goes_with_the_person() {
    let lake = opened();
    let before = lake.rows("SELECT * FROM audit ORDER BY event_id");
    let both = line("e-0-0", "src_ip", "\"203.0.113.9-zq\"") + &line("e-3-1", "outcome", "null");
    correct(&lake, &both).said(0, &["2 corrections recorded in dataset \"correction\"; the rows stay as they were"]);
    assert_eq!(lake.rows("SELECT * FROM audit ORDER BY event_id"), before);
    let rows: Vec<String> = lake.rows(ALL).iter().map(ToString::to_string).collect();
    assert_eq!(
        rows,
        [
            r#"{"correction_id":"C-1/2-1","tenant_id":"t0","subject_id":"ann-zq7","row_key":"e-0-0","field":"src_ip","stated":"192.0.2.0","correct":"203.0.113.9-zq"}"#,
            r#"{"correction_id":"C-1/2-2","tenant_id":"t1","subject_id":"ann-zq7","row_key":"e-3-1","field":"outcome","stated":"success","correct":null}"#,
        ]
    );
    correct(&lake, &both).said(0, &["all of it was recorded before"]);
    assert_eq!(lake.figure("SELECT count(*) FROM correction"), 2);
    // A row of her other account is hers, too.
    correct(&lake, &line("e-1-3", "src_ip", "\"203.0.113.10\"")).said(0, &["1 correction recorded"]);
    lake.run(&["subject", "close", "C-1", "--state", "fulfilled", "--reason", "letter", NOW]).succeeded();
    assert!(!having(&lake, "203.0.113.9-zq").iter().any(|name| name.starts_with("_auditlake/")), "on no way any more");
    let access = ["subject", "access", "--id-file", "ann.txt", "--to", "ann.zip", NOW];
    lake.run(&access).said(0, &["correction: 3 rows"]);
    erase(&lake).said(0, &["correction: ", "is fulfilled"]);
    assert_eq!(lake.figure("SELECT count(*) FROM correction"), 0);
    assert_eq!(having(&lake, "203.0.113.9-zq"), [] as [&str; 0]);
    assert_eq!(having(&lake, ANN), [] as [&str; 0]);
    lake.run(&["verify", NOW]).succeeded();
}

#[test]
fn whoever_dies_between_the_rows_and_the_record_records_nothing_twice() {
    let lake = opened();
    let asked = line("e-0-0", "src_ip", "\"203.0.113.9\"");
    let path = "_auditlake/subjects/C-1/corrections-000002.ndjson";
    let there = |lake: &Lake| lake.objects().into_iter().any(|(name, _)| name == path);
    // As if the record had not been written: its number is taken by a file that stays in the way of it.
    let record = lake.data().join("_auditlake/subjects/C-1/000002.json");
    std::fs::create_dir(&record).expect("a folder");
    assert_ne!(correct(&lake, &asked).code, Some(0));
    assert!(there(&lake));
    assert_eq!(lake.figure("SELECT count(*) FROM correction"), 1);
    std::fs::remove_dir(&record).expect("removed");
    let (same, other) = (lake.copy(), lake.copy());
    correct(&same, &asked).said(0, &["1 correction recorded"]);
    assert_eq!((same.figure("SELECT count(*) FROM correction"), there(&same)), (1, false));
    // Whoever asks for something else by now gets both.
    correct(&other, &line("e-0-1", "src_ip", "\"203.0.113.10\"")).said(0, &["1 correction recorded"]);
    assert_eq!((other.figure("SELECT count(*) FROM correction"), there(&other)), (2, false));
    // Whoever closes the case instead leaves no value behind.
    lake.run(&["subject", "close", "C-1", "--state", "withdrawn", "--reason", "letter", NOW]).succeeded();
    assert!(!there(&lake));
}

#[test]
fn what_cannot_be_corrected_is_refused_and_names_nobody() {
    let lake = opened();
    let value = "\"203.0.113.9\"";
    for (lines, words) in [
        (line("e-0-6", "src_ip", value), &["line 1", "does not name the person"][..]),
        (line("e-99-0", "src_ip", value), &["line 1", "no row of dataset \"audit\" has that key in event_id"]),
        (line("e-0-0", "src_up", value), &["line 1", "no such column; did you mean \"src_ip\"?"]),
        (line("e-0-0", "src_ip", value).replace("audit", "audits"), &["line 1", "no dataset of that name"]),
        (line("e-0-0", "src_ip", value) + "{\"dataset\":1}\n", &["line 2 has other keys or values"]),
        (format!("{{{ANN}\n"), &["line 1 is no JSON"]),
        (line("e-0-0", "src_ip", value).repeat(2), &["line 2 is about the value of a line before it"]),
        (line("e-0-0", "src_ip", &format!("\"{}\"", "x".repeat(10_001))), &["line 1", "10001 letters"]),
        (line("e-0-0", "attributes", value), &["line 1", "holds no text or number"]),
        (String::new(), &["there is no correction in it"]),
    ] {
        correct(&lake, &lines).failed(2, words);
    }
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), DAYS * super::A_DAY);
    assert_eq!(lake.figure("SELECT count(*) FROM correction"), 0, "all or nothing");
    lake.run(&["subject", "open", "--type", "know", "--id-file", "ann.txt", "--case", "K-1", NOW]).succeeded();
    let know = ["subject", "correct", "K-1", "--file", "corrections.ndjson", NOW];
    lake.run(&know).failed(1, &["it is of type know, and corrects nothing"]);
    // Rows without ids, ids that several rows have, a kind that the person has no identifier of, a file that is none.
    let refused = |lines: &str, code: i32, words: &[&str]| correct(&lake, lines).failed(code, words);
    lake.write("datasets/plain.yaml", "dataset: plain\nlocation: plain/\n");
    refused(&line("e-0-0", "src_ip", value).replace("audit", "plain"), 2, &["line 1", "give it a schema"]);
    lake.write("twice/events.ndjson", super::events(1).lines().next().expect("an event").replace(":00:00Z", ":00:01Z"));
    lake.json(&["ingest", "ndjson", "twice", "--into", "audit", NOW]);
    refused(&line("e-0-0", "src_ip", value), 2, &["line 1", "2 rows of dataset \"audit\" have that key in event_id"]);
    refused(&line("ticket", "state", value).replace("audit", "ticket"), 2, &["line 1", "no row of dataset \"ticket\""]);
    let leftover = "_auditlake/subjects/C-1/corrections-000002.ndjson";
    lake.put(leftover, format!("{ANN}\n"));
    refused(&line("e-0-1", "src_ip", value), 1, &[leftover, "is no file of corrections; remove it"]);
    std::fs::remove_file(lake.data().join(leftover)).expect("removed");
    let policy = lake.folder().join("policies/subjects.yaml");
    let before = std::fs::read_to_string(&policy).expect("the policy");
    std::fs::write(&policy, format!("{before}  kinds: {{correction.subject_id: email}}\n")).expect("written");
    refused(
        &line("e-0-1", "src_ip", value),
        2,
        &["line 1", "no identifier of kind email", "kinds: {correction.subject_id: KIND}"],
    );
    std::fs::write(&policy, before).expect("written");
    let text = std::fs::read_to_string(&policy).expect("the policy").replace("  corrections: correction\n", "");
    std::fs::write(&policy, text).expect("written");
    correct(&lake, &line("e-0-0", "src_ip", value)).failed(2, &["names no dataset of corrections"]);
}
