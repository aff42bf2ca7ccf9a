//! What may end an attempt from outside: its time is over, somebody cancelled the run, or its runner is shut down.

use std::time::Duration;

use engine::Lakefront;
use tokio_util::sync::CancellationToken;

use crate::error::JobError;
use crate::ledger::RunKey;
use crate::schedule::{CANCEL, DecisionRecord};

/// How often it is looked whether a run was cancelled.
const LOOK: Duration = Duration::from_secs(5);

/// The bounds of an attempt.
#[derive(Debug)]
pub(super) struct Bounds<'a> {
    pub(super) front: &'a Lakefront,
    pub(super) key: &'a RunKey,
    /// Of the attempt, in seconds.
    pub(super) timeout: Option<u64>,
    /// Of its runner.
    pub(super) stop: Option<&'a CancellationToken>,
}

impl Bounds<'_> {
    /// Does the work as long as nothing ends it. What is dropped then has published nothing: outputs become true with the
    /// commit.
    pub(super) async fn keep<T>(&self, work: impl Future<Output = Result<T, JobError>>) -> Result<T, JobError> {
        let run = || self.key.id();
        tokio::select! {
            // Of what is done and bounded in the same moment, what is done counts.
            biased;
            done = work => done,
            seconds = self.over() => Err(JobError::TimedOut { run: run(), seconds }),
            by = self.cancelled() => Err(JobError::RunCancelled { run: run(), by }),
            () = self.stopped() => Err(JobError::Shutdown { run: run() }),
        }
    }

    async fn over(&self) -> u64 {
        let Some(seconds) = self.timeout else { return std::future::pending().await };
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        seconds
    }

    async fn cancelled(&self) -> String {
        loop {
            tokio::time::sleep(LOOK).await;
            // What the store cannot say now it may say the next time.
            if let Ok(Some(record)) = self.front.read_json::<DecisionRecord>(&self.key.record(CANCEL)).await {
                return record.by;
            }
        }
    }

    async fn stopped(&self) {
        match self.stop {
            Some(stop) => stop.cancelled().await,
            None => std::future::pending().await,
        }
    }
}
