//! The job kind `anomalies`: the buckets of an interval, each judged by those before it, and budgets that burn too fast.
//!
//! ```text
//! _auditlake/alerts/<job>/<instant>.ndjson          the alerts of a run, as rows of alert.v1: create-only, gone once they are rows
//! _auditlake/alerts/<job>/<instant>.ingested.json   they are; what the run came to
//! ```
//!
//! An attempt that died is gone on with: alerts that it wrote stand, and an ingest opens nothing twice. What they are of may be a
//! person, so nothing of them stays beside their dataset. Rows that come later raise no old alerts. Absent: state between runs;
//! detectors learn anew from the files of the history.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::{Created, EngineError, LakeSession, input_files, remove_for_good};
use object_store::path::Path;
use schemas::{AnomaliesSpec, InputFile, compact};
use serde::{Deserialize, Serialize};

use super::alerts::raised_at;
use super::budgets::{self, BudgetSummary};
use super::expiry::expire;
use super::growth::Growth;
use super::measure::Measured;
use super::pictures::Pictures;
use super::raised::{Alert, MetricSummary, Raising};
use super::rules::{self, RuleSummary};
use crate::error::JobError;
use crate::ingest::ingest_own;
use crate::lake::OpenLake;
use crate::ledger::RunSummary;
use crate::lineage::of_anomalies;
use crate::runner::{Attempt, Executed};
use crate::world::World;

/// Where alerts lie before they are rows.
pub(super) const FOLDER: &str = "_auditlake/alerts";

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnomaliesSummary {
    /// The dataset that has the alerts.
    pub dataset: String,
    /// Alerts of all metrics.
    pub alerts: u64,
    /// Of those, which are high or critical.
    pub high: u64,
    /// Alerts of runs before that nobody resolved in time.
    #[serde(default)]
    pub expired: u64,
    /// Its metrics.
    pub metrics: Vec<MetricSummary>,
    /// SLAs whose budgets were watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<BudgetSummary>,
    /// Controls whose violations raise alerts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleSummary>,
}

/// Judges every metric of the job.
pub(crate) async fn execute(attempt: &Attempt<'_>, world: &World, spec: &AnomaliesSpec) -> Result<Executed, JobError> {
    let (lake, key) = (attempt.lake, attempt.key);
    let session = lake.sessions.session(key.instant)?;
    let raising = Raising { job: &key.job, at: key.instant, spec, zone: lake.definitions.timezone };
    let (mut alerts, mut metrics, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
    let burnt = budgets::watch((attempt, world), &session, &raising).await?;
    let ruled = rules::watch((attempt, world), &session, &raising).await?;
    alerts.extend(burnt.alerts.into_iter().chain(ruled.alerts));
    inputs.extend(burnt.inputs.into_iter().chain(ruled.inputs));
    let mut pictures = (!spec.outputs.is_empty()).then(Pictures::default);
    let mut all = Vec::new();
    for (number, metric) in spec.metrics.iter().enumerate() {
        let dataset = lake.dataset(metric.from.as_str())?;
        let measured = Measured::of((metric, dataset), attempt.interval, spec.history_seconds);
        let growth = Growth::of((attempt, world), &raising, &measured).await?;
        let watching = Watching { raising: &raising, number, measured: &measured, growth };
        let (summary, raised) = judged((attempt, &session), &watching, pictures.as_mut()).await?;
        metrics.push(summary);
        alerts.extend(raised);
        inputs.extend(input_files(&session, metric.from.as_str(), measured.interval()).await?);
        all.push(measured);
    }
    inputs.sort_by(|a: &InputFile, b| (&a.dataset, &a.path).cmp(&(&b.dataset, &b.path)));
    inputs.dedup();
    attempt.fence.check().await?;
    let came_to = CameTo { metrics, budgets: burnt.summaries, rules: ruled.summaries };
    let (mut summary, alerts) = brought((attempt, world), &raising, came_to, alerts).await?;
    summary.expired = expire((attempt, world), &raising).await?;
    let outputs = match pictures {
        Some(pictures) => pictures.publish(attempt, (spec, &all), (&inputs, alerts)).await?,
        None => Vec::new(),
    };
    let statements: Vec<String> = all.iter().map(Measured::statement).collect();
    let more: BTreeSet<String> = burnt.reads.into_iter().chain(ruled.reads).collect();
    let made = of_anomalies(lake, &session, (&key.job, spec), (&statements, &more)).await;
    let from = spec.metrics.iter().map(|metric| metric.from.to_string()).chain(more);
    Ok(Executed {
        inputs,
        reads: from.map(|dataset| (dataset, Vec::new())).collect(),
        outputs,
        summary: RunSummary { anomalies: Some(summary), ..RunSummary::default() },
        made,
        plan_sha256: None,
    })
}

/// What each thing that is watched came to.
struct CameTo {
    metrics: Vec<MetricSummary>,
    budgets: Vec<BudgetSummary>,
    rules: Vec<RuleSummary>,
}

/// A metric as it is watched.
struct Watching<'a> {
    raising: &'a Raising<'a>,
    number: usize,
    measured: &'a Measured<'a>,
    growth: Option<Growth>,
}

/// The alerts of a metric, and what it came to.
async fn judged(
    (attempt, session): (&Attempt<'_>, &LakeSession),
    Watching { raising, number, measured, growth }: &Watching<'_>,
    mut pictures: Option<&mut Pictures>,
) -> Result<(MetricSummary, Vec<Alert>), JobError> {
    let named = |error: JobError| JobError::Metric { metric: measured.metric.metric.clone(), source: Box::new(error) };
    let (count, least) = measured.counted(session, raising.spec.series_max).await.map_err(named)?;
    let begun = measured.begun(session).await.map_err(named)?;
    let done = Arc::new(AtomicU64::new(0));
    let shown = attempt.progress.series(&measured.metric.metric, &done);
    let mut summary = MetricSummary {
        metric: measured.metric.metric.clone(),
        series: 0,
        not_yet: 0,
        left_out: count.left_out,
        alerts: 0,
    };
    let mut alerts = Vec::new();
    let give = |series| {
        let mut judged = raising.of(measured, &series)?;
        judged.alerts.extend(growth.as_ref().and_then(|growth| growth.alert(raising, measured, &series)));
        summary.series += u64::from(judged.is_judged);
        summary.not_yet += u64::from(!judged.is_judged);
        if let Some(pictures) = pictures.as_deref_mut() {
            pictures.take((*number, measured), &series, &judged);
        }
        alerts.extend(judged.alerts);
        done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let left_out = measured.series(session, (&begun, least), give).await.map_err(named)?;
    if let Some(pictures) = pictures {
        pictures.leave_out(*number, &left_out);
    }
    drop(shown);
    summary.alerts = alerts.len() as u64;
    Ok((summary, alerts))
}

/// Brings the alerts of a run into their dataset; what the run came to, and the alerts. Those of an attempt before stand.
async fn brought(
    (attempt, world): (&Attempt<'_>, &World),
    raising: &Raising<'_>,
    came_to: CameTo,
    alerts: Vec<Alert>,
) -> Result<(AnomaliesSummary, Vec<Alert>), JobError> {
    let (lake, into) = (attempt.lake, &raising.spec.into);
    let stem = format!("{FOLDER}/{}/{}", attempt.key.job, compact(attempt.key.instant));
    let (rows, done) = (Path::from(format!("{stem}.ndjson")), Path::from(format!("{stem}.ingested.json")));
    if let Some(before) = lake.front.read_json::<AnomaliesSummary>(&done).await? {
        gone(lake, &rows).await?;
        let mut stand = raised_at(lake, world, (into, attempt.key.instant)).await?;
        stand.retain(|alert| raising.is_ours(alert));
        return Ok((before, stand));
    }
    let alerts = written(lake, &rows, alerts).await?;
    let summary = AnomaliesSummary {
        dataset: into.to_string(),
        alerts: alerts.len() as u64,
        high: alerts.iter().filter(|alert| alert.severity > 3).count() as u64,
        expired: 0,
        metrics: came_to.metrics,
        budgets: came_to.budgets,
        rules: came_to.rules,
    };
    if !alerts.is_empty() {
        ingest_own(lake, world, into, std::slice::from_ref(&rows), "auditlake.alerts").await?;
    }
    lake.front.create_json(&done, &summary).await?;
    gone(lake, &rows).await?;
    Ok((summary, alerts))
}

/// Removes what is a row by now, with every version.
pub(super) async fn gone(lake: &OpenLake, rows: &Path) -> Result<(), JobError> {
    if lake.front.read(rows).await?.is_some()
        && let Some(left) = remove_for_good(&lake.front, rows).await?
    {
        tracing::warn!("alerts stay beside their dataset, who they are of may stand there: {left}");
    }
    Ok(())
}

/// Writes alerts down, unless an attempt before did; those that stand.
async fn written(lake: &OpenLake, path: &Path, mut alerts: Vec<Alert>) -> Result<Vec<Alert>, JobError> {
    alerts.sort_by(|a, b| (a.bucket_start, &a.alert_id).cmp(&(b.bucket_start, &b.alert_id)));
    let mut lines = Vec::new();
    for alert in &alerts {
        lines.extend(line(alert)?);
    }
    let is_ours = match lines.is_empty() {
        true => lake.front.read(path).await?.is_none(),
        false => lake.front.create(path, lines.into()).await? == Created::Now,
    };
    if is_ours {
        return Ok(alerts);
    }
    let stands = lake.front.read(path).await?.unwrap_or_default();
    let lines = stands.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read = lines.map(serde_json::from_slice);
    read.collect::<Result<_, _>>()
        .map_err(|source| JobError::Engine(EngineError::Record { path: path.to_string(), source }))
}

/// An alert as a line of JSON.
pub(super) fn line(alert: &Alert) -> Result<Vec<u8>, EngineError> {
    let mut line = serde_json::to_vec(alert)
        .map_err(|error| EngineError::Bug { what: format!("an alert cannot be written ({error})") })?;
    line.push(b'\n');
    Ok(line)
}
