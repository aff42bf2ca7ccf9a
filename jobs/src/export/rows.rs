//! Rows from the query to the encoder.

use std::sync::Arc;

use arrow::array::RecordBatch;
use exporters::{ExportError, ExportProgress, Part, PartSink};
use futures::StreamExt;
use tokio::sync::mpsc::channel;

use super::asked::Planned;
use crate::error::JobError;
use crate::progress::Progress;

/// Batches on their way from the query to the encoder.
const BATCHES: usize = 4;

/// What goes to the encoder. Without an end, as when the reader is gone, no part becomes complete.
enum Message {
    Batch(Result<RecordBatch, Box<dyn std::error::Error + Send + Sync>>),
    End,
}

/// Runs the plan and writes its rows; gives the parts, and the place back.
pub(crate) async fn write<S: PartSink + Send + 'static>(
    planned: Planned,
    done: Vec<Part>,
    mut sink: S,
    (progress, counters): (Progress, &Arc<ExportProgress>),
) -> Result<(Vec<Part>, S), JobError> {
    let counters = Arc::clone(counters);
    let bar = progress.export(&counters);
    let (sender, mut receiver) = channel(BATCHES);
    let Planned { session, plan, schema, options, .. } = planned;
    let mut rows = session.stream(&plan).await?;
    let writing = blocking(move || {
        let mut received = std::iter::from_fn(|| match receiver.blocking_recv() {
            Some(Message::Batch(batch)) => Some(batch),
            Some(Message::End) => None,
            None => Some(Err("whoever reads the rows has stopped".into())),
        })
        .fuse();
        let parts = exporters::export(&schema, &mut received, &options, done, &mut sink, &counters);
        parts.map(|parts| (parts, sink))
    });
    let writing = tokio::spawn(writing);
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| Box::new(engine::stream_error(error)) as _);
        let failed = batch.is_err();
        // Whoever writes says why it ended early.
        if sender.send(Message::Batch(batch)).await.is_err() || failed {
            break;
        }
    }
    // Whoever writes may be gone.
    drop(sender.send(Message::End).await);
    drop((sender, rows));
    let written = writing.await.map_err(stopped)?;
    drop(bar);
    match written? {
        Ok(written) => Ok(written),
        // What the query ran into is the error; that rows did not come is only what followed.
        Err(ExportError::Rows(source)) => Err(match source.downcast::<engine::EngineError>() {
            Ok(error) => JobError::Engine(*error),
            Err(source) => ExportError::Rows(source).into(),
        }),
        Err(ExportError::Write(error)) => Err(super::write_error(error)),
        Err(error) => Err(error.into()),
    }
}

/// Does work that waits, on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JobError> {
    tokio::task::spawn_blocking(work).await.map_err(stopped)
}

fn stopped(error: tokio::task::JoinError) -> JobError {
    engine::EngineError::Bug { what: format!("the writer stopped ({error})") }.into()
}
