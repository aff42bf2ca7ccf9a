//! Requests: what is taken, and one case for each thing that a stranger may drop.

use expect_test::{Expect, expect};
use schemas::{ExportFormat, ExportRequest, ExportRows, Principal, check, parse_request, unknown_columns};

use crate::acme::{acme, file};

fn alice() -> Principal {
    let access = check(&acme()).expect("the sample lake is right").access.expect("it has principals");
    access.principal("alice").expect("alice").clone()
}

fn parsed(text: &str) -> Result<ExportRequest, String> {
    parse_request(&file("march.yaml", text.as_bytes()), &alice())
        .map_err(|errors| errors.iter().map(|error| format!("{error}\n")).collect())
}

#[track_caller]
fn says(text: &str, expected: Expect) {
    expected.assert_eq(&parsed(text).expect_err("is refused"));
}

#[test]
fn a_request_says_rows_and_form() {
    let request = parsed(
        "request: 1\nid: march-1\ndataset: audit\ncolumns: [event_id, {name: hour, expr: \"1\"}]\nfilter: outcome = 'denied'\norder_by: [time desc]\nformat: csv\nexpires_in: 2d\n",
    );
    let request = request.expect("is right");
    assert_eq!(
        (request.shape.format, request.shape.guard, request.expires_seconds),
        (ExportFormat::Csv, true, 172_800)
    );
    assert!(matches!(&request.rows, ExportRows::Dataset { columns, .. } if columns.len() == 2));
    let named: Vec<_> = request.named.iter().map(|named| (named.name.as_str(), named.line, named.column)).collect();
    assert_eq!(named, [("event_id", 4, 11), ("time", 6, 12)]);
    let json =
        parsed(r#"{"request": 1, "sql": "SELECT 1", "format": "csv", "options": {"guard": "off"}}"#).expect("is right");
    assert!(!json.shape.guard && json.rows == ExportRows::Sql("SELECT 1".to_owned()));
    assert_eq!(json.expires_seconds, 7 * 86_400);
}

#[test]
fn columns_that_are_not_there_are_told_in_their_place() {
    let request = parsed("request: 1\ndataset: audit\ncolumns: [event_id, actr_id]\nformat: csv\n").expect("is right");
    let told: Vec<String> =
        unknown_columns("march.yaml", &request, &["event_id", "actor_id"]).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["march.yaml:3:21: dataset \"audit\" has no column \"actr_id\"; did you mean \"actor_id\"?"]);
}

#[test]
fn what_is_wrong_is_said_all_at_once() {
    says(
        "request: 2\ndataset: adit\nformat: cvs\nexpires_in: 400d\nto: /etc/passwd\n",
        expect![[r#"
        march.yaml:1:10: request must be at most 1; found 2
        march.yaml:3:9: format "cvs" does not exist; did you mean "csv"? choices are: csv, json, ndjson, xlsx, parquet, xml, yaml, arrow
        march.yaml:5:1: unknown key "to"; did you mean "id"? keys are: request, id, dataset, sql, columns, filter, order_by, format, options, compression, split, bundle, strict, expires_in, deliver_to
    "#]],
    );
    says(
        "dataset: month\nformat: csv\n",
        expect![[r#"
        march.yaml:1:1: request is required: 1, the version of this form
    "#]],
    );
    says(
        "request: 1\nformat: csv\n",
        expect![[r#"
        march.yaml:1:1: export has neither dataset nor sql; add for example dataset: audit
    "#]],
    );
    says(
        "request: 1\nsql: SELECT 1\ndataset: audit\nformat: xlsx\ncompression: gzip\n",
        expect![[r#"
        march.yaml:3:10: export has both dataset and sql; keep one
        march.yaml:4:9: compression gzip is not for xlsx, which compresses by itself; leave it out
    "#]],
    );
    says(
        "request: 1\nsql: SELECT 1\nformat: csv\ndeliver_to: s3://elsewhere/\nexpires_in: 400d\n",
        expect![[r#"
        march.yaml:4:13: deliver_to "s3://elsewhere/" does not exist; choices are: exports
    "#]],
    );
    says(
        "request: 1\ndataset: month\nformat: csv\n",
        expect![[r#"
        march.yaml:2:10: dataset "month" does not exist; there are: audit
    "#]],
    );
}

#[test]
fn hostile_files_are_refused_before_anything_else() {
    let deep = format!("request: 1\nformat: csv\nsql: {}x{}\n", "[".repeat(40), "]".repeat(40));
    let many = format!("request: 1\nformat: csv\nsql: SELECT 1\ncolumns: [{}]\n", "a, ".repeat(5_000));
    says(
        "request: 1\na: &a [x, x]\nb: [*a, *a, *a]\nformat: csv\nsql: SELECT 1\n",
        expect![[r#"
        march.yaml:2:7: file is too large or too deeply nested; a request has at most 2500 values, neither anchors nor aliases, and 16 levels
    "#]],
    );
    says(
        "request: 1\n<<: {format: csv}\nsql: SELECT 1\n",
        expect![[r#"
        march.yaml:2:1: merge keys (<<) are not read; write the keys out
    "#]],
    );
    says(
        "request: 1\nformat: !!binary csv\nsql: SELECT 1\n",
        expect![[r#"
        march.yaml:2:18: file is not readable as YAML: invalid !!binary base64
    "#]],
    );
    says(
        "request: 1\nformat: csv\nsql: SELECT 1\n---\nrequest: 1\n",
        expect![[r#"
        march.yaml:5:1: file holds a second document; one file describes one thing, so split it
    "#]],
    );
    says(
        &deep,
        expect![[r#"
        march.yaml:3:38: file is too large or too deeply nested; a request has at most 2500 values, neither anchors nor aliases, and 16 levels
    "#]],
    );
    says(
        &many,
        expect![[r#"
        march.yaml:4:7484: file is too large or too deeply nested; a request has at most 2500 values, neither anchors nor aliases, and 16 levels
    "#]],
    );
    says(
        "request: 1\nformat: csv\nformat: csv\nsql: SELECT 1\n",
        expect![[r#"
        march.yaml:3:1: key "format" stands here a second time; keep one
    "#]],
    );
    says(
        "",
        expect![[r#"
        march.yaml:1:1: file is empty; write a request or remove the file
    "#]],
    );
    says(
        "[1, 2]",
        expect![[r#"
        march.yaml:1:1: request must be a mapping of keys to values; found a list
    "#]],
    );
}

#[test]
fn files_that_are_no_text_are_refused() {
    let bytes = |text: &[u8]| {
        let errors = parse_request(&file("march.yaml", text), &alice()).expect_err("is refused");
        errors.iter().map(|error| format!("{error}\n")).collect::<String>()
    };
    expect![[r#"
        march.yaml:2:6: file is not UTF-8 from here on; save it as UTF-8
    "#]]
    .assert_eq(&bytes(b"request: 1\nsql: \xff\n"));
    expect![[r#"
        march.yaml:1:1: file has 70000 bytes; a request has at most 65536
    "#]]
    .assert_eq(&bytes(&[b' '; 70_000]));
    expect![[r#"
        march.yaml:2:7: file is not readable as YAML: unexpected character: `\u{0}'
    "#]]
    .assert_eq(&bytes(b"request: 1\nsql: a\0b\nformat: csv\n"));
    assert!(
        parse_request(&file("march.yaml", b"\xef\xbb\xbfrequest: 1\nsql: SELECT 1\nformat: csv\n"), &alice()).is_ok()
    );
}
