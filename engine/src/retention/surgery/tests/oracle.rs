//! What a file holds, read by the Parquet library alone: the judge of what surgery wrote.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Type;
use parquet::bloom_filter::Sbbf;
use parquet::column::reader::{get_column_reader, get_typed_column_reader};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{
    AsBytes, BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
    Int96Type,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};

use super::super::typed::with_type;

/// One level of a record: repetition, definition, and the value's bytes where there is one.
pub(super) type Cell = (i16, i16, Option<Vec<u8>>);
/// What one column holds of one row.
pub(super) type Record = Vec<Cell>;

/// A file as a stranger reads it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) metadata: ParquetMetaData,
    /// Row groups, columns, rows.
    pub(super) groups: Vec<Vec<Vec<Record>>>,
}

/// Reads all of `bytes`.
pub(super) fn read(bytes: &Bytes) -> Seen {
    let metadata =
        ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional).parse_and_finish(bytes).unwrap();
    let groups = (0..metadata.num_row_groups())
        .map(|group| {
            (0..metadata.row_group(group).num_columns())
                .map(|column| {
                    let physical = metadata.row_group(group).column(column).column_type();
                    with_type!(physical, records(bytes, &metadata, (group, column)))
                })
                .collect()
        })
        .collect();
    Seen { metadata, groups }
}

fn records<T: DataType>(bytes: &Bytes, metadata: &ParquetMetaData, (group, column): (usize, usize)) -> Vec<Record> {
    let rows = usize::try_from(metadata.row_group(group).num_rows()).unwrap();
    let chunk = metadata.row_group(group).column(column);
    let pages = SerializedPageReader::new(Arc::new(bytes.clone()), chunk, rows, None).unwrap();
    let mut reader = get_typed_column_reader::<T>(get_column_reader(chunk.column_descr_ptr(), Box::new(pages)));
    let (mut def, mut rep, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let (read, _, levels) = reader.read_records(rows + 1, Some(&mut def), Some(&mut rep), &mut values).unwrap();
    assert_eq!(read, rows, "rows of column {column} in group {group}");
    let max = chunk.column_descr().max_def_level();
    let mut values = values.iter().map(|value| value.as_bytes().to_vec());
    let mut records: Vec<Record> = Vec::new();
    for level in 0..levels {
        let (rep, def) = (rep.get(level).copied().unwrap_or(0), def.get(level).copied().unwrap_or(max));
        let cell = (rep, def, (def == max).then(|| values.next().unwrap()));
        if rep == 0 {
            records.push(vec![cell]);
        } else {
            records.last_mut().unwrap().push(cell);
        }
    }
    records
}

/// Asserts that what the file states about its values is what the Parquet library would state about them.
pub(super) fn assert_statistics(bytes: &Bytes, what: &str) {
    let seen = read(bytes);
    for (group, columns) in seen.groups.iter().enumerate() {
        for (column, records) in columns.iter().enumerate() {
            let physical = seen.metadata.row_group(group).column(column).column_type();
            let what = format!("{what}: group {group}, column {column} of type {physical}");
            with_type!(physical, assert_chunk(bytes, &seen.metadata, (group, column), (records, &what)));
        }
    }
}

fn assert_chunk<T: DataType>(
    bytes: &Bytes,
    metadata: &ParquetMetaData,
    (group, column): (usize, usize),
    (records, what): (&[Record], &str),
) where
    T::T: super::super::typed::Plain,
{
    let chunk = metadata.row_group(group).column(column);
    let fresh = write::<T>(metadata, column, records);
    let (stated, right) = (chunk.statistics(), fresh.metadata.statistics().unwrap());
    let bounds = |found: &parquet::file::statistics::Statistics| {
        (found.min_bytes_opt().map(<[u8]>::to_vec), found.max_bytes_opt().map(<[u8]>::to_vec))
    };
    // The library orders INT96 and intervals, which the format does not; surgery states no bounds of them.
    let ordered = super::super::order::Order::of(chunk.column_descr(), metadata.file_metadata().column_order(column))
        != super::super::order::Order::Unknown;
    if let Some(stated) = stated {
        // What the source did not state, the rewrite need not.
        if let Some(nulls) = stated.null_count_opt() {
            assert_eq!(Some(nulls), right.null_count_opt(), "{what}: nulls");
        }
        if ordered && stated.min_bytes_opt().is_some() {
            let ((min, max), (right_min, right_max)) = (bounds(stated), bounds(right));
            // A bound that was cut off is still one; what is exact is what the values give.
            let (cut_min, cut_max) = (!stated.min_is_exact(), !stated.max_is_exact());
            assert!(min == right_min || cut_min && min < right_min, "{what}: {min:?} and {right_min:?}");
            assert!(max == right_max || cut_max && max > right_max, "{what}: {max:?} and {right_max:?}");
        }
    }
    assert_eq!(chunk.num_values(), fresh.metadata.num_values(), "{what}: values");
    // Some writers state histograms of columns that have no levels: they are empty.
    if let Some(histogram) = chunk.definition_level_histogram().filter(|histogram| !histogram.is_empty()) {
        assert_eq!(Some(histogram), fresh.metadata.definition_level_histogram(), "{what}");
    }
    if let Some(histogram) = chunk.repetition_level_histogram().filter(|histogram| !histogram.is_empty()) {
        assert_eq!(Some(histogram), fresh.metadata.repetition_level_histogram(), "{what}");
    }
    if let Some(total) = chunk.unencoded_byte_array_data_bytes() {
        assert_eq!(Some(total), fresh.metadata.unencoded_byte_array_data_bytes(), "{what}");
    }
    if let Some(filter) = Sbbf::read_from_column_chunk(chunk, bytes).unwrap() {
        for value in records.iter().flatten().filter_map(|(_, _, value)| value.as_ref()) {
            assert!(filter.check(value.as_slice()), "{what}: a value is not in the bloom filter");
        }
    }
    let Some(offsets) = metadata.offset_index().map(|index| &index[group][column]) else { return };
    let starts: Vec<usize> =
        offsets.page_locations().iter().map(|page| usize::try_from(page.first_row_index).unwrap()).collect();
    let by_place = SerializedPageReader::new(
        Arc::new(bytes.clone()),
        chunk,
        records.len(),
        Some(offsets.page_locations().clone()),
    );
    let in_order = SerializedPageReader::new(Arc::new(bytes.clone()), chunk, records.len(), None).unwrap();
    for (a, b) in by_place.unwrap().zip(in_order) {
        assert_eq!(a.unwrap().buffer(), b.unwrap().buffer(), "{what}: a page lies elsewhere than stated");
    }
    let index = metadata.column_index().map(|index| &index[group][column]);
    for (page, start) in starts.iter().enumerate() {
        let end = starts.get(page + 1).copied().unwrap_or(records.len());
        let fresh = write::<T>(metadata, column, &records[*start..end]);
        let right = fresh.metadata.statistics().unwrap();
        let Some(index) = index.filter(|index| !matches!(index, ColumnIndexMetaData::NONE)) else { continue };
        if let Some(nulls) = index.null_count(page) {
            assert_eq!(u64::try_from(nulls).ok(), right.null_count_opt(), "{what}: nulls of page {page}");
        }
        let found = page_bounds(index, page);
        // The library takes a page of a repeated column with as many nulls as rows for one of nulls alone.
        if found.0.is_none() && chunk.column_descr().max_rep_level() > 0 {
            continue;
        }
        if ordered && right.min_bytes_opt().is_none_or(|min| min.len() <= 64) {
            let stated = found.0.is_some().then_some(found);
            assert_eq!(stated.unwrap_or_default(), bounds(right), "{what}: bounds of page {page}");
        }
    }
}

/// The bounds of page `page`.
pub(super) fn page_bounds(index: &ColumnIndexMetaData, page: usize) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    macro_rules! bounds {
        ($($kind:ident),*) => {
            match index {
                ColumnIndexMetaData::NONE => (None, None),
                $(ColumnIndexMetaData::$kind(index) => (
                    index.min_value(page).map(|value| value.as_bytes().to_vec()),
                    index.max_value(page).map(|value| value.as_bytes().to_vec()),
                ),)*
            }
        };
    }
    bounds!(BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY)
}

/// A column chunk with `records`, written by the library with all the statistics it knows.
fn write<T: DataType>(metadata: &ParquetMetaData, column: usize, records: &[Record]) -> ColumnCloseResult
where
    T::T: super::super::typed::Plain,
{
    let column = metadata.file_metadata().schema_descr().column(column);
    let properties = WriterProperties::builder()
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(None)
        .set_dictionary_enabled(false)
        .build();
    let cells: Vec<&Cell> = records.iter().flatten().collect();
    let values: Vec<T::T> = cells
        .iter()
        .filter_map(|(_, _, value)| value.as_ref())
        .map(|value| super::super::typed::Plain::plain(value).unwrap())
        .collect();
    let def: Vec<i16> = cells.iter().map(|(_, def, _)| *def).collect();
    let rep: Vec<i16> = cells.iter().map(|(rep, _, _)| *rep).collect();
    let mut out = TrackedWrite::new(Vec::new());
    let writer = parquet::column::writer::get_column_writer(
        column.clone(),
        Arc::new(properties),
        Box::new(SerializedPageWriter::new(&mut out)),
    );
    let mut writer = parquet::column::writer::get_typed_column_writer::<T>(writer);
    let some = |max: i16, levels| (max > 0).then_some(levels);
    writer
        .write_batch(
            &values,
            some(column.max_def_level(), def.as_slice()),
            some(column.max_rep_level(), rep.as_slice()),
        )
        .unwrap();
    writer.close().unwrap()
}
