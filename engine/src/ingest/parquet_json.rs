//! Rows of a Parquet object, each as the JSON text of a record.
//!
//! From there on they are records like any other: the text is what is hashed and, when a row is refused, what is
//! kept. Values that are null are left out; times are RFC 3339. The place of a record is the number of its row.
//! Parquet is read from its end, so what comes from a bucket is spooled to disk first. Absent: Parquet inside gzip or
//! Zstandard.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

use arrow::array::StructArray;
use arrow::datatypes::Field;
use arrow::record_batch::RecordBatch;
use arrow_json::writer::{EncoderOptions, make_encoder};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::input::{Opened, spooled};
use super::records::{Item, Place, RECORD_BYTES_MAX, Record, RejectKind};
use crate::error::EngineError;

const MAGIC: &[u8] = b"PAR1";
/// Rows decoded at a time; few, because one row may be as large as a record may be.
const BATCH_ROWS: usize = 128;

/// What an object is, by its first bytes.
pub(crate) enum Form {
    /// Parquet, to be read from anywhere.
    Parquet(File),
    /// Anything else, from its first byte on.
    Other(Box<dyn Read + Send>),
}

impl Form {
    /// Tells an open object by its first bytes.
    ///
    /// # Errors
    /// When it cannot be read, or there is no room to spool it.
    pub(crate) fn of(opened: Opened) -> io::Result<Self> {
        match opened {
            Opened::File(mut file) => {
                let magic = magic(&mut file)?;
                file.rewind()?;
                Ok(if magic == MAGIC { Self::Parquet(file) } else { Self::Other(Box::new(file)) })
            }
            Opened::Stream(mut stream) => {
                let magic = magic(&mut stream)?;
                let parquet = magic == MAGIC;
                let whole = Cursor::new(magic).chain(stream);
                if !parquet {
                    return Ok(Self::Other(Box::new(whole)));
                }
                Ok(Self::Parquet(spooled(whole)?))
            }
        }
    }
}

fn magic(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut magic = Vec::with_capacity(MAGIC.len());
    input.take(MAGIC.len() as u64).read_to_end(&mut magic)?;
    Ok(magic)
}

/// Calls `each` for every row; the result says whether the file was cut off or is damaged.
///
/// # Errors
/// Only those of `each`.
pub(crate) fn each_row(
    file: File,
    each: &mut dyn FnMut(Item<'_>) -> Result<(), EngineError>,
) -> Result<bool, EngineError> {
    let mut rows = Rows { at: 0, text: Vec::new(), each };
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.with_batch_size(BATCH_ROWS).build());
    let Ok(reader) = reader else { return rows.lost() };
    for batch in reader {
        let whole = match batch {
            Ok(batch) => rows.give_out(batch)?,
            Err(_) => false,
        };
        if !whole {
            return rows.lost();
        }
    }
    Ok(false)
}

/// Rows on their way out.
struct Rows<'a> {
    at: u64,
    text: Vec<u8>,
    each: &'a mut dyn FnMut(Item<'_>) -> Result<(), EngineError>,
}

impl Rows<'_> {
    fn place(&self) -> Place {
        Place { offset: self.at, line: self.at + 1, number: self.at + 1 }
    }

    /// Gives out the rows of a batch; false when a column has a type that JSON cannot hold.
    fn give_out(&mut self, batch: RecordBatch) -> Result<bool, EngineError> {
        let options = EncoderOptions::default().with_timestamp_format("%Y-%m-%dT%H:%M:%S%.fZ".to_owned());
        let field = Arc::new(Field::new_struct("", batch.schema().fields().clone(), false));
        let array = StructArray::from(batch);
        let Ok(mut encoder) = make_encoder(&field, &array, &options) else { return Ok(false) };
        for row in 0..arrow::array::Array::len(&array) {
            self.text.clear();
            encoder.encode(row, &mut self.text);
            let record = Record { place: self.place(), bytes: &self.text };
            let item = if self.text.len() > RECORD_BYTES_MAX {
                let why = format!("the record is longer than {RECORD_BYTES_MAX} bytes");
                Item::Bad(record.rejected(RejectKind::TooLarge, why))
            } else {
                Item::Record(record)
            };
            (self.each)(item)?;
            self.at += 1;
        }
        Ok(true)
    }

    /// What is left cannot be read, and nobody can tell how many rows it is; it counts as one.
    fn lost(self) -> Result<bool, EngineError> {
        let why = "the Parquet file is cut off or damaged from this row on";
        let record = Record { place: self.place(), bytes: b"" };
        (self.each)(Item::Bad(record.rejected(RejectKind::Truncated, why.to_owned())))?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use arrow::array::{ArrayRef, Int64Array, ListBuilder, MapBuilder, StringArray, StringBuilder};
    use arrow::datatypes::DataType;
    use parquet::arrow::ArrowWriter;
    use serde_json::{Value, json};

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        file.rewind().expect("rewound");
        file
    }

    /// Two rows, with an object, a list and a map in the first.
    fn parquet(rows: i64) -> Vec<u8> {
        let uid: ArrayRef = Arc::new((0..rows).map(|row| Some(format!("e-{row}"))).collect::<StringArray>());
        let none: ArrayRef = Arc::new((0..rows).map(|row| (row == 0).then_some("x")).collect::<StringArray>());
        let metadata: ArrayRef = Arc::new(StructArray::from(vec![
            (Arc::new(Field::new("uid", DataType::Utf8, true)), uid),
            (Arc::new(Field::new("code", DataType::Utf8, true)), none),
        ]));
        let mut labels = ListBuilder::new(StringBuilder::new());
        let mut unmapped = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for row in 0..rows {
            labels.values().append_value("pii");
            labels.append(row == 0);
            unmapped.keys().append_value("k");
            unmapped.values().append_value("line\nbreak");
            unmapped.append(true).expect("equal lengths");
        }
        let time: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let batch = RecordBatch::try_from_iter(vec![
            ("metadata", metadata),
            ("labels", Arc::new(labels.finish()) as ArrayRef),
            ("unmapped", Arc::new(unmapped.finish()) as ArrayRef),
            ("time", time),
        ])
        .expect("columns fit");
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
        writer.write(&batch).expect("written");
        writer.into_inner().expect("finished")
    }

    fn read(bytes: &[u8]) -> (Vec<Value>, Vec<String>, bool) {
        let (mut records, mut bad) = (Vec::new(), Vec::new());
        let lost = each_row(file(bytes), &mut |item| {
            match item {
                Item::Record(record) => {
                    assert_eq!(record.place.offset, records.len() as u64);
                    records.push(serde_json::from_slice(record.bytes).expect("JSON"));
                }
                Item::Bad(refused) => bad.push(format!("{}: {}", refused.place.offset, refused.detail)),
                other => panic!("{other:?}"),
            }
            Ok(())
        });
        (records, bad, lost.expect("read"))
    }

    #[test]
    fn rows_are_records() {
        let (records, bad, lost) = read(&parquet(2));
        assert_eq!((bad.len(), lost), (0, false));
        let first = json!({"metadata": {"uid": "e-0", "code": "x"}, "labels": ["pii"],
            "unmapped": {"k": "line\nbreak"}, "time": 0});
        let second = json!({"metadata": {"uid": "e-1"}, "unmapped": {"k": "line\nbreak"}, "time": 1});
        assert_eq!(records, [first, second]);
        assert_eq!(read(&parquet(1_000)).0.len(), 1_000);
        assert_eq!(read(&parquet(0)), (Vec::new(), Vec::new(), false));
    }

    #[test]
    fn parquet_is_told_by_its_first_bytes() {
        for bytes in [parquet(3), b"{\"a\":1}".to_vec(), b"PA".to_vec(), Vec::new()] {
            let stream = Opened::Stream(Box::new(Cursor::new(bytes.clone())));
            for opened in [Opened::File(file(&bytes)), stream] {
                let mut again = Vec::new();
                let is_parquet = match Form::of(opened).expect("read") {
                    Form::Parquet(mut file) => file.read_to_end(&mut again).map(|_| true),
                    Form::Other(mut other) => other.read_to_end(&mut again).map(|_| false),
                };
                assert_eq!(is_parquet.expect("read"), bytes.starts_with(MAGIC));
                assert_eq!(again, bytes, "nothing is lost by looking");
            }
        }
    }

    #[test]
    fn a_damaged_file_counts_what_it_lost() {
        let whole = parquet(1_000);
        let (records, bad, lost) = read(&whole[..whole.len() / 2]);
        assert_eq!((records.len(), lost), (0, true), "without its end a file says nothing");
        assert_eq!(bad, ["0: the Parquet file is cut off or damaged from this row on"]);
        let mut spoilt = whole.clone();
        spoilt[4..200].fill(0xff);
        let (records, bad, lost) = read(&spoilt);
        assert_eq!((bad.len(), lost), (1, true), "{} records", records.len());
    }
}
