//! What may stand below a grouping: filters and projections over the pinned files of one dataset.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, TableScan, Volatility};
use schemas::Dataset;

use super::Refused;
use crate::error::EngineError;
use crate::incremental::bounds::{Bound, has_bounds, others, taken_off};
use crate::incremental::fingerprint::{kind, node};
use crate::lake_session::LakeSession;
use crate::table::PinnedTable;

/// What stands below a grouping.
pub(super) struct Below {
    /// It without bounds of time.
    pub(super) unbounded: LogicalPlan,
    /// Those bounds.
    pub(super) bounds: Vec<Bound>,
    /// The dataset.
    pub(super) dataset: String,
    /// What its states depend on, from the files up.
    pub(super) parts: Vec<String>,
}

impl Below {
    /// Of the input of a grouping, if it is allowed there.
    ///
    /// # Errors
    /// When the plan cannot be put together again, which is a bug.
    pub(super) fn of(session: &LakeSession, plan: &LogicalPlan) -> Result<Result<Self, Refused>, EngineError> {
        match plan {
            LogicalPlan::TableScan(scan) => Self::of_scan(session, scan, None),
            LogicalPlan::Filter(filter) => match filter.input.as_ref() {
                LogicalPlan::TableScan(scan) if is_allowed(&filter.predicate) => {
                    Self::of_scan(session, scan, Some(&filter.predicate))
                }
                _ => Self::of_row_by_row(session, plan),
            },
            LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => Self::of_row_by_row(session, plan),
            other => Ok(Err(refused_node(other))),
        }
    }

    /// Of a node that makes one row of one row, or none.
    fn of_row_by_row(session: &LakeSession, plan: &LogicalPlan) -> Result<Result<Self, Refused>, EngineError> {
        let expressions = plan.expressions();
        if let Some(refused) = expressions.iter().find(|expr| !is_allowed(expr)) {
            return Ok(Err(refused_expression(refused)));
        }
        let [input] = plan.inputs()[..] else { return Ok(Err(refused_node(plan))) };
        let mut below = match Self::of(session, input)? {
            Ok(below) => below,
            Err(refused) => return Ok(Err(refused)),
        };
        let unbounded = plan.with_new_exprs(expressions.clone(), vec![below.unbounded]);
        below.unbounded = unbounded.map_err(|source| EngineError::sql("planned", source))?;
        below.parts.push(node(kind(plan), &expressions)?);
        Ok(Ok(below))
    }

    /// Of the files and the filter right above them, from which bounds of time are taken.
    fn of_scan(
        session: &LakeSession,
        scan: &TableScan,
        predicate: Option<&Expr>,
    ) -> Result<Result<Self, Refused>, EngineError> {
        let dataset = match dataset_of(session, scan) {
            Ok(dataset) => dataset,
            Err(refused) => return Ok(Err(refused)),
        };
        let time = time_of(dataset, &scan.projected_schema);
        let (rest, bounds, filters) = match (&time, predicate) {
            (Some(time), Some(predicate)) => {
                let (rest, bounds) = taken_off(predicate, time);
                (rest, bounds, others(&scan.filters, time))
            }
            (_, predicate) => (predicate.cloned(), Vec::new(), scan.filters.clone()),
        };
        if let Some(refused) = filters.iter().find(|expr| !is_allowed(expr)) {
            return Ok(Err(refused_expression(refused)));
        }
        let columns = scan.projected_schema.fields().iter();
        let columns: Vec<String> =
            columns.map(|field| format!("{} {} {}", field.name(), field.data_type(), field.is_nullable())).collect();
        let mut parts = vec![format!("dataset {} as {}: {columns:?}", dataset.id, scan.table_name)];
        parts.push(node("scan", &filters)?);
        let mut unbounded = LogicalPlan::TableScan(TableScan { filters, ..scan.clone() });
        if let Some(rest) = rest {
            parts.push(node("filter", std::slice::from_ref(&rest))?);
            let filter = Filter::try_new(rest, Arc::new(unbounded));
            unbounded = LogicalPlan::Filter(filter.map_err(|source| EngineError::sql("planned", source))?);
        }
        Ok(Ok(Self { unbounded, bounds, dataset: dataset.id.to_string(), parts }))
    }
}

/// The dataset whose pinned files a scan reads, row by row.
fn dataset_of<'s>(session: &'s LakeSession, scan: &TableScan) -> Result<&'s Dataset, Refused> {
    let name = scan.table_name.to_string();
    let refused = |why: &str| Refused { what: name.clone(), why: why.to_owned() };
    let provider = source_as_provider(&scan.source).ok();
    let of_files = provider.as_ref().and_then(|provider| provider.downcast_ref::<PinnedTable>());
    let dataset = of_files.and_then(PinnedTable::dataset).and_then(|dataset| session.dataset(dataset));
    let Some(dataset) = dataset else {
        return Err(refused(
            "it is no dataset whose files are read row by row; states are kept of datasets in a folder of the lake's that \
             have a schema and no map",
        ));
    };
    if !dataset.is_ours() {
        return Err(refused(
            "its files are others' or have no schema, so what a state holds could change with another file",
        ));
    }
    if scan.fetch.is_some() {
        return Err(refused("only some of its rows are read; put LIMIT above the grouping"));
    }
    Ok(dataset)
}

/// The column whose bounds folders tell, if the scan has it.
fn time_of(dataset: &Dataset, schema: &DFSchema) -> Option<Column> {
    let time = dataset.schema.time.filter(|_| dataset.schema.partitioned)?;
    let found = schema.iter().find(|(_, field)| field.name() == time && has_bounds(field.data_type()));
    found.map(Column::from)
}

/// Whether an expression is one over one row, of functions that answer the same each time.
pub(super) fn is_allowed(expr: &Expr) -> bool {
    let mut allowed = true;
    let walked = expr.apply(|part| {
        allowed &= match part {
            Expr::ScalarFunction(function) => function.func.signature().volatility == Volatility::Immutable,
            // Shown, a list of one text and of two can be the same.
            Expr::Literal(value, _) => !value.data_type().is_nested(),
            Expr::Alias(_)
            | Expr::Column(_)
            | Expr::BinaryExpr(_)
            | Expr::Like(_)
            | Expr::SimilarTo(_)
            | Expr::Not(_)
            | Expr::IsNotNull(_)
            | Expr::IsNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Negative(_)
            | Expr::Between(_)
            | Expr::Case(_)
            | Expr::Cast(_)
            | Expr::TryCast(_)
            | Expr::InList(_) => true,
            _ => false,
        };
        Ok(if allowed { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    allowed && walked.is_ok()
}

fn refused_expression(expr: &Expr) -> Refused {
    let why = "below a grouping only expressions over one row are allowed whose functions answer the same each time; \
               move it above the grouping";
    Refused { what: expr.to_string(), why: why.to_owned() }
}

fn refused_node(plan: &LogicalPlan) -> Refused {
    let why = match plan {
        LogicalPlan::Join(_) => {
            "rows are joined before they are grouped, and a state is of one file alone; group first, and join the groups"
        }
        LogicalPlan::Window(_) => {
            "a window looks at rows of several files, as the rows in force of a dataset with revisions do; read its \
             history, or put the window above the grouping"
        }
        LogicalPlan::Union(_) => "rows of several tables are grouped together; group each, and then the groups",
        LogicalPlan::Limit(_) | LogicalPlan::Sort(_) => {
            "only some rows are grouped, or in an order; put LIMIT above the grouping"
        }
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => "no rows of a dataset are grouped",
        _ => "what stands below the grouping is more than filters and columns; keep it above",
    };
    Refused { what: "the rows that are grouped".to_owned(), why: why.to_owned() }
}
