//! A graph from Arrow batches, without copying its nodes and edges.

use std::collections::BTreeSet;

use chrono::DateTime;
use datafusion_common::arrow::array::{
    Array, AsArray, FixedSizeBinaryArray, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
};
use datafusion_common::arrow::buffer::{Buffer, ScalarBuffer};
use datafusion_common::arrow::datatypes::{TimestampMicrosecondType, UInt32Type, UInt64Type};
use datafusion_common::arrow::ipc::convert::fb_to_schema;
use datafusion_common::arrow::ipc::reader::{FileDecoder, read_footer_length};
use datafusion_common::arrow::ipc::root_as_footer;
use schemas::{Certainty, EdgeKinds, Form, Gap};

use super::Snapshot;
use crate::facts::{DatasetName, JobFact, JobName, Node};
use crate::graph::{Attribute, Graph, GraphError, NodeAbout, Nodes, Rows};
use crate::words::{dataset_kind, operation};

/// What a file lacks, in words.
type Read<T> = Result<T, String>;

/// The graph in files whose bytes are known to be what was written.
pub(super) fn graph(files: [Vec<u8>; 5]) -> Result<Graph, GraphError> {
    let [nodes, names, forward, backward, attributes] = files.map(batch);
    let [in_nodes, in_names, in_forward, in_backward, in_attributes] = Snapshot::NAMES;
    let names = at(in_names, names.and_then(Names::new))?;
    let abouts = at(in_names, names.abouts())?;
    let nodes = at(in_nodes, nodes.and_then(|batch| nodes_of(&batch, abouts)))?;
    let jobs = at(in_names, names.jobs(&nodes))?;
    let attributes = at(in_attributes, attributes.and_then(|batch| attributes_of(&batch, jobs.len())))?;
    let rows = |batch: Read<RecordBatch>| batch.and_then(|batch| rows_of(&batch, nodes.len(), attributes.len()));
    let forward = at(in_forward, rows(forward))?;
    let backward = at(in_backward, rows(backward))?;
    if forward.len() != backward.len() {
        return Err(wrong(in_backward, "it has not as many edges as the other direction"));
    }
    Ok(Graph::from_parts(nodes, jobs, attributes, forward, backward))
}

fn at<T>(file: &'static str, read: Read<T>) -> Result<T, GraphError> {
    read.map_err(|reason| wrong(file, &reason))
}

fn wrong(file: &'static str, reason: &str) -> GraphError {
    GraphError::Snapshot { file, reason: reason.to_owned() }
}

/// The one batch of a file. Its columns are parts of `bytes`.
fn batch(bytes: Vec<u8>) -> Read<RecordBatch> {
    let buffer = Buffer::from_vec(bytes);
    let end = buffer.len().checked_sub(10).ok_or("it is too short")?;
    let (ending, _) = buffer[end..].as_chunks::<10>();
    let length = read_footer_length(ending[0]).map_err(|error| error.to_string())?;
    let start = end.checked_sub(length).ok_or("its footer is too long")?;
    let footer = root_as_footer(&buffer[start..end]).map_err(|error| error.to_string())?;
    let schema = footer.schema().ok_or("it has no schema")?;
    let blocks = footer.recordBatches().filter(|blocks| blocks.len() == 1).ok_or("it has not one batch")?;
    let block = blocks.get(0);
    let number = |given: i64| usize::try_from(given).map_err(|_| "a block has a negative place");
    let (offset, body) = (number(block.offset())?, number(block.bodyLength())?);
    let length = body + number(i64::from(block.metaDataLength()))?;
    if offset.checked_add(length).is_none_or(|block_end| block_end > start) {
        return Err("a block lies outside of it".to_owned());
    }
    let decoder = FileDecoder::new(fb_to_schema(schema).into(), footer.version());
    let batch = decoder.read_record_batch(block, &buffer.slice_with_length(offset, length));
    batch.map_err(|error| error.to_string())?.ok_or_else(|| "it has no batch".to_owned())
}

/// A column by its name, if it is of this type.
fn column<'a, T: 'a>(batch: &'a RecordBatch, name: &str, of: impl Fn(&'a dyn Array) -> Option<&'a T>) -> Read<&'a T> {
    let column = batch.column_by_name(name).and_then(|column| of(column.as_ref()));
    column.ok_or_else(|| format!("it has no column \"{name}\" of the right type"))
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Read<&'a StringArray> {
    column(batch, name, |array| array.as_string_opt::<i32>())
}

fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> Read<&'a UInt32Array> {
    column(batch, name, |array| array.as_primitive_opt::<UInt32Type>())
}

fn instants<'a>(batch: &'a RecordBatch, name: &str) -> Read<&'a TimestampMicrosecondArray> {
    column(batch, name, |array| array.as_primitive_opt::<TimestampMicrosecondType>())
}

fn nodes_of(batch: &RecordBatch, abouts: Vec<NodeAbout>) -> Read<Nodes> {
    let keys: &FixedSizeBinaryArray = column(batch, "id", |array| array.as_fixed_size_binary_opt())?;
    let (text, about) = (texts(batch, "text")?, numbers(batch, "about")?);
    let nodes = Nodes::from_parts(keys.clone(), text.clone(), about.values().clone(), abouts);
    nodes.ok_or_else(|| "its nodes are not in order".to_owned())
}

fn rows_of(batch: &RecordBatch, nodes: u32, attributes: usize) -> Read<Rows> {
    let list: &ListArray = column(batch, "edges", |array| array.as_list_opt::<i32>())?;
    let edges = list.values().as_primitive_opt::<UInt64Type>().ok_or("its edges are no numbers")?;
    let offsets = list.offsets().inner();
    let starts = ScalarBuffer::<u32>::new(offsets.inner().clone(), 0, offsets.len());
    Rows::checked(starts, edges.values().clone(), nodes as usize, attributes).map_err(str::to_owned)
}

fn attributes_of(batch: &RecordBatch, jobs: usize) -> Read<Vec<Attribute>> {
    let (job, kinds) = (numbers(batch, "job")?, numbers(batch, "kinds")?);
    let (cap, certainty, gap) = (texts(batch, "cap")?, texts(batch, "certainty")?, texts(batch, "gap")?);
    let (from, to) = (instants(batch, "valid_from")?, instants(batch, "valid_to")?);
    let attribute = |row: usize| {
        let gap = match gap.is_valid(row) {
            true => Some(Gap::ALL.into_iter().find(|one| one.as_str() == gap.value(row))?),
            false => None,
        };
        let job = Some(job.value(row)).filter(|job| (*job as usize) < jobs)?;
        let attribute = Attribute::of(
            job,
            EdgeKinds::from_bits(kinds.value(row))?,
            Form::ALL.into_iter().find(|one| one.as_str() == cap.value(row))?,
            Certainty::ALL.into_iter().find(|one| one.as_str() == certainty.value(row))?,
            gap,
        );
        Some(attribute.with_interval(from.value(row), to.is_valid(row).then(|| to.value(row))))
    };
    let attributes = (0..batch.num_rows()).map(attribute).collect::<Option<Vec<_>>>();
    attributes.ok_or_else(|| "a word in it has no meaning".to_owned())
}

/// The columns of `names`.
struct Names {
    of: StringArray,
    namespace: StringArray,
    name: StringArray,
    word: StringArray,
    class: StringArray,
    owners: ListArray,
    tags: ListArray,
    operations: ListArray,
    inputs: ListArray,
    outputs: ListArray,
    last_run_at: TimestampMicrosecondArray,
}

impl Names {
    fn new(batch: RecordBatch) -> Read<Self> {
        let text = |name| texts(&batch, name).cloned();
        let list = |name| column(&batch, name, |array| array.as_list_opt::<i32>()).cloned();
        Ok(Self {
            of: text("of")?,
            namespace: text("namespace")?,
            name: text("name")?,
            word: text("word")?,
            class: text("class")?,
            owners: list("owners")?,
            tags: list("tags")?,
            operations: list("operations")?,
            inputs: list("inputs")?,
            outputs: list("outputs")?,
            last_run_at: instants(&batch, "last_run_at")?.clone(),
        })
    }

    fn rows(&self, are_jobs: bool) -> impl Iterator<Item = usize> {
        (0..self.of.len()).filter(move |row| (self.of.value(*row) == "job") == are_jobs)
    }

    fn abouts(&self) -> Read<Vec<NodeAbout>> {
        let about = |row| match self.of.value(row) {
            "dataset" => Some(NodeAbout::Dataset {
                namespace: text(&self.namespace, row)?,
                kind: dataset_kind(&text(&self.word, row)?)?,
                owners: set(&self.owners, row)?,
                tags: set(&self.tags, row)?,
            }),
            "column" => Some(NodeAbout::Column {
                type_word: text(&self.word, row),
                class: text(&self.class, row),
                tags: set(&self.tags, row)?,
            }),
            _ => None,
        };
        let abouts = self.rows(false).map(about).collect::<Option<Vec<_>>>();
        abouts.ok_or_else(|| "a row has not what its kind has".to_owned())
    }

    fn jobs(&self, nodes: &Nodes) -> Read<Vec<(JobName, JobFact)>> {
        let job = |row| {
            let name = JobName { namespace: text(&self.namespace, row)?, name: text(&self.name, row)? };
            let words: BTreeSet<String> = set(&self.operations, row)?;
            let last_run_us = self.last_run_at.is_valid(row).then(|| self.last_run_at.value(row));
            let fact = JobFact {
                operations: words.iter().map(|word| operation(word)).collect::<Option<_>>()?,
                inputs: datasets(&self.inputs, row, nodes)?,
                outputs: datasets(&self.outputs, row, nodes)?,
                last_run_at: last_run_us.and_then(DateTime::from_timestamp_micros),
            };
            Some((name, fact))
        };
        let jobs = self.rows(true).map(job).collect::<Option<Vec<_>>>();
        jobs.ok_or_else(|| "a job has not what jobs have".to_owned())
    }
}

fn text(texts: &StringArray, row: usize) -> Option<String> {
    texts.is_valid(row).then(|| texts.value(row).to_owned())
}

fn set(lists: &ListArray, row: usize) -> Option<BTreeSet<String>> {
    let list = lists.value(row);
    let texts = list.as_string_opt::<i32>()?;
    Some(texts.iter().flatten().map(str::to_owned).collect())
}

fn datasets(lists: &ListArray, row: usize, nodes: &Nodes) -> Option<BTreeSet<DatasetName>> {
    let list = lists.value(row);
    let name = |number: &u32| match (*number < nodes.len()).then(|| nodes.name(*number))? {
        Node::Dataset(name) => Some(name),
        Node::Column(..) => None,
    };
    list.as_primitive_opt::<UInt32Type>()?.values().iter().map(name).collect()
}
