//! What changed since the report of the interval before: statuses, and findings by their ids.
//!
//! A finding that is no longer there is good news only if it was looked for: what is older than the interval, and what
//! the control had no verdict on, is counted apart, and so is what an erasure took away. Absent: rows beyond those kept as evidence; controls that keep
//! fewer than they counted are named.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, Utc};
use engine::retention::ERASED;
use schemas::{Change, ChangedFinding, ControlChange, FindingChange, FindingChanges, Status};

use super::trend::Trends;
use super::{Material, findings_sql, texts};
use crate::error::JobError;

/// Findings shown of those that are new, and of those that are no longer there.
const ROWS_SHOWN: usize = 20;

/// Compares with the run before; none where there is none.
pub(super) async fn change(material: &Material<'_>, trends: &Trends) -> Result<Option<Change>, JobError> {
    let (Some(instant), [.., before, own]) = (trends.before, trends.trend.intervals.as_slice()) else {
        return Ok(None);
    };
    let earlier = earlier(material, instant).await?;
    let mut changed = new(material, &earlier);
    let found: BTreeSet<&str> = found(material).map(|(_, row)| row.finding_id.as_str()).collect();
    let missing = earlier.into_iter().filter(|row| !found.contains(row.finding_id.as_str()));
    changed.extend(missing.map(|row| ChangedFinding { change: became(material, &row), ..row }));
    let mut by_control: BTreeMap<&str, FindingChanges> = BTreeMap::new();
    let mut all = FindingChanges::default();
    for row in &changed {
        by_control.entry(&row.control).or_default().add(row.change);
        all.add(row.change);
    }
    let controls = trends.controls().filter_map(|control| {
        let findings = by_control.get(control).copied().unwrap_or_default();
        of_control(trends, control, (before.interval.end, own.interval.end), findings)
    });
    let key = material.attempt.key;
    Ok(Some(Change {
        run: before.run.clone(),
        interval: before.interval,
        findings: all,
        controls: controls.collect(),
        rows: shown(changed),
        new_sql: findings_sql::new(key, instant),
        gone_sql: findings_sql::gone(key, instant, material.attempt.interval.start),
    }))
}

/// What changed of one control; none when nothing did.
fn of_control(
    trends: &Trends,
    control: &str,
    (before, after): (DateTime<Utc>, DateTime<Utc>),
    findings: FindingChanges,
) -> Option<ControlChange> {
    let (was, is) = (trends.overall(control, before), trends.overall(control, after));
    let (status_before, status_after) = (was.map(|one| one.status), is.map(|one| one.status));
    let redefined = was.zip(is).is_some_and(|(was, is)| (was.version, was.spec) != (is.version, is.spec));
    let changed = status_before != status_after || redefined || findings != FindingChanges::default();
    changed.then(|| ControlChange {
        control: control.to_owned(),
        before: status_before,
        after: status_after,
        redefined,
        partial: [was, is].into_iter().flatten().any(|one| !one.whole),
        findings,
    })
}

/// The first that are new, then the first that are no longer there: those that were looked for before all others.
fn shown(changed: Vec<ChangedFinding>) -> Vec<ChangedFinding> {
    let (new, mut rest): (Vec<_>, Vec<_>) = changed.into_iter().partition(|row| row.change == FindingChange::New);
    rest.sort_by_key(|row| match row.change {
        FindingChange::New | FindingChange::Gone => 0,
        FindingChange::NotLookedFor => 1,
        FindingChange::Left => 2,
    });
    new.into_iter().take(ROWS_SHOWN).chain(rest.into_iter().take(ROWS_SHOWN)).collect()
}

/// Every finding of this run with its control.
fn found<'a>(material: &'a Material<'_>) -> impl Iterator<Item = (&'a str, &'a schemas::FindingRow)> {
    let all = material.findings.iter();
    all.flat_map(|(control, found)| found.iter().map(move |finding| (control.id.as_str(), &finding.row)))
}

fn new(material: &Material<'_>, earlier: &[ChangedFinding]) -> Vec<ChangedFinding> {
    let mut known: BTreeSet<&str> = earlier.iter().map(|row| row.finding_id.as_str()).collect();
    let new = found(material).filter(|(_, row)| known.insert(&row.finding_id)).map(|(control, row)| ChangedFinding {
        control: control.to_owned(),
        scope: row.scope.clone(),
        finding_id: row.finding_id.clone(),
        change: FindingChange::New,
        time: row.time,
        resource: row.resource.clone(),
        reason: row.reason.clone(),
    });
    new.collect()
}

/// What became of a finding that is no longer there.
fn became(material: &Material<'_>, row: &ChangedFinding) -> FindingChange {
    if row.time.is_some_and(|time| time < material.attempt.interval.start) {
        return FindingChange::Left;
    }
    let one = material.evaluated.iter().find(|one| one.control.as_str() == row.control);
    let status = one.and_then(|one| one.scopes.iter().find(|scope| scope.scope == row.scope)).map(|scope| scope.status);
    match status {
        // What showed an erased person went because of that, and nobody knows what became of it.
        _ if row.reason == ERASED => FindingChange::NotLookedFor,
        Some(Status::Pass | Status::Warn | Status::Fail | Status::NotApplicable) => FindingChange::Gone,
        Some(Status::NotEvaluated | Status::Error) | None => FindingChange::NotLookedFor,
    }
}

/// The findings of the run of an earlier instant, each once.
async fn earlier(material: &Material<'_>, instant: DateTime<Utc>) -> Result<Vec<ChangedFinding>, JobError> {
    let sql = format!(
        "SELECT control_id, scope, finding_id, max(time) AS time, min(resource) AS resource, min(reason) AS reason \
         FROM auditlake.findings AS finding WHERE {} \
         GROUP BY control_id, scope, finding_id ORDER BY control_id, scope, time, finding_id",
        findings_sql::of_run("finding", &material.attempt.key.job, instant)
    );
    let mut all = Vec::new();
    for batch in material.session.query(&sql).await? {
        let one = std::slice::from_ref(&batch);
        let [controls, scopes, ids, resources, reasons] =
            ["control_id", "scope", "finding_id", "resource", "reason"].map(|name| texts(one, name));
        let times = batch.column(3).as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            let text = |column: &[Option<String>]| column.get(row).cloned().flatten().unwrap_or_default();
            let time = times.is_valid(row).then(|| times.value(row)).and_then(DateTime::from_timestamp_micros);
            all.push(ChangedFinding {
                control: text(&controls),
                scope: text(&scopes),
                finding_id: text(&ids),
                change: FindingChange::Gone,
                time,
                resource: text(&resources),
                reason: text(&reasons),
            });
        }
    }
    Ok(all)
}
