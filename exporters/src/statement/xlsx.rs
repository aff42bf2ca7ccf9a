//! The statement as a workbook: one table a sheet, the results first.

use schemas::{SlaStatement, Status};

use super::status_word;
use crate::error::ExportError;
use crate::report::xlsx::book::{Table, workbook};
use crate::report::xlsx::sheet::{Cell, Column, INPUTS, Sheet, count, input_rows, instant, long, mixed, moment, short};

/// Every sheet, in order.
const TABLES: [Table<SlaStatement>; 7] = [
    ("Summary", SUMMARY, summary),
    ("Results", RESULTS, results),
    ("Days", DAYS, days),
    ("Slices", SLICES, slices),
    ("Exclusions", EXCLUSIONS, exclusions),
    ("Revisions", REVISIONS, revisions),
    ("Files", INPUTS, files),
];

const SUMMARY: &[Column] = &[short("Figure", 24), mixed("Value", 60)];
const RESULTS: &[Column] = &[
    short("Tier", 14),
    short("From", 12),
    count("Days"),
    short("Metric", 10),
    long("Promise", 46),
    short("Result", 16),
    short("Came to, %", 12),
    count("Good"),
    count("Of"),
    count("Excluded"),
    count("Unknown"),
    short("Budget left", 12),
    short("Credit, %", 10),
    long("Band", 28),
    long("Not judged because", 48),
];
const DAYS: &[Column] = &[short("Day", 12), count("Slices"), count("Bad"), count("Excluded"), count("Unknown")];
const SLICES: &[Column] = &[
    short("What", 12),
    instant("From (UTC)"),
    instant("Up to (UTC)"),
    count("Slices"),
    count("Requests"),
    count("Failed"),
    short("Exclusion", 24),
];
const EXCLUSIONS: &[Column] = &[
    short("Exclusion", 24),
    short("Kind", 16),
    instant("From (UTC)"),
    instant("Up to (UTC)"),
    long("Approved by", 20),
    long("Ticket", 16),
    long("Reason", 48),
    count("Slices"),
    long("Rule that it fails", 60),
];
const REVISIONS: &[Column] = &[
    count("Revision"),
    short("State", 14),
    instant("Computed (UTC)"),
    long("Figures", 60),
    short("Credit", 14),
    long("Cause", 48),
];

/// The whole statement as a workbook. Same statement, same bytes.
///
/// # Errors
/// A table has more rows than a sheet, or the writer's temporary files find no room.
pub fn statement_xlsx(statement: &SlaStatement) -> Result<Vec<u8>, ExportError> {
    workbook("SLA statement", statement.provenance.at, &TABLES, statement)
}

fn summary(statement: &SlaStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let from = &statement.provenance;
    sheet.row(["Tenant".into(), (&statement.tenant).into()])?;
    sheet.row(["SLA".into(), (&statement.sla).into()])?;
    sheet.row(["Service".into(), (&statement.service).into()])?;
    sheet.row(["Period".into(), (&statement.period).into()])?;
    sheet.row(["Time zone".into(), (&statement.timezone).into()])?;
    sheet.row(["From (UTC)".into(), moment!(statement.interval.start)])?;
    sheet.row(["Up to (UTC)".into(), moment!(statement.interval.end)])?;
    sheet.row(["State".into(), (&statement.state).into()])?;
    sheet.row(["Revision".into(), u64::from(statement.revision).into()])?;
    if let Some(credit) = &statement.credit {
        sheet.row(["Credit".into(), format!("{} {}", credit.amount, credit.currency).into()])?;
        sheet.row(["Fee".into(), format!("{} {}", credit.fee, credit.currency).into()])?;
        sheet.row(["Formula".into(), credit.formula.join("\n").into()])?;
        sheet.row(["Note".into(), credit.note.as_ref().into()])?;
    }
    sheet.row(["No amount because".into(), statement.no_credit.as_ref().into()])?;
    sheet.row(["Tiers".into(), (&from.tiers).into()])?;
    sheet.row(["Definitions (SHA-256)".into(), (&from.spec_sha256).into()])?;
    sheet.row(["Evidence (SHA-256)".into(), (&from.evidence_sha256).into()])?;
    sheet.row(["Evidence".into(), from.evidence.join("\n").into()])?;
    sheet.row(["Run".into(), (&from.run).into()])
}

fn results(statement: &SlaStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for part in &statement.parts {
        for result in &part.results {
            sheet.row([
                (&part.tier).into(),
                part.from.to_string().into(),
                u64::from(part.days).into(),
                (&result.metric).into(),
                (&result.promise).into(),
                status(&result.status),
                result.percent.as_ref().into(),
                result.good.into(),
                result.valid.into(),
                result.excluded.into(),
                result.unknown.into(),
                result.budget_left.map(|left| left.to_string()).into(),
                (&result.credit_percent).into(),
                result.band.as_ref().into(),
                result.why.as_ref().into(),
            ])?;
        }
    }
    Ok(())
}

/// In the colours of the statuses of controls, where they mean the same.
fn status(word: &str) -> Cell<'_> {
    match word {
        "not_applicable" => Cell::Status(Status::NotApplicable),
        "not_evaluated" => Cell::Status(Status::NotEvaluated),
        other => status_word(other).into(),
    }
}

fn days(statement: &SlaStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for day in &statement.days {
        sheet.row([
            day.day.to_string().into(),
            day.slices.into(),
            day.bad.into(),
            day.excluded.into(),
            day.unknown.into(),
        ])?;
    }
    Ok(())
}

fn slices(statement: &SlaStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for run in &statement.runs {
        sheet.row([
            (&run.what).into(),
            moment!(run.interval.start),
            moment!(run.interval.end),
            run.slices.into(),
            run.total.into(),
            run.failed.into(),
            run.exclusion.as_ref().into(),
        ])?;
    }
    Ok(())
}

fn exclusions(statement: &SlaStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for one in &statement.exclusions {
        sheet.row([
            (&one.id).into(),
            (&one.kind).into(),
            moment!(one.interval.start),
            moment!(one.interval.end),
            (&one.approved_by).into(),
            one.ticket.as_ref().into(),
            (&one.reason).into(),
            one.slices.into(),
            one.ignored.as_ref().into(),
        ])?;
    }
    Ok(())
}

fn revisions(statement: &SlaStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for one in &statement.revisions {
        sheet.row([
            u64::from(one.revision).into(),
            (&one.state).into(),
            moment!(one.at),
            (&one.figures).into(),
            one.amount.as_ref().into(),
            one.cause.as_ref().into(),
        ])?;
    }
    Ok(())
}

fn files(statement: &SlaStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    input_rows(&statement.provenance.inputs, sheet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::sample::{hostile, sample};

    #[test]
    fn a_workbook_repeats_and_takes_every_text() {
        let book = statement_xlsx(&sample()).expect("written");
        assert_eq!(book, statement_xlsx(&sample()).expect("written"));
        assert!(book.starts_with(b"PK") && statement_xlsx(&hostile()).is_ok());
    }
}
