//! What came before: changes since the report before, and the last intervals of controls and frameworks.
//!
//! Absent: intervals without a run, which are counted in the row after them.

use schemas::{Change, FindingChange, Report};

use super::sheet::{Cell, Column, Sheet, count, instant, long, moment, short};
use crate::error::ExportError;

pub(super) const CHANGE_COLUMNS: &[Column] = &[
    short("Kind", 12),
    short("Control", 15),
    short("Before", 15),
    short("In this report", 15),
    short("Redefined", 11),
    short("Partial", 10),
    count("New"),
    count("No longer found"),
    count("Older than the interval"),
    count("Not looked for"),
    short("Change", 24),
    short("Tenant", 20),
    instant("Time (UTC)"),
    long("What", 36),
    long("Why", 48),
    short("Finding id", 38),
];

/// Controls, then findings; nothing in the first report of a job.
pub(super) fn changes(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let Some(change) = &report.change else { return Ok(()) };
    for control in &change.controls {
        sheet.row([
            "control".into(),
            (&control.control).into(),
            control.before.into(),
            control.after.into(),
            control.redefined.into(),
            control.partial.into(),
            control.findings.new.into(),
            control.findings.gone.into(),
            control.findings.left.into(),
            control.findings.not_looked_for.into(),
        ])?;
    }
    findings(change, sheet)
}

fn findings(change: &Change, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for row in &change.rows {
        let word = match row.change {
            FindingChange::New => "new",
            FindingChange::Gone => "no longer found",
            FindingChange::Left => "older than the interval",
            FindingChange::NotLookedFor => "not looked for",
        };
        sheet.row([
            "finding".into(),
            (&row.control).into(),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            word.into(),
            (&row.scope).into(),
            row.time.map_or(Cell::Null, |time| moment!(time)),
            (&row.resource).into(),
            (&row.reason).into(),
            (&row.finding_id).into(),
        ])?;
    }
    Ok(())
}

pub(super) const TREND_COLUMNS: &[Column] = &[
    short("Kind", 12),
    short("Id", 18),
    instant("Interval start (UTC)"),
    instant("Interval end (UTC)"),
    short("Run", 36),
    count("Intervals missing before"),
    short("Redefined", 11),
    short("Status", 15),
    count("Violations"),
    count("Version"),
    count("Score"),
    count("Judged"),
    count("Requirements"),
];

/// Controls, then frameworks: one row for each interval with a result.
pub(super) fn trends(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for one in &report.trend.intervals {
        let end = one.interval.end;
        let mut row = |kind: &'static str, id: &str, redefined: bool, figures: [Cell<'_>; 6]| {
            let [status, violations, version, score, covered, total] = figures;
            sheet.row([
                kind.into(),
                id.into(),
                moment!(one.interval.start),
                moment!(end),
                (&one.run).into(),
                one.missing_before.into(),
                redefined.into(),
                status,
                violations,
                version,
                score,
                covered,
                total,
            ])
        };
        for control in &report.controls {
            for point in control.trend.iter().filter(|point| point.interval_end == end) {
                let version = u64::from(point.control_version).into();
                let figures =
                    [point.status.into(), point.violations.into(), version, Cell::Null, Cell::Null, Cell::Null];
                row("control", &control.id, point.redefined, figures)?;
            }
        }
        for card in &report.scorecards {
            for point in card.trend.iter().filter(|point| point.interval_end == end) {
                let score = point.score_permille.map_or(Cell::Null, Cell::Permille);
                let (covered, total) = (point.covered.into(), point.requirements_total.into());
                let figures = [Cell::Null, Cell::Null, Cell::Null, score, covered, total];
                row("framework", &card.framework, point.redefined, figures)?;
            }
        }
    }
    Ok(())
}
