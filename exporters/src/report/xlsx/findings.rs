//! The first findings of each control, the open ones before those that somebody decided about.
//!
//! Absent: findings beyond the first; they are in the evidence objects.

use schemas::{ControlReport, FindingRow, Report};

use super::sheet::{Cell, Column, Sheet, instant, long, moment, short};
use crate::error::ExportError;

pub(super) const COLUMNS: &[Column] = &[
    short("Control", 15),
    short("Tenant", 20),
    instant("Time (UTC)"),
    long("What", 36),
    long("Why", 48),
    long("Evidence", 56),
    instant("First seen (UTC)"),
    short("State", 15),
    short("Decision", 15),
    long("Decided by", 24),
    long("Reason of the decision", 44),
    short("Decided until", 14),
    instant("Decided at (UTC)"),
    short("Finding id", 38),
];

pub(super) fn rows(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for control in &report.controls {
        for row in control.rows.iter().chain(&control.decided_rows) {
            let decision = row.decision.as_ref();
            sheet.row([
                (&control.id).into(),
                (&row.scope).into(),
                row.time.map_or(Cell::Null, |time| moment!(time)),
                (&row.resource).into(),
                (&row.reason).into(),
                evidence(control, row).into(),
                moment!(row.first_seen_at),
                row.state.word().into(),
                decision.map(|decision| decision.state.word()).into(),
                decision.map(|decision| &decision.by).into(),
                decision.map(|decision| &decision.reason).into(),
                until(row),
                decision.map_or(Cell::Null, |decision| moment!(decision.at)),
                (&row.finding_id).into(),
            ])?;
        }
    }
    Ok(())
}

/// One line for each evidence column.
fn evidence(control: &ControlReport, row: &FindingRow) -> String {
    let line = |(column, value): (&String, &Option<String>)| {
        let value = match value.as_deref() {
            None => "(null)",
            Some("") => "(empty text)",
            Some(text) => text,
        };
        format!("{column}: {value}")
    };
    control.columns.iter().zip(&row.values).map(line).collect::<Vec<_>>().join("\n")
}

fn until(row: &FindingRow) -> Cell<'static> {
    let Some(day) = row.decision.as_ref().and_then(|decision| decision.until) else { return Cell::Null };
    let text = day.to_string();
    match day.and_hms_opt(0, 0, 0) {
        Some(midnight) => Cell::Day { at_us: midnight.and_utc().timestamp_micros(), text },
        None => text.into(),
    }
}
