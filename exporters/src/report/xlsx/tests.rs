use std::io::Read;

use flate2::read::DeflateDecoder;
use quick_xml::Reader;
use quick_xml::events::Event;
use schemas::parse_rfc3339;
use serde_json::Value;

use super::*;
use crate::report::printable::printable;
use crate::report::sample::{empty, hostile, leaves, sample};
use crate::xlsx::serial;

const NAMES: [&str; 11] = [
    "Summary",
    "Scorecards",
    "Requirements",
    "Controls",
    "Results",
    "Findings",
    "Changes",
    "Trends",
    "Evidence",
    "Not looked at",
    "Provenance",
];

/// A cell as a reader of ours sees it.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Text(String),
    Number(f64),
    Flag(bool),
}

/// The file of that name in a ZIP archive, by its central directory.
fn unzipped(archive: &[u8], name: &str) -> Option<String> {
    let word = |at: usize| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]]));
    let long = |at: usize| word(at) + (word(at + 2) << 16);
    let end = archive.windows(4).rposition(|window| window == b"PK\x05\x06").expect("an archive ends");
    let mut at = long(end + 16);
    for _ in 0..word(end + 10) {
        let (size, local, length) = (long(at + 20), long(at + 42), word(at + 28));
        if &archive[at + 46..at + 46 + length] == name.as_bytes() {
            let data = local + 30 + word(local + 26) + word(local + 28);
            let mut text = String::new();
            DeflateDecoder::new(&archive[data..data + size]).read_to_string(&mut text).expect("deflated UTF-8");
            return Some(text);
        }
        at += 46 + length + word(at + 30) + word(at + 32);
    }
    None
}

fn sheet_xml(book: &[u8], name: &str) -> String {
    let number = NAMES.iter().position(|other| *other == name).expect("a sheet") + 1;
    unzipped(book, &format!("xl/worksheets/sheet{number}.xml")).expect("is there")
}

/// `_x000D_` as the character it stands for.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let escape = rest.get(at..at + 7).filter(|escape| escape.ends_with('_'));
        let letter = escape.and_then(|escape| char::from_u32(u32::from_str_radix(&escape[2..6], 16).ok()?));
        plain.push_str(&rest[..at]);
        match letter {
            Some(letter) => plain.push(letter),
            None => plain.push_str("_x"),
        }
        rest = &rest[at + if letter.is_some() { 7 } else { 2 }..];
    }
    plain + rest
}

/// The cells of a sheet, row by row, with the letters of their column.
fn rows(book: &[u8], name: &str) -> Vec<Vec<(String, Seen)>> {
    let xml = sheet_xml(book, name);
    let mut reader = Reader::from_str(&xml);
    let (mut rows, mut kind, mut column, mut text) = (Vec::new(), String::new(), String::new(), String::new());
    loop {
        match reader.read_event().expect("is XML") {
            Event::Eof => return rows,
            Event::Start(tag) if tag.name().as_ref() == b"row" => rows.push(Vec::new()),
            Event::Start(tag) if tag.name().as_ref() == b"c" => {
                (kind, column, text) = (String::new(), String::new(), String::new());
                for attribute in tag.attributes() {
                    let attribute = attribute.expect("is well formed");
                    let value = String::from_utf8(attribute.value.to_vec()).expect("is UTF-8");
                    match attribute.key.as_ref() {
                        b"t" => kind = value,
                        b"r" => column = value.trim_end_matches(|digit: char| digit.is_ascii_digit()).to_owned(),
                        _ => {}
                    }
                }
            }
            Event::Text(part) => text.push_str(&part.decode().expect("is UTF-8")),
            Event::GeneralRef(entity) => text.push(match &*entity {
                b"amp" => '&',
                b"lt" => '<',
                b"gt" => '>',
                other => panic!("{other:?}"),
            }),
            Event::End(tag) if tag.name().as_ref() == b"c" => {
                let seen = match kind.as_str() {
                    "inlineStr" => Seen::Text(unescaped(&text)),
                    "b" => Seen::Flag(text == "1"),
                    "" | "n" => Seen::Number(text.parse().expect("is a number")),
                    other => panic!("a cell of type {other}"),
                };
                rows.last_mut().expect("in a row").push((column.clone(), seen));
            }
            Event::End(tag) => assert_ne!(tag.name().as_ref(), b"f", "a formula"),
            _ => {}
        }
    }
}

fn cells(book: &[u8]) -> Vec<Seen> {
    NAMES.iter().flat_map(|name| rows(book, name)).flatten().map(|(_, seen)| seen).collect()
}

/// What some cell must be, or hold, for a leaf of the model.
fn expected(key: &str, leaf: &Value) -> Option<Seen> {
    let instant = |text: &str| serial(parse_rfc3339(text).expect("is an instant").timestamp_micros()).map(Seen::Number);
    match leaf {
        Value::Number(number) if key == "score_permille" => Some(Seen::Number(number.as_f64()? / 1_000.0)),
        Value::Number(number) => number.as_f64().map(Seen::Number),
        Value::String(text) if text.is_empty() || key == "change" => None,
        Value::String(text) => match key {
            "instant" | "start" | "end" | "time" | "first_seen_at" | "interval_end" | "at" => instant(text),
            "until" => instant(&format!("{text}T00:00:00Z")),
            "status" | "state" | "before" | "after" => Some(Seen::Text(text.replace('_', " "))),
            _ => Some(Seen::Text(printable(text).into_owned())),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[test]
fn every_text_and_figure_of_the_model_is_in_the_book() {
    for report in [sample(), hostile()] {
        let cells = cells(&report_xlsx(&report).expect("is written"));
        let model = serde_json::to_value(&report).expect("encodes");
        let mut found = Vec::new();
        leaves(&model, "", &mut found);
        assert!(found.len() > 300);
        for (key, wanted) in found.into_iter().filter_map(|(key, leaf)| Some((key, expected(key, leaf)?))) {
            let there = cells.iter().any(|seen| match (seen, &wanted) {
                (Seen::Text(text), Seen::Text(wanted)) => text.contains(wanted),
                // Points of the past stand in a text.
                (Seen::Text(text), Seen::Number(number)) => text.contains(&format!(" {number} (version")),
                (seen, wanted) => seen == wanted,
            });
            assert!(there, "{key} {wanted:?} is in no cell");
        }
    }
}

#[test]
fn sheets_stand_in_order_with_a_frozen_header_and_a_filter() {
    let book = report_xlsx(&sample()).expect("is written");
    let workbook = unzipped(&book, "xl/workbook.xml").expect("is there");
    let mut rest = workbook.as_str();
    for (name, (_, columns, _)) in NAMES.iter().zip(TABLES) {
        rest = rest.split_once(&format!("<sheet name=\"{name}\"")).expect("in order").1;
        let xml = sheet_xml(&book, name);
        assert!(xml.contains("<pane ySplit=\"1\" topLeftCell=\"A2\"") && xml.contains("state=\"frozen\""), "{name}");
        let rows = rows(&book, name);
        assert_eq!(rows[0].len(), columns.len(), "{name}");
        let last = &rows[0].last().expect("a column").0;
        assert!(xml.contains(&format!("<autoFilter ref=\"A1:{last}{}\"/>", rows.len())), "{name}");
        assert!(xml.contains(&format!("max=\"{}\"", columns.len())), "{name}: a width for each column");
        assert!(rows.len() > 1, "{name} has rows");
    }
}

#[test]
fn texts_stay_texts_whatever_they_begin_with() {
    let mut report = sample();
    let given = [
        "=1+1",
        "+1",
        "@x",
        "<r><t>a</t></r>",
        "_x0041_",
        " \t\r\n a ",
        "{=1}",
        "http://a.b",
        "0012",
        "\0\u{1b}",
        "_x0041\u{7}",
    ];
    report.not_looked_at.silent_tenants = given.map(str::to_owned).to_vec();
    let book = report_xlsx(&report).expect("is written");
    let rows = rows(&book, "Not looked at");
    let tenants = rows.iter().flatten().filter(|(column, _)| column == "D").map(|(_, seen)| seen.clone());
    let read: Vec<Seen> = tenants.collect();
    assert_eq!(read[read.len() - given.len()..], given.map(|text| Seen::Text(printable(text).into_owned())));
    let hostile = report_xlsx(&hostile()).expect("is written");
    for name in NAMES {
        let xml = sheet_xml(&hostile, name);
        assert!(!xml.contains("<f>") && !xml.contains("<f ") && !xml.contains("<hyperlink"), "{name}");
    }
}

#[test]
fn figures_and_instants_are_typed_and_what_does_not_fit_is_a_text() {
    let mut report = sample();
    report.controls[0].rows[0].time = Some(parse_rfc3339("1850-01-01T00:00:00Z").expect("is an instant"));
    report.controls[0].rows[1].resource = "ö".repeat(40_000);
    report.evidence[0].bytes = u64::MAX;
    let book = report_xlsx(&report).expect("is written");
    let cell = |sheet: &str, row: usize, column: &str| {
        let found = rows(&book, sheet)[row].iter().find(|(other, _)| other == column).map(|(_, seen)| seen.clone());
        found.expect("is there")
    };
    assert_eq!(cell("Scorecards", 1, "D"), Seen::Number(0.914));
    assert_eq!(cell("Scorecards", 1, "G"), Seen::Flag(true));
    assert_eq!(cell("Controls", 1, "F"), Seen::Number(48_211.0));
    assert_eq!(cell("Findings", 1, "C"), Seen::Text("1850-01-01T00:00:00Z".to_owned()));
    assert_eq!(cell("Findings", 1, "L"), Seen::Number(46_096.0));
    assert_eq!(cell("Evidence", 1, "D"), Seen::Text("18446744073709551615".to_owned()));
    let Seen::Text(cut) = cell("Findings", 2, "D") else { panic!("a text") };
    assert!(cut.starts_with("öö") && cut.ends_with("…[cut]") && cut.chars().count() == 32_767);
    let score = rows(&book, "Summary").into_iter().flatten().find_map(|(_, seen)| match seen {
        Seen::Text(text) if text.contains("91.4 %") => Some(text),
        _ => None,
    });
    assert_eq!(score.as_deref(), Some("91.4 % on 31 of 64 requirements"));
}

#[test]
fn a_book_repeats_and_was_made_at_the_instant_of_the_run() {
    for report in [sample(), hostile(), empty()] {
        let book = report_xlsx(&report).expect("is written");
        assert!(book == report_xlsx(&report).expect("is written"), "two books of one report differ");
        let core = unzipped(&book, "docProps/core.xml").expect("is there");
        assert_eq!(core.matches("2026-04-01T04:00:00Z").count(), 2, "created and modified: {core}");
    }
}

#[test]
fn a_report_without_anything_has_every_sheet() {
    let book = report_xlsx(&empty()).expect("is written");
    for name in NAMES {
        let only_header = rows(&book, name).len() == 1;
        assert_eq!(only_header, !matches!(name, "Summary" | "Provenance"), "{name}");
    }
}

/// For eyes: `AUDITLAKE_SAMPLE_BOOK=/tmp/book.xlsx cargo test -p exporters sample_book`.
#[test]
fn sample_book_is_written_where_the_environment_says() {
    if let Ok(path) = std::env::var("AUDITLAKE_SAMPLE_BOOK") {
        std::fs::write(path, report_xlsx(&sample()).expect("is written")).expect("writes");
    }
}
