//! Files to operate on: random schemas, random rows, every way the Parquet library can write them. All from one seed.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{
    BrotliLevel, Compression, ConvertedType, Encoding, GzipLevel, LogicalType, Repetition, Type, ZstdLevel,
};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescPtr, ColumnPath, Type as Node, TypePtr};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A random file, and the rows of its row groups.
pub(super) fn file(seed: u64) -> Bytes {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let schema = schema(&mut random);
    let groups: Vec<usize> = (0..random.random_range(0..4)).map(|_| random.random_range(1..120)).collect();
    let properties = properties(&mut random, &schema);
    write(&mut random, schema, properties, &groups)
}

/// A file of `schema` with random rows in groups of these sizes.
pub(super) fn write(random: &mut ChaCha8Rng, schema: TypePtr, properties: WriterProperties, groups: &[usize]) -> Bytes {
    let mut out = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut out, schema, Arc::new(properties)).unwrap();
    for rows in groups {
        let mut group = writer.next_row_group().unwrap();
        while let Some(mut column) = group.next_column().unwrap() {
            put(random, column.untyped(), *rows);
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    out.into()
}

/// A file of the schema `text` with random rows in groups of these sizes.
pub(super) fn of(text: &str, seed: u64, groups: &[usize]) -> Bytes {
    with(text, seed, groups, WriterProperties::new())
}

/// The same, written as `properties` say.
pub(super) fn with(text: &str, seed: u64, groups: &[usize], properties: WriterProperties) -> Bytes {
    let schema = Arc::new(parquet::schema::parser::parse_message_type(text).unwrap());
    write(&mut ChaCha8Rng::seed_from_u64(seed), schema, properties, groups)
}

/// A file with one required text column, which has `texts` in turn, in one row group of `rows` rows.
pub(super) fn texts(texts: &[&str], rows: usize, properties: WriterProperties) -> Bytes {
    let schema = parquet::schema::parser::parse_message_type("message m { required binary t (UTF8); }").unwrap();
    let mut out = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values: Vec<ByteArray> = texts.iter().cycle().take(rows).map(|text| ByteArray::from(*text)).collect();
    column.typed::<parquet::data_type::ByteArrayType>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    out.into()
}

fn schema(random: &mut ChaCha8Rng) -> TypePtr {
    let fields = (0..random.random_range(1..5)).map(|at| node(random, at, 0)).collect();
    Arc::new(Node::group_type_builder("schema").with_fields(fields).build().unwrap())
}

fn repetition(random: &mut ChaCha8Rng) -> Repetition {
    *[Repetition::REQUIRED, Repetition::OPTIONAL, Repetition::OPTIONAL, Repetition::REPEATED].choose(random).unwrap()
}

fn node(random: &mut ChaCha8Rng, at: i32, depth: usize) -> TypePtr {
    let name = format!("c{at}");
    if depth < 3 && random.random_range(0..4) == 0 {
        let fields = (0..random.random_range(1..3)).map(|at| node(random, at, depth + 1)).collect();
        let builder = Node::group_type_builder(&name).with_repetition(repetition(random)).with_fields(fields);
        return Arc::new(builder.with_id(Some(100 + at)).build().unwrap());
    }
    let kinds = [
        (Type::BOOLEAN, None, ConvertedType::NONE, 0),
        (Type::INT32, None, ConvertedType::NONE, 0),
        (Type::INT32, Some(LogicalType::integer(32, false)), ConvertedType::UINT_32, 0),
        (Type::INT64, None, ConvertedType::NONE, 0),
        (Type::INT64, Some(LogicalType::integer(64, false)), ConvertedType::UINT_64, 0),
        (Type::INT96, None, ConvertedType::NONE, 0),
        (Type::FLOAT, None, ConvertedType::NONE, 0),
        (Type::DOUBLE, None, ConvertedType::NONE, 0),
        (Type::BYTE_ARRAY, Some(LogicalType::String), ConvertedType::UTF8, 0),
        (Type::BYTE_ARRAY, None, ConvertedType::NONE, 0),
        (Type::BYTE_ARRAY, Some(LogicalType::decimal(2, 20)), ConvertedType::DECIMAL, 0),
        (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(2, 20)), ConvertedType::DECIMAL, 9),
        (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16), ConvertedType::NONE, 2),
        (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid), ConvertedType::NONE, 16),
        (Type::FIXED_LEN_BYTE_ARRAY, None, ConvertedType::INTERVAL, 12),
        (Type::FIXED_LEN_BYTE_ARRAY, None, ConvertedType::NONE, 3),
    ];
    let (physical, logical, converted, length) = kinds.choose(random).unwrap().clone();
    let mut builder = Node::primitive_type_builder(&name, physical)
        .with_repetition(repetition(random))
        .with_logical_type(logical)
        .with_converted_type(converted)
        .with_length(length)
        .with_id(Some(at));
    if converted == ConvertedType::DECIMAL {
        builder = builder.with_precision(20).with_scale(2);
    }
    Arc::new(builder.build().unwrap())
}

/// Compressions of the format that the library writes.
pub(super) fn compressions() -> [Compression; 7] {
    [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ]
}

fn encodings(physical: Type) -> &'static [Encoding] {
    match physical {
        Type::BOOLEAN => &[Encoding::PLAIN, Encoding::RLE],
        Type::INT32 | Type::INT64 => &[Encoding::PLAIN, Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT],
        Type::INT96 => &[Encoding::PLAIN],
        Type::FLOAT | Type::DOUBLE => &[Encoding::PLAIN, Encoding::BYTE_STREAM_SPLIT],
        Type::BYTE_ARRAY => &[Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY],
        Type::FIXED_LEN_BYTE_ARRAY => &[Encoding::PLAIN, Encoding::DELTA_BYTE_ARRAY, Encoding::BYTE_STREAM_SPLIT],
    }
}

fn properties(random: &mut ChaCha8Rng, schema: &TypePtr) -> WriterProperties {
    let levels = [EnabledStatistics::None, EnabledStatistics::Chunk, EnabledStatistics::Page, EnabledStatistics::Page];
    let mut builder = WriterProperties::builder()
        .set_writer_version(*[WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0].choose(random).unwrap())
        .set_data_page_row_count_limit(random.random_range(3..60))
        .set_write_batch_size(random.random_range(1..10))
        .set_created_by("made for a test (build 7)".to_owned())
        .set_offset_index_disabled(random.random_range(0..4) == 0)
        .set_key_value_metadata(Some(vec![
            KeyValue::new("owner".to_owned(), "nobody".to_owned()),
            KeyValue::new("owner".to_owned(), None),
        ]));
    if random.random_range(0..3) == 0 {
        builder = builder.set_sorting_columns(Some(vec![SortingColumn {
            column_idx: 0,
            descending: false,
            nulls_first: true,
        }]));
    }
    for column in parquet::schema::types::SchemaDescriptor::new(schema.clone()).columns() {
        let path: ColumnPath = column.path().clone();
        builder = builder
            .set_column_compression(path.clone(), *compressions().choose(random).unwrap())
            .set_column_encoding(path.clone(), *encodings(column.physical_type()).choose(random).unwrap())
            .set_column_dictionary_enabled(path.clone(), random.random_range(0..2) == 0)
            .set_column_dictionary_page_size_limit(path.clone(), *[40, 1 << 20].choose(random).unwrap())
            .set_column_statistics_enabled(path.clone(), *levels.choose(random).unwrap())
            .set_column_write_page_header_statistics(path.clone(), random.random_range(0..2) == 0)
            .set_column_bloom_filter_enabled(path, random.random_range(0..3) == 0);
    }
    builder.build()
}

/// Levels of `rows` random records.
fn levels(random: &mut ChaCha8Rng, column: &ColumnDescPtr, rows: usize) -> (Vec<i16>, Vec<i16>, usize) {
    let (max_def, max_rep) = (column.max_def_level(), column.max_rep_level());
    let (mut def, mut rep) = (Vec::new(), Vec::new());
    // Some columns are almost full and some almost empty.
    let full = random.random_range(0..=10);
    for _ in 0..rows {
        let more = if max_rep == 0 { 0 } else { random.random_range(0..4) };
        for at in 0..=more {
            rep.push(if at == 0 { 0 } else { random.random_range(1..=max_rep) });
            def.push(if random.random_range(0..10) < full { max_def } else { random.random_range(0..=max_def) });
        }
    }
    let values = def.iter().filter(|def| **def == max_def).count();
    (def, rep, values)
}

fn put(random: &mut ChaCha8Rng, writer: &mut ColumnWriter, rows: usize) {
    macro_rules! put {
        ($writer:expr, $value:expr) => {{
            let column = $writer.get_descriptor().clone();
            let (def, rep, values) = levels(random, &column, rows);
            let few = random.random_range(1..40);
            let pool: Vec<_> = (0..few).map(|_| $value(&mut *random, &column)).collect();
            let repeat = random.random_range(0..2) == 0;
            let values: Vec<_> = (0..values)
                .map(|_| if repeat { pool.choose(random).unwrap().clone() } else { $value(&mut *random, &column) })
                .collect();
            $writer.write_batch(&values, Some(&def), Some(&rep)).unwrap();
        }};
    }
    match writer {
        ColumnWriter::BoolColumnWriter(writer) => {
            put!(writer, |random: &mut ChaCha8Rng, _: &ColumnDescPtr| random.random::<bool>())
        }
        ColumnWriter::Int32ColumnWriter(writer) => {
            put!(writer, |random: &mut ChaCha8Rng, _: &ColumnDescPtr| random.random::<i32>())
        }
        ColumnWriter::Int64ColumnWriter(writer) => {
            put!(writer, |random: &mut ChaCha8Rng, _: &ColumnDescPtr| random.random::<i64>())
        }
        ColumnWriter::Int96ColumnWriter(writer) => put!(writer, |random: &mut ChaCha8Rng, _: &ColumnDescPtr| {
            let mut value = Int96::new();
            value.set_data(random.random(), random.random(), random.random_range(2_440_000..2_460_000));
            value
        }),
        ColumnWriter::FloatColumnWriter(writer) => {
            put!(writer, |random: &mut ChaCha8Rng, _: &ColumnDescPtr| float(random) as f32)
        }
        ColumnWriter::DoubleColumnWriter(writer) => {
            put!(writer, |random: &mut ChaCha8Rng, _: &ColumnDescPtr| float(random))
        }
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            put!(writer, |random: &mut ChaCha8Rng, column: &ColumnDescPtr| {
                ByteArray::from(bytes(random, column, None))
            })
        }
        ColumnWriter::FixedLenByteArrayColumnWriter(writer) => {
            put!(writer, |random: &mut ChaCha8Rng, column: &ColumnDescPtr| {
                let length = usize::try_from(column.type_length()).unwrap();
                FixedLenByteArray::from(bytes(random, column, Some(length)))
            })
        }
    }
}

fn float(random: &mut ChaCha8Rng) -> f64 {
    match random.random_range(0..12) {
        0 => f64::NAN,
        1 => 0.0,
        2 => -0.0,
        3 => f64::INFINITY,
        _ => random.random_range(-100.0..100.0),
    }
}

fn bytes(random: &mut ChaCha8Rng, column: &ColumnDescPtr, length: Option<usize>) -> Vec<u8> {
    let text = column.converted_type() == ConvertedType::UTF8;
    // The library compares decimals of different lengths wrongly, so its statistics are no oracle for them.
    let decimal = (column.converted_type() == ConvertedType::DECIMAL).then_some(9);
    let length = length.or(decimal).unwrap_or_else(|| random.random_range(0..14));
    if text {
        return (0..length)
            .map(|_| ['a', 'b', 'é', 'ß', '漢'].choose(random).unwrap())
            .collect::<String>()
            .into_bytes();
    }
    (0..length).map(|_| if random.random_range(0..4) == 0 { 0xff } else { random.random() }).collect()
}
