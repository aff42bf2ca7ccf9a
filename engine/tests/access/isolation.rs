//! Whatever is asked, a principal is told the same as if the rows that it must not see were not there.

use crate::harness::{Lake, Rows};
use crate::statements::Maker;

/// Statements; `AUDITLAKE_STATEMENTS` asks for more.
fn statements() -> u64 {
    std::env::var("AUDITLAKE_STATEMENTS").ok().and_then(|number| number.parse().ok()).unwrap_or(400)
}

/// Lines in order: without ORDER BY there is none.
fn sorted(told: Result<String, String>) -> Result<Vec<String>, String> {
    told.map(|text| {
        let mut lines: Vec<String> = text.lines().filter(|line| !line.starts_with('+')).map(squeezed).collect();
        lines.sort();
        lines
    })
}

/// Without the blanks that stand for the width of a column.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_told_does_not_depend_on_rows_that_must_not_be_seen() {
    let (marked, unmarked) = (Lake::new(Rows::Marked).await, Lake::new(Rows::Unmarked).await);
    let (mut rows, mut errors) = (0, 0);
    for seed in 0..statements() {
        let sql = Maker::new(seed).statement();
        for who in ["ann", "rob"] {
            let with = marked.ask(who, &sql).await;
            let (Ok(told) | Err(told)) = &with;
            for mark in ["MARKB", "MARKR", "MARKM", "MARKH", "MARKS"] {
                assert!(!told.contains(mark), "seed {seed}: {who} sees {mark} by {sql}\n{told}");
            }
            *if with.is_ok() { &mut rows } else { &mut errors } += 1;
            let without = unmarked.ask(who, &sql).await;
            assert_eq!(sorted(with), sorted(without), "seed {seed}: {who} by {sql}");
        }
    }
    assert!(rows * 4 > errors, "{rows} statements had rows and {errors} errors: too many fail to say much");
}

#[tokio::test]
async fn the_marks_are_there_for_who_may_see_them() {
    let lake = Lake::new(Rows::Marked).await;
    let told = lake.ask("all", "SELECT * FROM plain").await.expect("rows")
        + &lake.ask("all", "SELECT * FROM secret").await.expect("rows");
    for mark in ["MARKB", "MARKR", "MARKM", "MARKH", "MARKS"] {
        assert!(told.contains(mark), "{mark} is not even in the lake");
    }
}
