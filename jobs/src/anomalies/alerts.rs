//! Alerts as they stand: listed, explained, taken, and resolved.
//!
//! ```text
//! _auditlake/alerts/steps/<alert>/000002.json            who did what about it, and why: create-only
//! _auditlake/alerts/steps/<alert>/000002.ndjson          the same as the next revision of its row: gone once it is one
//! _auditlake/alerts/steps/<alert>/000002.ingested.json   it is in the dataset
//! ```
//!
//! Of two who step at once one is first, and the other is told. Absent: reopening: what happens again is another alert.

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use engine::{Created, EngineError};
use exporters::{RowFormat, row_writer};
use object_store::path::Path;
use schemas::{DatasetId, JobKind, rfc3339};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::job::{FOLDER, gone, line};
use super::raised::Alert;
use crate::Answer;
use crate::args::{AlertStateArg, AlertStepArgs};
use crate::error::JobError;
use crate::ingest::ingest_own;
use crate::lake::OpenLake;
use crate::row_columns::literal;
use crate::show::write_line;
use crate::world::World;

const COLUMNS: &str = "alert_id, tenant_id, metric, entity_type, entity_id, detector, bucket_start, bucket_us, value, expected, low, \
     high, score, severity, explanation, state, raised_at, acknowledged_at, resolved_at, cool_until, revision, group_id";

/// What somebody did about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StepRecord {
    pub(super) state: AlertStateArg,
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) at: DateTime<Utc>,
}

/// Alerts of every job, the newest first.
pub(super) async fn list(
    lake: &OpenLake,
    world: &World,
    (state, tenant): (Option<AlertStateArg>, Option<&str>),
) -> Result<Answer, JobError> {
    let mut all = Vec::new();
    for dataset in datasets(lake) {
        let mut sql = format!("SELECT {COLUMNS} FROM \"{dataset}\" WHERE true");
        if let Some(state) = state {
            sql.push_str(&format!(" AND state = '{}'", state.as_str()));
        }
        if let Some(tenant) = tenant {
            sql.push_str(&format!(" AND tenant_id = {}", literal(tenant)));
        }
        all.extend(read(lake, world, &sql).await?);
    }
    all.sort_by(|a, b| (b.bucket_start, &a.alert_id).cmp(&(a.bucket_start, &b.alert_id)));
    let mut text = String::new();
    for alert in &all {
        let what = [severity(alert.severity), alert.state.as_str(), alert.tenant_id.as_str()];
        let row = format!(
            "{}  {:<8} {:<12} {:<12} {}: {}",
            alert.alert_id, what[0], what[1], what[2], alert.entity_id, alert.explanation
        );
        write_line(&mut text, &row);
    }
    if all.is_empty() {
        text.push_str("no alerts\n");
    }
    Ok(Answer::done(text, json!({ "alerts": all })))
}

/// One alert with its revisions, and what was done about it.
pub(super) async fn explain(lake: &OpenLake, world: &World, id: &str) -> Result<Answer, JobError> {
    let (dataset, alert) = found(lake, world, id).await?;
    let steps = steps(lake, id).await?;
    let mut text = String::new();
    write_line(&mut text, &alert.explanation);
    write_line(
        &mut text,
        &format!("alert      {} in dataset {dataset}, {} by {}", alert.alert_id, alert.state, alert.detector),
    );
    write_line(
        &mut text,
        &format!("of         {} {} of tenant {}", alert.entity_type, alert.entity_id, alert.tenant_id),
    );
    let end = alert.bucket_start + chrono::TimeDelta::microseconds(alert.bucket_us);
    write_line(&mut text, &format!("bucket     {} to {}", rfc3339(alert.bucket_start), rfc3339(end)));
    write_line(
        &mut text,
        &format!(
            "value      {}, usually {} to {}; score {}, {}",
            alert.value,
            alert.low,
            alert.high,
            alert.score,
            severity(alert.severity)
        ),
    );
    write_line(
        &mut text,
        &format!(
            "raised     {}, only a higher score again before {}",
            rfc3339(alert.raised_at),
            rfc3339(alert.cool_until)
        ),
    );
    if let Some(first) = alert.group_id.as_ref().filter(|first| **first != alert.alert_id) {
        write_line(&mut text, &format!("again      higher than {first}, in its time"));
    }
    for step in &steps {
        write_line(
            &mut text,
            &format!("{:<10} {} by {}: {}", step.state.as_str(), rfc3339(step.at), step.by, step.reason),
        );
    }
    Ok(Answer::done(text, json!({ "dataset": dataset, "alert": alert, "steps": steps })))
}

/// Takes an alert, or resolves it.
pub(super) async fn step(
    lake: &OpenLake,
    world: &World,
    (state, args): (AlertStateArg, &AlertStepArgs),
) -> Result<Answer, JobError> {
    let (dataset, alert) = found(lake, world, &args.alert).await?;
    let is_possible = match state {
        AlertStateArg::Open | AlertStateArg::Expired => false,
        AlertStateArg::Acknowledged => alert.state == AlertStateArg::Open.as_str(),
        AlertStateArg::Resolved => !alert.is_over(),
    };
    if !is_possible {
        let what = if alert.is_over() {
            format!("and over; what happens again is another alert; see auditlake anomalies explain {}", alert.alert_id)
        } else {
            format!("already; end it with auditlake anomalies resolve {}", alert.alert_id)
        };
        return Err(JobError::Usage(format!("alert {} is {} {what}", alert.alert_id, alert.state)));
    }
    if args.by.trim().is_empty() || args.reason.trim().is_empty() {
        return Err(JobError::Usage("--by and --reason are empty; say who, and why".to_owned()));
    }
    let now = world.now();
    let revision = alert.revision + 1;
    let record = StepRecord { state, by: args.by.clone(), reason: args.reason.clone(), at: now };
    if lake.front.create_json(&Path::from(step_path(&alert.alert_id, revision)), &record).await? == Created::Existed {
        return Err(JobError::Usage(format!(
            "somebody else did something about alert {} meanwhile; look at it with auditlake anomalies explain {}",
            alert.alert_id, alert.alert_id
        )));
    }
    let next = stepped(alert, &record, revision);
    publish(lake, world, (&dataset, &step_stem(&next.alert_id, revision)), std::slice::from_ref(&next)).await?;
    let text = format!("alert {} is {}", next.alert_id, next.state);
    Ok(Answer::done(text, json!({ "alert": next })))
}

/// Where a step about an alert lies, without its ending.
fn step_stem(alert: &str, revision: u32) -> String {
    format!("{FOLDER}/steps/{alert}/{revision:06}")
}

/// Where the record of a step lies.
pub(super) fn step_path(alert: &str, revision: u32) -> String {
    format!("{}.json", step_stem(alert, revision))
}

/// The next revision of an alert.
pub(super) fn stepped(alert: Alert, record: &StepRecord, revision: u32) -> Alert {
    let at = |state: AlertStateArg| (record.state == state).then_some(record.at);
    Alert {
        state: record.state.as_str().to_owned(),
        acknowledged_at: alert.acknowledged_at.or(at(AlertStateArg::Acknowledged)),
        resolved_at: at(AlertStateArg::Resolved),
        revision,
        ..alert
    }
}

/// Brings revisions into their dataset; what is there already stays.
pub(super) async fn publish(
    lake: &OpenLake,
    world: &World,
    (dataset, stem): (&DatasetId, &str),
    alerts: &[Alert],
) -> Result<(), JobError> {
    let (rows, done) = (Path::from(format!("{stem}.ndjson")), Path::from(format!("{stem}.ingested.json")));
    if lake.front.read(&done).await?.is_none() {
        let lines = alerts.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        lake.front.create(&rows, lines.concat().into()).await?;
        ingest_own(lake, world, dataset, std::slice::from_ref(&rows), "auditlake.alerts").await?;
        lake.front.create_json(&done, &Value::Null).await?;
    }
    gone(lake, &rows).await
}

/// What was done about an alert, in its order.
async fn steps(lake: &OpenLake, id: &str) -> Result<Vec<StepRecord>, JobError> {
    let mut steps = Vec::new();
    for revision in 2.. {
        let path = Path::from(step_path(id, revision));
        match lake.front.read_json::<StepRecord>(&path).await? {
            Some(step) => steps.push(step),
            None => break,
        }
    }
    Ok(steps)
}

/// The alert of that id, as far as steps about it have come; one whose writer died is carried out first.
async fn found(lake: &OpenLake, world: &World, id: &str) -> Result<(DatasetId, Alert), JobError> {
    let id = id.trim();
    for dataset in datasets(lake) {
        let sql = format!("SELECT {COLUMNS} FROM \"{dataset}\" WHERE alert_id = {}", literal(id));
        let Some(mut alert) = read(lake, world, &sql).await?.into_iter().next() else { continue };
        for (revision, step) in (2..).zip(steps(lake, id).await?) {
            if revision > alert.revision {
                alert = stepped(alert, &step, revision);
                publish(lake, world, (&dataset, &step_stem(id, revision)), std::slice::from_ref(&alert)).await?;
            }
        }
        return Ok((dataset, alert));
    }
    Err(JobError::Unknown {
        what: "alert",
        name: id.to_owned(),
        remedy: "auditlake anomalies list shows those that there are".to_owned(),
    })
}

/// The datasets that jobs raise alerts into.
fn datasets(lake: &OpenLake) -> Vec<DatasetId> {
    let into = lake.definitions.jobs.iter().filter_map(|job| match &job.kind {
        JobKind::Anomalies(spec) => Some(spec.into.clone()),
        _ => None,
    });
    let mut all: Vec<DatasetId> = into.collect();
    all.sort();
    all.dedup();
    all
}

async fn read(lake: &OpenLake, world: &World, sql: &str) -> Result<Vec<Alert>, JobError> {
    let session = lake.sessions.session(world.now())?;
    let plan = session.plan(sql).await?;
    let batches: Vec<RecordBatch> = session.collect(&plan).await?;
    let mut bytes = Vec::new();
    let mut writer = row_writer(RowFormat::Ndjson, plan.schema().as_arrow(), &mut bytes)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.finish()?;
    drop(writer);
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = lines.map(serde_json::from_slice).collect::<Result<_, _>>();
    Ok(read.map_err(|error| EngineError::Bug { what: format!("alerts do not read back ({error})") })?)
}

/// The alerts of a dataset that were raised at an instant.
pub(super) async fn raised_at(
    lake: &OpenLake,
    world: &World,
    (dataset, at): (&DatasetId, DateTime<Utc>),
) -> Result<Vec<Alert>, JobError> {
    let sql = format!("SELECT {COLUMNS} FROM \"{dataset}\" WHERE raised_at = TIMESTAMP '{}'", rfc3339(at));
    read(lake, world, &sql).await
}

/// The alerts of a dataset that were raised by an instant and that nobody resolved.
pub(super) async fn unresolved(
    lake: &OpenLake,
    world: &World,
    (dataset, until): (&DatasetId, DateTime<Utc>),
) -> Result<Vec<Alert>, JobError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM \"{dataset}\" WHERE raised_at <= TIMESTAMP '{}' AND state IN ('open', 'acknowledged') \
         ORDER BY alert_id",
        rfc3339(until)
    );
    read(lake, world, &sql).await
}

/// The alerts of a dataset with such columns that somebody may still look at, or that are not cool by an instant; the oldest first.
pub(super) async fn standing(
    lake: &OpenLake,
    world: &World,
    (dataset, of): (&DatasetId, &[(&str, &str)]),
    at: DateTime<Utc>,
) -> Result<Vec<Alert>, JobError> {
    let of: String = of.iter().map(|(column, value)| format!("{column} = {} AND ", literal(value))).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM \"{dataset}\" WHERE {of}(state IN ('open', 'acknowledged') OR cool_until > TIMESTAMP '{}') \
         ORDER BY bucket_start, alert_id",
        rfc3339(at)
    );
    read(lake, world, &sql).await
}

pub(super) fn severity(level: i16) -> &'static str {
    match level {
        ..=1 => "info",
        2 => "low",
        3 => "medium",
        4 => "high",
        5.. => "critical",
    }
}
