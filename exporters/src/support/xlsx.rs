//! The statement as a workbook: one table a sheet, the figures first.
//!
//! Business time is text, hours, minutes and seconds: a spreadsheet's time of day would begin anew after a day.

use schemas::{Status, SupportClock, SupportStatement};

use super::status_word;
use crate::error::ExportError;
use crate::report::xlsx::book::{Table, workbook};
use crate::report::xlsx::sheet::{Cell, Column, INPUTS, Sheet, count, input_rows, instant, long, mixed, moment, short};
use crate::statement::revisions;

/// Every sheet, in order.
const TABLES: [Table<SupportStatement>; 7] = [
    ("Summary", SUMMARY, summary),
    ("Promises", PROMISES, promises),
    ("Priorities", PRIORITIES, priorities),
    ("Tickets", TICKETS, tickets),
    ("Pauses", PAUSES, pauses),
    ("Revisions", revisions::COLUMNS, revisions_of),
    ("Files", INPUTS, files),
];

const SUMMARY: &[Column] = &[short("Figure", 24), mixed("Value", 60)];
const PROMISES: &[Column] = &[
    short("Metric", 12),
    long("Promise", 46),
    short("Result", 16),
    short("Came to, %", 12),
    count("Kept"),
    count("Of"),
    count("Running"),
    count("Near limit"),
    count("Not judged"),
    short("Left to miss", 12),
    long("Not judged because", 48),
];
const PRIORITIES: &[Column] = &[
    short("Tier", 14),
    short("Priority", 10),
    short("Metric", 12),
    short("Limit", 12),
    count("Tickets"),
    count("Kept"),
    count("Missed"),
    count("Running"),
    count("Near limit"),
];
const TICKETS: &[Column] = &[
    short("Ticket", 24),
    short("Revision", 10),
    short("Tier", 14),
    short("Priority", 10),
    instant("Opened (UTC)"),
    short("State", 12),
    short("Reopened", 10),
    short("Response", 16),
    short("Took", 12),
    short("Limit", 12),
    instant("Answered (UTC)"),
    short("Resolution", 16),
    short("Took ", 12),
    short("Limit ", 12),
    instant("Resolved (UTC)"),
    long("Not judged because", 48),
];
const PAUSES: &[Column] = &[
    short("Ticket", 24),
    instant("From (UTC)"),
    instant("Up to (UTC)"),
    short("Reason", 24),
    long("Does not count because", 48),
];

/// The whole statement as a workbook. Same statement, same bytes.
///
/// # Errors
/// A table has more rows than a sheet, or the writer's temporary files find no room.
pub fn support_xlsx(statement: &SupportStatement) -> Result<Vec<u8>, ExportError> {
    workbook("Support statement", statement.provenance.at, &TABLES, statement)
}

fn summary(statement: &SupportStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let from = &statement.provenance;
    sheet.row(["Tenant".into(), (&statement.tenant).into()])?;
    sheet.row(["Agreement".into(), (&statement.support).into()])?;
    sheet.row(["Tier".into(), (&statement.tier).into()])?;
    sheet.row(["Period".into(), (&statement.period).into()])?;
    sheet.row(["Time zone".into(), (&statement.timezone).into()])?;
    sheet.row(["Opened from (UTC)".into(), moment!(statement.interval.start)])?;
    sheet.row(["Opened before (UTC)".into(), moment!(statement.interval.end)])?;
    sheet.row(["Judged as of (UTC)".into(), moment!(statement.judged_at)])?;
    sheet.row(["Calendar".into(), format!("{} ({})", statement.calendar, statement.calendar_zone).into()])?;
    sheet.row(["Clocks stop for".into(), statement.pause_reasons.join(", ").into()])?;
    sheet.row(["Near the limit from, %".into(), (&statement.warn_percent).into()])?;
    sheet.row(["State".into(), (&statement.state).into()])?;
    sheet.row(["Revision".into(), u64::from(statement.revision).into()])?;
    sheet.row(["Definitions".into(), (&from.defined).into()])?;
    sheet.row(["Definitions (SHA-256)".into(), (&from.spec_sha256).into()])?;
    sheet.row(["Evidence (SHA-256)".into(), (&from.evidence_sha256).into()])?;
    sheet.row(["Evidence".into(), from.evidence.join("\n").into()])?;
    sheet.row(["Run".into(), (&from.run).into()])
}

fn promises(statement: &SupportStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for one in &statement.promises {
        sheet.row([
            (&one.metric).into(),
            (&one.promise).into(),
            status(&one.status),
            one.percent.as_ref().into(),
            one.good.into(),
            one.valid.into(),
            one.running.into(),
            one.warned.into(),
            one.not_judged.into(),
            one.budget_left.map(|left| left.to_string()).into(),
            one.why.as_ref().into(),
        ])?;
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

fn priorities(statement: &SupportStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for one in &statement.groups {
        sheet.row([
            (&one.tier).into(),
            one.priority.to_string().into(),
            (&one.metric).into(),
            (&one.limit).into(),
            one.tickets.into(),
            one.kept.into(),
            one.missed.into(),
            one.running.into(),
            one.warned.into(),
        ])?;
    }
    Ok(())
}

fn tickets(statement: &SupportStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for one in &statement.tickets {
        let [response, response_took, response_limit, answered] = clock(one.response.as_ref());
        let [resolution, resolution_took, resolution_limit, resolved] = clock(one.resolution.as_ref());
        sheet.row([
            (&one.id).into(),
            one.revision.to_string().into(),
            (&one.tier).into(),
            one.priority.to_string().into(),
            moment!(one.opened_at),
            (&one.state).into(),
            one.reopened.to_string().into(),
            response,
            response_took,
            response_limit,
            answered,
            resolution,
            resolution_took,
            resolution_limit,
            resolved,
            one.not_judged.as_ref().into(),
        ])?;
    }
    Ok(())
}

/// Status, time that counts, limit and end.
fn clock(clock: Option<&SupportClock>) -> [Cell<'_>; 4] {
    let Some(clock) = clock else { return [Cell::Null, Cell::Null, Cell::Null, Cell::Null] };
    [
        status(&clock.status),
        (&clock.counted).into(),
        (&clock.limit).into(),
        clock.ended_at.map_or(Cell::Null, |at| moment!(at)),
    ]
}

fn pauses(statement: &SupportStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for ticket in &statement.tickets {
        for pause in &ticket.pauses {
            sheet.row([
                (&ticket.id).into(),
                pause.from.map_or(Cell::Null, |at| moment!(at)),
                pause.to.map_or(Cell::Null, |at| moment!(at)),
                (&pause.reason).into(),
                pause.ignored.as_ref().into(),
            ])?;
        }
    }
    Ok(())
}

fn revisions_of(statement: &SupportStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    revisions::rows(&statement.revisions, sheet)
}

fn files(statement: &SupportStatement, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    input_rows(&statement.provenance.inputs, sheet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::sample::{hostile, sample};

    #[test]
    fn a_workbook_repeats_and_takes_every_text() {
        let book = support_xlsx(&sample()).expect("written");
        assert_eq!(book, support_xlsx(&sample()).expect("written"));
        assert!(book.starts_with(b"PK") && support_xlsx(&hostile()).is_ok());
    }
}
