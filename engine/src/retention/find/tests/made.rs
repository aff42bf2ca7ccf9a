//! Files in which people are named in every way there is, and what stands in them. All from one seed.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SCHEMA: &str = "message m {
    optional binary a (UTF8);
    required binary b (UTF8);
    optional group l (LIST) { repeated group list { optional binary element (UTF8); } }
    optional int64 n;
    optional fixed_len_byte_array(16) u (UUID);
    optional int64 t (TIMESTAMP_MICROS);
    required double f;
}";

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    a: Option<String>,
    b: String,
    l: Option<Vec<Option<String>>>,
    n: Option<i64>,
    u: Option<u8>,
}

impl Row {
    /// What a column says of whom.
    pub(super) fn texts(&self, column: &str) -> Vec<String> {
        match column {
            "a" => self.a.clone().into_iter().collect(),
            "b" => vec![self.b.clone()],
            "l" => self.l.iter().flatten().flatten().cloned().collect(),
            "n" => self.n.iter().map(i64::to_string).collect(),
            "u" => self.u.iter().map(|who| uuid(*who)).collect(),
            _ => Vec::new(),
        }
    }
}

/// The UUID of somebody.
pub(super) fn uuid(who: u8) -> String {
    format!("00000000-0000-4000-8000-0000000000{who:02x}")
}

#[derive(Debug)]
pub(super) struct Made {
    pub(super) file: Bytes,
    /// By row group.
    pub(super) rows: Vec<Vec<Row>>,
}

impl Made {
    /// A small file, written in a way that the seed chooses.
    pub(super) fn of(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let groups: Vec<usize> = (0..random.random_range(1..4)).map(|_| random.random_range(1..80)).collect();
        let statistics = [EnabledStatistics::None, EnabledStatistics::Chunk, EnabledStatistics::Page];
        let mut properties = WriterProperties::builder()
            .set_writer_version(*[WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0].choose(&mut random).unwrap())
            .set_compression(
                *[Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())]
                    .choose(&mut random)
                    .unwrap(),
            )
            .set_data_page_row_count_limit(random.random_range(3..60))
            .set_write_batch_size(random.random_range(1..10))
            .set_dictionary_enabled(random.random())
            .set_dictionary_page_size_limit(*[30, 1 << 20].choose(&mut random).unwrap())
            .set_statistics_enabled(*statistics.choose(&mut random).unwrap())
            .set_bloom_filter_enabled(random.random());
        if random.random() {
            properties = properties.set_bloom_filter_position(BloomFilterPosition::End);
        }
        let encodings = [Encoding::PLAIN, Encoding::DELTA_BYTE_ARRAY, Encoding::DELTA_LENGTH_BYTE_ARRAY];
        for column in ["a", "b"] {
            properties = properties.set_column_encoding(column.into(), *encodings.choose(&mut random).unwrap());
        }
        Self::with(seed, &groups, properties.build())
    }

    /// A file; of every third seed it does not say that 16 bytes are a UUID.
    pub(super) fn with(seed: u64, groups: &[usize], properties: WriterProperties) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        // In a large file there are many, so that not all of them are in each row group.
        let people = if groups.iter().sum::<usize>() > 1000 { 100_000 } else { 12 };
        let rows: Vec<Vec<Row>> =
            groups.iter().map(|rows| (0..*rows).map(|_| row(&mut random, people)).collect()).collect();
        let schema = if seed.is_multiple_of(3) { SCHEMA.replace(" (UUID)", "") } else { SCHEMA.to_owned() };
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let mut out = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut out, schema, Arc::new(properties)).unwrap();
        for rows in &rows {
            let mut group = writer.next_row_group().unwrap();
            for name in ["a", "b", "l", "n", "u", "t", "f"] {
                let mut column = group.next_column().unwrap().unwrap();
                put(column.untyped(), name, rows);
                column.close().unwrap();
            }
            group.close().unwrap();
        }
        writer.close().unwrap();
        Self { file: out.into(), rows }
    }
}

fn row(random: &mut ChaCha8Rng, people: u32) -> Row {
    let who = |random: &mut ChaCha8Rng| format!("p-{}", random.random_range(0..people));
    let maybe = |random: &mut ChaCha8Rng| (random.random_range(0..4) > 0).then(|| who(random));
    Row {
        a: maybe(random),
        b: who(random),
        l: (random.random_range(0..4) > 0).then(|| (0..random.random_range(0..4)).map(|_| maybe(random)).collect()),
        n: (random.random_range(0..4) > 0).then(|| random.random_range(-3..13)),
        u: (random.random_range(0..4) > 0).then(|| random.random_range(0..12)),
    }
}

fn put(writer: &mut ColumnWriter, name: &str, rows: &[Row]) {
    let text = |text: &String| ByteArray::from(text.as_str());
    let here = |present: bool| i16::from(present);
    match writer {
        ColumnWriter::ByteArrayColumnWriter(writer) if name == "a" => {
            let def: Vec<i16> = rows.iter().map(|row| here(row.a.is_some())).collect();
            let values: Vec<ByteArray> = rows.iter().flat_map(|row| &row.a).map(text).collect();
            writer.write_batch(&values, Some(&def), None).unwrap()
        }
        ColumnWriter::ByteArrayColumnWriter(writer) if name == "b" => {
            let values: Vec<ByteArray> = rows.iter().map(|row| text(&row.b)).collect();
            writer.write_batch(&values, None, None).unwrap()
        }
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            let (mut def, mut rep, mut values) = (Vec::new(), Vec::new(), Vec::new());
            for row in rows {
                let list = row.l.as_deref().unwrap_or_default();
                if list.is_empty() {
                    def.push(here(row.l.is_some()));
                    rep.push(0);
                }
                for (at, element) in list.iter().enumerate() {
                    def.push(2 + here(element.is_some()));
                    rep.push(here(at > 0));
                    values.extend(element.as_ref().map(text));
                }
            }
            writer.write_batch(&values, Some(&def), Some(&rep)).unwrap()
        }
        ColumnWriter::Int64ColumnWriter(writer) => {
            let def: Vec<i16> = rows.iter().map(|row| here(row.n.is_some())).collect();
            let values: Vec<i64> = rows.iter().filter_map(|row| row.n).collect();
            writer.write_batch(&values, Some(&def), None).unwrap()
        }
        ColumnWriter::FixedLenByteArrayColumnWriter(writer) => {
            let def: Vec<i16> = rows.iter().map(|row| here(row.u.is_some())).collect();
            let bytes = |who| vec![0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, who];
            let values: Vec<FixedLenByteArray> =
                rows.iter().filter_map(|row| row.u).map(|who| bytes(who).into()).collect();
            writer.write_batch(&values, Some(&def), None).unwrap()
        }
        ColumnWriter::DoubleColumnWriter(writer) => writer.write_batch(&vec![0.5; rows.len()], None, None).unwrap(),
        _ => panic!("no column {name}"),
    };
}
