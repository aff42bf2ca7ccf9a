//! The schema `auditlake`: our own records as tables.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::{EngineError, Lakefront, PinnedFile, SystemTable, SystemTables};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use schemas::{CONTROL_RESULT, FINDING};

use crate::ledger::{Ledger, OutputRole, RunEntry};

/// Reads the ledger when a statement names one of its tables.
#[derive(Debug)]
pub(crate) struct LedgerTables {
    front: Lakefront,
}

impl LedgerTables {
    pub(crate) fn new(front: Lakefront) -> Self {
        Self { front }
    }

    async fn files(&self, role: OutputRole) -> Result<Vec<PinnedFile>, EngineError> {
        let mut files = Vec::new();
        for run in Ledger::new(self.front.clone()).runs().await? {
            for output in run.commit.into_iter().flat_map(|commit| commit.outputs) {
                if output.role != role {
                    continue;
                }
                let path = Path::from(output.path.as_str());
                let meta = self.front.store().head(&path).await.map_err(|source| EngineError::Store {
                    path: output.path,
                    action: "find it, although a committed run wrote it",
                    source,
                })?;
                files.push(PinnedFile::new(meta));
            }
        }
        Ok(files)
    }
}

#[async_trait]
impl SystemTables for LedgerTables {
    fn names(&self) -> Vec<String> {
        ["control_results", "findings", "run_inputs", "runs"].map(str::to_owned).to_vec()
    }

    async fn table(&self, name: &str) -> Result<Option<SystemTable>, EngineError> {
        let ledger = Ledger::new(self.front.clone());
        Ok(Some(match name {
            "control_results" => {
                SystemTable::Files(CONTROL_RESULT.arrow(), self.files(OutputRole::ControlResults).await?)
            }
            "findings" => SystemTable::Files(FINDING.arrow(), self.files(OutputRole::Findings).await?),
            "runs" => runs(&ledger.runs().await?)?,
            "run_inputs" => run_inputs(&ledger.runs().await?)?,
            _ => return Ok(None),
        }))
    }
}

/// What a row of a table is that has no schema in `schemas`.
pub(crate) fn doc(table: &str) -> Option<&'static str> {
    match table {
        "auditlake.runs" => Some("One run of a job with its state."),
        "auditlake.run_inputs" => Some("One file that a committed run read."),
        _ => None,
    }
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

fn instant(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true)
}

fn whole(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn instants(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> Arc<TimestampMicrosecondArray> {
    let values: TimestampMicrosecondArray = values.map(|value| value.map(|at| at.timestamp_micros())).collect();
    Arc::new(values.with_timezone("UTC"))
}

fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn table(schema: SchemaRef, columns: Vec<arrow::array::ArrayRef>) -> Result<SystemTable, EngineError> {
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns)
        .map_err(|error| EngineError::Bug { what: format!("a table of records has odd columns ({error})") })?;
    Ok(SystemTable::Rows(schema, vec![rows]))
}

fn runs(runs: &[RunEntry]) -> Result<SystemTable, EngineError> {
    let schema = Arc::new(Schema::new(vec![
        text("run", false),
        text("job", false),
        text("kind", true),
        text("state", false),
        instant("interval_start"),
        instant("interval_end"),
        whole("attempts"),
        instant("last_started_at"),
        whole("inputs"),
        whole("outputs"),
        whole("findings"),
        text("error", true),
    ]));
    let last = |run: &RunEntry| run.attempts.last().cloned();
    let commit = |of: fn(&crate::ledger::CommitRecord) -> u64| {
        let values = runs.iter().map(|run| run.commit.as_ref().map(|commit| count(of(commit))));
        Arc::new(values.collect::<Int64Array>())
    };
    table(
        schema,
        vec![
            Arc::new(runs.iter().map(|run| Some(run.run.clone())).collect::<StringArray>()),
            Arc::new(runs.iter().map(|run| Some(run.job.clone())).collect::<StringArray>()),
            Arc::new(runs.iter().map(|run| last(run).map(|start| start.kind)).collect::<StringArray>()),
            Arc::new(runs.iter().map(|run| Some(run.state())).collect::<StringArray>()),
            instants(runs.iter().map(|run| last(run).map(|start| start.interval.start))),
            instants(runs.iter().map(|run| last(run).map(|start| start.interval.end))),
            Arc::new(runs.iter().map(|run| Some(count(run.attempts.len() as u64))).collect::<Int64Array>()),
            instants(runs.iter().map(|run| last(run).map(|start| start.started_at))),
            commit(|commit| commit.inputs.len() as u64),
            commit(|commit| commit.outputs.len() as u64),
            commit(|commit| commit.summary.findings),
            Arc::new(
                runs.iter().map(|run| run.failures.last().map(|fail| fail.errors.join(": "))).collect::<StringArray>(),
            ),
        ],
    )
}

fn run_inputs(runs: &[RunEntry]) -> Result<SystemTable, EngineError> {
    let schema = Arc::new(Schema::new(vec![
        text("run", false),
        text("dataset", true),
        text("path", false),
        text("etag", true),
        whole("bytes"),
        whole("rows"),
    ]));
    let inputs: Vec<_> = runs
        .iter()
        .flat_map(|run| {
            let inputs = run.commit.iter().flat_map(|commit| &commit.inputs);
            inputs.map(move |input| (&run.run, input))
        })
        .collect();
    table(
        schema,
        vec![
            Arc::new(inputs.iter().map(|(run, _)| Some((*run).clone())).collect::<StringArray>()),
            Arc::new(inputs.iter().map(|(_, input)| dataset(input)).collect::<StringArray>()),
            Arc::new(inputs.iter().map(|(_, input)| Some(input.path.clone())).collect::<StringArray>()),
            Arc::new(inputs.iter().map(|(_, input)| Some(input.etag.clone())).collect::<StringArray>()),
            Arc::new(inputs.iter().map(|(_, input)| Some(count(input.bytes))).collect::<Int64Array>()),
            Arc::new(inputs.iter().map(|(_, input)| Some(count(input.rows))).collect::<Int64Array>()),
        ],
    )
}

/// A source object belongs to no dataset.
fn dataset(input: &schemas::InputFile) -> Option<String> {
    (!input.dataset.is_empty()).then(|| input.dataset.clone())
}
