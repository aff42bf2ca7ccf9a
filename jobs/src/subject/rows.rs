//! Cases as rows of a dataset, so that reports and controls know the requests that are answered here.
//!
//! ```text
//! _auditlake/subjects/<case>/rows-000002.ndjson           the row after record 2, as dsr.v1: create-only
//! _auditlake/subjects/<case>/rows-000002.ingested.json    it is in the dataset
//! ```
//!
//! A row follows from the records of its case alone, and an ingest opens nothing twice, so whoever dies meanwhile leaves work
//! and no error. Absent: a place in the time of a case: where a row cannot be written, the case goes on all the same.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use engine::EngineError;
use engine::subject::{SubjectCase, case_folder, cases_folder, subject_cases};
use object_store::path::Path;
use schemas::{CaseEnd, CaseRecord, CaseStep, RequestRows, SubjectRequest, clock_of};
use serde::Serialize;
use serde_json::Value;

use super::desk::refused;
use crate::error::JobError;
use crate::ingest::ingest_own;
use crate::lake::OpenLake;
use crate::world::World;

const PREFIX: &str = "rows-";
const ROW: &str = ".ndjson";
const INGESTED: &str = ".ingested.json";

/// A revision of a request.
#[derive(Debug, Serialize)]
struct Row<'c> {
    tenant_id: &'c str,
    request_id: &'c str,
    subject_id: Option<&'c str>,
    r#type: SubjectRequest,
    jurisdiction: &'c str,
    received_at: DateTime<Utc>,
    state: &'static str,
    closed_at: Option<DateTime<Utc>>,
    pauses: Vec<PauseRow>,
    revision: u64,
    extended_at: Option<DateTime<Utc>>,
    extension_reason: Option<&'c str>,
    denial_reason: Option<&'c str>,
    case_id: &'c str,
}

#[derive(Debug, Serialize)]
struct PauseRow {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    reason: String,
}

/// Brings the rows of all cases into the dataset that `policies/subjects.yaml` names for them; gives how many are new.
///
/// # Errors
/// When the store or the ingest fails; nothing is lost, and the next call goes on.
pub(crate) async fn publish(lake: &OpenLake, world: &World) -> Result<u64, JobError> {
    let Some(into) = lake.definitions.subjects.as_ref().and_then(|policy| policy.requests.as_ref()) else {
        return Ok(0);
    };
    let behind = behind(lake).await?;
    if behind.is_empty() {
        return Ok(0);
    }
    let mut waiting = Vec::new();
    for case in subject_cases(&lake.front).await? {
        let counts = (1..=case.records.len()).filter(|count| behind.contains(&path_of(&case, *count, INGESTED)));
        for count in counts {
            let path = path_of(&case, count, ROW);
            lake.front.create(&path, line(lake.definitions.timezone, into, &case, count)?.into()).await?;
            waiting.push((path, path_of(&case, count, INGESTED)));
        }
    }
    let rows: Vec<Path> = waiting.iter().map(|(row, _)| row.clone()).collect();
    let new = ingest_own(lake, world, &into.dataset, &rows, "auditlake.subjects").await?;
    for (_, marker) in waiting {
        lake.front.create_json(&marker, &Value::Null).await?;
    }
    Ok(new)
}

fn path_of(case: &SubjectCase, count: usize, ending: &str) -> Path {
    Path::from(format!("{}/{PREFIX}{count:06}{ending}", case_folder(&case.case)))
}

/// Markers that records should have and have not. One listing tells, however many cases there are.
async fn behind(lake: &OpenLake) -> Result<BTreeSet<Path>, EngineError> {
    let listed: BTreeSet<Path> =
        lake.front.list(&cases_folder()).await?.into_iter().map(|meta| meta.location).collect();
    let marker = |record: &Path| {
        let (folder, name) = record.as_ref().rsplit_once('/')?;
        let number = name.strip_suffix(".json").filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(Path::from(format!("{folder}/{PREFIX}{number}{INGESTED}")))
    };
    Ok(listed.iter().filter_map(marker).filter(|marker| !listed.contains(marker)).collect())
}

/// What a case is after its first `count` records, as a line of JSON.
fn line(timezone: Tz, into: &RequestRows, case: &SubjectCase, count: usize) -> Result<Vec<u8>, JobError> {
    let records = case.records.get(..count).unwrap_or_default();
    let (request, jurisdiction, clock) = clock_of(records).map_err(|why| refused(&case.case, why))?;
    let day = |day: NaiveDate| beginning(timezone, day);
    let pauses = clock.pauses.into_iter().map(|pause| PauseRow {
        from: day(pause.from),
        to: day(pause.to),
        reason: pause.reason,
    });
    let (extended_at, extension_reason) = records.iter().find_map(extension).unzip();
    let end = records.iter().rev().find_map(closing);
    let row = Row {
        tenant_id: &into.tenant,
        request_id: case.case.as_str(),
        subject_id: records.first().and_then(first_reference),
        r#type: request,
        jurisdiction,
        received_at: day(clock.received),
        state: end.map_or("open", |(state, ..)| state.as_str()),
        closed_at: end.map(|(_, at, _)| at),
        pauses: pauses.collect(),
        revision: count as u64,
        extended_at,
        extension_reason,
        denial_reason: end.filter(|(state, ..)| *state == CaseEnd::Denied).and_then(|(.., reason)| reason),
        case_id: case.case.as_str(),
    };
    let mut line = serde_json::to_vec(&row)
        .map_err(|error| EngineError::Bug { what: format!("the row of a case cannot be written ({error})") })?;
    line.push(b'\n');
    Ok(line)
}

/// The first instant of a day where the lake is.
fn beginning(timezone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::MIN);
    // Where clocks went forward at midnight, the day begins when that hour is over.
    let instant = timezone.from_local_datetime(&local).earliest();
    let later = || timezone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest();
    instant.or_else(later).map_or_else(|| local.and_utc(), |instant| instant.to_utc())
}

fn first_reference(opened: &CaseRecord) -> Option<&str> {
    if let CaseStep::Opened { subject, .. } = &opened.what { subject.first().map(String::as_str) } else { None }
}

fn extension(record: &CaseRecord) -> Option<(DateTime<Utc>, &str)> {
    if let CaseStep::Extended { reason, .. } = &record.what { Some((record.at, reason)) } else { None }
}

fn closing(record: &CaseRecord) -> Option<(CaseEnd, DateTime<Utc>, Option<&str>)> {
    match &record.what {
        CaseStep::Closed { state, reason } => Some((*state, record.at, reason.as_deref())),
        _ => None,
    }
}
