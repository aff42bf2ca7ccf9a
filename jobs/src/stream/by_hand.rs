//! The batch that somebody means who runs such a job by hand: the one that is open, or one of all new files that are there.

use engine::PlannedInput;
use schemas::{Interval, Job, Stream};

use super::aside::put_changed_aside;
use super::find::{Sorted, listed, sorted};
use super::log::StreamLog;
use super::settle::Listed;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::world::World;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// A batch.
    Batch {
        /// What its run covers.
        interval: Interval,
        /// Its number.
        number: u64,
    },
    /// No file is new.
    Nothing {
        /// Files that were read, by version.
        read: usize,
        /// Files that are set aside.
        aside: usize,
    },
}

/// The next batch of a job; its files need not settle, since somebody says that they are there.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(crate) async fn next_by_hand(
    (lake, world): (&OpenLake, &World),
    (job, stream): (&Job, &Stream),
) -> Result<Next, JobError> {
    let mut log = StreamLog::load(&lake.front, &job.id).await?;
    if log.open.is_none() {
        let listed = listed(lake, world, &stream.source).await?;
        let Sorted { new, same, changed } = sorted(lake, &stream.source, &log, listed).await?;
        put_changed_aside((lake, world), job, changed).await?;
        let files = first_of(stream, new.into_iter().map(|Listed { file, .. }| file).collect());
        if files.is_empty() {
            log.refresh(&lake.front).await?;
            return Ok(Next::Nothing { read: log.read.count(), aside: log.set_aside().count() });
        }
        log.plan((lake, world), files, same).await?;
    }
    match &log.open {
        Some(plan) => Ok(Next::Batch { interval: plan.interval, number: plan.batch }),
        // Another runner planned it, ran it and ended it meanwhile.
        None => Ok(Next::Nothing { read: log.read.count(), aside: log.set_aside().count() }),
    }
}

/// As many files as a batch has at most, the first by path.
pub(crate) fn first_of(stream: &Stream, files: Vec<PlannedInput>) -> Vec<PlannedInput> {
    let most = usize::try_from(stream.max_files).unwrap_or(usize::MAX);
    let mut bytes = 0_u64;
    let fits = |(at, file): &(usize, PlannedInput)| {
        bytes = bytes.saturating_add(file.bytes);
        *at == 0 || bytes <= stream.max_bytes
    };
    files.into_iter().enumerate().take(most).take_while(fits).map(|(_, file)| file).collect()
}
