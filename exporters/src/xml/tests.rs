use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch, StringArray, TimestampSecondArray};
use arrow::datatypes::Schema;
use expect_test::{Expect, expect, expect_file};
use quick_xml::Reader;

use super::*;
use crate::parts::rows_of_all_kinds::{HOSTILE, rows_of_all_kinds};

fn render(rows: &RecordBatch) -> Result<String, ExportError> {
    let options = ExportOptions::new(Format::Xml);
    let mut out = Vec::new();
    let mut part = Xml.start(&rows.schema(), &options, &mut out)?;
    part.write(rows, 1, &mut CellCounts::default())?;
    part.finish()?;
    Ok(String::from_utf8(out).expect("is utf-8"))
}

fn column(array: impl Array + 'static) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("c", Arc::new(array) as ArrayRef, true)]).expect("is a batch")
}

#[track_caller]
fn check(rows: &RecordBatch, expected: Expect) {
    expected.assert_eq(&render(rows).expect("renders"));
}

#[test]
fn nulls_markup_and_forbidden_characters_have_a_form() {
    let texts = StringArray::from(vec![None, Some(""), Some("a<b>&\r\n\"c\" ]]>"), Some("\u{1b}"), Some("\u{85}é😀")]);
    check(
        &column(texts),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <export xmlns="urn:auditlake:export:1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
        <row><c xsi:nil="true"/></row>
        <row><c></c></row>
        <row><c>a&lt;b&gt;&amp;&#xD;
        "c" ]]&gt;</c></row>
        <row><c enc="base64">Gw==</c></row>
        <row><c>é😀</c></row>
        </export>
    "#]],
    );
}

#[test]
fn every_text_reads_back() {
    let document = render(&column(StringArray::from(HOSTILE.to_vec()))).expect("renders");
    let mut reader = Reader::from_str(&document);
    let (mut texts, mut text, mut is_coded) = (Vec::new(), None::<String>, false);
    loop {
        match reader.read_event().expect("is well-formed") {
            Event::Start(start) if start.name().as_ref() == b"c" => {
                is_coded = start.try_get_attribute("enc").expect("reads").is_some();
                text = Some(String::new());
            }
            Event::End(end) if end.name().as_ref() == b"c" => texts.push((text.take().unwrap_or_default(), is_coded)),
            Event::Text(part) => {
                if let Some(text) = &mut text {
                    text.push_str(&part.decode().expect("is utf-8"));
                }
            }
            Event::GeneralRef(entity) => {
                if let Some(text) = &mut text {
                    let name = entity.decode().expect("is utf-8");
                    let resolved = entity.resolve_char_ref().expect("is a character");
                    let named = quick_xml::escape::resolve_xml_entity(&name).unwrap_or_default();
                    text.push_str(&resolved.map_or_else(|| named.to_owned(), String::from));
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(texts.len(), HOSTILE.len());
    for ((text, is_coded), expected) in texts.into_iter().zip(HOSTILE) {
        let mut coded = String::new();
        base64(&mut coded, expected.as_bytes());
        assert_eq!(text, if is_coded { coded.as_str() } else { expected });
        assert_eq!(is_coded, expected.contains('\u{1b}'));
    }
}

#[test]
fn years_have_the_form_of_xml_schema_or_none() {
    let rows = TimestampSecondArray::from(vec![0, 253_402_300_800, -62_198_755_200, i64::MAX]);
    let rows = column(rows.with_timezone("UTC"));
    check(
        &rows,
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <export xmlns="urn:auditlake:export:1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
        <row><c>1970-01-01T00:00:00Z</c></row>
        <row><c>10000-01-01T00:00:00Z</c></row>
        <row><c>-0001-01-01T00:00:00Z</c></row>
        <row><c>292277026596-12-04T15:30:07Z</c></row>
        </export>
    "#]],
    );
    let error = render(&column(Date32Array::from(vec![0, -719_500]))).expect_err("has no form");
    assert!(error.to_string().starts_with("column \"c\", row 2: +000000-"), "{error}");
}

#[test]
fn the_schema_names_each_column_and_its_type() {
    let rows = rows_of_all_kinds(1, 1);
    let some = rows.project(&[0, 5, 8, 12, 13, 14]).expect("are columns");
    expect_file!["tests.xsd"].assert_eq(&xsd::schema(some.schema().fields()));
    let odd = Schema::new(vec![Field::new("a b\u{1}", DataType::Utf8, true)]);
    expect_file!["tests_odd.xsd"].assert_eq(&xsd::schema(odd.fields()));
}
