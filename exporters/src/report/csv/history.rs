//! Trends and changes as tables. Absent: intervals without a run, which are counted in the row after them.

use schemas::Report;

use super::{Cell, CsvTable, Table};

/// Controls, then frameworks: one row for each interval with a result. What is not of its kind is null.
pub(super) fn trend(report: &Report) -> CsvTable {
    let mut table = Table::new(
        "trend",
        &[
            "kind",
            "id",
            "interval_end_at",
            "run_id",
            "intervals_missing_before",
            "redefined",
            "status",
            "violations",
            "control_version",
            "score_permille",
            "requirements_covered",
            "requirements_total",
        ],
    );
    for one in &report.trend.intervals {
        let end = one.interval.end;
        let mut row = |kind: &str, id: &str, redefined: bool, figures: [Cell; 6]| {
            let place = [kind.into(), id.into(), instant!(end), (&one.run).into(), one.missing_before.into()];
            let [status, violations, version, score, covered, total] = figures;
            let [kind, id, end, run, missing] = place;
            let redefined = Cell::Plain(redefined.to_string());
            table.row([kind, id, end, run, missing, redefined, status, violations, version, score, covered, total]);
        };
        for control in &report.controls {
            for point in control.trend.iter().filter(|point| point.interval_end == end) {
                let figures = [point.status.into(), point.violations.into(), u64::from(point.control_version).into()];
                let [status, violations, version] = figures;
                let figures = [status, violations, version, Cell::Null, Cell::Null, Cell::Null];
                row("control", &control.id, point.redefined, figures);
            }
        }
        for card in &report.scorecards {
            for point in card.trend.iter().filter(|point| point.interval_end == end) {
                let [score, covered, total] =
                    [point.score_permille.into(), point.covered.into(), point.requirements_total.into()];
                let figures = [Cell::Null, Cell::Null, Cell::Null, score, covered, total];
                row("framework", &card.framework, point.redefined, figures);
            }
        }
    }
    table.done()
}

/// What changed of each control since the report before; no rows in the first report of a job.
pub(super) fn changes(report: &Report) -> CsvTable {
    let mut table = Table::new(
        "changes",
        &[
            "control",
            "before_run_id",
            "before",
            "after",
            "redefined",
            "partial",
            "findings_new",
            "findings_gone",
            "findings_left",
            "findings_not_looked_for",
        ],
    );
    if let Some(change) = &report.change {
        for control in &change.controls {
            table.row([
                (&control.control).into(),
                (&change.run).into(),
                control.before.into(),
                control.after.into(),
                Cell::Plain(control.redefined.to_string()),
                Cell::Plain(control.partial.to_string()),
                control.findings.new.into(),
                control.findings.gone.into(),
                control.findings.left.into(),
                control.findings.not_looked_for.into(),
            ]);
        }
    }
    table.done()
}
