//! Files that no batch reads: they are named, with the reason, until somebody wants them.

use engine::{Created, EngineError, Lakefront, PlannedInput};
use schemas::{Job, JobId, Stream};

use super::find::listed;
use super::log::StreamLog;
use super::records::{AcceptedRecord, AsideRecord, Places};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::world::World;

/// Sets a file aside; told where nobody had done so before.
pub(crate) async fn put_aside(front: &Lakefront, record: &AsideRecord) -> Result<bool, EngineError> {
    let path = Places(&record.job).aside(&record.file);
    Ok(front.create_json(&path, record).await? == Created::Now)
}

/// Says that a file that was set aside is read after all, as it is now.
///
/// # Errors
/// When no such file is there, or it is not set aside.
pub(crate) async fn accept(
    (lake, world): (&OpenLake, &World),
    (job, stream): (&Job, &Stream),
    (path, by): (&str, &str),
) -> Result<(), JobError> {
    let refused = |why: &str| JobError::Refused { what: format!("accepting \"{path}\""), why: why.to_owned() };
    let all = listed(lake, world, &stream.source).await?;
    let found = all.into_iter().map(|listed| listed.file).find(|file| file.path == path);
    let file: PlannedInput = found.ok_or_else(|| refused("no file of that path is there"))?;
    let log = StreamLog::load(&lake.front, &job.id).await?;
    if log.is_accepted(&file) {
        return Ok(());
    }
    if !log.is_aside(&file) {
        return Err(refused("it is not set aside; `auditlake job show` lists what is"));
    }
    let record = AcceptedRecord { job: job.id.clone(), file, by: by.to_owned(), at: world.now() };
    lake.front.create_json(&Places(&job.id).accepted(&record.file), &record).await?;
    Ok(())
}

/// Files of a job that are set aside and that nobody wants, by path.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(crate) async fn set_aside(
    front: &Lakefront,
    job: &JobId,
    log: &StreamLog,
) -> Result<Vec<AsideRecord>, EngineError> {
    let mut all: Vec<AsideRecord> = Vec::new();
    for meta in front.list(&Places(job).set_aside()).await? {
        if !meta.location.as_ref().ends_with(".accepted.json") {
            all.extend(front.read_json(&meta.location).await?);
        }
    }
    all.retain(|record| log.is_aside(&record.file));
    all.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    Ok(all)
}
