//! What may end an attempt from outside: its time is over, somebody cancelled the run, or its runner is shut down.

use std::time::Duration;

use engine::Lakefront;
use tokio_util::sync::CancellationToken;

use crate::clock::pause;
use crate::error::JobError;
use crate::ledger::RunKey;
use crate::schedule::{CANCEL, DecisionRecord};

/// How often it is looked whether a run was cancelled.
const LOOK: Duration = Duration::from_secs(5);

/// Who runs an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A runner, which begins nothing that is cancelled.
    Runner,
    /// Somebody who names the run of a schedule, and may know that it was cancelled before.
    Hand,
    /// Somebody, and of a job without schedule: its runs are not cancelled.
    Command,
}

/// The bounds of an attempt.
#[derive(Debug)]
pub(super) struct Bounds<'a> {
    pub(super) front: &'a Lakefront,
    pub(super) key: &'a RunKey,
    /// Of the attempt, in seconds.
    pub(super) timeout: Option<u64>,
    /// Of its runner.
    pub(super) stop: Option<&'a CancellationToken>,
    /// Who runs it.
    pub(super) by: By,
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
        pause(Duration::from_secs(seconds)).await;
        seconds
    }

    async fn cancelled(&self) -> String {
        // What the store cannot say now it may say the next time.
        let look = async || self.front.read_json::<DecisionRecord>(&self.key.record(CANCEL)).await.ok().flatten();
        if self.by == By::Command || self.by == By::Hand && look().await.is_some() {
            return std::future::pending().await;
        }
        loop {
            if let Some(record) = look().await {
                return record.by;
            }
            pause(LOOK).await;
        }
    }

    async fn stopped(&self) {
        match self.stop {
            Some(stop) => stop.cancelled().await,
            None => std::future::pending().await,
        }
    }
}
