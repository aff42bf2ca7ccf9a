//! Records of statements as events of a dataset, so that controls judge the use of the lake with all else.
//!
//! ```text
//! _auditlake/access/<day>/<id>.asked.json, <id>.answered.json       the records
//! _auditlake/access/<day>/events-<number>.ndjson                    those that were answered, as audit.v1: create-only
//! _auditlake/access/<day>/events-<number>.ingested.json             they are in the dataset
//! _auditlake/access/<day>/sealed-<count>.json                       so many records have the day, and all are
//! ```
//!
//! Whoever writes a number has read all numbers below it, so no record stands in two; one that is ingested twice is a
//! duplicate to the ingest. Absent: a place in the time of an answer. Who asks does not wait for this.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use engine::EngineError;
use exporters::{RowFormat, row_writer};
use object_store::path::Path;
use serde::Deserialize;
use serde_json::{Value, json};

use super::statements::{ANSWERED, ASKED, FOLDER, StatementRow, record};
use crate::Answer;
use crate::error::JobError;
use crate::ingest::ingest_own;
use crate::lake::OpenLake;
use crate::records::statement_rows;
use crate::show::counted;
use crate::world::World;

const BATCH: &str = ".ndjson";
const INGESTED: &str = ".ingested.json";
const PREFIX: &str = "events-";
const SEALED: &str = "sealed-";
/// How long a question may have no answer before it is told that there is none.
const PATIENCE: TimeDelta = TimeDelta::days(1);
/// Columns that the ingest gives every row.
const OF_INGEST: &[&str] = &["ingested_at", "raw_ref", "raw_hash"];

/// Carries out the command.
pub(crate) async fn events(lake: &OpenLake, world: &World) -> Result<Answer, JobError> {
    let dataset = lake.definitions.access_events.as_ref().ok_or_else(|| {
        JobError::Usage("lake.yaml names no dataset for records of statements; add access_events: DATASET".to_owned())
    })?;
    let rows = publish(lake, world).await?;
    let json = json!({ "dataset": dataset.as_str(), "rows": rows });
    Ok(Answer::done(format!("{} of statements and exports into {dataset}", counted(rows, "record")), json))
}

/// Ingests what was asked and answered, and is in the dataset of `access_events` not yet; gives how many rows are new.
///
/// # Errors
/// When the store or the ingest fails; nothing is lost, and the next call goes on.
pub(crate) async fn publish(lake: &OpenLake, world: &World) -> Result<u64, JobError> {
    let Some(dataset) = &lake.definitions.access_events else { return Ok(0) };
    let folder = Path::from(FOLDER);
    let listed = lake.front.store().list_with_delimiter(Some(&folder)).await;
    let days = listed.map_err(|source| EngineError::store(&folder, "list it", source))?.common_prefixes;
    let mut waiting = Vec::new();
    for day in days {
        waiting.extend(of_day(lake, &day, world.now()).await?);
    }
    waiting.extend(crate::verify::waiting(lake).await?);
    if waiting.is_empty() {
        return Ok(0);
    }
    // A folder a day would be a dataset a day; it is the table that holds them all.
    let rows = ingest_own(lake, world, dataset, &waiting, "auditlake.statements").await?;
    for batch in waiting {
        let marker = batch.as_ref().strip_suffix(BATCH).unwrap_or(batch.as_ref());
        lake.front.create_json(&Path::from(format!("{marker}{INGESTED}")), &Value::Null).await?;
    }
    Ok(rows)
}

/// What the folder of a day holds.
#[derive(Debug, Default)]
struct Day {
    asked: BTreeSet<String>,
    answered: BTreeSet<String>,
    batches: Vec<Path>,
    ingested: BTreeSet<String>,
    sealed: BTreeSet<String>,
}

impl Day {
    async fn read(lake: &OpenLake, folder: &Path) -> Result<Self, EngineError> {
        let mut day = Self::default();
        for meta in lake.front.list(folder).await? {
            let name = meta.location.filename().unwrap_or_default().to_owned();
            if let Some(id) = name.strip_suffix(ASKED) {
                day.asked.insert(id.to_owned());
            } else if let Some(id) = name.strip_suffix(ANSWERED) {
                day.answered.insert(id.to_owned());
            } else if name.starts_with(PREFIX) && name.ends_with(BATCH) {
                day.batches.push(meta.location);
            } else if let Some(batch) = name.strip_suffix(INGESTED) {
                day.ingested.insert(batch.to_owned());
            } else if name.starts_with(SEALED) {
                day.sealed.insert(name);
            }
        }
        day.batches.sort();
        Ok(day)
    }

    /// Whether all of it is in the dataset, and nothing has come since that was seen.
    fn is_sealed(&self) -> bool {
        self.sealed.contains(&self.seal())
    }

    fn seal(&self) -> String {
        format!("{SEALED}{:06}.json", self.asked.len())
    }

    fn to_ingest(&self) -> Vec<Path> {
        let is_new = |batch: &&Path| {
            let name = batch.filename().and_then(|name| name.strip_suffix(BATCH));
            name.is_some_and(|name| !self.ingested.contains(name))
        };
        self.batches.iter().filter(is_new).cloned().collect()
    }
}

/// Batches of a day that are to be ingested, after its new records were written as one.
async fn of_day(lake: &OpenLake, folder: &Path, now: DateTime<Utc>) -> Result<Vec<Path>, JobError> {
    loop {
        let day = Day::read(lake, folder).await?;
        if day.is_sealed() {
            return Ok(Vec::new());
        }
        let mut written = BTreeSet::new();
        for batch in &day.batches {
            written.extend(ids(lake, batch).await?);
        }
        let mut rows = Vec::new();
        for id in day.asked.difference(&written) {
            let has_answer = day.answered.contains(id);
            let row = record(&lake.front, folder, id, has_answer).await?;
            rows.extend(row.filter(|row| has_answer || now - row.asked.time > PATIENCE));
        }
        if rows.is_empty() {
            let to_ingest = day.to_ingest();
            if to_ingest.is_empty() && written.len() == day.asked.len() && is_over(folder, now) {
                lake.front.create_json(&Path::from(format!("{folder}/{}", day.seal())), &Value::Null).await?;
            }
            return Ok(to_ingest);
        }
        // Somebody else may have come first: then the records are read again, with those that it wrote.
        let batch = Path::from(format!("{folder}/{PREFIX}{:06}{BATCH}", day.batches.len() + 1));
        lake.front.create(&batch, ndjson(&rows)?.into()).await?;
    }
}

/// Whether a day has been over for so long that every question of it has an answer, or none.
fn is_over(folder: &Path, now: DateTime<Utc>) -> bool {
    let day = folder.filename().and_then(|day| day.parse::<NaiveDate>().ok());
    day.is_some_and(|day| now.date_naive() - day > PATIENCE * 2)
}

/// Which records a batch has.
async fn ids(lake: &OpenLake, batch: &Path) -> Result<Vec<String>, JobError> {
    #[derive(Deserialize)]
    struct Id {
        event_id: String,
    }
    let bytes = lake.front.read(batch).await?.unwrap_or_default();
    let parse = |line: &[u8]| serde_json::from_slice::<Id>(line).map(|id| id.event_id);
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let ids: Result<Vec<String>, _> = lines.map(parse).collect();
    Ok(ids.map_err(|source| EngineError::Record { path: batch.to_string(), source })?)
}

/// Records as lines of JSON, without the columns that the ingest gives every row.
fn ndjson(rows: &[StatementRow]) -> Result<Vec<u8>, JobError> {
    let batch = statement_rows(rows)?;
    let kept: Vec<usize> = (0..batch.num_columns())
        .filter(|column| !OF_INGEST.contains(&batch.schema_ref().field(*column).name().as_str()))
        .collect();
    let batch = batch.project(&kept).map_err(|error| EngineError::Bug { what: format!("events are odd ({error})") })?;
    let mut bytes = Vec::new();
    let mut writer = row_writer(RowFormat::Ndjson, batch.schema_ref(), &mut bytes)?;
    writer.write(&batch)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}
