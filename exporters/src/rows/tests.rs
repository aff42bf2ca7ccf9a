use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, MapBuilder, RecordBatch, StringArray,
    StringBuilder, StringViewArray, UnionArray,
};
use arrow::datatypes::{Int8Type, UnionFields};
use expect_test::{Expect, expect};

use super::*;
use crate::csv::read_back;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<_> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("is a batch")
}

fn render(format: RowFormat, batches: &[RecordBatch]) -> Result<(Vec<u8>, u64), ExportError> {
    let mut out = Vec::new();
    let mut writer = row_writer(format, &batches[0].schema(), &mut out)?;
    for batch in batches {
        writer.write(batch)?;
    }
    let rows = writer.finish()?;
    drop(writer);
    Ok((out, rows))
}

fn mixed() -> RecordBatch {
    let tags: DictionaryArray<Int8Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
    batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1, -20, i64::MAX]))),
        ("name", Arc::new(StringViewArray::from(vec![Some(""), None, Some("=a \"b\",\u{1b}\nc")]))),
        ("tag", Arc::new(tags)),
        ("share", Arc::new(Float64Array::from(vec![1e22, f64::NAN, 0.1]))),
    ])
}

#[track_caller]
fn check(format: RowFormat, expected: Expect) {
    let whole = mixed();
    let (bytes, rows) = render(format, std::slice::from_ref(&whole)).expect("renders");
    assert_eq!(rows, 3);
    let cut = render(format, &[whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 2)]).expect("renders");
    assert_eq!(cut, (bytes.clone(), 3), "bytes do not depend on how rows were cut into batches");
    expected.assert_eq(std::str::from_utf8(&bytes).expect("is utf-8"));
}

#[test]
fn a_table_is_aligned_and_obeys_no_data() {
    check(
        RowFormat::Table,
        expect![[r#"
                         id | name             | tag  |   share
        --------------------+------------------+------+--------
                          1 |                  | a    | 1.0e+22
                        -20 | NULL             | NULL |     NaN
        9223372036854775807 | =a "b",\u{1b}\nc | a    |     0.1
        (3 rows)
    "#]],
    );
}

#[test]
fn json_is_one_array_and_reads_back() {
    check(
        RowFormat::Json,
        expect![[r#"
        [
        {"id":1,"name":"","tag":"a","share":1.0e+22},
        {"id":-20,"name":null,"tag":null,"share":"NaN"},
        {"id":9223372036854775807,"name":"=a \"b\",\u001b\nc","tag":"a","share":0.1}
        ]
    "#]],
    );
    let (bytes, _) = render(RowFormat::Json, &[mixed()]).expect("renders");
    let rows: serde_json::Value = serde_json::from_slice(&bytes).expect("reads");
    assert_eq!(rows[2]["name"], "=a \"b\",\u{1b}\nc");
    let (bytes, _) = render(RowFormat::Json, &[mixed().slice(0, 0)]).expect("renders");
    assert_eq!(bytes, b"[]\n");
}

#[test]
fn ndjson_is_one_object_a_line() {
    check(
        RowFormat::Ndjson,
        expect![[r#"
        {"id":1,"name":"","tag":"a","share":1.0e+22}
        {"id":-20,"name":null,"tag":null,"share":"NaN"}
        {"id":9223372036854775807,"name":"=a \"b\",\u001b\nc","tag":"a","share":0.1}
    "#]],
    );
}

#[test]
fn csv_reads_back_with_null_and_empty_apart_and_no_guard() {
    let (bytes, _) = render(RowFormat::Csv, &[mixed()]).expect("renders");
    let records = read_back(&bytes);
    assert_eq!(records[0], ["id", "name", "tag", "share"].map(|name| Some(name.to_owned())));
    assert_eq!(records[1][1].as_deref(), Some(""));
    assert_eq!(records[2], [Some("-20".to_owned()), None, None, Some("NaN".to_owned())]);
    assert_eq!(records[3][1].as_deref(), Some("=a \"b\",\u{1b}\nc"));
}

#[test]
fn later_rows_are_not_cut_to_the_widths_of_the_first() {
    let long = "x".repeat(500);
    let texts: Vec<_> = (0..1_500).map(|row| if row == 1_400 { long.as_str() } else { "y" }).collect();
    let (bytes, rows) =
        render(RowFormat::Table, &[batch(vec![("t", Arc::new(StringArray::from(texts)))])]).expect("renders");
    let text = String::from_utf8(bytes).expect("is utf-8");
    assert!(rows == 1_500 && text.contains(&long) && text.ends_with("(1500 rows)\n"));
}

#[test]
fn rows_wider_than_the_limit_stand_as_records() {
    let fitted = |limit: usize| {
        let mut out = Vec::new();
        let mut writer = table_within(limit, &mixed().schema(), &mut out).expect("starts");
        writer.write(&mixed().slice(0, 2)).expect("writes");
        assert_eq!(writer.finish().expect("ends"), 2);
        drop(writer);
        String::from_utf8(out).expect("is utf-8")
    };
    let table = expect![[r#"
         id | name | tag  |   share
        ----+------+------+--------
          1 |      | a    | 1.0e+22
        -20 | NULL | NULL |     NaN
        (2 rows)
    "#]];
    table.assert_eq(&fitted(27));
    let records = expect![[r#"
        -- row 1
        id    | 1
        name  |
        tag   | a
        share | 1.0e+22
        -- row 2
        id    | -20
        name  | NULL
        tag   | NULL
        share | NaN
        (2 rows)
    "#]];
    records.assert_eq(&fitted(26));
}

#[test]
fn two_columns_of_one_name_need_an_alias_unless_people_read_them() {
    let one: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let twice = batch(vec![("n", one.clone()), ("n_2", one.clone()), ("n", one.clone())]);
    for format in [RowFormat::Csv, RowFormat::Json, RowFormat::Ndjson] {
        let error = render(format, std::slice::from_ref(&twice)).expect_err("is refused");
        assert_eq!(error.to_string(), "output columns 1 and 3 are both named \"n\"; add AS \"n_3\" to column 3");
        assert_eq!(error.remedy(), schemas::Remedy::FixConfig);
    }
    assert!(render(RowFormat::Table, &[twice]).is_ok());
    let error = render(RowFormat::Csv, &[batch(vec![("", one)])]).expect_err("is refused");
    assert_eq!(error.to_string(), "output column 1 has no name; add AS \"column_2\" to it");
}

#[test]
fn a_union_is_refused_with_what_to_select_instead() {
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let fields = UnionFields::try_new([0], [Field::new("a", DataType::Int32, true)]).expect("is a union");
    let union = UnionArray::try_new(fields, vec![0_i8].into(), None, vec![ints]).expect("is a union");
    for format in RowFormat::ALL {
        let error = render(format, &[batch(vec![("u", Arc::new(union.clone()))])]).expect_err("is refused");
        assert!(error.to_string().contains("select union_extract(\"u\", 'a') AS \"u\""), "{error}");
    }
}

#[test]
fn a_key_twice_in_one_map_is_refused_with_its_row() {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for keys in [vec!["a", "b"], vec!["a", "a"]] {
        for key in keys {
            maps.keys().append_value(key);
            maps.values().append_value("v");
        }
        maps.append(true).expect("appends");
    }
    let maps: ArrayRef = Arc::new(maps.finish());
    let error = render(RowFormat::Json, &[batch(vec![("m", maps)])]).expect_err("is refused");
    assert!(error.to_string().starts_with("column \"m\", row 2: the map has key \"a\" twice"), "{error}");
}

#[test]
fn words_of_formats_read_back() {
    assert!(RowFormat::ALL.into_iter().all(|format| RowFormat::parse(format.as_str()) == Some(format)));
    assert_eq!(RowFormat::parse("xml"), None);
}
