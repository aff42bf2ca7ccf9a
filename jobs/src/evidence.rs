//! What a report's run leaves behind: evidence, findings and results as Parquet.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, Int16Array, Int32Array, Int64Array, MapBuilder, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use engine::{EngineError, Evaluated};
use schemas::{
    CONTROL_RESULT, CivilZone, Control, Decision, FINDING, FindingRow, FindingState, Interval, JobId, derived_id,
    rfc3339, standing,
};

use crate::decisions::Decisions;
use crate::ledger::RunKey;

/// One violation as it was kept.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) row: FindingRow,
    pub(crate) event_id: Option<String>,
    pub(crate) columns: Vec<(String, Option<String>)>,
}

impl Finding {
    /// The decision in force.
    pub(crate) fn decided(&self) -> Option<&Decision> {
        self.row.decision.as_ref().filter(|_| self.row.state != FindingState::Open)
    }

    /// Whether a decision on it has run out.
    pub(crate) fn expired(&self) -> bool {
        self.row.decision.is_some() && self.decided().is_none()
    }
}

/// Id of the result of a control for a tenant and an interval.
pub(crate) fn result_id(control: &Control, scope: &str, interval: Interval) -> String {
    derived_id(&["result", control.id.as_str(), scope, &rfc3339(interval.start), &rfc3339(interval.end)])
}

/// What is known of findings before a run.
#[derive(Debug)]
pub(crate) struct Known {
    /// When a run saw each first.
    pub(crate) first_seen: BTreeMap<String, DateTime<Utc>>,
    /// What was decided about them.
    pub(crate) decisions: Decisions,
    /// Instant of the run.
    pub(crate) at: DateTime<Utc>,
    /// Zone in which the last day of a decision ends.
    pub(crate) zone: CivilZone,
}

/// Reads evidence rows as findings.
pub(crate) fn findings(control: &Control, evaluated: &Evaluated, known: &Known) -> Result<Vec<Finding>, EngineError> {
    let Some(evidence) = &evaluated.evidence else { return Ok(Vec::new()) };
    let rows = &evidence.rows;
    let mut texts = BTreeMap::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        texts.insert(field.name().clone(), as_texts(column)?);
    }
    let text = |name: &str, row: usize| texts.get(name).and_then(|column| column[row].clone());
    let times = rows.column_by_name("time").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    Ok((0..rows.num_rows())
        .map(|row| {
            let finding_id = text("finding_id", row).unwrap_or_default();
            let time = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
            let stands = standing(known.decisions.on(&finding_id), known.at, known.zone);
            let columns: Vec<(String, Option<String>)> =
                control.evidence.columns.iter().map(|name| (name.clone(), text(name, row))).collect();
            Finding {
                event_id: text("event_id", row),
                row: FindingRow {
                    scope: text("scope", row).unwrap_or_default(),
                    time: time.and_then(DateTime::from_timestamp_micros),
                    resource: text("resource", row).unwrap_or_else(|| "unknown".to_owned()),
                    reason: text("reason", row).unwrap_or_else(|| control.title.clone()),
                    first_seen_at: known.first_seen.get(&finding_id).copied().unwrap_or(known.at),
                    state: stands.state,
                    decision: stands.decision.cloned(),
                    values: columns.iter().map(|(_, value)| value.clone()).collect(),
                    finding_id,
                },
                columns,
            }
        })
        .collect())
}

fn as_texts(column: &ArrayRef) -> Result<Vec<Option<String>>, EngineError> {
    let options = FormatOptions::default().with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ"));
    let text = ArrayFormatter::try_new(column.as_ref(), &options).map_err(|error| bug(&error))?;
    Ok((0..column.len()).map(|row| column.is_valid(row).then(|| text.value(row).to_string())).collect())
}

/// Rows of `finding.v1`.
pub(crate) fn finding_rows(
    all: &[(&Control, Vec<Finding>)],
    (job, interval): (&JobId, Interval),
    dataset: &dyn Fn(&Control) -> String,
) -> Result<RecordBatch, EngineError> {
    let flat: Vec<(&Control, &Finding)> =
        all.iter().flat_map(|(control, findings)| findings.iter().map(move |finding| (*control, finding))).collect();
    let text = |of: &dyn Fn(&Control, &Finding) -> Option<String>| -> ArrayRef {
        Arc::new(flat.iter().map(|(control, finding)| of(control, finding)).collect::<StringArray>())
    };
    let value = |finding: &Finding, name: &str| {
        finding.columns.iter().find(|(column, _)| column == name).and_then(|(_, value)| value.clone())
    };
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for (_, finding) in &flat {
        for (name, value) in &finding.columns {
            maps.keys().append_value(name);
            maps.values().append_option(value.as_deref());
        }
        maps.append(true).map_err(|error| bug(&error))?;
    }
    let columns: Vec<ArrayRef> = vec![
        text(&|_, finding| Some(finding.row.scope.clone())),
        text(&|_, finding| Some(finding.row.finding_id.clone())),
        text(&|control, finding| Some(result_id(control, &finding.row.scope, interval))),
        text(&|control, _| Some(control.id.to_string())),
        text(&|_, finding| Some(finding.row.scope.clone())),
        text(&|control, _| Some(dataset(control))),
        times(flat.iter().map(|(_, finding)| finding.row.time)),
        text(&|_, finding| Some(finding.row.resource.clone())),
        text(&|_, finding| Some(finding.row.reason.clone())),
        Arc::new(flat.iter().map(|(control, _)| Some(control.severity.level())).collect::<Int16Array>()),
        times(flat.iter().map(|(_, finding)| Some(finding.row.first_seen_at))),
        text(&|_, finding| finding.event_id.clone()),
        text(&|_, finding| value(finding, "actor_id")),
        text(&|_, finding| value(finding, "subject_id")),
        text(&|_, finding| Some(finding.row.state.as_str().to_owned())),
        text(&|_, finding| finding.decided().map(|decision| decision.by.clone())),
        Arc::new(maps.finish()),
        text(&|_, _| Some(job.to_string())),
    ];
    RecordBatch::try_new(FINDING.arrow(), columns).map_err(|error| bug(&error))
}

/// What a row of `control_result.v1` needs besides the evaluation itself.
pub(crate) struct ResultContext<'a> {
    pub(crate) key: &'a RunKey,
    pub(crate) interval: Interval,
    pub(crate) evidence: &'a BTreeMap<String, (String, [u8; 32])>,
    pub(crate) spec_hash: &'a dyn Fn(&Control) -> [u8; 32],
}

/// Rows of `control_result.v1`.
pub(crate) fn result_rows(
    all: &[(&Control, &Evaluated)],
    context: &ResultContext<'_>,
) -> Result<RecordBatch, EngineError> {
    let flat: Vec<_> =
        all.iter().flat_map(|(control, one)| one.scopes.iter().map(move |scope| (*control, *one, scope))).collect();
    let scope_text = || -> ArrayRef {
        Arc::new(flat.iter().map(|(_, _, scope)| Some(scope.scope.clone())).collect::<StringArray>())
    };
    let evidence = |control: &Control| context.evidence.get(control.id.as_str());
    let counts = |of: &dyn Fn(&engine::ScopeResult) -> u64| -> ArrayRef {
        let values = flat.iter().map(|(_, _, scope)| Some(i64::try_from(of(scope)).unwrap_or(i64::MAX)));
        Arc::new(values.collect::<Int64Array>())
    };
    let hashes = |of: &dyn Fn(&Control, &Evaluated) -> Option<[u8; 32]>| -> Result<ArrayRef, EngineError> {
        let mut column = FixedSizeBinaryBuilder::with_capacity(flat.len(), 32);
        for (control, one, _) in &flat {
            match of(control, one) {
                Some(hash) => column.append_value(hash).map_err(|error| bug(&error))?,
                None => column.append_null(),
            }
        }
        Ok(Arc::new(column.finish()))
    };
    let text = |of: &dyn Fn(&Control, &engine::ScopeResult) -> Option<String>| -> ArrayRef {
        Arc::new(flat.iter().map(|(control, _, scope)| of(control, scope)).collect::<StringArray>())
    };
    let version = |control: &Control| i32::try_from(control.version).unwrap_or(i32::MAX);
    let columns: Vec<ArrayRef> = vec![
        scope_text(),
        text(&|control, scope| Some(result_id(control, &scope.scope, context.interval))),
        text(&|control, _| Some(control.id.to_string())),
        Arc::new(flat.iter().map(|(control, _, _)| Some(version(control))).collect::<Int32Array>()),
        scope_text(),
        times(flat.iter().map(|_| Some(context.interval.start))),
        times(flat.iter().map(|_| Some(context.interval.end))),
        text(&|_, scope| Some(scope.status.as_str().to_owned())),
        counts(&|scope| scope.population),
        counts(&|scope| scope.violations),
        counts(&|scope| scope.undecided_violation + scope.undecided_population),
        text(&|_, scope| scope.reason.clone()),
        Arc::new(flat.iter().map(|(control, _, _)| Some(control.severity.level())).collect::<Int16Array>()),
        text(&|control, _| evidence(control).map(|(path, _)| path.clone())),
        hashes(&|control, _| evidence(control).map(|(_, hash)| *hash))?,
        hashes(&|_, one| one.plan_sha256)?,
        hashes(&|control, _| Some((context.spec_hash)(control)))?,
        counts(&|scope| scope.evidence_rows),
        text(&|_, _| Some(context.key.job.to_string())),
        times(flat.iter().map(|_| Some(context.key.instant))),
        Arc::new(flat.iter().map(|_| Some(1)).collect::<Int32Array>()),
        Arc::new(flat.iter().map(|_| None).collect::<Int64Array>()),
        Arc::new(
            flat.iter()
                .map(|(_, _, scope)| scope.warnings.map(|warnings| i64::try_from(warnings).unwrap_or(i64::MAX)))
                .collect::<Int64Array>(),
        ),
    ];
    RecordBatch::try_new(CONTROL_RESULT.arrow(), columns).map_err(|error| bug(&error))
}

fn times(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    let values: TimestampMicrosecondArray = values.map(|value| value.map(|at| at.timestamp_micros())).collect();
    Arc::new(values.with_timezone("UTC"))
}

fn bug(error: &dyn std::error::Error) -> EngineError {
    EngineError::Bug { what: format!("findings do not form a table ({error})") }
}
