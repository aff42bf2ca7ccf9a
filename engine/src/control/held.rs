//! Rows at hand, from which lists of violations are made without reading files again.
//!
//! Violations are few as a rule. While they are, one scan serves all controls over the rows of one table, the
//! statement of a control of form 2 runs once, and one scan finds where all its violations come from. What is printed
//! beside a figure reads files and gives the same rows. Absent: many violations. Beyond the budget a list is read from
//! files, sorted and cut there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident, lit};
use futures::StreamExt;

use super::bind::name;
use super::bound::{FOUND, Origin, Parts, Predicates};
use super::fused::{Scanned, Shared};
use super::prepare::{Obstacle, Prepared, chain};
use crate::error::EngineError;
use crate::lake_session::{LakeSession, stream_error};

/// Bytes of all rows held at a time.
const HELD_BYTES: usize = 128 << 20;

/// What may still be held.
#[derive(Debug)]
pub(crate) struct Budget {
    rows: usize,
    bytes: usize,
}

impl Budget {
    /// Room for `rows` of all controls together.
    pub(crate) fn new(rows: usize) -> Self {
        Self { rows, bytes: HELD_BYTES }
    }

    /// Whether rows may be held at all.
    pub(crate) fn holds_rows(&self) -> bool {
        self.rows > 0
    }

    /// Takes room for a batch, if there is any.
    fn take(&mut self, batch: &RecordBatch) -> bool {
        let (rows, bytes) = (batch.num_rows(), batch.get_array_memory_size());
        let fits = rows <= self.rows && bytes <= self.bytes;
        if fits {
            self.rows -= rows;
            self.bytes -= bytes;
        }
        fits
    }

    fn give_back(&mut self, batches: &[RecordBatch]) {
        self.rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        self.bytes += batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>();
    }
}

/// Tables in memory that a list of violations reads in place of files.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    tables: Vec<(String, Arc<MemTable>)>,
}

impl Held {
    fn new(name: &str, schema: SchemaRef, rows: Vec<RecordBatch>) -> Result<Self, EngineError> {
        let table = MemTable::try_new(schema, vec![rows]).map_err(|source| EngineError::sql("run", source))?;
        Ok(Self { tables: vec![(name.to_owned(), Arc::new(table))] })
    }

    /// A session that sees these tables and nothing else.
    pub(crate) fn session(&self, session: &LakeSession) -> Result<LakeSession, EngineError> {
        let tables: Vec<_> = self
            .tables
            .iter()
            .map(|(name, table)| (name.as_str(), Arc::clone(table) as Arc<dyn TableProvider>))
            .collect();
        session.over(&tables)
    }
}

/// Shows `each` batch of a stream; the rows are held as long as there is room for them.
pub(crate) async fn held_stream(
    mut stream: SendableRecordBatchStream,
    budget: &mut Budget,
    each: &mut dyn FnMut(&RecordBatch) -> Result<(), EngineError>,
) -> Result<Option<Held>, EngineError> {
    let schema = stream.schema();
    let mut rows = Some(Vec::new());
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(stream_error)?;
        each(&batch)?;
        match &mut rows {
            Some(rows) if budget.take(&batch) => rows.push(batch),
            Some(_) => budget.give_back(&rows.take().unwrap_or_default()),
            None => {}
        }
    }
    rows.map(|rows| Held::new(FOUND, schema, rows)).transpose()
}

/// Gives controls of form 1 their violating rows: one scan a table, for as many controls as there is room for.
///
/// # Errors
/// When an object changed under the run.
pub(crate) async fn share(
    session: &LakeSession,
    prepared: &[Prepared<'_>],
    shared: &BTreeMap<String, Shared>,
    scanned: &mut [Result<Scanned, Obstacle>],
    budget: &mut Budget,
) -> Result<(), EngineError> {
    let mut tables: BTreeMap<&str, Vec<Sharing<'_>>> = BTreeMap::new();
    for (at, (control, scanned)) in prepared.iter().zip(scanned.iter()).enumerate() {
        if let (Some(sql), Some(plan), Ok(scanned)) = (&control.sql, &control.violations_plan, scanned)
            && let Parts::Rows(predicates) = &sql.parts
        {
            let violations = scanned.counts.values().map(|counts| counts.violations).sum();
            if violations > 0 {
                tables.entry(&predicates.table).or_default().push(Sharing { at, violations, predicates, plan });
            }
        }
    }
    for (table, mut members) in tables {
        // The fewest first: the most controls find room.
        members.sort_by_key(|member| (member.violations, member.at));
        let mut room = u64::try_from(budget.rows).unwrap_or(u64::MAX);
        members.retain(|member| {
            let fits = member.violations <= room;
            room = room.saturating_sub(if fits { member.violations } else { 0 });
            fits
        });
        if members.len() < 2 {
            continue;
        }
        let instants = shared.get(table).and_then(|shared| shared.tally.instants.as_ref());
        match violating_rows(session, table, &members, instants, budget).await {
            Ok(Some(held)) => {
                for member in &members {
                    if let Ok(scanned) = &mut scanned[member.at] {
                        scanned.held = Some(held.clone());
                    }
                }
            }
            Ok(None) => {}
            Err(error @ EngineError::Changed { .. }) => return Err(error),
            Err(error) => {
                let cause = chain(&error);
                tracing::warn!(table, cause, "shared list of violations failed, will read it control by control");
            }
        }
    }
    Ok(())
}

/// A control whose violations are read together with others'.
struct Sharing<'a> {
    at: usize,
    violations: u64,
    predicates: &'a Predicates,
    plan: &'a LogicalPlan,
}

async fn violating_rows(
    session: &LakeSession,
    table: &str,
    members: &[Sharing<'_>],
    instants: Option<&BTreeSet<i64>>,
    budget: &mut Budget,
) -> Result<Option<Held>, EngineError> {
    let mut columns = BTreeSet::new();
    for member in members {
        columns.extend(columns_named(member.plan, table));
    }
    let columns: Vec<String> = columns.iter().map(|column| name(column)).collect();
    let conditions = members.iter().map(|Sharing { predicates, .. }| {
        let within = predicates.within.as_deref().map(|within| format!(" AND {within}")).unwrap_or_default();
        format!("(({}) AND ({}){within})", predicates.population, predicates.violation)
    });
    let conditions: Vec<String> = conditions.collect();
    let sql = format!("SELECT {} FROM {} WHERE {}", columns.join(", "), name(table), conditions.join(" OR "));
    let time = members.iter().find_map(|member| member.predicates.time.as_deref());
    let rows = match (instants, time) {
        (Some(instants), Some(time)) => {
            let then = at_instants(session, table, time, instants).await?;
            then.stream(&then.plan(&sql).await?).await?
        }
        _ => session.stream(&session.plan(&sql).await?).await?,
    };
    let held = held_stream(rows, budget, &mut |_| Ok(())).await?;
    Ok(held.map(|held| Held { tables: held.tables.into_iter().map(|(_, rows)| (table.to_owned(), rows)).collect() }))
}

/// A session that sees the rows of `table` at these instants, and nothing else.
async fn at_instants(
    session: &LakeSession,
    table: &str,
    time: &str,
    instants: &BTreeSet<i64>,
) -> Result<LakeSession, EngineError> {
    let Some(dataset) = session.table(table).await? else {
        return Err(EngineError::Bug { what: format!("dataset \"{table}\" is gone") });
    };
    let zone = dataset.schema().field_with_name(time).ok().and_then(|field| match field.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    });
    let instants = instants.iter().map(|at| lit(ScalarValue::TimestampMicrosecond(Some(*at), zone.clone())));
    let then = LogicalPlanBuilder::scan(table, provider_as_source(dataset), None)
        .and_then(|scan| scan.filter(ident(time).in_list(instants.collect(), false)))
        .and_then(LogicalPlanBuilder::build)
        .map_err(|source| EngineError::sql("planned", source))?;
    let then: Arc<dyn TableProvider> = Arc::new(ViewTable::new(then, None));
    session.sparse().over(&[(table, then)])
}

/// Columns of `table` that a plan names, as it was written.
fn columns_named(plan: &LogicalPlan, table: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let mut there = BTreeSet::new();
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && scan.table_name.table() == table
        {
            there.extend(scan.source.schema().fields().iter().map(|field| field.name().clone()));
        }
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::Column(Column { name, .. }) = part {
                    named.insert(name.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    debug_assert!(walked.is_ok(), "the walk itself returns no error");
    named.intersection(&there).cloned().collect()
}

/// Gives the violations held of controls of form 2 their origin: one scan a dataset for all of them.
///
/// # Errors
/// When an object changed under the run.
pub(crate) async fn trace(
    session: &LakeSession,
    prepared: &[Prepared<'_>],
    scanned: &mut [Result<Scanned, Obstacle>],
) -> Result<(), EngineError> {
    let mut wanted: BTreeMap<&Origin, Vec<usize>> = BTreeMap::new();
    for (at, (control, scanned)) in prepared.iter().zip(scanned.iter()).enumerate() {
        if let (Some(sql), Ok(Scanned { held: Some(_), counts })) = (&control.sql, scanned)
            && let Parts::Statements(statements) = &sql.parts
            && let Some(origin) = &statements.origin
            && counts.values().any(|counts| counts.violations > 0)
        {
            wanted.entry(origin).or_default().push(at);
        }
    }
    for (origin, members) in wanted {
        let held: Vec<&Held> = members.iter().filter_map(|at| scanned[*at].as_ref().ok()?.held.as_ref()).collect();
        let rows = match origins(session, origin, &held).await {
            Ok(rows) => Some(rows),
            Err(error @ EngineError::Changed { .. }) => return Err(error),
            Err(error) => {
                let cause = chain(&error);
                tracing::warn!(
                    table = origin.table,
                    cause,
                    "shared list of origins failed, will read it control by control"
                );
                None
            }
        };
        for at in members {
            let Ok(scanned) = &mut scanned[at] else { continue };
            match (&mut scanned.held, &rows) {
                (Some(held), Some(rows)) => held.tables.push((origin.table.clone(), Arc::clone(rows))),
                _ => scanned.held = None,
            }
        }
    }
    Ok(())
}

/// The rows of a dataset that the violations held speak of, with what leads to their source.
async fn origins(session: &LakeSession, origin: &Origin, held: &[&Held]) -> Result<Arc<MemTable>, EngineError> {
    let Some(dataset) = session.table(&origin.table).await? else {
        return Err(EngineError::Bug { what: format!("dataset \"{}\" is gone", origin.table) });
    };
    let names: Vec<String> = (0..held.len()).map(|member| format!("{FOUND}_{member}")).collect();
    let mut tables = vec![(origin.table.as_str(), dataset)];
    for (held, name) in held.iter().zip(&names) {
        tables.extend(held.tables.iter().map(|(_, rows)| (name.as_str(), Arc::clone(rows) as Arc<dyn TableProvider>)));
    }
    let keys: Vec<String> = names.iter().map(|table| format!("SELECT event_id, time FROM {table}")).collect();
    let keys = keys.join(" UNION ALL ");
    let tenant = name(&origin.tenant);
    let sql = format!(
        "SELECT {tenant}, event_id, time, raw_ref, raw_hash FROM {} \
         WHERE event_id IN (SELECT event_id FROM ({keys}) AS keys)",
        name(&origin.table)
    );
    let over = session.over(&tables)?;
    let plan = over.plan(&sql).await?;
    let schema = Arc::new(plan.schema().as_arrow().clone());
    let rows = over.collect(&plan).await?;
    MemTable::try_new(schema, vec![rows]).map(Arc::new).map_err(|source| EngineError::sql("run", source))
}
