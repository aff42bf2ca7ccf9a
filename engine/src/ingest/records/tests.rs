use std::fmt::Write as _;
use std::io::Cursor;

use expect_test::{Expect, expect};
use sha2::{Digest, Sha256};

use super::*;

/// Gives at most `step` bytes at a time.
struct Slow<'a> {
    bytes: &'a [u8],
    step: usize,
    failure: Option<io::ErrorKind>,
}

impl Read for Slow<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let length = self.step.min(buf.len()).min(self.bytes.len());
        buf[..length].copy_from_slice(&self.bytes[..length]);
        self.bytes = &self.bytes[length..];
        match self.failure {
            Some(kind) if length == 0 => Err(kind.into()),
            _ => Ok(length),
        }
    }
}

const LIMIT: usize = 100;

/// One line for each item: number, line, offset, what it is, its text.
fn split(text: &[u8], step: usize, failure: Option<io::ErrorKind>, shape: Shape) -> String {
    let mut splitter = Splitter::with_limit(Slow { bytes: text, step, failure }, shape, LIMIT);
    let mut out = String::new();
    while let Some(item) = splitter.next().expect("reads") {
        let (place, what, bytes) = match &item {
            Item::Record(record) => (record.place, "record".to_owned(), record.bytes),
            Item::Bad(bad) => {
                let at = usize::try_from(bad.place.offset).expect("small");
                let all = &text[at..at + usize::try_from(bad.bytes_total).expect("small")];
                assert_eq!((bad.hash, &bad.bytes[..]), (Sha256::digest(all).into(), all));
                (bad.place, format!("{}, {}", bad.kind.as_str(), bad.detail), all)
            }
            Item::Skipped { place, reason } => (*place, (*reason).to_owned(), &b""[..]),
            Item::Again(_) => panic!("a splitter reads for the first time"),
        };
        assert!(text[usize::try_from(place.offset).expect("small")..].starts_with(bytes));
        let Place { number, line, offset } = place;
        let shown: String = String::from_utf8_lossy(bytes).chars().take(40).collect();
        writeln!(out, "{number} line {line} byte {offset}: {what}: {}", shown.escape_debug()).expect("writes");
    }
    if splitter.truncated() {
        out.push_str("truncated\n");
    }
    out
}

#[track_caller]
fn check_shape(text: impl AsRef<[u8]>, shape: Shape, want: &Expect) {
    let text = text.as_ref();
    let whole = split(text, usize::MAX, None, shape);
    want.assert_eq(&whole);
    for step in [1, 2, 3, 7] {
        assert_eq!(split(text, step, None, shape), whole, "in steps of {step}");
    }
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "a snapshot is written at the call")]
fn check(text: impl AsRef<[u8]>, want: Expect) {
    check_shape(text, Shape::Cloudtrail, &want);
}

#[test]
fn records_come_in_many_wrappings() {
    check("", expect![""]);
    check(" \n\t ", expect![""]);
    check("[]", expect![""]);
    check(r#"{"Records":[]}"#, expect![""]);
    check(
        "\u{feff}{\"a\":1}\r\n\r\n{\"a\":2}{\"a\":3}",
        expect![[r#"
        1 line 1 byte 3: record: {\"a\":1}
        2 line 3 byte 14: record: {\"a\":2}
        3 line 3 byte 21: record: {\"a\":3}
    "#]],
    );
    check(
        "[{\"a\":1},\n {\"a\":[2]}]",
        expect![[r#"
        1 line 1 byte 1: record: {\"a\":1}
        2 line 2 byte 11: record: {\"a\":[2]}
    "#]],
    );
    check(
        "{\"Records\":[{\"a\":1}, {\"a\":2}]}\n{\"Records\":[{\"a\":3}]}{\"Records\":[{}]}",
        expect![[r#"
        1 line 1 byte 12: record: {\"a\":1}
        2 line 1 byte 21: record: {\"a\":2}
        3 line 2 byte 43: record: {\"a\":3}
        4 line 2 byte 64: record: {}
    "#]],
    );
    check(
        r#"{"v":{"Records":[1]},"Records":[{"a":1}],"w":[{}],"Records":[{"a":2}]}{"a":3}"#,
        expect![[r#"
        1 line 1 byte 32: record: {\"a\":1}
        2 line 1 byte 61: record: {\"a\":2}
        3 line 1 byte 70: record: {\"a\":3}
    "#]],
    );
    check(
        "[{\"a\":1}]\n[{\"a\":2}]\n{\"a\":\"}\\\"{\"}",
        expect![[r#"
        1 line 1 byte 1: record: {\"a\":1}
        2 line 2 byte 11: record: {\"a\":2}
        3 line 3 byte 20: record: {\"a\":\"}\\\"{\"}
    "#]],
    );
    check(
        "{\n  \"a\": {\n    \"b\": []\n  }\n}\n{\n  \"a\": 2\n}",
        expect![[r#"
        1 line 1 byte 0: record: {\n  \"a\": {\n    \"b\": []\n  }\n}
        2 line 6 byte 29: record: {\n  \"a\": 2\n}
    "#]],
    );
}

#[test]
fn only_cloudtrail_unwraps_records() {
    let text = "{\"Records\":[{\"a\":1}]}\n{\"digestS3Object\":1}\n[{\"a\":1}]";
    check_shape(
        text,
        Shape::Ndjson,
        &expect![[r#"
        1 line 1 byte 0: record: {\"Records\":[{\"a\":1}]}
        2 line 2 byte 22: record: {\"digestS3Object\":1}
        3 line 3 byte 44: record: {\"a\":1}
    "#]],
    );
    check(
        text,
        expect![[r#"
        1 line 1 byte 12: record: {\"a\":1}
        2 line 2 byte 22: CloudTrail digest: 
        3 line 3 byte 44: record: {\"a\":1}
    "#]],
    );
    // What has an id is an event, whatever else it has.
    check(
        r#"{"eventID":"x","Records":[{"a":1}]}"#,
        expect![[r#"
        1 line 1 byte 0: record: {\"eventID\":\"x\",\"Records\":[{\"a\":1}]}
    "#]],
    );
    // `Records` that is no array is a value like any other.
    check(
        r#"{"Records":null}{"Records":{"a":1}}{"a":["Records",[{}]]}"#,
        expect![[r#"
        1 line 1 byte 0: record: {\"Records\":null}
        2 line 1 byte 16: record: {\"Records\":{\"a\":1}}
        3 line 1 byte 35: record: {\"a\":[\"Records\",[{}]]}
    "#]],
    );
}

#[test]
fn a_list_of_kubernetes_is_its_items() {
    check_shape(
        "{\"kind\":\"EventList\",\"items\":[{\"a\":1},\n{\"items\":[1]}],\"x\":{}}\n{\"auditID\":\"x\",\"items\":[{}]}",
        Shape::Kubernetes,
        &expect![[r#"
            1 line 1 byte 29: record: {\"a\":1}
            2 line 2 byte 38: record: {\"items\":[1]}
            3 line 3 byte 61: record: {\"auditID\":\"x\",\"items\":[{}]}
        "#]],
    );
    check_shape(
        r#"{"requestObject":{"items":[{}]},"Records":[{}]}{"items":null}{"digestS3Object":1}"#,
        Shape::Kubernetes,
        &expect![[r#"
            1 line 1 byte 0: record: {\"requestObject\":{\"items\":[{}]},\"Records
            2 line 1 byte 47: record: {\"items\":null}
            3 line 1 byte 61: record: {\"digestS3Object\":1}
        "#]],
    );
    check_shape(
        r#"{"items":[{"a":1}],}"#,
        Shape::Kubernetes,
        &expect![[r#"
            1 line 1 byte 10: record: {\"a\":1}
            2 line 1 byte 19: syntax, a key in double quotes was expected behind "items": }
        "#]],
    );
}

#[test]
fn digests_are_skipped_but_events_never() {
    check(
        "{\"digestPublicKeyFingerprint\":\"x\"}\n{\"x\":{\"digestS3Object\":1}}",
        expect![[r#"
        1 line 1 byte 0: CloudTrail digest: 
        2 line 2 byte 35: record: {\"x\":{\"digestS3Object\":1}}
    "#]],
    );
    check(
        r#"{"digestS3Object":1,"eventID":"x"}"#,
        expect![[r#"
        1 line 1 byte 0: record: {\"digestS3Object\":1,\"eventID\":\"x\"}
    "#]],
    );
    check(
        r#"[{"digestS3Object":1}]"#,
        expect![[r#"
        1 line 1 byte 1: record: {\"digestS3Object\":1}
    "#]],
    );
}

#[test]
fn what_is_no_object_is_rejected_by_its_type() {
    check(
        "[[1,{}],2,\"a,]\",null,{\"a\":1}]",
        expect![[r#"
        1 line 1 byte 1: type, a record must be an object: [1,{}]
        2 line 1 byte 8: type, a record must be an object: 2
        3 line 1 byte 10: type, a record must be an object: \"a,]\"
        4 line 1 byte 16: type, a record must be an object: null
        5 line 1 byte 21: record: {\"a\":1}
    "#]],
    );
    check(
        "1\n\"a\"\n{\"a\":1}\nnull",
        expect![[r#"
        1 line 1 byte 0: type, a record must be an object: 1
        2 line 2 byte 2: type, a record must be an object: \"a\"
        3 line 3 byte 6: record: {\"a\":1}
        4 line 4 byte 14: type, a record must be an object: null
    "#]],
    );
    check(
        "{\"Records\":[[{\"a\":1}]]}",
        expect![[r#"
        1 line 1 byte 12: type, a record must be an object: [{\"a\":1}]
    "#]],
    );
}

#[test]
fn a_broken_line_costs_no_other_line() {
    check(
        "{\"a\":1\n{\"a\":2}\n",
        expect![[r#"
        1 line 1 byte 0: syntax, a comma or a closing bracket was expected: {\"a\":1
        2 line 2 byte 7: record: {\"a\":2}
    "#]],
    );
    check(
        "{\"a\":\"x\n{\"a\":2}\n",
        expect![[r#"
        1 line 1 byte 0: syntax, a control character inside a string: {\"a\":\"x
        2 line 2 byte 8: record: {\"a\":2}
    "#]],
    );
    check(
        "{\"a\":[\n{\"a\":2}\n{\"a\":3}",
        expect![[r#"
        1 line 1 byte 0: syntax, a comma or a closing bracket was expected: {\"a\":[
        2 line 2 byte 7: record: {\"a\":2}
        3 line 3 byte 15: record: {\"a\":3}
    "#]],
    );
    check(
        "{\"a\":[\n{\"a\":2}\n",
        expect![[r#"
        1 line 1 byte 0: syntax, the record is never closed: {\"a\":[
        2 line 2 byte 7: record: {\"a\":2}
    "#]],
    );
    check(
        "{\"a\"}}\n{\"a\":2}\n",
        expect![[r#"
        1 line 1 byte 0: syntax, a colon was expected: {\"a\"}}
        2 line 2 byte 7: record: {\"a\":2}
    "#]],
    );
    check(
        "{\"a\":1}}\n{\"a\":2}\n",
        expect![[r#"
        1 line 1 byte 0: record: {\"a\":1}
        2 line 1 byte 7: syntax, a JSON object or array was expected: }
        3 line 2 byte 9: record: {\"a\":2}
    "#]],
    );
}

#[test]
fn lines_that_are_no_json_are_told_apart() {
    check(
        "a,b\n1,2\n{\"a\":2}\n",
        expect![[r#"
        1 line 1 byte 0: syntax, a JSON object or array was expected: a,b
        2 line 2 byte 4: syntax, a JSON object or array was expected: 1,2
        3 line 3 byte 8: record: {\"a\":2}
    "#]],
    );
    check(
        "{\n  \"a\" 1,\n  \"b\": {\n  }\n}\n{\"a\":2}",
        expect![[r#"
        1 line 1 byte 0: syntax, a colon was expected: {\n  \"a\" 1,\n  \"b\": {\n  }\n}
        2 line 6 byte 26: record: {\"a\":2}
    "#]],
    );
    check(
        format!("{}\n{{\"a\":2}}\n", "{\"a\":".repeat(14)),
        expect![[r#"
        1 line 1 byte 0: syntax, the record is never closed: {\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":
        2 line 2 byte 71: record: {\"a\":2}
    "#]],
    );
    check(
        b"{\"a\":\"\xff\"}\n\xff\xfe\n\0\n{\"a\":2}",
        expect![[r#"
        1 line 1 byte 0: record: {\"a\":\"�\"}
        2 line 2 byte 10: syntax, a JSON object or array was expected: ��
        3 line 3 byte 13: syntax, a JSON object or array was expected: \0
        4 line 4 byte 15: record: {\"a\":2}
    "#]],
    );
}

#[test]
fn a_broken_element_costs_its_neighbours_nothing() {
    check(
        r#"{"Records":[{"a" 1},{"a":2}]}"#,
        expect![[r#"
        1 line 1 byte 12: syntax, a colon was expected: {\"a\" 1}
        2 line 1 byte 20: record: {\"a\":2}
    "#]],
    );
    check(
        r#"{"Records":[{"a":{"b":1},{"a":2},{"a":3}]}{"a":4}"#,
        expect![[r#"
        1 line 1 byte 12: syntax, a key in double quotes was expected: {\"a\":{\"b\":1}
        2 line 1 byte 25: record: {\"a\":2}
        3 line 1 byte 33: record: {\"a\":3}
        4 line 1 byte 42: record: {\"a\":4}
    "#]],
    );
    check(
        r#"{"Records":[{"a":1},{"a":{"b":2}]}{"a":3}"#,
        expect![[r#"
        1 line 1 byte 12: record: {\"a\":1}
        2 line 1 byte 20: syntax, a comma or a closing bracket was expected: {\"a\":{\"b\":2}
        3 line 1 byte 34: record: {\"a\":3}
    "#]],
    );
    check(
        "[{\"a\":\"x\n},\n{\"a\":2}]",
        expect![[r#"
        1 line 1 byte 1: syntax, a control character inside a string: {\"a\":\"x\n}
        2 line 3 byte 12: record: {\"a\":2}
    "#]],
    );
    check(
        r#"[{"a":1}{"a":2},,{"a":3},]"#,
        expect![[r#"
        1 line 1 byte 1: record: {\"a\":1}
        2 line 1 byte 8: record: {\"a\":2}
        3 line 1 byte 16: syntax, a comma or the end of the array was expected: ,
        4 line 1 byte 17: record: {\"a\":3}
    "#]],
    );
    check(
        r#"[{"a":1}:x,{"a":2}}]"#,
        expect![[r#"
        1 line 1 byte 1: record: {\"a\":1}
        2 line 1 byte 8: syntax, a comma or the end of the array was expected: :x
        3 line 1 byte 11: record: {\"a\":2}
        4 line 1 byte 18: syntax, a comma or the end of the array was expected: }
    "#]],
    );
    check(
        r#"{"Records":[{"a":1}}{"a":2}"#,
        expect![[r#"
        1 line 1 byte 12: record: {\"a\":1}
        2 line 1 byte 19: syntax, a comma or the end of the array was expected: }
        3 line 1 byte 20: record: {\"a\":2}
    "#]],
    );
    check(
        "{\"Records\":[{\"a\":1}] x}\n{\"a\":2}",
        expect![[r#"
        1 line 1 byte 12: record: {\"a\":1}
        2 line 1 byte 21: syntax, a comma or a closing bracket was expected behind "Records": x}
        3 line 2 byte 24: record: {\"a\":2}
    "#]],
    );
}

#[test]
fn a_cut_object_rejects_its_last_record_and_says_so() {
    check(
        "{\"a\":1}\n{\"a\":",
        expect![[r#"
        1 line 1 byte 0: record: {\"a\":1}
        2 line 2 byte 8: truncated, the object ends inside this record: {\"a\":
        truncated
    "#]],
    );
    check(
        "{\"a\":1}\n{\"a\":\"x\\",
        expect![[r#"
        1 line 1 byte 0: record: {\"a\":1}
        2 line 2 byte 8: truncated, the object ends inside this record: {\"a\":\"x\\
        truncated
    "#]],
    );
    check(
        r#"{"Records":[{"a":1},{"a":"#,
        expect![[r#"
        1 line 1 byte 12: record: {\"a\":1}
        2 line 1 byte 20: truncated, the object ends inside this record: {\"a\":
        truncated
    "#]],
    );
    check(
        r#"{"Records":[{"a":1},"#,
        expect![[r#"
        1 line 1 byte 12: record: {\"a\":1}
        truncated
    "#]],
    );
    check(
        r#"{"Records":[{"a":1}]"#,
        expect![[r#"
        1 line 1 byte 12: record: {\"a\":1}
        truncated
    "#]],
    );
    check(
        r#"{"Records":[{"a":1}],"b":"x"#,
        expect![[r#"
        1 line 1 byte 12: record: {\"a\":1}
        truncated
    "#]],
    );
    check(
        "[{\"a\":1}",
        expect![[r#"
        1 line 1 byte 1: record: {\"a\":1}
        truncated
    "#]],
    );
    check(
        "[12",
        expect![[r#"
        1 line 1 byte 1: truncated, the object ends inside this record: 12
        truncated
    "#]],
    );
    check(
        "{\"Rec",
        expect![[r#"
        1 line 1 byte 0: truncated, the object ends inside this record: {\"Rec
        truncated
    "#]],
    );
}

#[test]
fn damage_to_the_coding_is_an_end_and_a_failing_input_an_error() {
    let damaged = Some(io::ErrorKind::UnexpectedEof);
    let want = "1 line 1 byte 0: record: {\\\"a\\\":1}\ntruncated\n";
    assert_eq!(split(b"{\"a\":1}", 3, damaged, Shape::Ndjson), want);
    assert!(split(b"{\"a\":1", 3, damaged, Shape::Ndjson).contains("truncated, the object ends inside this record"));

    let failing = Slow { bytes: b"{\"a\":1}{", step: 99, failure: Some(io::ErrorKind::ConnectionReset) };
    let input = super::super::decode::decoded(Box::new(failing)).expect("opens");
    let mut splitter = Splitter::new(input, Shape::Ndjson);
    assert!(matches!(splitter.next(), Ok(Some(Item::Record(_)))));
    assert_eq!(splitter.next().expect_err("fails").kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_record_over_the_limit_is_passed_over() {
    let long = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    check(
        long(LIMIT),
        expect![[r#"
        1 line 1 byte 0: record: {\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    "#]],
    );
    check(
        format!("{}\n{{\"a\":2}}", long(LIMIT + 1)),
        expect![[r#"
        1 line 1 byte 0: too_large, the record is longer than 100 bytes: {\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        2 line 2 byte 102: record: {\"a\":2}
    "#]],
    );
    check(
        format!("{{\"Records\":[{},{{\"a\":2}}],\"b\":\"{}\"}}", long(300), "y".repeat(300)),
        expect![[r#"
        1 line 1 byte 12: too_large, the record is longer than 100 bytes: {\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        2 line 1 byte 313: record: {\"a\":2}
    "#]],
    );
    check(
        format!("{{\"a\":2}}{}", &long(300)[..200]),
        expect![[r#"
        1 line 1 byte 0: record: {\"a\":2}
        2 line 1 byte 7: too_large, the record is longer than 100 bytes: {\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        truncated
    "#]],
    );
    check(
        format!("{}x\n  y\n{{\"a\":2}}", &long(300)[..299]),
        expect![[r#"
        1 line 1 byte 0: too_large, the record is longer than 100 bytes: {\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        2 line 3 byte 305: record: {\"a\":2}
    "#]],
    );
}

#[test]
fn a_huge_record_is_not_held() {
    let body = vec![b'x'; 40 << 20];
    let input = Cursor::new(b"{\"a\":\"").chain(Cursor::new(&body)).chain(Cursor::new(b"\"}{\"a\":2}"));
    let mut splitter = Splitter::new(input, Shape::Cloudtrail);
    let Ok(Some(Item::Bad(bad))) = splitter.next() else { panic!("a bad record comes first") };
    assert_eq!((bad.kind, bad.bytes.len(), bad.bytes_total), (RejectKind::TooLarge, RAW_BYTES_MAX, (40 << 20) + 8));
    assert!(matches!(splitter.next(), Ok(Some(Item::Record(record))) if record.bytes == b"{\"a\":2}"));
    assert!(matches!(splitter.next(), Ok(None)));
    assert!(splitter.input.capacity() <= RECORD_BYTES_MAX * 2 + (1 << 20));
}

/// Whatever is thrown at the splitter, it ends, counts on, and never gives out the same byte twice.
#[test]
fn any_bytes_at_all_come_out_in_order_and_once() {
    let pieces: [&str; 16] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"Records\"",
        "1",
        "\n",
        " ",
        "\"",
        "\\",
        "{\"a\":1}",
        "{\"Records\":[",
        "é",
    ];
    let mut seed = 1u64;
    for _ in 0..4_000 {
        let mut text = String::new();
        for _ in 0..24 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(seed >> 60) as usize]);
        }
        for shape in [Shape::Cloudtrail, Shape::Ndjson] {
            let whole = split(text.as_bytes(), usize::MAX, None, shape);
            assert_eq!(whole, split(text.as_bytes(), 1, None, shape), "{text}");
            let mut splitter = Splitter::new(text.as_bytes(), shape);
            let (mut next, mut number) = (0, 0);
            while let Some(item) = splitter.next().expect("reads") {
                let (place, length) = match item {
                    Item::Record(record) => (record.place, record.bytes.len() as u64),
                    Item::Bad(bad) => (bad.place, bad.bytes_total),
                    Item::Skipped { place, .. } => (place, 0),
                    Item::Again(_) => panic!("a splitter reads for the first time"),
                };
                number += 1;
                assert!(place.offset >= next && place.number == number && length > 0, "{text}");
                next = place.offset + length;
            }
        }
    }
}
