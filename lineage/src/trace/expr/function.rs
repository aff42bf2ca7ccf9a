//! Scalar, aggregate and window functions.

use std::collections::BTreeMap;
use std::rc::Rc;

use datafusion_expr::Expr;
use datafusion_expr::WindowFunctionDefinition;
use datafusion_expr::expr::{AggregateFunction, ScalarFunction, WindowFunction};
use schemas::{EdgeKind, FunctionClass};

use super::super::Tracer;
use super::super::column::Column;
use super::super::context::Context;
use super::super::scope::Scope;
use super::super::source::Step;
use super::lambda::Bindings;
use super::{Walk, sorted};

/// How deep structs that a query builds are kept field by field.
const STRUCT_DEPTH: usize = 8;

impl Tracer<'_> {
    pub(super) fn scalar<'e>(
        &mut self,
        function: &'e ScalarFunction,
        context: &Context,
        lambdas: &Option<Rc<Bindings<'e>>>,
        walk: &mut Walk<'e, '_>,
    ) {
        let args = function.args.as_slice();
        let condition = context.then(EdgeKind::Conditional);
        match (function.name(), args) {
            (_, []) => walk.found.is_generated |= context.is_direct(),
            ("coalesce" | "nvl", [others @ .., _]) => {
                args.iter().for_each(|arg| walk.push(arg, context.clone(), lambdas));
                others.iter().for_each(|arg| walk.push(arg, condition.clone(), lambdas));
            }
            ("nvl2", [tested, values @ ..]) => {
                walk.push(tested, condition, lambdas);
                values.iter().for_each(|arg| walk.push(arg, context.clone(), lambdas));
            }
            ("nullif", [value, _]) => {
                walk.push(value, context.clone(), lambdas);
                args.iter().for_each(|arg| walk.push(arg, condition.clone(), lambdas));
            }
            ("get_field", [base, steps @ ..]) if let Some(names) = names(steps) => {
                let inside = names.iter().rev().fold(context.clone(), |inside, name| inside.within(field(name)));
                walk.push(base, inside, lambdas);
            }
            ("named_struct" | "struct", args) if let Some(value) = chosen(function.name(), args, context) => {
                walk.push(value, context.past_first(), lambdas);
            }
            ("named_struct", args) => {
                let values = args.iter().skip(1).step_by(2);
                values.for_each(|arg| walk.push(arg, context.then(EdgeKind::Transformation), lambdas));
            }
            (name, args) => match self.functions.of(name) {
                FunctionClass::Blind => walk.found.is_generated |= context.is_direct(),
                class => {
                    let context = context.through(class, EdgeKind::Transformation);
                    args.iter().for_each(|arg| walk.push(arg, context.clone(), lambdas));
                }
            },
        }
    }

    pub(super) fn aggregate<'e>(
        &mut self,
        aggregate: &'e AggregateFunction,
        context: &Context,
        lambdas: &Option<Rc<Bindings<'e>>>,
        walk: &mut Walk<'e, '_>,
    ) {
        let params = &aggregate.params;
        let class = self.functions.of(aggregate.func.name());
        if class == FunctionClass::Blind || params.args.iter().all(is_literal) {
            walk.found.is_generated |= context.is_direct();
        } else {
            let inside = context.through(class, EdgeKind::Aggregation);
            params.args.iter().for_each(|arg| walk.push(arg, inside.clone(), lambdas));
        }
        if let Some(filter) = &params.filter {
            walk.push(filter, context.then(EdgeKind::Filter), lambdas);
        }
        sorted(&params.order_by).for_each(|key| walk.push(key, context.then(EdgeKind::Sort), lambdas));
    }

    pub(super) fn window<'e>(
        &mut self,
        window: &'e WindowFunction,
        context: &Context,
        lambdas: &Option<Rc<Bindings<'e>>>,
        walk: &mut Walk<'e, '_>,
    ) {
        let params = &window.params;
        // A frame may be one row, so nothing is lost in it; only of what does not depend on the value nothing is left.
        let (kind, is_blind) = match &window.fun {
            WindowFunctionDefinition::AggregateUDF(function) => {
                (EdgeKind::Aggregation, self.functions.of(function.name()) == FunctionClass::Blind)
            }
            WindowFunctionDefinition::WindowUDF(_) => (EdgeKind::Transformation, false),
        };
        if is_blind || params.args.iter().all(is_literal) {
            walk.found.is_generated |= context.is_direct();
        } else {
            params.args.iter().for_each(|arg| walk.push(arg, context.then(kind), lambdas));
        }
        let seen = params.partition_by.iter().chain(sorted(&params.order_by));
        seen.for_each(|key| walk.push(key, context.then(EdgeKind::Window), lambdas));
        if let Some(filter) = &params.filter {
            walk.push(filter, context.then(EdgeKind::Filter), lambdas);
        }
    }

    /// The fields of a struct that an expression builds; none where it builds none.
    pub(super) fn fields(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Option<Rc<BTreeMap<String, Rc<Column>>>> {
        self.fields_within(expr, scope, STRUCT_DEPTH)
    }

    fn fields_within(
        &mut self,
        expr: &Expr,
        scope: &Rc<Scope>,
        depth: usize,
    ) -> Option<Rc<BTreeMap<String, Rc<Column>>>> {
        let Expr::ScalarFunction(function) = expr else { return None };
        let depth = depth.checked_sub(1)?;
        let built = built(function.name(), &function.args)?;
        let mut fields = BTreeMap::new();
        for (name, value) in built {
            let mut column = self.walk(value, scope, Context::value());
            column.fields = match value {
                Expr::Column(name) => scope.slot(name).and_then(|slot| slot.column.fields.clone()),
                other => self.fields_within(other, scope, depth),
            };
            fields.insert(name, Rc::new(column));
        }
        Some(Rc::new(fields))
    }
}

fn field(name: &str) -> Step {
    Step::Field(name.to_owned())
}

/// The names that literals hold; none where one is no text.
fn names(steps: &[Expr]) -> Option<Vec<&str>> {
    steps.iter().map(|step| if let Expr::Literal(name, _) = step { name.try_as_str()? } else { None }).collect()
}

/// The fields of the struct that a call of `function` makes.
fn built<'e>(function: &str, args: &'e [Expr]) -> Option<Vec<(String, &'e Expr)>> {
    match function {
        "struct" => Some(args.iter().enumerate().map(|(at, value)| (format!("c{at}"), value)).collect()),
        "named_struct" => {
            let named = args.chunks_exact(2).map(|pair| {
                let [name, value] = pair else { return None };
                Some((names(std::slice::from_ref(name))?.first().map(|name| (*name).to_owned())?, value))
            });
            named.collect()
        }
        _ => None,
    }
}

/// The field of a struct being built that `context` takes.
fn chosen<'e>(function: &str, args: &'e [Expr], context: &Context) -> Option<&'e Expr> {
    let Step::Field(name) = &context.part()?.step else { return None };
    built(function, args)?.into_iter().find_map(|(field, value)| (field == *name).then_some(value))
}

fn is_literal(expr: &Expr) -> bool {
    let mut expr = expr;
    loop {
        expr = match expr {
            Expr::Literal(..) | Expr::Placeholder(_) => return true,
            Expr::Alias(alias) => &alias.expr,
            Expr::Cast(cast) => &cast.expr,
            Expr::TryCast(cast) => &cast.expr,
            _ => return false,
        };
    }
}
