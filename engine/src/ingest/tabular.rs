//! Sources whose records are rows of a table: CSV and Parquet.
//!
//! An object gives chunks of rows as Arrow columns, and beside each row where it stands and its bytes: those of the
//! object for CSV, those of [`canonical`] for Parquet. All objects of a work have one set of columns, found in a first
//! pass over first lines and footers: a column that an object lacks is null in its rows.
//!
//! An object that is no table is one refused record, with its own reason, and costs no other object.
//! Absent: the meaning of columns, which the mapping knows.

mod aws_cur;
mod built_in;
mod canonical;
mod columns;
mod csv_records;
mod csv_table;
mod focus;
mod given;
mod mapper;
mod parquet_rows;
mod plain;

use std::io::Read;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, Fields};
use schemas::IngestFormat;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

pub(crate) use csv_table::{CsvTable, csv_table};
pub(crate) use mapper::TableMapper;
pub(crate) use plain::micros;

use super::decode::decoded;
use super::input::InputFolder;
use super::plan::{Plan, PlannedInput};
use super::read::{BATCH_BYTES, BATCH_RECORDS};
use super::records::{Bad, Item, Place, Record, RejectKind};
use crate::error::EngineError;
use columns::{FileColumns, Union};
use csv_records::{CsvRecords, Opened, fields, whole};
use parquet_rows::ParquetRows;

/// First bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// How the objects of a work are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Csv,
    Parquet,
    /// One or the other, told apart by content.
    Either,
}

impl Form {
    /// The form of a format's objects, where they are tables.
    pub(crate) fn of(format: IngestFormat) -> Option<Self> {
        match format {
            IngestFormat::Csv => Some(Self::Csv),
            IngestFormat::Parquet => Some(Self::Parquet),
            IngestFormat::Focus | IngestFormat::AwsCur => Some(Self::Either),
            IngestFormat::Cloudtrail | IngestFormat::Kubernetes | IngestFormat::Ndjson | IngestFormat::Ocsf => None,
        }
    }
}

/// Rows that are mapped together.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The columns of the work, in their order.
    pub(crate) columns: Vec<ArrayRef>,
    /// Where each row stands, and its bytes.
    pub(crate) records: Vec<(Place, Vec<u8>)>,
}

impl Chunk {
    /// A row, refused.
    pub(crate) fn rejected(&self, row: usize, kind: RejectKind, why: String) -> Bad {
        let (place, bytes) = &self.records[row];
        Record { place: *place, bytes }.rejected(kind, why)
    }
}

/// What comes next of an object.
#[derive(Debug)]
pub(crate) enum Piece {
    Rows(Chunk),
    Bad(Bad),
}

/// Opens the objects of a work.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    folder: InputFolder,
    runtime: Handle,
    form: Form,
    /// Columns that an object must have; one without them is refused whole.
    needed: &'static [&'static str],
}

/// Hears of each piece.
type Each<'a> = dyn FnMut(Piece) -> Result<(), EngineError> + 'a;

/// An object, ready to be read.
enum Table {
    Csv(Box<CsvRecords<Box<dyn Read + Send>>>, FileColumns),
    Parquet(ParquetRows),
}

impl Tables {
    /// Objects of this form; to be made where a runtime is.
    pub(crate) fn new(folder: &InputFolder, form: Form) -> Self {
        Self { folder: folder.clone(), runtime: Handle::current(), form, needed: &[] }
    }

    /// The same, without objects that lack one of these columns.
    fn that_have(self, needed: &'static [&'static str]) -> Self {
        Self { needed, ..self }
    }

    /// Calls `each` for every row of one object.
    pub(crate) fn each_record(
        &self,
        input: &PlannedInput,
        each: &mut dyn FnMut(Record<'_>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let rows = self.each(input, &Fields::empty(), &mut |piece| {
            let Piece::Rows(chunk) = piece else { return Ok(()) };
            chunk.records.iter().try_for_each(|(place, bytes)| each(Record { place: *place, bytes }))
        });
        rows.map(drop)
    }

    /// The columns of all objects together; those that cannot be read add none.
    ///
    /// # Errors
    /// When no object can be read as a table, or when the objects have too many columns.
    pub(crate) fn survey(&self, plan: &Plan) -> Result<Fields, EngineError> {
        let mut union = Union::default();
        let mut unreadable = None;
        let mut readable = false;
        for input in &plan.inputs {
            match self.open(input)? {
                Ok(table) => {
                    readable = true;
                    union.take(table.columns(), &input.path)?;
                }
                Err(why) => unreadable = unreadable.or(Some((input, why))),
            }
        }
        match unreadable {
            Some((input, why)) if !readable => Err(EngineError::Input { path: input.path.clone(), why }),
            _ => Ok(union.fields()),
        }
    }

    /// Calls `each` for every piece of one object; the result says whether the object was cut off or damaged.
    pub(crate) fn each(&self, input: &PlannedInput, fields: &Fields, each: &mut Each<'_>) -> Result<bool, EngineError> {
        match self.open(input)? {
            Ok(Table::Csv(csv, columns)) => each_csv(input, *csv, &columns, fields, each),
            Ok(Table::Parquet(parquet)) => {
                let mut damaged = false;
                parquet.each(fields, each, &mut |place, why, each| {
                    damaged = true;
                    each(Piece::Bad(self.whole(input, place, why)?))
                })?;
                Ok(damaged)
            }
            Err(why) => {
                each(Piece::Bad(self.whole(input, Place { offset: 0, line: 1, number: 1 }, why)?))?;
                Ok(false)
            }
        }
    }

    /// SHA-256 in hex of an object's content: what is left once it is decompressed.
    pub(crate) fn hash(&self, input: &PlannedInput) -> Result<String, EngineError> {
        let mut content = decoded(self.stored(input)?).map_err(|error| unreadable(input, &error))?;
        let mut hash = Sha256::new();
        let mut chunk = vec![0; 64 * 1024];
        loop {
            match content.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => hash.update(&chunk[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if super::decode::input_failed(&error) => return Err(unreadable(input, &error)),
                // Cut off or damaged: what there is names it, and reading it says so.
                Err(_) => break,
            }
        }
        Ok(crate::hex(&hash.finalize()))
    }

    fn stored(&self, input: &PlannedInput) -> Result<Box<dyn Read + Send>, EngineError> {
        Ok(self.runtime.block_on(self.folder.open(input))?.into_read())
    }

    /// Opens an object, or says why it is no table that can be read.
    fn open(&self, input: &PlannedInput) -> Result<Result<Table, String>, EngineError> {
        let parquet = match self.form {
            Form::Csv => false,
            Form::Parquet => true,
            Form::Either => {
                let mut magic = Vec::with_capacity(PARQUET.len());
                let first = self.stored(input)?.take(PARQUET.len() as u64).read_to_end(&mut magic);
                first.map_err(|error| unreadable(input, &error))?;
                magic == PARQUET
            }
        };
        let opened = if parquet { self.open_parquet(input)? } else { self.open_csv(input)? };
        Ok(opened.and_then(|table| {
            let names = table.columns().names();
            // An empty object has no rows that could lack anything.
            let lacks = self.needed.iter().find(|name| !names.is_empty() && !names.iter().any(|other| other == *name));
            match lacks {
                Some(name) => Err(format!("it has no column \"{name}\"")),
                None => Ok(table),
            }
        }))
    }

    fn open_csv(&self, input: &PlannedInput) -> Result<Result<Table, String>, EngineError> {
        let content = decoded(self.stored(input)?).map_err(|error| unreadable(input, &error))?;
        Ok(match CsvRecords::open(content).map_err(|error| unreadable(input, &error))? {
            Opened::Records(csv, names) => {
                let kinds = names.iter().map(|_| DataType::Utf8).collect();
                Ok(Table::Csv(Box::new(csv), FileColumns::new(names, kinds)))
            }
            Opened::Unreadable(why) => Err(format!("it cannot be read as CSV: {why}")),
        })
    }

    fn open_parquet(&self, input: &PlannedInput) -> Result<Result<Table, String>, EngineError> {
        let opened = self.runtime.block_on(self.folder.open(input))?;
        let file = opened.into_file().map_err(|error| unreadable(input, &error))?;
        Ok(ParquetRows::open(file).map(Table::Parquet).map_err(|why| format!("it cannot be read as Parquet: {why}")))
    }

    /// The object as one refused record.
    fn whole(&self, input: &PlannedInput, place: Place, why: String) -> Result<Bad, EngineError> {
        whole(self.stored(input)?, place, why).map_err(|error| unreadable(input, &error))
    }
}

impl Table {
    fn columns(&self) -> &FileColumns {
        match self {
            Self::Csv(_, columns) => columns,
            Self::Parquet(parquet) => parquet.columns(),
        }
    }
}

fn each_csv(
    input: &PlannedInput,
    mut csv: CsvRecords<Box<dyn Read + Send>>,
    columns: &FileColumns,
    work: &Fields,
    each: &mut Each<'_>,
) -> Result<bool, EngineError> {
    let separator = csv.separator();
    let mut waiting = Lines::new(columns.names().len());
    while let Some(item) = csv.next().map_err(|error| unreadable(input, &error))? {
        match item {
            Item::Record(record) => {
                if let Err(bad) = waiting.take(&record, separator) {
                    each(Piece::Bad(bad))?;
                }
            }
            Item::Bad(bad) => each(Piece::Bad(bad))?,
            // Only a reader of refused records gives out the latter.
            Item::Skipped { .. } | Item::Again(_) => {}
        }
        if waiting.records.len() >= BATCH_RECORDS || waiting.bytes >= BATCH_BYTES {
            each(Piece::Rows(waiting.chunk(columns, work)?))?;
        }
    }
    if !waiting.records.is_empty() {
        each(Piece::Rows(waiting.chunk(columns, work)?))?;
    }
    Ok(csv.truncated())
}

/// Lines on their way into a chunk.
struct Lines {
    columns: Vec<StringBuilder>,
    records: Vec<(Place, Vec<u8>)>,
    bytes: usize,
}

impl Lines {
    fn new(columns: usize) -> Self {
        Self { columns: (0..columns).map(|_| StringBuilder::new()).collect(), records: Vec::new(), bytes: 0 }
    }

    fn take(&mut self, record: &Record<'_>, separator: u8) -> Result<(), Bad> {
        let refused = |why: String| record.rejected(RejectKind::Syntax, why);
        let line = std::str::from_utf8(record.bytes).map_err(|_| refused("the record is no UTF-8 text".to_owned()))?;
        let fields = fields(line, separator).ok_or_else(|| refused("its quotes do not fit".to_owned()))?;
        if fields.len() != self.columns.len() {
            let (found, named) = (fields.len(), self.columns.len());
            return Err(refused(format!("the record has {found} fields, the first line names {named}")));
        }
        self.columns.iter_mut().zip(&fields).for_each(|(column, field)| column.append_value(field));
        self.bytes += record.bytes.len();
        self.records.push((record.place, record.bytes.to_vec()));
        Ok(())
    }

    fn chunk(&mut self, columns: &FileColumns, work: &Fields) -> Result<Chunk, EngineError> {
        let texts: Vec<ArrayRef> =
            self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        self.bytes = 0;
        let records = std::mem::take(&mut self.records);
        Ok(Chunk { columns: columns.fit(&texts, records.len(), work)?, records })
    }
}

fn unreadable(input: &PlannedInput, error: &std::io::Error) -> EngineError {
    EngineError::Input { path: input.path.clone(), why: format!("it cannot be read ({error})") }
}

/// A nullable column, as foreign tables have them.
fn field(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}
