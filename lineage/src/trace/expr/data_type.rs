//! The type of an expression, where that can be told without walking it.

use std::rc::Rc;

use datafusion_common::arrow::datatypes::DataType;
use datafusion_expr::Expr;

use super::super::scope::Scope;

/// The type of an expression whose value may be one that stands in a source; of computed ones it is not asked.
pub(super) fn data_type(expr: &Expr, scope: &Rc<Scope>) -> Option<DataType> {
    let mut fields: Vec<&str> = Vec::new();
    let mut expr = expr;
    let whole = loop {
        expr = match expr {
            Expr::Column(name) => break scope.data_type(name)?.clone(),
            Expr::OuterReferenceColumn(field, _) => break field.data_type().clone(),
            Expr::Literal(value, _) => break value.data_type(),
            Expr::Cast(cast) => break cast.field.data_type().clone(),
            Expr::TryCast(cast) => break cast.field.data_type().clone(),
            Expr::LambdaVariable(variable) => break variable.field.as_ref()?.data_type().clone(),
            Expr::ScalarSubquery(subquery) => break subquery.subquery.schema().fields().first()?.data_type().clone(),
            Expr::Alias(alias) => &alias.expr,
            Expr::Case(case) => &case.when_then_expr.first()?.1,
            Expr::ScalarFunction(function) => match (function.name(), function.args.as_slice()) {
                ("coalesce" | "nvl" | "nullif", [first, ..]) | ("nvl2", [_, first, ..]) => first,
                ("get_field", [base, steps @ ..]) => {
                    for step in steps.iter().rev() {
                        let Expr::Literal(name, _) = step else { return None };
                        fields.push(name.try_as_str()??);
                    }
                    base
                }
                _ => return None,
            },
            _ => return None,
        };
    };
    fields.into_iter().rev().try_fold(whole, |whole, name| match whole {
        DataType::Struct(fields) => Some(fields.iter().find(|field| field.name() == name)?.data_type().clone()),
        _ => None,
    })
}
