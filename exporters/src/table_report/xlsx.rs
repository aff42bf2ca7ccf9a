//! The report as a workbook: what it has first, then a sheet for each section, and the files that were read.
//!
//! A figure is a number where a spreadsheet has room for all its digits, else a text. Absent: pictures and formulas.

use schemas::{FilledReport, FilledSection, ValueKind, parse_day, parse_rfc3339};

use super::{headed, rows_told, whose};
use crate::error::ExportError;
use crate::report::xlsx::book::workbook_of;
use crate::report::xlsx::sheet::{Cell, Column, INPUTS, Sheet, input_rows, long, mixed, moment, named, short};

const SUMMARY: &[Column] =
    &[short("Figure", 26), mixed("Value", 60), long("Rows, or why there are none", 60), long("SQL", 90)];
/// Characters of the widest column.
const WIDEST: usize = 60;
const NARROWEST: usize = 10;

/// The whole report as a workbook. Same report, same bytes.
///
/// # Errors
/// A table has more rows than a sheet, or the writer's temporary files find no room.
pub fn table_report_xlsx(report: &FilledReport) -> Result<Vec<u8>, ExportError> {
    let columns: Vec<Vec<Column>> = report.sections.iter().map(columns).collect();
    let sections = report.sections.iter().zip(&columns);
    let mut sheets: Vec<(&str, &[Column])> = vec![("Summary", SUMMARY)];
    sheets.extend(sections.map(|(section, columns)| (section.section.as_str(), columns.as_slice())));
    sheets.push(("Files", INPUTS));
    workbook_of(&report.title, report.provenance.at, &sheets, &|index, sheet| match index.checked_sub(1) {
        None => summary(report, sheet),
        Some(number) => match report.sections.get(number) {
            Some(section) => rows(section, sheet),
            None => input_rows(&report.provenance.inputs, sheet),
        },
    })
}

/// As wide as what stands in them, within reason.
fn columns(section: &FilledSection) -> Vec<Column> {
    let of = |(index, column): (usize, &schemas::FilledColumn)| {
        let head = headed(column);
        let widest = section.rows.iter().filter_map(|row| Some(row.get(index)?.as_ref()?.chars().count() + 4)).max();
        let width = widest.unwrap_or_default().max(head.chars().count() + 2).clamp(NARROWEST, WIDEST);
        named(head, u16::try_from(width).unwrap_or(u16::MAX))
    };
    section.columns.iter().enumerate().map(of).collect()
}

fn summary(report: &FilledReport, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let from = &report.provenance;
    sheet.row(["Report".into(), (&report.title).into()])?;
    sheet.row(["About".into(), report.about.as_ref().into()])?;
    sheet.row(["Rows".into(), whose(report).into()])?;
    sheet.row(["Tenant".into(), report.tenant.as_ref().into()])?;
    sheet.row(["Lake".into(), (&report.lake).into()])?;
    sheet.row(["Job".into(), (&report.job).into()])?;
    sheet.row(["From (UTC)".into(), moment!(report.interval.start)])?;
    sheet.row(["Up to (UTC)".into(), moment!(report.interval.end)])?;
    sheet.row(["Generated (UTC)".into(), moment!(from.at)])?;
    for section in &report.sections {
        let told = [Cell::from(&section.section), (&section.title).into(), rows_told(section).into()];
        sheet.row(told.into_iter().chain([Cell::from(&section.source.sql)]))?;
    }
    for one in &report.left_out {
        sheet.row([Cell::from(&one.section), (&one.title).into(), format!("left out: {}", one.why).into()])?;
    }
    sheet.row(["Definition (SHA-256)".into(), (&from.report_sha256).into()])?;
    sheet.row(["Job (SHA-256)".into(), (&from.job_sha256).into()])?;
    sheet.row(["Run".into(), (&from.run).into()])?;
    sheet.row(["auditlake".into(), (&from.version).into()])
}

fn rows(section: &FilledSection, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for row in &section.rows {
        sheet.row(section.columns.iter().zip(row).map(|(column, value)| cell(column.kind, value.as_deref())))?;
    }
    Ok(())
}

fn cell(kind: ValueKind, value: Option<&str>) -> Cell<'_> {
    let Some(text) = value else { return Cell::Null };
    let (instant, day) = (parse_rfc3339(text).ok(), parse_day(text).ok().and_then(|day| day.and_hms_opt(0, 0, 0)));
    match (kind, instant, day) {
        (ValueKind::Number, ..) => Cell::Number(text.into()),
        (ValueKind::Flag, ..) => Cell::Flag(text == "true"),
        (ValueKind::Instant, Some(at), _) => Cell::Instant { at_us: at.timestamp_micros(), text: text.to_owned() },
        (ValueKind::Day, _, Some(day)) => Cell::Day { at_us: day.and_utc().timestamp_micros(), text: text.to_owned() },
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table_report::sample::{hostile, sample};

    #[test]
    fn a_workbook_repeats_and_takes_every_text() {
        let book = table_report_xlsx(&sample()).expect("written");
        assert_eq!(book, table_report_xlsx(&sample()).expect("written"));
        assert!(book.starts_with(b"PK") && table_report_xlsx(&hostile()).is_ok());
    }
}
