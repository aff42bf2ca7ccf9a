//! What is done, as entries.
//!
//! An entry follows from records of the lake alone, so that whoever makes up for a process that died makes the same one.

use std::collections::BTreeSet;

use engine::evidence::{
    ApprovalEntry, ChainEntry, EntryBody, ExportEntry, FileEntry, PartEntry, Place, RemovalEntry, ReportEntry, RunEntry,
};
use engine::{EngineError, FilesReplaced, Lakefront, WrittenFile, recorded_path};
use object_store::path::Path;
use schemas::{Class, Dataset, DatasetId};
use sha2::{Digest, Sha256};

use crate::access::keyed;
use crate::error::JobError;
use crate::export::{Manifest, ObjectPlace};
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, Output, OutputRole, RunKey};
use crate::review::StepRecord;
use crate::verify::{ChainHead, Verified};

/// Bytes of places in one entry of removals, well below what an entry may have.
const PLACES_BYTES: usize = 48 << 10;
/// Files that stand in one entry.
const FILES_MAX: usize = 150;
/// Before a path that is keyed.
const KEYED_PATH: &str = "auditlake/evidence/path/v1\n";

/// How places of files are written in the log.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Datasets of which folders may name people.
    keyed: BTreeSet<DatasetId>,
    /// The key of their places, where there are any.
    key: Option<[u8; 32]>,
}

impl Places {
    /// Those of a lake.
    pub(crate) fn of(lake: &OpenLake) -> Result<Self, JobError> {
        let keyed = lake.definitions.datasets.iter().filter(|dataset| names_people(dataset));
        let keyed = keyed.flat_map(|dataset| [Some(dataset.id.clone()), dataset.rejected().map(|refused| refused.id)]);
        let keyed: BTreeSet<DatasetId> = keyed.flatten().collect();
        let key = if keyed.is_empty() { None } else { Some(lake.pseudonym_key()?) };
        Ok(Self { keyed, key })
    }

    /// The place of a file.
    pub(crate) fn of_file(&self, dataset: &Dataset, path: &str) -> Place {
        match &self.key {
            Some(key) if self.keyed.contains(&dataset.id) => Place::Keyed(keyed(key, &format!("{KEYED_PATH}{path}"))),
            _ => Place::Path(path.to_owned()),
        }
    }

    /// Every form in which it may have been logged: a column may have been found to name people later.
    pub(crate) fn forms(&self, dataset: &Dataset, path: &str) -> Vec<Place> {
        let (own, plain) = (self.of_file(dataset, path), Place::Path(path.to_owned()));
        if own == plain { vec![own] } else { vec![own, plain] }
    }
}

/// Whether a folder of the dataset may identify a person: folders are named after tenants.
fn names_people(dataset: &Dataset) -> bool {
    let class = dataset.classes.get(&dataset.tenant);
    dataset.schema.partitioned
        && (class.is_some_and(|class| *class >= Class::Personal) || dataset.subjects.contains(&dataset.tenant))
}

/// Files that were written into a dataset.
pub(crate) fn of_files<'a>(
    places: &Places,
    dataset: &Dataset,
    files: impl IntoIterator<Item = &'a WrittenFile>,
) -> Vec<EntryBody> {
    let entry = |file: &WrittenFile| {
        EntryBody::File(FileEntry {
            dataset: dataset.id.to_string(),
            place: places.of_file(dataset, &file.path),
            sha256: file.sha256.clone(),
            bytes: file.bytes,
            rows: file.rows,
            adopted: false,
        })
    };
    files.into_iter().map(entry).collect()
}

/// Files of a dataset that other files came in the place of: `work` is how the names of those begin.
pub(crate) fn of_removals(places: &Places, dataset: &Dataset, work: &str, removed: &[String]) -> Vec<EntryBody> {
    let mut texts: Vec<String> = removed.iter().map(|path| places.of_file(dataset, path).to_text()).collect();
    texts.sort();
    let mut parts: Vec<Vec<String>> = Vec::new();
    let mut bytes = usize::MAX;
    for text in texts {
        bytes = bytes.saturating_add(text.len() + 3);
        if bytes > PLACES_BYTES {
            parts.push(Vec::new());
            bytes = text.len();
        }
        parts.last_mut().into_iter().for_each(|part| part.push(text.clone()));
    }
    let entry = |removes| RemovalEntry { dataset: dataset.id.to_string(), work: work.to_owned(), removes };
    let is_compaction = work.starts_with("compact-");
    let body = |entry| if is_compaction { EntryBody::Compaction(entry) } else { EntryBody::Replacement(entry) };
    parts.into_iter().map(entry).map(body).collect()
}

/// Files that came in the place of others.
pub(crate) fn of_replacement(places: &Places, dataset: &Dataset, commit: &FilesReplaced) -> Vec<EntryBody> {
    let mut bodies = of_files(places, dataset, &commit.adds);
    bodies.extend(of_removals(places, dataset, &commit.work, &commit.removes));
    bodies
}

/// A commit: the run, and the report or export that it made.
pub(crate) async fn of_commit(
    front: &Lakefront,
    key: &RunKey,
    job_kind: &str,
    commit: &CommitRecord,
) -> Result<Vec<EntryBody>, JobError> {
    let record = key.commit_record(commit.revision);
    let record_sha256 = sha256_of(front, record.as_ref()).await?;
    let mut bodies = vec![EntryBody::Run(RunEntry {
        run: commit.run.clone(),
        job_kind: job_kind.to_owned(),
        revision: commit.revision,
        interval: commit.interval,
        record: record.to_string(),
        record_sha256,
        inputs: commit.inputs.len() as u64,
        outputs: commit.outputs.len() as u64,
        definitions_sha256: commit.definitions_sha256.clone(),
        plan_sha256: commit.plan_sha256.clone(),
        files: files(commit, |role| !matches!(role, OutputRole::Rows | OutputRole::Report | OutputRole::Export)),
    })];
    let reports: Vec<&Output> = commit.outputs.iter().filter(|output| output.role == OutputRole::Report).collect();
    if let Some(export) = &commit.summary.export {
        let manifest = reports.last().map(|output| output.sha256.clone()).unwrap_or_default();
        bodies.push(EntryBody::Export(ExportEntry {
            of: commit.run.clone(),
            manifest_sha256: manifest,
            parts: export.parts,
            rows: export.rows,
            bytes: export.bytes,
            files: files(commit, |role| matches!(role, OutputRole::Report | OutputRole::Export)),
        }));
    } else if !reports.is_empty() {
        bodies.push(EntryBody::Report(report(commit)));
    }
    for output in commit.outputs.iter().filter(|output| output.role == OutputRole::Verified) {
        let verified: Option<Verified> = front.read_json(&recorded_path(&output.path)).await?;
        bodies.extend(verified.into_iter().flat_map(|verified| verified.heads).map(of_head));
    }
    Ok(bodies)
}

/// Objects of some roles that a commit names, unless they are too many for an entry.
fn files(commit: &CommitRecord, is_of: impl Fn(OutputRole) -> bool) -> Vec<PartEntry> {
    let files: Vec<PartEntry> = commit.outputs.iter().filter(|output| is_of(output.role)).map(part).collect();
    if files.len() > FILES_MAX { Vec::new() } else { files }
}

/// A file as entries have it.
pub(crate) fn part(output: &Output) -> PartEntry {
    PartEntry { path: output.path.clone(), sha256: output.sha256.clone(), bytes: output.bytes }
}

/// How far a chain of a producer went when a verification looked.
fn of_head(head: ChainHead) -> EntryBody {
    let ChainHead { dataset, chain, seq, head } = head;
    EntryBody::Chain(ChainEntry { dataset, chain, seq, head })
}

/// The report of a commit: its files, and one SHA-256 over all of them.
pub(crate) fn report(commit: &CommitRecord) -> ReportEntry {
    let reports = commit.outputs.iter().filter(|output| output.role == OutputRole::Report);
    let mut parts: Vec<PartEntry> = reports.map(part).collect();
    parts.sort();
    let lines: String = parts.iter().map(|part| format!("{}  {}\n", part.sha256, part.path)).collect();
    ReportEntry {
        run: commit.run.clone(),
        revision: commit.revision,
        manifest_sha256: engine::hex(&Sha256::digest(lines)),
        parts,
    }
}

/// An export that no run made. What asked for it has a name of chance, or the hash of a request: neither tells who asked.
pub(crate) async fn of_export(of: &str, place: &ObjectPlace, manifest: &Manifest) -> Result<EntryBody, JobError> {
    let bytes = place.read(&place.manifest()).await?.unwrap_or_default();
    Ok(EntryBody::Export(ExportEntry {
        of: of.to_owned(),
        manifest_sha256: engine::hex(&Sha256::digest(&bytes)),
        parts: manifest.parts.len() as u64,
        rows: manifest.rows,
        bytes: manifest.bytes,
        files: Vec::new(),
    }))
}

/// A step of a report's review.
pub(crate) async fn of_step(front: &Lakefront, path: &str, step: &StepRecord) -> Result<EntryBody, JobError> {
    Ok(EntryBody::Approval(ApprovalEntry {
        run: step.run.clone(),
        revision: step.revision,
        number: step.number,
        state: step.state.as_str().to_owned(),
        record: path.to_owned(),
        record_sha256: sha256_of(front, path).await?,
        manifest_sha256: step.manifest_sha256.clone(),
    }))
}

async fn sha256_of(front: &Lakefront, path: &str) -> Result<String, EngineError> {
    let bytes = front.read(&Path::from(path)).await?;
    let bytes = bytes.ok_or_else(|| EngineError::Damaged {
        path: path.to_owned(),
        what: "is gone, although it was written a moment ago".to_owned(),
    })?;
    Ok(engine::hex(&Sha256::digest(&bytes)))
}
