//! Files that no batch reads: they are named, with the reason, until somebody wants them.

use engine::{Created, EngineError, Lakefront, PlannedInput};
use schemas::{Job, Stream};

use super::find::listed;
use super::log::StreamLog;
use super::records::{AcceptedRecord, AsideRecord, Places};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::notify::{Note, Source};
use crate::world::World;

/// Sets a file aside; told where nobody had done so before.
pub(super) async fn put_aside(front: &Lakefront, record: &AsideRecord) -> Result<bool, EngineError> {
    let path = Places(&record.job).aside(&record.file);
    Ok(front.create_json(&path, record).await? == Created::Now)
}

/// Sets aside files that may have other rows than were read; gives those of which nobody had done so before, with the reason.
///
/// # Errors
/// When the store fails.
pub(crate) async fn put_changed_aside(
    (lake, world): (&OpenLake, &World),
    job: &Job,
    changed: Vec<(PlannedInput, String)>,
) -> Result<Vec<(String, String)>, JobError> {
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let paths = changed.iter().map(|(file, _)| Places(&job.id).aside(file).to_string()).collect();
    let note = Note::begin(lake, world, Source::Records { paths }).await?;
    let put = async {
        let mut new = Vec::new();
        for (file, why) in changed {
            let record = AsideRecord { job: job.id.clone(), file, why, at: world.now() };
            if put_aside(&lake.front, &record).await? {
                new.push((record.file.path, record.why));
            }
        }
        Ok(new)
    };
    let new = put.await;
    note.end().await;
    new
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
