//! SQL beside the figures that count findings: whoever runs it at the instant of the run gets the same numbers.
//!
//! Absent: running it. The figures come from the run's own rows, which are not committed while they are counted.

use chrono::{DateTime, Utc};
use engine::retention::ERASED;
use schemas::{JobId, rfc3339};

use crate::ledger::RunKey;

/// The condition that a row of `auditlake.findings`, called `alias`, is of a run. Jobs may share an interval, and with it
/// the ids of their results.
pub(super) fn of_run(alias: &str, job: &JobId, instant: DateTime<Utc>) -> String {
    format!(
        "{alias}.result_id IN (SELECT result_id FROM auditlake.control_results\n                     \
         WHERE run_job = '{job}' AND run_instant = TIMESTAMP '{}')\n  AND coalesce({alias}.run_job, '{job}') = '{job}'",
        rfc3339(instant)
    )
}

/// Counts findings of a run that were decided about, and those whose decision has run out.
pub(super) fn decided(key: &RunKey) -> String {
    format!(
        "SELECT count(*) FILTER (WHERE finding.state <> 'open') AS decided,\n       \
         count(*) FILTER (WHERE decision.expired) AS expired\n\
         FROM auditlake.findings AS finding\n\
         LEFT JOIN auditlake.finding_decisions AS decision\n       \
         ON decision.finding_id = finding.finding_id AND decision.expired\n\
         WHERE {}",
        of_run("finding", &key.job, key.instant)
    )
}

/// Counts, by control, findings of a run that the one of `before` did not have.
pub(super) fn new(key: &RunKey, before: DateTime<Utc>) -> String {
    format!(
        "SELECT finding.control_id, count(DISTINCT finding.finding_id) AS new\n\
         FROM auditlake.findings AS finding\n\
         WHERE {}\n  \
         AND finding.finding_id NOT IN (SELECT earlier.finding_id FROM auditlake.findings AS earlier\nWHERE {})\n\
         GROUP BY finding.control_id\n\
         ORDER BY finding.control_id",
        of_run("finding", &key.job, key.instant),
        of_run("earlier", &key.job, before)
    )
}

/// Counts, by control, findings of the run of `before` that this one does not have, by what became of them.
pub(super) fn gone(key: &RunKey, before: DateTime<Utc>, start: DateTime<Utc>) -> String {
    let older = format!("coalesce(missing.time < TIMESTAMP '{}', false)", rfc3339(start));
    let looked_for = format!("(result.status IS NOT NULL AND missing.reason <> '{ERASED}')");
    format!(
        "SELECT missing.control_id,\n       \
         count(*) FILTER (WHERE NOT {older} AND {looked_for}) AS gone,\n       \
         count(*) FILTER (WHERE {older}) AS \"left\",\n       \
         count(*) FILTER (WHERE NOT {older} AND NOT {looked_for}) AS not_looked_for\n\
         FROM (SELECT earlier.control_id, earlier.scope, earlier.finding_id, max(earlier.time) AS time,\n        \
         min(earlier.reason) AS reason\n\
         FROM auditlake.findings AS earlier\n\
         WHERE {}\n  \
         AND earlier.finding_id NOT IN (SELECT finding.finding_id FROM auditlake.findings AS finding\nWHERE {})\n\
         GROUP BY earlier.control_id, earlier.scope, earlier.finding_id) AS missing\n\
         LEFT JOIN auditlake.control_results AS result\n       \
         ON result.run_job = '{}' AND result.run_instant = TIMESTAMP '{}'\n      \
         AND result.control_id = missing.control_id AND result.scope = missing.scope\n      \
         AND result.status IN ('pass', 'warn', 'fail', 'not_applicable')\n\
         GROUP BY missing.control_id\n\
         ORDER BY missing.control_id",
        of_run("earlier", &key.job, before),
        of_run("finding", &key.job, key.instant),
        key.job,
        rfc3339(key.instant)
    )
}
