//! Functions of functions: `array_transform(d, x -> x + a)`.

use std::rc::Rc;

use datafusion_expr::Expr;
use datafusion_expr::expr::HigherOrderFunction;
use schemas::{Certainty, EdgeKind, Gap};

use super::super::Tracer;
use super::super::context::Context;
use super::super::source::Step;
use super::Walk;

/// What the variables of a lambda stand for: elements of the lists beside it.
#[derive(Debug)]
pub(super) struct Bindings<'e> {
    names: &'e [String],
    lists: Rc<[&'e Expr]>,
    outer: Option<Rc<Bindings<'e>>>,
}

/// Functions whose lambda only chooses among the elements.
const CHOOSING: [&str; 2] = ["array_filter", "array_first"];

impl Tracer<'_> {
    pub(super) fn higher_order<'e>(
        &mut self,
        function: &'e HigherOrderFunction,
        context: &Context,
        lambdas: &Option<Rc<Bindings<'e>>>,
        walk: &mut Walk<'e, '_>,
    ) {
        let lists: Rc<[&Expr]> = function.args.iter().filter(|arg| !matches!(arg, Expr::Lambda(_))).collect();
        let value = context.through(self.functions.of(function.name()), EdgeKind::Transformation);
        let body =
            if CHOOSING.contains(&function.name()) { context.then(EdgeKind::Conditional) } else { value.clone() };
        for arg in &function.args {
            match arg {
                Expr::Lambda(lambda) => {
                    let bindings = Bindings { names: &lambda.params, lists: Rc::clone(&lists), outer: lambdas.clone() };
                    walk.push(&lambda.body, body.clone(), &Some(Rc::new(bindings)));
                }
                list => walk.push(list, value.clone(), lambdas),
            }
        }
    }
}

/// A variable of a lambda is an element of the lists that it runs over.
pub(super) fn variable<'e>(name: &str, context: &Context, lambdas: &Option<Rc<Bindings<'e>>>, walk: &mut Walk<'e, '_>) {
    let mut bindings = lambdas.clone();
    while let Some(of) = bindings {
        if of.names.iter().any(|bound| bound == name) {
            for list in of.lists.iter() {
                walk.push(list, context.within(Step::Element), &of.outer);
            }
            return;
        }
        bindings = of.outer.clone();
    }
    walk.found.doubt(Certainty::Opaque, Some(Gap::NotTraced));
}
