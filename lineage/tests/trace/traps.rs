//! What goes wrong where columns are followed by name, by tree walk or without end.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Projection, Union, col, lit, scalar_subquery};
use expect_test::expect;
use lineage::{FunctionClasses, Traced, trace};
use schemas::{Certainty, Gap};

use crate::lake::{analysed, context, names, traced};
use crate::print::{check, printed};

fn told(plan: &LogicalPlan) -> Traced {
    trace(plan, &names(), &FunctionClasses::default())
}

#[test]
fn a_name_made_of_an_expression_is_not_told() {
    check(
        "SELECT a + 5, d LIKE 'alice%', count(*) OVER (), 'alice@example.org', labels['alice'] FROM t CROSS JOIN s",
        expect![[r#"
            expr_1 <- t.a TRANSFORMATION
            expr_2 <- t.d TRANSFORMATION
            expr_3 <- generated
            expr_4 <- literal
            expr_5 <- s.labels TRANSFORMATION
        "#]],
    );
    let traced = traced("SELECT 'alice@example.org', d || 'bob' FROM t WHERE d = 'carol' ORDER BY a, d || 'dave'");
    let debugged = format!("{traced:?}");
    assert!(!["alice", "bob", "carol", "dave"].iter().any(|name| debugged.contains(name)), "{debugged}");
}

#[test]
fn two_columns_of_one_name_are_told_apart() {
    check(
        "SELECT t.a, u.a FROM t JOIN u ON t.b = u.x",
        expect![[r#"
        a <- t.a IDENTITY
        a_2 <- u.a IDENTITY
        rows <- t.b JOIN, u.x JOIN
    "#]],
    );
    check(
        "SELECT * FROM (SELECT t.a, u.x FROM t CROSS JOIN u) CROSS JOIN v",
        expect![[r#"
        a <- t.a IDENTITY
        x <- u.x IDENTITY
        v <- v.v IDENTITY
        a_4 <- v.a IDENTITY
        x_5 <- v.x IDENTITY
    "#]],
    );
}

#[test]
fn a_set_operation_goes_by_position_and_not_by_name() {
    check(
        "SELECT b, a FROM t INTERSECT SELECT a, x FROM u",
        expect![[r#"
        b <- t.b IDENTITY, u.a IDENTITY
        a <- t.a IDENTITY, u.x IDENTITY
        rows <- t.a JOIN+GROUP_BY, t.b JOIN+GROUP_BY, u.a JOIN+GROUP_BY, u.x JOIN+GROUP_BY
    "#]],
    );
}

#[test]
fn a_common_table_may_bear_the_name_of_a_table() {
    check(
        "WITH u AS (SELECT a AS x FROM t) SELECT x FROM u",
        expect![[r#"
        x <- t.a IDENTITY
    "#]],
    );
}

#[test]
fn a_key_that_is_selected_is_a_value_too() {
    check(
        "SELECT a, count(*) AS n FROM t GROUP BY a",
        expect![[r#"
        a <- t.a IDENTITY
        n <- generated
        rows <- t.a GROUP_BY
    "#]],
    );
}

#[test]
fn a_false_condition_keeps_its_sources() {
    check(
        "SELECT a FROM t WHERE false AND b = 1",
        expect![[r#"
        a <- t.a IDENTITY
        rows <- t.b FILTER
    "#]],
    );
}

#[test]
fn a_plan_with_too_many_nodes_names_every_column_it_reads() {
    let mut plan = Arc::new(analysed(&context(), "SELECT a AS p FROM u").expect("a plan"));
    for _ in 0..17 {
        let schema = Arc::clone(plan.schema());
        plan = Arc::new(LogicalPlan::Union(Union { inputs: vec![Arc::clone(&plan), plan], schema }));
    }
    let small = LogicalPlanBuilder::from(plan.as_ref().clone()).limit(0, Some(1)).and_then(LogicalPlanBuilder::build);
    expect![[r#"
        p <- u.a TRANSFORMATION, u.x TRANSFORMATION, u.y TRANSFORMATION [superset plan_too_large]
        rows <- u.a FILTER, u.x FILTER, u.y FILTER [superset plan_too_large]
    "#]]
    .assert_eq(&printed(&told(&small.expect("a plan"))));
}

#[test]
fn plans_inside_plans_have_a_depth() {
    let mut plan = analysed(&context(), "SELECT a FROM u").expect("a plan");
    for _ in 0..200 {
        let inner = scalar_subquery(Arc::new(plan));
        let built = LogicalPlanBuilder::empty(true).project(vec![inner.alias("a")]);
        plan = built.and_then(LogicalPlanBuilder::build).expect("a plan");
    }
    let traced = told(&plan);
    assert_eq!(traced.outputs[0].certainty, Certainty::Superset);
    assert_eq!(traced.gaps.into_iter().collect::<Vec<_>>(), [Gap::PlanTooLarge]);
    assert_eq!(traced.outputs[0].columns.len(), 3);
}

#[test]
fn a_deep_expression_and_a_deep_plan_cost_no_stack() {
    let scan = analysed(&context(), "SELECT a, b FROM t").expect("a plan");
    let deep = (0..30_000).fold(col("a"), |deep, n| Expr::or(deep, col("b").eq(lit(n))));
    let named = Expr::Alias(datafusion::logical_expr::expr::Alias::new(deep, None::<&str>, "deep"));
    let schema = analysed(&context(), "SELECT a > 1 AS deep FROM t").expect("a plan").schema().clone();
    let projection = Projection::try_new_with_schema(vec![named], Arc::new(scan.clone()), schema);
    let projection = projection.expect("one column");
    let plan = LogicalPlan::Projection(projection);
    assert_eq!(told(&plan).outputs[0].columns.len(), 2);
    // To drop it would recurse.
    std::mem::forget(plan);

    let mut plan = Arc::new(scan);
    for _ in 0..30_000 {
        let schema = Arc::clone(plan.schema());
        plan = Arc::new(LogicalPlan::Union(Union { inputs: vec![plan], schema }));
    }
    assert_eq!(told(&plan).outputs[0].columns.len(), 1);
    std::mem::forget(plan);
}
