//! Nodes that DataFusion does not know.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use datafusion::common::{DFSchemaRef, Result};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore, col};
use expect_test::expect;
use lineage::{FunctionClasses, trace};

use crate::lake::{analysed, context, names};
use crate::print::printed;

#[test]
fn an_unknown_node_may_do_anything_with_its_input() {
    let told = printed(&trace(&plan(), &names(), &FunctionClasses::default()));
    expect![[r#"
        a <- t.a TRANSFORMATION, t.b TRANSFORMATION [superset extension_node]
        k <- t.a TRANSFORMATION, t.b TRANSFORMATION [superset extension_node]
        rows <- t.a FILTER, t.b FILTER, t.c FILTER [superset extension_node]
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_node_that_is_known_to_hand_on_does_so() {
    let told = printed(&trace(&plan(), &names().with_passing("Barrier"), &FunctionClasses::default()));
    expect![[r#"
        a <- t.a IDENTITY
        k <- t.b IDENTITY
        rows <- t.c FILTER
    "#]]
    .assert_eq(&told);
}

fn plan() -> LogicalPlan {
    let input = analysed(&context(), "SELECT a, b AS k FROM t WHERE c = 1").expect("a plan");
    LogicalPlan::Extension(Extension { node: Arc::new(Barrier { input }) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Barrier {
    input: LogicalPlan,
}

impl PartialOrd for Barrier {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for Barrier {
    fn name(&self) -> &'static str {
        "Barrier"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![col("k")]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Barrier")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self { input: inputs.remove(0) })
    }
}
