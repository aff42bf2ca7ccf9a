//! Rules of expressions.

use expect_test::expect;

use crate::print::check;

#[test]
fn a_column_keeps_its_value_through_casts_that_lose_nothing() {
    check(
        "SELECT a, a AS other, CAST(small AS BIGINT) AS wide, CAST(a AS INT) AS narrow FROM t",
        expect![[r#"
        a <- t.a IDENTITY
        other <- t.a IDENTITY
        wide <- t.small IDENTITY
        narrow <- t.a TRANSFORMATION
    "#]],
    );
    check(
        "SELECT small FROM t UNION ALL SELECT a FROM u",
        expect![[r#"
        small <- t.small IDENTITY, u.a IDENTITY
    "#]],
    );
}

#[test]
fn operators_and_comparisons_compute() {
    check(
        "SELECT a + b AS p, -a AS n, d LIKE 'x%' AS l, a IN (1, b) AS i, a BETWEEN b AND c AS w, NOT (a > 1) AS q, \
         a IS NULL AS z FROM t",
        expect![[r#"
            p <- t.a TRANSFORMATION, t.b TRANSFORMATION
            n <- t.a TRANSFORMATION
            l <- t.d TRANSFORMATION
            i <- t.a TRANSFORMATION, t.b TRANSFORMATION
            w <- t.a TRANSFORMATION, t.b TRANSFORMATION, t.c TRANSFORMATION
            q <- t.a TRANSFORMATION
            z <- t.a TRANSFORMATION
        "#]],
    );
}

#[test]
fn what_no_row_holds_has_no_source() {
    check(
        "SELECT 1 AS one, now() AS at, random() AS r, 1 + 2 AS three, $1 AS given FROM t",
        expect![[r#"
        one <- literal
        at <- generated
        r <- generated
        three <- literal
        given <- literal
    "#]],
    );
}

#[test]
fn a_case_keeps_its_results() {
    check(
        "SELECT CASE WHEN b > 0 THEN a ELSE a + b END AS c FROM t",
        expect![[r#"
        c <- t.a IDENTITY+TRANSFORMATION, t.b TRANSFORMATION+CONDITIONAL
    "#]],
    );
    check(
        "SELECT CASE a WHEN b THEN 'x' END AS c FROM t",
        expect![[r#"
        c <- t.a CONDITIONAL, t.b CONDITIONAL
    "#]],
    );
}

#[test]
fn the_first_that_is_not_null_is_chosen() {
    check(
        "SELECT coalesce(a, b, c) AS p, nvl(a, b) AS q, nullif(a, b) AS r, nvl2(a, b, c) AS s FROM t",
        expect![[r#"
        p <- t.a IDENTITY+CONDITIONAL, t.b IDENTITY+CONDITIONAL, t.c IDENTITY
        q <- t.a IDENTITY+CONDITIONAL, t.b IDENTITY
        r <- t.a IDENTITY+CONDITIONAL, t.b CONDITIONAL
        s <- t.a CONDITIONAL, t.b IDENTITY, t.c IDENTITY
    "#]],
    );
    check(
        "SELECT ifnull(a, 0) AS p FROM t",
        expect![[r#"
        p <- t.a IDENTITY+CONDITIONAL
    "#]],
    );
}

#[test]
fn a_field_of_a_struct_is_a_source() {
    check(
        "SELECT actor['id'] AS id, actor['home']['city'] AS city, actor FROM s",
        expect![[r#"
        id <- s.actor.id IDENTITY
        city <- s.actor.home.city IDENTITY
        actor <- s.actor IDENTITY
    "#]],
    );
    check(
        "SELECT w.p['f'] AS f, w.p AS whole FROM (SELECT named_struct('f', a, 'g', b + 1) AS p FROM t) AS w",
        expect![[r#"
            f <- t.a IDENTITY
            whole <- t.a TRANSFORMATION, t.b TRANSFORMATION
        "#]],
    );
    check(
        "SELECT named_struct('f', a, 'g', b)['g'] AS g, struct(a, b)['c0'] AS h FROM t",
        expect![[r#"
        g <- t.b IDENTITY
        h <- t.a IDENTITY
    "#]],
    );
    check(
        "SELECT w.p['q']['f'] AS f FROM (SELECT named_struct('q', named_struct('f', a, 'g', b)) AS p FROM t) AS w",
        expect![[r#"
            f <- t.a IDENTITY
        "#]],
    );
    check(
        "SELECT (CASE WHEN id > 1 THEN actor END)['id'] AS id FROM s",
        expect![[r#"
        id <- s.actor.id IDENTITY, s.id CONDITIONAL
    "#]],
    );
}

#[test]
fn a_key_of_a_map_is_data() {
    check(
        "SELECT labels['alice'] AS l, labels['alice'] FROM s",
        expect![[r#"
        l <- s.labels TRANSFORMATION
        expr_2 <- s.labels TRANSFORMATION
    "#]],
    );
}

#[test]
fn a_variable_of_a_lambda_is_an_element() {
    check(
        "SELECT array_transform(nums, x -> x + id) AS p FROM s",
        expect![[r#"
        p <- s.id TRANSFORMATION, s.nums TRANSFORMATION, s.nums[] TRANSFORMATION
    "#]],
    );
    check(
        "SELECT array_filter(nums, x -> x > id) AS p, array_any_match(tags, x -> x = 'a') AS q FROM s",
        expect![[r#"
            p <- s.id CONDITIONAL, s.nums TRANSFORMATION, s.nums[] CONDITIONAL
            q <- s.tags TRANSFORMATION, s.tags[] TRANSFORMATION
        "#]],
    );
    check(
        "SELECT array_transform(events, e -> e['v'] * 2) AS p FROM s",
        expect![[r#"
        p <- s.events TRANSFORMATION, s.events[].v TRANSFORMATION
    "#]],
    );
    check(
        "SELECT array_transform(grid, g -> array_transform(g, x -> x + id)) AS p FROM s",
        expect![[r#"
        p <- s.grid TRANSFORMATION, s.grid[] TRANSFORMATION, s.grid[][] TRANSFORMATION, s.id TRANSFORMATION
    "#]],
    );
}

#[test]
fn an_aggregate_has_its_filter_and_order_for_itself() {
    check(
        "SELECT sum(a) FILTER (WHERE b > 1) AS s, count(*) AS n, count(c) AS m FROM t",
        expect![[r#"
        s <- t.a AGGREGATION@aggregated, t.b FILTER
        n <- generated
        m <- t.c AGGREGATION*@aggregated
    "#]],
    );
    check(
        "SELECT array_agg(a ORDER BY b) AS l, first_value(d ORDER BY c) AS f FROM t",
        expect![[r#"
        l <- t.a AGGREGATION, t.b SORT
        f <- t.c SORT, t.d AGGREGATION
    "#]],
    );
    check(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) AS p FROM t",
        expect![[r#"
        p <- t.a AGGREGATION+SORT
    "#]],
    );
    check(
        "SELECT count(*) FILTER (WHERE b > 1) AS n, count(DISTINCT a) AS m FROM t",
        expect![[r#"
        n <- t.b FILTER
        m <- t.a AGGREGATION*@aggregated
    "#]],
    );
}

#[test]
fn window_functions_pick_compute_or_count() {
    check(
        "SELECT avg(a) OVER w AS m, lag(a, 1, b) OVER w AS l, first_value(a) OVER w AS f, rank() OVER w AS r, \
         ntile(4) OVER w AS q FROM t WINDOW w AS (PARTITION BY c ORDER BY d)",
        expect![[r#"
            m <- t.a AGGREGATION, t.c WINDOW, t.d WINDOW
            l <- t.a TRANSFORMATION, t.b TRANSFORMATION, t.c WINDOW, t.d WINDOW
            f <- t.a TRANSFORMATION, t.c WINDOW, t.d WINDOW
            r <- t.c WINDOW, t.d WINDOW
            q <- t.c WINDOW, t.d WINDOW
        "#]],
    );
    check(
        "SELECT sum(a) FILTER (WHERE b > 1) OVER (ORDER BY c) AS s FROM t",
        expect![[r#"
        s <- t.a AGGREGATION, t.b FILTER, t.c WINDOW
    "#]],
    );
}

#[test]
fn a_scalar_subquery_has_the_sources_of_its_column() {
    check(
        "SELECT a, (SELECT max(x) FROM u WHERE u.a = t.b AND u.y > 1) AS m FROM t",
        expect![[r#"
        a <- t.a IDENTITY
        m <- t.b FILTER, u.a FILTER, u.x AGGREGATION, u.y FILTER
    "#]],
    );
    check(
        "SELECT a FROM t WHERE b > (SELECT avg(x) FROM u WHERE u.a = t.c)",
        expect![[r#"
        a <- t.a IDENTITY
        rows <- t.b FILTER, t.c FILTER, u.a FILTER, u.x FILTER
    "#]],
    );
}

#[test]
fn a_subquery_in_a_condition_is_part_of_it() {
    check(
        "SELECT b FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a AND u.x > 1)",
        expect![[r#"
        b <- t.b IDENTITY
        rows <- t.a FILTER, u.a FILTER, u.x FILTER
    "#]],
    );
    check(
        "SELECT b FROM t WHERE a IN (SELECT x FROM u WHERE y = 1)",
        expect![[r#"
        b <- t.b IDENTITY
        rows <- t.a FILTER, u.x FILTER, u.y FILTER
    "#]],
    );
    check(
        "SELECT b FROM t WHERE a NOT IN (SELECT x FROM u)",
        expect![[r#"
        b <- t.b IDENTITY
        rows <- t.a FILTER, u.x FILTER
    "#]],
    );
    check(
        "SELECT b FROM t WHERE a > ALL (SELECT x FROM u WHERE u.y = t.c)",
        expect![[r#"
        b <- t.b IDENTITY
        rows <- t.a FILTER, t.c FILTER, u.x FILTER, u.y FILTER
    "#]],
    );
}

#[test]
fn a_subquery_as_a_value_is_computed_with() {
    check(
        "SELECT EXISTS (SELECT 1 FROM u WHERE u.a = t.a) AS e, a IN (SELECT x FROM u WHERE y = 1) AS i FROM t",
        expect![[r#"
            e <- t.a FILTER, u.a FILTER
            i <- t.a TRANSFORMATION, u.x TRANSFORMATION, u.y FILTER
        "#]],
    );
}
