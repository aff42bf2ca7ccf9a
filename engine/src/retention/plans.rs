//! Plans as they lie on the store, and what is known of each.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use schemas::hex;
use sha2::{Digest, Sha256};

use super::journal::{AbortRecord, IntentRecord, JOURNAL, ObjectReceipt, PlanFolder, TombstoneRecord};
use super::plan::RetentionPlan;
use crate::error::EngineError;
use crate::store::Lakefront;

/// Records read side by side.
const READ_AT_ONCE: usize = 16;
/// Shortest beginning of an id that names a plan.
const PREFIX_MIN: usize = 4;

/// A plan and its id.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownPlan {
    /// SHA-256 of its bytes, in hex.
    pub id: String,
    /// The plan.
    pub plan: RetentionPlan,
}

/// Writes a plan down; the same plan is the same object.
///
/// # Errors
/// When the store fails.
pub async fn store_plan(lake: &Lakefront, plan: &RetentionPlan) -> Result<String, EngineError> {
    let bytes = plan.to_bytes()?;
    let id = hex(&Sha256::digest(&bytes));
    lake.create(&PlanFolder::of(&id).plan(), bytes.into()).await?;
    Ok(id)
}

/// Every plan, by id.
///
/// # Errors
/// When the store fails, or a plan is not what its name says.
pub async fn plans(lake: &Lakefront) -> Result<Vec<KnownPlan>, EngineError> {
    let ids = ids(lake).await?;
    let read = stream::iter(ids).map(|id| read(lake, id)).buffered(READ_AT_ONCE);
    let found: Vec<Option<KnownPlan>> = read.try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// The plan whose id begins so.
///
/// # Errors
/// When there is none, or several, or it is damaged.
pub async fn find_plan(lake: &Lakefront, begin: &str) -> Result<KnownPlan, EngineError> {
    let unknown = |why: String| EngineError::Plan { plan: begin.to_owned(), why };
    if begin.len() < PREFIX_MIN || !begin.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(unknown(format!("is no id; give its first {PREFIX_MIN} hex digits or more")));
    }
    let matching: Vec<String> = ids(lake).await?.into_iter().filter(|id| id.starts_with(begin)).collect();
    match matching.as_slice() {
        [id] => match read(lake, id.clone()).await? {
            Some(plan) => Ok(plan),
            None => Err(unknown("has records and no plan; draw it up again".to_owned())),
        },
        [] => Err(unknown("does not exist; `auditlake retention plan` draws one up and prints its id".to_owned())),
        several => Err(unknown(format!("is the beginning of {}; give more of it", several.join(" and ")))),
    }
}

async fn ids(lake: &Lakefront) -> Result<Vec<String>, EngineError> {
    let journal = Path::from(JOURNAL);
    let listed = lake.store().list_with_delimiter(Some(&journal)).await;
    let listed = listed.map_err(|source| EngineError::store(&journal, "list it", source))?;
    let mut ids: Vec<String> =
        listed.common_prefixes.iter().filter_map(|folder| folder.filename().map(str::to_owned)).collect();
    ids.sort();
    Ok(ids)
}

async fn read(lake: &Lakefront, id: String) -> Result<Option<KnownPlan>, EngineError> {
    let path = PlanFolder::of(&id).plan();
    let Some(bytes) = lake.read(&path).await? else { return Ok(None) };
    if hex(&Sha256::digest(&bytes)) != id {
        let what = "is not the plan that its name says".to_owned();
        return Err(EngineError::Damaged { path: path.to_string(), what });
    }
    let plan =
        serde_json::from_slice(&bytes).map_err(|source| EngineError::Record { path: path.to_string(), source })?;
    Ok(Some(KnownPlan { id, plan }))
}

/// What lies in the journal of one plan.
#[derive(Debug, Clone, Default, PartialEq)]
struct Records {
    intents: Vec<IntentRecord>,
    receipts: Vec<ObjectReceipt>,
    aborts: Vec<AbortRecord>,
    /// Paths of objects of which an intent took effect.
    effective: BTreeSet<String>,
}

async fn records(lake: &Lakefront, plan: &str) -> Result<Records, EngineError> {
    let mut all = Records::default();
    for meta in lake.list(&PlanFolder::of(plan).path()).await? {
        let path = &meta.location;
        let parts: Vec<String> = path.parts().map(|part| part.as_ref().to_owned()).collect();
        // Directly in the folder lie the plan and what became of it.
        let [_, _, _, _, name] = parts.as_slice() else { continue };
        match name.as_str() {
            "receipt.json" => all.receipts.extend(lake.read_json(path).await?),
            "tombstone.json" => {
                let tombstone: Option<TombstoneRecord> = lake.read_json(path).await?;
                all.effective.extend(tombstone.map(|tombstone| tombstone.path));
            }
            "abort.json" => all.aborts.extend(lake.read_json(path).await?),
            intent if intent.starts_with("intent-") => all.intents.extend(lake.read_json(path).await?),
            _ => {}
        }
    }
    all.receipts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(all)
}

/// Receipts of a plan's objects, by path.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub async fn receipts_of(lake: &Lakefront, plan: &str) -> Result<Vec<ObjectReceipt>, EngineError> {
    Ok(records(lake, plan).await?.receipts)
}

/// Intents of a plan that took effect, by path.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub async fn effective_intents(lake: &Lakefront, plan: &str) -> Result<Vec<IntentRecord>, EngineError> {
    let Records { intents, effective, .. } = records(lake, plan).await?;
    Ok(last_of_each(intents.into_iter().filter(|intent| effective.contains(&intent.path)).collect()))
}

/// Intents of a plan that have neither receipt nor abort: something is under way, or died.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub async fn open_intents(lake: &Lakefront, plan: &str) -> Result<Vec<IntentRecord>, EngineError> {
    let Records { intents, receipts, aborts, .. } = records(lake, plan).await?;
    let is_over = |intent: &IntentRecord| {
        receipts.iter().any(|receipt| receipt.path == intent.path)
            || aborts.iter().any(|abort| abort.path == intent.path)
    };
    let open = intents.into_iter().filter(|intent| !is_over(intent)).collect();
    Ok(last_of_each(open))
}

/// The last intent of each object, by path; they come in the order in which they were written.
fn last_of_each(intents: Vec<IntentRecord>) -> Vec<IntentRecord> {
    let last: BTreeMap<String, IntentRecord> =
        intents.into_iter().map(|intent| (intent.path.clone(), intent)).collect();
    last.into_values().collect()
}
