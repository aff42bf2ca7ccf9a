//! The schema `auditlake`: our own records as tables.

use std::sync::Arc;

use arrow::array::{BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::{EngineError, Lakefront, PinnedFile, StatesUsed, SystemTable, SystemTables, recorded_path};
use object_store::ObjectMeta;
use schemas::{CONTROL_RESULT, CivilZone, Dataset, Decision, FINDING, FindingState, Via, standing};

use crate::access::rows_of;
use crate::decisions::Decisions;
use crate::ledger::{Ledger, OutputRole, RunEntry};
use crate::lineage::Logged;
use crate::subject::Withdrawals;

mod edges;
mod files;
mod ingests;
mod retention;
mod statements;
mod verified;

pub(crate) use statements::statement_rows;

/// Reads the ledger when a statement names one of its tables.
#[derive(Debug)]
pub(crate) struct LedgerTables {
    front: Lakefront,
    /// Zone in which the last day of a decision ends.
    zone: CivilZone,
    /// Datasets of the lake, with what holds what their ingests refused.
    datasets: Vec<Dataset>,
}

impl LedgerTables {
    pub(crate) fn new(front: Lakefront, zone: CivilZone, datasets: Vec<Dataset>) -> Self {
        Self { front, zone, datasets }
    }

    /// What committed runs wrote. Where an erasure withdrew rows that showed somebody, those that stand in their place.
    async fn files(&self, role: OutputRole) -> Result<Vec<PinnedFile>, EngineError> {
        let mut files = Vec::new();
        let mut withdrawals: Option<Withdrawals> = None;
        for run in Ledger::new(self.front.clone()).runs().await? {
            for output in run.commit.into_iter().flat_map(|commit| commit.outputs) {
                if output.role != role {
                    continue;
                }
                let path = recorded_path(&output.path);
                let meta = match self.front.head(&path).await? {
                    Some(meta) => meta,
                    None => self.instead_of(&output.path, &mut withdrawals).await?.ok_or_else(|| {
                        let what = "is gone, although a committed run wrote it".to_owned();
                        EngineError::Damaged { path: output.path, what }
                    })?,
                };
                files.push(PinnedFile::new(meta));
            }
        }
        Ok(files)
    }

    /// What stands in the place of a file that is gone; cases are read once one is.
    async fn instead_of(
        &self,
        path: &str,
        withdrawals: &mut Option<Withdrawals>,
    ) -> Result<Option<ObjectMeta>, EngineError> {
        if withdrawals.is_none() {
            *withdrawals = Some(Withdrawals::read(&self.front).await?);
        }
        for object in withdrawals.iter().flat_map(|known| known.in_place_of(path)) {
            let there = self.front.head(&recorded_path(&object.path)).await?;
            if there.is_some() {
                return Ok(there);
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl SystemTables for LedgerTables {
    fn names(&self) -> Vec<String> {
        [
            "control_results",
            "files",
            "finding_decisions",
            "findings",
            "holds",
            "ingests",
            "lineage_edges",
            "receipts",
            "run_inputs",
            "runs",
            "statements",
            "verify_findings",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    async fn table(&self, name: &str, at: DateTime<Utc>) -> Result<Option<SystemTable>, EngineError> {
        let ledger = Ledger::new(self.front.clone());
        Ok(Some(match name {
            "control_results" => {
                SystemTable::Files(CONTROL_RESULT.arrow(), self.files(OutputRole::ControlResults).await?)
            }
            "findings" => {
                let files = self.files(OutputRole::Findings).await?;
                let rows = states(&Decisions::read(&self.front).await?, at, self.zone)?;
                if rows.num_rows() == 0 {
                    SystemTable::Files(FINDING.arrow(), files)
                } else {
                    SystemTable::Amended { schema: FINDING.arrow(), files, key: "finding_id", rows }
                }
            }
            "finding_decisions" => finding_decisions(&Decisions::read(&self.front).await?, at, self.zone)?,
            "lineage_edges" => edges::table(&Logged::read(&self.front).await?.merged()?.facts())?,
            "files" => files::files(&self.front, &self.datasets).await?,
            "ingests" => ingests::ingests(&ledger.runs().await?)?,
            "runs" => runs(&ledger.runs().await?)?,
            "run_inputs" => run_inputs(&ledger.runs().await?)?,
            "holds" => retention::holds(&self.front).await?,
            "receipts" => retention::receipts(&self.front).await?,
            "verify_findings" => verified::table(&self.front, &ledger.runs().await?).await?,
            "statements" => statements::table(&rows_of(&self.front).await?)?,
            _ => return Ok(None),
        }))
    }
}

/// What a row of a table is that has no schema in `schemas`.
pub(crate) fn doc(table: &str) -> Option<&'static str> {
    match table {
        "auditlake.lineage_edges" => Some("One dependency of a column or a dataset on another, and when it held."),
        "auditlake.holds" => Some("One record of a legal hold: placed, amended or released."),
        "auditlake.receipts" => Some("One object that retention changed, with its rows before and after."),
        "auditlake.verify_findings" => Some("One thing that a verification found wrong."),
        "auditlake.files" => Some("One file of a dataset that counts."),
        "auditlake.ingests" => Some("What one run of a job ingested."),
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

fn batch(schema: SchemaRef, columns: Vec<arrow::array::ArrayRef>) -> Result<RecordBatch, EngineError> {
    RecordBatch::try_new(schema, columns)
        .map_err(|error| EngineError::Bug { what: format!("a table of records has odd columns ({error})") })
}

fn table(schema: SchemaRef, columns: Vec<arrow::array::ArrayRef>) -> Result<SystemTable, EngineError> {
    let rows = batch(Arc::clone(&schema), columns)?;
    Ok(SystemTable::Rows(schema, vec![rows]))
}

/// Where every finding that was decided about stands at `at`.
fn states(decisions: &Decisions, at: DateTime<Utc>, zone: CivilZone) -> Result<RecordBatch, EngineError> {
    let schema = Arc::new(Schema::new(vec![text("finding_id", false), text("state", false), text("decided_by", true)]));
    let standing: Vec<_> = decisions.all().map(|(finding, made)| (finding, standing(made, at, zone))).collect();
    let by = standing.iter().map(|(_, stands)| {
        let in_force = stands.decision.filter(|_| stands.state != FindingState::Open);
        in_force.map(|decision| decision.by.clone())
    });
    batch(
        schema,
        vec![
            Arc::new(standing.iter().map(|(finding, _)| Some(*finding)).collect::<StringArray>()),
            Arc::new(standing.iter().map(|(_, stands)| Some(stands.state.as_str())).collect::<StringArray>()),
            Arc::new(by.collect::<StringArray>()),
        ],
    )
}

/// Every decision made by `at`.
fn finding_decisions(decisions: &Decisions, at: DateTime<Utc>, zone: CivilZone) -> Result<SystemTable, EngineError> {
    let schema = Arc::new(Schema::new(vec![
        text("finding_id", false),
        whole("number"),
        text("state", false),
        text("decided_by", false),
        text("reason", false),
        Field::new("until", DataType::Date32, true),
        instant("decided_at"),
        Field::new("in_force", DataType::Boolean, false),
        Field::new("expired", DataType::Boolean, false),
    ]));
    let mut all: Vec<(&str, u64, &Decision, Option<bool>)> = Vec::new();
    for (finding, made) in decisions.all() {
        let stands = standing(made, at, zone);
        for (number, decision) in (1..).zip(made).filter(|(_, decision)| decision.at <= at) {
            let last = stands.decision.filter(|last| std::ptr::eq(*last, decision));
            all.push((finding, number, decision, last.map(|_| stands.state != FindingState::Open)));
        }
    }
    let last =
        |in_force: bool| Arc::new(all.iter().map(|(.., last)| Some(*last == Some(in_force))).collect::<BooleanArray>());
    let texts = |of: fn(&Decision) -> &str| {
        Arc::new(all.iter().map(|(_, _, decision, _)| Some(of(decision))).collect::<StringArray>())
    };
    let days = |day: chrono::NaiveDate| {
        i32::try_from(day.signed_duration_since(DateTime::UNIX_EPOCH.date_naive()).num_days()).unwrap_or(i32::MAX)
    };
    table(
        schema,
        vec![
            Arc::new(all.iter().map(|(finding, ..)| Some(*finding)).collect::<StringArray>()),
            Arc::new(all.iter().map(|(_, number, ..)| Some(count(*number))).collect::<Int64Array>()),
            texts(|decision| decision.state.as_str()),
            texts(|decision| &decision.by),
            texts(|decision| &decision.reason),
            Arc::new(all.iter().map(|(_, _, decision, _)| decision.until.map(days)).collect::<Date32Array>()),
            instants(all.iter().map(|(_, _, decision, _)| Some(decision.at))),
            last(true),
            last(false),
        ],
    )
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
        whole("states_reused"),
        whole("states_computed"),
        whole("border_files"),
        whole("states_bytes"),
        text("fingerprint", true),
        text("full_reason", true),
        instant("committed_at"),
    ]));
    let last = |run: &RunEntry| run.attempts.last().cloned();
    let interval = |run: &RunEntry| last(run).map(|start| start.interval).or_else(|| run.ends.interval());
    let commit = |of: fn(&crate::ledger::CommitRecord) -> u64| {
        let values = runs.iter().map(|run| run.commit.as_ref().map(|commit| count(of(commit))));
        Arc::new(values.collect::<Int64Array>())
    };
    let states = |run: &RunEntry| run.commit.as_ref()?.summary.query.as_ref()?.states.clone();
    let used = |of: fn(&StatesUsed) -> u64| {
        let values = runs.iter().map(|run| states(run).map(|states| count(of(&states))));
        Arc::new(values.collect::<Int64Array>())
    };
    table(
        schema,
        vec![
            Arc::new(runs.iter().map(|run| Some(run.run.clone())).collect::<StringArray>()),
            Arc::new(runs.iter().map(|run| Some(run.job.clone())).collect::<StringArray>()),
            Arc::new(runs.iter().map(|run| last(run).map(|start| start.kind)).collect::<StringArray>()),
            Arc::new(runs.iter().map(|run| Some(run.state())).collect::<StringArray>()),
            instants(runs.iter().map(|run| interval(run).map(|interval| interval.start))),
            instants(runs.iter().map(|run| interval(run).map(|interval| interval.end))),
            Arc::new(runs.iter().map(|run| Some(count(run.attempts.len() as u64))).collect::<Int64Array>()),
            instants(runs.iter().map(|run| last(run).map(|start| start.started_at))),
            commit(|commit| commit.inputs.len() as u64),
            commit(|commit| commit.outputs.len() as u64),
            commit(|commit| commit.summary.findings),
            Arc::new(runs.iter().map(RunEntry::why).collect::<StringArray>()),
            used(|states| states.states_reused),
            used(|states| states.states_computed),
            used(|states| states.border_files),
            used(|states| states.states_bytes),
            Arc::new(runs.iter().map(|run| Some(states(run)?.fingerprints.join(","))).collect::<StringArray>()),
            Arc::new(runs.iter().map(|run| states(run)?.full_reason.clone()).collect::<StringArray>()),
            instants(runs.iter().map(|run| run.commit.as_ref()?.committed_at)),
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
        text("via", false),
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
            Arc::new(
                inputs.iter().map(|(_, input)| Some(input.via.unwrap_or(Via::Read).as_str())).collect::<StringArray>(),
            ),
        ],
    )
}

/// A source object belongs to no dataset.
fn dataset(input: &schemas::InputFile) -> Option<String> {
    (!input.dataset.is_empty()).then(|| input.dataset.clone())
}
