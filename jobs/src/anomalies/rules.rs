//! Alerts of controls: a violation raises one as it happens, and not only when a report is due.
//!
//! A control judges the interval of the run with what it looks back on, as in a report. Each violation has its instant, what
//! violates and why; of those of one resource that follow each other within the cool-down, the first raises the alert. Absent:
//! evidence, findings and scores, which are reports'.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{ControlRun, Evaluated, EvaluationInput, HELD_ROWS, LakeSession, evaluate};
use schemas::{Control, InputFile, Status, rfc3339};
use serde::{Deserialize, Serialize};

use super::alerts::standing;
use super::raised::{Alert, Raising};
use crate::compliance::{inputs, known_tenants, whole};
use crate::error::JobError;
use crate::row_columns::{numbers, texts};
use crate::runner::Attempt;
use crate::schedule::seconds;
use crate::world::World;

/// What raises such alerts.
const DETECTOR: &str = "rule";
/// Kind of what they are of.
const ENTITY: &str = "resource";

/// What a control came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSummary {
    /// The control.
    pub control: String,
    /// Violations in the interval.
    pub violations: u64,
    /// Alerts that were raised.
    pub alerts: u64,
    /// Tenants of whom it cannot say whether they violate it.
    pub not_evaluated: u64,
    /// Why, of the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What controls came to.
#[derive(Default)]
pub(super) struct Ruled {
    pub(super) summaries: Vec<RuleSummary>,
    pub(super) alerts: Vec<Alert>,
    pub(super) inputs: Vec<InputFile>,
    /// Datasets that were read.
    pub(super) reads: BTreeSet<String>,
}

/// A violation.
struct Violation {
    tenant: String,
    resource: String,
    reason: String,
    at: DateTime<Utc>,
}

/// Judges the controls of a job.
pub(super) async fn watch(
    (attempt, world): (&Attempt<'_>, &World),
    session: &LakeSession,
    raising: &Raising<'_>,
) -> Result<Ruled, JobError> {
    let (lake, spec) = (attempt.lake, raising.spec);
    if spec.rules.is_empty() {
        return Ok(Ruled::default());
    }
    let controls: Vec<&Control> =
        lake.definitions.controls.iter().filter(|control| spec.rules.contains(&control.id)).collect();
    whole(session, &controls).await?;
    let key = lake.pseudonym_key()?;
    let input = EvaluationInput {
        controls: controls.iter().map(|control| ControlRun { control, params: control.params.clone() }).collect(),
        interval: attempt.interval,
        known_tenants: known_tenants(session, attempt.interval).await?,
        timezone: lake.definitions.timezone.to_string(),
        pseudonym_key: &key,
        held_rows: HELD_ROWS,
    };
    let evaluated = evaluate(session, &input).await?;
    let mut ruled = Ruled { inputs: inputs(session, attempt.interval, &controls).await?, ..Ruled::default() };
    for (control, one) in controls.into_iter().zip(&evaluated) {
        let found = violations(session, one).await?;
        let of = [("metric", control.id.as_str()), ("detector", DETECTOR)];
        let mut stood = standing(lake, world, (&spec.into, &of), attempt.interval.start).await?;
        stood.retain(|alert| raising.is_ours(alert) && alert.raised_at < raising.at);
        let alerts = alerts(raising, control, (&found, &stood));
        ruled.summaries.push(summary(one, (found.len(), alerts.len())));
        ruled.alerts.extend(alerts);
        ruled.reads.extend(control.sql.reads().into_iter().map(str::to_owned));
    }
    Ok(ruled)
}

fn summary(evaluated: &Evaluated, (violations, alerts): (usize, usize)) -> RuleSummary {
    let is_unknown = |status: Status| matches!(status, Status::NotEvaluated | Status::Error);
    let unknown: Vec<_> = evaluated.scopes.iter().filter(|scope| is_unknown(scope.status)).collect();
    RuleSummary {
        control: evaluated.control.to_string(),
        violations: violations as u64,
        alerts: alerts as u64,
        not_evaluated: unknown.len() as u64,
        why: unknown.iter().find_map(|scope| scope.reason.clone()),
    }
}

/// The violations of a control, in their order; none where it could not be judged.
async fn violations(session: &LakeSession, evaluated: &Evaluated) -> Result<Vec<Violation>, JobError> {
    if evaluated.scopes.iter().all(|scope| scope.violations == 0) {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT scope, resource, reason, CAST(to_timestamp_micros(time) AS bigint) AS at FROM (\n{}\n) AS found \
         ORDER BY scope, at, event_id",
        evaluated.violations_sql
    );
    let batches = session.query(&sql).await?;
    let text = |name: &str| texts(&batches, name).into_iter().map(Option::unwrap_or_default);
    let rows = text("scope").zip(text("resource")).zip(text("reason").zip(numbers(&batches, "at")?));
    let violations = rows.filter_map(|((tenant, resource), (reason, at))| {
        Some(Violation { tenant, resource, reason, at: DateTime::from_timestamp_micros(at?)? })
    });
    Ok(violations.collect())
}

/// The alerts of violations in their order, beside those that stand.
fn alerts(raising: &Raising<'_>, control: &Control, (found, stood): (&[Violation], &[Alert])) -> Vec<Alert> {
    let cool_down = seconds(raising.spec.rule_cool_down_seconds).unwrap_or_default();
    // Until when a violation of a resource is told already.
    let mut told: BTreeMap<(&str, &str), DateTime<Utc>> = BTreeMap::new();
    for alert in stood {
        let until = told.entry((&alert.tenant_id, &alert.entity_id)).or_insert(alert.cool_until);
        *until = (*until).max(alert.cool_until);
    }
    let mut alerts = Vec::new();
    for one in found {
        let key = (one.tenant.as_str(), one.resource.as_str());
        if told.get(&key).is_some_and(|until| one.at < *until) {
            continue;
        }
        let alert = alert(raising, control, (one, cool_down));
        told.insert(key, alert.cool_until);
        alerts.push(alert);
    }
    alerts
}

fn alert(raising: &Raising<'_>, control: &Control, (one, cool_down): (&Violation, TimeDelta)) -> Alert {
    let (at, level) = (rfc3339(one.at), control.severity.level());
    let id = raising.id([control.id.as_str(), &one.tenant, &one.resource, &at, DETECTOR]);
    Alert {
        group_id: Some(id.clone()),
        alert_id: id,
        tenant_id: one.tenant.clone(),
        metric: control.id.to_string(),
        entity_type: ENTITY.to_owned(),
        entity_id: one.resource.clone(),
        detector: DETECTOR.to_owned(),
        bucket_start: one.at,
        bucket_us: 0,
        value: 1.0,
        expected: 0.0,
        low: 0.0,
        high: 0.0,
        score: f64::from(level),
        severity: level,
        explanation: format!("{}, {at}: {}", control.title, one.reason),
        state: "open".to_owned(),
        raised_at: raising.at,
        acknowledged_at: None,
        resolved_at: None,
        cool_until: one.at.checked_add_signed(cool_down).unwrap_or(one.at),
        revision: 1,
    }
}
