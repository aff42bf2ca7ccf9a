//! Rows of a table that are held in memory, as a table of the same columns.
//!
//! Absent: columns that nobody wanted. Asking for one is a bug of ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::StreamExt;
use tokio::task::JoinSet;

use super::{Slice, Wanted};
use crate::compact_texts::compact_texts;
use crate::error::EngineError;
use crate::lake_session::{LakeSession, stream_error};

/// The part of the memory of all statements that rows may take.
const PART_OF_POOL: usize = 4;
/// Bytes they may take where that memory has no bound.
const BYTES: usize = 512 << 20;

/// Rows of one table.
#[derive(Debug)]
pub(super) struct HeldRows {
    /// The table they come from.
    table: Arc<dyn TableProvider>,
    slice: Slice,
    /// Places of the columns held among those of the table.
    columns: BTreeSet<usize>,
    schema: SchemaRef,
    partitions: Vec<Vec<RecordBatch>>,
    /// Given back when the rows are.
    _memory: Vec<MemoryReservation>,
}

impl HeldRows {
    /// Runs `plan`, which returns `columns` of the rows of `slice`, and holds them; none when they find no room.
    ///
    /// # Errors
    /// When the plan fails.
    pub(super) async fn read(
        session: &LakeSession,
        plan: &LogicalPlan,
        table: Arc<dyn TableProvider>,
        slice: Slice,
        columns: BTreeSet<usize>,
    ) -> Result<Option<Self>, EngineError> {
        let pool = session.memory_pool();
        let all = match pool.memory_limit() {
            MemoryLimit::Finite(bytes) => bytes / PART_OF_POOL,
            _ => BYTES,
        };
        let streams = session.sparse().partitions(plan).await?;
        let room = all / streams.len().max(1);
        let mut tasks = JoinSet::new();
        for rows in streams {
            tasks.spawn(partition(rows, Arc::clone(pool), room));
        }
        let schema: SchemaRef = Arc::new(
            table
                .schema()
                .project(&columns.iter().copied().collect::<Vec<_>>())
                .map_err(|error| EngineError::Bug { what: format!("columns held are none of the table ({error})") })?,
        );
        let (mut partitions, mut memory) = (Vec::new(), Vec::new());
        while let Some(ended) = tasks.join_next().await {
            let ended =
                ended.map_err(|error| EngineError::Bug { what: format!("a scan's task ended early ({error})") })?;
            let Some((rows, reservation)) = ended? else { return Ok(None) };
            partitions.push(rows);
            memory.push(reservation);
        }
        Ok(Some(Self { table, slice, columns, schema, partitions, _memory: memory }))
    }

    /// Whether these rows and columns are enough for a scan.
    pub(super) fn serve(&self, wanted: &Wanted) -> bool {
        Arc::ptr_eq(&self.table, &wanted.table)
            && wanted.columns.is_subset(&self.columns)
            && self.slice.has(&wanted.needs)
    }
}

/// The rows of one partition; none when there is no room for them.
async fn partition(
    mut rows: SendableRecordBatchStream,
    pool: Arc<dyn MemoryPool>,
    room: usize,
) -> Result<Option<(Vec<RecordBatch>, MemoryReservation)>, EngineError> {
    let reservation = MemoryConsumer::new("rows that controls share").register(&pool);
    let mut held = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = compact_texts(&batch.map_err(stream_error)?);
        let batch = batch.map_err(|error| EngineError::sql("run", error.into()))?;
        let bytes = batch.get_array_memory_size();
        if reservation.size() + bytes > room || reservation.try_grow(bytes).is_err() {
            tracing::debug!(room, "rows that controls share find no room");
            return Ok(None);
        }
        held.push(batch);
    }
    Ok(Some((held, reservation)))
}

#[async_trait]
impl TableProvider for HeldRows {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.table.schema().fields().len()).collect();
        let places = projection.unwrap_or(&all).iter().map(|wanted| {
            self.columns.iter().position(|held| held == wanted).ok_or_else(|| {
                DataFusionError::Internal(format!("column {wanted} of a table is not among those held of it"))
            })
        });
        let places = places.collect::<DataFusionResult<Vec<_>>>()?;
        Ok(MemorySourceConfig::try_new_exec(&self.partitions, Arc::clone(&self.schema), Some(places))?)
    }
}
