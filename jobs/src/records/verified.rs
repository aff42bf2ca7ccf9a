//! `auditlake.verify_findings`: what verifications of committed runs found.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};
use engine::{EngineError, Lakefront, SystemTable, recorded_path};

use super::{instant, instants, table as of_columns, text};
use crate::ledger::{OutputRole, RunEntry};
use crate::verify::{Verified, VerifyFinding};

/// One finding with its run.
struct Row {
    run: String,
    at: Option<DateTime<Utc>>,
    finding: VerifyFinding,
}

pub(super) async fn table(front: &Lakefront, runs: &[RunEntry]) -> Result<SystemTable, EngineError> {
    let mut rows = Vec::new();
    for commit in runs.iter().filter_map(|run| run.commit.as_ref()) {
        for output in commit.outputs.iter().filter(|output| output.role == OutputRole::Verified) {
            let verified: Option<Verified> = front.read_json(&recorded_path(&output.path)).await?;
            let found = verified.into_iter().flat_map(|verified| verified.findings);
            let at = Some(commit.interval.end);
            rows.extend(found.map(|finding| Row { run: commit.run.clone(), at, finding }));
        }
    }
    let schema = Arc::new(Schema::new(vec![
        text("run", false),
        instant("verified_at"),
        text("kind", false),
        text("object", false),
        text("message", false),
    ]));
    let texts = |of: fn(&Row) -> &str| Arc::new(rows.iter().map(|row| Some(of(row))).collect::<StringArray>());
    of_columns(
        schema,
        vec![
            texts(|row| &row.run),
            instants(rows.iter().map(|row| row.at)),
            texts(|row| row.finding.kind.as_str()),
            texts(|row| &row.finding.object),
            texts(|row| &row.finding.message),
        ],
    )
}
