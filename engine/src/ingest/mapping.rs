//! A mapping of one's own: SQL from record to row, run over one batch of records at a time.
//!
//! A mapping looks at one record and gives one row or none: aggregates, joins, limits and orders are
//! refused, because what a record becomes must not depend on its neighbours.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, LogicalPlan, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, GroupByExpr, SelectItem, SetExpr, TableFactor};
use tokio::runtime::Handle;

use super::columns::{Columns, Origin};
use super::records::RejectKind;
use super::rejects::Refuse;
use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// Number of the record within the batch, carried through the mapping.
pub(crate) const RECORD: &str = "__record";

/// A planned mapping.
pub(crate) struct SqlMapping {
    session: LakeSession,
    plan: LogicalPlan,
    /// As it was written, for lineage: names resolved, nothing optimised.
    pub(crate) analysed: LogicalPlan,
    input: Arc<InputTable>,
    /// Columns that the mapping names, in its order.
    pub(crate) names: Vec<String>,
}

impl SqlMapping {
    /// Plans `sql` over records with these fields.
    ///
    /// # Errors
    /// When it is not a plain `SELECT … FROM input`, or does not plan.
    pub(crate) async fn plan(
        session: &LakeSession,
        name: &str,
        sql: &str,
        fields: &Fields,
    ) -> Result<Self, EngineError> {
        let mut columns: Vec<Field> = fields.iter().map(|field| field.as_ref().clone()).collect();
        columns.push(Field::new(RECORD, DataType::Int64, false));
        let schema = Arc::new(Schema::new(columns));
        let input = Arc::new(InputTable { schema, current: Mutex::new(None) });
        let session = session.over(&[("input", Arc::clone(&input) as Arc<dyn TableProvider>)])?;
        let statement = per_record(&session, name, sql)?;
        // As it was written: beside the record's number an aggregate would fail for a reason nobody understands.
        let written = session.plan(sql).await?;
        if let Some(why) = beyond_a_record(&written)? {
            return Err(EngineError::Mapping { mapping: name.to_owned(), why: why.to_owned() });
        }
        let analysed = session.analyse(written)?;
        let plan = session.plan_statement(statement).await?;
        let plan = session.optimized(&plan)?;
        let names = plan.schema().fields().iter().map(|field| field.name().clone());
        let names: Vec<String> = names.filter(|name| name != RECORD).collect();
        Ok(Self { session, plan, analysed, input, names })
    }

    /// Maps records `from..to`; the second result says which record each row came from.
    pub(crate) async fn map(&self, records: &RecordBatch) -> Result<(RecordBatch, Vec<usize>), EngineError> {
        *self.input.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(records.clone());
        let mapped = self.session.collect(&self.plan).await?;
        let schema = Arc::new(self.plan.schema().as_arrow().clone());
        let joined = arrow::compute::concat_batches(&schema, &mapped).map_err(|error| EngineError::Bug {
            what: format!("the rows of a mapping do not fit together ({error})"),
        })?;
        let numbers = joined
            .column_by_name(RECORD)
            .and_then(|column| column.as_primitive_opt::<Int64Type>())
            .map(|numbers| numbers.values().iter().map(|number| usize::try_from(*number).unwrap_or(usize::MAX)))
            .map(Iterator::collect)
            .unwrap_or_default();
        Ok((joined, numbers))
    }

    /// The records as the mapping's input.
    pub(crate) fn input(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, EngineError> {
        let mut columns = columns;
        columns.push(Arc::new((0..rows).map(|row| i64::try_from(row).unwrap_or(i64::MAX)).collect::<Int64Array>()));
        RecordBatch::try_new(Arc::clone(&self.input.schema), columns)
            .map_err(|error| EngineError::Bug { what: format!("records do not form a batch ({error})") })
    }
}

/// Completes mapped rows; the numbers say which record each row is.
pub(crate) type Complete<'a> = dyn Fn(RecordBatch, &[usize]) -> Result<RecordBatch, EngineError> + 'a;

/// One batch on its way through SQL; halved until a record whose expression fails stands alone.
pub(crate) struct Mapped<'a> {
    pub(crate) mapping: &'a SqlMapping,
    /// The mapping's input for some of the records.
    pub(crate) arrays: &'a dyn Fn(Range<usize>) -> Vec<ArrayRef>,
    /// Adds what the mapping does not give.
    pub(crate) complete: &'a Complete<'a>,
    pub(crate) runtime: &'a Handle,
    pub(crate) left_out: u64,
    pub(crate) batches: Vec<RecordBatch>,
}

impl Mapped<'_> {
    pub(crate) fn run(
        &mut self,
        columns: &Columns,
        source: (i32, &str),
        origins: &[Origin],
        rows: Range<usize>,
        refuse: &mut Refuse<'_>,
    ) -> Result<(), EngineError> {
        let input = self.mapping.input((self.arrays)(rows.clone()), rows.len())?;
        let (mapped, numbers) = match self.runtime.block_on(self.mapping.map(&input)) {
            Ok(mapped) => mapped,
            Err(EngineError::Sql { source: error, .. }) if rows.len() == 1 => {
                let why = format!("the mapping fails on it ({})", kind_of(&error));
                return refuse(rows.start, RejectKind::Type, why, None);
            }
            Err(EngineError::Sql { .. }) => {
                let middle = rows.start + rows.len() / 2;
                self.run(columns, source, origins, rows.start..middle, refuse)?;
                return self.run(columns, source, origins, middle..rows.end, refuse);
            }
            Err(error) => return Err(error),
        };
        self.left_out += (rows.len() - numbers.len()) as u64;
        let records: Vec<usize> = numbers.iter().map(|number| rows.start + number).collect();
        let mapped = (self.complete)(mapped, &records)?;
        let origins: Vec<Origin> = records.iter().map(|record| origins[*record].clone()).collect();
        let batch =
            columns.conform(source, &mapped, &origins, &mut |row, kind, why| refuse(records[row], kind, why, None))?;
        self.batches.push(batch);
        Ok(())
    }
}

/// What kind of error, without its text: that may hold a value of the record.
fn kind_of(error: &datafusion::error::DataFusionError) -> &'static str {
    use datafusion::error::DataFusionError as E;
    match error.find_root() {
        E::ArrowError(inner, _) => match inner.as_ref() {
            arrow::error::ArrowError::CastError(_) => "cast",
            arrow::error::ArrowError::DivideByZero => "division by zero",
            arrow::error::ArrowError::ArithmeticOverflow(_) => "overflow",
            arrow::error::ArrowError::ParseError(_) => "parse",
            _ => "arithmetic",
        },
        _ => "execution",
    }
}

/// Checks the form of a mapping and makes it carry the record's number.
fn per_record(session: &LakeSession, name: &str, sql: &str) -> Result<Statement, EngineError> {
    let refused = |why: &str| EngineError::Mapping { mapping: name.to_owned(), why: why.to_owned() };
    let mut statement = session.reading(sql)?;
    let Statement::Statement(inner) = &mut statement else {
        return Err(refused("write one SELECT … FROM input"));
    };
    let ast::Statement::Query(query) = inner.as_mut() else {
        return Err(refused("write one SELECT … FROM input"));
    };
    if query.with.is_some() || query.order_by.is_some() || query.limit_clause.is_some() || query.fetch.is_some() {
        return Err(refused("a mapping looks at one record at a time: no WITH, ORDER BY, LIMIT or FETCH"));
    }
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(refused("write one SELECT … FROM input, without set operations"));
    };
    let grouped = match &select.group_by {
        GroupByExpr::Expressions(by, modifiers) => !by.is_empty() || !modifiers.is_empty(),
        GroupByExpr::All(_) => true,
    };
    if select.distinct.is_some() || grouped || select.having.is_some() || select.qualify.is_some() {
        return Err(refused("a mapping looks at one record at a time: no DISTINCT, GROUP BY, HAVING or QUALIFY"));
    }
    let from_input = match select.from.as_slice() {
        [table] if table.joins.is_empty() => {
            matches!(&table.relation, TableFactor::Table { name, .. } if name.to_string() == "input")
        }
        _ => false,
    };
    if !from_input {
        return Err(refused("FROM names the one table \"input\""));
    }
    if select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)))
    {
        return Err(refused("name the columns; * is not a mapping"));
    }
    select.projection.push(SelectItem::UnnamedExpr(ast::Expr::Identifier(ast::Ident::new(RECORD))));
    Ok(statement)
}

/// Why what `plan` makes of a record would depend on more than the record.
fn beyond_a_record(plan: &LogicalPlan) -> Result<Option<&'static str>, EngineError> {
    let mut why = None;
    let walked = plan.apply_with_subqueries(|node| {
        let alone = matches!(
            node,
            LogicalPlan::Projection(_)
                | LogicalPlan::Filter(_)
                | LogicalPlan::SubqueryAlias(_)
                | LogicalPlan::TableScan(_)
        );
        let mut subquery = false;
        let mut volatile = false;
        node.apply_expressions(|expr| {
            volatile |= expr.is_volatile();
            expr.apply(|part| {
                subquery |= matches!(part, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_));
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        if volatile {
            why = Some("a record becomes the same row whenever it is read: no random() or uuid()");
        }
        if !alone || subquery {
            why = Some("a mapping looks at one record at a time: no aggregates, windows, subqueries or unnest");
        }
        Ok(if why.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    walked.map_err(|source| EngineError::sql("planned", source))?;
    Ok(why)
}

/// The table `input`: one batch, exchanged between runs of the plan.
struct InputTable {
    schema: SchemaRef,
    current: Mutex<Option<RecordBatch>>,
}

impl fmt::Debug for InputTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputTable").field("schema", &self.schema).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for InputTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let batches: Vec<RecordBatch> = current.into_iter().collect();
        let source = MemorySourceConfig::try_new_exec(&[batches], Arc::clone(&self.schema), projection.cloned())?;
        Ok(source)
    }
}
