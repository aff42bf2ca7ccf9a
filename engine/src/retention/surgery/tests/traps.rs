//! One test for each way in which a rewrite could lose something, keep something, or make something up.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::bloom_filter::Sbbf;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::super::thrift::{Struct, Value};
use super::super::*;
use super::{make, oracle, without};

/// The footer of `file`, and where it begins.
fn footer(file: &Bytes) -> (Struct, usize) {
    let length = u32::from_le_bytes(file[file.len() - 8..file.len() - 4].try_into().unwrap());
    let at = file.len() - 8 - usize::try_from(length).unwrap();
    (Struct::parse(&file[at..]).unwrap().0, at)
}

/// `file` with another footer.
pub(super) fn with_footer(file: &Bytes, edit: impl FnOnce(&mut Struct)) -> Bytes {
    let (mut footer, at) = footer(file);
    edit(&mut footer);
    let mut out = file[..at].to_vec();
    footer.write(&mut out);
    let length = u32::try_from(out.len() - at).unwrap();
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(b"PAR1");
    out.into()
}

/// Column chunk `column` of row group `group`.
pub(super) fn chunk(footer: &mut Struct, group: usize, column: usize) -> &mut Struct {
    let Some(Value::List(groups)) = footer.get_mut(4) else { panic!("no row groups") };
    let Some(Value::List(columns)) = groups.items[group].as_struct_mut().unwrap().get_mut(1) else {
        panic!("no columns")
    };
    columns.items[column].as_struct_mut().unwrap()
}

fn chunk_statistics(footer: &mut Struct, group: usize, column: usize) -> &mut Struct {
    chunk(footer, group, column).child_mut(3).unwrap().child_mut(12).unwrap()
}

fn delete(file: &Bytes, rows: RowSet) -> Transformed {
    let source = Source::open(file.clone()).unwrap();
    let change = Change::Delete(rows);
    let done = transform(&source, &change, &Options::default()).unwrap();
    check(&source, &change, &done).unwrap();
    done
}

fn refusal(file: &Bytes) -> Refusal {
    match Source::open(file.clone()).unwrap_err() {
        SurgeryError::Refused { reason } => reason,
        other => panic!("{other}"),
    }
}

const TWO: &str = "message m { required int64 n; optional binary t (UTF8); }";

#[test]
fn encrypted_files_are_refused_however_they_are() {
    let file = make::of(TWO, 1, &[20]);
    let mut whole = file.to_vec();
    let end = whole.len();
    whole[end - 4..].copy_from_slice(b"PARE");
    assert_eq!(refusal(&whole.into()), Refusal::Encrypted);
    let plain_footer = with_footer(&file, |footer| footer.set(8, Value::Struct(Struct::EMPTY)));
    assert_eq!(refusal(&plain_footer), Refusal::Encrypted);
    for field in [8, 9] {
        let one_column = with_footer(&file, |footer| chunk(footer, 0, 1).set(field, Value::Struct(Struct::EMPTY)));
        assert_eq!(refusal(&one_column), Refusal::Encrypted);
    }
}

#[test]
fn what_cannot_be_rewritten_is_refused_with_the_reason() {
    let file = make::of(TWO, 1, &[20]);
    assert_eq!(refusal(&Bytes::from_static(b"PAR1")), Refusal::NotParquet);
    assert_eq!(refusal(&Bytes::new()), Refusal::NotParquet);
    assert_eq!(refusal(&file.slice(..file.len() - 1)), Refusal::NotParquet);
    let new_type = with_footer(&file, |footer| {
        let Some(Value::List(schema)) = footer.get_mut(2) else { panic!("no schema") };
        let mut union = Struct::EMPTY;
        union.set(99, Value::Struct(Struct::EMPTY));
        schema.items[2].as_struct_mut().unwrap().set(10, Value::Struct(union));
    });
    assert!(matches!(refusal(&new_type), Refusal::LogicalType { .. } | Refusal::Footer { .. }));
    let elsewhere = with_footer(&file, |footer| chunk(footer, 0, 0).set(1, Value::Binary(b"other.parquet".to_vec())));
    assert_eq!(refusal(&elsewhere), Refusal::Elsewhere { column: "n".to_owned() });
    let beyond = with_footer(&file, |footer| chunk(footer, 0, 0).child_mut(3).unwrap().set_i64(7, 1 << 40));
    assert!(matches!(refusal(&beyond), Refusal::Pages { .. }));
    let short = with_footer(&file, |footer| {
        let meta = chunk(footer, 0, 0).child_mut(3).unwrap();
        meta.set_i64(7, meta.int(7).unwrap() - 1);
    });
    assert!(matches!(refusal(&short), Refusal::Pages { .. }));
    assert!(matches!(refusal(&with_footer(&file, |footer| footer.remove(2))), Refusal::Footer { .. }));
}

#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    let properties = WriterProperties::builder().set_bloom_filter_enabled(true).build();
    let file = make::with(TWO, 9, &[30, 30], properties);
    let change = Change::Delete(RowSet::from_iter([(0, 3), (1, 29)]));
    let (mut refused, mut found) = (0, 0);
    for at in (0..file.len()).step_by(3) {
        for with in [0x00, 0x15, 0x80, 0xff] {
            let mut damaged = file.to_vec();
            damaged[at] = with;
            let Ok(source) = Source::open(damaged.into()) else {
                refused += 1;
                continue;
            };
            source.losses();
            if let Ok(done) = transform(&source, &change, &Options::default()) {
                found += usize::from(check(&source, &change, &done).is_err());
            }
        }
    }
    assert!(refused > 100, "{refused} refused, {found} found by the check");
}

/// Whether `needle` stands anywhere in `file`.
fn has(file: &[u8], needle: &[u8]) -> bool {
    file.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn nothing_of_a_removed_row_is_left_in_the_file() {
    for (dictionary, encoding) in
        [(true, Encoding::PLAIN), (false, Encoding::PLAIN), (false, Encoding::DELTA_BYTE_ARRAY)]
    {
        let properties = WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(dictionary)
            .set_encoding(encoding)
            .set_bloom_filter_enabled(true)
            .set_bloom_filter_max_ndv(10_000)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_write_page_header_statistics(true)
            .set_data_page_row_count_limit(10)
            .set_write_batch_size(5)
            .build();
        let file =
            make::texts(&["aaaa-removed", "kept-one", "kept-two", "mmmm-removed", "zzzz-removed"], 100, properties);
        assert!(has(&file, b"zzzz-removed"));
        let rows = oracle::read(&file).groups[0][0].clone();
        let gone = rows.iter().enumerate().filter(|(_, row)| row[0].2.as_ref().unwrap().ends_with(b"-removed"));
        let gone: RowSet = gone.map(|(row, _)| (0, u64::try_from(row).unwrap())).collect();
        assert!(gone.len() > 20);
        let done = delete(&file, gone);
        assert!(has(&done.bytes, b"kept-one"));
        assert!(!has(&done.bytes, b"removed"), "{encoding:?}, with a dictionary: {dictionary}");
        let after = oracle::read(&done.bytes);
        let filter = Sbbf::read_from_column_chunk(after.metadata.row_group(0).column(0), &done.bytes).unwrap().unwrap();
        assert!(filter.check("kept-one") && !filter.check("aaaa-removed") && !filter.check("zzzz-removed"));
    }
}

#[test]
fn bounds_of_old_writers_are_not_promoted() {
    let properties = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::Chunk).build();
    let file = with_footer(&make::with(TWO, 4, &[50], properties), |footer| {
        for column in 0..2 {
            let statistics = chunk_statistics(footer, 0, column);
            for (new, old) in [(5, 1), (6, 2)] {
                let bound = statistics.get(new).cloned();
                statistics.set_or_remove(old, bound);
                statistics.remove(new);
            }
            statistics.remove(7);
            statistics.remove(8);
        }
        footer.remove(7);
    });
    let source = Source::open(file.clone()).unwrap();
    assert_eq!(source.losses(), vec![Loss::Bounds { column: "t".to_owned() }]);
    let done = delete(&file, RowSet::from_iter([(0, 5)]));
    let (mut footer, _) = footer(&done.bytes);
    let fields = |statistics: &Struct| (1..=8).filter(|id| statistics.has(*id)).collect::<Vec<_>>();
    assert_eq!(fields(chunk_statistics(&mut footer, 0, 0)), [1, 2, 3], "numbers compare as old writers did");
    assert_eq!(fields(chunk_statistics(&mut footer, 0, 1)), [3], "texts do not");
    assert!(!footer.has(7), "orders that were not stated are not stated");
    oracle::assert_statistics(&done.bytes, "old bounds");
}

#[test]
fn an_order_that_is_not_known_costs_the_bounds_and_stays_stated() {
    let file = with_footer(&make::of(TWO, 4, &[50, 50]), |footer| {
        let mut order = Struct::EMPTY;
        order.set(7, Value::Struct(Struct::EMPTY));
        let Some(Value::List(orders)) = footer.get_mut(7) else { panic!("no orders") };
        orders.items[0] = Value::Struct(order);
        chunk_statistics(footer, 0, 0).set_i64(9, 0);
    });
    let source = Source::open(file.clone()).unwrap();
    let column = || "n".to_owned();
    assert_eq!(source.losses(), vec![Loss::Bounds { column: column() }, Loss::NanCount { column: column() }]);
    let done = delete(&file, RowSet::from_iter([(0, 5)]));
    let (mut before, _) = footer(&file);
    let (mut after, _) = footer(&done.bytes);
    assert_eq!(before.get(7), after.get(7));
    let (touched, copied) = (chunk_statistics(&mut after, 0, 0).clone(), chunk_statistics(&mut after, 1, 0).clone());
    assert!(!touched.has(5) && !touched.has(6) && !touched.has(9) && touched.has(3));
    assert_eq!(&copied, chunk_statistics(&mut before, 1, 0));
    assert!(!chunk(&mut after, 0, 0).has(6) && chunk(&mut after, 0, 1).has(6) && chunk(&mut after, 1, 0).has(6));
}

#[test]
fn what_no_library_models_is_carried_over() {
    let file = with_footer(&make::of(TWO, 4, &[50, 50]), |footer| {
        for group in 0..2 {
            let mut pair = Struct::EMPTY;
            pair.set(1, Value::Binary(b"owner of the column".to_vec()));
            let meta = chunk(footer, group, 1).child_mut(3).unwrap();
            meta.set(8, Value::structs([pair]));
            meta.set(200, Value::I64(7));
        }
        footer.set(300, Value::Binary(b"of a format to come".to_vec()));
    });
    let done = delete(&file, RowSet::from_iter([(0, 5)]));
    let (mut after, _) = footer(&done.bytes);
    for group in 0..2 {
        let meta = chunk(&mut after, group, 1).child_mut(3).unwrap();
        assert_eq!((meta.list(8).unwrap().len(), meta.int(200)), (1, Some(7)));
    }
    assert_eq!(after.binary(300), Some(b"of a format to come".as_slice()));
    assert_eq!(Source::open(done.bytes).unwrap().losses(), vec![]);
}

#[test]
fn page_indexes_stay_where_they_were_and_appear_nowhere_else() {
    let file = with_footer(&make::of(TWO, 6, &[50, 50]), |footer| {
        for field in 4..=7 {
            chunk(footer, 0, 0).remove(field);
        }
        chunk(footer, 1, 1).remove(6);
        chunk(footer, 1, 1).remove(7);
    });
    let done = delete(&file, RowSet::from_iter([(0, 5), (1, 5)]));
    let (mut after, _) = footer(&done.bytes);
    let mut fields = |group, column| (4..=7).filter(|id| chunk(&mut after, group, column).has(*id)).collect::<Vec<_>>();
    assert_eq!([fields(0, 0), fields(0, 1)], [vec![], vec![4, 5, 6, 7]]);
    assert_eq!([fields(1, 0), fields(1, 1)], [vec![4, 5, 6, 7], vec![4, 5]]);
    assert!(Source::open(file).unwrap().losses().iter().all(|loss| matches!(loss, Loss::UnownedBytes { .. })));
}

#[test]
fn an_index_or_a_filter_that_cannot_be_read_is_left_out_and_named() {
    let properties = WriterProperties::builder().set_bloom_filter_enabled(true).build();
    let file = with_footer(&make::with(TWO, 6, &[50], properties), |footer| {
        chunk(footer, 0, 0).set_i64(6, 1);
        chunk(footer, 0, 1).child_mut(3).unwrap().set_i64(14, 5);
    });
    let losses = Source::open(file.clone()).unwrap().losses();
    assert!(losses.contains(&Loss::PageIndex { column: "n".to_owned() }), "{losses:?}");
    assert!(losses.contains(&Loss::BloomFilter { column: "t".to_owned() }), "{losses:?}");
    let done = delete(&file, RowSet::new());
    let (mut after, _) = footer(&done.bytes);
    assert!(!chunk(&mut after, 0, 0).has(6) && !chunk(&mut after, 0, 1).child_mut(3).unwrap().has(14));
}

#[test]
fn all_bloom_filters_stand_together_behind_the_last_chunk() {
    let properties = WriterProperties::builder().set_bloom_filter_enabled(true).build();
    let file = make::with(TWO, 8, &[50, 50, 50], properties);
    let done = delete(&file, RowSet::from_iter([(1, 5)]));
    let after = oracle::read(&done.bytes);
    let chunks: Vec<_> = after.metadata.row_groups().iter().flat_map(|group| group.columns()).collect();
    let pages_end = chunks.iter().map(|chunk| chunk.byte_range().0 + chunk.byte_range().1).max().unwrap();
    let mut at = pages_end;
    for chunk in &chunks {
        assert_eq!(u64::try_from(chunk.bloom_filter_offset().unwrap()).unwrap(), at);
        at += u64::try_from(chunk.bloom_filter_length().unwrap()).unwrap();
    }
    assert!(chunks.iter().all(|chunk| u64::try_from(chunk.column_index_offset().unwrap()).unwrap() >= at));
}

#[test]
fn empty_row_groups_and_empty_files_stay_what_they_are() {
    let file = make::of(TWO, 8, &[0, 40, 0]);
    let done = delete(&file, RowSet::new());
    assert_eq!(Source::open(done.bytes.clone()).unwrap().group_rows(), [0, 40, 0]);
    let done = delete(&file, RowSet::all(&[0, 40, 0]));
    assert_eq!(Source::open(done.bytes.clone()).unwrap().group_rows(), [0, 0]);
    assert_eq!((done.rows_after, done.groups_dropped, done.groups_copied), (0, 1, 2));
    let none = make::of(TWO, 8, &[]);
    let done = delete(&none, RowSet::new());
    assert_eq!((oracle::read(&done.bytes).groups.len(), done.rows_before), (0, 0));
    let gone = delete(&make::of(TWO, 8, &[40]), RowSet::all(&[40]));
    let after = oracle::read(&gone.bytes);
    assert_eq!((after.groups.len(), after.metadata.file_metadata().num_rows()), (0, 0));
}

#[test]
fn rows_that_are_not_there_are_an_error() {
    let source = Source::open(make::of(TWO, 8, &[40])).unwrap();
    let asked = |rows: RowSet| transform(&source, &Change::Delete(rows), &Options::default()).unwrap_err().to_string();
    assert!(asked(RowSet::from_iter([(0, 40)])).starts_with("row group 0 has 40 rows, but row 40 is asked for"));
    assert!(asked(RowSet::from_iter([(1, 0)])).starts_with("row group 1 has 0 rows, but row 0 is asked for"));
}

#[test]
fn the_check_finds_what_a_faulty_rewrite_would_do() {
    let file = make::of(TWO, 8, &[40, 40]);
    let source = Source::open(file.clone()).unwrap();
    let change = Change::Delete(RowSet::from_iter([(0, 3), (0, 4)]));
    let right = transform(&source, &change, &Options::default()).unwrap();
    let found = |bytes: Bytes| match check(&source, &change, &Transformed { bytes, ..right.clone() }).unwrap_err() {
        SurgeryError::Check { mismatch } => mismatch,
        other => panic!("{other}"),
    };
    let other_rows = transform(&source, &Change::Delete(RowSet::from_iter([(0, 3), (0, 5)])), &Options::default());
    assert!(matches!(found(other_rows.unwrap().bytes), Mismatch::Values { group: 0, .. }));
    assert_eq!(found(file.clone()), Mismatch::Rows);
    assert!(matches!(found(file.slice(..100)), Mismatch::Unreadable { .. }));
    let renamed = with_footer(&right.bytes, |footer| footer.set(6, Value::Binary(b"someone else".to_vec())));
    assert_eq!(found(renamed), Mismatch::Stated { what: "writer" });
    // A byte of a value in the row group that was copied.
    let start = usize::try_from(oracle::read(&right.bytes).metadata.row_group(1).column(0).byte_range().0).unwrap();
    let mut flipped = right.bytes.to_vec();
    flipped[start + 40] ^= 1;
    assert!(matches!(found(flipped.into()), Mismatch::Values { group: 1, .. } | Mismatch::Unreadable { .. }));
}

#[test]
fn a_copy_of_what_was_written_is_the_same_file() {
    for seed in 3000..3010 {
        let once = delete(&make::file(seed), RowSet::new());
        let twice = delete(&once.bytes, RowSet::new());
        assert_eq!(once.bytes, twice.bytes, "seed {seed}");
        assert_eq!(twice.losses.iter().find(|loss| matches!(loss, Loss::UnownedBytes { .. })), None, "seed {seed}");
    }
}

#[test]
fn chunks_that_pages_of_all_kinds_make_up_can_be_cut() {
    // A dictionary that grows too large, so that the later pages are plain.
    let properties = WriterProperties::builder()
        .set_dictionary_page_size_limit(200)
        .set_data_page_row_count_limit(20)
        .set_write_batch_size(10)
        .build();
    let file = make::with(TWO, 12, &[200], properties);
    let gone: RowSet = (0..200).step_by(7).map(|row| (0, row)).collect();
    let done = delete(&file, gone.clone());
    assert_eq!(oracle::read(&done.bytes).groups, without(&oracle::read(&file).groups, &gone));
    oracle::assert_statistics(&done.bytes, "a dictionary and plain pages");
}
