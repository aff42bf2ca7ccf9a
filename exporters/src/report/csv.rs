//! The report as CSV, one file per table, for spreadsheets and loaders.
//!
//! Lists and maps are JSON texts. Reports are opened in spreadsheets, so the formula guard is on: a text
//! that could begin a formula has one `'` in front. Absent: totals; they are in `summary`.

use std::borrow::Cow;

use schemas::{CsvStyle, Report, Status};
use serde::Serialize;

use crate::csv::{Records, guard};

/// One table of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvTable {
    /// Name of the file, without extension.
    pub name: Cow<'static, str>,
    /// RFC 4180, UTF-8.
    pub bytes: Vec<u8>,
}

/// Every table of the report. Same report, same bytes.
pub fn report_csv(report: &Report) -> Vec<CsvTable> {
    vec![
        summary(report),
        scorecards(report),
        requirements(report),
        controls(report),
        results(report),
        history::trend(report),
        history::changes(report),
        findings(report),
        evidence(report),
        not_looked_at(report),
        inputs(report),
    ]
}

/// A cell: text is guarded, digits and dates are not.
pub(crate) enum Cell {
    Null,
    Text(String),
    Plain(String),
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Plain(count.to_string())
    }
}

impl From<Status> for Cell {
    fn from(status: Status) -> Self {
        Self::Plain(status.as_str().to_owned())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Null, Into::into)
    }
}

/// An instant as a cell.
pub(crate) fn instant(at: chrono::DateTime<chrono::Utc>) -> Cell {
    Cell::Plain(schemas::rfc3339(at))
}

/// Digits as a cell.
pub(crate) fn number(value: impl ToString) -> Cell {
    Cell::Plain(value.to_string())
}

/// A table that is being written.
pub(crate) struct Table {
    name: Cow<'static, str>,
    records: Records,
    text: String,
}

impl Table {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, columns: &[&str]) -> Self {
        let (records, mut text) = (Records::new(&CsvStyle::default(), columns.len()), String::new());
        records.push(&mut text, &columns.iter().map(|column| Some(*column)).collect::<Vec<_>>());
        Self { name: name.into(), records, text }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells = cells.into_iter().map(|cell| match cell {
            Cell::Null => None,
            Cell::Text(text) => Some(guard(&text).into_owned()),
            Cell::Plain(text) => Some(text),
        });
        let cells: Vec<Option<String>> = cells.collect();
        self.records.push(&mut self.text, &cells.iter().map(Option::as_deref).collect::<Vec<_>>());
    }

    pub(crate) fn done(self) -> CsvTable {
        CsvTable { name: self.name, bytes: self.text.into_bytes() }
    }
}

/// A list or a map as JSON; texts and counts always encode.
fn json(value: &impl Serialize) -> Cell {
    serde_json::to_string(value).map_or(Cell::Null, Cell::Text)
}

macro_rules! instant {
    ($at:expr) => {
        Cell::Plain(schemas::rfc3339($at))
    };
}

// Below the macro, which it uses.
mod history;

fn summary(report: &Report) -> CsvTable {
    let (run, summary) = (&report.run, &report.summary);
    let mut table = Table::new(
        "summary",
        &[
            "lake",
            "job",
            "run_id",
            "run_at",
            "timezone",
            "auditlake_version",
            "definitions_sha256",
            "interval_start_at",
            "interval_end_at",
            "review",
            "rows",
            "rows_sql",
            "tenants",
            "controls_pass",
            "controls_warn",
            "controls_fail",
            "controls_not_applicable",
            "controls_not_evaluated",
            "controls_error",
            "findings",
            "decided",
            "expired",
            "decided_sql",
            "worst_controls",
            "not_looked_at",
            "versions",
        ],
    );
    table.row([
        (&report.lake).into(),
        (&run.job).into(),
        (&run.id).into(),
        instant!(run.instant),
        (&run.timezone).into(),
        (&run.version).into(),
        (&run.definitions_sha256).into(),
        instant!(report.interval.start),
        instant!(report.interval.end),
        run.review().0.into(),
        summary.rows.into(),
        (&summary.rows_sql).into(),
        summary.tenants.into(),
        summary.controls.pass.into(),
        summary.controls.warn.into(),
        summary.controls.fail.into(),
        summary.controls.not_applicable.into(),
        summary.controls.not_evaluated.into(),
        summary.controls.error.into(),
        summary.findings.into(),
        summary.decided.into(),
        summary.expired.into(),
        (&summary.decided_sql).into(),
        json(&summary.worst),
        (&summary.not_looked_at).into(),
        json(&report.provenance.versions),
    ]);
    table.done()
}

fn scorecards(report: &Report) -> CsvTable {
    let mut table = Table::new(
        "scorecards",
        &["framework", "name", "edition", "score_permille", "requirements_covered", "requirements_total", "partial"],
    );
    for card in &report.scorecards {
        table.row([
            (&card.framework).into(),
            (&card.name).into(),
            (&card.edition).into(),
            card.score_permille.into(),
            card.covered.into(),
            card.requirements_total.into(),
            Cell::Plain(card.partial.to_string()),
        ]);
    }
    table.done()
}

fn requirements(report: &Report) -> CsvTable {
    let columns = ["framework", "requirement", "title", "status", "failing_tenants", "controls", "never_looked_at"];
    let mut table = Table::new("requirements", &columns);
    for card in &report.scorecards {
        for row in &card.requirements {
            table.row([
                (&card.framework).into(),
                (&row.id).into(),
                (&row.title).into(),
                row.status.into(),
                row.failing_tenants.into(),
                json(&row.controls),
                row.never_looked_at.as_ref().into(),
            ]);
        }
    }
    table.done()
}

fn controls(report: &Report) -> CsvTable {
    let mut table = Table::new(
        "controls",
        &[
            "control",
            "version",
            "title",
            "severity",
            "status",
            "findings",
            "decided",
            "params",
            "frameworks",
            "remediation",
            "counts_sql",
            "violations_sql",
            "plan_sha256",
        ],
    );
    for control in &report.controls {
        table.row([
            (&control.id).into(),
            u64::from(control.version).into(),
            (&control.title).into(),
            control.severity.as_str().into(),
            control.status.into(),
            control.findings.into(),
            control.decided.into(),
            json(&control.params),
            json(&control.frameworks),
            (&control.remediation).into(),
            (&control.counts_sql).into(),
            (&control.violations_sql).into(),
            control.plan_sha256.as_ref().into(),
        ]);
    }
    table.done()
}

fn results(report: &Report) -> CsvTable {
    let mut table = Table::new(
        "results",
        &[
            "control",
            "scope",
            "result_id",
            "status",
            "population",
            "violations",
            "decided",
            "undecided_violation",
            "undecided_population",
            "warnings",
            "evidence_rows",
            "reason",
            "history",
        ],
    );
    for control in &report.controls {
        for row in &control.results {
            table.row([
                (&control.id).into(),
                (&row.scope).into(),
                (&row.result_id).into(),
                row.status.into(),
                row.population.into(),
                row.violations.into(),
                row.decided.into(),
                row.undecided_violation.into(),
                row.undecided_population.into(),
                row.warnings.into(),
                row.evidence_rows.into(),
                row.reason.as_ref().into(),
                json(&row.history),
            ]);
        }
    }
    table.done()
}

/// Open findings of a control, then those that were decided about.
fn findings(report: &Report) -> CsvTable {
    let mut table = Table::new(
        "findings",
        &[
            "control",
            "finding_id",
            "scope",
            "time",
            "resource",
            "reason",
            "first_seen_at",
            "columns",
            "values",
            "state",
            "decision",
            "decided_by",
            "decision_reason",
            "decision_until",
            "decided_at",
        ],
    );
    for control in &report.controls {
        for row in control.rows.iter().chain(&control.decided_rows) {
            let decision = row.decision.as_ref();
            table.row([
                (&control.id).into(),
                (&row.finding_id).into(),
                (&row.scope).into(),
                row.time.map_or(Cell::Null, |time| instant!(time)),
                (&row.resource).into(),
                (&row.reason).into(),
                instant!(row.first_seen_at),
                json(&control.columns),
                json(&row.values),
                Cell::Plain(row.state.as_str().to_owned()),
                decision.map_or(Cell::Null, |decision| Cell::Plain(decision.state.as_str().to_owned())),
                decision.map(|decision| &decision.by).into(),
                decision.map(|decision| &decision.reason).into(),
                decision.and_then(|decision| decision.until).map_or(Cell::Null, |day| Cell::Plain(day.to_string())),
                decision.map_or(Cell::Null, |decision| instant!(decision.at)),
            ]);
        }
    }
    table.done()
}

fn evidence(report: &Report) -> CsvTable {
    let mut table = Table::new("evidence", &["control", "path", "sha256", "bytes", "rows", "violations", "keep"]);
    for object in &report.evidence {
        table.row([
            (&object.control).into(),
            (&object.path).into(),
            (&object.sha256).into(),
            object.bytes.into(),
            object.rows.into(),
            object.violations.into(),
            (&object.keep).into(),
        ]);
    }
    table.done()
}

fn not_looked_at(report: &Report) -> CsvTable {
    let gaps = &report.not_looked_at;
    let mut table =
        Table::new("not_looked_at", &["kind", "framework", "control", "scope", "dataset", "count", "reason"]);
    let mut row = |kind: &str,
                   [framework, control, scope, dataset]: [Option<&String>; 4],
                   count: Option<u64>,
                   reason: Option<&String>| {
        table.row([
            kind.into(),
            framework.into(),
            control.into(),
            scope.into(),
            dataset.into(),
            count.into(),
            reason.into(),
        ]);
    };
    for gap in &gaps.requirements {
        for (kind, count) in [
            ("requirements_never", gap.never),
            ("requirements_without_control", gap.without_control),
            ("requirements_not_judged", gap.not_judged),
        ] {
            row(kind, [Some(&gap.framework), None, None, None], Some(count), None);
        }
    }
    for gap in &gaps.controls {
        row("control_not_evaluated", [None, Some(&gap.control), Some(&gap.scope), None], None, Some(&gap.reason));
    }
    for tenant in &gaps.silent_tenants {
        row("silent_tenant", [None, None, Some(tenant), None], None, None);
    }
    for gap in &gaps.rejected {
        row("records_rejected", [None, None, None, Some(&gap.dataset)], Some(gap.rows), None);
    }
    table.done()
}

fn inputs(report: &Report) -> CsvTable {
    let mut table = Table::new("inputs", &["dataset", "path", "etag", "bytes", "rows"]);
    for file in &report.provenance.inputs {
        table.row([
            (&file.dataset).into(),
            (&file.path).into(),
            (&file.etag).into(),
            file.bytes.into(),
            file.rows.into(),
        ]);
    }
    table.done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::read_back;
    use crate::report::sample::{hostile, sample};

    #[test]
    fn every_table_reads_back_with_as_many_cells_as_columns_and_repeats() {
        for report in [sample(), hostile()] {
            let tables = report_csv(&report);
            assert_eq!(tables, report_csv(&report));
            let names: Vec<_> = tables.iter().map(|table| table.name.as_ref()).collect();
            assert_eq!(
                names.join(" "),
                "summary scorecards requirements controls results trend changes findings evidence not_looked_at inputs"
            );
            for table in tables {
                let records = read_back(&table.bytes);
                assert!(records.len() > 1, "{} has rows", table.name);
                assert!(records.iter().all(|record| record.len() == records[0].len()), "{}", table.name);
            }
        }
    }

    #[test]
    fn formulas_are_guarded_and_come_back_by_taking_one_mark_away() {
        let report = hostile();
        let inputs = report_csv(&report).pop().expect("inputs is last");
        let records = read_back(&inputs.bytes);
        let given = &report.provenance.inputs[0].path;
        assert!(given.starts_with('='));
        assert_eq!(records[1][1].as_deref().and_then(|cell| cell.strip_prefix('\'')), Some(given.as_str()));
        for cell in records.iter().skip(1).flatten().flatten() {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
    }

    #[test]
    fn null_and_empty_evidence_values_stay_apart() {
        let report = sample();
        let findings = &report_csv(&report)[7];
        let records = read_back(&findings.bytes);
        assert_eq!(records[1][8].as_deref(), Some(r#"["203.0.113.7",null,""]"#));
    }
}
