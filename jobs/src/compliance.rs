//! The job kind `compliance_report`: controls over a window, evidence, findings, scores, and the report itself.

mod change;
mod findings_sql;
mod model;
mod trend;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use chrono::{DateTime, Utc};
use engine::retention::ERASED;
use engine::{ControlRun, Evaluated, EvaluationInput, HELD_ROWS, LAKE_SCOPE, LakeSession, evaluate, input_files};
use schemas::{Control, InputFile, Interval, ReportFormat, ReportSpec, Status, StatusCounts, compact, rfc3339};
use sha2::{Digest, Sha256};

use crate::decisions::Decisions;
use crate::deliver::Delivery;
use crate::error::JobError;
use crate::evidence::{Finding, Known, ResultContext, finding_rows, findings, result_rows};
use crate::ledger::{OutputRole, RunSummary};
use crate::lineage::of_report;
use crate::review;
use crate::row_columns::texts;
use crate::runner::{Attempt, Executed};

/// Everything the report is made from.
struct Material<'a> {
    attempt: &'a Attempt<'a>,
    spec: &'a ReportSpec,
    session: &'a LakeSession,
    controls: Vec<&'a Control>,
    evaluated: Vec<Evaluated>,
    findings: Vec<(&'a Control, Vec<Finding>)>,
    evidence: Vec<schemas::EvidenceObject>,
    inputs: Vec<InputFile>,
}

/// Evaluates, writes evidence and results, and renders the report.
pub(crate) async fn execute(attempt: &Attempt<'_>, spec: &ReportSpec) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    let session = lake.sessions.session(attempt.key.instant)?;
    let controls: Vec<&Control> = lake.definitions.controls.iter().filter(|control| spec.selects(control)).collect();
    whole(&session, &controls).await?;
    let key = lake.pseudonym_key()?;
    let input = EvaluationInput {
        controls: controls.iter().map(|control| ControlRun { control, params: spec.params_of(control) }).collect(),
        interval: attempt.interval,
        known_tenants: known_tenants(&session, attempt.interval).await?,
        timezone: lake.definitions.timezone.to_string(),
        pseudonym_key: &key,
        held_rows: HELD_ROWS,
    };
    let evaluated = evaluate(&session, &input).await?;
    let known = Known {
        first_seen: first_seen(&session, attempt.key.instant).await?,
        decisions: Decisions::read(&lake.front).await?,
        at: attempt.key.instant,
        zone: lake.definitions.timezone.into(),
    };
    let mut found = Vec::new();
    for (control, one) in controls.iter().zip(&evaluated) {
        found.push((*control, findings(control, one, &known)?));
    }
    let mut delivery =
        Delivery { front: &lake.front, fence: attempt.fence, retried: attempt.number > 1, outputs: Vec::new() };
    let evidence = write_evidence(attempt, spec, &controls, &evaluated, &found, &mut delivery).await?;
    let inputs = inputs(&session, attempt.interval, &controls).await?;
    let reads = reads(&session, &evaluated).await;
    let told: Vec<(&Control, &Evaluated)> = controls.iter().copied().zip(&evaluated).collect();
    let made = of_report(lake, &session, &attempt.key.job, &told).await;
    let material =
        Material { attempt, spec, session: &session, controls, evaluated, findings: found, evidence, inputs };
    let report = model::report(&material).await?;
    write_report(attempt, spec, &report, &mut delivery).await?;
    // Of the first report, every finding is new.
    let first = schemas::FindingChanges { new: report.summary.findings, ..schemas::FindingChanges::default() };
    let summary = RunSummary {
        controls: report.summary.controls,
        findings: report.summary.findings,
        finding_changes: Some(report.change.as_ref().map_or(first, |change| change.findings)),
        ..RunSummary::default()
    };
    let plan_sha256 = Some(plan_sha256(&material));
    Ok(Executed { inputs: material.inputs, reads, outputs: delivery.outputs, summary, made, plan_sha256 })
}

/// SHA-256 over the id of each control and that of its plans.
fn plan_sha256(material: &Material<'_>) -> String {
    let lines = material.evaluated.iter().map(|one| {
        let plan = one.plan_sha256.map(|hash| engine::hex(&hash)).unwrap_or_default();
        format!("{} {plan}\n", one.control)
    });
    engine::hex(&Sha256::digest(lines.collect::<String>()))
}

/// Fails when a file of what the controls read is not where its folder says: its rows could be missed.
///
/// A scan checks the files that it opens; these are the ones that their folder rules out, too.
pub(crate) async fn whole(session: &LakeSession, controls: &[&Control]) -> Result<(), JobError> {
    let tables: BTreeSet<&str> = controls.iter().flat_map(|control| control.sql.reads()).collect();
    let in_folders = |table: &&str| session.dataset(table).is_some_and(|of| of.is_ours() && of.schema.partitioned);
    let mut faults = Vec::new();
    for table in tables.into_iter().filter(in_folders) {
        faults.extend(session.check_files(table).await?.map(|checked| checked.faults).unwrap_or_default());
    }
    if faults.is_empty() { Ok(()) } else { Err(JobError::Files(faults)) }
}

async fn write_evidence(
    attempt: &Attempt<'_>,
    spec: &ReportSpec,
    controls: &[&Control],
    evaluated: &[Evaluated],
    found: &[(&Control, Vec<Finding>)],
    delivery: &mut Delivery<'_>,
) -> Result<Vec<schemas::EvidenceObject>, JobError> {
    let folder = format!("_auditlake/evidence/{}/{}/{}", attempt.key.job, compact(attempt.key.instant), attempt.number);
    let mut objects = Vec::new();
    let mut hashes = BTreeMap::new();
    for (control, one) in controls.iter().zip(evaluated) {
        let Some(kept) = one.evidence.as_ref().filter(|kept| kept.rows.num_rows() > 0) else { continue };
        let path = format!("{folder}/{}.parquet", control.id);
        let hash = delivery.create_rows(path.clone(), OutputRole::Evidence, &kept.rows).await?;
        objects.push(schemas::EvidenceObject {
            control: control.id.to_string(),
            path: path.clone(),
            sha256: engine::hex(&hash),
            bytes: delivery.outputs.last().map(|output| output.bytes).unwrap_or_default(),
            rows: kept.rows.num_rows() as u64,
            violations: one.scopes.iter().map(|scope| scope.violations).sum(),
            keep: control.evidence.keep.clone(),
        });
        hashes.insert(control.id.to_string(), (path, hash));
    }
    let dataset = |control: &Control| control.sql.reads().first().copied().unwrap_or_default().to_owned();
    let rows = finding_rows(found, (&attempt.key.job, attempt.interval), &dataset)?;
    delivery.create_rows(format!("{folder}/findings.parquet"), OutputRole::Findings, &rows).await?;
    let spec_hash = |control: &Control| spec_hash(control, spec);
    let context =
        ResultContext { key: attempt.key, interval: attempt.interval, evidence: &hashes, spec_hash: &spec_hash };
    let all: Vec<(&Control, &Evaluated)> = controls.iter().copied().zip(evaluated).collect();
    let rows = result_rows(&all, &context)?;
    delivery.create_rows(format!("{folder}/control_results.parquet"), OutputRole::ControlResults, &rows).await?;
    Ok(objects)
}

/// SHA-256 over everything of a control that can change a result.
fn spec_hash(control: &Control, spec: &ReportSpec) -> [u8; 32] {
    let text = format!(
        "{}\n{}\n{:?}\n{:?}\n{:?}\n{}",
        control.id,
        control.version,
        spec.params_of(control),
        control.sql,
        control.status,
        control.max_undecided_ppm
    );
    Sha256::digest(text).into()
}

async fn write_report(
    attempt: &Attempt<'_>,
    spec: &ReportSpec,
    report: &schemas::Report,
    delivery: &mut Delivery<'_>,
) -> Result<(), JobError> {
    for output in &spec.outputs {
        let mut folder = output.to.render(&attempt.interval, attempt.lake.definitions.timezone);
        let job = &attempt.key.job;
        if spec.approval_required {
            folder = review::draft_path(attempt.key, attempt.number, &folder);
        }
        match output.format {
            ReportFormat::Html => {
                let html = exporters::report_html(report);
                delivery.publish(format!("{folder}{job}.html"), html.into()).await?;
            }
            ReportFormat::Json => {
                let json = exporters::report_json(report)?;
                delivery.publish(format!("{folder}{job}.json"), json.into()).await?;
            }
            ReportFormat::Csv => {
                delivery.publish_tables(&format!("{folder}{job}"), exporters::report_csv(report)).await?;
            }
            ReportFormat::Xlsx => {
                let book = exporters::report_xlsx(report)?;
                delivery.publish(format!("{folder}{job}.xlsx"), book.into()).await?;
            }
            ReportFormat::Oscal => {
                let oscal = exporters::report_oscal(report)?;
                delivery.publish(format!("{folder}{job}.oscal.json"), oscal.into()).await?;
            }
        }
    }
    Ok(())
}

/// Tenants with a result in the 400 days before the interval's end: one that falls silent stays visible, and one that was
/// erased is nobody.
pub(crate) async fn known_tenants(session: &LakeSession, interval: Interval) -> Result<BTreeSet<String>, JobError> {
    let since = interval.end - chrono::TimeDelta::days(400);
    let sql = format!(
        "SELECT DISTINCT scope FROM auditlake.control_results \
         WHERE interval_end > TIMESTAMP '{}' AND interval_end < TIMESTAMP '{}' AND scope NOT IN ('{LAKE_SCOPE}', '{ERASED}')",
        rfc3339(since),
        rfc3339(interval.end)
    );
    Ok(texts(&session.query(&sql).await?, "scope").into_iter().flatten().collect())
}

/// When each finding was seen first; what runs of later instants saw is not known yet.
async fn first_seen(session: &LakeSession, at: DateTime<Utc>) -> Result<BTreeMap<String, DateTime<Utc>>, JobError> {
    let sql = format!(
        "SELECT finding_id, CAST(min(first_seen_at) AS bigint) AS first FROM auditlake.findings \
         WHERE first_seen_at < TIMESTAMP '{}' GROUP BY finding_id",
        rfc3339(at)
    );
    let mut first = BTreeMap::new();
    for batch in session.query(&sql).await? {
        let times = batch.column(1).as_primitive::<arrow::datatypes::Int64Type>().clone();
        for (row, id) in texts(std::slice::from_ref(&batch), "finding_id").into_iter().enumerate() {
            if let (Some(id), Some(at)) = (id, DateTime::from_timestamp_micros(times.value(row))) {
                first.insert(id, at);
            }
        }
    }
    Ok(first)
}

pub(crate) async fn inputs(
    session: &LakeSession,
    interval: Interval,
    controls: &[&Control],
) -> Result<Vec<InputFile>, JobError> {
    let tables: BTreeSet<&str> = controls.iter().flat_map(|control| control.sql.reads()).collect();
    let lookback = controls.iter().map(|control| match &control.sql {
        schemas::ControlSql::Statements { lookback_seconds, .. } => *lookback_seconds,
        schemas::ControlSql::Rows { .. } => 0,
    });
    let lookback = i64::try_from(lookback.max().unwrap_or(0)).unwrap_or(i64::MAX);
    let start = chrono::TimeDelta::try_seconds(lookback).and_then(|back| interval.start.checked_sub_signed(back));
    let wide = Interval { start: start.unwrap_or(interval.start), end: interval.end };
    let mut all = Vec::new();
    for table in tables {
        all.extend(input_files(session, table, wide).await?);
    }
    Ok(all)
}

/// Columns that the controls' SQL reads, by table. What cannot be planned reads nothing.
async fn reads(session: &LakeSession, evaluated: &[Evaluated]) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for sql in evaluated.iter().flat_map(|one| [&one.counts_sql, &one.violations_sql]).filter(|sql| !sql.is_empty()) {
        let Ok(plan) = session.plan(sql).await else { continue };
        let Ok(plan) = session.optimized(&plan) else { continue };
        for (table, columns) in lineage::reads(&plan).tables {
            all.entry(table).or_default().extend(columns);
        }
    }
    all.into_iter().map(|(table, columns)| (table, columns.into_iter().collect())).collect()
}

/// How many controls have each worst status.
fn status_counts(statuses: impl Iterator<Item = Status>) -> StatusCounts {
    let mut counts = StatusCounts::default();
    statuses.for_each(|status| counts.add(status));
    counts
}
