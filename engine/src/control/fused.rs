//! n, v, u and w of every control: those over the rows of one table share one scan.
//!
//! When the shared scan fails, its controls run one by one, and only those that fail alone fail. A control of form 2
//! runs its two statements, each once. Absent: the rows that prove violations, beyond what `held.rs` keeps of them.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;

use super::bound::{Parts, Predicates, Statements};
use super::held::{Budget, Held, held_stream};
use super::prepare::{Obstacle, Prepared};
use super::rows::{aggregates, per_tenant};
use crate::error::EngineError;
use crate::session::LakeSession;

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
    fn new(
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

/// The figures of each control, in order; a control with an obstacle has none.
///
/// # Errors
/// When an object changed under the run.
pub(crate) async fn counts(
    session: &LakeSession,
    prepared: &[Prepared<'_>],
    budget: &mut Budget,
) -> Result<Vec<Result<Scanned, Obstacle>>, EngineError> {
    let mut tables: BTreeMap<&str, Vec<(usize, &Predicates)>> = BTreeMap::new();
    for (at, control) in prepared.iter().enumerate() {
        if let (None, Some(sql)) = (&control.obstacle, &control.sql)
            && let Parts::Rows(predicates) = &sql.parts
        {
            tables.entry(&predicates.table).or_default().push((at, predicates));
        }
    }
    let mut shared: BTreeMap<usize, ByScope> = BTreeMap::new();
    for members in tables.values().filter(|members| members.len() > 1) {
        match together(session, members).await {
            Ok(found) => shared.extend(members.iter().map(|(at, _)| *at).zip(found)),
            Err(error @ EngineError::Changed { .. }) => return Err(error),
            Err(error) => {
                let cause = super::prepare::chain(&error);
                tracing::warn!(controls = members.len(), cause, "shared scan failed, will run controls one by one");
            }
        }
    }
    let mut all = Vec::with_capacity(prepared.len());
    for (at, control) in prepared.iter().enumerate() {
        let found = match (&control.obstacle, &control.sql, shared.remove(&at)) {
            (_, _, Some(counts)) => Ok(Scanned { counts, held: None }),
            (None, Some(sql), None) => {
                let found = match &sql.parts {
                    Parts::Rows(_) => alone(session, &sql.counts).await.map(|counts| Scanned { counts, held: None }),
                    Parts::Statements(statements) => both(session, statements, budget).await,
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

async fn together(session: &LakeSession, members: &[(usize, &Predicates)]) -> Result<Vec<ByScope>, EngineError> {
    let Some((_, first)) = members.first() else { return Ok(Vec::new()) };
    let columns: Vec<String> = members
        .iter()
        .enumerate()
        .flat_map(|(member, (_, predicates))| {
            let named = aggregates(predicates).into_iter().enumerate();
            named.map(move |(figure, aggregate)| format!("{aggregate} AS c{member}_{figure}"))
        })
        .collect();
    let batches = session.query(&per_tenant(first, &columns)).await?;
    (0..members.len()).map(|member| by_scope(&batches, 1 + member * 4, None)).collect()
}

async fn alone(session: &LakeSession, counts_sql: &str) -> Result<ByScope, EngineError> {
    let batches = session.query(counts_sql).await?;
    let warnings = batches.first().and_then(|batch| batch.schema().index_of("w").ok());
    by_scope(&batches, 1, warnings)
}

/// Runs the two statements of a control of form 2.
async fn both(session: &LakeSession, statements: &Statements, budget: &mut Budget) -> Result<Scanned, EngineError> {
    let mut counts = alone(session, &statements.population).await?;
    let warnings = statements.warns.then_some(0);
    let plan = session.plan(&statements.found).await?;
    let held = held_stream(session, &plan, budget, &mut |batch| {
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

/// Reads scope from the first column, four figures from column `first` on, and warnings where there are such.
fn by_scope(batches: &[RecordBatch], first: usize, warnings: Option<usize>) -> Result<ByScope, EngineError> {
    let mut found = ByScope::new();
    for batch in batches {
        let scopes = texts(batch, 0)?;
        let scopes = scopes.as_string::<i32>();
        let warnings = warnings.map(|at| figures(batch, at)).transpose().map_err(|what| shape(&what))?;
        let figures = [first, first + 1, first + 2, first + 3].map(|at| figures(batch, at));
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

fn shape(what: &str) -> EngineError {
    let message = format!("the counting statement returns {what}");
    EngineError::sql("run", datafusion::error::DataFusionError::Execution(message))
}
