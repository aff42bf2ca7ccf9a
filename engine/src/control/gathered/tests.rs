use std::collections::HashSet;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use datafusion::logical_expr::col;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use schemas::{AUDIT, Dataset, DatasetId, Presence};

use super::*;
use crate::store::Lakefront;
use crate::{NoSystemTables, Resources, SessionFactory};

fn at(micros: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())))
}

fn kind(value: &str) -> Expr {
    col("kind").eq(lit(value))
}

fn kinds(values: &[&str]) -> Expr {
    col("kind").in_list(values.iter().map(|value| lit(*value)).collect(), false)
}

#[track_caller]
fn check(filters: &[Expr], values: Option<&[&str]>, since: i64, until: i64) {
    let needs = Needs::of(filters, Some("time"));
    let found = needs.values("kind").map(|values| values.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(found.as_deref(), values, "{filters:?}");
    assert_eq!((needs.since, needs.until), (since, until), "{filters:?}");
}

#[test]
fn a_filter_says_which_rows_it_can_let_through() {
    const FIRST: i64 = i64::MIN;
    const LAST: i64 = i64::MAX;
    let (time, other) = (|| col("time"), || col("other").gt(lit(3)));
    check(&[kind("a")], Some(&["a"]), FIRST, LAST);
    check(&[lit("a").eq(col("kind"))], Some(&["a"]), FIRST, LAST);
    check(&[kinds(&["b", "a"]), other()], Some(&["a", "b"]), FIRST, LAST);
    check(&[kind("a").or(kind("b").and(other()))], Some(&["a", "b"]), FIRST, LAST);
    check(&[kinds(&["a", "b"]), kind("a")], Some(&["a"]), FIRST, LAST);
    check(&[kind("a").and(other())], Some(&["a"]), FIRST, LAST);
    // One side of an alternative says nothing, so nothing is known.
    check(&[kind("a").or(other())], None, FIRST, LAST);
    check(&[kind("a").or(!kind("b"))], None, FIRST, LAST);
    check(&[!kind("a")], None, FIRST, LAST);
    check(&[col("kind").not_eq(lit("a"))], None, FIRST, LAST);
    check(&[col("kind").in_list(vec![lit("a")], true)], None, FIRST, LAST);
    check(&[col("kind").in_list(vec![lit("a"), lit(ScalarValue::Utf8(None))], false)], None, FIRST, LAST);
    check(&[col("kind").eq(col("other"))], None, FIRST, LAST);
    check(&[time().gt_eq(at(5)), time().lt(at(9))], None, 5, 9);
    check(&[time().gt(at(5)).and(time().lt_eq(at(9)))], None, 5, 10);
    check(&[at(5).lt_eq(time()), at(9).gt(time())], None, 5, 9);
    check(&[time().gt_eq(at(5)), time().gt_eq(at(7))], None, 7, LAST);
    check(&[time().gt_eq(at(5)).or(other())], None, FIRST, LAST);
    check(&[time().eq(at(5))], None, FIRST, LAST);
}

fn dataset() -> Dataset {
    Dataset {
        id: DatasetId::parse("audit").expect("a name"),
        location: "audit/".to_owned(),
        elsewhere: None,
        map: None,
        schema: &AUDIT,
        time: Some("time".to_owned()),
        tenant: "tenant_id".to_owned(),
        subjects: Vec::new(),
        classes: BTreeMap::new(),
        data_classes: Vec::new(),
        portable: std::collections::BTreeSet::new(),
    }
}

/// A lake with rows of four types at the seconds 0 to 39.
async fn session() -> LakeSession {
    let rows = 0..40;
    let kinds = ["user.login", "role.assigned", "data.read", "data.read"];
    let times = TimestampMicrosecondArray::from_iter_values(rows.clone().map(|row| row * 1_000_000));
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        (
            "event_id",
            Arc::new(StringArray::from_iter_values(rows.clone().map(|row| format!("an event of some length {row}")))),
        ),
        ("time", Arc::new(times.with_timezone("UTC"))),
        ("tenant_id", Arc::new(StringArray::from_iter_values(rows.clone().map(|_| "t")))),
        ("event_type", Arc::new(StringArray::from_iter_values(rows.map(|row| kinds[(row % 4) as usize])))),
    ];
    // No statement reads the others, but a file without them is none of the schema.
    let given: HashSet<&str> = columns.iter().map(|(name, _)| *name).collect();
    let required = AUDIT.columns.iter().filter(|column| column.presence == Presence::Required);
    for column in required.filter(|column| !given.contains(column.name)) {
        columns.push((column.name, new_null_array(&column.kind.arrow(), 40)));
    }
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    let lake = Lakefront::memory();
    let path = Path::from("audit/tenant=t/date=1970-01-01/0a-00000.parquet");
    lake.create(&path, Bytes::from(bytes)).await.expect("written");
    let records = Arc::new(NoSystemTables);
    let factory = SessionFactory::new(Arc::clone(lake.store()), vec![dataset()], records, Resources::default());
    factory.session(DateTime::<Utc>::UNIX_EPOCH).expect("a session")
}

/// Gathers for these statements and says of each whether it reads a file still.
async fn reads_files(statements: &[&str]) -> Vec<bool> {
    let session = session().await;
    let mut plans = Vec::new();
    for sql in statements {
        let plan = session.plan(sql).await.expect("plans");
        plans.push(session.optimized(&plan).expect("optimises"));
    }
    let mut held = Vec::new();
    for (table, scans) in scans_by_table(&session, plans.iter()) {
        held.extend(gather(&session, &table, &scans).await.expect("gathers").map(Arc::new));
    }
    let mut all = Vec::new();
    for (sql, plan) in statements.iter().zip(plans) {
        let expected = session.query(sql).await.expect("runs");
        let plan = instead(&session, plan, &held);
        let found: Vec<RecordBatch> =
            futures::TryStreamExt::try_collect(session.stream_optimized(&plan).await.expect("starts"))
                .await
                .expect("runs");
        let shown = |batches: &[RecordBatch]| {
            let table = arrow::util::pretty::pretty_format_batches(batches).expect("prints").to_string();
            table.lines().map(str::to_owned).collect::<HashSet<_>>()
        };
        assert_eq!(shown(&found), shown(&expected), "{sql}");
        let mut files = false;
        let walked = plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                let table = source_as_provider(&scan.source)?;
                files |= !held.iter().any(|rows| Arc::ptr_eq(&(Arc::clone(rows) as Arc<dyn TableProvider>), &table));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        walked.expect("walks");
        all.push(files);
    }
    all
}

#[tokio::test]
async fn statements_about_few_kinds_of_events_share_one_scan() {
    let logins = "SELECT event_id FROM audit WHERE event_type = 'user.login'";
    let later = "SELECT event_id, time FROM audit WHERE event_type = 'user.login' AND time >= '1970-01-01T00:00:20Z'";
    let roles = "SELECT count(*) FROM audit WHERE event_type IN ('role.assigned', 'role.revoked')";
    let both = "SELECT a.event_id FROM audit AS a JOIN audit AS b ON a.time > b.time
                WHERE a.event_type = 'user.login' AND b.event_type = 'role.assigned'";
    let everything = "SELECT event_id FROM audit WHERE event_type <> 'user.login'";
    let found = reads_files(&[logins, later, roles, both, everything]).await;
    assert_eq!(found, [false, false, false, false, true]);
}

#[tokio::test]
async fn what_one_statement_alone_reads_is_not_held() {
    let found = reads_files(&["SELECT event_id FROM audit WHERE event_type = 'user.login'"]).await;
    assert_eq!(found, [true]);
}

#[test]
fn rows_held_serve_no_scan_that_looks_further_back_or_ahead() {
    let slice = Slice {
        column: "kind".to_owned(),
        time: "time".to_owned(),
        values: BTreeMap::from([("a".to_owned(), 5), ("b".to_owned(), i64::MIN)]),
        until: 20,
        zone: Some("UTC".into()),
    };
    let needs = |filters: &[Expr]| Needs::of(filters, Some("time"));
    let within = |since: i64, until: i64| [col("time").gt_eq(at(since)), col("time").lt(at(until))];
    let with = |kind: Expr, since: i64, until: i64| needs(&[vec![kind], within(since, until).to_vec()].concat());
    assert!(slice.has(&with(kind("a"), 5, 20)));
    assert!(slice.has(&with(kinds(&["a", "b"]), 7, 9)));
    assert!(!slice.has(&with(kind("a"), 4, 20)), "from before");
    assert!(!slice.has(&with(kind("a"), 5, 21)), "until after");
    assert!(!slice.has(&with(kinds(&["a", "c"]), 5, 20)), "another kind");
    assert!(slice.has(&needs(&[kind("b"), col("time").lt(at(20))])));
    assert!(!slice.has(&needs(&[kind("a"), col("time").lt(at(20))])), "from the beginning");
    assert!(!slice.has(&needs(&within(5, 20))), "of any kind");
}
