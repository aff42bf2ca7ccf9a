//! The parts of an expression, without entering its subqueries.

use datafusion_expr::Expr;
use datafusion_expr::expr::{
    AggregateFunction, Case, Exists, GroupingSet, InSubquery, SetComparison, Sort, WindowFunction,
};
use datafusion_expr::logical_plan::Subquery;

/// Every expression directly inside this one.
pub(crate) fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Column(_)
        | Expr::OuterReferenceColumn(..)
        | Expr::ScalarVariable(..)
        | Expr::Literal(..)
        | Expr::Placeholder(_)
        | Expr::LambdaVariable(_)
        | Expr::ScalarSubquery(_)
        | Expr::Exists(_) => Vec::new(),
        #[expect(deprecated, reason = "a match without a wildcard arm names every variant")]
        Expr::Wildcard { .. } => Vec::new(),
        Expr::Alias(alias) => vec![&alias.expr],
        Expr::Not(inner)
        | Expr::IsNotNull(inner)
        | Expr::IsNull(inner)
        | Expr::IsTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsUnknown(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsNotFalse(inner)
        | Expr::IsNotUnknown(inner)
        | Expr::Negative(inner) => vec![inner],
        Expr::Cast(cast) => vec![&cast.expr],
        Expr::TryCast(cast) => vec![&cast.expr],
        Expr::Unnest(unnest) => vec![&unnest.expr],
        Expr::Lambda(lambda) => vec![&lambda.body],
        Expr::InSubquery(InSubquery { expr, .. }) | Expr::SetComparison(SetComparison { expr, .. }) => vec![expr],
        Expr::BinaryExpr(binary) => vec![&binary.left, &binary.right],
        Expr::Like(like) | Expr::SimilarTo(like) => vec![&like.expr, &like.pattern],
        Expr::Between(between) => vec![&between.expr, &between.low, &between.high],
        Expr::InList(list) => std::iter::once(list.expr.as_ref()).chain(&list.list).collect(),
        Expr::ScalarFunction(function) => function.args.iter().collect(),
        Expr::HigherOrderFunction(function) => function.args.iter().collect(),
        Expr::Case(case) => of_case(case),
        Expr::AggregateFunction(aggregate) => of_aggregate(aggregate),
        Expr::WindowFunction(window) => of_window(window),
        Expr::GroupingSet(set) => match set {
            GroupingSet::Rollup(keys) | GroupingSet::Cube(keys) => keys.iter().collect(),
            GroupingSet::GroupingSets(sets) => sets.iter().flatten().collect(),
        },
    }
}

/// The subquery of an expression.
pub(crate) fn subquery(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::ScalarSubquery(subquery)
        | Expr::Exists(Exists { subquery, .. })
        | Expr::InSubquery(InSubquery { subquery, .. })
        | Expr::SetComparison(SetComparison { subquery, .. }) => Some(subquery),
        _ => None,
    }
}

fn of_case(case: &Case) -> Vec<&Expr> {
    let branches = case.when_then_expr.iter().flat_map(|(when, then)| [when.as_ref(), then.as_ref()]);
    case.expr.as_deref().into_iter().chain(branches).chain(case.else_expr.as_deref()).collect()
}

fn of_aggregate(aggregate: &AggregateFunction) -> Vec<&Expr> {
    let params = &aggregate.params;
    params.args.iter().chain(params.filter.as_deref()).chain(sorted(&params.order_by)).collect()
}

fn of_window(window: &WindowFunction) -> Vec<&Expr> {
    let params = &window.params;
    let order = sorted(&params.order_by);
    params.args.iter().chain(&params.partition_by).chain(order).chain(params.filter.as_deref()).collect()
}

/// The expressions of sort keys.
pub(crate) fn sorted(keys: &[Sort]) -> impl Iterator<Item = &Expr> {
    keys.iter().map(|key| &key.expr)
}
