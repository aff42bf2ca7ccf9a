//! Rules of statements that write.

use expect_test::expect;
use lineage::{FunctionClasses, Operation};

use crate::lake::traced;
use crate::print::check;

#[test]
fn an_insert_fills_every_column_of_the_target() {
    check(
        "INSERT INTO u (x, a) SELECT a, b FROM t WHERE c = 1",
        expect![[r#"
        into u
        a <- t.b IDENTITY
        x <- t.a IDENTITY
        y <- literal
        rows <- t.c FILTER
    "#]],
    );
    check(
        "CREATE TABLE w AS SELECT a AS p, count(*) AS n FROM t GROUP BY a",
        expect![[r#"
        into w
        p <- t.a IDENTITY
        n <- generated
        rows <- t.a GROUP_BY
    "#]],
    );
    check(
        "COPY (SELECT a, b + 1 AS k FROM t) TO 'out/rows.csv' STORED AS CSV",
        expect![[r#"
        into out/rows.csv
        a <- t.a IDENTITY
        k <- t.b TRANSFORMATION
    "#]],
    );
}

#[test]
fn an_update_assigns_some_columns() {
    check(
        "UPDATE u SET x = y + 1 WHERE a > 1",
        expect![[r#"
        into u
        a <- u.a IDENTITY
        x <- u.a FILTER, u.x IDENTITY, u.y TRANSFORMATION
        y <- u.y IDENTITY
    "#]],
    );
    check(
        "UPDATE u AS w SET x = w.a WHERE w.y = 1",
        expect![[r#"
        into u
        a <- u.a IDENTITY
        x <- u.a IDENTITY, u.x IDENTITY, u.y FILTER
        y <- u.y IDENTITY
    "#]],
    );
}

#[test]
fn a_delete_leaves_the_columns() {
    check(
        "DELETE FROM u WHERE x > 1",
        expect![[r#"
        into u
        a <- u.a IDENTITY
        x <- u.x IDENTITY
        y <- u.y IDENTITY
        rows <- u.x FILTER
    "#]],
    );
    check(
        "DROP TABLE u",
        expect![[r#"
        into u
    "#]],
    );
    check(
        "TRUNCATE TABLE u",
        expect![[r#"
        into u
    "#]],
    );
}

#[test]
fn a_merge_has_target_condition_and_clauses() {
    check(
        "MERGE INTO u USING v ON u.a = v.a WHEN MATCHED AND v.v > 1 THEN UPDATE SET x = v.x \
         WHEN NOT MATCHED THEN INSERT (a, y) VALUES (v.a, v.v + 1)",
        expect![[r#"
            into u
            a <- u.a IDENTITY, v.a IDENTITY
            x <- u.x IDENTITY, v.x IDENTITY
            y <- u.y IDENTITY, v.v TRANSFORMATION
            rows <- u.a JOIN, v.a JOIN, v.v FILTER
        "#]],
    );
}

#[test]
fn other_statements_make_no_column() {
    check("CREATE VIEW w AS SELECT a FROM t", expect![[r#""#]]);
    check("CREATE EXTERNAL TABLE w (a INT) STORED AS CSV LOCATION 'w.csv'", expect![[r#""#]]);
    check("PREPARE p AS SELECT a FROM t", expect![[r#""#]]);
    check(
        "EXECUTE p",
        expect![[r#"
        rows <-  [opaque execute]
    "#]],
    );
}

#[test]
fn what_a_statement_does_is_derived() {
    let does = |sql: &str| traced(sql).operations.into_iter().collect::<Vec<_>>();
    assert_eq!(does("SELECT a FROM t"), [Operation::Transformation]);
    assert_eq!(does("SELECT DISTINCT a FROM t"), [Operation::Aggregation]);
    assert_eq!(does("SELECT sum(a) FROM t"), [Operation::Aggregation]);
    assert_eq!(does("COPY t TO 'out.csv' STORED AS CSV"), [Operation::Export]);
    assert_eq!(does("DELETE FROM t WHERE a = 1"), [Operation::Delete]);
    assert_eq!(does("SET datafusion.execution.batch_size = 10"), []);
    assert_eq!(FunctionClasses::default().of("sum"), schemas::FunctionClass::Measure);
}
