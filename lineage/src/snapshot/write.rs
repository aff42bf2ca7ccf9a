//! A graph as Arrow batches.

use std::sync::Arc;

use datafusion_common::arrow::array::{
    ArrayRef, ListArray, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray, UInt32Array,
    UInt32Builder, UInt64Array,
};
use datafusion_common::arrow::buffer::{OffsetBuffer, ScalarBuffer};
use datafusion_common::arrow::datatypes::{DataType, Field};
use datafusion_common::arrow::error::ArrowError;
use datafusion_common::arrow::ipc::writer::FileWriter;
use petgraph::Direction;

use super::Snapshot;
use crate::facts::{DatasetName, JobFact, JobName, Node};
use crate::graph::{Graph, GraphError, NodeAbout, Rows};
use crate::words::{dataset_word, operation_word};

/// The zone of every instant.
pub(super) const ZONE: &str = "UTC";

/// The files of a graph, in the order of their names.
pub(super) fn files(graph: &Graph) -> Result<Vec<(&'static str, Vec<u8>)>, GraphError> {
    let batches = [
        nodes(graph),
        names(graph),
        rows(graph.rows(Direction::Outgoing)),
        rows(graph.rows(Direction::Incoming)),
        attributes(graph),
    ];
    let file = |(name, batch): (&'static str, Result<RecordBatch, ArrowError>)| {
        let bytes = batch.and_then(|batch| bytes(&batch));
        let wrong = |error: ArrowError| GraphError::Snapshot { file: name, reason: error.to_string() };
        Ok((name, bytes.map_err(wrong)?))
    };
    Snapshot::NAMES.into_iter().zip(batches).map(file).collect()
}

fn bytes(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = FileWriter::try_new(Vec::new(), batch.schema_ref())?;
    writer.write(batch)?;
    writer.finish()?;
    writer.into_inner()
}

/// Columns with their names and whether they may be absent, so that an empty one has the type of a full one.
fn batch<const N: usize>(columns: [(&str, ArrayRef, bool); N]) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable(columns)
}

fn nodes(graph: &Graph) -> Result<RecordBatch, ArrowError> {
    let (keys, texts, about, _) = graph.nodes().parts();
    batch([
        ("id", Arc::new(keys.clone()), false),
        ("text", Arc::new(texts.clone()), false),
        ("about", Arc::new(UInt32Array::new(about.clone(), None)), false),
    ])
}

fn rows(rows: &Rows) -> Result<RecordBatch, ArrowError> {
    let starts = rows.starts();
    // The same bytes: an edge is counted below 2^31.
    let offsets = ScalarBuffer::<i32>::new(starts.inner().clone(), 0, starts.len());
    let edges = UInt64Array::new(rows.entries().clone(), None);
    let field = Arc::new(Field::new("edge", DataType::UInt64, false));
    let list = ListArray::try_new(field, OffsetBuffer::new(offsets), Arc::new(edges), None)?;
    batch([("edges", Arc::new(list), false)])
}

fn attributes(graph: &Graph) -> Result<RecordBatch, ArrowError> {
    let all = || graph.attributes().iter();
    let instants = |array: TimestampMicrosecondArray| Arc::new(array.with_timezone(ZONE));
    let from = TimestampMicrosecondArray::from_iter_values(all().map(|one| one.interval_us().0));
    let to: TimestampMicrosecondArray = all().map(|one| one.interval_us().1).collect();
    batch([
        ("job", Arc::new(UInt32Array::from_iter_values(all().map(|one| one.job))), false),
        ("kinds", Arc::new(UInt32Array::from_iter_values(all().map(|one| one.kinds.bits()))), false),
        ("cap", Arc::new(StringArray::from_iter_values(all().map(|one| one.cap.as_str()))), false),
        ("certainty", Arc::new(StringArray::from_iter_values(all().map(|one| one.certainty.as_str()))), false),
        ("gap", Arc::new(all().map(|one| one.gap.map(|gap| gap.as_str())).collect::<StringArray>()), true),
        ("valid_from", instants(from), false),
        ("valid_to", instants(to), true),
    ])
}

/// A row of `names`: what nodes share, or a job.
#[derive(Default)]
struct Row<'a> {
    of: &'static str,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    /// The kind of a dataset, the type of a column.
    word: Option<&'a str>,
    class: Option<&'a str>,
    owners: Vec<&'a str>,
    tags: Vec<&'a str>,
    operations: Vec<&'a str>,
    inputs: Vec<u32>,
    outputs: Vec<u32>,
    last_run_us: Option<i64>,
}

impl<'a> Row<'a> {
    fn of_about(about: &'a NodeAbout) -> Self {
        let tags = about.tags().iter().map(String::as_str).collect();
        match about {
            NodeAbout::Dataset { namespace, kind, owners, .. } => Self {
                of: "dataset",
                namespace: Some(namespace),
                word: Some(dataset_word(*kind)),
                owners: owners.iter().map(String::as_str).collect(),
                tags,
                ..Self::default()
            },
            NodeAbout::Column { type_word, class, .. } => {
                Self { of: "column", word: type_word.as_deref(), class: class.as_deref(), tags, ..Self::default() }
            }
        }
    }

    fn of_job(graph: &Graph, name: &'a JobName, fact: &'a JobFact) -> Self {
        // Every dataset that a job names is a node.
        let number = |name: &DatasetName| graph.find(&Node::Dataset(name.clone()));
        Self {
            of: "job",
            namespace: Some(&name.namespace),
            name: Some(&name.name),
            operations: fact.operations.iter().map(|one| operation_word(*one)).collect(),
            inputs: fact.inputs.iter().filter_map(number).collect(),
            outputs: fact.outputs.iter().filter_map(number).collect(),
            last_run_us: fact.last_run_at.map(|at| at.timestamp_micros()),
            ..Self::default()
        }
    }
}

fn names(graph: &Graph) -> Result<RecordBatch, ArrowError> {
    let (.., abouts) = graph.nodes().parts();
    let jobs = graph.jobs().iter().map(|(name, fact)| Row::of_job(graph, name, fact));
    let rows: Vec<Row<'_>> = abouts.iter().map(Row::of_about).chain(jobs).collect();
    let text = |get: for<'r> fn(&'r Row<'_>) -> Option<&'r str>| -> ArrayRef {
        let mut texts = StringBuilder::new();
        rows.iter().for_each(|row| texts.append_option(get(row)));
        Arc::new(texts.finish())
    };
    let texts = |get: for<'r> fn(&'r Row<'_>) -> Vec<&'r str>| -> ArrayRef {
        let mut texts = ListBuilder::new(StringBuilder::new());
        rows.iter().for_each(|row| texts.append_value(get(row).into_iter().map(Some)));
        Arc::new(texts.finish())
    };
    let numbers = |get: for<'r> fn(&'r Row<'_>) -> &'r [u32]| -> ArrayRef {
        let mut numbers = ListBuilder::new(UInt32Builder::new());
        rows.iter().for_each(|row| numbers.append_value(get(row).iter().copied().map(Some)));
        Arc::new(numbers.finish())
    };
    let last_run: TimestampMicrosecondArray = rows.iter().map(|row| row.last_run_us).collect();
    batch([
        ("of", text(|row| Some(row.of)), false),
        ("namespace", text(|row| row.namespace), true),
        ("name", text(|row| row.name), true),
        ("word", text(|row| row.word), true),
        ("class", text(|row| row.class), true),
        ("owners", texts(|row| row.owners.clone()), false),
        ("tags", texts(|row| row.tags.clone()), false),
        ("operations", texts(|row| row.operations.clone()), false),
        ("inputs", numbers(|row| &row.inputs), false),
        ("outputs", numbers(|row| &row.outputs), false),
        ("last_run_at", Arc::new(last_run.with_timezone(ZONE)), true),
    ])
}
