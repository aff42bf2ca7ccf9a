//! The archive of a dataset: objects named by their content, each with the rows that one rule archived from one object.
//!
//! ```text
//! archive/<dataset>/<yyyy>/<sha256>.parquet         rows as they were, and nothing else
//! _auditlake/archives/<dataset>/<sha256>.json       by which rule, when, and how long they are kept
//! ```
//!
//! The record is written before the object, so no archived row is without a date. Absent: what leaves the archive, which is
//! planned like everything else.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Datelike, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Attribute, ObjectStore, PutMode, PutOptions, PutPayload};
use schemas::{Dataset, PolicyId, Span, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::decide::Archived;
use super::journal::ArchivedObject;
use crate::error::EngineError;
use crate::store::{Created, Lakefront, recorded_path};

const ARCHIVES: &str = "_auditlake/archives";
/// Records read side by side.
const READ_AT_ONCE: usize = 16;

/// Where archived rows came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchiveRecord {
    pub(crate) path: String,
    pub(crate) dataset: String,
    pub(crate) policy: PolicyId,
    pub(crate) rule: String,
    /// Instant of the plan.
    pub(crate) at: DateTime<Utc>,
    /// How long they are kept from then on; for ever when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<Span>,
    pub(crate) rows: u64,
}

/// What is archived by which rule.
#[derive(Debug)]
pub(crate) struct Leaving<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) policy: &'a PolicyId,
    pub(crate) rule: &'a str,
    pub(crate) at: DateTime<Utc>,
    pub(crate) keep: Option<Span>,
    pub(crate) storage_class: Option<&'a str>,
    pub(crate) rows: u64,
}

/// Puts rows into the archive. The same rows of the same rule have the same name, so that a retry meets its own object.
///
/// # Errors
/// When the store fails, or other bytes lie under that name, which would be a bug of SHA-256 or of the store.
pub(crate) async fn archive(
    lake: &Lakefront,
    leaving: &Leaving<'_>,
    bytes: Bytes,
) -> Result<ArchivedObject, EngineError> {
    let sha256 = hex(&Sha256::digest(&bytes));
    let path = format!("{}{}/{sha256}.parquet", leaving.dataset.archive().location, leaving.at.year());
    let record = ArchiveRecord {
        path: path.clone(),
        dataset: leaving.dataset.id.to_string(),
        policy: leaving.policy.clone(),
        rule: leaving.rule.to_owned(),
        at: leaving.at,
        keep: leaving.keep,
        rows: leaving.rows,
    };
    lake.create_json(&record_path(leaving.dataset, &sha256), &record).await?;
    let object = recorded_path(&path);
    let size = bytes.len() as u64;
    if create(lake, &object, bytes.clone(), leaving.storage_class).await? == Created::Existed
        && lake.read(&object).await?.as_ref() != Some(&bytes)
    {
        let what = "has other bytes than its name says".to_owned();
        return Err(EngineError::Damaged { path, what });
    }
    Ok(ArchivedObject { path, rule: leaving.rule.to_owned(), sha256, bytes: size, rows: leaving.rows })
}

async fn create(lake: &Lakefront, path: &Path, bytes: Bytes, class: Option<&str>) -> Result<Created, EngineError> {
    let Some(class) = class.filter(|_| !lake.is_local()) else { return lake.create(path, bytes).await };
    let attributes = [(Attribute::StorageClass, class.to_owned())].into_iter().collect();
    let options = PutOptions { mode: PutMode::Create, attributes, ..PutOptions::default() };
    match lake.store().put_opts(path, PutPayload::from_bytes(bytes), options).await {
        Ok(_) => Ok(Created::Now),
        Err(object_store::Error::AlreadyExists { .. }) => Ok(Created::Existed),
        Err(source) => Err(EngineError::store(path, "create it", source)),
    }
}

fn record_path(dataset: &Dataset, sha256: &str) -> Path {
    Path::from(format!("{ARCHIVES}/{}/{sha256}.json", dataset.id))
}

/// When, by which rule and for how long the rows of each archived object of a dataset were archived, by path.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(crate) async fn archived_objects(
    lake: &Lakefront,
    dataset: &Dataset,
) -> Result<BTreeMap<String, Archived>, EngineError> {
    let listed = lake.list(&Path::from(format!("{ARCHIVES}/{}", dataset.id))).await?;
    let records = stream::iter(listed).map(|meta| async move { lake.read_json::<ArchiveRecord>(&meta.location).await });
    let records: Vec<Option<ArchiveRecord>> = records.buffered(READ_AT_ONCE).try_collect().await?;
    let of = |record: ArchiveRecord| (record.path, Archived { rule: record.rule, at: record.at, keep: record.keep });
    Ok(records.into_iter().flatten().map(of).collect())
}
