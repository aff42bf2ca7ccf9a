//! `auditlake findings`: what runs found, where it stands, and a decision on one of them.
//!
//! Absent: changing what a control found. A decision stands beside a finding and takes nothing from any count.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use chrono::{DateTime, NaiveDate, Utc};
use engine::EngineError;
use exporters::{RowFormat, row_writer};
use schemas::{CivilZone, ControlId, Decision, FindingId, FindingState, rfc3339};
use serde_json::{Value, json};

use crate::Answer;
use crate::decisions::{self, Decisions, record};
use crate::error::JobError;
use crate::lake::{OpenLake, names};
use crate::notify::{Note, Source};
use crate::world::World;

/// What somebody wants to decide.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) finding: &'a str,
    pub(crate) state: FindingState,
    pub(crate) by: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) until: Option<NaiveDate>,
}

/// Every finding once, as the run saw it that reported it last.
pub(crate) async fn list(
    lake: &OpenLake,
    world: &World,
    control: Option<&str>,
    state: Option<FindingState>,
) -> Result<Answer, JobError> {
    let mut wanted = "newest = 1".to_owned();
    if let Some(control) = control {
        let id = ControlId::parse(control).map_err(JobError::Usage)?;
        if !lake.definitions.controls.iter().any(|known| known.id == id) {
            let remedy = format!("controls are: {}", names(lake.definitions.controls.iter().map(|known| &known.id)));
            return Err(JobError::Unknown { what: "control", name: control.to_owned(), remedy });
        }
        wanted.push_str(&format!(" AND control_id = '{id}'"));
    }
    if let Some(state) = state {
        wanted.push_str(&format!(" AND seen.state = '{}'", state.as_str()));
    }
    let sql = format!(
        "SELECT seen.finding_id, control_id AS control, scope, seen.state, seen.decided_by, decision.until, \
                time, resource, seen.reason, first_seen_at, last_seen_at \
         FROM (SELECT finding.*, run_instant AS last_seen_at, \
                      row_number() OVER (PARTITION BY finding.finding_id ORDER BY run_instant DESC) AS newest \
               FROM auditlake.findings AS finding \
               JOIN (SELECT result_id, max(run_instant) AS run_instant FROM auditlake.control_results GROUP BY result_id) \
                 AS result ON result.result_id = finding.result_id) AS seen \
         LEFT JOIN auditlake.finding_decisions AS decision ON decision.finding_id = seen.finding_id AND in_force \
         WHERE {wanted} ORDER BY control, scope, time, seen.finding_id"
    );
    let session = lake.sessions.session(world.now())?;
    let plan = session.plan(&sql).await?;
    let rows = session.collect(&plan).await?;
    let written = |format| -> Result<Vec<u8>, JobError> {
        let mut bytes = Vec::new();
        let mut writer = row_writer(format, plan.schema().as_arrow(), &mut bytes)?;
        rows.iter().try_for_each(|batch| writer.write(batch))?;
        writer.finish()?;
        drop(writer);
        Ok(bytes)
    };
    let findings: Value = serde_json::from_slice(&written(RowFormat::Json)?)
        .map_err(|error| EngineError::Bug { what: format!("findings as JSON do not read back ({error})") })?;
    let text = String::from_utf8_lossy(&written(RowFormat::Table)?).into_owned();
    Ok(Answer::done(text, json!({ "findings": findings })))
}

/// Decides about a finding, once.
pub(crate) async fn decide(lake: &OpenLake, world: &World, wanted: &Wanted<'_>) -> Result<Answer, JobError> {
    // Out of a CSV file an id comes with the end of its line.
    let finding = FindingId::parse(wanted.finding.trim()).map_err(JobError::Usage)?;
    let seen = seen(lake, world, &finding).await?;
    let before = Decisions::read_on(&lake.front, &finding).await?;
    let decision = Decision {
        state: wanted.state,
        by: wanted.by.trim().to_owned(),
        reason: wanted.reason.trim().to_owned(),
        until: wanted.until,
        at: world.now(),
    };
    let zone = CivilZone::from(lake.definitions.timezone);
    let checked = decision.check(&before, seen.reported_at, zone);
    checked.map_err(|source| JobError::Decision { finding: finding.to_string(), source })?;
    let number = before.len() + 1;
    let path = decisions::path(&finding, number).to_string();
    let note = Note::begin(lake, world, Source::Records { paths: vec![path] }).await?;
    let recorded = record(&lake.front, &finding, number, &decision).await;
    note.end().await;
    recorded?;
    Ok(told(&finding, &seen, number, &decision))
}

/// What the ledger knows of a finding.
#[derive(Debug)]
struct Seen {
    control: String,
    scope: String,
    /// Instant of the last run that reported it.
    reported_at: DateTime<Utc>,
}

async fn seen(lake: &OpenLake, world: &World, finding: &FindingId) -> Result<Seen, JobError> {
    let sql = format!(
        "SELECT CAST(finding.control_id AS varchar), CAST(finding.scope AS varchar), \
                CAST(max(result.run_instant) AS bigint) \
         FROM auditlake.findings AS finding \
         JOIN auditlake.control_results AS result ON result.result_id = finding.result_id \
         WHERE finding.finding_id = '{finding}' GROUP BY finding.control_id, finding.scope"
    );
    let batches = lake.sessions.session(world.now())?.query(&sql).await?;
    let found = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
        let text = |column: usize| {
            let texts = arrow::compute::cast(batch.column(column), &arrow::datatypes::DataType::Utf8).ok()?;
            Some(texts.as_string::<i32>().value(0).to_owned())
        };
        let at = batch.column(2).as_primitive_opt::<Int64Type>().filter(|at| at.is_valid(0))?.value(0);
        Some(Seen { control: text(0)?, scope: text(1)?, reported_at: DateTime::from_timestamp_micros(at)? })
    });
    found.ok_or_else(|| JobError::Unknown {
        what: "finding",
        name: finding.to_string(),
        remedy: "no committed run found it; list those there are with `auditlake findings list`".to_owned(),
    })
}

fn told(finding: &FindingId, seen: &Seen, number: usize, decision: &Decision) -> Answer {
    let Seen { control, scope, .. } = seen;
    let until = decision.until.map(|until| format!(" until {until}")).unwrap_or_default();
    let text = format!(
        "finding {finding} of {control}, {scope}: {}{until} by {}\ndecision {number}, made at {}; the finding stays counted\n",
        decision.state.word(),
        decision.by,
        rfc3339(decision.at)
    );
    let json = json!({
        "finding": finding.as_str(),
        "control": control,
        "scope": scope,
        "number": number,
        "decision": decision,
    });
    Answer::done(text, json)
}
