//! Rules of nodes.

use expect_test::expect;

use crate::lake::traced;
use crate::print::{check, printed};

#[test]
fn a_scan_gives_its_columns() {
    check(
        "SELECT * FROM u",
        expect![[r#"
        a <- u.a IDENTITY
        x <- u.x IDENTITY
        y <- u.y IDENTITY
    "#]],
    );
    check(
        "SELECT value FROM generate_series(1, 3)",
        expect![[r#"
        value <- generated
    "#]],
    );
}

#[test]
fn names_of_a_projection_are_its_own() {
    check(
        "SELECT a AS one, a + b AS two, a AS one_more FROM t",
        expect![[r#"
        one <- t.a IDENTITY
        two <- t.a TRANSFORMATION, t.b TRANSFORMATION
        one_more <- t.a IDENTITY
    "#]],
    );
    check(
        "SELECT p, q FROM (SELECT a, x + y FROM u) AS w(p, q)",
        expect![[r#"
        p <- u.a IDENTITY
        q <- u.x TRANSFORMATION, u.y TRANSFORMATION
    "#]],
    );
}

#[test]
fn a_filter_decides_which_rows_there_are() {
    check(
        "SELECT a FROM t WHERE b > 1 AND c IS NULL",
        expect![[r#"
        a <- t.a IDENTITY
        rows <- t.b FILTER, t.c FILTER
    "#]],
    );
    check(
        "SELECT a, count(*) AS n FROM t GROUP BY a HAVING sum(b) > 1",
        expect![[r#"
        a <- t.a IDENTITY
        n <- generated
        rows <- t.a GROUP_BY, t.b FILTER
    "#]],
    );
    check(
        "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY c) = 1",
        expect![[r#"
        a <- t.a IDENTITY
        rows <- t.b FILTER, t.c FILTER
    "#]],
    );
}

#[test]
fn a_sort_and_a_limit_keep_columns() {
    check(
        "SELECT a FROM t ORDER BY b, c + 1 LIMIT 3",
        expect![[r#"
        a <- t.a IDENTITY
        rows <- t.b SORT, t.c SORT
    "#]],
    );
}

#[test]
fn distinct_depends_on_every_column() {
    check(
        "SELECT DISTINCT a, b FROM t",
        expect![[r#"
        a <- t.a IDENTITY
        b <- t.b IDENTITY
        rows <- t.a GROUP_BY, t.b GROUP_BY
    "#]],
    );
    check(
        "SELECT DISTINCT ON (a) b, c FROM t ORDER BY a, d",
        expect![[r#"
        b <- t.b IDENTITY
        c <- t.c IDENTITY
        rows <- t.a GROUP_BY+SORT, t.d SORT
    "#]],
    );
}

#[test]
fn an_aggregate_has_keys_and_aggregates() {
    check(
        "SELECT a, b + 1 AS k, max(c) AS m FROM t GROUP BY a, b + 1",
        expect![[r#"
        a <- t.a IDENTITY
        k <- t.b TRANSFORMATION
        m <- t.c AGGREGATION
        rows <- t.a GROUP_BY, t.b GROUP_BY
    "#]],
    );
    check(
        "SELECT a, b, grouping(a) AS g, sum(c) AS s FROM t GROUP BY ROLLUP (a, b)",
        expect![[r#"
        a <- t.a IDENTITY
        b <- t.b IDENTITY
        g <- literal, generated
        s <- t.c AGGREGATION@aggregated
        rows <- t.a GROUP_BY, t.b GROUP_BY
    "#]],
    );
    check(
        "SELECT a, b, count(*) AS n FROM t GROUP BY GROUPING SETS ((a), (b), (a, b))",
        expect![[r#"
        a <- t.a IDENTITY
        b <- t.b IDENTITY
        n <- generated
        rows <- t.a GROUP_BY, t.b GROUP_BY
    "#]],
    );
    check(
        "SELECT count(*) AS n FROM t",
        expect![[r#"
        n <- generated
    "#]],
    );
}

#[test]
fn a_window_adds_columns() {
    check(
        "SELECT a, sum(b) OVER (PARTITION BY c ORDER BY d) AS s, row_number() OVER (ORDER BY b) AS r FROM t",
        expect![[r#"
            a <- t.a IDENTITY
            s <- t.b AGGREGATION, t.c WINDOW, t.d WINDOW
            r <- t.b WINDOW
        "#]],
    );
}

#[test]
fn joins_have_both_sides_or_one() {
    for kind in ["", "LEFT", "RIGHT", "FULL"] {
        let told = printed(&traced(&format!("SELECT t.b, u.x FROM t {kind} JOIN u ON t.a = u.a AND u.y > t.c")));
        let rows = "rows <- t.a JOIN, t.c JOIN, u.a JOIN, u.y JOIN\n";
        assert_eq!(told, format!("b <- t.b IDENTITY\nx <- u.x IDENTITY\n{rows}"), "{kind}");
    }
    for (left, kind, right) in
        [("v", "LEFT SEMI", "u"), ("v", "LEFT ANTI", "u"), ("u", "RIGHT SEMI", "v"), ("u", "RIGHT ANTI", "v")]
    {
        let told = printed(&traced(&format!("SELECT * FROM {left} {kind} JOIN {right} ON v.a = u.a")));
        let rows = "rows <- u.a JOIN, v.a JOIN\n";
        assert_eq!(told, format!("v <- v.v IDENTITY\na <- v.a IDENTITY\nx <- v.x IDENTITY\n{rows}"), "{kind}");
    }
    check(
        "SELECT t.b, u.x FROM t CROSS JOIN u",
        expect![[r#"
        b <- t.b IDENTITY
        x <- u.x IDENTITY
    "#]],
    );
}

#[test]
fn a_mark_comes_from_what_is_compared() {
    use datafusion::common::JoinType;
    use datafusion::logical_expr::LogicalPlanBuilder;

    use crate::lake::{analysed, context, names};

    let plan = |sql: &str| analysed(&context(), sql).expect("a plan");
    for kind in [JoinType::LeftMark, JoinType::RightMark] {
        let left = LogicalPlanBuilder::from(plan("SELECT a, b FROM t"));
        let joined = left.join(plan("SELECT x FROM u"), kind, (vec!["a"], vec!["x"]), None);
        let joined = joined.and_then(LogicalPlanBuilder::build).expect("a plan");
        let told = printed(&lineage::trace(&joined, &names(), &lineage::FunctionClasses::default()));
        let side =
            if kind == JoinType::LeftMark { "a <- t.a IDENTITY\nb <- t.b IDENTITY" } else { "x <- u.x IDENTITY" };
        let position = side.lines().count() + 1;
        let mark = format!("expr_{position} <- t.a JOIN, u.x JOIN\nrows <- t.a JOIN, u.x JOIN\n");
        assert_eq!(told, format!("{side}\n{mark}"));
    }
}

#[test]
fn a_join_by_names_is_as_it_is_projected() {
    check(
        "SELECT * FROM u JOIN v USING (a)",
        expect![[r#"
        a <- u.a IDENTITY
        x <- u.x IDENTITY
        y <- u.y IDENTITY
        v <- v.v IDENTITY
        x_5 <- v.x IDENTITY
        rows <- u.a JOIN, v.a JOIN
    "#]],
    );
    check(
        "SELECT a FROM u RIGHT JOIN v USING (a)",
        expect![[r#"
        a <- u.a IDENTITY
        rows <- u.a JOIN, v.a JOIN
    "#]],
    );
    check(
        "SELECT u.y, v.v FROM u NATURAL JOIN v",
        expect![[r#"
        y <- u.y IDENTITY
        v <- v.v IDENTITY
        rows <- u.a JOIN, u.x JOIN, v.a JOIN, v.x JOIN
    "#]],
    );
}

#[test]
fn an_intersection_has_its_values_in_both_arms() {
    check(
        "SELECT a, b FROM t INTERSECT SELECT x, y FROM u",
        expect![[r#"
        a <- t.a IDENTITY, u.x IDENTITY
        b <- t.b IDENTITY, u.y IDENTITY
        rows <- t.a JOIN+GROUP_BY, t.b JOIN+GROUP_BY, u.x JOIN+GROUP_BY, u.y JOIN+GROUP_BY
    "#]],
    );
    check(
        "SELECT a, b FROM t INTERSECT ALL SELECT x, y FROM u",
        expect![[r#"
        a <- t.a IDENTITY, u.x IDENTITY
        b <- t.b IDENTITY, u.y IDENTITY
        rows <- t.a JOIN, t.b JOIN, u.x JOIN, u.y JOIN
    "#]],
    );
}

#[test]
fn a_difference_has_its_values_in_the_left_arm() {
    check(
        "SELECT a, b FROM t EXCEPT SELECT x, y FROM u",
        expect![[r#"
        a <- t.a IDENTITY
        b <- t.b IDENTITY
        rows <- t.a JOIN+GROUP_BY, t.b JOIN+GROUP_BY, u.x JOIN, u.y JOIN
    "#]],
    );
    check(
        "SELECT a, b FROM t EXCEPT ALL SELECT x, y FROM u",
        expect![[r#"
        a <- t.a IDENTITY
        b <- t.b IDENTITY
        rows <- t.a JOIN, t.b JOIN, u.x JOIN, u.y JOIN
    "#]],
    );
}

#[test]
fn a_union_is_all_its_arms() {
    check(
        "SELECT a, b FROM t WHERE c = 1 UNION ALL SELECT x, y FROM u UNION ALL SELECT 1, 2",
        expect![[r#"
        a <- t.a IDENTITY, u.x IDENTITY
        b <- t.b IDENTITY, u.y IDENTITY
        rows <- t.c FILTER
    "#]],
    );
    check(
        "SELECT a FROM t UNION SELECT x FROM u",
        expect![[r#"
        a <- t.a IDENTITY, u.x IDENTITY
        rows <- t.a GROUP_BY, u.x GROUP_BY
    "#]],
    );
    check(
        "SELECT a, x FROM u UNION ALL BY NAME SELECT x, a FROM v",
        expect![[r#"
        a <- u.a IDENTITY, v.a IDENTITY
        x <- u.x IDENTITY, v.x IDENTITY
    "#]],
    );
}

#[test]
fn unnesting_multiplies_rows() {
    check(
        "SELECT id, unnest(tags) AS tag FROM s",
        expect![[r#"
        id <- s.id IDENTITY
        tag <- s.tags[] TRANSFORMATION
        rows <- s.tags JOIN
    "#]],
    );
    check(
        "SELECT unnest(grid) AS line, id FROM s",
        expect![[r#"
        line <- s.grid[] TRANSFORMATION
        id <- s.id IDENTITY
        rows <- s.grid JOIN
    "#]],
    );
    check(
        "SELECT unnest(unnest(grid)) AS cell FROM s",
        expect![[r#"
            cell <- s.grid[][] TRANSFORMATION
            rows <- s.grid JOIN
        "#]],
    );
    check(
        "SELECT unnest(actor) FROM s",
        expect![[r#"
        s.actor.id <- s.actor.id IDENTITY
        s.actor.name <- s.actor.name IDENTITY
        s.actor.home <- s.actor.home IDENTITY
    "#]],
    );
    check(
        "SELECT s.id, e.k FROM s, unnest(s.tags) AS e(k)",
        expect![[r#"
        id <- s.id IDENTITY
        k <- s.tags[] TRANSFORMATION
        rows <- s.tags JOIN
    "#]],
    );
}

#[test]
fn a_recursive_query_goes_on_until_nothing_is_added() {
    check(
        "WITH RECURSIVE r AS (SELECT a, b FROM t WHERE c = 1 UNION ALL SELECT b, a + 1 FROM r WHERE a < 9) SELECT * FROM r",
        expect![[r#"
            a <- t.a IDENTITY+TRANSFORMATION, t.b IDENTITY+TRANSFORMATION
            b <- t.a TRANSFORMATION, t.b IDENTITY+TRANSFORMATION
            rows <- t.a FILTER, t.b FILTER, t.c FILTER
        "#]],
    );
    check(
        "WITH RECURSIVE r AS (SELECT x AS p FROM u UNION SELECT v.v FROM r JOIN v ON v.a = r.p) SELECT p FROM r",
        expect![[r#"
            p <- u.x IDENTITY, v.v IDENTITY
            rows <- u.x JOIN+GROUP_BY, v.a JOIN, v.v JOIN+GROUP_BY
        "#]],
    );
}

#[test]
fn the_name_of_a_recursive_query_is_a_table_in_its_first_term() {
    check(
        "WITH RECURSIVE u AS (SELECT a FROM public.u UNION ALL SELECT a + 1 FROM u WHERE a < 3) SELECT a FROM u",
        expect![[r#"
            a <- u.a IDENTITY+TRANSFORMATION
            rows <- u.a FILTER
        "#]],
    );
}

#[test]
fn rows_of_values_have_no_source() {
    check(
        "SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS w(p, q)",
        expect![[r#"
        p <- literal
        q <- literal
    "#]],
    );
    check(
        "VALUES (1, now())",
        expect![[r#"
        column1 <- literal
        column2 <- generated
    "#]],
    );
}

#[test]
fn what_is_explained_or_described_gives_no_column() {
    check("EXPLAIN SELECT a FROM t", expect![[r#""#]]);
    check("DESCRIBE t", expect![[r#""#]]);
    check("SET datafusion.execution.batch_size = 10", expect![[r#""#]]);
}
