//! Controls, and what each said about each tenant.
//!
//! Absent: the SQL, which stands under provenance.

use schemas::{ControlPoint, ControlReport, Report, rfc3339};

use super::sheet::{Column, Sheet, count, long, short};
use crate::error::ExportError;

pub(super) const CONTROL_COLUMNS: &[Column] = &[
    short("Control", 15),
    count("Version"),
    long("Title", 46),
    short("Severity", 11),
    short("Status", 15),
    count("Findings"),
    count("Of these decided"),
    long("Requirements", 34),
    long("Parameters", 38),
    long("What to do", 60),
];

pub(super) fn controls(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for control in &report.controls {
        sheet.row([
            (&control.id).into(),
            u64::from(control.version).into(),
            (&control.title).into(),
            control.severity.into(),
            control.status.into(),
            control.findings.into(),
            control.decided.into(),
            speaks_to(control).into(),
            params(control).into(),
            (&control.remediation).into(),
        ])?;
    }
    Ok(())
}

fn speaks_to(control: &ControlReport) -> String {
    let lines = control.frameworks.iter().map(|(framework, ids)| format!("{framework}: {}", ids.join(", ")));
    lines.collect::<Vec<_>>().join("\n")
}

fn params(control: &ControlReport) -> String {
    let lines = control.params.iter().map(|param| match param.value == param.default {
        true => format!("{} = {}", param.name, param.value),
        false => format!("{} = {} (default {})", param.name, param.value, param.default),
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub(super) const RESULT_COLUMNS: &[Column] = &[
    short("Control", 15),
    short("Tenant", 20),
    short("Status", 15),
    count("Population"),
    count("Violations"),
    count("Of these decided"),
    count("Close to it"),
    count("Violation unknown"),
    count("Membership unknown"),
    count("Evidence rows"),
    long("Reason", 48),
    short("Result id", 38),
    short("Last intervals", 40),
];

pub(super) fn results(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for control in &report.controls {
        for row in &control.results {
            sheet.row([
                (&control.id).into(),
                (&row.scope).into(),
                row.status.into(),
                row.population.into(),
                row.violations.into(),
                row.decided.into(),
                row.warnings.into(),
                row.undecided_violation.into(),
                row.undecided_population.into(),
                row.evidence_rows.into(),
                row.reason.as_ref().into(),
                (&row.result_id).into(),
                history(&row.history).into(),
            ])?;
        }
    }
    Ok(())
}

/// In one cell: a row for each point would be thirteen times as many as there are results.
fn history(points: &[ControlPoint]) -> String {
    let point = |point: &ControlPoint| {
        let again = if point.redefined { ", redefined" } else { "" };
        let (end, status) = (rfc3339(point.interval_end), point.status.as_str());
        format!("{end} {status} {} (version {}{again})", point.violations, point.control_version)
    };
    points.iter().map(point).collect::<Vec<_>>().join("; ")
}
