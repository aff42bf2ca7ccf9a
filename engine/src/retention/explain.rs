//! Why one row stays or goes, found by its id in whichever object has it.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use parquet::schema::types::ColumnPath;
use schemas::Dataset;
use serde::Serialize;

use super::archive::archived_objects;
use super::decide::{Archived, DecideError, Erased, Explained, Judge, Outcome, Treatment};
use super::draw::PlanRequest;
use super::find::{Sought, find};
use super::object::{changing, columns_of};
use super::open_object::{OpenObject, unreadable, unsearchable};
use super::surgery::RowSet;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::replace::files_of;
use crate::store::Lakefront;

/// Objects looked at side by side.
const OBJECTS_AT_ONCE: usize = 16;

/// A row, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedRow {
    /// The object that has it.
    pub path: String,
    /// Why it stays or goes.
    pub retention: Explained,
    /// Whether it was anonymized already, so that what is due changes nothing and no plan has it.
    pub anonymized_before: bool,
    /// What the erasure of the person that it is about would do to it.
    pub erasure: Option<Erased>,
}

/// When rows of an archive were archived, by object.
pub type ArchivedDates = BTreeMap<String, Archived>;

/// When rows of the archive of a dataset were archived, by object.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub async fn archived_dates(lake: &Lakefront, dataset: &Dataset) -> Result<ArchivedDates, EngineError> {
    archived_objects(lake, dataset).await
}

/// Every row of that id, with the object that has it and why it stays or goes.
///
/// # Errors
/// When the dataset has no column of ids, an object cannot be read, or the store fails.
pub async fn explain(
    lake: &Lakefront,
    request: &PlanRequest<'_>,
    archived: &ArchivedDates,
    id: &str,
) -> Result<Vec<ExplainedRow>, EngineError> {
    let dataset = request.files_of();
    let key = key_of(&dataset)?;
    let files = files_of(lake, &dataset).await?;
    let looked = stream::iter(&files).map(|file| async move {
        let own = if request.archive { archived.get(file.path()) } else { None };
        of_file(lake, request, own, (file, key, id)).await
    });
    let looked: Vec<Vec<ExplainedRow>> = looked.buffered(OBJECTS_AT_ONCE).try_collect().await?;
    Ok(looked.into_iter().flatten().collect())
}

/// The column that ids of rows stand in.
fn key_of(dataset: &Dataset) -> Result<&'static str, EngineError> {
    dataset.schema.id_column().ok_or_else(|| EngineError::Retention {
        dataset: dataset.id.to_string(),
        why: "has no column of ids, so its rows cannot be told apart by one".to_owned(),
    })
}

async fn of_file(
    lake: &Lakefront,
    request: &PlanRequest<'_>,
    archived: Option<&Archived>,
    (file, key, id): (&PinnedFile, &str, &str),
) -> Result<Vec<ExplainedRow>, EngineError> {
    let sought = Sought::new([ColumnPath::from(key)], [id.to_owned()]);
    let pinned = OpenObject::pinned(lake.store(), file);
    let found = find(pinned.as_ref(), &file.meta.location, file.meta.size, &sought).await;
    let found = found.map_err(|error| unsearchable(file, error))?;
    if found.rows.is_empty() {
        return Ok(Vec::new());
    }
    let object = OpenObject::open(lake.store(), file).await.map_err(|error| unreadable(file, error))?;
    let judge = request.judge(archived);
    let mut explained = Vec::new();
    for (group, ranges) in found.rows.groups() {
        let rows = object.read(&judge.columns(), group).await.map_err(|error| unreadable(file, error))?;
        for row in ranges.iter().flat_map(Clone::clone).filter_map(|row| usize::try_from(row).ok()) {
            let faulty =
                |error: DecideError| EngineError::Input { path: file.path().to_owned(), why: error.to_string() };
            let Some(retention) = judge.explain(&rows, row).map_err(faulty)? else { continue };
            let erased = judge.erase(&rows.slice(row, 1), request.policy.erasure).map_err(faulty)?;
            let erasure = erased.by_row().first().cloned();
            let anonymized_before = is_anonymized(&judge, (&object, file), &retention, (group, row)).await?;
            explained.push(ExplainedRow { path: file.path().to_owned(), retention, anonymized_before, erasure });
        }
    }
    Ok(explained)
}

/// Whether a row is due to lose values that it has lost.
async fn is_anonymized(
    judge: &Judge,
    (object, file): (&OpenObject, &PinnedFile),
    retention: &Explained,
    (group, row): (usize, usize),
) -> Result<bool, EngineError> {
    let Outcome::Treated { treatment: treatment @ Treatment::Anonymize { .. } } = &retention.outcome else {
        return Ok(false);
    };
    let mut rows = RowSet::new();
    rows.insert(group, row as u64..row as u64 + 1);
    Ok(changing((object, file), (&columns_of(judge, treatment, object), &rows)).await?.is_empty())
}
