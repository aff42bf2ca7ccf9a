//! What an expression depends on.
//!
//! An expression is walked from its top on a stack of its own, each part with the [`Context`] it stands in, so that
//! the depth of an expression does not matter. A match names every kind of expression: a new one does not compile.

mod children;
mod data_type;
mod function;
mod lambda;
mod subquery;

use std::rc::Rc;

use datafusion_expr::Expr;
use datafusion_expr::expr::Case;
use schemas::{Certainty, EdgeKind, Gap};

use super::Tracer;
use super::cast::is_lossless;
use super::column::Column;
use super::context::Context;
use super::scope::{self, Scope, Slot};

pub(super) use children::{children, sorted, subquery};
use data_type::data_type;
use lambda::Bindings;

/// A part of an expression that is still to be looked at.
struct Todo<'e> {
    expr: &'e Expr,
    context: Context,
    lambdas: Option<Rc<Bindings<'e>>>,
}

/// An expression on its way.
struct Walk<'e, 's> {
    scope: &'s Rc<Scope>,
    todo: Vec<Todo<'e>>,
    found: Column,
}

impl<'e> Walk<'e, '_> {
    fn push(&mut self, expr: &'e Expr, context: Context, lambdas: &Option<Rc<Bindings<'e>>>) {
        self.todo.push(Todo { expr, context, lambdas: lambdas.clone() });
    }
}

impl Tracer<'_> {
    /// The column that an expression makes.
    pub(super) fn value(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Slot {
        match expr {
            Expr::Column(name) => {
                scope.slot(name).cloned().unwrap_or_else(|| Slot::computed(Column::opaque(Gap::NotTraced)))
            }
            Expr::Alias(alias) => {
                let mut inner = alias.expr.as_ref();
                while let Expr::Alias(alias) = inner {
                    inner = &alias.expr;
                }
                Slot { is_named: is_plain(&alias.name), ..self.value_of(inner, scope) }
            }
            _ => self.value_of(expr, scope),
        }
    }

    fn value_of(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Slot {
        if let Expr::Column(name) = expr
            && let Some(slot) = scope.slot(name)
        {
            return slot.clone();
        }
        let mut column = self.walk(expr, scope, Context::value());
        column.fields = self.fields(expr, scope);
        Slot::computed(column)
    }

    /// What an expression contributes to which rows there are.
    pub(super) fn decide(&mut self, expr: &Expr, scope: &Rc<Scope>, kind: EdgeKind) {
        let found = self.walk(expr, scope, Context::of(kind));
        self.rows.unite(&found);
    }

    /// What an expression depends on, seen from what it stands in.
    pub(super) fn walk(&mut self, expr: &Expr, scope: &Rc<Scope>, context: Context) -> Column {
        let mut walk = Walk { scope, todo: Vec::new(), found: Column::default() };
        walk.push(expr, context, &None);
        while let Some(todo) = walk.todo.pop() {
            if !self.may_go_on() {
                break;
            }
            self.step(todo, &mut walk);
        }
        walk.found
    }

    fn step<'e>(&mut self, todo: Todo<'e>, walk: &mut Walk<'e, '_>) {
        let Todo { expr, context, lambdas } = todo;
        match expr {
            Expr::Column(name) => match walk.scope.slot(name) {
                Some(slot) => walk.found.add(&slot.column, &context, &mut self.sources),
                None => walk.found.doubt(Certainty::Opaque, Some(Gap::NotTraced)),
            },
            Expr::OuterReferenceColumn(_, name) => match scope::outer(&self.around, name) {
                Some(slot) => walk.found.add(&slot.column, &context, &mut self.sources),
                None => walk.found.doubt(Certainty::Opaque, Some(Gap::NotTraced)),
            },
            Expr::Literal(..) | Expr::Placeholder(_) => walk.found.has_literal |= context.is_direct(),
            Expr::ScalarVariable(..) => walk.found.is_generated |= context.is_direct(),
            Expr::Alias(alias) => walk.push(&alias.expr, context, &lambdas),
            Expr::Cast(_) | Expr::TryCast(_) => cast(expr, context, &lambdas, walk),
            Expr::Case(case) => branches(case, &context, &lambdas, walk),
            Expr::ScalarFunction(function) => self.scalar(function, &context, &lambdas, walk),
            Expr::HigherOrderFunction(function) => self.higher_order(function, &context, &lambdas, walk),
            Expr::LambdaVariable(variable) => lambda::variable(&variable.name, &context, &lambdas, walk),
            Expr::AggregateFunction(aggregate) => self.aggregate(aggregate, &context, &lambdas, walk),
            Expr::WindowFunction(window) => self.window(window, &context, &lambdas, walk),
            Expr::ScalarSubquery(subquery) => self.scalar_subquery(subquery, &context, walk),
            Expr::Exists(exists) => self.exists(&exists.subquery, &context, walk),
            Expr::InSubquery(subquery) => {
                walk.push(&subquery.expr, context.then(EdgeKind::Transformation), &lambdas);
                self.compared_with(&subquery.subquery, &context, walk);
            }
            Expr::SetComparison(comparison) => {
                walk.push(&comparison.expr, context.then(EdgeKind::Transformation), &lambdas);
                self.compared_with(&comparison.subquery, &context, walk);
            }
            Expr::BinaryExpr(_)
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
            | Expr::InList(_)
            | Expr::GroupingSet(_)
            | Expr::Unnest(_)
            | Expr::Lambda(_) => {
                for child in children(expr) {
                    walk.push(child, context.then(EdgeKind::Transformation), &lambdas);
                }
            }
            #[expect(deprecated, reason = "a match without a wildcard arm names every variant")]
            Expr::Wildcard { .. } => walk.found.doubt(Certainty::Opaque, Some(Gap::NotTraced)),
        }
    }
}

/// A cast that loses nothing is no computation. A part of a struct is followed through it then, and only then.
fn cast<'e>(expr: &'e Expr, context: Context, lambdas: &Option<Rc<Bindings<'e>>>, walk: &mut Walk<'e, '_>) {
    let (inner, to) = match expr {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type()),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type()),
        _ => return,
    };
    let is_same = data_type(inner, walk.scope).is_some_and(|from| is_lossless(&from, to));
    let context = if is_same { context } else { context.then(EdgeKind::Transformation) };
    walk.push(inner, context, lambdas);
}

/// Results are values; what chooses among them is a condition on this value.
fn branches<'e>(case: &'e Case, context: &Context, lambdas: &Option<Rc<Bindings<'e>>>, walk: &mut Walk<'e, '_>) {
    let condition = context.then(EdgeKind::Conditional);
    let chosen = case.expr.as_deref().into_iter().chain(case.when_then_expr.iter().map(|(when, _)| when.as_ref()));
    for expr in chosen {
        walk.push(expr, condition.clone(), lambdas);
    }
    let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref());
    for expr in results {
        walk.push(expr, context.clone(), lambdas);
    }
}

/// Whether a name is one that somebody gave. Analysis names a computed column by its expression, and every literal in
/// such a name stands in brackets: `Utf8("x")`, `m[x]`.
pub(super) fn is_plain(name: &str) -> bool {
    !name.contains(['(', ')', '[', ']'])
}
