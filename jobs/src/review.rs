//! The review of reports: draft, in review, approved, published, superseded.
//!
//! A job with `approval: required` writes its report below `_auditlake/reports/`, where it is a draft. Each step is a
//! create-only record, `_auditlake/approvals/<job>/<instant>/<revision>/<number>.json`, about the SHA-256 over all parts.
//! Whoever approves is neither who ran the job nor who submitted the report, and may `report.approve`. Publishing compares
//! every part with what was approved, and then puts it where the job says.
//!
//! Absent: approving what a job published at once; that report says that nobody reviewed it.

use chrono::{DateTime, Utc};
use engine::evidence::{EntryBody, PartEntry};
use engine::{Created, EngineError, Lakefront, recorded_path};
use object_store::path::Path;
use schemas::{JobId, JobKind, Permission, compact, parse_compact};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Answer;
use crate::access::known;
use crate::error::JobError;
use crate::evidence_log::{Act, EvidenceLog, Intent, PROOF_ENDING, of_step, report};
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, Ledger, Output, OutputRole, RunEntry, RunKey};
use crate::retention::approval_records;
use crate::world::World;

/// Where drafts lie.
pub(crate) const DRAFTS: &str = "_auditlake/reports";
const APPROVALS: &str = "_auditlake/approvals";

/// Where a report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReviewState {
    /// Nobody has submitted it, or it was sent back.
    Draft,
    /// Somebody is to look at it.
    InReview,
    /// Somebody has, and agrees.
    Approved,
    /// It lies where the job says.
    Published,
    /// A later revision was published.
    Superseded,
}

impl ReviewState {
    /// The word in records.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Published => "published",
            Self::Superseded => "superseded",
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepRecord {
    /// Run id of the report.
    pub(crate) run: String,
    /// Number of its commit.
    pub(crate) revision: u64,
    /// Number of the step, from 1.
    pub(crate) number: u64,
    /// Where it leads.
    pub(crate) state: ReviewState,
    /// The principal who took it.
    pub(crate) by: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// SHA-256 over the parts.
    pub(crate) manifest_sha256: String,
    /// Why, where it was sent back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) reason: Option<String>,
    /// What of it was signed with the key of the evidence log, as a signed note; none where the lake has no log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) note: Option<String>,
}

/// What a command asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    Submit,
    Approve,
    Reject { reason: &'a str },
    Publish,
}

impl Step<'_> {
    fn leads_to(self) -> ReviewState {
        match self {
            Self::Submit => ReviewState::InReview,
            Self::Approve => ReviewState::Approved,
            Self::Reject { .. } => ReviewState::Draft,
            Self::Publish => ReviewState::Published,
        }
    }

    fn comes_from(self) -> ReviewState {
        match self {
            Self::Submit => ReviewState::Draft,
            Self::Approve | Self::Reject { .. } => ReviewState::InReview,
            Self::Publish => ReviewState::Approved,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Approve => "approve",
            Self::Reject { .. } => "reject",
            Self::Publish => "publish",
        }
    }
}

/// A report under review.
struct Reviewed {
    key: RunKey,
    commit: CommitRecord,
    steps: Vec<StepRecord>,
    manifest_sha256: String,
    ran_by: Option<String>,
}

impl Reviewed {
    fn state(&self) -> ReviewState {
        self.steps.last().map_or(ReviewState::Draft, |step| step.state)
    }

    /// Who submitted it last.
    fn submitted_by(&self) -> Option<&str> {
        let submitted = self.steps.iter().rev().find(|step| step.state == ReviewState::InReview);
        submitted.map(|step| step.by.as_str())
    }
}

/// Where the draft of a file lies that the job would put at `path`.
pub(crate) fn draft_path(key: &RunKey, attempt: u64, path: &str) -> String {
    format!("{DRAFTS}/{}/{}/{attempt}/{path}", key.job, compact(key.instant))
}

/// Where a draft goes when it is published; a later revision has a folder of its own.
fn published_path(draft: &str, revision: u64) -> Option<String> {
    let path = draft.strip_prefix(DRAFTS)?.splitn(5, '/').nth(4)?;
    if revision == 1 {
        return Some(path.to_owned());
    }
    Some(match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/r{revision}/{name}"),
        None => format!("r{revision}/{path}"),
    })
}

/// Takes a step of the last revision of a run's report.
pub(crate) async fn take(
    lake: &OpenLake,
    world: &World,
    run: &str,
    (step, by): (Step<'_>, &str),
) -> Result<Answer, JobError> {
    let reviewed = reviewed(lake, run).await?;
    allowed(lake, &reviewed, step, by)?;
    let act = Act::Review { job: reviewed.key.job.clone(), instant: reviewed.key.instant };
    let intent = Intent::begin(lake, world, act).await?;
    let taken = taken(lake, world, &reviewed, (step, by)).await;
    let bodies = async |steps: &Vec<(Path, StepRecord)>| {
        let mut bodies = Vec::new();
        for (path, step) in steps {
            bodies.push(of_step(&lake.front, path.as_ref(), step).await?);
        }
        Ok(bodies)
    };
    let steps = intent.end(taken, bodies).await?;
    let (_, last) = steps.first().ok_or_else(|| EngineError::Bug { what: "no step was taken".to_owned() })?;
    Ok(told(&reviewed, last))
}

fn told(reviewed: &Reviewed, step: &StepRecord) -> Answer {
    let mut text = format!(
        "{} revision {}: {} by {}\nmanifest sha256 {}",
        step.run,
        step.revision,
        step.state.as_str().replace('_', " "),
        step.by,
        step.manifest_sha256
    );
    let mut paths = Vec::new();
    if step.state == ReviewState::Published {
        paths = drafts(&reviewed.commit).filter_map(|part| published_path(&part.path, step.revision)).collect();
        paths.iter().for_each(|path| text.push_str(&format!("\n  {path}")));
    }
    let json = json!({
        "run": step.run, "revision": step.revision, "state": step.state, "by": step.by,
        "manifest_sha256": step.manifest_sha256, "published": paths,
    });
    Answer::done(text, json)
}

fn drafts(commit: &CommitRecord) -> impl Iterator<Item = &Output> {
    commit.outputs.iter().filter(|output| output.role == OutputRole::Report && output.path.starts_with(DRAFTS))
}

async fn reviewed(lake: &OpenLake, run: &str) -> Result<Reviewed, JobError> {
    let unknown = || JobError::Unknown {
        what: "run",
        name: run.to_owned(),
        remedy: "list them with `auditlake runs list`".to_owned(),
    };
    let key = RunKey::parse(run).ok_or_else(unknown)?;
    let entry = Ledger::new(lake.front.clone()).run_of(&key).await?.ok_or_else(unknown)?;
    let Some(commit) = entry.commit.clone() else {
        return Err(JobError::Usage(format!(
            "run \"{run}\" is not committed, so there is no report; run the job again"
        )));
    };
    if drafts(&commit).next().is_none() {
        return Err(JobError::Usage(format!(
            "run \"{run}\" has no draft to review; write approval: required in a job of kind compliance_report before it runs"
        )));
    }
    let start = entry.attempts.iter().find(|start| start.attempt == commit.attempt);
    let ran_by = start.and_then(|start| start.principal.clone());
    let steps = steps(&lake.front, &key, commit.revision).await?;
    let manifest_sha256 = report(&commit).manifest_sha256;
    Ok(Reviewed { key, commit, steps: steps.into_iter().map(|(_, step)| step).collect(), manifest_sha256, ran_by })
}

/// Refuses a step that may not be taken now, or not by this principal.
fn allowed(lake: &OpenLake, reviewed: &Reviewed, step: Step<'_>, by: &str) -> Result<(), JobError> {
    let Some(access) = &lake.definitions.access else {
        return Err(JobError::Usage("a review needs people; describe them in access.yaml".to_owned()));
    };
    let principal = known(access, by)?;
    let needed = match step {
        Step::Approve | Step::Reject { .. } => Permission::ReportApprove,
        Step::Submit | Step::Publish => Permission::ReportRead,
    };
    let run = reviewed.key.id();
    let refused = |why: String| Err(JobError::Refused { what: format!("{} of \"{run}\"", step.word()), why });
    if !principal.may(needed) {
        return refused(format!(
            "\"{by}\" may not {}; ask somebody who may, or whoever keeps access.yaml",
            needed.as_str()
        ));
    }
    if reviewed.state() != step.comes_from() {
        let (now, needs) = (reviewed.state().as_str(), step.comes_from().as_str());
        return refused(format!("revision {} is {now}, and it must be {needs}", reviewed.commit.revision));
    }
    if matches!(step, Step::Approve) {
        if reviewed.ran_by.as_deref() == Some(by) {
            return refused(format!("\"{by}\" ran the job; somebody else must approve"));
        }
        if reviewed.submitted_by() == Some(by) {
            return refused(format!("\"{by}\" submitted the report; somebody else must approve"));
        }
    }
    Ok(())
}

async fn taken(
    lake: &OpenLake,
    world: &World,
    reviewed: &Reviewed,
    (step, by): (Step<'_>, &str),
) -> Result<Vec<(Path, StepRecord)>, JobError> {
    whole(lake, reviewed).await?;
    if matches!(step, Step::Publish) {
        publish(lake, reviewed).await?;
    }
    let reason = match step {
        Step::Reject { reason } => Some(reason.to_owned()),
        _ => None,
    };
    let number = reviewed.steps.len() as u64 + 1;
    let record = StepRecord {
        run: reviewed.key.id(),
        revision: reviewed.commit.revision,
        number,
        state: step.leads_to(),
        by: by.to_owned(),
        at: world.now(),
        manifest_sha256: reviewed.manifest_sha256.clone(),
        reason,
        note: None,
    };
    let mut written = vec![write(lake, &reviewed.key, record).await?];
    if matches!(step, Step::Publish) {
        written.extend(supersede(lake, world, reviewed, by).await?);
    }
    Ok(written)
}

async fn write(lake: &OpenLake, key: &RunKey, record: StepRecord) -> Result<(Path, StepRecord), JobError> {
    let note = match EvidenceLog::open(lake)? {
        Some(log) => Some(log.note(&note_text(&record))?),
        None => None,
    };
    let record = StepRecord { note, ..record };
    let path = Path::from(format!("{}/{:06}.json", folder(key, record.revision), record.number));
    if lake.front.create_json(&path, &record).await? == Created::Existed {
        return Err(JobError::Refused {
            what: format!("step {} of \"{}\"", record.number, record.run),
            why: "somebody else took it meanwhile; look at it with `auditlake runs show`".to_owned(),
        });
    }
    Ok((path, record))
}

/// What is signed of a step.
pub(crate) fn note_text(record: &StepRecord) -> String {
    format!(
        "auditlake/approval/v1\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n",
        record.run,
        record.revision,
        record.number,
        record.state.as_str(),
        record.by,
        schemas::rfc3339(record.at),
        record.manifest_sha256
    )
}

/// Compares every part with what the run wrote.
async fn whole(lake: &OpenLake, reviewed: &Reviewed) -> Result<(), JobError> {
    for part in drafts(&reviewed.commit) {
        let bytes = lake.front.read(&recorded_path(&part.path)).await?.unwrap_or_default();
        if engine::hex(&Sha256::digest(&bytes)) != part.sha256 {
            return Err(EngineError::Damaged {
                path: part.path.clone(),
                what: format!("is not what run \"{}\" wrote, so nothing was done", reviewed.key.id()),
            }
            .into());
        }
    }
    Ok(())
}

async fn publish(lake: &OpenLake, reviewed: &Reviewed) -> Result<(), JobError> {
    for part in drafts(&reviewed.commit) {
        let Some(path) = published_path(&part.path, reviewed.commit.revision) else { continue };
        let bytes = lake.front.read(&recorded_path(&part.path)).await?.unwrap_or_default();
        let location = recorded_path(&path);
        // It may be there from an attempt to publish that was broken off.
        if lake.front.create(&location, bytes.clone()).await? == Created::Existed
            && lake.front.read(&location).await?.is_none_or(|there| there != bytes)
        {
            return Err(JobError::OutputTaken { path });
        }
        // A proof is of the file's bytes, wherever it lies.
        if let Some(proof) = lake.front.read(&recorded_path(&format!("{}{PROOF_ENDING}", part.path))).await? {
            lake.front.create(&recorded_path(&format!("{path}{PROOF_ENDING}")), proof).await?;
        }
    }
    Ok(())
}

/// Tells of the published revision before this one that it is superseded, beside its files, too.
async fn supersede(
    lake: &OpenLake,
    world: &World,
    reviewed: &Reviewed,
    by: &str,
) -> Result<Option<(Path, StepRecord)>, JobError> {
    for revision in (1..reviewed.commit.revision).rev() {
        let before = steps(&lake.front, &reviewed.key, revision).await?;
        let Some((_, last)) = before.last().filter(|(_, last)| last.state == ReviewState::Published) else { continue };
        let record = StepRecord {
            number: before.len() as u64 + 1,
            state: ReviewState::Superseded,
            by: by.to_owned(),
            at: world.now(),
            note: None,
            ..last.clone()
        };
        let own = drafts(&reviewed.commit).filter_map(|part| published_path(&part.path, reviewed.commit.revision));
        let notice = json!({
            "superseded": format!("{} revision {revision}", record.run), "by_revision": reviewed.commit.revision,
            "at": record.at, "parts": own.collect::<Vec<_>>(),
        });
        for folder in published_folders(lake, &reviewed.key, revision).await? {
            lake.front.create_json(&Path::from(format!("{folder}superseded.json")), &notice).await?;
        }
        return write(lake, &reviewed.key, record).await.map(Some);
    }
    Ok(None)
}

async fn published_folders(lake: &OpenLake, key: &RunKey, revision: u64) -> Result<Vec<String>, JobError> {
    let commit = Ledger::new(lake.front.clone()).revision(key, revision).await?;
    let parts = commit.iter().flat_map(drafts).filter_map(|part| published_path(&part.path, revision));
    let folder = |path: String| path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut folders: Vec<String> = parts.map(folder).collect();
    folders.sort();
    folders.dedup();
    Ok(folders)
}

/// Where the drafts of a report are published, each with its SHA-256.
pub(crate) fn published_of(drafts: &[PartEntry], revision: u64) -> Vec<(String, String)> {
    let file = |part: &PartEntry| Some((published_path(&part.path, revision)?, part.sha256.clone()));
    drafts.iter().filter_map(file).collect()
}

fn folder(key: &RunKey, revision: u64) -> String {
    format!("{APPROVALS}/{}/{}/{revision:06}", key.job, compact(key.instant))
}

/// The steps of a report, in order, each with the path of its record.
pub(crate) async fn steps(
    front: &Lakefront,
    key: &RunKey,
    revision: u64,
) -> Result<Vec<(Path, StepRecord)>, EngineError> {
    let mut steps = Vec::new();
    for meta in front.list(&Path::from(folder(key, revision))).await? {
        if let Some(step) = front.read_json(&meta.location).await? {
            steps.push((meta.location, step));
        }
    }
    Ok(steps)
}

/// The steps of every revision of a run's report, in order.
pub(crate) async fn of_run(lake: &OpenLake, run: &RunEntry) -> Result<Vec<StepRecord>, JobError> {
    let Some(key) = RunKey::parse(&run.run) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for commit in run.commits() {
        all.extend(steps(&lake.front, &key, commit.revision).await?.into_iter().map(|(_, step)| step));
    }
    Ok(all)
}

/// Paths of every step of every report.
pub(crate) async fn records(front: &Lakefront) -> Result<Vec<Path>, EngineError> {
    let mut all = all_records(front).await?;
    let of_others: Vec<Path> = approval_records(&all).into_iter().cloned().collect();
    all.retain(|path| !of_others.contains(path));
    Ok(all)
}

/// Paths of every record of an approval, those of retention plans among them.
pub(crate) async fn all_records(front: &Lakefront) -> Result<Vec<Path>, EngineError> {
    Ok(front.list(&Path::from(APPROVALS)).await?.into_iter().map(|meta| meta.location).collect())
}

/// The entries of every step of a run's reports.
pub(crate) async fn bodies(front: &Lakefront, key: &RunKey) -> Result<Vec<EntryBody>, JobError> {
    let mut bodies = Vec::new();
    let all = Path::from(format!("{APPROVALS}/{}/{}", key.job, compact(key.instant)));
    for meta in front.list(&all).await? {
        if let Some(step) = front.read_json::<StepRecord>(&meta.location).await? {
            bodies.push(of_step(front, meta.location.as_ref(), &step).await?);
        }
    }
    Ok(bodies)
}

/// Whether a job's reports wait for an approval.
pub(crate) fn is_required(lake: &OpenLake, job: &JobId) -> bool {
    let job = lake.definitions.job(job).map(|job| &job.kind);
    matches!(job, Some(JobKind::ComplianceReport(spec)) if spec.approval_required)
}

impl RunKey {
    /// Reads `job@20260329T040000Z`.
    pub(crate) fn parse(run: &str) -> Option<Self> {
        let (job, instant) = run.rsplit_once('@')?;
        Some(Self { job: JobId::parse(job).ok()?, instant: parse_compact(instant)? })
    }
}
