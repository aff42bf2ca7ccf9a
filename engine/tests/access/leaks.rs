//! Each leak that was thought of, by its name. `docs/guide/access.md` lists them.

use crate::harness::{Lake, Rows, answered};

/// No mark that a principal must not see stands in what it is told.
#[track_caller]
pub(crate) fn holds_no_mark(who: &str, sql: &str, told: &str) {
    for mark in ["MARKB", "MARKR", "MARKM", "MARKH", "MARKS", "MARKT", "7700", "8800"] {
        assert!(!told.contains(mark), "{who} sees {mark} by {sql}\n{told}");
    }
}

async fn says_nothing(sql: &str) {
    let lake = Lake::new(Rows::Marked).await;
    for who in ["ann", "rob"] {
        let told = lake.ask(who, sql).await.unwrap_or_else(|error| error);
        holds_no_mark(who, sql, &told);
    }
}

#[tokio::test]
async fn leak_01_a_cast_that_fails_on_a_forbidden_row() {
    let (marked, unmarked) = (Lake::new(Rows::Marked).await, Lake::new(Rows::Unmarked).await);
    for sql in [
        "SELECT count(*) FROM narrow WHERE CAST(digits AS BIGINT) >= 0",
        "SELECT sum(100 / divisor) AS n FROM narrow",
        "SELECT count(*) FROM narrow WHERE 100 / divisor > 0",
        "SELECT count(*) FROM plain WHERE 100 / divisor > 0",
        "SELECT count(*) FROM plain WHERE CAST(digits AS INT) < 5 OR CAST(digits AS INT) >= 5",
        "SELECT max(CAST(digits AS BIGINT)) FROM plain WHERE kind = 'sealed' OR CAST(digits AS BIGINT) >= 0",
        "SELECT count(*) FROM narrow WHERE CASE WHEN tenant = 'tb' THEN 1 / 0 ELSE 1 END = 1",
    ] {
        let (with, without) = (marked.ask("rob", sql).await, unmarked.ask("rob", sql).await);
        assert_eq!(with, without, "{sql}");
        assert!(with.is_ok(), "no row that rob sees fails: {sql}: {with:?}");
    }
    // Of a row that is rob's own the kind of fault is told, and not the value.
    let told = marked.ask("rob", "SELECT CAST(id AS BIGINT) FROM narrow").await.expect_err("fails");
    assert!(told.contains("cannot be cast") && !told.contains("id-"), "{told}");
}

#[tokio::test]
async fn leak_02_a_condition_or_a_sort_on_a_masked_column() {
    let lake = Lake::new(Rows::Marked).await;
    let count = async |condition: &str| {
        let sql = format!("SELECT count(*) AS n FROM plain WHERE {condition}");
        let text = lake.ask("ann", &sql).await.expect("a figure");
        text.lines().nth(3).map(|line| line.trim_matches(['|', ' ']).to_owned()).expect("one row")
    };
    assert_eq!(count("actor = 'actor-3'").await, "0", "the value itself is not there");
    assert_eq!(count("actor LIKE 'k1:%'").await, "40");
    assert_eq!(count("person IS NOT NULL").await, "0");
    assert_eq!(count("amount = 10").await, "0");
    assert_eq!(count("amount = 300").await, "10");
    assert_eq!(count("note = 'note--1'").await, "0");
    assert_eq!(count("at = date_trunc('day', at)").await, "40");
    let sorted = lake.ask("ann", "SELECT DISTINCT amount FROM plain ORDER BY amount DESC").await.expect("sorts");
    assert!(!sorted.contains("390"), "{sorted}");
    let joined =
        "SELECT count(*) AS n FROM plain p JOIN (VALUES ('actor-1'), ('actor-2')) AS v(name) ON p.actor = v.name";
    assert!(lake.ask("ann", joined).await.expect("joins").contains("| 0 |"));
}

#[tokio::test]
async fn leak_03_one_text_asked_by_two_principals() {
    let lake = Lake::new(Rows::Marked).await;
    let sql = "SELECT count(*) AS n, count(DISTINCT tenant) AS tenants FROM plain";
    let ann = lake.ask("ann", sql).await.expect("a figure");
    let all = lake.ask("all", sql).await.expect("a figure");
    assert!(ann.contains("| 40 | 1 ") && all.contains("| 120 | 2 "), "{ann}\n{all}");
    assert_eq!(lake.ask("ann", sql).await.expect("again"), ann);
}

#[tokio::test]
async fn leak_04_the_plan_of_a_statement() {
    let lake = Lake::new(Rows::Marked).await;
    for sql in [
        "EXPLAIN SELECT * FROM plain WHERE amount > 5",
        "EXPLAIN VERBOSE SELECT * FROM narrow",
        "EXPLAIN SELECT n.id FROM narrow n JOIN plain p ON n.id = p.id WHERE p.actor = 'x'",
    ] {
        for who in ["ann", "rob"] {
            let told = lake.ask(who, sql).await.unwrap_or_else(|error| error);
            holds_no_mark(who, sql, &told);
            for inside in ["parquet", "emea", "closed", "sealed", "ParquetExec", "DataSourceExec", "masked("] {
                assert!(!told.contains(inside), "{who}: {inside} in the plan of {sql}\n{told}");
            }
        }
    }
    assert!(lake.ask("rob", "EXPLAIN SELECT * FROM plain").await.expect("a plan").contains("plain"));
    let told = lake.ask("ann", "EXPLAIN ANALYZE SELECT * FROM plain").await.expect_err("is refused");
    assert!(told.contains("EXPLAIN ANALYZE"), "{told}");
}

#[tokio::test]
async fn leak_05_what_the_catalog_says_of_itself() {
    let lake = Lake::new(Rows::Marked).await;
    for sql in [
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM information_schema.views",
        "SELECT * FROM information_schema.schemata",
        "SHOW TABLES",
        "SHOW COLUMNS FROM plain",
        "DESCRIBE plain",
    ] {
        let told = lake.ask("rob", sql).await.unwrap_or_else(|error| error);
        assert!(!told.contains("secret") && !told.contains("hidden") && !told.contains("marks"), "{sql}\n{told}");
    }
    let settings = lake.ask("rob", "SELECT count(*) AS n FROM information_schema.df_settings").await;
    assert!(settings.expect("a figure").contains("| 0 |"));
    assert!(lake.ask("rob", "SHOW COLUMNS FROM plain").await.expect("columns").contains("amount"));
}

#[tokio::test]
async fn leak_06_statements_that_do_more_than_read() {
    let lake = Lake::new(Rows::Marked).await;
    for sql in [
        "COPY plain TO '/tmp/plain.csv'",
        "COPY (SELECT * FROM plain) TO 's3://bucket/x.parquet'",
        "INSERT INTO plain VALUES ('x')",
        "UPDATE plain SET id = 'x'",
        "DELETE FROM plain",
        "CREATE TABLE t AS SELECT * FROM plain",
        "CREATE VIEW v AS SELECT * FROM plain",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "DROP TABLE plain",
        "SET datafusion.execution.time_zone = 'Europe/Berlin'",
        "SHOW ALL",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "EXPLAIN COPY plain TO '/tmp/x.csv'",
        "EXPLAIN INSERT INTO plain VALUES ('x')",
        "SELECT * INTO t FROM plain",
        "SELECT 1; SELECT 2",
        "TRUNCATE TABLE plain",
        "BEGIN",
    ] {
        let told = lake.ask("rob", sql).await.expect_err(sql);
        holds_no_mark("rob", sql, &told);
    }
}

#[tokio::test]
async fn leak_07_statements_that_starve_others() {
    let lake = Lake::new(Rows::Marked).await;
    for sql in [
        "SELECT count(*) FROM generate_series(1, 1000000000000000)",
        "SELECT count(*) FROM range(0, 9223372036854775807)",
        "SELECT count(*) FROM generate_series(1, (SELECT 5))",
        "SELECT * FROM read_csv('/etc/passwd')",
    ] {
        let told = lake.ask("rob", sql).await.expect_err(sql);
        assert!(told.contains("generate_series"), "{sql}: {told}");
    }
    assert!(
        lake.ask("rob", "SELECT count(*) AS n FROM generate_series(1, 1000)").await.expect("runs").contains("1000")
    );
    // What would be large is not made, and what is deep is not planned.
    for (sql, told) in [
        ("SELECT length(repeat('x', 300000000)) AS n".to_owned(), "the limit memory is"),
        ("SELECT length(lpad('x', 300000000, 'y')) AS n".to_owned(), "the limit memory is"),
        ("SELECT length(array_repeat(1, 1000000000)) AS n".to_owned(), "the limit memory is"),
        ("SELECT length(array_repeat(range(0, 10000), 30000)) AS n".to_owned(), "the limit memory is"),
        ("SELECT length(range(0, 300000000)) AS n".to_owned(), "the limit memory is"),
        ("SELECT levenshtein(repeat('a', 60000), repeat('b', 60000)) AS n".to_owned(), "the limit memory is"),
        // Nulls take room in a list, and so does what fills one.
        ("SELECT length(array_repeat(CAST(NULL AS INT), 1000000000)) AS n".to_owned(), "the limit memory is"),
        (
            "SELECT length(array_resize([id], 30000, repeat(id, 20000))) AS n FROM narrow".to_owned(),
            "the limit memory is",
        ),
        // A constant is written out for every row.
        ("SELECT max(length(repeat('x', 60000000) || id)) AS n FROM narrow".to_owned(), "the limit memory is"),
        (format!("SELECT 1{} AS n", "+1".repeat(9_000)), "the limit depth is 250"),
        (format!("SELECT 'a'{} AS n", "||'a'".repeat(6_500)), "the limit depth is 250"),
        (format!("SELECT 1{} AS n", "::int".repeat(6_000)), "the limit depth is 250"),
    ] {
        let error = lake.ask("rob", &sql).await.expect_err(&sql);
        assert!(error.contains(told), "{sql}: {error}");
    }
    let small = "SELECT length(repeat('ab', 3)) AS a, lpad('x', 3, 'y') AS b, array_repeat(1, 2) AS c, range(0, 3) AS d, \
                 levenshtein('kitten', 'sitting') AS e";
    let told = lake.ask("rob", small).await.expect("is small");
    assert!(told.contains("| 6 | yyx | [1, 1] | [0, 1, 2] | 3 |"), "{told}");
    // Of a column each row counts, and what it meets is a constant or a null.
    let small = "SELECT sum(levenshtein(id, 'id-1')) AS a, max(length(repeat(id, 3))) AS b, count(repeat(NULL, 9)) AS c FROM narrow";
    assert!(lake.ask("rob", small).await.expect("is small").contains("| 0 |"));
}

#[tokio::test]
async fn leak_08_figures_that_statistics_would_answer() {
    let (marked, unmarked) = (Lake::new(Rows::Marked).await, Lake::new(Rows::Unmarked).await);
    for table in ["plain", "narrow"] {
        for figure in ["count(*)", "count(id)", "min(amount)", "max(amount)", "min(id)", "max(at)", "count(divisor)"] {
            let sql = format!("SELECT {figure} AS f FROM {table}");
            assert_eq!(marked.ask("rob", &sql).await, unmarked.ask("rob", &sql).await, "{sql}");
        }
    }
}

#[tokio::test]
async fn leak_09_tables_named_by_a_path() {
    let lake = Lake::new(Rows::Marked).await;
    for name in [
        "'s3://bucket/secret/x.parquet'",
        "'file:///etc/passwd'",
        "'/etc/passwd'",
        "\"plain/tenant=tb/MARKT.parquet\"",
        "'lake://pinned/plain/tenant=tb/x.parquet'",
        "pinned.plain",
        "lake.auditlake.runs",
    ] {
        let told = lake.ask("rob", &format!("SELECT * FROM {name}")).await.expect_err(name);
        assert!(!told.contains("root:"), "{told}");
    }
}

#[tokio::test]
async fn leak_10_hints_that_name_what_is_hidden() {
    let lake = Lake::new(Rows::Marked).await;
    for sql in [
        "SELECT hiden FROM plain",
        "SELECT hidden FROM plain",
        "SELECT p.hidde FROM plain p",
        "SELECT * FROM secre",
        "SELECT * FROM secret",
        "SELECT marks_column FROM secret",
        "SELECT * FROM plain JOIN secret ON true",
        "SELECT auditlake.runs.run FROM auditlake.runs",
    ] {
        let told = lake.ask("rob", sql).await.expect_err(sql);
        let without_own_words = told.replace("hidden", if sql.contains("hidden") { "" } else { "hidden" });
        let without_own_words = without_own_words.replace("secret", if sql.contains("secret") { "" } else { "secret" });
        for name in ["hidden", "secret", "marks_column"] {
            assert!(sql.contains(name) || !without_own_words.contains(name), "{sql}: {told}");
        }
    }
    // What is hidden and what was never there are told in the same words.
    let hidden = lake.ask("rob", "SELECT hidden FROM plain").await.expect_err("is not there");
    let absent = lake.ask("rob", "SELECT hiddem FROM plain").await.expect_err("is not there");
    assert_eq!(hidden.replace("hidden", "hiddem"), absent);
    let secret = lake.ask("rob", "SELECT * FROM secret").await.expect_err("is not there");
    let absent = lake.ask("rob", "SELECT * FROM secred").await.expect_err("is not there");
    assert_eq!(secret.replace("secret", "secred"), absent);
}

#[tokio::test]
async fn leak_11_keys_and_filters_in_what_is_logged() {
    let lake = Lake::new(Rows::Marked).await;
    let session = lake.session("ann");
    let plan = session.plan("SELECT actor FROM plain WHERE person IS NULL").await.expect("plans");
    let shown = format!("{plan:?} {:?}", lake.viewer("ann"));
    assert!(!shown.contains("a key of the tests") && !shown.contains("sealed"));
}

#[tokio::test]
async fn leak_12_names_that_another_statement_left_behind() {
    let lake = Lake::new(Rows::Marked).await;
    let session = lake.session("rob");
    assert!(answered(&session, "PREPARE mine AS SELECT * FROM plain").await.is_err());
    assert!(answered(&session, "CREATE TEMPORARY VIEW mine AS SELECT * FROM plain").await.is_err());
    assert!(answered(&session, "SELECT * FROM mine").await.is_err());
    assert!(answered(&session, "SELECT count(*) FROM plain").await.is_ok(), "the session goes on");
}

#[tokio::test]
async fn leak_13_rows_that_nobody_but_a_role_may_see() {
    let lake = Lake::new(Rows::Marked).await;
    let count = async |who: &str| lake.ask(who, "SELECT count(*) AS n FROM plain WHERE kind = 'sealed'").await;
    assert!(count("rob").await.expect("a figure").contains("| 0 |"));
    assert!(count("ann").await.expect("a figure").contains("| 0 |"), "rows: all does not lift a restriction");
    assert!(count("all").await.expect("a figure").contains("| 40 |"), "its role is named under unless");
    says_nothing("SELECT * FROM plain").await;
}

#[tokio::test]
async fn leak_14_a_filter_or_a_map_that_fails_on_a_forbidden_row() {
    let (marked, unmarked) = (Lake::new(Rows::Marked).await, Lake::new(Rows::Unmarked).await);
    for condition in ["id < 'MARKB'", "id < 'MARKC'", "digits = '5'", "amount >= 0", "tenant = 'tb'"] {
        let sql = format!("SELECT count(*) AS n FROM fragile WHERE {condition}");
        let (with, without) = (marked.ask("fay", &sql).await, unmarked.ask("fay", &sql).await);
        assert_eq!(with, without, "{sql}");
        assert!(with.is_ok(), "{sql}: {with:?}");
    }
    for condition in ["row_count = 5", "row_count = 5 AND event_id < 'MARKB'", "row_count = 5 AND event_id < 'MARKC'"] {
        let sql = format!("SELECT count(*) AS n FROM mapped WHERE {condition}");
        let (with, without) = (marked.ask("fay", &sql).await, unmarked.ask("fay", &sql).await);
        assert_eq!(with, without, "{sql}");
        assert!(with.is_ok(), "{sql}: {with:?}");
    }
    let all = "SELECT event_id, row_count FROM mapped ORDER BY event_id";
    assert_eq!(marked.ask("fay", all).await, unmarked.ask("fay", all).await);
}

#[tokio::test]
async fn leak_15_a_plan_that_cannot_be_made() {
    let lake = Lake::new(Rows::Marked).await;
    // Where the engine finds no plan, it tells of all that it tried.
    let sql = "SELECT row_number() OVER (PARTITION BY sqrt(amount) ORDER BY id) AS n FROM narrow";
    let told = lake.ask("rob", sql).await.unwrap_or_else(|error| error);
    holds_no_mark("rob", sql, &told);
    for word in ["parquet", "DataSourceExec", "FilterExec", "emea", "closed"] {
        assert!(!told.contains(word), "{told}");
    }
}

/// The file of another tenant is not even opened: one that is broken fails nobody else.
#[tokio::test]
async fn files_of_other_tenants_are_not_in_a_session() {
    let lake = Lake::new(Rows::Marked).await;
    let session = lake.session("ann");
    let files = session.files("plain").await.expect("are listed").expect("a dataset");
    let paths: Vec<&str> = files.iter().map(engine::PinnedFile::path).collect();
    assert_eq!(paths, ["plain/tenant=ta/one.parquet"]);
    assert!(session.files("secret").await.expect("are listed").is_none());
    let owner = lake.owner();
    assert_eq!(owner.files("plain").await.expect("are listed").expect("a dataset").len(), 2);
}
