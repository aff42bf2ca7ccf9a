use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;

use super::super::bucket::open_s3;
use super::super::overheard::Doorkeeper;
use super::*;

/// What the server heard of one request: method and target, and its headers.
#[derive(Debug, Clone)]
struct Heard {
    line: String,
    headers: Vec<(String, String)>,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(told, _)| told == name).map(|(_, value)| value.as_str())
    }
}

/// A bucket whose server answers each request with the next of `answers`; `0` breaks the connection.
fn bucket(answers: &[(u16, &str)]) -> (SignedS3, Arc<Mutex<Vec<Heard>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (hearing, answers) = (Arc::clone(&heard), answers.iter().map(|(status, body)| (*status, (*body).to_owned())));
    let answers: Vec<(u16, String)> = answers.collect();
    std::thread::spawn(move || {
        for ((status, body), stream) in answers.into_iter().zip(listener.incoming()) {
            answer(stream.expect("a connection"), status, &body, &hearing);
        }
    });
    let builder = AmazonS3Builder::new().with_bucket_name("acme").with_endpoint(format!("http://{address}"));
    let builder = builder.with_allow_http(true).with_access_key_id("key").with_secret_access_key("secret");
    let opened = open_s3(builder.with_region("eu-west-1"), &Doorkeeper::default()).expect("a bucket");
    let signed = opened.signed.expect("a key to sign with");
    (SignedS3 { pause: Duration::ZERO, ..signed }, heard)
}

fn answer(mut stream: TcpStream, status: u16, body: &str, heard: &Mutex<Vec<Heard>>) {
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines().map(|line| line.expect("a line"));
    let line = lines.next().expect("a request").trim_end_matches(" HTTP/1.1").to_owned();
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    });
    heard.lock().expect("a list").push(Heard { line, headers: headers.collect() });
    if status > 0 {
        let length = body.len();
        write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .expect("sent");
    }
    stream.shutdown(std::net::Shutdown::Write).expect("closed");
    drop(stream.read_to_end(&mut Vec::new()));
}

fn lines(heard: &Mutex<Vec<Heard>>) -> Vec<String> {
    heard.lock().expect("a list").iter().map(|heard| heard.line.clone()).collect()
}

fn entry(kind: &str, key: &str, id: &str) -> String {
    let rest = if kind == "Version" { "<ETag>&quot;e&quot;</ETag><Size>3</Size>" } else { "" };
    format!(
        "<{kind}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>false</IsLatest>\
         <LastModified>2026-03-01T00:00:00.000Z</LastModified>{rest}<Owner><ID>x</ID></Owner></{kind}>"
    )
}

fn page(entries: &[String], next: Option<(&str, &str)>) -> String {
    let next = next.map_or_else(
        || "<IsTruncated>false</IsTruncated>".to_owned(),
        |(key, id)| {
            format!(
                "<IsTruncated>true</IsTruncated><NextKeyMarker>{key}</NextKeyMarker>\
                 <NextVersionIdMarker>{id}</NextVersionIdMarker>"
            )
        },
    );
    format!(
        "<?xml version=\"1.0\"?><ListVersionsResult xmlns=\"x\"><Name>acme</Name>{next}{}</ListVersionsResult>",
        entries.concat()
    )
}

const ERROR: &str = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";

#[tokio::test]
async fn versions_come_page_by_page_and_end_with_the_name() {
    let first = page(
        &[entry("Version", "a b.parquet", "3"), entry("DeleteMarker", "a b.parquet", "2")],
        Some(("a b.parquet", "2")),
    );
    let second =
        page(&[entry("Version", "a b.parquet", "null"), entry("Version", "a b.parquet2", "9")], Some(("z", "9")));
    let (bucket, heard) = bucket(&[(200, &first), (200, &second)]);
    let path = Path::from("a b.parquet");
    let versions = bucket.versions(&path).await.expect("asked").expect("listed");
    let told: Vec<_> =
        versions.iter().map(|version| (version.id.as_str(), version.delete_marker, version.etag.as_deref())).collect();
    assert_eq!(told, [("3", false, Some("\"e\"")), ("2", true, None), ("null", false, Some("\"e\""))]);
    assert_eq!(
        lines(&heard),
        [
            "GET /acme/?versions=&prefix=a+b.parquet",
            "GET /acme/?versions=&prefix=a+b.parquet&key-marker=a+b.parquet&version-id-marker=2",
        ]
    );
    let heard = heard.lock().expect("a list")[0].clone();
    let authorization = heard.header("authorization").expect("signed");
    assert!(
        authorization.contains("Credential=key/") && authorization.contains("/eu-west-1/s3/aws4_request"),
        "{heard:?}"
    );
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_an_error_and_no_list_is_a_reason() {
    let path = Path::from("a");
    let endless = page(&[entry("Version", "a", "1")], Some(("a", "1")));
    let no_size = page(&[entry("Version", "a", "1").replace("<Size>3</Size>", "")], None);
    for answers in [
        vec![(200, endless.as_str()); 2],
        vec![(200, no_size.as_str())],
        vec![(200, "<ListVersionsResult>")],
        vec![(200, "<Other/>")],
    ] {
        let (bucket, _) = bucket(&answers);
        let error = bucket.versions(&path).await.expect_err("not a whole list");
        assert!(error.to_string().contains("not what S3 answers"), "{error}");
    }
    for (status, told) in [(403, "does not let us list them (AccessDenied: no)"), (501, "does not list them")] {
        let (bucket, _) = bucket(&[(status, ERROR)]);
        let why = bucket.versions(&path).await.expect("asked").expect_err("no list");
        assert!(why.contains(told), "{why}");
    }
    let (bucket, _) = bucket(&[(404, "<Error><Code>NoSuchBucket</Code></Error>")]);
    assert!(super::super::bucket::bucket_is_missing(&bucket.versions(&path).await.expect_err("no bucket")));
}

#[tokio::test]
async fn a_delete_on_a_condition_names_it_and_knows_whether_it_may_have_been_done_before() {
    let path = Path::from("a/b");
    let (bucket, heard) = bucket(&[(503, "<Error><Code>SlowDown</Code></Error>"), (0, ""), (204, "")]);
    assert!(matches!(bucket.delete_if(&path, "\"e\"").await.expect("asked"), Conditional::Done));
    assert_eq!(lines(&heard), ["DELETE /acme/a/b"; 3]);
    for heard in heard.lock().expect("a list").iter() {
        assert_eq!(heard.header("if-match"), Some("\"e\""));
        assert!(heard.header("authorization").is_some_and(|signed| signed.contains("if-match")), "{heard:?}");
    }
    for status in [404, 412] {
        let (once, _) = self::bucket(&[(status, "")]);
        let asked = once.delete_if(&path, "e").await.expect("asked");
        assert!(matches!(asked, Conditional::Refused { asked_before: false }), "{asked:?}");
        let (twice, _) = self::bucket(&[(0, ""), (status, "")]);
        let asked = twice.delete_if(&path, "e").await.expect("asked");
        assert!(matches!(asked, Conditional::Refused { asked_before: true }), "{asked:?}");
    }
    let (unknown, _) = self::bucket(&[(501, "")]);
    assert!(matches!(unknown.delete_if(&path, "e").await.expect("asked"), Conditional::Unknown));
    let (denied, _) = self::bucket(&[(403, ERROR)]);
    assert!(matches!(denied.delete_if(&path, "e").await, Err(Error::PermissionDenied { .. })));
}

#[tokio::test]
async fn a_version_is_deleted_by_its_name_unless_the_store_refuses() {
    let (path, id) = (Path::from("a/b"), VersionId("x+/=".to_owned()));
    let (bucket, heard) =
        bucket(&[(204, ""), (404, "<Error><Code>NoSuchVersion</Code></Error>"), (403, ERROR), (400, ERROR)]);
    for _ in 0..2 {
        assert!(bucket.delete_version(&path, &id).await.expect("asked").is_none());
    }
    let refused = bucket.delete_version(&path, &id).await.expect("asked").expect("an answer");
    assert_eq!(refused.in_words(), "AccessDenied: no");
    assert!(bucket.delete_version(&path, &id).await.is_err());
    assert_eq!(lines(&heard), ["DELETE /acme/a/b?versionId=x%2B%2F%3D"; 4]);
}

#[tokio::test]
async fn tags_are_read_of_the_version_that_was_looked_at() {
    let path = Path::from("a/b");
    let tags = "<Tagging><TagSet><Tag><Key>team</Key><Value>a&amp;b</Value></Tag></TagSet></Tagging>";
    let (bucket, heard) =
        bucket(&[(200, tags), (404, "<Error><Code>NoSuchTagSet</Code></Error>"), (501, ""), (403, ERROR)]);
    assert_eq!(bucket.tags(&path, Some("7")).await.expect("read"), [("team".to_owned(), "a&b".to_owned())]);
    assert_eq!(bucket.tags(&path, None).await.expect("none"), []);
    assert_eq!(bucket.tags(&path, None).await.expect("a store without tags"), []);
    assert!(matches!(bucket.tags(&path, None).await, Err(Error::PermissionDenied { .. })), "they would be lost");
    assert_eq!(lines(&heard)[..2], ["GET /acme/a/b?tagging=&versionId=7", "GET /acme/a/b?tagging="]);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_asked_a_few_times() {
    let (bucket, heard) = bucket(&[(0, ""); 8]);
    let error = bucket.versions(&Path::from("a")).await.expect_err("it does not answer");
    assert!(super::super::patient::broke_off(&error), "{error}");
    assert_eq!(lines(&heard).len(), 6);
}
