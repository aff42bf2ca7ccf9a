//! n, v, u and w of every control: those over the rows of one table share one scan.
//!
//! When the shared scan fails, its controls run one by one, and only those that fail alone fail. A control of form 2
//! runs its two statements, each once. Absent: the rows that prove violations, beyond what `held.rs` keeps of them.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;

use super::bound::{Parts, Predicates, Statements};
use super::gathered::Gathered;
use super::held::{Budget, Held, held_stream};
use super::prepare::{Obstacle, Prepared};
use super::tally::{Tally, tally};
use crate::error::EngineError;
use crate::lake_session::{LakeSession, stream_error};

/// The figures of one control and tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) population: u64,
    pub(crate) violations: u64,
    pub(crate) undecided_violation: u64,
    pub(crate) undecided_population: u64,
    /// Rows near a violation; none when the control does not count them.
    pub(crate) warnings: Option<u64>,
}

impl Counts {
    pub(super) fn new(
        [population, violations, undecided_violation, undecided_population]: [u64; 4],
        warnings: Option<u64>,
    ) -> Self {
        Self { population, violations, undecided_violation, undecided_population, warnings }
    }

    pub(crate) fn undecided(&self) -> u64 {
        self.undecided_violation.saturating_add(self.undecided_population)
    }
}

/// Figures by tenant.
pub(crate) type ByScope = BTreeMap<String, Counts>;

/// What the scans of one control gave.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) counts: ByScope,
    /// Its violations, while they are few.
    pub(crate) held: Option<Held>,
}

/// One scan for the controls over the rows of one table, for each table that several of them look at.
///
/// # Errors
/// When an object changed under the run.
pub(crate) async fn tallies(
    session: &LakeSession,
    prepared: &[Prepared<'_>],
) -> Result<BTreeMap<String, Shared>, EngineError> {
    let mut tables: BTreeMap<&str, Vec<(usize, &Predicates)>> = BTreeMap::new();
    for (at, control) in prepared.iter().enumerate() {
        if let (None, Some(sql)) = (&control.obstacle, &control.sql)
            && let Parts::Rows(predicates) = &sql.parts
        {
            tables.entry(&predicates.table).or_default().push((at, predicates));
        }
    }
    let mut shared = BTreeMap::new();
    for (table, members) in tables.into_iter().filter(|(_, members)| members.len() > 1) {
        let (places, predicates): (Vec<usize>, Vec<&Predicates>) = members.into_iter().unzip();
        match tally(session, &predicates).await {
            Ok(tally) => drop(shared.insert(table.to_owned(), Shared { members: places, tally })),
            Err(error) if error.is_of_store() => return Err(error),
            Err(error) => {
                let cause = super::prepare::chain(&error);
                tracing::warn!(table, cause, "shared scan failed, will run controls one by one");
            }
        }
    }
    Ok(shared)
}

/// What one scan said of several controls.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Places of the controls.
    members: Vec<usize>,
    /// Their figures, in that order.
    pub(crate) tally: Tally,
}

impl Shared {
    /// Tenants with rows in the interval.
    pub(crate) fn tenants(&self) -> BTreeSet<String> {
        self.tally.counts.first().map(|counts| counts.keys().cloned().collect()).unwrap_or_default()
    }

    fn counts_of(&self, at: usize) -> Option<&ByScope> {
        let place = self.members.iter().position(|member| *member == at)?;
        self.tally.counts.get(place)
    }
}

/// The figures of each control, in order; a control with an obstacle has none.
///
/// # Errors
/// When an object changed under the run.
pub(crate) async fn counts(
    session: &LakeSession,
    prepared: &[Prepared<'_>],
    shared: &BTreeMap<String, Shared>,
    budget: &mut Budget,
) -> Result<Vec<Result<Scanned, Obstacle>>, EngineError> {
    let gathered = if budget.holds_rows() { Gathered::of(session, prepared).await? } else { Gathered::default() };
    let mut all = Vec::with_capacity(prepared.len());
    for (at, control) in prepared.iter().enumerate() {
        let counted = shared.values().find_map(|shared| shared.counts_of(at)).cloned();
        let found = match (&control.obstacle, &control.sql, counted) {
            (None, Some(_), Some(counts)) => Ok(Scanned { counts, held: None }),
            (None, Some(sql), None) => {
                let found = match &sql.parts {
                    Parts::Rows(_) => alone(session, &sql.counts).await.map(|counts| Scanned { counts, held: None }),
                    Parts::Statements(statements) => both(session, &gathered, statements, budget).await,
                };
                match found {
                    Ok(found) => Ok(found),
                    Err(error) => Err(Obstacle::of(error)?),
                }
            }
            (obstacle, ..) => Err(obstacle.clone().unwrap_or_else(|| {
                Obstacle::error(&EngineError::Bug { what: "a control without SQL has no obstacle".to_owned() })
            })),
        };
        all.push(found);
    }
    Ok(all)
}

async fn alone(session: &LakeSession, counts_sql: &str) -> Result<ByScope, EngineError> {
    figures_of(&session.query(counts_sql).await?)
}

fn figures_of(batches: &[RecordBatch]) -> Result<ByScope, EngineError> {
    let warnings = batches.first().and_then(|batch| batch.schema().index_of("w").ok());
    by_scope(batches, warnings)
}

/// Runs the two statements of a control of form 2.
async fn both(
    session: &LakeSession,
    gathered: &Gathered,
    statements: &Statements,
    budget: &mut Budget,
) -> Result<Scanned, EngineError> {
    let population = gathered.stream(session, &statements.population).await?;
    let mut counts = figures_of(&population.try_collect::<Vec<_>>().await.map_err(stream_error)?)?;
    let warnings = statements.warns.then_some(0);
    let found = gathered.stream(session, &statements.found).await?;
    let held = held_stream(found, budget, &mut |batch| {
        let scopes = texts(batch, 0)?;
        for scope in scopes.as_string::<i32>() {
            let scope = scope.ok_or_else(|| shape("a row without a tenant"))?;
            match counts.get_mut(scope) {
                Some(counts) => counts.violations += 1,
                None => drop(counts.insert(scope.to_owned(), Counts::new([0, 1, 0, 0], warnings))),
            }
        }
        Ok(())
    })
    .await?;
    Ok(Scanned { counts, held })
}

/// Reads scope from the first column, four figures from those after it, and warnings where there are such.
fn by_scope(batches: &[RecordBatch], warnings: Option<usize>) -> Result<ByScope, EngineError> {
    let mut found = ByScope::new();
    for batch in batches {
        let scopes = texts(batch, 0)?;
        let scopes = scopes.as_string::<i32>();
        let warnings = warnings.map(|at| figures(batch, at)).transpose().map_err(|what| shape(&what))?;
        let figures = [1, 2, 3, 4].map(|at| figures(batch, at));
        for row in 0..batch.num_rows() {
            if scopes.is_null(row) {
                return Err(shape("a row without a tenant"));
            }
            let mut counts = [0; 4];
            for (count, column) in counts.iter_mut().zip(&figures) {
                *count = *column.as_ref().map_err(|what| shape(what))?.get(row).unwrap_or(&0);
            }
            let warnings = warnings.as_ref().map(|figures| figures.get(row).copied().unwrap_or(0));
            if found.insert(scopes.value(row).to_owned(), Counts::new(counts, warnings)).is_some() {
                return Err(shape("one tenant twice"));
            }
        }
    }
    Ok(found)
}

/// A column as text.
pub(crate) fn texts(batch: &RecordBatch, at: usize) -> Result<arrow::array::ArrayRef, EngineError> {
    cast(batch.column(at), &DataType::Utf8).map_err(|error| EngineError::sql("run", error.into()))
}

fn figures(batch: &RecordBatch, at: usize) -> Result<Vec<u64>, String> {
    let name = batch.schema().field(at).name().clone();
    let column = cast(batch.column(at), &DataType::Int64).map_err(|_| format!("{name}, which is not a count"))?;
    let values = column.as_primitive::<Int64Type>().iter();
    values.map(|value| u64::try_from(value.unwrap_or(0)).map_err(|_| format!("{name}, which is below zero"))).collect()
}

pub(crate) fn shape(what: &str) -> EngineError {
    let message = format!("the counting statement returns {what}");
    EngineError::sql("run", datafusion::error::DataFusionError::Execution(message))
}
