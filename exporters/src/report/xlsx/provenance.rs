//! What the report rests on: evidence objects, what was not looked at, and where each figure comes from.

use schemas::{Report, rfc3339};

use super::sheet::{Cell, Column, Sheet, count, long, short};
use crate::error::ExportError;

pub(super) const EVIDENCE_COLUMNS: &[Column] = &[
    short("Control", 15),
    short("Path", 72),
    short("SHA-256", 68),
    count("Bytes"),
    count("Rows kept"),
    count("Violations"),
    short("Kept for", 10),
];

pub(super) fn evidence(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    for object in &report.evidence {
        sheet.row([
            (&object.control).into(),
            (&object.path).into(),
            (&object.sha256).into(),
            object.bytes.into(),
            object.rows.into(),
            object.violations.into(),
            (&object.keep).into(),
        ])?;
    }
    Ok(())
}

pub(super) const GAP_COLUMNS: &[Column] = &[
    long("What", 48),
    short("Framework", 14),
    short("Control", 15),
    short("Tenant", 20),
    short("Dataset", 20),
    count("Count"),
    long("Why", 56),
];

pub(super) fn not_looked_at(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let gaps = &report.not_looked_at;
    let mut row = |what: &'static str, place: [Option<&String>; 4], count: Option<u64>, why: Option<&String>| {
        let [framework, control, tenant, dataset] = place.map(Cell::from);
        sheet.row([what.into(), framework, control, tenant, dataset, count.into(), why.into()])
    };
    for gap in &gaps.requirements {
        for (what, count) in [
            ("requirements that audit events can never show", gap.never),
            ("requirements that no control speaks to", gap.without_control),
            ("requirements that could not be judged", gap.not_judged),
        ] {
            row(what, [Some(&gap.framework), None, None, None], Some(count), None)?;
        }
    }
    for gap in &gaps.controls {
        row("control not evaluated", [None, Some(&gap.control), Some(&gap.scope), None], None, Some(&gap.reason))?;
    }
    for tenant in &gaps.silent_tenants {
        row("tenant without events in the interval", [None, None, Some(tenant), None], None, None)?;
    }
    for gap in &gaps.rejected {
        row("records refused at ingest", [None, None, None, Some(&gap.dataset)], Some(gap.rows), None)?;
    }
    Ok(())
}

pub(super) const COLUMNS: &[Column] =
    &[short("Kind", 22), short("Name", 36), short("Value", 110), short("ETag", 38), count("Bytes"), count("Rows")];

/// The run, the versions, the plans, the statements, then every file that was read.
pub(super) fn rows(report: &Report, sheet: &mut Sheet<'_>) -> Result<(), ExportError> {
    let mut row = |kind: &'static str, name: &str, value: &str| {
        sheet.row([kind.into(), name.into(), value.into(), Cell::Null, Cell::Null, Cell::Null])
    };
    let (run, summary) = (&report.run, &report.summary);
    row("run", "run id", &run.id)?;
    row("run", "instant", &rfc3339(run.instant))?;
    row("run", "interval start", &rfc3339(report.interval.start))?;
    row("run", "interval end", &rfc3339(report.interval.end))?;
    row("run", "SHA-256 of the definitions", &run.definitions_sha256)?;
    row("version", "auditlake", &run.version)?;
    for (name, version) in &report.provenance.versions {
        row("version", name, version)?;
    }
    for control in &report.controls {
        if let Some(hash) = &control.plan_sha256 {
            row("SHA-256 of a plan", &control.id, hash)?;
        }
        row("SQL of the counts", &control.id, &control.counts_sql)?;
        row("SQL of the violations", &control.id, &control.violations_sql)?;
    }
    row("SQL of a count", "events", &summary.rows_sql)?;
    row("SQL of a count", "decided findings", &summary.decided_sql)?;
    row("SQL of a count", "trends", &report.trend.sql)?;
    if let Some(change) = &report.change {
        row("SQL of a count", "new findings", &change.new_sql)?;
        row("SQL of a count", "findings no longer there", &change.gone_sql)?;
    }
    for rejected in &report.not_looked_at.rejected {
        row("SQL of refused records", &rejected.dataset, &rejected.sql)?;
    }
    for file in &report.provenance.inputs {
        sheet.row([
            "file read".into(),
            (&file.dataset).into(),
            (&file.path).into(),
            (&file.etag).into(),
            file.bytes.into(),
            file.rows.into(),
        ])?;
    }
    Ok(())
}
