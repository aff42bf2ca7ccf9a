//! Which statements a principal may ask: one that reads, within limits that are known before it is planned.

use std::ops::ControlFlow;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Visit, Visitor};
use schemas::{Limit, Permission, Principal};

use crate::error::EngineError;
use crate::statement;

/// Functions that stand for a table.
const TABLE_FUNCTIONS: [&str; 2] = ["generate_series", "range"];
/// Rows that such a function may make.
const SERIES_ROWS: i128 = 1_000_000;

/// What is asked.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Rows.
    Rows(Statement),
    /// The plan of this statement, without what views are made of.
    Plan(Statement),
}

/// Parses the one statement that `sql` holds, and refuses what the principal may not ask.
///
/// # Errors
/// What is refused, without a hint of what there is.
pub(crate) fn asked(state: &SessionState, principal: &Principal, sql: &str) -> Result<Asked, EngineError> {
    let (bytes, allowed) = (sql.len() as u64, principal.limits.of(Limit::SqlBytes));
    if bytes > allowed {
        return Err(EngineError::limit(Limit::SqlBytes, bytes, allowed));
    }
    let (deep, allowed) = (statement::depth(sql), principal.limits.of(Limit::Depth));
    if deep > allowed {
        return Err(EngineError::limit(Limit::Depth, deep, allowed));
    }
    let statement = statement::reading(state, sql)?;
    let refused = |what: &str| EngineError::Denied { what: what.to_owned() };
    match statement {
        Statement::Explain(explain) => {
            if explain.options.analyze {
                return Err(refused("EXPLAIN ANALYZE is not for principals; write EXPLAIN"));
            }
            if principal.may(Permission::SqlExplainFull) {
                return Ok(Asked::Rows(Statement::Explain(explain)));
            }
            if !principal.may(Permission::SqlExplain) {
                return Err(refused("EXPLAIN needs the permission sql.explain"));
            }
            tables_are_tables(explain.statement.as_ref())?;
            Ok(Asked::Plan(*explain.statement))
        }
        statement => {
            tables_are_tables(&statement)?;
            Ok(Asked::Rows(statement))
        }
    }
}

/// Refuses functions that stand for tables, but for short series of numbers.
fn tables_are_tables(statement: &Statement) -> Result<(), EngineError> {
    let Statement::Statement(statement) = statement else { return Ok(()) };
    match statement.visit(&mut TableFactors) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(what) => Err(EngineError::Denied { what }),
    }
}

struct TableFactors;

impl Visitor for TableFactors {
    type Break = String;

    fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<String> {
        let (name, args) = match factor {
            ast::TableFactor::Table { args: None, .. }
            | ast::TableFactor::Derived { .. }
            | ast::TableFactor::UNNEST { .. }
            | ast::TableFactor::NestedJoin { .. } => return ControlFlow::Continue(()),
            ast::TableFactor::Table { name, args: Some(args), .. } => (name, &args.args),
            ast::TableFactor::Function { name, args, .. } => (name, args),
            _ => return ControlFlow::Break("only tables, subqueries and unnest may stand in FROM here".to_owned()),
        };
        let is_known = TABLE_FUNCTIONS.iter().any(|known| name.to_string().eq_ignore_ascii_case(known));
        if is_known && series_rows(args).is_some_and(|rows| rows <= SERIES_ROWS) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(format!(
            "of functions in FROM there are generate_series and range, of whole numbers and at most {SERIES_ROWS} rows"
        ))
    }
}

/// How many rows a series has; none where its bounds are not written as numbers.
fn series_rows(args: &[ast::FunctionArg]) -> Option<i128> {
    let numbers: Vec<i128> = args.iter().map(number).collect::<Option<_>>()?;
    let (start, end, step) = match numbers.as_slice() {
        [end] => (0, *end, 1),
        [start, end] => (*start, *end, 1),
        [start, end, step] if *step != 0 => (*start, *end, *step),
        _ => return None,
    };
    Some((end - start).abs() / step.abs() + 1)
}

fn number(arg: &ast::FunctionArg) -> Option<i128> {
    let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) = arg else { return None };
    let (expr, sign) = match expr {
        ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => (expr.as_ref(), -1),
        expr => (expr, 1),
    };
    let ast::Expr::Value(value) = expr else { return None };
    match &value.value {
        ast::Value::Number(digits, _) => digits.parse::<i64>().ok().map(|number| sign * i128::from(number)),
        _ => None,
    }
}

/// Refuses a plan of too many nodes.
pub(crate) fn is_small(principal: &Principal, plan: &LogicalPlan) -> Result<(), EngineError> {
    let allowed = principal.limits.of(Limit::PlanNodes);
    let mut nodes = 0;
    let walked = plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > allowed { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    walked.map_err(|source| EngineError::sql("planned", source))?;
    if nodes > allowed { Err(EngineError::limit(Limit::PlanNodes, nodes, allowed)) } else { Ok(()) }
}
