//! Exports, answers to requests, reports and rows of runs that show a person: withdrawn whole.
//!
//! A step of the case says which objects go, with the SHA-256 that records and the evidence log have of them; then a mark is put
//! beside the manifest, which stays; then they go, with every version. So whoever looks for a part that is gone finds why,
//! and whoever dies meanwhile goes on with the same command. Nothing goes that is not what its record says, and no file of a
//! dataset, whatever a manifest names. Absent: copies that somebody received, and reports made anew.

use std::collections::BTreeSet;

use bytes::Bytes;
use engine::evidence::PartEntry;
use engine::recorded_path;
use engine::retention::Mentions;
use engine::subject::SubjectCase;
use object_store::ObjectMeta;
use object_store::path::Path;
use schemas::{CaseId, CaseStep, Interval, WithdrawnObject, rfc3339};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::anew::RowsOf;
use super::desk::Desk;
use super::places::Left;
use super::plan::PlannedPublication;
use super::rows_of_runs::{Anew, again, anew, rows_of_runs};
use super::sweep::is_named;
use crate::error::JobError;
use crate::evidence_log::part;
use crate::export::{Manifest, pretty};
use crate::ledger::{Ledger, OutputRole, RunEntry, RunKey};
use crate::requests::{DONE, REJECTED};
use crate::review::{DRAFTS, published_of};
use crate::show::counted;

/// What is beside a manifest, or ends the name beside rows, that was withdrawn.
pub(crate) const MARK: &str = "withdrawn.json";
/// How a manifest is called, or ends behind the name of its one part.
const MANIFEST: &str = "manifest.json";

/// Something that was published as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Withdrawn {
    /// What it is.
    pub(super) what: String,
    /// How many objects went.
    pub(super) objects: u64,
    /// Who may have it, and how another one is made.
    pub(super) then: String,
    /// The plan that was approved does not list it: it was published since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unplanned: bool,
}

/// What something is that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PublicationKind {
    /// Of a job, or by command.
    Export,
    /// To a request.
    Answer,
    /// With what of it was published after a review.
    Report,
    /// It names the person.
    Request,
    /// Rows of one control.
    Evidence,
    /// What controls found.
    Findings,
    /// What controls said.
    ControlResults,
}

/// What may be withdrawn.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) kind: PublicationKind,
    pub(super) what: String,
    pub(super) then: String,
    pub(super) objects: Vec<WithdrawnObject>,
    /// Where the mark goes; nowhere for reports and requests.
    pub(super) mark: Option<Path>,
    /// The rows of its one object are written anew without the person.
    pub(super) rows: Option<(RowsOf, Interval)>,
}

impl Publication {
    /// As a plan lists it.
    pub(super) fn planned(&self, mentioning: &BTreeSet<String>) -> PlannedPublication {
        let paths: Vec<String> = self.objects.iter().map(|object| object.path.clone()).collect();
        let shows = paths.iter().filter(|path| mentioning.contains(*path)).count();
        let why = match self.kind {
            PublicationKind::Request => "it names the person".to_owned(),
            _ => format!("{shows} of {} shows the person", counted(paths.len() as u64, "object")),
        };
        PlannedPublication { kind: self.kind, what: self.what.clone(), paths, why }
    }

    /// Whether one of these objects belongs to it.
    pub(super) fn shows(&self, mentioning: &BTreeSet<String>) -> bool {
        self.objects.iter().any(|object| mentioning.contains(&object.path))
    }

    /// Whether what a record would say of it names the person.
    pub(super) fn names(&self, mentions: &Mentions) -> bool {
        let paths = self.objects.iter().map(|object| object.path.as_str());
        paths.chain([self.what.as_str(), self.then.as_str()]).any(|text| is_named(text, mentions))
    }
}

/// Everything that was published in the lake, as far as its objects are among those that are `listed`.
pub(super) async fn publications(desk: &Desk<'_>, listed: &[ObjectMeta]) -> Result<Vec<Publication>, JobError> {
    let runs = Ledger::new(desk.lake.front.clone()).runs().await?;
    let mut all = exports(desk, listed).await?;
    all.extend(reports(desk, &runs));
    let of_request = |meta: &&ObjectMeta| {
        [DONE, REJECTED].iter().any(|folder| meta.location.as_ref().starts_with(&format!("{folder}/")))
    };
    all.extend(listed.iter().filter(of_request).map(|meta| Publication {
        kind: PublicationKind::Request,
        what: format!("request {}", meta.location),
        then: "its answer, if there is one, is withdrawn by itself where it shows the person".to_owned(),
        // Of so few words a hash would confirm a guess; the one in the path is of whoever asked, too, and cut short.
        objects: vec![WithdrawnObject { path: meta.location.to_string(), sha256: None }],
        mark: None,
        rows: None,
    }));
    // Our own records are no publications of these kinds, and a manifest may name what it likes.
    let there: BTreeSet<&str> = listed.iter().map(|meta| meta.location.as_ref()).collect();
    let is_ours = |path: &str| path.starts_with("_auditlake/") && !path.starts_with(DRAFTS);
    for publication in &mut all {
        publication.objects.retain(|object| there.contains(object.path.as_str()) && !is_ours(&object.path));
    }
    all.retain(|publication| !publication.objects.is_empty());
    all.extend(rows_of_runs(desk, &runs, &there).await?);
    Ok(all)
}

async fn exports(desk: &Desk<'_>, listed: &[ObjectMeta]) -> Result<Vec<Publication>, JobError> {
    let mut all = Vec::new();
    for meta in listed.iter().filter(|meta| meta.location.as_ref().ends_with(MANIFEST)) {
        let Some(bytes) = desk.lake.front.read(&meta.location).await? else { continue };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { continue };
        let path = meta.location.as_ref();
        let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let parts = manifest.parts.iter().map(|part| (&part.path, &part.sha256));
        let beside = manifest.beside.iter().map(|file| (&file.path, &file.sha256));
        let object = |(name, sha256): (&String, &String)| WithdrawnObject {
            path: format!("{folder}{name}"),
            sha256: Some(sha256.clone()),
        };
        let (kind, what, then) = match (&manifest.run, &manifest.request) {
            (Some(run), _) => (
                PublicationKind::Export,
                format!("export {path} of {}@{}", run.job, rfc3339(run.instant)),
                "tell whoever received it; a run of another instant makes one without the person".to_owned(),
            ),
            (None, Some(request)) => (
                PublicationKind::Answer,
                format!("answer {path} to request {}", request.id),
                format!("tell {}, who received it; asking anew makes one without the person", request.principal),
            ),
            (None, None) => (PublicationKind::Export, format!("export {path}"), "tell whoever received it".to_owned()),
        };
        let mark = recorded_path(&format!("{}{MARK}", path.strip_suffix(MANIFEST).unwrap_or(path)));
        all.push(Publication {
            kind,
            what,
            then,
            objects: parts.chain(beside).map(object).collect(),
            mark: Some(mark),
            rows: None,
        });
    }
    Ok(all)
}

fn reports(desk: &Desk<'_>, runs: &[RunEntry]) -> Vec<Publication> {
    let mut all = Vec::new();
    for run in runs.iter().filter(|run| run.kind() != "export") {
        let Some(key) = RunKey::parse(&run.run) else { continue };
        for commit in run.commits() {
            let files = commit.outputs.iter().filter(|output| output.role == OutputRole::Report);
            let files: Vec<PartEntry> = files.map(part).collect();
            if files.is_empty() {
                continue;
            }
            // Of a reviewed report the drafts, and what was published of them.
            let published = published_of(&files, commit.revision);
            let objects = files.into_iter().map(|file| (file.path, file.sha256)).chain(published);
            let objects = objects.map(|(path, sha256)| WithdrawnObject { path, sha256: Some(sha256) }).collect();
            all.push(Publication {
                kind: PublicationKind::Report,
                what: format!("report {} (revision {})", run.run, commit.revision),
                then: format!("{}; tell whoever has it", again(desk, &key)),
                objects,
                mark: None,
                rows: None,
            });
        }
    }
    all
}

/// Withdraws something, and gives the paths that went; what of it could not be removed is added to `left`.
pub(super) async fn withdraw(
    desk: &Desk<'_>,
    case: &SubjectCase,
    (publication, mentions): (&Publication, &Mentions),
    left: &mut BTreeSet<Left>,
) -> Result<Option<(Withdrawn, BTreeSet<String>)>, JobError> {
    let (mut objects, mut bytes) = (Vec::new(), None);
    for object in &publication.objects {
        match state(desk, object).await? {
            State::AsRecorded(there) => {
                objects.push(object.clone());
                bytes = Some(there);
            }
            State::Other => {
                let why = "it is not what its record says, so it stays; look at it, and remove it";
                left.insert(Left::new(object.path.as_str(), why));
            }
            State::Gone => {}
        }
    }
    if objects.is_empty() {
        return Ok(None);
    }
    let anew = match (publication.rows, objects.as_slice(), bytes) {
        (Some(rows), [object], Some(bytes)) => match anew(&object.path, bytes, rows, mentions) {
            Ok(anew) if matches!(state(desk, &anew.object).await?, State::Other) => {
                let why = "something else lies where its rows go without the person; look at it, and remove it";
                left.insert(Left::new(object.path.as_str(), why));
                return Ok(None);
            }
            Ok(anew) => Some(anew),
            // What rests on the rows would have none, so they stay and are told.
            Err(why) => {
                left.insert(Left::new(object.path.as_str(), why));
                return Ok(None);
            }
        },
        _ => None,
    };
    // Somebody may have begun before.
    let case = desk.open_case(&case.case).await?;
    let instead = anew.as_ref().map(|anew| anew.object.clone());
    let step = CaseStep::Withdrawn {
        what: publication.what.clone(),
        objects: objects.clone(),
        instead,
        mark: publication.mark.as_ref().map(Path::to_string),
        then: publication.then.clone(),
    };
    if !case.records.iter().any(|record| record.what == step) {
        desk.record(&case.case, case.next_number(), (step, None)).await?;
    }
    if let Some(Anew { object, bytes }) = anew {
        desk.lake.front.create(&recorded_path(&object.path), bytes).await?;
    }
    if let Some(path) = &publication.mark {
        mark(desk, &case.case, path).await?;
    }
    for object in &objects {
        remove(desk, object, left).await?;
    }
    let (what, then) = (publication.what.clone(), publication.then.clone());
    let gone = objects.into_iter().map(|object| object.path).collect::<BTreeSet<_>>();
    Ok(Some((Withdrawn { what, objects: gone.len() as u64, then, unplanned: false }, gone)))
}

/// Removes once more what steps of the case say went: whoever died meanwhile may have left parts, or versions of them.
pub(super) async fn go_on(desk: &Desk<'_>, case: &SubjectCase, left: &mut BTreeSet<Left>) -> Result<(), JobError> {
    for record in &case.records {
        let CaseStep::Withdrawn { objects, instead, mark: path, .. } = &record.what else { continue };
        // Rows go once the same ones stand in their place; until then they are found, and withdrawn as any others.
        let may_go = match instead {
            Some(instead) => matches!(state(desk, instead).await?, State::AsRecorded(_)),
            None => true,
        };
        if let Some(path) = path.as_ref().filter(|_| may_go) {
            mark(desk, &case.case, &recorded_path(path)).await?;
        }
        for object in objects {
            let is_theirs = match state(desk, object).await? {
                State::Gone => true,
                State::AsRecorded(_) => object.sha256.is_some() && may_go,
                State::Other => false,
            };
            if is_theirs {
                remove(desk, object, left).await?;
            }
        }
    }
    Ok(())
}

/// Says beside something that is gone why it is.
async fn mark(desk: &Desk<'_>, case: &CaseId, path: &Path) -> Result<(), JobError> {
    let marked = json!({ "withdrawn_at": rfc3339(desk.world.now()), "case": case });
    desk.lake.front.create(path, pretty(&marked)?).await?;
    Ok(())
}

/// What lies where an object was published.
enum State {
    AsRecorded(Bytes),
    Other,
    Gone,
}

async fn state(desk: &Desk<'_>, object: &WithdrawnObject) -> Result<State, JobError> {
    let Some(bytes) = desk.lake.front.read(&recorded_path(&object.path)).await? else { return Ok(State::Gone) };
    let sha256 = engine::hex(&Sha256::digest(&bytes));
    let is_other = object.sha256.as_ref().is_some_and(|recorded| *recorded != sha256);
    Ok(if is_other { State::Other } else { State::AsRecorded(bytes) })
}

async fn remove(desk: &Desk<'_>, object: &WithdrawnObject, left: &mut BTreeSet<Left>) -> Result<(), JobError> {
    let why = desk.removed(&recorded_path(&object.path)).await?;
    left.extend(why.into_iter().map(|why| Left::new(object.path.as_str(), why)));
    Ok(())
}
