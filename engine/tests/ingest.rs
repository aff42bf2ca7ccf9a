//! Ingest against a runner that stops anywhere, and against a store that was tampered with.

mod ingest {
    mod faulty;
    pub(crate) mod harness;
    mod races;
}

use engine::EngineError;
use ingest::harness::{Fences, Lake};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_claim_writes_nothing_more() {
    let lake = Lake::with_drop();
    let error = lake.ingest(&Fences::lost_at(0)).await.expect_err("the claim is lost");
    assert!(matches!(error, EngineError::ClaimLost { .. }), "{error}");
    assert_eq!(lake.parquet_files().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_stops_before_any_write_is_followed_without_loss_or_doubles() {
    let undisturbed = Lake::with_drop();
    let fences = Fences::lost_at(usize::MAX);
    let whole = undisturbed.ingest(&fences).await.expect("ingested");
    assert!(whole.counts.rows > 0 && whole.counts.duplicates > 0 && whole.counts.rejected > 0, "{whole:?}");
    let (files, rows) = (undisturbed.places().await, undisturbed.ids().await);
    assert!(fences.met() > 5, "only {} writes", fences.met());

    for stop in 0..fences.met() {
        let lake = Lake::with_drop();
        lake.ingest(&Fences::lost_at(stop)).await.expect_err("stopped");
        let second = lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("completed");
        assert_eq!(second.counts, whole.counts, "stopped before write {stop}");
        assert_eq!(lake.plans().await, 1, "the plan of the first is carried out");
        assert_eq!((lake.places().await, lake.ids().await), (files.clone(), rows.clone()), "write {stop}");
        let third = lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("nothing to do");
        assert_eq!((third.counts.read, third.files_seen_before), (0, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_work_writes_the_same_bytes_or_fails() {
    let lake = Lake::with_drop();
    lake.ingest(&Fences::lost_at(2)).await.expect_err("stopped");
    let first = lake.parquet_files().await.into_iter().next().expect("a file was written");
    lake.overwrite(&first, b"not what the work wrote").await;
    let error = lake.ingest(&Fences::lost_at(usize::MAX)).await.expect_err("other bytes under the name");
    assert!(error.to_string().contains(&first), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_an_earlier_work_are_known_and_conflicts_are_told() {
    let lake = Lake::with_drop();
    let first = lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("ingested");
    let other = Lake::event(3).replace("success", "failure");
    lake.drop_file("again.ndjson", &[Lake::event(1), Lake::event(2), Lake::event(9_000), other]);
    let second = lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("ingested");
    let counts = &second.counts;
    assert_eq!((counts.read, counts.rows, counts.duplicates, counts.rejected), (4, 1, 2, 1));
    assert_eq!(lake.ids().await.len() as u64, first.counts.rows + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_reads_the_versions_it_pinned_or_fails() {
    let lake = Lake::with_drop();
    let whole = lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("ingested");
    let sql = "SELECT sum(severity), count(*), max(event_id) FROM audit";
    let session = lake.session();
    session.query("SELECT count(*) FROM audit").await.expect("pinned");
    for file in lake.parquet_files().await.iter().filter(|file| file.starts_with("audit/")) {
        let bytes = lake.read(file).await;
        lake.overwrite(file, &bytes).await;
    }
    // Even the same bytes are another version; a query never mixes two.
    let error = session.query(sql).await.expect_err("the files were replaced");
    assert!(matches!(error, EngineError::Changed { .. }), "{error:?}");
    assert_eq!(lake.ids().await.len() as u64, whole.counts.rows, "a new session reads the new versions");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_reading_statements_run() {
    let lake = Lake::with_drop();
    lake.ingest(&Fences::lost_at(usize::MAX)).await.expect("ingested");
    let session = lake.session();
    for refused in [
        "INSERT INTO audit SELECT * FROM audit",
        "INSERT OVERWRITE audit SELECT * FROM audit",
        "UPDATE audit SET source = 'x'",
        "DELETE FROM audit",
        "TRUNCATE TABLE audit",
        "COPY audit TO '/tmp/out.parquet'",
        "COPY (SELECT 1) TO 'out.csv' STORED AS CSV",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE SCHEMA s",
        "DROP TABLE audit",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "SHOW ALL",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "BEGIN",
        "SELECT 1; SELECT 2",
        "SELECT 1 INTO t",
        "EXPLAIN INSERT INTO audit SELECT * FROM audit",
        "EXPLAIN ANALYZE COPY audit TO 'x'",
        "WITH gone AS (DELETE FROM audit) SELECT 1",
        "",
    ] {
        assert!(session.plan(refused).await.is_err(), "{refused}");
    }
    for elsewhere in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd.csv\"",
        "SELECT * FROM 'lake://pinned/audit'",
        "SELECT * FROM read_parquet('/x')",
        "SELECT * FROM other.public.audit",
    ] {
        assert!(session.plan(elsewhere).await.is_err(), "{elsewhere}");
    }
    for reading in [
        "SELECT count(*) FROM audit",
        "WITH a AS (SELECT * FROM audit) SELECT count(*) FROM a",
        "VALUES (1)",
        "EXPLAIN SELECT * FROM audit",
        "DESCRIBE audit",
        "SHOW TABLES",
        "SHOW COLUMNS FROM audit",
        "SELECT * FROM audit UNION ALL SELECT * FROM audit",
    ] {
        session.query(reading).await.unwrap_or_else(|error| panic!("{reading}: {error:?}"));
    }
}
