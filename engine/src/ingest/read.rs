//! Inputs, one after the other, into batches of rows for the sort. Runs on a blocking thread.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use arrow::datatypes::Fields;
use arrow::record_batch::RecordBatch;
use schemas::{ColumnType, Dataset};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::built_in::{BuiltIn, shape};
use super::columns::{Columns, Origin};
use super::decimal::keeps_every_digit;
use super::input::{InputFolder, Opened};
use super::json_columns::{InferredType, decode};
use super::mapping::SqlMapping;
use super::merge::{Places, Touched};
use super::parquet_rows::{Form, each_row};
use super::plan::{Plan, PlannedInput};
use super::records::{Again, Bad, Item, Place, Record, RejectKind, Shape, Splitter, parse_strict};
use super::rejects::{Refuse, Rejects};
use super::replay;
use super::sort::Handed;
use super::{IngestCounts, IngestProgress, decode as decoding};
use crate::error::EngineError;
use crate::store::Lakefront;

/// Records mapped at a time.
const BATCH_RECORDS: usize = 8_192;
/// Bytes of records held at a time.
const BATCH_BYTES: usize = 8 << 20;

/// Where the inputs of a plan lie.
#[derive(Debug, Clone)]
pub(crate) enum Inputs {
    /// Source objects.
    Folder(InputFolder),
    /// Files of refused records in the lake.
    Rejected(Lakefront),
}

impl Inputs {
    /// Calls `each` for every item of one input; the result says whether the input was cut off.
    pub(crate) fn each_item(
        &self,
        runtime: &Handle,
        input: &PlannedInput,
        shape: Shape,
        each: &mut dyn FnMut(Item<'_>) -> Result<(), EngineError>,
    ) -> Result<bool, EngineError> {
        match self {
            Self::Folder(folder) => each_item(folder, runtime, input, shape, each),
            Self::Rejected(lake) => replay::each_item(lake, runtime, input, each).map(|()| false),
        }
    }

    /// Fails when an input is no longer the planned version.
    pub(crate) async fn unchanged(&self, input: &PlannedInput) -> Result<(), EngineError> {
        match self {
            Self::Folder(folder) => folder.unchanged(input).await,
            Self::Rejected(lake) => replay::unchanged(lake, input).await,
        }
    }
}

fn each_item(
    folder: &InputFolder,
    runtime: &Handle,
    input: &PlannedInput,
    shape: Shape,
    each: &mut dyn FnMut(Item<'_>) -> Result<(), EngineError>,
) -> Result<bool, EngineError> {
    let unreadable = |error: std::io::Error| EngineError::Input {
        path: input.path.clone(),
        why: format!("it cannot be read ({error})"),
    };
    let bytes = match runtime.block_on(folder.open(input))? {
        opened if shape == Shape::Ocsf => match Form::of(opened).map_err(unreadable)? {
            Form::Parquet(file) => return each_row(file, each),
            Form::Other(bytes) => bytes,
        },
        Opened::File(file) => Box::new(file),
        Opened::Stream(stream) => stream,
    };
    let decoded = decoding::decoded(bytes).map_err(unreadable)?;
    let mut splitter = Splitter::new(decoded, shape);
    while let Some(item) = splitter.next().map_err(unreadable)? {
        each(item)?;
    }
    Ok(splitter.truncated())
}

/// The types of all records of the plan's inputs: a first pass, so that every batch has the same columns.
pub(crate) fn infer(inputs: &Inputs, runtime: &Handle, plan: &Plan) -> Result<Fields, EngineError> {
    let mut inferred = InferredType::default();
    for input in &plan.inputs {
        inputs.each_item(runtime, input, Shape::Ndjson, &mut |item| {
            if let Item::Record(record) | Item::Again(Again { record, .. }) = item
                && let Ok(value) = parse_strict(record.bytes)
            {
                inferred.observe(&value);
            }
            Ok(())
        })?;
    }
    if inferred.left_out() {
        return Err(EngineError::Input {
            path: plan.inputs.first().map(|input| input.path.clone()).unwrap_or_default(),
            why: "its records have more than 2,000 different keys; put what varies below one key".to_owned(),
        });
    }
    Ok(inferred.to_fields())
}

/// How a record becomes a row.
pub(crate) enum Mapper {
    /// One that ships.
    BuiltIn(BuiltIn),
    /// SQL of one's own.
    Sql(Box<SqlMapping>, Fields),
    /// The records are rows already.
    ByName(Fields),
}

/// What reading came to.
pub(crate) struct ReadOut {
    pub(crate) counts: Vec<IngestCounts>,
    pub(crate) truncated: Vec<String>,
    pub(crate) rejects: Rejects,
}

/// Reads every input of a plan.
pub(crate) struct Reader {
    pub(crate) inputs: Inputs,
    pub(crate) runtime: Handle,
    pub(crate) plan: Arc<Plan>,
    pub(crate) dataset: Dataset,
    pub(crate) columns: Columns,
    pub(crate) mapper: Mapper,
    pub(crate) rows: mpsc::Sender<Handed>,
    pub(crate) touched: Touched,
    pub(crate) progress: Arc<IngestProgress>,
}

/// Records waiting to be mapped together.
#[derive(Default)]
struct Waiting {
    values: Vec<Value>,
    records: Vec<(Place, Vec<u8>)>,
    origins: Vec<Origin>,
    bytes: usize,
}

impl Reader {
    /// Reads all inputs and hands their rows to the sort.
    pub(crate) fn read(mut self) -> Result<ReadOut, EngineError> {
        let plan = Arc::clone(&self.plan);
        let exact = self.dataset.schema.columns.iter().any(|column| matches!(column.kind, ColumnType::Dec { .. }));
        let mut out = ReadOut { counts: Vec::new(), truncated: Vec::new(), rejects: Rejects::new(&plan) };
        for (number, input) in plan.inputs.iter().enumerate() {
            let mut counts = IngestCounts::default();
            let mut waiting = Waiting::default();
            let (inputs, runtime, shape) = (self.inputs.clone(), self.runtime.clone(), shape(plan.format));
            let truncated = inputs.each_item(&runtime, input, shape, &mut |item| {
                counts.read += 1;
                IngestProgress::add(&self.progress.records, 1);
                let before = match &item {
                    Item::Again(again) => Some(Arc::new((again.source.to_owned(), again.offset))),
                    _ => None,
                };
                match item {
                    Item::Skipped { .. } => counts.skipped += 1,
                    Item::Bad(bad) => {
                        counts.rejected += 1;
                        out.rejects.push((&input.path, &input.etag), None, &bad)?;
                    }
                    Item::Record(record) | Item::Again(Again { record, .. })
                        if exact && !keeps_every_digit(record.bytes) =>
                    {
                        counts.rejected += 1;
                        let why = "a number has more digits than readers of JSON keep; write it as a text".to_owned();
                        out.rejects.push((&input.path, &input.etag), None, &record.rejected(RejectKind::Type, why))?;
                    }
                    Item::Record(record) | Item::Again(Again { record, .. }) => match parse_strict(record.bytes) {
                        Ok(value) => waiting.take(&record, value, before),
                        Err(why) => {
                            counts.rejected += 1;
                            let bad = record.rejected(RejectKind::Syntax, why);
                            out.rejects.push((&input.path, &input.etag), None, &bad)?;
                        }
                    },
                }
                if waiting.values.len() >= BATCH_RECORDS || waiting.bytes >= BATCH_BYTES {
                    self.map(number, std::mem::take(&mut waiting), &mut counts, &mut out.rejects)?;
                }
                Ok(())
            })?;
            self.map(number, waiting, &mut counts, &mut out.rejects)?;
            if truncated {
                out.truncated.push(input.path.clone());
            }
            out.counts.push(counts);
            IngestProgress::add(&self.progress.files, 1);
        }
        Ok(out)
    }

    fn map(
        &mut self,
        number: usize,
        waiting: Waiting,
        counts: &mut IngestCounts,
        rejects: &mut Rejects,
    ) -> Result<(), EngineError> {
        if waiting.values.is_empty() {
            return Ok(());
        }
        let input = &self.plan.inputs[number];
        let source = (i32::try_from(number).unwrap_or(i32::MAX), input.path.as_str());
        let columns = &self.columns;
        let mut refuse = |row: usize, kind: RejectKind, why: String, tenant: Option<&str>| {
            counts.rejected += 1;
            rejects.push((&input.path, &input.etag), tenant, &waiting.rejected(row, kind, why))
        };
        let batches = match &mut self.mapper {
            Mapper::BuiltIn(mapping) => {
                let mapped = mapping.map(columns, source, &waiting.values, &waiting.origins, &mut refuse)?;
                counts.skipped += mapped.skipped;
                vec![mapped.rows]
            }
            Mapper::ByName(fields) => {
                let mapped = by_name(fields, &waiting.values)?;
                vec![
                    columns.conform(source, &mapped, &waiting.origins, &mut |row, kind, why| {
                        refuse(row, kind, why, None)
                    })?,
                ]
            }
            Mapper::Sql(mapping, fields) => {
                let mut mapped = Mapped { mapping, fields, runtime: &self.runtime, left_out: 0, batches: Vec::new() };
                mapped.run(columns, source, &waiting, 0..waiting.values.len(), &mut refuse)?;
                counts.skipped += mapped.left_out;
                mapped.batches
            }
        };
        batches.into_iter().try_for_each(|batch| self.hand_over(batch))
    }

    fn hand_over(&self, batch: RecordBatch) -> Result<(), EngineError> {
        let places = Places::of(&self.dataset, &batch);
        let touched: HashSet<_> = (0..batch.num_rows()).map(|row| places.of_row(row)).collect();
        let touched = touched.into_iter().map(|(tenant, day)| (tenant.to_owned(), day));
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).extend(touched);
        // The sort hangs up only when it has failed, and then its own error is the one to show.
        drop(self.rows.blocking_send(Ok(batch)));
        Ok(())
    }
}

impl Waiting {
    fn take(&mut self, record: &Record<'_>, value: Value, before: Option<Arc<(String, u64)>>) {
        self.bytes += record.bytes.len();
        self.values.push(value);
        let hash = Sha256::digest(record.bytes).into();
        self.origins.push(Origin { offset: record.place.offset, hash, before });
        self.records.push((record.place, record.bytes.to_vec()));
    }

    fn rejected(&self, row: usize, kind: RejectKind, why: String) -> Bad {
        let (place, bytes) = &self.records[row];
        Record { place: *place, bytes }.rejected(kind, why)
    }
}

fn by_name(fields: &Fields, values: &[Value]) -> Result<RecordBatch, EngineError> {
    let arrays = decode(fields, values);
    RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields.clone())), arrays)
        .map_err(|error| EngineError::Bug { what: format!("records do not form a batch ({error})") })
}

/// One batch on its way through SQL; halved until a record whose expression fails stands alone.
struct Mapped<'a> {
    mapping: &'a SqlMapping,
    fields: &'a Fields,
    runtime: &'a Handle,
    left_out: u64,
    batches: Vec<RecordBatch>,
}

impl Mapped<'_> {
    fn run(
        &mut self,
        columns: &Columns,
        source: (i32, &str),
        waiting: &Waiting,
        rows: std::ops::Range<usize>,
        refuse: &mut Refuse<'_>,
    ) -> Result<(), EngineError> {
        let input = self.mapping.input(decode(self.fields, &waiting.values[rows.clone()]), rows.len())?;
        let (mapped, numbers) = match self.runtime.block_on(self.mapping.map(&input)) {
            Ok(mapped) => mapped,
            Err(EngineError::Sql { source: error, .. }) if rows.len() == 1 => {
                let why = format!("the mapping fails on it ({})", kind_of(&error));
                return refuse(rows.start, RejectKind::Type, why, None);
            }
            Err(EngineError::Sql { .. }) => {
                let middle = rows.start + rows.len() / 2;
                self.run(columns, source, waiting, rows.start..middle, refuse)?;
                return self.run(columns, source, waiting, middle..rows.end, refuse);
            }
            Err(error) => return Err(error),
        };
        self.left_out += (rows.len() - numbers.len()) as u64;
        let records: Vec<usize> = numbers.iter().map(|number| rows.start + number).collect();
        let origins: Vec<Origin> = records.iter().map(|record| waiting.origins[*record].clone()).collect();
        let batch =
            columns.conform(source, &mapped, &origins, &mut |row, kind, why| refuse(records[row], kind, why, None))?;
        self.batches.push(batch);
        Ok(())
    }
}

/// What kind of error, without its text: that may hold a value of the record.
fn kind_of(error: &datafusion::error::DataFusionError) -> &'static str {
    use datafusion::error::DataFusionError as E;
    match error.find_root() {
        E::ArrowError(inner, _) => match inner.as_ref() {
            arrow::error::ArrowError::CastError(_) => "cast",
            arrow::error::ArrowError::DivideByZero => "division by zero",
            arrow::error::ArrowError::ArithmeticOverflow(_) => "overflow",
            arrow::error::ArrowError::ParseError(_) => "parse",
            _ => "arithmetic",
        },
        _ => "execution",
    }
}
