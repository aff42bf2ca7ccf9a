//! Records of what was asked: `_auditlake/access/<day>/<id>.asked.json` before the first row leaves, and
//! `<id>.answered.json` at the end. A question without an answer was cut off, and says so.
//!
//! The use of a lake is itself an audit log: each record is a row of `audit.v1` in `auditlake.statements`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use engine::{EngineError, Lakefront};
use futures::{StreamExt, TryStreamExt};
use hmac::{Hmac, Mac};
use object_store::path::Path;
use schemas::{Principal, Tenants};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Asker;
use crate::clock::Stopwatch;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::world::World;

pub(super) const FOLDER: &str = "_auditlake/access";
pub(super) const ASKED: &str = ".asked.json";
pub(super) const ANSWERED: &str = ".answered.json";
/// Records read at the same time.
const READ_AT_ONCE: usize = 32;
/// Tenant of a principal that has all or several.
const EVERY_TENANT: &str = "_lake";
/// Who asks where `access.yaml` names nobody for it.
const NOBODY: &str = "unknown";

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// `cli` or `inbox`.
    pub(crate) door: &'static str,
    /// Rows to look at, or files.
    pub(crate) is_export: bool,
    /// Datasets it reads.
    pub(crate) datasets: &'a [String],
    /// Whether one of them is an audit log.
    pub(crate) is_of_audit: bool,
    /// Its text.
    pub(crate) sql: &'a str,
    /// The request it answers.
    pub(crate) request: Option<&'a str>,
}

/// A question, before its first row leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) time: DateTime<Utc>,
    pub(crate) actor_id: String,
    pub(crate) actor_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) impersonator_id: Option<String>,
    pub(crate) tenant_id: String,
    pub(crate) roles: Vec<String>,
    pub(crate) event_type: String,
    pub(crate) door: String,
    pub(crate) datasets: Vec<String>,
    /// With every literal taken out.
    pub(crate) statement: String,
    /// Keyed, of the exact text.
    pub(crate) statement_sha256: String,
    /// SHA-256 of `access.yaml`.
    pub(crate) access_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) id: String,
    pub(crate) outcome: String,
    pub(crate) ended_at: DateTime<Utc>,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) duration_us: u64,
    /// Bytes of files that were read for a principal. It stands here alone and in no row: which files have a value could
    /// be told from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scanned_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A record, whole.
#[derive(Debug, Clone)]
pub(crate) struct StatementRow {
    pub(crate) asked: Asked,
    pub(crate) answered: Option<Answered>,
    pub(crate) raw_ref: String,
    pub(crate) raw_hash: [u8; 32],
}

/// What left the door.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delivered {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// Writes records, where there is an `access.yaml`.
#[derive(Debug)]
pub(crate) struct Statements<'a> {
    lake: &'a OpenLake,
    world: &'a World,
}

/// One question under way.
#[derive(Debug)]
pub(crate) struct Statement<'a> {
    front: &'a Lakefront,
    world: &'a World,
    asker: Asker,
    asked: Option<Asked>,
    watch: Stopwatch,
}

impl<'a> Statements<'a> {
    pub(crate) fn new(lake: &'a OpenLake, world: &'a World) -> Self {
        Self { lake, world }
    }

    /// Writes that something is asked. Nothing may leave before this returns.
    ///
    /// # Errors
    /// When it cannot be written; the question is then not answered.
    pub(crate) async fn ask(&self, asker: &Asker, question: Question<'_>) -> Result<Statement<'a>, JobError> {
        let (principal, watch) = (asker.principal(), Stopwatch::start());
        let statement =
            Statement { front: &self.lake.front, world: self.world, asker: asker.clone(), asked: None, watch };
        let Some(access) = &self.lake.definitions.access else { return Ok(statement) };
        let service = access.service_principal.clone();
        let mut chance = [0; 8];
        self.world.fill(&mut chance);
        let time = self.world.now();
        let id = format!("{}-{}", schemas::compact(time), schemas::hex(&chance));
        let asked = Asked {
            time,
            actor_id: principal
                .map(|principal| principal.name.clone())
                .or_else(|| service.clone())
                .unwrap_or_else(|| NOBODY.to_owned()),
            actor_type: principal.map_or("service", Principal::kind).to_owned(),
            impersonator_id: principal.filter(|_| question.door == "cli").and(service),
            tenant_id: principal.map_or(EVERY_TENANT, tenant).to_owned(),
            roles: principal.map(|principal| principal.roles.clone()).unwrap_or_default(),
            event_type: event_type(question).to_owned(),
            door: question.door.to_owned(),
            datasets: question.datasets.to_vec(),
            statement: engine::without_literals(question.sql).unwrap_or_else(|| "?".to_owned()),
            statement_sha256: keyed(&self.lake.pseudonym_key()?, question.sql),
            access_sha256: access.sha256.clone(),
            request: question.request.map(str::to_owned),
            id,
        };
        self.lake.front.create_json(&path(&asked, ASKED), &asked).await?;
        Ok(Statement { asked: Some(asked), ..statement })
    }
}

impl Statement<'_> {
    /// Writes how it ended. What fails here is told beside what failed before.
    pub(crate) async fn end<T>(
        self,
        result: Result<T, JobError>,
        delivered: impl FnOnce(&T) -> Delivered,
    ) -> Result<T, JobError> {
        let Some(asked) = &self.asked else { return result };
        let sent = result.as_ref().map(delivered).unwrap_or_default();
        let (outcome, limit) = match &result {
            Ok(_) => ("success", None),
            Err(JobError::Engine(EngineError::Denied { .. } | EngineError::NotReading { .. })) => ("denied", None),
            Err(JobError::Engine(EngineError::Limit { limit, .. })) => ("failure", Some(limit.as_str().to_owned())),
            Err(_) => ("failure", None),
        };
        let answered = Answered {
            id: asked.id.clone(),
            outcome: outcome.to_owned(),
            ended_at: self.world.now(),
            rows: sent.rows,
            bytes: sent.bytes,
            duration_us: (self.watch.seconds() * 1e6) as u64,
            scanned_bytes: self.asker.principal().map(|_| self.asker.bytes_read()),
            limit,
            // Of an error only its kind: its text may name what was asked for.
            error: result.as_ref().err().map(|error| error.remedy().as_str().to_owned()),
        };
        let written = self.front.create_json(&path(asked, ANSWERED), &answered).await;
        let value = result?;
        written?;
        Ok(value)
    }
}

fn event_type(question: Question<'_>) -> &'static str {
    match (question.is_export, question.is_of_audit) {
        (true, true) => "audit.exported",
        (true, false) => "data.exported",
        (false, true) => "audit.viewed",
        (false, false) => "query.executed",
    }
}

fn tenant(principal: &Principal) -> &str {
    match &principal.tenants {
        Tenants::Some(_) => principal.tenants.only().unwrap_or(EVERY_TENANT),
        Tenants::All => EVERY_TENANT,
    }
}

/// HMAC-SHA256 (RFC 2104) in hex: equal texts are known again by whoever has the key.
pub(crate) fn keyed(key: &[u8; 32], text: &str) -> String {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    schemas::hex(&mac.finalize().into_bytes())
}

fn path(asked: &Asked, ending: &str) -> Path {
    Path::from(format!("{FOLDER}/{}/{}{ending}", asked.time.format("%Y-%m-%d"), asked.id))
}

/// Every record of the lake, oldest first.
pub(crate) async fn rows_of(front: &Lakefront) -> Result<Vec<StatementRow>, EngineError> {
    let listed = front.list(&Path::from(FOLDER)).await?;
    let name = |path: &Path, ending: &str| Some(path.filename()?.strip_suffix(ending)?.to_owned());
    let answered: BTreeSet<String> = listed.iter().filter_map(|meta| name(&meta.location, ANSWERED)).collect();
    let asked = listed.iter().filter_map(|meta| {
        let id = name(&meta.location, ASKED)?;
        let day = meta.location.as_ref().rsplit_once('/')?.0;
        Some((Path::from(day), answered.contains(&id), id))
    });
    let read = |(day, has_answer, id): (Path, bool, String)| async move { record(front, &day, &id, has_answer).await };
    let rows = futures::stream::iter(asked.collect::<Vec<_>>()).map(read).buffered(READ_AT_ONCE);
    Ok(rows.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
}

/// The record of a day that has this id; none where it is gone.
pub(super) async fn record(
    front: &Lakefront,
    day: &Path,
    id: &str,
    has_answer: bool,
) -> Result<Option<StatementRow>, EngineError> {
    let path = Path::from(format!("{day}/{id}{ASKED}"));
    let Some(bytes) = front.read(&path).await? else { return Ok(None) };
    let asked =
        serde_json::from_slice(&bytes).map_err(|source| EngineError::Record { path: path.to_string(), source })?;
    let answered = match has_answer {
        true => front.read_json(&Path::from(format!("{day}/{id}{ANSWERED}"))).await?,
        false => None,
    };
    let raw_hash = Sha256::digest(&bytes).into();
    Ok(Some(StatementRow { asked, answered, raw_ref: path.to_string(), raw_hash }))
}
