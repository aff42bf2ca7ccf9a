use arrow::array::Array;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::DateTime;
use schemas::{AUDIT, ColumnType, USAGE};

use super::deal::Cell;
use super::*;
use crate::ingest::records::parse_exact;

fn names(records: &[&str]) -> Names {
    let mut names = Names::default();
    records.iter().for_each(|record| names.observe(record.as_bytes(), parse_strict));
    names
}

#[test]
fn keys_are_those_of_records_that_are_taken() {
    let found = names(&[
        r#"{"b":1,"a":{"x":[1,{"y":2}]}}"#,
        r#"{"a":"\u0062","\u0063":null}"#,
        // Refused, so their keys are nobody's columns.
        r#"{"d":1,"d":2}"#,
        r#"{"e":{"x":1,"x":2}}"#,
        r#"{"f":1e999}"#,
        r#"{"g":1} {}"#,
        "{\"h\":\"\u{1}\"}",
        r#"["i"]"#,
    ]);
    assert_eq!(found.as_slice(), ["b", "a", "c"]);
    let mut both = names(&[r#"{"x":1}"#]);
    both.join(found);
    assert_eq!(both.as_slice(), ["x", "b", "a", "c"]);
    let many: Vec<String> = (0..=KEYS_MAX).map(|key| format!("{{\"k{key}\":1}}")).collect();
    assert!(names(&many.iter().map(String::as_str).collect::<Vec<_>>()).too_many());
    assert!(!names(&many[1..].iter().map(String::as_str).collect::<Vec<_>>()).too_many());
}

#[test]
fn a_record_is_dealt_whole_or_leaves_nothing_behind() {
    let names = names(&[r#"{"a":1,"b":2}"#]);
    let mut dealer = Dealer::new(&names, 8);
    assert_eq!(dealer.deal(br#"{"b":"x","a":null}"#, false), Ok(()));
    for refused in [
        br#"{"a":1,"b":2,"a":3}"#.as_slice(),
        br#"{"a":null,"a":null}"#,
        br#"{"a":1,"b":{"x":1,"x":1}}"#,
        br#"{"a":1,"b":2"#,
        br#"{"a":1} 2"#,
        b"{\"a\":1,\"b\":\"\xff\"}",
        b"[1]",
    ] {
        assert_eq!(dealer.deal(refused, true), Err(Undealt::Refused), "{refused:?}");
        assert!(parse_strict(refused).is_err() || refused.starts_with(b"["), "{refused:?}");
    }
    assert_eq!(dealer.deal(br#"{"a":1,"c":2}"#, false), Err(Undealt::Unknown));
    assert_eq!(dealer.deal(br#"{"c":2,"a":true,"c":3}"#, true), Ok(()));
    assert_eq!(dealer.deal(br#"{"\u0061":"\n","b":[1]}"#, false), Ok(()));
    let columns: Vec<Vec<Cell<'_>>> = dealer.into_columns().collect();
    let text = |text: &'static str| Cell::Text(text.into());
    assert_eq!(columns[0], [Cell::Null, Cell::Bool(true), text("\n")]);
    assert_eq!(columns[1], [text("x"), Cell::Absent, Cell::Nested(Box::new(serde_json::json!([1])))]);
}

/// Every value of `a` in these records as the column's type shows it; `!` where it has none that fits.
#[track_caller]
fn check(kind: ColumnType, records: &[&str], want: &[&str]) {
    // Each beside the others and each alone: what stands beside it makes no difference.
    for size in [records.len(), 1] {
        let names = names(records);
        let mut shown = Vec::new();
        for chunk in records.chunks(size) {
            let mut dealer = Dealer::new(&names, chunk.len());
            chunk.iter().for_each(|record| dealer.deal(record.as_bytes(), false).expect("deals"));
            let given = to_given(kind, &dealer.into_columns().next().expect("a column")).expect("casts");
            assert_eq!(given.array.data_type(), &kind.arrow());
            let options = FormatOptions::new();
            let cells = ArrayFormatter::try_new(given.array.as_ref(), &options).expect("shows");
            shown.extend((0..chunk.len()).map(|row| match given.array.is_null(row) {
                true if given.has.as_ref().is_some_and(|has| has.is_valid(row)) => "!".to_owned(),
                true => "-".to_owned(),
                false => cells.value(row).to_string(),
            }));
        }
        assert_eq!(shown, want);
    }
}

#[test]
fn a_value_is_cast_by_what_it_is_itself() {
    const ALL: [&str; 10] = [
        r#"{"a":"7"}"#,
        r#"{"a":7}"#,
        r#"{"a":0.5}"#,
        r#"{"a":8.0}"#,
        r#"{"a":true}"#,
        r#"{"a":null}"#,
        "{}",
        r#"{"a":[1,null,"x",{"y":0.5}]}"#,
        r#"{"a":{"z":1,"b":"x","n":null,"o":[true]}}"#,
        r#"{"a":18446744073709551615}"#,
    ];
    let list = r#"[1,null,"x",{"y":0.5}]"#;
    let object = r#"{"z":1,"b":"x","n":null,"o":[true]}"#;
    check(ColumnType::Str, &ALL, &["7", "7", "0.5", "8.0", "true", "-", "-", list, object, "18446744073709551615"]);
    check(ColumnType::I32, &ALL, &["7", "7", "!", "8", "1", "-", "-", "!", "!", "!"]);
    check(ColumnType::F64, &ALL, &["7.0", "7.0", "0.5", "8.0", "1.0", "-", "-", "!", "!", "1.8446744073709552e19"]);
    check(ColumnType::StrMap, &ALL, &["!", "!", "!", "!", "!", "-", "-", "!", "{b: x, o: [true], z: 1}", "!"]);
    check(ColumnType::Bool, &[r#"{"a":true}"#, r#"{"a":"false"}"#, r#"{"a":"maybe"}"#], &["true", "false", "!"]);
    let times = [r#"{"a":"2026-01-05T10:00:00+01:00"}"#, r#"{"a":1767603600000000}"#, r#"{"a":"soon"}"#, r#"{"a":{}}"#];
    check(ColumnType::Ts, &times, &["2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z", "!", "!"]);
    let lists = [r#"{"a":[1,null,"x",{"y":0.5}]}"#, r#"{"a":"[1]"}"#, r#"{"a":"x,y"}"#, r#"{"a":[]}"#, r#"{"a":{}}"#];
    check(ColumnType::StrList, &lists, &[r#"[1, , x, {"y":0.5}]"#, "[1]", "[x,y]", "[]", "!"]);
    let pauses = [
        r#"{"a":[{"reason":"identity","from":"2026-01-05T09:00:00Z"}]}"#,
        r#"{"a":[{"from":1767603600000000}]}"#,
        r#"{"a":[{"until":"2026-01-05T09:00:00Z"}]}"#,
        r#"{"a":[]}"#,
        r#"{"a":[null]}"#,
    ];
    let first = "[{from: 2026-01-05T09:00:00Z, to: , reason: identity}]";
    check(ColumnType::PAUSES, &pauses, &[first, "[{from: 2026-01-05T09:00:00Z, to: , reason: }]", "!", "[]", "!"]);
}

fn origins(count: usize) -> Vec<Origin> {
    (0..count).map(|row| Origin { offset: row as u64 * 100, hash: [7; 32], before: None }).collect()
}

#[test]
fn what_is_refused_is_told_by_its_number_and_no_other_row_moves() {
    let records = [
        r#"{"event_id":"1","time":"2026-01-05T10:00:00Z","tenant_id":"t","event_type":"user.login","outcome":"success"}"#,
        r#"{"event_id":"2","event_id":"2"}"#,
        r#"{"event_id":"3","time":"soon","tenant_id":"t","event_type":"user.login","outcome":"success"}"#,
        r#"{"event_id":"4","time":"2026-01-05T10:00:00Z","tenant_id":"t","event_type":"user.login","outcome":"success"}"#,
        r#"{"event_id":"5","tenant_id":"t","new":1,"new":1}"#,
    ];
    let instant = DateTime::from_timestamp(1_771_000_000, 0).expect("an instant");
    let names = names(&records);
    let mut given = names.as_slice().to_vec();
    given.extend(["source", "actor_id", "actor_type"].map(str::to_owned));
    let columns = Columns::new(&AUDIT, "plain", &given, instant, None).expect("columns");
    let reader = ByName::new(&AUDIT, names);
    let bytes: Vec<&[u8]> = records.iter().map(|record| record.as_bytes()).collect();
    let mut refused = Vec::new();
    let rows = reader.map(&columns, (0, "drop/a.ndjson"), &bytes, &origins(5), &mut |row, kind, why| {
        refused.push((row, kind, why));
        Ok(())
    });
    let rows = rows.expect("maps");
    refused.sort_by_key(|(row, ..)| *row);
    let told: Vec<(usize, RejectKind)> = refused.iter().map(|(row, kind, _)| (*row, *kind)).collect();
    use RejectKind::{Missing, Syntax, Type};
    assert_eq!(told, [(0, Missing), (1, Syntax), (2, Type), (3, Missing), (4, Syntax)], "{refused:?}");
    assert_eq!(rows.num_rows(), 0);
    assert!(refused[1].2.contains("duplicate key") && refused[2].2.contains("\"time\""), "{refused:?}");
}

#[test]
fn tables_of_money_keep_every_digit() {
    let records = [r#"{"cost":0.100000000000000005,"quantity":12}"#, r#"{"cost":1e-3,"quantity":"0.10"}"#];
    let mut names = Names::default();
    records.iter().for_each(|record| names.observe(record.as_bytes(), parse_exact));
    let reader = ByName::new(&USAGE, names);
    assert!(reader.exact);
    let quoted: Vec<_> = records.iter().map(|record| with_quoted_numbers(record.as_bytes())).collect();
    let mut dealer = Dealer::new(&reader.names, 2);
    quoted.iter().for_each(|record| dealer.deal(record, false).expect("deals"));
    let cost = dealer.into_columns().next().expect("a column");
    assert_eq!(cost, [Cell::Text("0.100000000000000005".into()), Cell::Text("1e-3".into())]);
}
