//! What the ledger says of an attempt, as events: the same whoever makes them, and whenever.

use std::collections::{BTreeMap, BTreeSet};

use ::lineage::{
    Dataset, DatasetKind, DatasetName, Event, JobName, Nominal, Operation, RunEvent, State, Statistics, run_id,
};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::InputFile;
use sha2::{Digest, Sha256};

use super::made::Made;
use super::naming::Naming;
use crate::ledger::{CommitRecord, FailRecord, Output, OutputRole, RunKey, StartRecord};

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadFile {
    /// Its dataset; none for a source object.
    pub(crate) dataset: Option<String>,
    pub(crate) path: String,
    pub(crate) etag: String,
    pub(crate) bytes: u64,
    /// Its rows, where they were counted.
    pub(crate) rows: Option<u64>,
}

impl From<&InputFile> for ReadFile {
    fn from(file: &InputFile) -> Self {
        Self {
            dataset: (!file.dataset.is_empty()).then(|| file.dataset.clone()),
            path: file.path.clone(),
            etag: file.etag.clone(),
            bytes: file.bytes,
            rows: Some(file.rows),
        }
    }
}

/// One attempt of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptOf<'a> {
    pub(crate) naming: &'a Naming,
    pub(crate) lake: &'a str,
    pub(crate) key: &'a RunKey,
    pub(crate) start: &'a StartRecord,
}

impl AttemptOf<'_> {
    /// The id of the attempt in lineage.
    pub(crate) fn id(&self) -> String {
        id_of(self.lake, self.key, self.start.attempt)
    }

    /// That it began.
    pub(crate) fn started(&self) -> Vec<Event> {
        self.event(State::Start, self.start.started_at).events()
    }

    /// That it failed. Errors hold values of rows, so the event says where they stand.
    pub(crate) fn failed(&self, fail: &FailRecord) -> Vec<Event> {
        let error = format!("{}; auditlake runs show {} tells why", fail.remedy, fail.run);
        RunEvent { error: Some(error), ..self.event(State::Fail, fail.ended_at) }.events()
    }

    /// That it was committed, with what it read and wrote.
    pub(crate) fn committed(&self, commit: &CommitRecord, made: &Made) -> Vec<Event> {
        // A clock may be pinned, and what was computed again still comes after what it replaces.
        let before = TimeDelta::microseconds(i64::try_from(commit.revision).unwrap_or(i64::MAX).saturating_sub(1));
        let at = commit.committed_at.unwrap_or(self.start.started_at) + before;
        let mut event = self.event(State::Complete, at);
        let files: Vec<ReadFile> = commit.inputs.iter().map(ReadFile::from).collect();
        event.inputs = inputs(self.naming, made, &files);
        event.outputs = outputs(self.naming, self.key.job.as_str(), made, &commit.outputs);
        event.operations.clone_from(&made.operations);
        event.sql.clone_from(&made.sql);
        event.events()
    }

    /// What a commit that does not name its columns read and wrote: of records that older versions wrote.
    pub(crate) fn untold(&self, commit: &CommitRecord) -> Made {
        let tables = commit.inputs.iter().map(|input| &input.dataset).chain(commit.reads.keys());
        let inputs = tables.filter(|table| !table.is_empty()).map(|table| self.naming.own(table.as_str()));
        let into = commit.summary.query.as_ref().map(|query| query.dataset.clone());
        let name = match (&into, self.start.kind.as_str()) {
            (Some(dataset), _) => dataset.clone(),
            (None, "export") => format!("exports.{}", self.key.job),
            (None, _) => format!("reports.{}", self.key.job),
        };
        let outputs = vec![Dataset::new(self.naming.own(name))];
        Made { inputs: inputs.collect(), outputs, ..Made::default() }
    }

    fn event(&self, state: State, at: DateTime<Utc>) -> RunEvent {
        let interval = self.start.interval;
        RunEvent {
            run_id: self.id(),
            job: job_of(self.naming, self.key),
            job_kind: self.start.kind.clone(),
            at,
            state,
            nominal: Some(Nominal { from: interval.start, to: Some(interval.end) }),
            parent: None,
            engine_version: self.start.version.clone(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            error: None,
            sql: None,
            operations: BTreeSet::new(),
        }
    }
}

/// The id of an attempt in lineage.
pub(crate) fn id_of(lake: &str, key: &RunKey, attempt: u64) -> String {
    run_id(lake, key.job.as_str(), key.instant, u32::try_from(attempt).unwrap_or(u32::MAX))
}

fn job_of(naming: &Naming, key: &RunKey) -> JobName {
    naming.job(key.job.as_str())
}

/// What was read, each dataset with how much of it and in which version.
pub(crate) fn inputs(naming: &Naming, made: &Made, files: &[ReadFile]) -> Vec<Dataset> {
    let mut by_dataset: BTreeMap<DatasetName, Vec<&ReadFile>> = BTreeMap::new();
    for file in files {
        by_dataset.entry(of_input(naming, made, file)).or_default().push(file);
    }
    let names: BTreeSet<&DatasetName> = made.inputs.iter().chain(by_dataset.keys()).collect();
    let input = |name: &DatasetName| {
        let mut input = Dataset::new(name.clone());
        if made.operations.contains(&Operation::Ingestion) {
            input.facets.kind = Some(DatasetKind::File);
        }
        if let Some(files) = by_dataset.get(name) {
            input.statistics = Some(Statistics {
                rows: files.iter().map(|file| file.rows).sum::<Option<u64>>().map(counted),
                size_bytes: Some(sum(files.iter().map(|file| file.bytes))),
                files: Some(sum(files.iter().map(|_| 1))),
            });
            input.facets.version = Some(version(files));
        }
        input
    };
    names.into_iter().map(input).collect()
}

/// The dataset of a file: the one it belongs to, or for a source object the folder that holds it.
fn of_input(naming: &Naming, made: &Made, file: &ReadFile) -> DatasetName {
    if let Some(dataset) = &file.dataset {
        return naming.own(dataset.as_str());
    }
    let whole = naming.place(&file.path);
    let holds = |folder: &&DatasetName| {
        folder.namespace == whole.namespace
            && whole.name.strip_prefix(&folder.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    made.inputs.iter().filter(holds).max_by_key(|folder| folder.name.len()).cloned().unwrap_or(whole)
}

/// The version of a dataset: which files in which versions.
fn version(files: &[&ReadFile]) -> String {
    let mut lines: Vec<String> = files.iter().map(|file| format!("{}\0{}\n", file.path, file.etag)).collect();
    lines.sort_unstable();
    schemas::hex(&Sha256::digest(lines.concat()))
}

/// What was written, each dataset with how much.
fn outputs(naming: &Naming, job: &str, made: &Made, written: &[Output]) -> Vec<Dataset> {
    let mut outputs = made.outputs.clone();
    for output in &mut outputs {
        let of_it: Vec<&Output> =
            written.iter().filter(|one| naming.own(named(job, made, one)) == output.name).collect();
        if !of_it.is_empty() {
            output.statistics = Some(Statistics {
                rows: of_it.iter().map(|one| one.rows).sum::<Option<u64>>().map(counted),
                size_bytes: Some(sum(of_it.iter().map(|one| one.bytes))),
                files: Some(sum(of_it.iter().map(|_| 1))),
            });
        }
    }
    outputs
}

/// What a written object is a part of, by what its readers take it for.
fn named(job: &str, made: &Made, output: &Output) -> String {
    match output.role {
        OutputRole::Report | OutputRole::Export if made.operations.contains(&Operation::Export) => {
            let is_export = made.outputs.iter().any(|one| one.name.name.starts_with("exports."));
            format!("{}.{job}", if is_export { "exports" } else { "reports" })
        }
        OutputRole::Report | OutputRole::Export => format!("reports.{job}"),
        OutputRole::ControlResults => "auditlake.control_results".to_owned(),
        OutputRole::Findings => "auditlake.findings".to_owned(),
        OutputRole::Verified => "auditlake.verify_findings".to_owned(),
        OutputRole::Retention => "auditlake.receipts".to_owned(),
        OutputRole::Evidence => {
            let file = output.path.rsplit('/').next().unwrap_or_default();
            format!("evidence.{}", file.strip_suffix(".parquet").unwrap_or(file))
        }
        OutputRole::Rows => {
            // Rejected rows lie in a folder beside the dataset's.
            let rejected =
                made.outputs.iter().map(|one| one.name.name.as_str()).find(|name| name.ends_with("_rejected"));
            let is_rejected = output.path.split('/').any(|part| part.ends_with("_rejected"));
            let own = made.outputs.first().map(|one| one.name.name.as_str());
            rejected.filter(|_| is_rejected).or(own).unwrap_or_default().to_owned()
        }
    }
}

fn sum(values: impl Iterator<Item = u64>) -> i64 {
    counted(values.sum())
}

pub(crate) fn counted(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
