//! Datasets whose rows are revisions: what is in force under the name, everything under the name with `_history`.

use crate::harness::{self, Lake};

async fn lake() -> Lake {
    let rows = [
        r#"{"_table":"dsr","tenant_id":"a","request_id":"r-1","received_at":"2026-02-01T00:00:00Z","revision":1}"#,
        r#"{"_table":"dsr","tenant_id":"a","request_id":"r-1","received_at":"2026-02-01T00:00:00Z","revision":3,"state":"denied"}"#,
        r#"{"_table":"dsr","tenant_id":"a","request_id":"r-1","received_at":"2026-02-01T00:00:00Z","revision":2,"state":"fulfilled"}"#,
        r#"{"_table":"dsr","tenant_id":"a","request_id":"r-2","received_at":"2026-02-02T00:00:00Z","revision":1}"#,
        r#"{"_table":"dsr","tenant_id":"b","request_id":"r-1","received_at":"2026-02-03T00:00:00Z","revision":2}"#,
        r#"{"_table":"dsr","tenant_id":"b","request_id":"r-2","received_at":"2026-02-03T00:00:00Z","revision":4,"state":"open"}"#,
        r#"{"_table":"dsr","tenant_id":"b","request_id":"r-2","received_at":"2026-02-03T00:00:00Z","revision":4,"state":"denied"}"#,
        r#"{"_table":"request_1m","tenant_id":"a","service":"api","region":"eu","route_group":"all","minute":"2026-03-01T00:00:00Z","revision":1}"#,
        r#"{"_table":"request_1m","tenant_id":"a","service":"api","region":"eu","route_group":"all","minute":"2026-03-01T00:00:00Z","revision":2}"#,
        r#"{"_table":"request_1m","tenant_id":"b","service":"api","region":"eu","route_group":"all","minute":"2026-03-02T00:00:00Z","revision":1}"#,
    ];
    harness::lake(&rows, &[]).await
}

/// Rows of a statement with one column of text.
async fn column(lake: &Lake, sql: &str) -> Vec<String> {
    let batches = lake.session().query(sql).await.expect("runs");
    batches.iter().flat_map(|batch| harness::texts(batch, "row")).collect()
}

#[tokio::test]
async fn the_highest_revision_of_each_key_and_tenant_is_in_force() {
    let lake = lake().await;
    let rows = "concat_ws(' ', tenant_id, request_id, revision, state) AS row";
    let found = column(&lake, &format!("SELECT {rows} FROM dsr ORDER BY row")).await;
    // Two rows of one revision contradict each other, and both stay for people to see.
    assert_eq!(found, ["a r-1 3 denied", "a r-2 1 open", "b r-1 2 open", "b r-2 4 denied", "b r-2 4 open"]);
    let all = column(&lake, "SELECT CAST(count(*) AS varchar) AS row FROM dsr_history").await;
    assert_eq!(all, ["7"]);
    let first = column(&lake, "SELECT request_id AS row FROM dsr WHERE revision = 1").await;
    assert_eq!(first, ["r-2"], "a condition on the revision does not bring an old one back");
    let of_state = column(&lake, "SELECT tenant_id AS row FROM dsr WHERE state = 'fulfilled'").await;
    assert_eq!(of_state, [""; 0], "nor does one on what a revision changed");
}

#[tokio::test]
async fn conditions_on_tenant_and_key_reach_the_files() {
    let session = lake().await.session();
    let sql = "SELECT total FROM request_1m WHERE tenant_id = 'a' AND minute < TIMESTAMP '2026-03-02T00:00:00Z' AND total > 5";
    let plan = session.plan(sql).await.expect("plans");
    let shown = session.optimized(&plan).expect("optimises").display_indent().to_string();
    let scan = shown.lines().last().expect("a scan");
    assert!(
        scan.contains("TableScan: request_1m") && scan.contains("tenant_id = ") && scan.contains("minute < "),
        "{shown}"
    );
    assert!(!scan.contains("total >"), "{shown}");
}

#[tokio::test]
async fn only_datasets_with_revisions_have_a_history() {
    let lake = lake().await;
    let sql = "SELECT table_name AS row FROM information_schema.tables WHERE table_name LIKE '%history' ORDER BY row";
    let found = column(&lake, sql).await;
    let all = schemas::DATASET_SCHEMAS.iter().filter(|schema| schema.has_revisions());
    let mut all: Vec<String> = all.map(|schema| format!("{}_history", schema.name.trim_end_matches(".v1"))).collect();
    all.sort();
    assert_eq!(found, all);
    assert!(found.contains(&"dsr_history".to_owned()) && !found.contains(&"audit_history".to_owned()));
    assert!(lake.session().query("SELECT 1 FROM audit_history").await.is_err());
}
