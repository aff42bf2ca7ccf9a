//! Runs a statement over rows of which one column was drawn again, and compares.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use lineage::{FunctionClasses, Names, SourceColumn, trace};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use schemas::Certainty;
use tokio::runtime::Runtime;

use crate::rows::{Rows, TABLES};

/// How often a column is drawn again.
const DRAWS: u64 = 2;

/// A column of a table, by name.
type Column = (String, String);

/// What is recorded of a statement, by whole columns.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    outputs: Vec<BTreeSet<Column>>,
    rows: BTreeSet<Column>,
    opaque: usize,
}

/// One recorded dependency: of an output at a position, or of the rows.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    output: Option<usize>,
    source: Column,
}

impl Recorded {
    /// Every dependency that the oracle can tell from the others: of those of an output, the ones that are not of the
    /// rows, too.
    pub(crate) fn edges(&self) -> Vec<Edge> {
        let of_rows = self.rows.iter().filter(|source| !self.outputs.iter().any(|output| output.contains(*source)));
        let of_rows = of_rows.map(|source| Edge { output: None, source: source.clone() });
        let of_outputs = self.outputs.iter().enumerate().flat_map(|(at, sources)| {
            let own = sources.iter().filter(|source| !self.rows.contains(*source));
            own.map(move |source| Edge { output: Some(at), source: source.clone() })
        });
        of_outputs.chain(of_rows).collect()
    }

    pub(crate) fn without(&self, edge: &Edge) -> Self {
        let mut less = self.clone();
        match edge.output {
            Some(at) => less.outputs[at].remove(&edge.source),
            None => less.rows.remove(&edge.source),
        };
        less
    }
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) statements: usize,
    /// Drawn and not planned or run.
    pub(crate) refused: usize,
    /// Runs over other values.
    runs: usize,
    /// Of these, those that failed.
    failed: usize,
    edges: usize,
    confirmed: usize,
    pub(crate) opaque: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = 100.0 * self.confirmed as f64 / self.edges.max(1) as f64;
        write!(
            f,
            "{} statements, {} more refused; {} runs, {} of them failed; {} of {} edges confirmed ({share:.1} %)",
            self.statements, self.refused, self.runs, self.failed, self.confirmed, self.edges
        )
    }
}

/// Tables, and a session over them.
pub(crate) struct Lake {
    runtime: Runtime,
    context: SessionContext,
}

/// Each column of an answer, its values sorted.
type Answer = Vec<Vec<String>>;

impl Lake {
    pub(crate) fn new() -> Self {
        Self { runtime: tokio::runtime::Builder::new_current_thread().build().expect("a runtime"), context: session() }
    }

    /// What is recorded of a statement; none where it does not plan or run.
    pub(crate) fn recorded(&self, sql: &str) -> Option<Recorded> {
        let rows = Rows::drawn(&mut ChaCha8Rng::seed_from_u64(0));
        self.answer(&rows, sql).ok()?;
        let state = self.context.state();
        let plan = self.runtime.block_on(state.create_logical_plan(sql)).ok()?;
        let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {}).ok()?;
        let traced = trace(&plan, &Names::new(""), &FunctionClasses::default());
        let opaque = traced.outputs.iter().filter(|output| output.certainty != Certainty::Exact).count();
        Some(Recorded {
            outputs: traced.outputs.iter().map(|output| output.columns.keys().map(whole).collect()).collect(),
            rows: traced.lineage.columns.keys().map(whole).collect(),
            opaque,
        })
    }

    /// Every output that changes with a column on which nothing says it depends.
    pub(crate) fn misses(&self, sql: &str, recorded: &Recorded, seed: u64, tally: &mut Tally) -> Vec<String> {
        tally.statements += 1;
        tally.opaque += recorded.opaque;
        let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
        let rows = Rows::drawn(&mut chance);
        let Ok(before) = self.answer(&rows, sql) else {
            tally.failed += 1;
            return Vec::new();
        };
        let mut misses = Vec::new();
        for (at, (table, columns)) in TABLES.iter().enumerate() {
            if !sql.contains(&format!("{table} ")) && !sql.ends_with(&format!("FROM {table}")) {
                continue;
            }
            for (column, (name, _)) in columns.iter().enumerate() {
                let source: Column = ((*table).to_owned(), (*name).to_owned());
                let mut changed = vec![false; before.len()];
                for _ in 0..DRAWS {
                    tally.runs += 1;
                    match self.answer(&rows.with_other(at, column, &mut chance), sql) {
                        Ok(after) => {
                            for (changed, (before, after)) in changed.iter_mut().zip(before.iter().zip(&after)) {
                                *changed |= before != after;
                            }
                        }
                        Err(_) => tally.failed += 1,
                    }
                }
                misses.extend(told(&source, &changed, recorded, tally));
            }
        }
        misses
    }

    /// What a statement answers over these rows.
    fn answer(&self, rows: &Rows, sql: &str) -> Result<Answer> {
        let context = &self.context;
        for (at, (name, _)) in TABLES.iter().enumerate() {
            let batch = rows.batch(at);
            let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
            context.deregister_table(*name)?;
            context.register_table(*name, Arc::new(table))?;
        }
        let (batches, width): (Vec<RecordBatch>, usize) = self.runtime.block_on(async {
            let frame = context.sql(sql).await?;
            let width = frame.schema().fields().len();
            Ok::<_, DataFusionError>((frame.collect().await?, width))
        })?;
        let mut answer = vec![Vec::new(); width];
        let options = FormatOptions::default().with_null("null");
        for batch in &batches {
            for (values, column) in answer.iter_mut().zip(batch.columns()) {
                let shown = ArrayFormatter::try_new(column, &options)?;
                values.extend((0..batch.num_rows()).map(|row| shown.value(row).to_string()));
            }
        }
        answer.iter_mut().for_each(|values| values.sort_unstable());
        Ok(answer)
    }
}

/// Compares what changed with one column to what is recorded.
fn told(source: &Column, changed: &[bool], recorded: &Recorded, tally: &mut Tally) -> Vec<String> {
    let (table, name) = source;
    if recorded.rows.contains(source) {
        tally.edges += 1;
        tally.confirmed += usize::from(changed.contains(&true));
        return Vec::new();
    }
    let mut misses = Vec::new();
    for (at, (changed, sources)) in changed.iter().zip(&recorded.outputs).enumerate() {
        if sources.contains(source) {
            tally.edges += 1;
            tally.confirmed += usize::from(*changed);
        } else if *changed {
            misses.push(format!("column {at} changes with {table}.{name}"));
        }
    }
    misses
}

/// The column that a source is part of.
fn whole(source: &SourceColumn) -> Column {
    let end = source.column.find(['.', '[']).unwrap_or(source.column.len());
    (source.dataset.name.clone(), source.column[..end].to_owned())
}

#[expect(clippy::disallowed_methods, reason = "statements are run here, and the engine is a sibling of this crate")]
fn session() -> SessionContext {
    // A statement whose rows multiply beyond this is refused.
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(64 << 20, 1.0).build_arc().expect("a runtime");
    SessionContext::new_with_config_rt(SessionConfig::new().with_target_partitions(1), runtime)
}
