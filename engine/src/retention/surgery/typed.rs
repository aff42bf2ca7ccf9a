//! Values and levels of one column chunk by way of the Parquet library: read, cut or masked, and encoded again.
//!
//! For chunks that `chunk.rs` leaves alone. Never through Arrow, which makes 64-bit timestamps of INT96 and rewrites schemas.
//! What the pages hold is counted here and not taken from the library's statistics, so both ways state the same.

use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{Encoding, Type};
use parquet::column::reader::{ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::column::writer::{get_column_writer, get_typed_column_writer};
use parquet::data_type::{
    AsBytes, BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};

use super::chunk::{Edit, OldChunk};
use super::mask::Masked;
use super::new_chunk::{NewChunk, NewPage};
use super::order::Extent;
use super::page::{self, Kind, Levels, RawPage, Trouble};
use super::records;
use super::statistics::{self, Bounds};

/// A value of the library, from the bytes that plain encoding gives it.
pub(super) trait Plain: Sized {
    fn plain(bytes: &[u8]) -> Option<Self>;
}

macro_rules! plain_number {
    ($($type:ty),*) => {
        $(impl Plain for $type {
            fn plain(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        })*
    };
}

plain_number!(i32, i64, f32, f64);

impl Plain for bool {
    fn plain(bytes: &[u8]) -> Option<Self> {
        bytes.first().map(|byte| *byte != 0)
    }
}

impl Plain for Int96 {
    fn plain(bytes: &[u8]) -> Option<Self> {
        let mut words = bytes.chunks_exact(4).filter_map(|word| word.try_into().ok().map(u32::from_le_bytes));
        let mut new = Self::new();
        new.set_data(words.next()?, words.next()?, words.next()?);
        Some(new)
    }
}

impl Plain for ByteArray {
    fn plain(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec().into())
    }
}

impl Plain for FixedLenByteArray {
    fn plain(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec().into())
    }
}

/// Runs `$work::<T>` with the type of the library for physical type `$physical`.
macro_rules! with_type {
    ($physical:expr, $work:ident $arguments:tt) => {
        match $physical {
            Type::BOOLEAN => $work::<BoolType> $arguments,
            Type::INT32 => $work::<Int32Type> $arguments,
            Type::INT64 => $work::<Int64Type> $arguments,
            Type::INT96 => $work::<Int96Type> $arguments,
            Type::FLOAT => $work::<FloatType> $arguments,
            Type::DOUBLE => $work::<DoubleType> $arguments,
            Type::BYTE_ARRAY => $work::<ByteArrayType> $arguments,
            Type::FIXED_LEN_BYTE_ARRAY => $work::<FixedLenByteArrayType> $arguments,
        }
    };
}
pub(in super::super) use with_type;

/// Writes the chunk anew.
///
/// # Errors
/// When the library cannot read it, or a mask does not fit.
pub(super) fn rewrite(old: &OldChunk, edit: Edit) -> std::result::Result<NewChunk, Trouble> {
    with_type!(old.column.physical_type(), rewrite_as(old, edit))
}

/// A reader of the values of a chunk, for which `metadata` are made readable.
pub(super) fn reader<T: DataType>(
    file: &bytes::Bytes,
    metadata: &ColumnChunkMetaData,
    rows: u64,
) -> Result<ColumnReaderImpl<T>> {
    let rows = usize::try_from(rows).map_err(|error| ParquetError::External(Box::new(error)))?;
    let pages = SerializedPageReader::new(Arc::new(file.clone()), metadata, rows, None)?;
    Ok(get_typed_column_reader(get_column_reader(metadata.column_descr_ptr(), Box::new(pages))))
}

/// All of a chunk, or some rows of it.
pub(super) struct Read<T> {
    pub(super) values: Vec<T>,
    pub(super) def: Vec<i16>,
    pub(super) rep: Vec<i16>,
}

impl<T> Read<T> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), def: Vec::new(), rep: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.def.clear();
        self.rep.clear();
    }

    /// The levels as bytes; deeper schemas than bytes can count are not known to anyone.
    pub(super) fn levels(&self, count: usize) -> Option<Levels> {
        let bytes = |levels: &[i16]| levels.iter().map(|level| u8::try_from(*level).ok()).collect::<Option<Vec<u8>>>();
        Some(Levels { rep: bytes(&self.rep)?, def: bytes(&self.def)?, count })
    }
}

fn rewrite_as<T: DataType>(old: &OldChunk, edit: Edit) -> std::result::Result<NewChunk, Trouble>
where
    T::T: Plain,
{
    let mut read = Read::<T::T>::new();
    let rows = usize::try_from(old.rows).map_err(|_| Trouble::Damaged("it has too many rows"))?;
    let raw = page::walk(old.file, old.start..old.end).map_err(Trouble::Damaged)?;
    page::verify(old.file, &raw)?;
    let mut reader = reader::<T>(old.file, old.metadata, old.rows)?;
    let (records, _, levels) = reader.read_records(rows, Some(&mut read.def), Some(&mut read.rep), &mut read.values)?;
    if records != rows {
        return Err(Trouble::Damaged("its pages have another number of rows than its row group"));
    }
    let mut levels = read.levels(levels).ok_or(Trouble::Damaged("its levels are too deep"))?;
    let changed = apply(old, edit, &mut read, &mut levels)?;
    let bytes = encode::<T>(old, &raw, &read)?;
    let mut chunk = describe::<T>(old, bytes, &read, &levels)?;
    chunk.changed = changed;
    Ok(chunk)
}

/// Cuts or masks what was read; returns the rows that a mask changed.
fn apply<T: AsBytes + Clone + Plain>(
    old: &OldChunk,
    edit: Edit,
    read: &mut Read<T>,
    levels: &mut Levels,
) -> std::result::Result<Vec<Range<u64>>, Trouble> {
    let row = |row: u64| usize::try_from(row).map_err(|_| Trouble::Damaged("a row number is too large"));
    let rows = edit.rows().iter().map(|range| Ok(row(range.start)?..row(range.end)?));
    let rows = rows.collect::<std::result::Result<Vec<_>, Trouble>>()?;
    let def_max = u8::try_from(old.column.max_def_level()).map_err(|_| Trouble::Damaged("its levels are too deep"))?;
    let (in_levels, _) = records::levels_of(levels, 0, &rows);
    let (in_values, count) = records::values_of(levels, def_max, &in_levels);
    let mut changed = Vec::new();
    match edit {
        Edit::Delete(_) => {
            let kept = records::rest(&in_levels, levels.count);
            levels.count = kept.iter().map(ExactSizeIterator::len).sum();
            levels.def = keep(&levels.def, &kept);
            levels.rep = keep(&levels.rep, &kept);
            read.values = keep(&read.values, &records::rest(&in_values, count));
        }
        Edit::Mask(_, masker) => {
            let (mut others, mut nulls) = (Vec::new(), Vec::new());
            for at in in_values.into_iter().flatten() {
                match masker.apply(read.values[at].as_bytes()).map_err(|error| Trouble::Refused(Box::new(error)))? {
                    Masked::Same => continue,
                    Masked::Null => nulls.push(at),
                    Masked::Value(new) => {
                        read.values[at] = T::plain(&new).ok_or(Trouble::Damaged("a mask made another type"))?;
                    }
                }
                others.push(at);
            }
            for (_, row) in records::places_of(levels, def_max, 0, &others) {
                let row = u64::try_from(row).unwrap_or(u64::MAX - 1);
                if changed.last().is_none_or(|last: &Range<u64>| last.end <= row) {
                    changed.push(row..row + 1);
                }
            }
            for (level, _) in records::places_of(levels, def_max, 0, &nulls) {
                levels.def[level] = def_max - 1;
            }
            let gone: Vec<_> = nulls.iter().map(|at| *at..at + 1).collect();
            read.values = keep(&read.values, &records::rest(&gone, count));
        }
    }
    read.def = levels.def.iter().map(|level| i16::from(*level)).collect();
    read.rep = levels.rep.iter().map(|level| i16::from(*level)).collect();
    Ok(changed)
}

/// The items at `ranges`; none when there are none to choose from.
pub(super) fn keep<T: Clone>(items: &[T], ranges: &[Range<usize>]) -> Vec<T> {
    ranges.iter().filter_map(|range| items.get(range.clone())).flatten().cloned().collect()
}

/// Encodes what was read as the pages `raw` of the source are.
fn encode<T: DataType>(old: &OldChunk, raw: &[RawPage], read: &Read<T::T>) -> Result<Vec<u8>> {
    let data = || raw.iter().filter(|page| matches!(page.kind(), Kind::Data | Kind::DataV2));
    let encodings: Vec<i64> = data().filter_map(|page| Some(page.stated().ok()?.1)).collect();
    let first_dictionary = encodings.first().is_some_and(|encoding| matches!(encoding, 2 | 8));
    let plain = encodings.iter().find_map(|encoding| writable(*encoding, old.column.physical_type()));
    let version = match data().next().map(RawPage::kind) {
        Some(Kind::DataV2) => WriterVersion::PARQUET_2_0,
        _ => WriterVersion::PARQUET_1_0,
    };
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(old.metadata.compression())
        .set_dictionary_enabled(first_dictionary)
        .set_encoding(plain.unwrap_or(Encoding::PLAIN))
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut out = TrackedWrite::new(Vec::new());
    let pages = Box::new(SerializedPageWriter::new(&mut out));
    let writer = get_column_writer(old.metadata.column_descr_ptr(), Arc::new(properties), pages);
    let mut writer = get_typed_column_writer::<T>(writer);
    let some = |max: i16, levels| (max > 0).then_some(levels);
    writer.write_batch(
        &read.values,
        some(old.column.max_def_level(), read.def.as_slice()),
        some(old.column.max_rep_level(), read.rep.as_slice()),
    )?;
    writer.close()?;
    out.into_inner()
}

/// The encoding with number `encoding`, where the library writes values of type `physical` in it.
fn writable(encoding: i64, physical: Type) -> Option<Encoding> {
    use Type::{BOOLEAN, BYTE_ARRAY, DOUBLE, FIXED_LEN_BYTE_ARRAY, FLOAT, INT32, INT64};
    match (encoding, physical) {
        (0, _) => Some(Encoding::PLAIN),
        (3, BOOLEAN) => Some(Encoding::RLE),
        (5, INT32 | INT64) => Some(Encoding::DELTA_BINARY_PACKED),
        (6, BYTE_ARRAY) => Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        (7, BYTE_ARRAY | FIXED_LEN_BYTE_ARRAY) => Some(Encoding::DELTA_BYTE_ARRAY),
        (9, INT32 | INT64 | FLOAT | DOUBLE | FIXED_LEN_BYTE_ARRAY) => Some(Encoding::BYTE_STREAM_SPLIT),
        _ => None,
    }
}

/// Says what is in the pages of `bytes`, which hold `read`.
fn describe<T: DataType>(
    old: &OldChunk,
    bytes: Vec<u8>,
    read: &Read<T::T>,
    levels: &Levels,
) -> std::result::Result<NewChunk, Trouble> {
    let maxima = (old.column.max_rep_level(), old.column.max_def_level());
    let (rep_max, def_max) = (u8::try_from(maxima.0).unwrap_or(u8::MAX), u8::try_from(maxima.1).unwrap_or(u8::MAX));
    let mut chunk = NewChunk { filter: old.empty_filter(), ..NewChunk::default() };
    let mut all = Extent::new(old.order);
    let (mut level, mut value) = (0, 0);
    for page in page::walk(&bytes, 0..bytes.len()).map_err(Trouble::Damaged)? {
        let (count, encoding) = page.stated()?;
        let kind = match page.kind() {
            Kind::Dictionary => 2,
            Kind::DataV2 => 3,
            _ => 0,
        };
        chunk.note_kind(kind, encoding);
        chunk.plain_bytes += page.body.start - page.start + page.plain_length()?;
        if page.kind() == Kind::Dictionary {
            chunk.dictionary_at = Some(page.start);
            continue;
        }
        if chunk.pages.is_empty() {
            chunk.data_at = page.start;
        }
        let part = |all: &[u8]| all.get(level..level + count).unwrap_or_default().to_vec();
        let (rep, def) = (part(&levels.rep), part(&levels.def));
        let values = if def_max == 0 { count } else { def.iter().filter(|def| **def == def_max).count() };
        let mut extent = Extent::new(old.order);
        let mut value_bytes = 0;
        for value in &read.values[value..value + values] {
            extent.see(value.as_bytes());
            value_bytes += value.as_bytes().len();
            if let Some(filter) = &mut chunk.filter {
                filter.insert(value.as_bytes());
            }
        }
        let begun = if rep_max == 0 { count } else { rep.iter().filter(|rep| **rep == 0).count() };
        let histogram = |levels: &[u8], max| if max == 0 { Vec::new() } else { statistics::histogram(levels, max) };
        all.merge(&extent);
        chunk.pages.push(NewPage {
            at: page.start,
            bytes: page.body.end - page.start,
            rows: begun,
            levels: count,
            nulls: count - values,
            value_bytes,
            bounds: Bounds::exact(&extent),
            repetitions: histogram(&rep, rep_max),
            definitions: histogram(&def, def_max),
        });
        (level, value) = (level + count, value + values);
    }
    chunk.bounds = Bounds::exact(&all);
    chunk.bytes = bytes;
    Ok(chunk)
}

impl From<ParquetError> for Trouble {
    fn from(error: ParquetError) -> Self {
        Self::Library(error)
    }
}
