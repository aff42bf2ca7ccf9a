//! Texts without the bytes of other rows, where rows are collected to be sorted.
//!
//! A column of text views points into shared buffers. What a join hands out points into all of its build side, batch
//! after batch, and a sort counts those buffers for each batch: it believes to hold gigabytes, and gives up where spilling
//! cannot help. Here such a column is copied to what its rows need before the sort takes it. Absent: copying columns that
//! use most of what they point to.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericByteViewArray};
use arrow::datatypes::{ByteViewType, DataType};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::internal_err;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;

/// A column is copied when it points to more than this many times the bytes that its rows need.
const WASTE: usize = 2;

/// Puts [`CompactTextsExec`] below sorts; the last of the rules.
#[derive(Debug)]
pub(crate) struct CompactBeforeSorts;

impl PhysicalOptimizerRule for CompactBeforeSorts {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(input) = node.downcast_ref::<SortExec>().map(SortExec::input) else {
                return Ok(Transformed::no(node));
            };
            if !input.schema().fields().iter().any(|field| is_view(field.data_type())) {
                return Ok(Transformed::no(node));
            }
            let compact = Arc::new(CompactTextsExec { input: Arc::clone(input) });
            // Rows, their order and their partitions stay.
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
            node.replace_children(vec![compact], options).map(Transformed::yes)
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "compact_before_sorts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn is_view(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8View | DataType::BinaryView)
}

/// Hands rows on, with text columns cut to what they need.
#[derive(Debug)]
pub(crate) struct CompactTextsExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for CompactTextsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CompactTextsExec")
    }
}

impl ExecutionPlan for CompactTextsExec {
    fn name(&self) -> &'static str {
        "CompactTextsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        match <[_; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Self { input })),
            Err(children) => internal_err!("texts are compacted of one input, not of {}", children.len()),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, task: Arc<TaskContext>) -> DataFusionResult<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, task)?;
        let compacted = rows.map(|batch| batch.and_then(|batch| Ok(compact_texts(&batch)?)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), compacted)))
    }
}

/// The batch with text columns cut to what their rows need.
pub(crate) fn compact_texts(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    if !batch.columns().iter().any(|column| is_view(column.data_type())) {
        return Ok(batch.clone());
    }
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View => compacted(column, column.as_string_view()),
        DataType::BinaryView => compacted(column, column.as_binary_view()),
        _ => Arc::clone(column),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns.collect(), &options)
}

fn compacted<T: ByteViewType>(column: &ArrayRef, texts: &GenericByteViewArray<T>) -> ArrayRef {
    let held: usize = texts.data_buffers().iter().map(|buffer| buffer.capacity()).sum();
    if held > WASTE * texts.total_buffer_bytes_used() { Arc::new(texts.gc()) } else { Arc::clone(column) }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray, UInt64Array};
    use arrow::compute::take_record_batch;
    use arrow::datatypes::{Field, Schema};
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{NoSystemTables, Resources, SessionFactory};

    #[test]
    fn texts_are_cut_to_their_rows_and_stay_the_same() {
        let text = |row: i64| format!("a text of more than twelve bytes, number {row}");
        let schema = Arc::new(Schema::new(vec![
            Field::new("number", DataType::Int64, false),
            Field::new("text", DataType::Utf8View, true),
        ]));
        let texts = (0..10_000).map(|row| (row % 3 > 0).then(|| text(row)));
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from_iter_values(0..10_000)), Arc::new(StringViewArray::from_iter(texts))];
        let whole = RecordBatch::try_new(schema, columns).expect("a batch");
        let few = take_record_batch(&whole, &UInt64Array::from(vec![7, 9, 9_998])).expect("three rows");
        assert!(few.get_array_memory_size() > 100_000, "a few rows point to all texts");

        let cut = compact_texts(&few).expect("a batch");
        assert_eq!(cut, few);
        assert!(cut.get_array_memory_size() < 1_000, "{} bytes of three rows", cut.get_array_memory_size());
        let again = compact_texts(&cut).expect("a batch");
        assert!(Arc::ptr_eq(again.column(1), cut.column(1)), "what is compact is not copied");
        assert_eq!(compact_texts(&whole).expect("a batch"), whole);
    }

    #[tokio::test]
    async fn texts_of_a_join_are_sorted_within_the_memory_that_they_take() {
        let store = Arc::new(object_store::memory::InMemory::new());
        let resources = Resources { memory_bytes: 64 << 20, partitions: 2, spill: None };
        let factory = SessionFactory::new(store, Vec::new(), Arc::new(NoSystemTables), resources);
        let session = factory.session(DateTime::<Utc>::UNIX_EPOCH).expect("a session");
        let sql = "SELECT count(*) AS rows, count(DISTINCT text) AS texts
                   FROM (
                     SELECT named.text AS text, row_number() OVER (PARTITION BY named.number % 3 ORDER BY named.text) AS place
                     FROM (SELECT value AS number,
                                  arrow_cast(concat('a text of more than twelve bytes, number ', value), 'Utf8View') AS text
                           FROM generate_series(1, 60000)) AS named
                     JOIN generate_series(1, 240000) AS many(number) ON many.number % 60000 = named.number
                   ) AS placed
                   WHERE place > 0";
        let plan = session.query(&format!("EXPLAIN {sql}")).await.expect("explains");
        let plan = arrow::util::pretty::pretty_format_batches(&plan).expect("prints").to_string();
        assert!(plan.contains("CompactTextsExec"), "{plan}");
        let rows = session.query(sql).await.expect("64 MiB are enough for 240,000 short texts");
        let shown = arrow::util::pretty::pretty_format_batches(&rows).expect("prints").to_string();
        assert!(shown.contains("| 239996 | 59999 |"), "{shown}");
    }
}
