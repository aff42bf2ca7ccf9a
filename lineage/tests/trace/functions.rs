//! Classes of functions: how far a form falls, and whether a value is masked.

use expect_test::expect;
use lineage::{FunctionClasses, trace};
use schemas::FunctionClass;

use crate::lake::{analysed, context, names};
use crate::print::{check, printed};

#[test]
fn a_hash_is_a_pseudonym_and_stays_one() {
    check(
        "SELECT md5(d) AS m, sha256(d) AS s, digest(d, 'sha256') AS g, upper(md5(d)) AS u FROM t",
        expect![[r#"
        m <- t.d TRANSFORMATION*@pseudonymised
        s <- t.d TRANSFORMATION*@pseudonymised
        g <- t.d TRANSFORMATION*@pseudonymised
        u <- t.d TRANSFORMATION*@pseudonymised
    "#]],
    );
    check(
        "SELECT CASE WHEN a = 1 THEN d ELSE md5(d) END AS m FROM t",
        expect![[r#"
        m <- t.a CONDITIONAL, t.d IDENTITY+TRANSFORMATION*
    "#]],
    );
    check(
        "SELECT count(*) AS n FROM t GROUP BY md5(d)",
        expect![[r#"
        n <- generated
        rows <- t.d GROUP_BY*
    "#]],
    );
}

#[test]
fn measures_and_counts_stand_for_a_group_and_picks_for_somebody() {
    check(
        "SELECT sum(a) AS s, avg(b) AS v, count(c) AS n, max(a) AS m, array_agg(d) AS l, bool_or(a > 1) AS o FROM t",
        expect![[r#"
            s <- t.a AGGREGATION@aggregated
            v <- t.b AGGREGATION@aggregated
            n <- t.c AGGREGATION*@aggregated
            m <- t.a AGGREGATION
            l <- t.d AGGREGATION
            o <- t.a AGGREGATION@aggregated
        "#]],
    );
    check(
        "SELECT sum(length(md5(d))) AS s, max(md5(d)) AS m FROM t",
        expect![[r#"
        s <- t.d AGGREGATION*@aggregated
        m <- t.d AGGREGATION*@pseudonymised
    "#]],
    );
}

#[test]
fn over_a_window_nothing_is_lost() {
    check(
        "SELECT sum(a) OVER (ORDER BY b) AS s, count(a) OVER (ORDER BY b) AS n FROM t",
        expect![[r#"
        s <- t.a AGGREGATION, t.b WINDOW
        n <- t.a AGGREGATION, t.b WINDOW
    "#]],
    );
}

#[test]
fn what_does_not_depend_on_a_value_has_no_source() {
    check(
        "SELECT arrow_typeof(a) AS p FROM t",
        expect![[r#"
        p <- generated
    "#]],
    );
}

#[test]
fn a_function_that_is_not_listed_carries_all_and_floor_and_round_do() {
    check(
        "SELECT floor(a) AS f, round(a) AS r, substr(d, 1, 2) AS s, date_trunc('day', at) AS p FROM t",
        expect![[r#"
        f <- t.a TRANSFORMATION
        r <- t.a TRANSFORMATION
        s <- t.d TRANSFORMATION
        p <- t.at TRANSFORMATION
    "#]],
    );
}

#[test]
fn an_own_function_has_the_class_it_declares() {
    let plan = analysed(&context(), "SELECT reverse(d) AS r FROM t").expect("a plan");
    let functions = FunctionClasses::default().with("reverse", FunctionClass::Mask);
    expect![[r#"
        r <- t.d TRANSFORMATION*@masked
    "#]]
    .assert_eq(&printed(&trace(&plan, &names(), &functions)));
}
