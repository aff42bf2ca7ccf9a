//! The last intervals of a job: what its controls said then, from `auditlake.control_results`.
//!
//! Only runs of earlier intervals and instants count, so that a report says the same whatever ran later. Earlier scores
//! are computed anew by the mapping of this report, so that they compare. Absent: intervals without a run, which are
//! counted and drawn as gaps.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use engine::Evaluated;
use schemas::{
    Control, ControlPoint, Framework, Interval, Judged, ScorePoint, Status, Trend, TrendInterval, compact, rfc3339,
    scorecard,
};

use super::{Material, spec_hash, texts};
use crate::error::JobError;

/// Intervals in a trend, the report's own included.
const INTERVALS: usize = 13;

/// What one control said about one tenant.
#[derive(Debug, Clone)]
struct Said {
    scope: String,
    version: u32,
    status: Status,
    violations: u64,
    /// Rows kept as evidence are as many as there are violations.
    whole: bool,
    /// SHA-256 of the control with its parameters, in hex.
    spec: Option<String>,
}

/// What a control said over all tenants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overall<'a> {
    pub(super) version: u32,
    pub(super) status: Status,
    pub(super) violations: u64,
    pub(super) whole: bool,
    pub(super) spec: Option<&'a str>,
}

/// The last intervals with what was said about each.
pub(super) struct Trends {
    pub(super) trend: Trend,
    /// Instant of the run before, where there is one.
    pub(super) before: Option<DateTime<Utc>>,
    /// By control and end of the interval.
    said: BTreeMap<String, BTreeMap<DateTime<Utc>, Vec<Said>>>,
}

impl Trends {
    /// Reads what earlier runs said, and adds what this one says.
    pub(super) async fn read(material: &Material<'_>) -> Result<Self, JobError> {
        let (key, own) = (material.attempt.key, material.attempt.interval);
        let earlier = earlier(material).await?;
        let first = earlier.first().map_or(own.end, |(_, interval)| interval.end);
        let sql = format!(
            "SELECT interval_end, control_id, scope, control_version, status, violations, evidence_rows,\n       \
             encode(spec_hash, 'hex') AS spec\n\
             FROM auditlake.control_results\n\
             WHERE run_job = '{}' AND run_instant <= TIMESTAMP '{}'\n  \
             AND interval_end BETWEEN TIMESTAMP '{}' AND TIMESTAMP '{}'\n\
             ORDER BY interval_end, control_id, scope, revision",
            key.job,
            rfc3339(key.instant),
            rfc3339(first),
            rfc3339(own.end)
        );
        let mut said = if earlier.is_empty() { BTreeMap::new() } else { said(material, &sql).await? };
        for (control, one) in material.controls.iter().zip(&material.evaluated) {
            let now = said_now(control, one, &engine::hex(&spec_hash(control, material.spec)));
            said.entry(control.id.to_string()).or_default().insert(own.end, now);
        }
        let before = earlier.last().map(|(instant, _)| *instant);
        let runs: Vec<_> = earlier.into_iter().chain([(key.instant, own)]).collect();
        let missing = missing_before(&runs.iter().map(|(_, interval)| *interval).collect::<Vec<_>>());
        let intervals = runs.into_iter().zip(missing).map(|((instant, interval), missing_before)| TrendInterval {
            run: format!("{}@{}", key.job, compact(instant)),
            interval,
            missing_before,
        });
        Ok(Self { trend: Trend { intervals: intervals.collect(), sql }, before, said })
    }

    /// Controls of which anything was said.
    pub(super) fn controls(&self) -> impl Iterator<Item = &str> {
        self.said.keys().map(String::as_str)
    }

    /// What a control said about the interval that ends then, over all tenants.
    pub(super) fn overall(&self, control: &str, end: DateTime<Utc>) -> Option<Overall<'_>> {
        let said = self.said.get(control)?.get(&end)?;
        let first = said.first()?;
        Some(Overall {
            version: first.version,
            status: Status::worst(said.iter().map(|one| one.status))?,
            violations: said.iter().map(|one| one.violations).sum(),
            whole: said.iter().all(|one| one.whole),
            spec: first.spec.as_deref(),
        })
    }

    /// The trend of a control over all tenants.
    pub(super) fn points(&self, control: &str) -> Vec<ControlPoint> {
        self.points_of(|end| self.overall(control, end))
    }

    /// The trend of a control for one tenant.
    pub(super) fn history(&self, control: &str, scope: &str) -> Vec<ControlPoint> {
        self.points_of(|end| {
            let said = self.said.get(control)?.get(&end)?.iter().find(|said| said.scope == scope)?;
            Some(Overall {
                version: said.version,
                status: said.status,
                violations: said.violations,
                whole: said.whole,
                spec: said.spec.as_deref(),
            })
        })
    }

    fn points_of<'a>(&self, said: impl Fn(DateTime<Utc>) -> Option<Overall<'a>>) -> Vec<ControlPoint> {
        let mut before = None;
        let points = self.ends().filter_map(|end| {
            let said = said(end)?;
            let is = (said.version, said.spec);
            let redefined = before.replace(is).is_some_and(|was| was != is);
            Some(ControlPoint {
                interval_end: end,
                control_version: said.version,
                redefined,
                status: said.status,
                violations: said.violations,
            })
        });
        points.collect()
    }

    /// The scores of a framework by today's mapping; controls that were not part of a report say nothing in it.
    pub(super) fn scores(&self, framework: &Framework, controls: &[&Control]) -> Vec<ScorePoint> {
        let speaking = controls.iter().filter(|control| control.frameworks.contains_key(&framework.key));
        let speaking: Vec<&Control> = speaking.copied().collect();
        let mut before: Option<Vec<_>> = None;
        let points = self.ends().filter_map(|end| {
            let there: Vec<(&Control, Overall<'_>)> = speaking
                .iter()
                .filter_map(|control| Some((*control, self.overall(control.id.as_str(), end)?)))
                .collect();
            if there.is_empty() {
                return None;
            }
            let is: Vec<_> = there.iter().map(|(control, said)| (&control.id, said.version, said.spec)).collect();
            let redefined = before.as_ref().is_some_and(|was| *was != is);
            before = Some(is);
            let results: Vec<Vec<(String, Status)>> =
                there.iter().map(|(control, _)| self.statuses(control.id.as_str(), end)).collect();
            let judged: Vec<Judged<'_>> =
                there.iter().zip(&results).map(|((control, _), results)| Judged { control, results }).collect();
            let card = scorecard(framework, &judged);
            Some(ScorePoint {
                interval_end: end,
                redefined,
                score_permille: card.score_permille,
                covered: card.covered,
                requirements_total: card.requirements_total,
            })
        });
        points.collect()
    }

    fn statuses(&self, control: &str, end: DateTime<Utc>) -> Vec<(String, Status)> {
        let said = self.said.get(control).and_then(|said| said.get(&end)).into_iter().flatten();
        said.map(|said| (said.scope.clone(), said.status)).collect()
    }

    fn ends(&self) -> impl Iterator<Item = DateTime<Utc>> {
        self.trend.intervals.iter().map(|one| one.interval.end)
    }
}

/// Instants and intervals of the last runs before this one, oldest first.
async fn earlier(material: &Material<'_>) -> Result<Vec<(DateTime<Utc>, Interval)>, JobError> {
    let (key, own) = (material.attempt.key, material.attempt.interval);
    let sql = format!(
        "SELECT DISTINCT run_instant, interval_start, interval_end FROM auditlake.control_results \
         WHERE run_job = '{}' AND run_instant < TIMESTAMP '{}' AND interval_end < TIMESTAMP '{}' \
         ORDER BY interval_end DESC, run_instant DESC LIMIT {}",
        key.job,
        rfc3339(key.instant),
        rfc3339(own.end),
        INTERVALS - 1
    );
    let mut runs = Vec::new();
    for batch in material.session.query(&sql).await? {
        let times: Vec<_> =
            batch.columns().iter().map(|column| column.as_primitive::<TimestampMicrosecondType>()).collect();
        for row in 0..batch.num_rows() {
            let at = |column: usize| DateTime::from_timestamp_micros(times[column].value(row)).unwrap_or_default();
            runs.push((at(0), Interval { start: at(1), end: at(2) }));
        }
    }
    runs.dedup_by_key(|(_, interval)| interval.end);
    runs.reverse();
    Ok(runs)
}

async fn said(
    material: &Material<'_>,
    sql: &str,
) -> Result<BTreeMap<String, BTreeMap<DateTime<Utc>, Vec<Said>>>, JobError> {
    let mut all: BTreeMap<String, BTreeMap<DateTime<Utc>, Vec<Said>>> = BTreeMap::new();
    for batch in material.session.query(sql).await? {
        let one = std::slice::from_ref(&batch);
        let [controls, scopes, statuses, specs] =
            ["control_id", "scope", "status", "spec"].map(|name| texts(one, name));
        let ends = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let versions = batch.column(3).as_primitive::<Int32Type>();
        let [violations, kept] = [5, 6].map(|column| batch.column(column).as_primitive::<Int64Type>());
        for row in 0..batch.num_rows() {
            let status = statuses[row].as_deref().and_then(Status::parse);
            let (Some(control), Some(scope), Some(status), Some(end)) =
                (controls[row].clone(), scopes[row].clone(), status, DateTime::from_timestamp_micros(ends.value(row)))
            else {
                continue;
            };
            let tenants = all.entry(control).or_default().entry(end).or_default();
            // Of two revisions the later stands behind the earlier.
            tenants.retain(|said| said.scope != scope);
            tenants.push(Said {
                scope,
                version: u32::try_from(versions.value(row)).unwrap_or_default(),
                status,
                violations: u64::try_from(violations.value(row)).unwrap_or_default(),
                whole: kept.value(row) >= violations.value(row),
                spec: specs[row].clone(),
            });
        }
    }
    Ok(all)
}

fn said_now(control: &Control, one: &Evaluated, spec: &str) -> Vec<Said> {
    let said = one.scopes.iter().map(|scope| Said {
        scope: scope.scope.clone(),
        version: control.version,
        status: scope.status,
        violations: scope.violations,
        whole: scope.evidence_rows >= scope.violations,
        spec: Some(spec.to_owned()),
    });
    said.collect()
}

/// How many intervals have no run before each of these. A report may be run by hand, so the usual step from end to end says how
/// far apart intervals are, or their length where that is shorter: what nobody looked at is missing, too.
fn missing_before(intervals: &[Interval]) -> Vec<u64> {
    let step = |pair: &[Interval]| (pair[1].end - pair[0].end).num_microseconds().unwrap_or(i64::MAX);
    let mut steps: Vec<i64> = intervals.windows(2).map(step).collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    let before = intervals.windows(2).map(|pair| {
        let length = (pair[1].end - pair[1].start).num_microseconds().unwrap_or(i64::MAX);
        let cadence = usual.min(length).max(1);
        // Months differ by a tenth; from one and a half of the usual step on, one is missing.
        let intervals = step(pair).saturating_add(cadence / 2) / cadence;
        u64::try_from(intervals - 1).unwrap_or_default()
    });
    std::iter::once(0).take(intervals.len()).chain(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days on which intervals of a length end, and how many are missing before each.
    #[track_caller]
    fn check(length_days: i64, ends: &[i64], missing: &[u64]) {
        let day = |day: i64| DateTime::<Utc>::UNIX_EPOCH + chrono::TimeDelta::days(day);
        let intervals: Vec<_> =
            ends.iter().map(|end| Interval { start: day(end - length_days), end: day(*end) }).collect();
        assert_eq!(missing_before(&intervals), missing);
    }

    #[test]
    fn intervals_without_a_run_are_counted() {
        check(1, &[], &[]);
        check(1, &[1], &[0]);
        check(1, &[1, 2, 3], &[0, 0, 0]);
        check(1, &[1, 2, 4, 5, 9], &[0, 0, 1, 0, 3]);
        // Nobody looked at the days between.
        check(1, &[1, 5], &[0, 3]);
        // A window of sixty days, once a week.
        check(60, &[0, 7, 14, 28], &[0, 0, 0, 1]);
        // Months, March left out.
        check(30, &[31, 59, 120, 151], &[0, 0, 1, 0]);
    }
}
