//! Answers of commands, for people and as JSON.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use engine::{CompactOutcome, IngestOutcome, StatesUsed};
use schemas::{Interval, Lake, StoreUrl};
use serde_json::json;

use crate::Answer;
use crate::anomalies;
use crate::anonymize::summary_text;
use crate::compact::CompactCommand;
use crate::lake::OpenLake;
use crate::ledger::{ExportSummary, NewestRuns, OutputRole, RunEntry};
use crate::review::StepRecord;
use crate::runner::Ran;
use crate::schedule::{Fire, fires};
use crate::sla::SlaSummary;
use crate::table_report::TableReportSummary;
use crate::usage::UsageSummary;

/// Fires to come that `check` shows of each job.
const FIRES: usize = 5;

/// Answer of `check`; `files` were opened, if any were.
pub(crate) fn checked(lake: &Lake, files: Option<u64>, notes: &[String], now: DateTime<Utc>) -> Answer {
    let store = lake.store.to_string();
    let own = lake.controls.iter().filter(|control| !control.id.as_str().starts_with("AL-")).count();
    let opened = files.map(|files| format!(", {}", counted(files, "file"))).unwrap_or_default();
    let mut text = format!(
        "lake {} at {store}: {}, {}, {} ({own} of its own), {}{opened}; no errors",
        lake.id,
        counted(lake.datasets.len() as u64, "dataset"),
        counted(lake.jobs.len() as u64, "job"),
        counted(lake.controls.len() as u64, "control"),
        counted(lake.frameworks.len() as u64, "framework")
    );
    let next: Vec<Fire> = lake.jobs.iter().flat_map(|job| fires(job, now).take(FIRES)).collect();
    let mut json = json!({
        "lake": lake.id,
        "store": store,
        "datasets": lake.datasets.iter().map(|dataset| json!({"dataset": dataset.id, "schema": dataset.schema.name, "location": dataset.location})).collect::<Vec<_>>(),
        "jobs": lake.jobs.iter().map(|job| json!({"job": job.id, "kind": job.kind.as_str()})).collect::<Vec<_>>(),
        "controls": lake.controls.iter().map(|control| control.id.as_str()).collect::<Vec<_>>(),
        "frameworks": lake.frameworks.iter().map(|framework| framework.key.as_str()).collect::<Vec<_>>(),
        "fires": next,
        "errors": [],
        "notes": notes,
    });
    next.iter().for_each(|fire| text.push_str(&format!("\nnext: {}", fire.line())));
    for note in notes {
        text.push_str(&format!("\nnote: {note}"));
    }
    if let (Some(files), Some(members)) = (files, json.as_object_mut()) {
        members.insert("files".to_owned(), files.into());
    }
    Answer::done(text, json)
}

/// Answer of `ingest`.
pub(crate) fn ingested(dataset: &str, outcome: &IngestOutcome) -> Answer {
    let mut text = String::new();
    let counts = &outcome.counts;
    write_line(
        &mut text,
        &format!("{} read into {dataset}, {} seen before", counted(outcome.files, "object"), outcome.files_seen_before),
    );
    write_line(
        &mut text,
        &format!(
            "{} = {} + {} + {} skipped + {} rejected{}",
            counted(counts.read, "record"),
            counted(counts.rows, "row"),
            counted(counts.duplicates, "duplicate"),
            counts.skipped,
            counts.rejected,
            match counts.suppressed {
                0 => String::new(),
                erased => format!(" + {erased} of persons who were erased"),
            }
        ),
    );
    for (reason, count) in &outcome.reasons {
        write_line(&mut text, &format!("  {count} × {reason}"));
    }
    for path in &outcome.files_changed {
        write_line(&mut text, &format!("  changed since it was read before, read again: {path}"));
    }
    let json = json!({
        "dataset": dataset,
        "files": outcome.files,
        "files_seen_before": outcome.files_seen_before,
        "files_changed": outcome.files_changed,
        "read": counts.read,
        "rows": counts.rows,
        "duplicates": counts.duplicates,
        "skipped": counts.skipped,
        "rejected": counts.rejected,
        "suppressed": counts.suppressed,
        "reasons": outcome.reasons.iter().map(|(reason, count)| json!({"reason": reason, "records": count})).collect::<Vec<_>>(),
    });
    Answer::done(text, json)
}

/// Answer of `compact`.
pub(crate) fn compacted(command: &CompactCommand, outcome: &CompactOutcome) -> Answer {
    let dataset = &command.dataset;
    let of = format!("{} of {dataset}", counted(outcome.files_before, "small file"));
    let text = if outcome.files_before == 0 {
        format!("nothing to compact in {dataset}: no folder has two files below {} MiB", command.file_bytes >> 21)
    } else if command.dry_run {
        format!("would rewrite {of} in {}", counted(outcome.folders, "folder"))
    } else {
        format!("{of} became {}: {}, compared one by one", outcome.files_after, counted(outcome.rows, "row"))
    };
    let text = match (outcome.files_deleted, command.dry_run) {
        (0, _) => text,
        (many, true) => format!("{text}; {} would be deleted", counted(many, "replaced file")),
        (many, false) => format!("{text}; {} deleted", counted(many, "replaced file")),
    };
    let text = match outcome.files_unread {
        0 => text,
        unread => format!(
            "{text}; {} left alone, as jobs that run for new files have yet to read them",
            counted(unread, "file")
        ),
    };
    Answer::done(text, json!({"dataset": dataset, "dry_run": command.dry_run, "compacted": outcome}))
}

/// Answer of `run`.
pub(crate) fn ran(lake: &OpenLake, ran: &Ran) -> Answer {
    let commit = &ran.commit;
    let mut text = String::new();
    let done = if ran.before { "was committed before; nothing to do" } else { "committed" };
    write_line(&mut text, &format!("run {} {done}", commit.run));
    if let Some(batch) = &commit.summary.batch {
        let files = counted(batch.files, "new file");
        write_line(&mut text, &format!("batch {}: {files}, {} bytes", batch.batch, batch.bytes));
        for left in &batch.left_out {
            write_line(&mut text, &format!("  left out {}: {}", left.path, left.why));
        }
    }
    if let Some(outcome) = &commit.summary.ingest {
        text.push_str(&ingested("its dataset", outcome).text);
    } else if let Some(query) = &commit.summary.query {
        let rows = counted(query.rows, "row");
        let replaced = match query.replaced {
            0 => String::new(),
            files => format!(", in place of {}", counted(files, "file")),
        };
        write_line(&mut text, &format!("{rows} in dataset {}{replaced}", query.dataset));
        query.states.iter().for_each(|states| write_line(&mut text, &states_line(states)));
    } else if let Some(copy) = &commit.summary.anonymize {
        text.push_str(&summary_text(copy));
    } else if let Some(anomalies) = &commit.summary.anomalies {
        text.push_str(&anomalies::raised(anomalies));
    } else if let Some(sla) = &commit.summary.sla {
        text.push_str(&judged(sla));
    } else if let Some(usage) = &commit.summary.usage {
        text.push_str(&metered(usage));
    } else if let Some(report) = &commit.summary.report {
        text.push_str(&filled(report));
    } else if let Some(export) = &commit.summary.export {
        write_line(&mut text, &exported(export));
    } else {
        let counts = commit.summary.controls;
        write_line(
            &mut text,
            &format!(
                "controls: {} fail, {} error, {} not evaluated, {} warn, {} pass, {} not applicable; {}",
                counts.fail,
                counts.error,
                counts.not_evaluated,
                counts.warn,
                counts.pass,
                counts.not_applicable,
                counted(commit.summary.findings, "finding")
            ),
        );
    }
    for path in reports(lake, ran) {
        write_line(&mut text, &format!("  {path}"));
    }
    let json = json!({
        "run": commit.run,
        "committed_before": ran.before,
        "attempt": commit.attempt,
        "revision": commit.revision,
        "interval": commit.interval,
        "summary": commit.summary,
        "inputs": commit.inputs.len(),
        "outputs": commit.outputs,
        "files": reports(lake, ran),
    });
    Answer::done(text, json)
}

fn exported(export: &ExportSummary) -> String {
    let (rows, parts) = (counted(export.rows, "row"), counted(export.parts, "file"));
    let resumed = match export.resumed_parts {
        0 => String::new(),
        some => format!(", {some} of them by an attempt before"),
    };
    let mut text = format!("{rows} in {parts} of {} bytes{resumed}", export.bytes);
    for (loss, columns) in &export.cells {
        let columns: Vec<String> = columns.iter().map(|(column, count)| format!("{column} ({count})")).collect();
        text.push_str(&format!("\ncells {loss}: {}", columns.join(", ")));
    }
    text
}

/// Where a person finds the run's reports.
pub(crate) fn reports(lake: &OpenLake, ran: &Ran) -> Vec<String> {
    let outputs = ran.commit.outputs.iter().filter(|output| output.role == OutputRole::Report);
    outputs
        .map(|output| match &lake.definitions.store {
            StoreUrl::File(folder) => {
                let folder = lake.folder.join(folder.trim_start_matches("./"));
                folder.join(&output.path).display().to_string()
            }
            StoreUrl::Memory => output.path.clone(),
            StoreUrl::Bucket(url) => format!("{url}/{}", output.path),
        })
        .collect()
}

/// What an SLA came to: a line for each period.
fn judged(sla: &SlaSummary) -> String {
    let mut text = String::new();
    if let Some(why) = &sla.not_evaluated {
        write_line(&mut text, &format!("sla {}: not evaluated: {why}", sla.sla));
    }
    for period in &sla.periods {
        let credits = period.credits.iter().map(|(currency, amount)| {
            let digits = format!("{}.{:04}", amount / 10_000, amount % 10_000);
            // Two decimals at least, as most currencies have.
            let digits = digits.strip_suffix("00").unwrap_or(&digits);
            format!(", credits of {digits} {currency}")
        });
        let what = if period.tickets.is_some() { "support" } else { "sla" };
        let line = format!(
            "{what} {} {}: {}, {}, {} not evaluated{}; {} new, {} provisional",
            sla.sla,
            period.period,
            counted(period.tenants, "tenant"),
            counted(period.missed, "missed promise"),
            period.not_evaluated,
            credits.collect::<String>(),
            counted(period.new, "result"),
            period.provisional
        );
        write_line(&mut text, &line);
        if let Some(counts) = &period.tickets {
            let line = format!(
                "  {}: {} exceeded, {} running, {} warned of, {} not judged",
                counted(counts.tickets, "ticket"),
                counted(counts.missed, "limit"),
                counted(counts.running, "clock"),
                counts.warned,
                counts.not_judged
            );
            write_line(&mut text, &line);
        }
        if !period.without_tier.is_empty() {
            write_line(&mut text, &format!("  has rows and no tier: {}", period.without_tier.join(", ")));
        }
    }
    text
}

/// What a contract about usage came to: a line for each month.
fn metered(usage: &UsageSummary) -> String {
    let mut text = String::new();
    for period in &usage.periods {
        let line = format!(
            "usage {} {}: {}, {} over, {} warned of; {} new, {} provisional",
            usage.usage,
            period.period,
            counted(period.tenants, "tenant"),
            counted(period.over, "quota"),
            period.warned,
            counted(period.new, "result"),
            period.provisional
        );
        write_line(&mut text, &line);
        if !period.without_tier.is_empty() {
            write_line(&mut text, &format!("  has rows and no tier: {}", period.without_tier.join(", ")));
        }
    }
    text
}

/// What a report of tables has, and what it has not.
fn filled(report: &TableReportSummary) -> String {
    let mut text = String::new();
    let of = report.tenant.as_ref().map_or_else(|| "all tenants".to_owned(), |tenant| format!("tenant {tenant}"));
    let (sections, rows) = (counted(report.sections, "section"), counted(report.rows, "row"));
    write_line(&mut text, &format!("report {} of {of}: {sections}, {rows}", report.report));
    for one in &report.left_out {
        write_line(&mut text, &format!("  left out {one}"));
    }
    text
}

/// Answer of `runs list`.
pub(crate) fn runs(newest: &NewestRuns) -> Answer {
    let NewestRuns { runs, has_more } = newest;
    let mut text = String::new();
    for run in runs {
        let done = run.commit.as_ref().map(|commit| {
            let summary = &commit.summary;
            let rows = summary.ingest.as_ref().map(|outcome| outcome.counts.rows);
            let rows = rows.or(summary.query.as_ref().map(|query| query.rows));
            let rows = rows.or(summary.anonymize.as_ref().map(|copy| copy.figures.rows));
            let rows = rows.or(summary.export.as_ref().map(|export| export.rows));
            if let Some(anomalies) = &summary.anomalies {
                return counted(anomalies.alerts, "alert");
            }
            if let Some(sla) = &summary.sla {
                if sla.not_evaluated.is_some() {
                    return "not evaluated".to_owned();
                }
                return counted(sla.periods.iter().map(|period| period.missed).sum(), "missed promise");
            }
            if let Some(report) = &summary.report {
                return counted(report.sections, "section");
            }
            if let Some(usage) = &summary.usage {
                let over = usage.periods.iter().map(|period| period.over).sum();
                return format!("{} over", counted(over, "quota"));
            }
            rows.map_or_else(|| counted(summary.findings, "finding"), |rows| counted(rows, "row"))
        });
        let rest = done.or_else(|| run.why());
        write_line(&mut text, &format!("{:<40} {:<10} {}", run.run, run.state(), rest.unwrap_or_default()));
    }
    if *has_more {
        let newest = counted(runs.len() as u64, "run");
        write_line(&mut text, &format!("these are the newest {newest}; --limit shows more, a job or --since others"));
    } else if runs.is_empty() {
        write_line(&mut text, "no runs yet; start one with `auditlake run JOB --at INSTANT`");
    }
    let json = runs.iter().map(|run| {
        json!({
            "run": run.run,
            "job": run.job,
            "state": run.state(),
            "attempts": run.attempts.len(),
            "findings": run.commit.as_ref().map(|commit| commit.summary.findings),
            "error": run.failures.last().map(|fail| &fail.errors),
            "why": run.why(),
        })
    });
    Answer::done(text, json!({ "runs": json.collect::<Vec<_>>(), "has_more": has_more }))
}

/// Answer of `runs show`.
pub(crate) fn run(run: &RunEntry, steps: &[StepRecord]) -> Answer {
    let mut text = String::new();
    write_line(&mut text, &format!("{}: {}", run.run, run.state()));
    for start in &run.attempts {
        let at = schemas::rfc3339(start.started_at);
        write_line(&mut text, &format!("attempt {} of {}, at {at}", start.attempt, start.kind));
    }
    for fail in &run.failures {
        write_line(
            &mut text,
            &format!("attempt {} failed ({}): {}", fail.attempt, fail.remedy, fail.errors.join(": ")),
        );
    }
    run.ends.why().into_iter().for_each(|why| write_line(&mut text, &why));
    if let Some(waived) = &run.ends.waived {
        write_line(&mut text, &format!("waived by {}: {}", waived.by, waived.reason));
    }
    if let Some(commit) = &run.commit {
        write_line(&mut text, &format!("interval {}", span(commit.interval)));
        for (table, columns) in &commit.reads {
            write_line(&mut text, &format!("read {table}: {}", columns.join(", ")));
        }
        write_line(&mut text, &counted(commit.inputs.len() as u64, "input file"));
        let states = commit.summary.query.iter().flat_map(|query| &query.states);
        states.for_each(|states| write_line(&mut text, &states_line(states)));
        for output in &commit.outputs {
            write_line(&mut text, &format!("wrote {} ({} bytes, sha256 {})", output.path, output.bytes, output.sha256));
        }
    }
    for step in steps {
        let StepRecord { revision, by, at, .. } = step;
        let (state, at) = (step.state.as_str().replace('_', " "), schemas::rfc3339(*at));
        let why = step.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        write_line(&mut text, &format!("review of revision {revision}: {state} by {by}, at {at}{why}"));
    }
    let mut json = json!(run);
    if let (Some(of), false) = (json.as_object_mut(), steps.is_empty()) {
        of.insert("review".to_owned(), json!(steps));
    }
    Answer::done(text, json)
}

/// What a run took from states of files.
fn states_line(states: &StatesUsed) -> String {
    if let Some(reason) = &states.full_reason {
        return format!("computed in full: {reason}");
    }
    let whole = match states.nodes.len() {
        0 => String::new(),
        1 => " (1 whole month or year)".to_owned(),
        nodes => format!(" ({nodes} whole months or years)"),
    };
    let short =
        if states.ran_short { "; memory ran short, so sums of floats may differ in their last bits" } else { "" };
    let fingerprints: Vec<&str> = states.fingerprints.iter().map(|print| &print[..print.len().min(12)]).collect();
    format!(
        "{} from states{whole}, {} computed, {}; fingerprint {}; {} bytes not read{short}",
        counted(states.states_reused, "file"),
        states.states_computed,
        counted(states.border_files, "border file"),
        fingerprints.join(", "),
        states.bytes_not_read
    )
}

/// A span of time, half open.
pub(crate) fn span(interval: Interval) -> String {
    format!("[{}, {})", schemas::rfc3339(interval.start), schemas::rfc3339(interval.end))
}

/// So many entries of a log.
pub(crate) fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// A count with its noun.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Adds a line; writing to a `String` cannot fail.
pub(crate) fn write_line(text: &mut String, line: &str) {
    let written = writeln!(text, "{line}");
    debug_assert!(written.is_ok(), "a String takes any text");
}
