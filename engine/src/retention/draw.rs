//! Drawing up a plan: every object of a dataset is looked at, none is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use schemas::{ApprovalRule, CaseId, Dataset, RetentionPolicy};

use super::archive::archived_objects;
use super::decide::{Archived, ErasedRows, Judge, OpenCase, Protection, Tally};
use super::erase::{Erasing, add_refused};
use super::hold::HoldCase;
use super::object::{Decider, JudgedObject};
use super::plan::{Action, KeptReason, PlannedObject, RefusedRows, RetentionPlan, SeenCase};
use super::table_folder::table_marker;
use super::transform::losses;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::ingest::{unfinished, written_by_ingests};
use crate::replace::{files_of, replaced};
use crate::store::Lakefront;
use crate::subject::PersonKeys;

/// Objects looked at side by side: most of the time is spent waiting for the store.
const OBJECTS_AT_ONCE: usize = 16;

/// What a plan is drawn up for.
#[derive(Debug)]
pub struct PlanRequest<'a> {
    /// The dataset; of an archive, the one that its rows came from.
    pub dataset: &'a Dataset,
    /// The dataset whose ingests write its files: another one for what they refuse.
    pub ingested_by: &'a Dataset,
    /// Whether it is about the archive of the dataset.
    pub archive: bool,
    /// Its policy.
    pub policy: &'a RetentionPolicy,
    /// Every case, as [`super::hold_cases`] gives them.
    pub holds: &'a [HoldCase],
    /// By what persons are known whose rows a case holds; none where nobody can tell.
    pub known: Option<&'a PersonKeys>,
    /// The instant that ages are counted to.
    pub now: DateTime<Utc>,
    /// Who asks.
    pub planned_by: Option<&'a str>,
    /// Paths of objects that are left out.
    pub exclude: &'a [String],
    /// Whose rows it is about, where it is no policy's doing: what the policy says protects them all the same.
    pub erasure: Option<ErasureOf<'a>>,
}

/// The erasure of a person.
#[derive(Debug, Clone, Copy)]
pub struct ErasureOf<'a> {
    /// The case.
    pub case: &'a CaseId,
    /// References of the person's identifiers.
    pub subject: &'a [String],
    /// Who must agree.
    pub approval: ApprovalRule,
    /// Whose rows, and how they go.
    pub erasing: &'a Erasing,
    /// Whether somebody agreed before: then objects that cannot be rewritten are found out by the apply, which names them.
    pub is_agreed: bool,
}

impl PlanRequest<'_> {
    /// The files it is about.
    pub(crate) fn files_of(&self) -> Dataset {
        if self.archive { self.dataset.archive() } else { self.dataset.clone() }
    }

    /// The rules for a file. Of an archive they begin when its rows were archived, which its record says.
    pub(crate) fn judge(&self, archived: Option<&Archived>) -> Judge {
        let holds: Vec<OpenCase> =
            self.holds.iter().filter_map(|case| OpenCase::of(&case.records, self.known)).collect();
        match archived {
            Some(archived) => Judge::of_archive(self.policy, &holds, self.dataset, self.now, archived),
            None => Judge::new(self.policy, &holds, self.dataset, self.now),
        }
    }

    /// What decides about the rows of a file.
    pub(crate) fn decider(&self, archived: Option<&Archived>) -> Decider {
        match &self.erasure {
            Some(of) => Decider::Person(self.judge(None), Arc::new(of.erasing.clone())),
            None => Decider::Policy(self.judge(archived)),
        }
    }
}

/// Says what an apply would do to each object of a dataset. Nothing is written.
///
/// # Errors
/// When the dataset is one that retention does not touch, an ingest into it is unfinished, an object cannot be read, or the
/// store fails.
pub async fn draw_up(lake: &Lakefront, request: &PlanRequest<'_>) -> Result<RetentionPlan, EngineError> {
    let dataset = request.files_of();
    fits(lake, request).await?;
    let files = files_of(lake, &dataset).await?;
    known(request.exclude, &files)?;
    let seen = |case: &HoldCase| SeenCase { case: case.case.clone(), record: case.number() };
    let holds = request.holds.iter().filter(|case| case.scope().is_some()).map(seen).collect();
    let mut plan = RetentionPlan::empty(dataset.id.as_str(), request.policy, request.now, request.planned_by, holds);
    if let Some(of) = &request.erasure {
        plan.of_erasure(of);
    }
    let archived = if request.archive { archived_objects(lake, request.dataset).await? } else { Default::default() };
    let rows = rows_on_record(lake, &dataset, request.ingested_by).await?;
    let common = request.decider(None);
    let needs_date = request.archive && request.erasure.is_none();
    let looked = stream::iter(&files).map(|file| {
        let own = needs_date.then(|| archived.get(file.path())).flatten().map(|of| request.decider(Some(of)));
        let decider = if needs_date { own } else { Some(common.clone()) };
        let is_excluded = request.exclude.iter().any(|path| path == file.path());
        // In a task of its own, because much of the time goes into decoding.
        let is_agreed = request.erasure.is_some_and(|of| of.is_agreed);
        let task = tokio::spawn(look(lake.clone(), decider, file.clone(), (is_excluded, is_agreed)));
        async move {
            let looked = task.await.map_err(|error| EngineError::Bug { what: format!("a look stopped ({error})") })?;
            Ok::<_, EngineError>((file, looked?))
        }
    });
    let looked: Vec<(&PinnedFile, Looked)> = looked.buffered(OBJECTS_AT_ONCE).try_collect().await?;
    let mut tally = Tally::default();
    let mut refused_rows: BTreeMap<Protection, ErasedRows> = BTreeMap::new();
    for (file, looked) in looked {
        match looked {
            Looked::Excused => {
                plan.kept_objects += 1;
                plan.kept_rows += rows.get(file.path()).copied().unwrap_or_default();
            }
            Looked::Refused(why) => plan.objects.push(refused(file, why)),
            Looked::Judged(judged) if judged.is_untouched() => {
                plan.kept_objects += 1;
                plan.kept_rows += judged.rows.before;
                tally.add(judged.tally);
                add_refused(&mut refused_rows, judged.refused);
            }
            Looked::Judged(judged) => {
                plan.rows = plan.rows.and(judged.rows);
                plan.objects.push(planned(file, &judged)?);
                tally.add(judged.tally);
                add_refused(&mut refused_rows, judged.refused);
            }
        }
    }
    if let Some(erasure) = &mut plan.erasure {
        let of = |(because, rows): (Protection, ErasedRows)| RefusedRows {
            because,
            rows: rows.rows,
            until: rows.until.map(|until| until.last),
        };
        erasure.refused = refused_rows.into_iter().map(of).collect();
    }
    plan.conflicts = tally.conflicts();
    plan.kept_past_maximum = tally.past_maximum.into_iter().map(|(reason, rows)| KeptReason { reason, rows }).collect();
    Ok(plan)
}

/// What became of a look at an object.
enum Looked {
    /// Its folder says that no row of it can be due.
    Excused,
    /// It was not looked at, and why.
    Refused(String),
    Judged(Box<JudgedObject>),
}

async fn look(
    lake: Lakefront,
    decider: Option<Decider>,
    file: PinnedFile,
    (is_excluded, is_agreed): (bool, bool),
) -> Result<Looked, EngineError> {
    if is_excluded {
        return Ok(Looked::Refused("was left out with --exclude".to_owned()));
    }
    let Some(decider) = decider else {
        return Ok(Looked::Refused("has no receipt that says when its rows were archived".to_owned()));
    };
    if decider.excuses(&file) {
        return Ok(Looked::Excused);
    }
    let judged = decider.look_at(&lake, &file).await;
    let mut judged = match (judged, &decider) {
        // An erasure goes on without an object that cannot be read, and says so.
        (Err(EngineError::Unrewritable { why, .. } | EngineError::Input { why, .. }), Decider::Person(..)) => {
            return Ok(Looked::Refused(why));
        }
        (judged, _) => judged?,
    };
    if !judged.is_untouched() && judged.rows.after > 0 && !is_agreed {
        // What cannot be rewritten, or not without a loss, is known before anybody agrees.
        let lost = losses(file.path(), lake.read_if(&file.meta.location, file.etag()).await?);
        judged.losses = match (lost, &decider) {
            (Err(EngineError::Unrewritable { why, .. }), Decider::Person(..)) => return Ok(Looked::Refused(why)),
            (lost, _) => lost?,
        };
    }
    Ok(Looked::Judged(Box::new(judged)))
}

/// Whether retention may touch a dataset at all.
async fn fits(lake: &Lakefront, request: &PlanRequest<'_>) -> Result<(), EngineError> {
    let dataset = request.dataset;
    if dataset.elsewhere.is_some() {
        return Err(EngineError::Retention {
            dataset: dataset.id.to_string(),
            why: format!(
                "lies at {}, whose files belong to others; apply retention where they are written",
                dataset.location
            ),
        });
    }
    if let Some(marker) = table_marker(lake, dataset).await? {
        return Err(EngineError::TableFolder { dataset: dataset.id.to_string(), marker });
    }
    if let Some(plan) = unfinished(lake, request.ingested_by).await? {
        return Err(EngineError::Input {
            path: plan,
            why: "this ingest stopped half way; run it again, then plan retention".to_owned(),
        });
    }
    Ok(())
}

fn known(excluded: &[String], files: &[PinnedFile]) -> Result<(), EngineError> {
    let there: BTreeSet<&str> = files.iter().map(PinnedFile::path).collect();
    match excluded.iter().find(|path| !there.contains(path.as_str())) {
        Some(path) => Err(EngineError::Input {
            path: path.clone(),
            why: "it is to be left out and is no object of the dataset; give its path as errors and plans have it"
                .to_owned(),
        }),
        None => Ok(()),
    }
}

/// Rows of each file as records of the lake have them.
async fn rows_on_record(
    lake: &Lakefront,
    dataset: &Dataset,
    ingested_by: &Dataset,
) -> Result<BTreeMap<String, u64>, EngineError> {
    let (mut written, _) = written_by_ingests(lake, ingested_by.id.as_str()).await?;
    let added = replaced(lake, dataset.id.as_str()).await?.added;
    written.extend(added.into_iter().map(|file| (file.path.clone(), file)));
    Ok(written.into_iter().map(|(path, file)| (path, file.rows)).collect())
}

fn refused(file: &PinnedFile, why: String) -> PlannedObject {
    PlannedObject {
        path: file.path().to_owned(),
        etag: file.etag().to_owned(),
        version: file.meta.version.clone(),
        bytes: file.meta.size,
        action: Action::Refuse,
        why: Some(why),
        rows: Default::default(),
        rules: Default::default(),
        row_groups: 0,
        row_groups_touched: 0,
        row_set_sha256: None,
        losses: Vec::new(),
    }
}

fn planned(file: &PinnedFile, judged: &JudgedObject) -> Result<PlannedObject, EngineError> {
    Ok(PlannedObject {
        action: if judged.rows.after == 0 { Action::DropObject } else { Action::Rewrite },
        why: None,
        rows: judged.rows,
        rules: judged.rules.clone(),
        row_groups: judged.group_rows.len() as u64,
        row_groups_touched: judged.groups_touched(),
        row_set_sha256: Some(judged.row_set_sha256()?),
        losses: judged.losses.clone(),
        ..refused(file, String::new())
    })
}
