//! Scopes: subqueries in subqueries, lateral ones, views.

use std::sync::Arc;

use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::logical_plan::TableScanBuilder;
use datafusion::logical_expr::{LogicalPlan, col, lit};
use expect_test::expect;
use lineage::{FunctionClasses, trace};

use crate::lake::{analysed, context, names};
use crate::print::{check, printed};

#[test]
fn an_outer_name_is_looked_up_from_the_inside_out() {
    check(
        "SELECT b FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a AND EXISTS (SELECT 1 FROM v WHERE v.x = u.x AND v.v = t.c))",
        expect![[r#"
            b <- t.b IDENTITY
            rows <- t.a FILTER, t.c FILTER, u.a FILTER, u.x FILTER, v.v FILTER, v.x FILTER
        "#]],
    );
}

#[test]
fn a_lateral_subquery_sees_what_is_on_its_left() {
    check(
        "SELECT t.b, l.m FROM t, LATERAL (SELECT max(x) AS m FROM u WHERE u.a = t.a) AS l",
        expect![[r#"
        b <- t.b IDENTITY
        m <- u.x AGGREGATION
        rows <- t.a FILTER, u.a FILTER
    "#]],
    );
    check(
        "SELECT t.b, l.m FROM t LEFT JOIN LATERAL (SELECT u.x + t.c AS m FROM u) AS l ON l.m > 1",
        expect![[r#"
        b <- t.b IDENTITY
        m <- t.c TRANSFORMATION, u.x TRANSFORMATION
        rows <- t.c JOIN, u.x JOIN
    "#]],
    );
    check(
        "SELECT l.m FROM t, u CROSS JOIN LATERAL (SELECT t.b + u.y AS m FROM v WHERE v.a = u.a) AS l",
        expect![[r#"
        m <- t.b TRANSFORMATION, u.y TRANSFORMATION
        rows <- u.a FILTER, v.a FILTER
    "#]],
    );
}

#[test]
fn a_derived_table_does_not_see_what_is_on_its_left() {
    check(
        "SELECT b FROM t WHERE EXISTS (SELECT 1 FROM u AS w JOIN (SELECT v FROM v WHERE v.a = t.a) AS l ON l.v = w.x)",
        expect![[r#"
            b <- t.b IDENTITY
            rows <- t.a FILTER, u.x FILTER, v.a FILTER, v.v FILTER
        "#]],
    );
}

#[test]
fn a_join_condition_may_hold_a_subquery() {
    check(
        "SELECT t.b FROM t JOIN u ON t.a = u.a AND EXISTS (SELECT 1 FROM v WHERE v.v = t.c)",
        expect![[r#"
        b <- t.b IDENTITY
        rows <- t.a JOIN, t.c JOIN, u.a JOIN, v.v JOIN
    "#]],
    );
}

#[test]
fn a_view_is_seen_through() {
    let context = context();
    let inner = analysed(&context, "SELECT a + b AS total, c FROM t WHERE d = 'x'").expect("a plan");
    context.register_table("w", Arc::new(ViewTable::new(inner, None))).expect("a name that is free");
    let plan = analysed(&context, "SELECT total FROM w WHERE c > 1").expect("a plan");
    let told = printed(&trace(&plan, &names(), &FunctionClasses::default()));
    expect![[r#"
        total <- t.a TRANSFORMATION, t.b TRANSFORMATION
        rows <- t.c FILTER, t.d FILTER
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_view_with_conditions_in_its_scan_is_seen_through() {
    let inner = analysed(&context(), "SELECT a + b AS total, c FROM t").expect("a plan");
    let view = provider_as_source(Arc::new(ViewTable::new(inner, None)));
    let scan = TableScanBuilder::new("w", view).with_projection(Some(vec![0])).with_filters(vec![col("c").gt(lit(1))]);
    let plan = LogicalPlan::TableScan(scan.build().expect("a scan"));
    let told = printed(&trace(&plan, &names(), &FunctionClasses::default()));
    expect![[r#"
        total <- t.a TRANSFORMATION, t.b TRANSFORMATION
        rows <- t.c FILTER
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_common_table_is_each_time_what_it_was() {
    check(
        "WITH w AS (SELECT a, b + 1 AS k FROM t WHERE c = 1) SELECT one.a, two.k FROM w AS one JOIN w AS two ON one.a = two.a",
        expect![[r#"
            a <- t.a IDENTITY
            k <- t.b TRANSFORMATION
            rows <- t.a JOIN, t.c FILTER
        "#]],
    );
}
