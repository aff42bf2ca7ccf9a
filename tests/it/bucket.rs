//! A lake in a bucket: the whole path over a real S3 server, and every way in which one refuses.

use bytes::Bytes;

use crate::auditlake::Lake;
use crate::canned::{Answer, Canned, Request};
use crate::moto;

const AT: &str = "--at=2026-03-04T00:00:00Z";
const EVENTS: &str = r#"{"event_id":"e-1","time":"2026-03-01T10:00:00Z","tenant_id":"t1","source":"app","event_type":"user.login","outcome":"failure","actor_id":"u-1","actor_type":"user","src_ip":"192.0.2.1"}
{"event_id":"e-2","time":"2026-03-02T10:00:00Z","tenant_id":"t2","source":"app","event_type":"data.read","outcome":"success","actor_id":"u-2","actor_type":"user","src_ip":"192.0.2.2"}
"#;

#[test]
fn a_lake_in_a_bucket_goes_all_the_way() {
    let Some(bucket) = moto::bucket("a_lake_in_a_bucket_goes_all_the_way") else { return };
    bucket.put("drop/2026/03/part-0.ndjson", Bytes::from_static(EVENTS.as_bytes()));
    bucket.put("drop/2026/", Bytes::new());
    let source = format!("s3://{}/drop", bucket.name);
    let lake = Lake::in_bucket(bucket);
    let answer = lake.json(&["ingest", "ndjson", &source, "--into", "audit", AT]);
    assert_eq!((&answer["files"], &answer["rows"], &answer["rejected"]), (&1.into(), &2.into(), &0.into()), "{answer}");
    let again = lake.json(&["ingest", "ndjson", &source, "--into", "audit", AT]);
    assert_eq!((&again["files"], &again["files_seen_before"]), (&0.into(), &1.into()), "{again}");
    // The object itself, not only what lies below its name.
    let one = format!("{source}/2026/03/part-0.ndjson");
    assert_eq!(lake.json(&["ingest", "ndjson", &one, "--into", "audit", AT])["files_seen_before"], 1);

    let rows = lake.rows("SELECT event_id, raw_ref FROM audit WHERE tenant_id = 't1'");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["raw_ref"], format!("{source}/2026/03/part-0.ndjson#0"));
    lake.json(&["run", "compliance", AT]);
    let report = "reports/compliance/2026-03-04/compliance.html";
    assert!(lake.object(report).trim_ascii_end().ends_with(b"</html>"));
    let ran = lake.run(&["run", "compliance", AT]);
    ran.succeeded();
    assert!(ran.out.contains("was committed before") && ran.out.contains("s3://"), "{}", ran.out);
    let probes = lake.objects().into_iter().filter(|(name, _)| name.contains("/probes/")).count();
    assert_eq!(probes, 0, "a probe stays behind");
}

#[test]
fn a_bucket_that_does_not_exist_is_named() {
    let test = "a_bucket_that_does_not_exist_is_named";
    let Some(bucket) = moto::bucket(test) else { return };
    let lake = Lake::at("s3://no-such-bucket/lake", bucket.environment());
    lake.write("drop/part-0.ndjson", EVENTS);
    for command in [
        &["ingest", "ndjson", "drop", "--into", "audit"][..],
        &["sql", "SELECT count(*) FROM audit"],
        &["runs", "list"],
        &["run", "compliance", AT],
    ] {
        lake.run(command).failed(1, &["the bucket does not exist: make it, or correct its name"]);
    }
    let source = Lake::in_bucket(bucket);
    source
        .run(&["ingest", "ndjson", "s3://no-such-bucket/drop", "--into", "audit"])
        .failed(1, &["input \"s3://no-such-bucket/drop\"", "the bucket does not exist: make it, or correct its name"]);
}

/// A lake whose store answers as `answer` says.
fn canned(answer: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> (Canned, Lake) {
    let server = Canned::start(answer);
    let lake = Lake::at("s3://acme-audit/lake", server.environment());
    (server, lake)
}

#[test]
fn a_store_that_refuses_is_told_apart_by_what_to_do() {
    for (status, body, remedy) in [
        (403, "<Error><Code>InvalidAccessKeyId</Code></Error>", "correct the credentials in the environment"),
        (403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", "correct the credentials in the environment"),
        (400, "<Error><Code>ExpiredToken</Code></Error>", "renew them and run the same command again"),
        (403, "<Error><Code>AccessDenied</Code></Error>", "grant them this prefix, or use others"),
        (404, "<Error><Code>NoSuchBucket</Code></Error>", "make it, or correct its name"),
        (301, "<Error><Code>PermanentRedirect</Code></Error>", "set AWS_REGION"),
    ] {
        let (_, lake) = canned(move |_, _| (status, body));
        lake.run(&["sql", "SELECT count(*) FROM audit"]).failed(1, &["lake", remedy]);
    }
}

#[test]
fn a_store_that_throttles_is_asked_again_a_few_times() {
    let empty = r#"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"#;
    let slow = "<Error><Code>SlowDown</Code></Error>";
    let (server, lake) = canned(move |number, _| if number < 3 { (503, slow) } else { (200, empty) });
    assert_eq!(lake.figure("SELECT count(*) FROM audit"), 0);
    let first = &server.requests()[0].target;
    let asked = server.requests().iter().filter(|request| request.target == *first).count();
    assert_eq!(asked, 4, "{:?}", server.requests());

    let (server, lake) = canned(move |_, _| (503, slow));
    lake.run(&["sql", "SELECT count(*) FROM audit"]).failed(1, &["cannot list it", "SlowDown"]);
    assert_eq!(server.requests().len(), 6, "one request and five more");
}

#[test]
fn a_listing_that_breaks_off_is_an_error_and_not_a_shorter_list() {
    let page = r#"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>2</NextContinuationToken><Contents><Key>lake/audit/tenant=t/date=2026-03-01/a.parquet</Key><LastModified>2026-03-01T00:00:00Z</LastModified><ETag>"1"</ETag><Size>100</Size></Contents></ListBucketResult>"#;
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    let (_, lake) = canned(
        move |_, request| if request.target.contains("continuation-token") { (403, denied) } else { (200, page) },
    );
    lake.run(&["sql", "SELECT count(*) FROM audit"]).failed(1, &["cannot list it", "grant them this prefix"]);
}

#[test]
fn a_store_without_conditional_writes_is_refused_before_the_first_claim() {
    let empty = r#"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"#;
    let (server, lake) = canned(move |_, request| match request.method.as_str() {
        "GET" if request.target.contains("list-type") => (200, empty),
        _ => (200, ""),
    });
    lake.write("drop/part-0.ndjson", EVENTS);
    let ran = lake.run(&["ingest", "ndjson", "drop", "--into", "audit"]);
    ran.failed(1, &["store \"s3://acme-audit/lake\" cannot be used", "asked to create", "use another store"]);
    let claims = server.requests().into_iter().filter(|request| request.target.contains("claims")).count();
    assert_eq!(claims, 0);
}
