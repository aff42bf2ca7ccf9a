//! Frameworks and every requirement of them, also those that no control speaks to.

use schemas::{Report, RequirementRow};

use super::sheet::{Cell, Column, Sheet, count, long, short};
use crate::error::ExportError;

pub(super) const SCORECARD_COLUMNS: &[Column] = &[
    short("Framework", 14),
    long("Name", 34),
    long("Edition", 34),
    count("Score"),
    count("Judged"),
    count("Requirements"),
    short("Partial", 10),
];

pub(super) fn scorecards(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for card in &report.scorecards {
        sheet.row([
            (&card.framework).into(),
            (&card.name).into(),
            (&card.edition).into(),
            card.score_permille.map_or(Cell::Null, Cell::Permille),
            card.covered.into(),
            card.requirements_total.into(),
            card.partial.into(),
        ])?;
    }
    Ok(())
}

pub(super) const REQUIREMENT_COLUMNS: &[Column] = &[
    short("Framework", 14),
    short("Requirement", 22),
    long("Title", 52),
    short("Status", 15),
    count("Failing tenants"),
    long("Controls", 40),
    long("Why there is no verdict", 48),
];

pub(super) fn requirements(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for card in &report.scorecards {
        for row in &card.requirements {
            sheet.row([
                (&card.framework).into(),
                (&row.id).into(),
                (&row.title).into(),
                row.status.into(),
                row.failing_tenants.into(),
                row.controls.join(", ").into(),
                why_not(row).into(),
            ])?;
        }
    }
    Ok(())
}

fn why_not(row: &RequirementRow) -> Option<String> {
    match &row.never_looked_at {
        Some(why) => Some(format!("audit events can never show it: {why}")),
        None if row.status.is_none() => Some("no control of this report speaks to it".to_owned()),
        None => None,
    }
}
