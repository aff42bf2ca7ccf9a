//! `auditlake.ingests`: what runs of jobs ingested. Absent: what commands ingest, which is no run.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};
use arrow::datatypes::Schema;
use engine::{EngineError, IngestOutcome, SystemTable};

use super::{count, instant, instants, table, text, whole};
use crate::ledger::RunEntry;

/// A row for each committed run that ingested.
pub(super) fn ingests(runs: &[RunEntry]) -> Result<SystemTable, EngineError> {
    let rows = runs.iter().filter_map(|run| {
        let commit = run.commit.as_ref()?;
        Some((&run.run, &run.job, commit.interval, commit.summary.ingest.as_ref()?))
    });
    let rows: Vec<_> = rows.collect();
    let schema = Arc::new(Schema::new(vec![
        text("run", false),
        text("job", false),
        instant("interval_start"),
        instant("interval_end"),
        whole("objects"),
        whole("records"),
        whole("rows"),
        whole("duplicates"),
        whole("skipped"),
        whole("rejected"),
        whole("suppressed"),
    ]));
    let counts = |of: fn(&IngestOutcome) -> u64| {
        Arc::new(rows.iter().map(|(.., outcome)| Some(count(of(outcome)))).collect::<Int64Array>())
    };
    table(
        schema,
        vec![
            Arc::new(rows.iter().map(|(run, ..)| Some(run.as_str())).collect::<StringArray>()),
            Arc::new(rows.iter().map(|(_, job, ..)| Some(job.as_str())).collect::<StringArray>()),
            instants(rows.iter().map(|(_, _, interval, _)| Some(interval.start))),
            instants(rows.iter().map(|(_, _, interval, _)| Some(interval.end))),
            counts(|outcome| outcome.files),
            counts(|outcome| outcome.counts.read),
            counts(|outcome| outcome.counts.rows),
            counts(|outcome| outcome.counts.duplicates),
            counts(|outcome| outcome.counts.skipped),
            counts(|outcome| outcome.counts.rejected),
            counts(|outcome| outcome.counts.suppressed),
        ],
    )
}
