//! Inputs, one after the other, into batches of rows for the sort. Runs on a blocking thread.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, PoisonError};

use arrow::datatypes::Fields;
use arrow::record_batch::RecordBatch;
use datafusion::logical_expr::LogicalPlan;
use schemas::{Dataset, TableSchema};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::built_in::{BuiltIn, shape};
use super::by_name::ByName;
use super::columns::{Columns, Origin};
use super::input::InputFolder;
use super::json_columns::decode;
use super::mapping::{Mapped, SqlMapping};
use super::merge::{Places, Touched};
use super::parquet_json::{Form, each_row};
use super::plan::{Plan, PlannedInput};
use super::records::{Again, Bad, Item, Parse, Place, Record, RejectKind, Shape, Splitter, parse_exact, parse_strict};
use super::rejects::Rejects;
use super::replay;
use super::sort::Handed;
use super::suppress::Suppressor;
use super::tabular::{Piece, TableMapper};
use super::{IngestCounts, IngestProgress, decode as decoding};
use crate::error::EngineError;
use crate::lake_session::LakeSession;
use crate::session::INGEST_BATCH_ROWS;
use crate::store::Lakefront;

/// Records mapped at a time: as many as the sort hands out at a time. A run of the sort is then one batch, whose memory
/// passes from the run to the merge at once; of several, the merge could lack what the spill took in between.
pub(crate) const BATCH_RECORDS: usize = INGEST_BATCH_ROWS;
/// Bytes of records held at a time.
pub(crate) const BATCH_BYTES: usize = 8 << 20;

/// Bytes of inputs from which on they are read in two parts.
const PARTED_BYTES: u64 = 8 << 20;

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
        opened => opened.into_read(),
    };
    let decoded = decoding::decoded(bytes).map_err(unreadable)?;
    let mut splitter = Splitter::new(decoded, shape);
    while let Some(item) = splitter.next().map_err(unreadable)? {
        each(item)?;
    }
    Ok(splitter.truncated())
}

/// How records are read that become rows of a table: where it has decimals, with all digits.
pub(crate) fn parse(table: &TableSchema) -> Parse {
    if table.has_decimals() { parse_exact } else { parse_strict }
}

/// The inputs in parts that are read side by side. The border follows from the inputs alone, because the parts decide
/// where rejected records lie, and the same work gives the same files on every machine.
pub(crate) fn parts(inputs: &[PlannedInput]) -> Vec<Range<usize>> {
    let bytes: u64 = inputs.iter().map(|input| input.bytes).sum();
    let mut before = 0;
    let border = inputs.iter().position(|input| {
        before += input.bytes;
        before * 2 >= bytes
    });
    match border.map(|last| last + 1) {
        Some(border) if bytes >= PARTED_BYTES && border < inputs.len() => vec![0..border, border..inputs.len()],
        _ => std::iter::once(0..inputs.len()).collect(),
    }
}

/// How a record becomes a row.
pub(crate) enum Mapper {
    /// One that ships.
    BuiltIn(BuiltIn),
    /// SQL of one's own.
    Sql(Box<SqlMapping>, Fields),
    /// The records are rows already.
    ByName(ByName),
    /// Rows of CSV or Parquet, with a mapping of their own.
    Table(Box<TableMapper>),
}

impl Mapper {
    /// The mapping in SQL as it was written, where there is one.
    pub(crate) fn analysed(&self) -> Option<&LogicalPlan> {
        match self {
            Self::Sql(mapping, _) => Some(&mapping.analysed),
            Self::Table(mapper) => mapper.analysed(),
            Self::BuiltIn(_) | Self::ByName(_) => None,
        }
    }

    /// A second one that does the same, for another reader; none where one reads all.
    pub(crate) async fn twin(&self, session: &LakeSession, plan: &Plan) -> Result<Option<Self>, EngineError> {
        Ok(match (self, &plan.mapping) {
            (Self::BuiltIn(mapping), _) => Some(Self::BuiltIn(mapping.clone())),
            (Self::ByName(reader), _) => Some(Self::ByName(reader.clone())),
            (Self::Sql(_, fields), Some((name, sql))) => {
                let mapping = SqlMapping::plan(session, name, sql, fields).await?;
                Some(Self::Sql(Box::new(mapping), fields.clone()))
            }
            (Self::Sql(..), None) | (Self::Table(_), _) => None,
        })
    }
}

/// What reading came to.
pub(crate) struct ReadOut {
    pub(crate) counts: Vec<IngestCounts>,
    pub(crate) truncated: Vec<String>,
    pub(crate) rejects: Rejects,
}

impl ReadOut {
    /// This part, and behind it the next one.
    pub(crate) fn then(mut self, mut next: Self) -> Result<Self, EngineError> {
        self.counts.append(&mut next.counts);
        self.truncated.append(&mut next.truncated);
        Ok(Self { rejects: self.rejects.then(next.rejects)?, ..self })
    }
}

/// Reads a part of a plan's inputs.
pub(crate) struct Reader {
    pub(crate) part: Range<usize>,
    pub(crate) inputs: Inputs,
    pub(crate) runtime: Handle,
    pub(crate) plan: Arc<Plan>,
    pub(crate) dataset: Dataset,
    pub(crate) columns: Columns,
    pub(crate) suppressor: Option<Suppressor>,
    pub(crate) mapper: Mapper,
    pub(crate) rows: mpsc::Sender<Handed>,
    pub(crate) touched: Touched,
    pub(crate) progress: Arc<IngestProgress>,
}

/// Records waiting to be mapped together.
#[derive(Default)]
struct Waiting {
    /// What they hold; nothing where they are read by name, straight from their bytes.
    values: Vec<Value>,
    places: Vec<(Place, Range<usize>)>,
    bytes: Vec<u8>,
    origins: Vec<Origin>,
}

impl Reader {
    /// Reads the inputs of its part and hands their rows to the sort.
    pub(crate) fn read(mut self) -> Result<ReadOut, EngineError> {
        let plan = Arc::clone(&self.plan);
        let parse = parse(self.dataset.schema);
        let by_name = matches!(self.mapper, Mapper::ByName(_));
        let mut out = ReadOut { counts: Vec::new(), truncated: Vec::new(), rejects: Rejects::new(&plan) };
        for number in self.part.clone() {
            let input = &plan.inputs[number];
            let mut counts = IngestCounts::default();
            if let Mapper::Table(mapper) = &self.mapper {
                if self.read_table(mapper, number, &mut counts, &mut out.rejects)? {
                    out.truncated.push(input.path.clone());
                }
                out.counts.push(counts);
                IngestProgress::add(&self.progress.files, 1);
                continue;
            }
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
                    Item::Record(record) | Item::Again(Again { record, .. }) if by_name => {
                        waiting.take(&record, before);
                    }
                    Item::Record(record) | Item::Again(Again { record, .. }) => match parse(record.bytes) {
                        Ok(value) => {
                            waiting.take(&record, before);
                            waiting.values.push(value);
                        }
                        Err(why) => {
                            counts.rejected += 1;
                            let bad = record.rejected(RejectKind::Syntax, why);
                            out.rejects.push((&input.path, &input.etag), None, &bad)?;
                        }
                    },
                }
                if waiting.places.len() >= BATCH_RECORDS || waiting.bytes.len() >= BATCH_BYTES {
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

    /// Reads one table; the result says whether it was cut off or damaged.
    fn read_table(
        &self,
        mapper: &TableMapper,
        number: usize,
        counts: &mut IngestCounts,
        rejects: &mut Rejects,
    ) -> Result<bool, EngineError> {
        let input = &self.plan.inputs[number];
        let source = (i32::try_from(number).unwrap_or(i32::MAX), input.path.as_str());
        let (tables, fields) = mapper.tables();
        tables.each(input, &fields, &mut |piece| {
            let chunk = match piece {
                Piece::Rows(chunk) => chunk,
                Piece::Bad(bad) => {
                    counts.read += 1;
                    counts.rejected += 1;
                    IngestProgress::add(&self.progress.records, 1);
                    return rejects.push((&input.path, &input.etag), None, &bad);
                }
            };
            counts.read += chunk.records.len() as u64;
            IngestProgress::add(&self.progress.records, chunk.records.len() as u64);
            let mut refuse = |row: usize, kind: RejectKind, why: String, tenant: Option<&str>| {
                counts.rejected += 1;
                rejects.push((&input.path, &input.etag), tenant, &chunk.rejected(row, kind, why))
            };
            let (batches, left_out) = mapper.map(&self.columns, source, &chunk, &mut refuse)?;
            counts.skipped += left_out;
            batches.into_iter().try_for_each(|batch| self.hand_over(batch, &mut counts.suppressed))
        })
    }

    fn map(
        &mut self,
        number: usize,
        waiting: Waiting,
        counts: &mut IngestCounts,
        rejects: &mut Rejects,
    ) -> Result<(), EngineError> {
        if waiting.places.is_empty() {
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
            Mapper::ByName(reader) => {
                let bytes: Vec<&[u8]> = (0..waiting.places.len()).map(|row| waiting.record(row).bytes).collect();
                vec![reader.map(columns, source, &bytes, &waiting.origins, &mut |row, kind, why| {
                    refuse(row, kind, why, None)
                })?]
            }
            Mapper::Sql(mapping, fields) => {
                let mut mapped = Mapped {
                    mapping,
                    arrays: &|rows| decode(fields, &waiting.values[rows]),
                    complete: &|mapped, _| Ok(mapped),
                    runtime: &self.runtime,
                    left_out: 0,
                    batches: Vec::new(),
                };
                mapped.run(columns, source, &waiting.origins, 0..waiting.values.len(), &mut refuse)?;
                counts.skipped += mapped.left_out;
                mapped.batches
            }
            // Tables come in chunks of their own.
            Mapper::Table(_) => Vec::new(),
        };
        batches.into_iter().try_for_each(|batch| self.hand_over(batch, &mut counts.suppressed))
    }

    fn hand_over(&self, mut batch: RecordBatch, suppressed: &mut u64) -> Result<(), EngineError> {
        if let Some(suppressor) = &self.suppressor {
            let (left, left_out) = suppressor.pass(batch)?;
            batch = left;
            *suppressed += left_out;
        }
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
    fn take(&mut self, record: &Record<'_>, before: Option<Arc<(String, u64)>>) {
        let hash = Sha256::digest(record.bytes).into();
        self.origins.push(Origin { offset: record.place.offset, hash, before });
        let from = self.bytes.len();
        self.bytes.extend_from_slice(record.bytes);
        self.places.push((record.place, from..self.bytes.len()));
    }

    fn record(&self, row: usize) -> Record<'_> {
        let (place, range) = &self.places[row];
        Record { place: *place, bytes: &self.bytes[range.clone()] }
    }

    fn rejected(&self, row: usize, kind: RejectKind, why: String) -> Bad {
        self.record(row).rejected(kind, why)
    }
}
