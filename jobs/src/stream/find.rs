//! Which files are there, and which of them are new.

use std::collections::BTreeSet;

use engine::{EngineError, Origins, PlannedInput, origin_of};
use schemas::{Dataset, StreamSource};

use super::log::StreamLog;
use super::read_files::ReadFiles;
use super::settle::Listed;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::world::World;

/// The files that are there, by path.
///
/// # Errors
/// When the store cannot be listed, or a folder does not exist.
pub(crate) async fn listed(lake: &OpenLake, world: &World, source: &StreamSource) -> Result<Vec<Listed>, JobError> {
    match source {
        StreamSource::Folder(folder) => {
            let found = lake.inputs.listed(std::slice::from_ref(folder)).await?;
            Ok(found.into_iter().map(|(file, modified)| Listed { file, modified }).collect())
        }
        StreamSource::Dataset(id) => {
            let session = lake.sessions.session(world.now())?;
            let files = session.files(id.as_str()).await?.unwrap_or_default();
            Ok(files
                .iter()
                .map(|file| Listed { file: PlannedInput::of(file), modified: file.meta.last_modified })
                .collect())
        }
    }
}

/// What a look comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sorted {
    /// Files that no batch read.
    pub(crate) new: Vec<Listed>,
    /// Files with rows that were read, under another name or among others.
    pub(crate) same: Vec<PlannedInput>,
    /// Files of which rows were read, and that may have others now; with the reason.
    pub(crate) changed: Vec<(PlannedInput, String)>,
}

/// Tells new files from those that only look new.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(crate) async fn sorted(
    lake: &OpenLake,
    source: &StreamSource,
    log: &StreamLog,
    listed: Vec<Listed>,
) -> Result<Sorted, JobError> {
    let mut sorted = Sorted::default();
    let unread = listed.into_iter().filter(|listed| !log.read.has(&listed.file) && !log.is_aside(&listed.file));
    let dataset = match source {
        // What was replaced is read again, and rows that are there are told apart.
        StreamSource::Folder(_) => None,
        StreamSource::Dataset(id) => Some(lake.dataset(id.as_str())?),
    };
    let Some(dataset) = dataset else {
        sorted.new.extend(unread);
        return Ok(sorted);
    };
    let mut told = Tellers { lake, dataset, read: &log.read, origins: None };
    for listed in unread {
        if log.is_accepted(&listed.file) {
            sorted.new.push(listed);
            continue;
        }
        match told.tell(&listed.file).await? {
            Told::New => sorted.new.push(listed),
            Told::Same => sorted.same.push(listed.file),
            Told::Changed(why) => sorted.changed.push((listed.file, why)),
            Told::Merged(first) => sorted.changed.push((listed.file, merged(&first))),
            Told::UnderWay => {}
        }
    }
    Ok(sorted)
}

/// Of files of a dataset those that have, or may have, rows of which none was read. Of those that compaction merged with
/// files that were read, it was noted before whether they had any.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(crate) async fn other_rows(
    lake: &OpenLake,
    dataset: &Dataset,
    read: &ReadFiles,
    files: Vec<PlannedInput>,
) -> Result<Vec<PlannedInput>, JobError> {
    let mut told = Tellers { lake, dataset, read, origins: None };
    let mut others = Vec::new();
    for file in files.into_iter().filter(|file| !read.has(file)) {
        if matches!(told.tell(&file).await?, Told::New | Told::Changed(_)) {
            others.push(file);
        }
    }
    Ok(others)
}

/// What a file is that was not read as it is.
enum Told {
    New,
    Same,
    Changed(String),
    /// It has the rows of files of which some were read, this one among them.
    Merged(String),
    /// Retention is about to say.
    UnderWay,
}

fn merged(first: &str) -> String {
    format!("it came in the place of files of which \"{first}\" was read, and may have other rows")
}

/// What tells files of a dataset apart.
struct Tellers<'a> {
    lake: &'a OpenLake,
    dataset: &'a Dataset,
    read: &'a ReadFiles,
    /// What retention did, read once it matters.
    origins: Option<Origins>,
}

impl Tellers<'_> {
    async fn tell(&mut self, file: &PlannedInput) -> Result<Told, EngineError> {
        if self.read.knows(&file.path) {
            return self.of_other_bytes(file).await;
        }
        if self.dataset.elsewhere.is_some() {
            return Ok(Told::New);
        }
        let Some(origin) = origin_of(&self.lake.front, &self.dataset.id, &file.path).await? else {
            return Ok(Told::New);
        };
        let read: BTreeSet<&String> = origin.removed.iter().filter(|path| self.read.knows(path)).collect();
        Ok(match read.first() {
            None => Told::New,
            Some(_) if origin.has_their_rows && read.len() == origin.removed.len() => Told::Same,
            Some(first) if origin.has_their_rows => Told::Merged((*first).clone()),
            Some(first) => Told::Changed(merged(first)),
        })
    }

    /// A file that was read when it had other bytes.
    async fn of_other_bytes(&mut self, file: &PlannedInput) -> Result<Told, EngineError> {
        let changed = "it was read, and has other bytes since; nothing says that retention wrote them";
        if self.dataset.elsewhere.is_some() {
            return Ok(Told::Changed(changed.to_owned()));
        }
        if self.origins.is_none() {
            self.origins = Some(Origins::read(&self.lake.front, self.dataset).await?);
        }
        let Some(origins) = &self.origins else { return Ok(Told::UnderWay) };
        let before = origins.before(&file.path, &file.etag);
        Ok(if before.iter().any(|etag| self.read.has_version(&file.path, etag)) {
            Told::Same
        } else if origins.is_under_way(&file.path) {
            Told::UnderWay
        } else {
            Told::Changed(changed.to_owned())
        })
    }
}
