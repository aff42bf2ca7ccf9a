//! Chunks of which some pages lose rows and the others are copied.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::SerializedFileWriter;

use super::super::page::{self, Kind, RawPage};
use super::super::*;
use super::{check_delete, oracle};

/// Pages of ten rows.
fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_data_page_row_count_limit(10)
        .set_write_batch_size(5)
}

/// A file with one required column, in one row group.
fn file<T: DataType>(column: &str, values: &[T::T], properties: WriterPropertiesBuilder) -> Bytes {
    let schema = parquet::schema::parser::parse_message_type(&format!("message m {{ required {column}; }}")).unwrap();
    let mut out = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(properties.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    out.into()
}

fn texts(values: impl IntoIterator<Item = String>, properties: WriterPropertiesBuilder) -> Bytes {
    let values: Vec<ByteArray> = values.into_iter().map(|text| ByteArray::from(text.into_bytes())).collect();
    file::<ByteArrayType>("binary t (UTF8)", &values, properties)
}

/// Forty rows on four pages; row 12 is the only one of `person`.
fn of_person(person: &str) -> impl Iterator<Item = String> {
    (0..40).map(move |row| if row == 12 { person.to_owned() } else { format!("user-{}", row % 7) })
}

fn without_row(file: &Bytes, row: u64) -> Bytes {
    let source = Source::open(file.clone()).unwrap();
    let change = Change::Delete(RowSet::from_iter([(0, row)]));
    let done = transform(&source, &change, &Options::default()).unwrap();
    check(&source, &change, &done).unwrap();
    check_delete(file, change.rows(), "one row");
    done.bytes
}

/// The pages of the first chunk, each with its bytes.
fn pages(file: &Bytes) -> Vec<(RawPage, Bytes)> {
    let range = Source::open(file.clone()).unwrap().pages((0, 0)).unwrap();
    let pages = page::walk(file, range).unwrap();
    pages.into_iter().map(|page| (page.start..page.body.end, page)).map(|(at, page)| (page, file.slice(at))).collect()
}

fn has(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn only_the_page_that_loses_a_row_is_written_anew() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for compression in [Compression::UNCOMPRESSED, Compression::ZSTD(ZstdLevel::try_new(9).unwrap())] {
            let file =
                texts(of_person("person-12"), properties().set_compression(compression).set_writer_version(version));
            let out = without_row(&file, 12);
            let (before, after) = (pages(&file), pages(&out));
            assert_eq!((before.len(), after.len()), (5, 5), "a dictionary and four pages");
            let same: Vec<bool> = before.iter().zip(&after).map(|(before, after)| before.1 == after.1).collect();
            assert_eq!(same, [false, true, false, true, true], "{version:?}, {compression:?}");
        }
    }
}

#[test]
fn nothing_of_a_value_that_left_stays_behind_and_what_stands_for_it_is_nowhere_referred_to() {
    let file = texts(of_person("person-12"), properties().set_bloom_filter_enabled(true));
    assert!(has(&file, "person-12"));
    let out = without_row(&file, 12);
    assert!(!has(&out, "person-12") && has(&out, "removed-1"));
    let seen = oracle::read(&out);
    let values: Vec<&[u8]> = seen.groups[0][0].iter().filter_map(|row| row[0].2.as_deref()).collect();
    assert!(values.len() == 39 && values.iter().all(|value| value.starts_with(b"user-")));
    let chunk = seen.metadata.row_group(0).column(0);
    let statistics = chunk.statistics().unwrap();
    assert_eq!((statistics.min_bytes_opt(), statistics.max_bytes_opt()), (Some(&b"user-0"[..]), Some(&b"user-6"[..])));
    let filter = parquet::bloom_filter::Sbbf::read_from_column_chunk(chunk, &out).unwrap().unwrap();
    assert!(!filter.check(&ByteArray::from("person-12")) && !filter.check(&ByteArray::from("removed-1")));
    // Once more: what stood for the first is gone, and another one stands for both.
    let again = without_row(&out, 0);
    assert_eq!(pages(&again).len(), 5);
    // A value of that name is somebody's; another one is taken.
    let taken = texts(of_person("person-12").map(|text| text.replace("user-3", "removed-1")), properties());
    let out = without_row(&taken, 12);
    assert!(has(&out, "removed-1") && has(&out, "removed-2") && !has(&out, "person-12"));
}

#[test]
fn a_check_finds_the_value_that_left_in_the_place_of_what_stands_for_it() {
    let file = texts(of_person("person-12"), properties());
    let source = Source::open(file).unwrap();
    let change = Change::Delete(RowSet::from_iter([(0, 12)]));
    let done = transform(&source, &change, &Options::default()).unwrap();
    let at = done.bytes.windows(9).position(|window| window == b"removed-1").unwrap();
    let check_with = |text: &[u8; 9]| {
        let mut bytes = done.bytes.to_vec();
        bytes[at..at + 9].copy_from_slice(text);
        check(&source, &change, &Transformed { bytes: bytes.into(), ..done.clone() })
    };
    check_with(b"removed-2").unwrap();
    let found = check_with(b"person-12").unwrap_err();
    let SurgeryError::Check { mismatch: Mismatch::Counts { what, .. } } = found else { panic!("{found}") };
    assert_eq!(what, "dictionary values");
    // A value that copied pages do refer to is another one.
    let at = done.bytes.windows(6).position(|window| window == b"user-4").unwrap();
    let mut bytes = done.bytes.to_vec();
    bytes[at + 5] = b'8';
    check(&source, &change, &Transformed { bytes: bytes.into(), ..done.clone() }).unwrap_err();
}

#[test]
fn numbers_and_fixed_bytes_are_replaced_by_some_between_those_that_stay() {
    let number = |row: i64| if row == 12 { 77 } else { (row % 7) * 10 };
    let file_of_numbers = file::<Int64Type>("int64 n", &(0..40).map(number).collect::<Vec<_>>(), properties());
    let out = without_row(&file_of_numbers, 12);
    let dictionary = |file: &Bytes| pages(file)[0].0.body.clone();
    let values: Vec<i64> =
        out[dictionary(&out)].chunks(8).map(|value| i64::from_le_bytes(value.try_into().unwrap())).collect();
    assert_eq!(values.len(), 8);
    assert!(values.iter().all(|value| (0..=60).contains(value)) && !values.contains(&77), "{values:?}");
    let id = |row: u8| FixedLenByteArray::from(ByteArray::from(vec![if row == 12 { 200 } else { (row % 7) * 10 }; 16]));
    let ids: Vec<FixedLenByteArray> = (0..40).map(id).collect();
    // The first version of pages has no dictionaries of these.
    let version = properties().set_writer_version(WriterVersion::PARQUET_2_0);
    let file_of_ids = file::<FixedLenByteArrayType>("fixed_len_byte_array(16) u (UUID)", &ids, version);
    let out = without_row(&file_of_ids, 12);
    assert!(pages(&out).len() == 5 && !out.windows(16).any(|window| window == [200; 16]));
    assert_eq!(pages(&out)[1].1, pages(&file_of_ids)[1].1);
}

#[test]
fn where_nothing_can_stand_for_a_value_all_pages_are_written_anew() {
    // A number between those that stay is not to be had, and of JSON none is made up.
    let dense: Vec<i64> = (0..40).map(|row| if row == 12 { 9 } else { row % 7 }).collect();
    let json = of_person("{\"p\":12}").map(|text| ByteArray::from(text.into_bytes())).collect::<Vec<_>>();
    // More values leave than one page had to begin with.
    let many: Vec<String> =
        (0..400).map(|row| format!("user-{}", if row < 100 { row } else { 200 + row % 3 })).collect();
    for (file, rows, what) in [
        (file::<Int64Type>("int64 n", &dense, properties()), 12..13, "dense"),
        (file::<ByteArrayType>("binary j (JSON)", &json, properties()), 12..13, "JSON"),
        (texts(many, properties()), 0..100, "many"),
    ] {
        let mut gone = RowSet::new();
        gone.insert(0, rows);
        check_delete(&file, &gone, what);
        let source = Source::open(file.clone()).unwrap();
        let done = transform(&source, &Change::Delete(gone), &Options::default()).unwrap();
        let count = |file: &Bytes| pages(file)[0].0.stated().unwrap().0;
        let different = oracle::read(&done.bytes).groups[0][0].iter().collect::<std::collections::BTreeSet<_>>().len();
        assert_eq!(count(&done.bytes), different, "{what}: the dictionary has what rows have, and no more");
        assert!(count(&file) > different, "{what}");
    }
}

#[test]
fn bounds_are_those_of_the_rows_that_stay_whether_pages_were_looked_at_or_not() {
    let file = |smallest: usize| {
        let values: Vec<i64> =
            (0..40).map(|row| if row == smallest { -5 } else { i64::try_from(row).unwrap() }).collect();
        file::<Int64Type>("int64 n", &values, properties().set_dictionary_enabled(false))
    };
    for (smallest, gone) in [(12, 12), (12, 13), (12, 39), (0, 12), (39, 12), (39, 39), (0, 0)] {
        let out = without_row(&file(smallest), gone);
        let metadata = oracle::read(&out).metadata;
        let statistics = metadata.row_group(0).column(0).statistics().unwrap();
        let min = i64::from_le_bytes(statistics.min_bytes_opt().unwrap().try_into().unwrap());
        let expected = if u64::try_from(smallest).unwrap() != gone { -5 } else { i64::from(smallest == 0) };
        assert_eq!(min, expected, "smallest at {smallest}, row {gone} gone");
    }
}

#[test]
fn a_file_that_does_not_say_where_its_pages_lie_is_written_anew_as_a_whole() {
    let plain = properties().set_statistics_enabled(EnabledStatistics::Chunk).set_offset_index_disabled(true);
    let file = texts(of_person("person-12"), plain);
    let out = without_row(&file, 12);
    assert!(!has(&out, "person-12") && !has(&out, "removed-1"));
    let kinds: Vec<Kind> = pages(&out).iter().map(|(page, _)| page.kind()).collect();
    assert_eq!(kinds, [Kind::Dictionary, Kind::Data, Kind::Data, Kind::Data, Kind::Data]);
}
