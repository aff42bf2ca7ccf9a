//! The cover: what a manager reads in a minute, one figure a row.
//!
//! A score stands in one cell with its coverage. Absent: anything that a sheet behind it does not show in detail.

use schemas::{Report, Scorecard};

use super::sheet::{Cell, Column, Sheet, long, mixed, moment, short};
use crate::error::ExportError;
use crate::report::figure::{by_status, local, percent, status_word, thousands};
use crate::report::summary::DISCLAIMER;

pub(super) const COLUMNS: &[Column] = &[short("Part", 16), long("Figure", 38), mixed("Value", 36), long("Note", 84)];

pub(super) fn rows(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    about(report, sheet)?;
    scores(report, sheet)?;
    counts(report, sheet)?;
    changes(report, sheet)?;
    for id in &report.summary.worst {
        let control = report.controls.iter().find(|control| control.id == *id);
        let status = control.map(|control| control.status);
        let note = control.map(|control| format!("{}, {}", control.severity.as_str(), control.title));
        sheet.row(["Worst controls".into(), id.into(), status.into(), note.into()])?;
    }
    let said = &report.summary.not_looked_at;
    sheet.row(["Not looked at".into(), "In one sentence".into(), Cell::Null, said.into()])
}

fn about(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let (run, zone) = (&report.run, &report.run.timezone);
    let mut row = |figure: &'static str, value: Cell<'_>, note: Cell<'_>| {
        sheet.row(["Compliance report".into(), figure.into(), value, note])
    };
    row("Lake", (&report.lake).into(), DISCLAIMER.into())?;
    row("Review", run.review().0.into(), run.review().1.into())?;
    row("Job", (&run.job).into(), Cell::Null)?;
    row("Run", (&run.id).into(), Cell::Null)?;
    let moments = [
        ("Interval start (UTC)", report.interval.start),
        ("Interval end (UTC), not part of it", report.interval.end),
        ("Generated (UTC)", run.instant),
    ];
    for (figure, at) in moments {
        let there = local(at.timestamp_micros(), zone).map(|there| format!("{there} in {zone}"));
        row(figure, moment!(at), there.into())?;
    }
    row("Time zone", zone.into(), Cell::Null)?;
    row("Version of auditlake", (&run.version).into(), Cell::Null)
}

fn scores(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for card in &report.scorecards {
        let partial = if card.partial { "; partial: under half judged" } else { "" };
        let note = format!("{}{partial}", card.edition);
        sheet.row(["Scores".into(), (&card.name).into(), score(card).into(), note.into()])?;
    }
    Ok(())
}

/// Score and coverage, which are one figure in two parts.
fn score(card: &Scorecard) -> String {
    let score = card.score_permille.map_or_else(|| "no score".to_owned(), percent);
    format!("{score} on {} of {} requirements", thousands(card.covered), thousands(card.requirements_total))
}

fn counts(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let summary = &report.summary;
    sheet.row(["Events".into(), "In the interval".into(), summary.rows.into(), Cell::Null])?;
    sheet.row(["Events".into(), "Tenants looked at".into(), summary.tenants.into(), Cell::Null])?;
    for (status, count) in by_status(&summary.controls) {
        sheet.row(["Controls".into(), status_word(status).into(), count.into(), Cell::Null])?;
    }
    let stay = "Accepted, remediated or called false positives by somebody named; they stay counted.";
    sheet.row(["Findings".into(), "In the interval".into(), summary.findings.into(), Cell::Null])?;
    sheet.row(["Findings".into(), "Of these decided".into(), summary.decided.into(), stay.into()])?;
    let open = "Open again.";
    sheet.row(["Findings".into(), "Decisions that have run out".into(), summary.expired.into(), open.into()])
}

fn changes(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let Some(change) = &report.change else {
        let first = "This is the first report of the job: there is none to compare it with.";
        return sheet.row(["Changes".into(), "Since the report before".into(), Cell::Null, first.into()]);
    };
    sheet.row(["Changes".into(), "Compared with run".into(), (&change.run).into(), Cell::Null])?;
    for (figure, at) in
        [("Its interval start (UTC)", change.interval.start), ("Its interval end (UTC)", change.interval.end)]
    {
        sheet.row(["Changes".into(), figure.into(), moment!(at), Cell::Null])?;
    }
    let findings = &change.findings;
    let not_compared = change.controls.iter().any(|control| control.partial).then_some(
        "Of some controls more violations were counted than rows kept: findings beyond those rows are not compared.",
    );
    for (figure, count) in [
        ("New findings", findings.new),
        ("No longer found", findings.gone),
        ("Older than the interval", findings.left),
        ("Could not be looked for", findings.not_looked_for),
    ] {
        sheet.row(["Changes".into(), figure.into(), count.into(), not_compared.into()])?;
    }
    Ok(())
}
