//! Rows in the order of the files: an external sort that spills to disk when memory is short.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, SortExpr};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use tokio::sync::mpsc;

use crate::error::EngineError;
use crate::session::LakeSession;

/// Batches in flight between the reader and the sort.
const IN_FLIGHT: usize = 2;

/// What the reader hands over: a batch, or why it stopped.
pub(crate) type Handed = Result<RecordBatch, EngineError>;

/// Opens a channel into a sort by `order`; rows come out of the stream once the sender is gone.
///
/// # Errors
/// When the sort cannot be planned.
pub(crate) async fn sorted(
    session: &LakeSession,
    schema: SchemaRef,
    order: &[&str],
) -> Result<(mpsc::Sender<Handed>, SendableRecordBatchStream), EngineError> {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let rows = Rows { schema: Arc::clone(&schema), receiver: Mutex::new(Some(receiver)) };
    let planned = |source| EngineError::sql("planned", source);
    let table = StreamingTable::try_new(schema, vec![Arc::new(rows)]).map_err(planned)?;
    let plan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::new(table)), None)
        .and_then(|scan| scan.sort(order.iter().map(|name| ascending(name))))
        .and_then(LogicalPlanBuilder::build)
        .map_err(planned)?;
    Ok((sender, session.stream(&plan).await?))
}

/// Ascending by a column, nulls first.
pub(crate) fn ascending(name: &str) -> SortExpr {
    Expr::Column(Column::from_name(name)).sort(true, true)
}

#[derive(Debug)]
struct Rows {
    schema: SchemaRef,
    receiver: Mutex<Option<mpsc::Receiver<Handed>>>,
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut stream = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), IN_FLIGHT);
        let sender = stream.tx();
        stream.spawn(async move {
            let Some(mut receiver) = receiver else {
                return Err(DataFusionError::Internal("the rows of an ingest can be read once only".to_owned()));
            };
            while let Some(handed) = receiver.recv().await {
                let handed = handed.map_err(|error| DataFusionError::External(Box::new(error)));
                if sender.send(handed).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        stream.build()
    }
}
