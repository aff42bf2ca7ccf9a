//! Progress of long work: bars on a terminal, nothing elsewhere. Always on standard error.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use engine::{IngestProgress, RowsRead};
use exporters::ExportProgress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::clock::Stopwatch;

/// What takes less shows no bar.
const STATEMENT_DELAY: Duration = Duration::from_secs(1);

/// Whether progress is shown.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    shown: bool,
}

impl Progress {
    /// Bars when standard error is a terminal.
    pub fn on_terminal() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    /// No bars.
    pub fn silent() -> Self {
        Self { shown: false }
    }

    /// The progress of one ingest.
    pub(crate) fn ingest(self) -> IngestBar {
        let counters = Arc::new(IngestProgress::default());
        let watched = Arc::clone(&counters);
        let bar = self.bar(Duration::ZERO, move || {
            let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
            let (files, records, rows) = (of(&watched.files), of(&watched.records), of(&watched.rows));
            format!("{files} objects, {records} records read, {rows} rows written")
        });
        IngestBar { counters, bar }
    }

    /// The progress of one statement, as long as nothing is written to `out`. `read` is filled when it runs.
    pub(crate) fn statement<'a>(self, read: &Arc<OnceLock<RowsRead>>, out: &'a mut dyn Write) -> BehindBar<'a> {
        let read = Arc::clone(read);
        let bar = self.bar(STATEMENT_DELAY, move || match read.get() {
            Some(read) => format!("{} rows read", read.so_far()),
            None => "planning".to_owned(),
        });
        BehindBar { bar, out }
    }

    /// The progress of an apply: objects done so far, of so many.
    pub(crate) fn objects(self, done: &Arc<AtomicU64>, of: usize) -> ObjectsBar {
        let done = Arc::clone(done);
        let bar = self.bar(STATEMENT_DELAY, move || format!("{} of {of} objects", done.load(Ordering::Relaxed)));
        ObjectsBar { _bar: bar }
    }

    /// The progress of an SLA: tenants done so far, of so many.
    pub(crate) fn tenants(self, done: &Arc<AtomicU64>, of: usize) -> ObjectsBar {
        let done = Arc::clone(done);
        let bar = self.bar(STATEMENT_DELAY, move || format!("{} of {of} tenants", done.load(Ordering::Relaxed)));
        ObjectsBar { _bar: bar }
    }

    /// The progress of a metric: series done so far.
    pub(crate) fn series(self, metric: &str, done: &Arc<AtomicU64>) -> ObjectsBar {
        let (metric, done) = (metric.to_owned(), Arc::clone(done));
        let bar = self.bar(STATEMENT_DELAY, move || format!("{metric}: {} series", done.load(Ordering::Relaxed)));
        ObjectsBar { _bar: bar }
    }

    /// The progress of one export: rows and bytes, and how many a second.
    pub(crate) fn export(self, counters: &Arc<ExportProgress>) -> ExportBar {
        let (watched, begun) = (Arc::clone(counters), Stopwatch::start());
        let bar = self.bar(STATEMENT_DELAY, move || {
            let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
            let (rows, mib, part) = (of(&watched.rows), of(&watched.bytes) >> 20, of(&watched.part));
            let rate = rows as f64 / begun.seconds().max(0.001);
            format!("part {part}, {rows} rows, {mib} MiB, {rate:.0} rows/s")
        });
        ExportBar { _bar: bar }
    }

    fn bar(self, delay: Duration, message: impl Fn() -> String + Send + 'static) -> Option<Bar> {
        if !self.shown {
            return None;
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        let (end, ended) = channel::<()>();
        let drawn = bar.clone();
        // A thread, because a statement can keep every thread of the runtime busy.
        let drawing = std::thread::spawn(move || {
            let mut pause = delay;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                drawn.set_message(message());
                drawn.tick();
                pause = Duration::from_millis(200);
            }
        });
        Some(Bar { bar, end: Some(end), drawing: Some(drawing) })
    }
}

/// A bar that is drawn until it is dropped.
#[derive(Debug)]
struct Bar {
    bar: ProgressBar,
    end: Option<Sender<()>>,
    drawing: Option<JoinHandle<()>>,
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end = None;
        if let Some(Err(_)) = self.drawing.take().map(JoinHandle::join) {
            tracing::warn!("progress was not drawn to its end");
        }
        self.bar.finish_and_clear();
    }
}

/// A bar over the counters of an ingest.
#[derive(Debug)]
pub(crate) struct IngestBar {
    counters: Arc<IngestProgress>,
    bar: Option<Bar>,
}

impl IngestBar {
    pub(crate) fn counters(&self) -> &Arc<IngestProgress> {
        &self.counters
    }

    pub(crate) fn end(self) {
        drop(self.bar);
    }
}

/// A bar over the counters of an export, drawn until it is dropped.
#[derive(Debug)]
pub(crate) struct ExportBar {
    _bar: Option<Bar>,
}

/// A bar over the objects of an apply, drawn until it is dropped.
#[derive(Debug)]
pub(crate) struct ObjectsBar {
    _bar: Option<Bar>,
}

/// An output that takes the bar away before its first byte.
pub(crate) struct BehindBar<'a> {
    bar: Option<Bar>,
    out: &'a mut dyn Write,
}

impl Write for BehindBar<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bar = None;
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
