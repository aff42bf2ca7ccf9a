//! Chunks that nothing excused, value by value: which of their rows have one that is looked for.
//!
//! Dictionaries are compared once and then their indices; plain values as the bytes they are. What is encoded in another way
//! is decoded by the Parquet library. Absent: any trust in statistics.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use bytes::buf::{Buf, Reader};
use parquet::basic::{Encoding, Type};
use parquet::column::reader::{get_column_reader, get_typed_column_reader};
use parquet::data_type::{
    AsBytes, BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
    Int96Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::super::surgery::opened::{Opened, Shape, Width, text};
use super::super::surgery::with_type;
use super::excuse::Candidate;
use super::value::Wanted;
use super::{FindError, Found, Part, damaged};

/// Rows that the library decodes at once.
const BATCH_ROWS: usize = 16 * 1024;

/// Adds the rows of one row group to `found`. The chunks come with the bytes that they are in.
pub(super) fn look(
    footer: &ParquetMetaData,
    (group, chunks): (usize, &[&Candidate]),
    parts: impl Iterator<Item = Part>,
    found: &mut Found,
) -> Result<(), FindError> {
    let total = usize::try_from(found.group_rows[group]).map_err(|_| damaged("a row group has too many rows"))?;
    let mut rows = Vec::new();
    for (chunk, part) in chunks.iter().zip(parts) {
        let metadata = readable(footer.row_group(group).column(chunk.column), chunk)?;
        let part = Arc::new(part);
        let kept = rows.len();
        // What the library says of pages that it cannot read, it says again when it decodes them.
        if !by_pages(&part, &metadata, &chunk.wanted, (total, &mut rows)).unwrap_or(false) {
            rows.truncate(kept);
            // It panics at some pages that do not hold what they state; nothing that is borrowed is left half done.
            let decode = AssertUnwindSafe(|| {
                with_type!(metadata.column_type(), by_library(&part, &metadata, &chunk.wanted, (total, &mut rows)))
            });
            let decoded = std::panic::catch_unwind(decode);
            decoded.map_err(|_| damaged("a column does not hold what it states"))??;
        }
        found.chunks_decoded += 1;
    }
    rows.sort_unstable();
    rows.dedup();
    for row in rows {
        let row = u64::try_from(row).unwrap_or(u64::MAX - 1);
        found.rows.insert(group, row..row + 1);
    }
    Ok(())
}

/// The metadata of a chunk for the Parquet library, which would take a dictionary at offset 0 for one that is there.
fn readable(metadata: &ColumnChunkMetaData, chunk: &Candidate) -> Result<ColumnChunkMetaData, FindError> {
    let start = i64::try_from(chunk.range.start).unwrap_or(i64::MAX);
    let dictionary = (start != metadata.data_page_offset()).then_some(start);
    Ok(metadata.clone().into_builder().set_dictionary_page_offset(dictionary).build()?)
}

/// Whether all pages could be compared; if so, `rows` has those with a hit.
fn by_pages(
    part: &Arc<Part>,
    metadata: &ColumnChunkMetaData,
    wanted: &Wanted,
    (total, rows): (usize, &mut Vec<usize>),
) -> Result<bool, ParquetError> {
    let Some(shape) = Shape::of(metadata.column_descr()) else { return Ok(false) };
    let mut chunk = Opened::new(Arc::clone(part), metadata, total)?;
    let (mut before, mut hits) = (0, Vec::new());
    // Which values of the dictionary are wanted; none is, in nearly every chunk.
    let mut entries: Option<Vec<bool>> = None;
    while chunk.next(shape)? {
        if !chunk.whole {
            return Ok(false);
        }
        if let (None, Some(dictionary)) = (&entries, &chunk.dictionary) {
            let all = dictionary.places.iter().map(|place| wanted.has(&dictionary.plain[place.clone()])).collect();
            entries = Some(all);
        }
        hits.clear();
        if hits_of(&mut chunk, shape, wanted, (entries.as_deref(), &mut hits)).is_none() {
            return Ok(false);
        }
        match rows_of(&chunk, shape.def_max, before, (&hits, rows)) {
            Some(begun) => before += begun,
            None => return Ok(false),
        }
    }
    Ok(before == total)
}

/// Notes the numbers of the values of a page that are wanted.
fn hits_of(
    page: &mut Opened<Part>,
    shape: Shape,
    wanted: &Wanted,
    (entries, hits): (Option<&[bool]>, &mut Vec<usize>),
) -> Option<()> {
    let count = page.count - page.nulls(shape);
    match (page.encoding, shape.width) {
        (Encoding::PLAIN, Width::Variable) => {
            let mut rest = page.values.as_ref();
            for number in 0..count {
                let (value, after) = text(rest)?;
                if wanted.has(value) {
                    hits.push(number);
                }
                rest = after;
            }
        }
        (Encoding::PLAIN, Width::Fixed(width)) => {
            let values = page.values.get(..count.checked_mul(width)?)?.chunks_exact(width);
            hits.extend(values.enumerate().filter(|(_, value)| wanted.has(value)).map(|(number, _)| number));
        }
        (Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY, Width::Fixed(_) | Width::Variable) => {
            if count == 0 {
                return Some(());
            }
            let entries = entries?;
            if !entries.contains(&true) {
                return Some(());
            }
            page.read_indices(count)?;
            for (number, index) in page.indices.iter().enumerate() {
                if *entries.get(usize::try_from(*index).ok()?)? {
                    hits.push(number);
                }
            }
        }
        _ => return None,
    }
    Some(())
}

/// Adds the rows of the values with the numbers `hits`; returns how many rows begin in the page, of which `before` are.
fn rows_of(
    page: &Opened<Part>,
    def_max: u8,
    before: usize,
    (hits, rows): (&[usize], &mut Vec<usize>),
) -> Option<usize> {
    if !hits.is_empty() {
        let mut wanted = hits.iter().copied().peekable();
        let (mut value, mut begun) = (0, before);
        for level in 0..page.count {
            begun += usize::from(page.rep.get(level).is_none_or(|rep| *rep == 0));
            // NULL is nobody.
            if page.def.get(level).is_some_and(|def| *def != def_max) {
                continue;
            }
            if wanted.next_if_eq(&value).is_some() {
                rows.push(begun.checked_sub(1)?);
            }
            value += 1;
        }
    }
    Some(page.rows_begun())
}

/// The same by the library, which knows every encoding.
fn by_library<T: DataType>(
    part: &Arc<Part>,
    metadata: &ColumnChunkMetaData,
    wanted: &Wanted,
    (total, rows): (usize, &mut Vec<usize>),
) -> Result<(), FindError> {
    let pages = SerializedPageReader::new(Arc::clone(part), metadata, total, None)?;
    let mut reader = get_typed_column_reader::<T>(get_column_reader(metadata.column_descr_ptr(), Box::new(pages)));
    let def_max = metadata.column_descr().max_def_level();
    let (mut def, mut rep, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut row = 0;
    while row < total {
        def.clear();
        rep.clear();
        values.clear();
        let batch = BATCH_ROWS.min(total - row);
        let (read, _, levels) = reader.read_records(batch, Some(&mut def), Some(&mut rep), &mut values)?;
        if read == 0 {
            return Err(damaged("a column has fewer rows than its row group"));
        }
        let mut values = values.iter();
        let mut begun = row;
        for level in 0..levels {
            begun += usize::from(rep.get(level).is_none_or(|rep| *rep == 0));
            if def.get(level).is_some_and(|def| *def != def_max) {
                continue;
            }
            let value: Option<&T::T> = values.next();
            if value.is_some_and(|value| wanted.has(value.as_bytes())) {
                rows.push(begun.saturating_sub(1));
            }
        }
        row += read;
    }
    Ok(())
}

impl Length for Part {
    fn len(&self) -> u64 {
        self.file
    }
}

impl ChunkReader for Part {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let rest = self.part(&(start..self.range().end));
        Ok(rest.map_err(|error| ParquetError::External(Box::new(error)))?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        self.part(&(start..end)).map_err(|error| ParquetError::External(Box::new(error)))
    }
}
