//! What a fold hands on: its result in the plan of the statement, what was used for it, and how each file took part.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::TableReference;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::datasource::provider_as_source;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{LogicalPlan, TableScan};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream::{self, StreamExt};
use schemas::Via;
use serde::{Deserialize, Serialize};

use super::eligible::Grouping;
use super::fold::LastStates;
use super::steps::Steps;
use crate::error::EngineError;

/// What a run took from states.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatesUsed {
    /// Files whose state was read, by itself or in that of a month or year.
    pub states_reused: u64,
    /// Files whose state was computed.
    pub states_computed: u64,
    /// Files at a bound of time, computed with it and not kept.
    pub border_files: u64,
    /// Bytes of the states that were read and kept.
    pub states_bytes: u64,
    /// Bytes of files that were not read, because their states were.
    pub bytes_not_read: u64,
    /// Months and years that were read whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// What the states depend on beside the files, one for each lowest grouping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<String>,
    /// Why the statement was computed in full, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_reason: Option<String>,
    /// Whether memory ran short, so that sums of floats may have other last bits than next time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ran_short: bool,
}

impl StatesUsed {
    /// Adds what another grouping took.
    pub(super) fn add(&mut self, other: Self) {
        self.states_reused += other.states_reused;
        self.states_computed += other.states_computed;
        self.border_files += other.border_files;
        self.states_bytes += other.states_bytes;
        self.bytes_not_read += other.bytes_not_read;
        self.nodes.extend(other.nodes);
        self.fingerprints.extend(other.fingerprints);
        self.ran_short |= other.ran_short;
    }

    pub(super) fn reused(&mut self, files: u64, (bytes, file_bytes): (u64, u64), node: Option<&str>) {
        self.states_reused += files;
        self.states_bytes += bytes;
        self.bytes_not_read += file_bytes;
        self.nodes.extend(node.map(str::to_owned));
    }

    pub(super) fn computed(&mut self, is_inside: bool, (bytes, ran_short): (u64, bool)) {
        *(if is_inside { &mut self.states_computed } else { &mut self.border_files }) += 1;
        self.states_bytes += bytes;
        self.ran_short |= ran_short;
    }
}

/// How files took part, and how many rows they have, by dataset and path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inputs {
    by_dataset: BTreeMap<String, BTreeMap<String, (u64, Via)>>,
}

impl Inputs {
    /// Notes a file; of several groupings over it, one that read it counts.
    pub(super) fn took_part(&mut self, dataset: &str, path: &str, (rows, via): (u64, Via)) {
        let files = self.by_dataset.entry(dataset.to_owned()).or_default();
        let known = files.entry(path.to_owned()).or_insert((rows, via));
        if known.1 == Via::State {
            *known = (rows, via);
        }
    }

    /// Files of a dataset were read, whatever states of them were used.
    pub(super) fn were_read(&mut self, dataset: &str) {
        self.by_dataset.remove(dataset);
    }

    /// Rows of a file and how it took part; none of one that did not.
    pub(crate) fn of(&self, dataset: &str, path: &str) -> Option<(u64, Via)> {
        self.by_dataset.get(dataset)?.get(path).copied()
    }
}

/// The statement with the result of a fold in the place of its grouping, under a name with the number of the fold: two spans of
/// time share a fingerprint, and the planner takes subqueries that read tables of one name for one.
///
/// # Errors
/// When the plan cannot be walked, which is a bug.
pub(super) fn in_place_of(
    plan: LogicalPlan,
    (number, grouping): (usize, &Grouping),
    (steps, (states, held)): (Arc<Steps>, LastStates),
) -> Result<LogicalPlan, EngineError> {
    let failed = |source| EngineError::sql("planned", source);
    let schema = Arc::clone(grouping.aggregate.schema().inner());
    let folded = Folded { schema: Arc::clone(&schema), steps, states, _held: held };
    let table = StreamingTable::try_new(schema, vec![Arc::new(folded)]).map_err(failed)?;
    let scan = LogicalPlan::TableScan(TableScan {
        table_name: TableReference::bare(format!("folded_{number}_{}", grouping.fingerprint)),
        source: provider_as_source(Arc::new(table)),
        projection: None,
        projected_schema: Arc::clone(grouping.aggregate.schema()),
        filters: Vec::new(),
        fetch: None,
        statistics_requests: Default::default(),
    });
    let mut places = 0_u32;
    let replaced = plan.transform_down_with_subqueries(|node| {
        if node != grouping.aggregate {
            return Ok(Transformed::no(node));
        }
        places += 1;
        Ok(Transformed::yes(scan.clone()))
    });
    let replaced = replaced.data().map_err(failed)?;
    if places == 0 {
        return Err(EngineError::Bug { what: "a grouping that was folded is not in its statement".to_owned() });
    }
    Ok(replaced)
}

/// The result of a fold as rows of a plan.
#[derive(Debug)]
struct Folded {
    schema: SchemaRef,
    steps: Arc<Steps>,
    states: Vec<RecordBatch>,
    /// The memory that the states take.
    _held: MemoryReservation,
}

impl PartitionStream for Folded {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let rows = match self.steps.result(&self.states) {
            Ok(rows) => rows,
            Err(error) => {
                let failed =
                    stream::once(async move { Err(datafusion::error::DataFusionError::External(Box::new(error))) });
                return Box::pin(RecordBatchStreamAdapter::new(schema, failed));
            }
        };
        // Names of columns and whether they can be null are the logical plan's; types are the same, or this fails.
        let named = Arc::clone(&schema);
        let rows = rows.map(move |batch| {
            let batch = batch?;
            Ok(RecordBatch::try_new(Arc::clone(&named), batch.columns().to_vec())?)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}
