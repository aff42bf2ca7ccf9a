//! Limits: passing one is an error with figures, never a shorter answer.

use crate::harness::{Lake, Rows, answered};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_limit_names_itself_and_what_would_narrow_the_question() {
    let lake = Lake::new(Rows::Marked).await;
    let long = format!("SELECT 1 AS n WHERE 'x' <> '{}'", "y".repeat(300));
    let deep = format!("SELECT * FROM {}plain{}", "(SELECT * FROM ".repeat(7), ") AS t".repeat(7));
    let wide = "SELECT repeat(id, 2000) AS t FROM plain WHERE id IN ('id-1', 'id-2')".to_owned();
    for (sql, limit) in [
        ("SELECT id FROM plain".to_owned(), "the limit rows is 5, and this takes"),
        (wide, "the limit bytes is 4096, and this takes"),
        (long, "the limit sql_bytes is 200, and this takes"),
        (deep, "the limit plan_nodes is 12, and this takes"),
        (
            "SELECT count(*) AS n FROM generate_series(1,900000) a, generate_series(1,900000) b".to_owned(),
            "the limit seconds is 1, and this takes",
        ),
    ] {
        let told = lake.ask("tiny", &sql).await.expect_err(&sql);
        assert!(told.contains(limit), "{sql}: {told}");
    }
    assert!(lake.ask("tiny", "SELECT id FROM plain LIMIT 5").await.is_ok(), "what is at the limit passes");
    let whole = lake.ask("ann", "SELECT id FROM plain").await.expect("has other limits");
    assert_eq!(whole.lines().count(), 44);
}

#[tokio::test]
async fn what_no_role_allows_is_refused() {
    let lake = Lake::new(Rows::Marked).await;
    // An operator runs jobs and reads no dataset: none is there by name.
    let told = lake.ask("mute", "SELECT * FROM plain").await.expect_err("is not there");
    assert!(told.contains("not found"), "{told}");
    let told = lake.ask("mute", "SHOW TABLES").await.expect("lists nothing of ours");
    assert!(!told.contains("plain"), "{told}");
}

#[tokio::test]
async fn a_session_serves_one_principal_and_the_next_another() {
    let lake = Lake::new(Rows::Marked).await;
    let (ann, rob) = (lake.session("ann"), lake.session("rob"));
    for _ in 0..3 {
        let sql = "SELECT count(*) AS n FROM information_schema.tables WHERE table_schema = 'public'";
        assert!(answered(&ann, sql).await.expect("a figure").contains("| 1 |"));
        assert!(answered(&rob, sql).await.expect("a figure").contains("| 2 |"));
    }
}
