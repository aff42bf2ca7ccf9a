//! Progress of long work: bars on a terminal, nothing elsewhere. Always on standard error.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::IngestProgress;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

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
        if !self.shown {
            return IngestBar { counters, bar: None };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        let (watched, drawn) = (Arc::clone(&counters), bar.clone());
        let drawing = tokio::spawn(async move {
            loop {
                let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
                let (files, records, rows) = (of(&watched.files), of(&watched.records), of(&watched.rows));
                drawn.set_message(format!("{files} objects, {records} records read, {rows} rows written"));
                drawn.tick();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        IngestBar { counters, bar: Some((bar, drawing)) }
    }
}

/// A bar over the counters of an ingest.
#[derive(Debug)]
pub(crate) struct IngestBar {
    counters: Arc<IngestProgress>,
    bar: Option<(ProgressBar, JoinHandle<()>)>,
}

impl IngestBar {
    pub(crate) fn counters(&self) -> &Arc<IngestProgress> {
        &self.counters
    }

    pub(crate) fn end(self) {
        if let Some((bar, drawing)) = self.bar {
            drawing.abort();
            bar.finish_and_clear();
        }
    }
}
