use std::io::{Cursor, Write};

use super::*;

/// Gives its bytes a few at a time, so that every state of the scan is met at the end of what is there.
struct Drops(Cursor<Vec<u8>>, usize);

impl Read for Drops {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    names: Vec<String>,
    separator: u8,
    /// Offset, line, and fields joined by `|`, or the kind and reason.
    records: Vec<(u64, u64, String)>,
    truncated: bool,
}

fn read_by(bytes: &[u8], at_a_time: usize, limit: usize) -> Result<Outcome, &'static str> {
    let input = super::super::super::decode::decoded(Box::new(Drops(Cursor::new(bytes.to_vec()), at_a_time)));
    match CsvRecords::open_with_limit(input.expect("opens"), limit).expect("reads") {
        Opened::Unreadable(why) => Err(why),
        Opened::Records(mut csv, names) => {
            let separator = csv.separator();
            let mut records = Vec::new();
            while let Some(item) = csv.next().expect("reads") {
                records.push(match item {
                    Item::Record(record) => {
                        let text = std::str::from_utf8(record.bytes).expect("UTF-8");
                        let fields = fields(text, separator).expect("fields");
                        (record.place.offset, record.place.line, fields.join("|"))
                    }
                    Item::Bad(bad) => {
                        (bad.place.offset, bad.place.line, format!("{}: {}", bad.kind.as_str(), bad.detail))
                    }
                    other @ (Item::Skipped { .. } | Item::Again(_)) => panic!("{other:?}"),
                });
            }
            Ok(Outcome { names, separator, records, truncated: csv.truncated() })
        }
    }
}

/// Reads the same in every portion.
#[track_caller]
fn read(bytes: impl AsRef<[u8]>) -> Result<Outcome, &'static str> {
    let whole = read_by(bytes.as_ref(), usize::MAX, RECORD_BYTES_MAX);
    for at_a_time in [1, 2, 3, 7] {
        assert_eq!(read_by(bytes.as_ref(), at_a_time, RECORD_BYTES_MAX), whole, "{at_a_time} bytes at a time");
    }
    whole
}

#[track_caller]
fn check(bytes: impl AsRef<[u8]>, names: &[&str], records: &[(u64, u64, &str)]) {
    let read = read(bytes).expect("is CSV");
    assert_eq!(read.names, names);
    let found: Vec<(u64, u64, &str)> =
        read.records.iter().map(|(offset, line, text)| (*offset, *line, text.as_str())).collect();
    assert_eq!(found, records);
}

#[test]
fn records_know_where_they_stand() {
    check("a,b\n1,2\n3,4", &["a", "b"], &[(4, 2, "1|2"), (8, 3, "3|4")]);
    check("a,b\r\n1,2\r\n\r\n\n3,4\r\n", &["a", "b"], &[(5, 2, "1|2"), (13, 5, "3|4")]);
    check("\u{feff}a,b\n1,2\n", &["a", "b"], &[(7, 2, "1|2")]);
    check("a\n\n1\n", &["a"], &[(3, 3, "1")]);
    check("a,b\n,\n", &["a", "b"], &[(4, 2, "|")]);
    check("", &[], &[]);
    check("\n\r\n", &[], &[]);
    check("a,b", &["a", "b"], &[]);
    check("a,b\n1,2\r", &["a", "b"], &[(4, 2, "1|2")]);
}

#[test]
fn quotes_hold_separators_line_breaks_and_quotes() {
    check("a,b\n\"x,\r\ny\",\"say \"\"no\"\"\"\n2,\"\"\n", &["a", "b"], &[(4, 2, "x,\r\ny|say \"no\""), (25, 4, "2|")]);
    check("\"a,1\",\"b\n2\"\n1,2\n", &["a,1", "b\n2"], &[(12, 3, "1|2")]);
    check("a,b\n5\" disk,x\"y\n", &["a", "b"], &[(4, 2, "5\" disk|x\"y")]);
    check("a\n\"\"\"\"\n", &["a"], &[(2, 2, "\"")]);
}

#[test]
fn the_first_line_tells_the_separator() {
    for (text, separator) in [
        ("a;b,c;d\n", b';'),
        ("a\tb\n", b'\t'),
        ("a,b;c\n", b','),
        ("\"a;b;c\",d\n", b','),
        ("a\n", b','),
        ("a;b", b';'),
    ] {
        assert_eq!(read(text).expect("is CSV").separator, separator, "{text}");
    }
    check("a;b\n1,5;\"2;3\"\n", &["a", "b"], &[(4, 2, "1,5|2;3")]);
    check(" a , b \n1,2\n", &["a", "b"], &[(8, 2, "1|2")]);
}

#[test]
fn a_stray_quote_costs_its_own_line() {
    let behind = "syntax: text follows a closing quote; inside quotes a quote is doubled";
    check("a,b\n\"x\"y,1\n2,3\n", &["a", "b"], &[(4, 2, behind), (11, 3, "2|3")]);
    check("a,b\n1,\"x\n2,\"y\"\n3,4\n", &["a", "b"], &[(4, 2, behind), (9, 3, "2|y"), (15, 4, "3|4")]);
    check("a,b\n1,\"x\n2,y\n", &["a", "b"], &[(4, 2, "syntax: a quote is never closed"), (9, 3, "2|y")]);
    check("a,b\n\"x\"\ry,1\n2,3\n", &["a", "b"], &[(4, 2, behind), (12, 3, "2|3")]);
}

#[test]
fn a_cut_object_rejects_its_last_record_and_says_so() {
    let cut = read("a,b\n1,2\n3,\"x").expect("is CSV");
    assert!(cut.truncated);
    assert_eq!(cut.records[1], (8, 3, "truncated: the object ends inside this record".to_owned()));
    assert!(!read("a,b\n1,2\n3,x").expect("is CSV").truncated, "the last line needs no line break");

    let text: String = (0..50_000).map(|line: u32| format!("{line},{}\n", line.wrapping_mul(2_654_435_761))).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(format!("a,b\n{text}").as_bytes()).expect("writes");
    let gzip = gzip.finish().expect("finishes");
    let cut = read_by(&gzip[..gzip.len() / 2], usize::MAX, RECORD_BYTES_MAX).expect("is CSV");
    assert!(cut.truncated);
    let (last, before) = cut.records.split_last().expect("records");
    assert!(last.2.starts_with("truncated: "));
    assert!(!before.is_empty() && before.iter().zip(text.lines()).all(|(read, line)| read.2 == line.replace(',', "|")));
}

#[test]
fn a_record_over_the_limit_is_passed_over() {
    let long = "x".repeat(100_000);
    let text = format!("a,b\n1,\"{long}\n2,3\n\"\n4,5\n6,{long}\n7,8\n");
    for at_a_time in [1_000, usize::MAX] {
        let read = read_by(text.as_bytes(), at_a_time, 1_000).expect("is CSV");
        let texts: Vec<&str> = read.records.iter().map(|(_, _, text)| text.as_str()).collect();
        let refused = "too_large: the record is longer than 1000 bytes";
        assert_eq!(texts, [refused, "4|5", refused, "7|8"]);
    }
    // Where its quote is never closed, the record is all that is left.
    let read = read_by(format!("a,b\n1,\"{long}\n2,3\n").as_bytes(), usize::MAX, 1_000).expect("is CSV");
    assert_eq!((read.records.len(), read.truncated), (1, true));
}

#[test]
fn a_huge_record_is_not_held() {
    let head = Cursor::new(b"a,b\n1,\"".to_vec());
    let Ok(Opened::Records(mut csv, _)) = CsvRecords::open(head.chain(io::repeat(b'x').take(200 << 20))) else {
        panic!("is CSV");
    };
    let Ok(Some(Item::Bad(bad))) = csv.next() else { panic!("is refused") };
    assert_eq!((bad.kind, bad.bytes.len(), bad.bytes_total), (RejectKind::TooLarge, RAW_BYTES_MAX, (200 << 20) + 3));
    assert!(csv.input.capacity() < 3 * RECORD_BYTES_MAX);
}

#[test]
fn what_is_no_csv_says_why() {
    for (bytes, word) in [
        (&b"\xff\xfea\0,\0b\0\n\0"[..], "UTF-16"),
        (b"PAR1\x15\x04\x15\x00\n", "no text"),
        (b"a,\xff\n1,2\n", "no UTF-8"),
        (b"a,b\r1,2\r", "carriage return"),
        (b"\"a\"b,c\n1,2\n", "quotes"),
        (b"\"a,b\n1,2\n", "quotes"),
    ] {
        let why = read(bytes).expect_err("is no CSV");
        assert!(why.contains(word), "{why}");
    }
    let why = read_by(&vec![b'x'; HEADER_BYTES_MAX + 200_000], usize::MAX, RECORD_BYTES_MAX).expect_err("is no CSV");
    assert!(why.contains("1 MiB"), "{why}");
}
