//! The statement as a workbook: one table a sheet, the figures first.
//!
//! Quantities and costs are texts: a cell's number has 15 digits, and what is owed may have more.

use schemas::{Status, UsageStatement};

use super::{measure_words, status_word};
use crate::error::ExportError;
use crate::report::xlsx::book::{Table, workbook};
use crate::report::xlsx::sheet::{Cell, Column, INPUTS, Sheet, count, input_rows, long, mixed, moment, short};
use crate::statement::revisions;

/// Every sheet, in order.
const TABLES: [Table<UsageStatement>; 6] = [
    ("Summary", SUMMARY, summary),
    ("Quotas", QUOTAS, quotas),
    ("Days", DAYS, days),
    ("Charges", CHARGES, charges),
    ("Revisions", revisions::COLUMNS, revisions_of),
    ("Files", INPUTS, files),
];

const SUMMARY: &[Column] = &[short("Figure", 24), mixed("Value", 60)];
const QUOTAS: &[Column] = &[
    short("Tier", 14),
    short("From", 12),
    count("Days"),
    short("Quota", 24),
    short("Meter", 20),
    short("Measure", 24),
    short("Status", 16),
    short("Used", 20),
    short("Limit", 20),
    short("Unit", 16),
    short("Part, %", 10),
    count("Days over"),
    short("Most at", 22),
    count("Rows"),
    long("Note", 60),
];
const DAYS: &[Column] = &[
    short("Quota", 24),
    short("Tier", 14),
    short("Day", 12),
    short("Used", 20),
    short("Limit", 20),
    short("Status", 16),
];
const CHARGES: &[Column] = &[
    short("Category", 14),
    short("Class", 14),
    long("Service", 40),
    short("Currency", 10),
    count("Rows"),
    short("Billed", 26),
];

/// The whole statement as a workbook. Same statement, same bytes.
///
/// # Errors
/// A table has more rows than a sheet, or the writer's temporary files find no room.
pub fn usage_xlsx(statement: &UsageStatement) -> Result<Vec<u8>, ExportError> {
    workbook("Statement of usage", statement.provenance.at, &TABLES, statement)
}

fn summary(statement: &UsageStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let from = &statement.provenance;
    sheet.row(["Tenant".into(), (&statement.tenant).into()])?;
    sheet.row(["Contract".into(), (&statement.usage).into()])?;
    sheet.row(["Service".into(), statement.service.as_ref().into()])?;
    sheet.row(["Month".into(), (&statement.period).into()])?;
    sheet.row(["Time zone".into(), (&statement.timezone).into()])?;
    sheet.row(["From (UTC)".into(), moment!(statement.interval.start)])?;
    sheet.row(["Up to (UTC)".into(), moment!(statement.interval.end)])?;
    sheet.row(["Counted up to (UTC)".into(), moment!(statement.until)])?;
    sheet.row(["State".into(), (&statement.state).into()])?;
    sheet.row(["Revision".into(), u64::from(statement.revision).into()])?;
    if let Some(price) = &statement.price {
        let amount = price.amount.as_ref().map(|amount| format!("{amount} {}", price.currency));
        sheet.row(["Price of the tiers".into(), amount.into()])?;
        sheet.row(["Formula".into(), price.formula.join("\n").into()])?;
    }
    sheet.row(["Quotas".into(), (&from.quotas).into()])?;
    sheet.row(["Definitions (SHA-256)".into(), (&from.spec_sha256).into()])?;
    sheet.row(["Evidence (SHA-256)".into(), (&from.evidence_sha256).into()])?;
    sheet.row(["Evidence".into(), from.evidence.join("\n").into()])?;
    sheet.row(["Run".into(), (&from.run).into()])
}

fn quotas(statement: &UsageStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for part in &statement.parts {
        for quota in &part.quotas {
            sheet.row([
                (&part.tier).into(),
                part.from.to_string().into(),
                u64::from(part.days).into(),
                (&quota.quota).into(),
                (&quota.meter).into(),
                measure_words(quota).into(),
                status(&quota.status),
                quota.used.as_ref().into(),
                quota.limit.as_ref().into(),
                quota.unit.as_ref().into(),
                quota.percent.as_ref().into(),
                u64::from(quota.days_over).into(),
                quota.peak_at.as_ref().into(),
                quota.rows.into(),
                quota.note.as_ref().into(),
            ])?;
        }
    }
    Ok(())
}

/// In the colours of the statuses of controls, where they mean the same.
fn status(word: &str) -> Cell<'_> {
    match word {
        "not_evaluated" => Cell::Status(Status::NotEvaluated),
        other => status_word(other).into(),
    }
}

fn days(statement: &UsageStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for part in &statement.parts {
        for quota in &part.quotas {
            for day in &quota.days {
                sheet.row([
                    (&quota.quota).into(),
                    (&part.tier).into(),
                    day.day.to_string().into(),
                    (&day.used).into(),
                    quota.limit.as_ref().into(),
                    status(&day.status),
                ])?;
            }
        }
    }
    Ok(())
}

fn charges(statement: &UsageStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for one in &statement.charges {
        sheet.row([
            (&one.category).into(),
            one.class.as_ref().into(),
            (&one.service).into(),
            (&one.currency).into(),
            one.rows.into(),
            (&one.billed_cost).into(),
        ])?;
    }
    Ok(())
}

fn revisions_of(statement: &UsageStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    revisions::rows(&statement.revisions, sheet)
}

fn files(statement: &UsageStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    input_rows(&statement.provenance.inputs, sheet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::sample::{hostile, sample};

    #[test]
    fn a_workbook_repeats_and_takes_every_text() {
        let book = usage_xlsx(&sample()).expect("written");
        assert_eq!(book, usage_xlsx(&sample()).expect("written"));
        assert!(book.starts_with(b"PK") && usage_xlsx(&hostile()).is_ok());
    }
}
