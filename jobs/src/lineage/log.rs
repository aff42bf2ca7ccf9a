//! The log of lineage in the store: what happened, in objects that are written once and numbered without a gap.
//!
//! `_auditlake/lineage/log/00000000000000000042.parquet` holds the events of one run, one import or one registration.
//! Whoever finds a number taken takes the next one. An event that stands in two objects is one event.

use ::lineage::{Event, log_rows, logged_events};
use arrow::record_batch::RecordBatch;
use engine::{Created, EngineError, Lakefront, parquet_bytes, parquet_rows};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;

const FOLDER: &str = "_auditlake/lineage/log";
/// Objects that are read at the same time.
const READERS: usize = 32;

/// The log of one lake.
#[derive(Debug, Clone)]
pub(crate) struct LineageLog {
    front: Lakefront,
}

impl LineageLog {
    pub(crate) fn new(front: Lakefront) -> Self {
        Self { front }
    }

    /// Adds events, all of them or none, and gives the number of their object. It is larger than `after`, up to which
    /// every number is known to be taken.
    pub(crate) async fn append(&self, events: &[Event], after: u64) -> Result<u64, EngineError> {
        let rows = log_rows(events).map_err(odd)?;
        let mut number = self.last(after).await? + 1;
        loop {
            let path = path_of(number);
            let bytes = parquet_bytes(path.as_ref(), &rows)?;
            match self.front.create(&path, bytes).await? {
                Created::Now => return Ok(number),
                Created::Existed => number += 1,
            }
        }
    }

    /// The number of the last object; `after` if none comes after it.
    pub(crate) async fn last(&self, after: u64) -> Result<u64, EngineError> {
        let folder = Path::from(FOLDER);
        let listed = self.front.store().list_with_offset(Some(&folder), &path_of(after));
        let failed = |error| EngineError::store(&folder, "list it", error);
        let names: Vec<Path> = listed.map_ok(|meta| meta.location).try_collect().await.map_err(failed)?;
        let number = |path: &Path| path.filename()?.strip_suffix(".parquet")?.parse().ok();
        Ok(names.iter().filter_map(number).max().unwrap_or(after))
    }

    /// The rows of the objects after `after`, up to `last`, in order.
    pub(crate) async fn rows(&self, after: u64, last: u64) -> Result<Vec<RecordBatch>, EngineError> {
        let read = futures::stream::iter(after + 1..=last).map(|number| async move {
            let path = path_of(number);
            let bytes = self.front.read(&path).await?.ok_or_else(|| EngineError::Damaged {
                path: path.to_string(),
                what: "is gone, although later objects of the log are there".to_owned(),
            })?;
            parquet_rows(path.as_ref(), bytes)
        });
        let batches: Vec<Vec<RecordBatch>> = read.buffered(READERS).try_collect().await?;
        Ok(batches.into_iter().flatten().collect())
    }
}

/// The events of rows of the log; `place` names them in an error.
pub(crate) fn events_of(place: &str, rows: &RecordBatch) -> Result<Vec<Event>, EngineError> {
    logged_events(rows)
        .map_err(|error| EngineError::Damaged { path: place.to_owned(), what: format!("is damaged: {error}") })
}

fn path_of(number: u64) -> Path {
    Path::from(format!("{FOLDER}/{number:020}.parquet"))
}

pub(crate) fn odd(error: arrow::error::ArrowError) -> EngineError {
    EngineError::Bug { what: format!("events of lineage are no rows ({error})") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ::lineage::{About, Event, JobName, JobPart, Origin, PRODUCER, RunPart, State};
    use chrono::DateTime;

    use super::*;

    fn event(number: usize) -> Event {
        let job = JobName { namespace: "auditlake://acme".to_owned(), name: format!("job-{number}") };
        let run = RunPart::new(&format!("41fb5137-f0fd-4ee5-ba5c-{number:012}"), State::Complete);
        Event {
            at: DateTime::UNIX_EPOCH,
            producer: PRODUCER.to_owned(),
            origin: Origin::Run,
            about: About::Run(run, JobPart::new(job)),
            dropped: BTreeSet::new(),
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn writers_at_once_leave_no_gap_and_lose_nothing() {
        let log = LineageLog::new(Lakefront::memory());
        let writers = (0..100).map(|number| {
            let log = log.clone();
            tokio::spawn(async move { log.append(&[event(number)], 0).await.expect("logged") })
        });
        let mut numbers = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            numbers.push(writer.await.expect("no panic"));
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=100).collect::<Vec<u64>>());
        assert_eq!(log.last(0).await.expect("a number"), 100);
        let mut names = BTreeSet::new();
        for rows in log.rows(0, 100).await.expect("rows") {
            let events = events_of("the log", &rows).expect("events");
            names.extend(events.iter().filter_map(Event::job).map(|job| job.name.name.clone()));
        }
        assert_eq!(names.len(), 100);
    }
}
