//! A row filter of `access.yaml`: names of the principal become literals, the rest is an expression over one row.
//!
//! So no function in a plan knows who asks, and nothing is answered from what somebody else asked.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::sqlparser::ast::{self, Ident, Value, VisitMut, VisitorMut};
use schemas::{Principal, Tenants};

/// Plans `filter` over the columns of `schema`.
///
/// # Errors
/// A sentence that says what is wrong and what would be right.
pub(super) fn row_filter(
    planner: &SessionState,
    principal: &Principal,
    filter: &str,
    schema: &DFSchema,
) -> Result<Expr, String> {
    let told = |error: DataFusionError| error.find_root().to_string();
    let dialect = planner.config_options().sql_parser.dialect;
    let mut parsed = planner.sql_to_expr_with_alias(filter, &dialect).map_err(told)?;
    if parsed.alias.is_some() {
        return Err("it is a condition on a row and has no name; take AS away".to_owned());
    }
    if let ControlFlow::Break(why) = parsed.expr.visit(&mut Fold { principal }) {
        return Err(why);
    }
    let planned = planner.create_logical_expr_from_sql_expr(parsed, schema).map_err(told)?;
    let of_one_row = planned.apply(|part| {
        Ok(match part {
            Expr::AggregateFunction(_)
            | Expr::WindowFunction(_)
            | Expr::ScalarSubquery(_)
            | Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::SetComparison(_)
            | Expr::OuterReferenceColumn(..)
            | Expr::Unnest(_)
            | Expr::Placeholder(_) => TreeNodeRecursion::Stop,
            _ => TreeNodeRecursion::Continue,
        })
    });
    if of_one_row.map_err(told)? == TreeNodeRecursion::Stop {
        return Err("it must be an expression over one row: no aggregate, window, subquery or placeholder".to_owned());
    }
    if planned.is_volatile() {
        return Err("it must give the same answer every time; take random() and the like away".to_owned());
    }
    match planned.get_type(schema).map_err(told)? {
        DataType::Boolean => Ok(planned),
        other => Err(format!("it gives {other} and must be true or false")),
    }
}

/// The same filter with the types of its columns and without what can be worked out once, as `now()`.
///
/// # Errors
/// A sentence that says which part of it fails.
pub(super) fn settled(planner: &SessionState, filter: Expr, schema: &DFSchema) -> Result<Expr, String> {
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .with_config_options(Arc::clone(planner.config_options()))
        .with_query_execution_start_time(planner.execution_props().query_execution_start_time)
        .build();
    let simplifier = ExprSimplifier::new(context);
    let settled = simplifier.coerce(filter, schema).and_then(|filter| simplifier.simplify(filter));
    settled.map_err(|error: DataFusionError| error.find_root().to_string())
}

/// Puts literals in place of what a filter asks of the principal.
struct Fold<'a> {
    principal: &'a Principal,
}

impl VisitorMut for Fold<'_> {
    type Break = String;

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<String> {
        match self.folded(expr) {
            Ok(Some(folded)) => *expr = folded,
            Ok(None) => {}
            Err(why) => return ControlFlow::Break(why),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<String> {
        ControlFlow::Break("it must be an expression over one row, without a subquery".to_owned())
    }
}

impl Fold<'_> {
    fn folded(&self, expr: &mut ast::Expr) -> Result<Option<ast::Expr>, String> {
        match expr {
            ast::Expr::InList { list, .. } => {
                let mut values = Vec::new();
                for value in std::mem::take(list) {
                    match name_of(&value).as_deref() {
                        Some("tenants") => values.extend(self.tenants()?),
                        _ => values.push(value),
                    }
                }
                *list = values;
                Ok(None)
            }
            ast::Expr::CompoundIdentifier(_) => match name_of(expr).as_deref() {
                None => Ok(None),
                Some("id") => Ok(Some(text(&self.principal.name))),
                Some("tenant") => match self.principal.tenants.only() {
                    Some(tenant) => Ok(Some(text(tenant))),
                    None => Err(format!(
                        "principal.tenant is for principals of one tenant, and \"{}\" has {}; write tenant_id IN \
                         (principal.tenants), or rows: all, which still shows rows of its tenants only",
                        self.principal.name,
                        match &self.principal.tenants {
                            Tenants::All => "all".to_owned(),
                            Tenants::Some(tenants) => tenants.len().to_string(),
                        }
                    )),
                },
                Some("tenants") => Err("principal.tenants is a list; write column IN (principal.tenants)".to_owned()),
                Some(other) => Err(format!(
                    "principal.{other} does not exist; there are principal.id, principal.tenant, principal.tenants and \
                     principal.attribute('name')"
                )),
            },
            ast::Expr::Function(function) => self.attribute(function),
            _ => Ok(None),
        }
    }

    fn tenants(&self) -> Result<Vec<ast::Expr>, String> {
        match &self.principal.tenants {
            Tenants::Some(tenants) => Ok(tenants.iter().map(|tenant| text(tenant)).collect()),
            Tenants::All => Err(format!(
                "principal.tenants is a list of tenants, and \"{}\" has all; give it a role with rows: all",
                self.principal.name
            )),
        }
    }

    fn attribute(&self, function: &ast::Function) -> Result<Option<ast::Expr>, String> {
        let name = function.name.to_string().to_lowercase();
        if !name.starts_with("principal.") {
            return Ok(None);
        }
        let argument = match &function.args {
            ast::FunctionArguments::List(list) if name == "principal.attribute" => match list.args.as_slice() {
                [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Value(value)))] => {
                    match &value.value {
                        Value::SingleQuotedString(argument) => Some(argument.clone()),
                        _ => None,
                    }
                }
                _ => None,
            },
            _ => None,
        };
        let Some(argument) = argument else {
            return Err(format!("{function} cannot be asked; write principal.attribute('name')"));
        };
        match self.principal.attributes.get(&argument) {
            Some(value) => Ok(Some(text(value))),
            None => Err(format!(
                "principal \"{}\" has no attribute '{argument}'; add it to its attributes",
                self.principal.name
            )),
        }
    }
}

/// What is asked of the principal: `tenant` of `principal.tenant`.
fn name_of(expr: &ast::Expr) -> Option<String> {
    let ast::Expr::CompoundIdentifier(parts) = expr else { return None };
    match parts.as_slice() {
        [Ident { value: of, .. }, Ident { value: name, .. }] if of.eq_ignore_ascii_case("principal") => {
            Some(name.to_lowercase())
        }
        _ => None,
    }
}

fn text(value: &str) -> ast::Expr {
    ast::Expr::Value(Value::SingleQuotedString(value.to_owned()).into())
}
