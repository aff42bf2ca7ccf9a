//! Rows into the bytes of Parquet files, on a thread of its own: while it encodes, its user reads on.
//!
//! Batches are cut anew before they reach the writer: it places page borders by the batches it is given,
//! and the same rows must give the same bytes however the sort handed them out.

use std::sync::Arc;

use arrow::compute::BatchCoalescer;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::write::{Layout, ROW_GROUP_ROWS};
use crate::error::EngineError;

/// Rows handed to the writer at a time.
const CHUNK_ROWS: usize = 8_192;
/// Batches, and files, that wait for whoever takes them.
const WAITING: usize = 1;

/// The bytes of a file.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) folder: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: u64,
}

/// Rows of a folder.
struct Rows {
    folder: Arc<str>,
    batch: RecordBatch,
}

/// Takes rows and gives files, both in order.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// None once all rows were given.
    rows: Option<mpsc::Sender<Rows>>,
    files: mpsc::Receiver<Encoded>,
    thread: JoinHandle<Result<(), EngineError>>,
}

impl Encoder {
    /// Starts the thread; a file is closed when it has grown to `file_bytes`.
    pub(crate) fn start(layout: Layout, file_bytes: usize) -> Self {
        let (rows, given) = mpsc::channel(WAITING);
        let (done, files) = mpsc::channel(WAITING);
        let thread = tokio::task::spawn_blocking(move || encode(&layout, file_bytes, given, &done));
        Self { rows: Some(rows), files, thread }
    }

    /// Gives rows, and takes the file that is in their way, if one is: then the rows must be given again.
    pub(crate) async fn give(
        &mut self,
        folder: &Arc<str>,
        batch: &RecordBatch,
    ) -> Result<Option<Encoded>, EngineError> {
        let Some(rows) = &self.rows else { return Err(stopped()) };
        tokio::select! {
            biased;
            Some(file) = self.files.recv() => Ok(Some(file)),
            sent = rows.send(Rows { folder: Arc::clone(folder), batch: batch.clone() }) => match sent {
                Ok(()) => Ok(None),
                Err(_) => Err(self.failure().await),
            },
        }
    }

    /// Says that there are no more rows, and takes the next file; none once all are taken.
    pub(crate) async fn rest(&mut self) -> Result<Option<Encoded>, EngineError> {
        self.rows = None;
        match self.files.recv().await {
            Some(file) => Ok(Some(file)),
            None => (&mut self.thread).await.map_err(|_| stopped())?.map(|()| None),
        }
    }

    /// Why the thread takes no more rows.
    async fn failure(&mut self) -> EngineError {
        match (&mut self.thread).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => stopped(),
        }
    }
}

fn stopped() -> EngineError {
    EngineError::Bug { what: "the writer of files stopped".to_owned() }
}

fn encode(
    layout: &Layout,
    file_bytes: usize,
    mut given: mpsc::Receiver<Rows>,
    done: &mpsc::Sender<Encoded>,
) -> Result<(), EngineError> {
    let mut open: Option<OpenFile<'_>> = None;
    // Nobody takes files any more when the work has failed elsewhere, and then its error is the one to show.
    let close = |file: OpenFile<'_>| file.encoded().map(|file| drop(done.blocking_send(file)));
    while let Some(Rows { folder, batch }) = given.blocking_recv() {
        if let Some(file) = open.take_if(|file| file.folder != folder) {
            close(file)?;
        }
        let mut at = 0;
        while at < batch.num_rows() {
            // Never more than a chunk at a time, so that a file is cut at the same row in every run.
            let file = open.get_or_insert_with(|| OpenFile::new(layout, &folder));
            let taken = (CHUNK_ROWS - file.chunks.get_buffered_rows()).min(batch.num_rows() - at);
            file.push(&batch.slice(at, taken)).map_err(|error| unwritable(&folder, error))?;
            at += taken;
            if let Some(file) = open.take_if(|file| file.bytes() >= file_bytes) {
                close(file)?;
            }
        }
    }
    open.map_or(Ok(()), close)
}

fn unwritable(folder: &str, source: ParquetError) -> EngineError {
    EngineError::Parquet { path: folder.to_owned(), action: "written", source: Box::new(source) }
}

struct OpenFile<'l> {
    folder: Arc<str>,
    layout: &'l Layout,
    chunks: BatchCoalescer,
    /// Made with the first chunk, when it shows whether the file is small.
    writer: Option<ArrowWriter<Vec<u8>>>,
    rows: u64,
}

impl<'l> OpenFile<'l> {
    fn new(layout: &'l Layout, folder: &Arc<str>) -> Self {
        let chunks = BatchCoalescer::new(Arc::clone(&layout.schema), CHUNK_ROWS);
        Self { folder: Arc::clone(folder), layout, chunks, writer: None, rows: 0 }
    }

    fn push(&mut self, rows: &RecordBatch) -> Result<(), ParquetError> {
        self.rows += rows.num_rows() as u64;
        self.chunks.push_batch(rows.clone())?;
        self.drain(ROW_GROUP_ROWS)
    }

    fn bytes(&self) -> usize {
        self.writer.as_ref().map_or(0, |writer| writer.bytes_written() + writer.in_progress_size())
    }

    /// Writes the chunks that are whole; `expected` rows at most are in a row group of this file.
    fn drain(&mut self, expected: usize) -> Result<(), ParquetError> {
        while let Some(chunk) = self.chunks.next_completed_batch() {
            self.writer(expected)?.write(&chunk)?;
        }
        Ok(())
    }

    fn writer(&mut self, expected: usize) -> Result<&mut ArrowWriter<Vec<u8>>, ParquetError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let properties = self.layout.properties(expected);
                ArrowWriter::try_new(Vec::new(), Arc::clone(&self.layout.schema), Some(properties))?
            }
        };
        Ok(self.writer.insert(writer))
    }

    fn encoded(mut self) -> Result<Encoded, EngineError> {
        let folder = self.folder.to_string();
        let rows = self.rows;
        let bytes = self.finish().map_err(|error| unwritable(&folder, error))?;
        Ok(Encoded { folder, bytes, rows })
    }

    fn finish(&mut self) -> Result<Vec<u8>, ParquetError> {
        let last = self.chunks.get_buffered_rows();
        self.chunks.finish_buffered_batch()?;
        self.drain(last)?;
        self.writer(last)?;
        self.writer.take().map_or_else(|| Ok(Vec::new()), ArrowWriter::into_inner)
    }
}
