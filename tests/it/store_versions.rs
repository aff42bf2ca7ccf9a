//! Replacing, deleting and purging objects on a real S3 server: versions, delete markers, Object Lock, and what lies
//! beside the bytes.
//!
//! A bucket is opened with what is in the environment, so each test runs in a process of its own: the one that the test
//! binary starts is this program again, with that test alone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use bytes::Bytes;
use engine::{EngineError, Lakefront, Replaced, Version, Versions, hex};
use object_store::path::Path;
use schemas::BucketUrl;
use sha2::{Digest, Sha256};

use crate::moto::{self, Bucket};
use crate::serial_proxy::serialised;

/// Tells the process that a test started which bucket is its own.
const BUCKET: &str = "AUDITLAKE_TEST_BUCKET";
const OBJECT: &str = "audit/tenant=a b/part.parquet";

/// Sends one request to the server as it stands in the environment; the head and the body of the answer.
fn http(endpoint: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> String {
    let address = endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the server");
    let authorization = "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/s3/aws4_request";
    write!(stream, "{method} {target} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n")
        .expect("sent");
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n").expect("sent");
    }
    write!(stream, "Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).expect("a status");
    assert!(status.starts_with('2'), "{method} {target}: {answer}");
    answer
}

/// A bucket that keeps versions, and the lake in it.
struct Versioned {
    name: String,
    endpoint: String,
    lake: Lakefront,
}

impl Versioned {
    fn of(name: String) -> Self {
        let endpoint = std::env::var("AWS_ENDPOINT_URL").expect("an endpoint");
        let lake = lake(&name);
        let versioned = Self { name, endpoint, lake };
        let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        http(&versioned.endpoint, "PUT", &format!("/{}?versioning", versioned.name), &[], on);
        versioned
    }

    /// Puts an object behind the back of the lake.
    fn put(&self, headers: &[(&str, &str)], body: &str) {
        http(&self.endpoint, "PUT", &self.target(), headers, body);
    }

    fn target(&self) -> String {
        format!("/{}/lake/audit/tenant%3Da%20b/part.parquet", self.name)
    }

    async fn etag(&self) -> String {
        self.lake.head(&Path::from(OBJECT)).await.expect("asked").expect("there").e_tag.expect("an ETag")
    }

    async fn update(&self, text: &'static str, etag: &str) -> Replaced {
        let sha256 = hex(&Sha256::digest(text));
        self.lake.update(&Path::from(OBJECT), text.into(), etag, &sha256).await.expect("asked")
    }

    async fn versions(&self) -> Vec<Version> {
        match self.lake.versions(&Path::from(OBJECT)).await.expect("asked") {
            Versions::Listed(versions) => versions,
            other => panic!("{other:?}"),
        }
    }
}

fn lake(bucket: &str) -> Lakefront {
    let url = BucketUrl::parse(&format!("s3://{bucket}/lake")).expect("a url");
    Lakefront::bucket(&url).expect("a lake")
}

/// Runs `check` on a new bucket, in a process whose environment leads to it.
fn with_bucket(test: &str, shape: impl Fn(&Bucket) -> Bucket, check: impl AsyncFn(String)) {
    if let Ok(bucket) = std::env::var(BUCKET) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return runtime.expect("a runtime").block_on(check(bucket));
    }
    let Some(bucket) = moto::bucket(test) else { return };
    let bucket = shape(&bucket);
    let mut process = Command::new(std::env::current_exe().expect("this program"));
    let name = std::thread::current().name().expect("tests are named").to_owned();
    process.args([&name, "--exact", "--nocapture"]).env(BUCKET, &bucket.name).envs(bucket.environment());
    let ran = process.output().expect("a process");
    let told = [String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)].concat();
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
fn old_versions_of_a_replaced_object_are_listed_and_purged() {
    with_bucket("old_versions_of_a_replaced_object_are_listed_and_purged", Bucket::clone, async |bucket| {
        let bucket = Versioned::of(bucket);
        let (path, lake) = (Path::from(OBJECT), &bucket.lake);
        // Names that begin alike are other objects.
        lake.create(&Path::from(format!("{OBJECT}.crc")), "other".into()).await.expect("created");
        bucket.put(&[], "oldest");
        bucket.put(&[], "old");
        let old = bucket.etag().await;
        let Replaced::Now { etag: new } = bucket.update("new", &old).await else { panic!("it was not replaced") };
        assert_eq!(bucket.update("stale", &old).await, Replaced::Changed);
        assert_eq!(bucket.etag().await, new);

        let versions = bucket.versions().await;
        let told: Vec<_> = versions.iter().map(|version| (version.latest, version.size_bytes)).collect();
        assert_eq!(told, [(true, 3), (false, 3), (false, 6)], "{versions:?}");
        let listed = Versions::Listed(versions);
        let older = listed.older_than(&new);
        assert_eq!(older.len(), 2);
        let text = async |version: &Version| lake.read_version(&path, &version.id).await.expect("read");
        assert_eq!(text(&older[0]).await, Some(Bytes::from("old")));
        assert_eq!(text(&older[1]).await, Some(Bytes::from("oldest")));
        for version in older {
            assert_eq!(lake.delete_version(&path, &version.id).await.expect("asked"), None);
            // Twice is as good as once.
            assert_eq!(lake.delete_version(&path, &version.id).await.expect("asked"), None);
            assert_eq!(text(version).await, None);
        }
        let left = bucket.versions().await;
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].etag.as_deref(), left[0].latest), (Some(new.as_str()), true));
        assert_eq!(lake.read_if(&path, &new).await.expect("read"), "new");
    });
}

#[test]
fn a_probe_leaves_no_version_behind() {
    with_bucket("a_probe_leaves_no_version_behind", Bucket::clone, async |bucket| {
        let bucket = Versioned::of(bucket);
        bucket.lake.probe_update("0123").await.expect("it keeps to conditions");
        let listed = http(&bucket.endpoint, "GET", &format!("/{}?versions", bucket.name), &[], "");
        assert!(listed.contains("ListVersionsResult") && !listed.contains("<Key>"), "{listed}");
    });
}

#[test]
fn what_lies_beside_the_bytes_goes_over_to_their_replacement() {
    with_bucket("what_lies_beside_the_bytes_goes_over_to_their_replacement", Bucket::clone, async |bucket| {
        let bucket = Versioned::of(bucket);
        let kms = "arn:aws:kms:us-east-1:123456789012:key/0123";
        bucket.put(
            &[
                ("content-type", "application/vnd.apache.parquet"),
                ("cache-control", "no-store"),
                ("x-amz-meta-owner", "security team"),
                ("x-amz-meta-auditlake-sha256", "00"),
                ("x-amz-tagging", "team=a%20b&class=pii"),
                ("x-amz-storage-class", "STANDARD_IA"),
                ("x-amz-server-side-encryption", "aws:kms"),
                ("x-amz-server-side-encryption-aws-kms-key-id", kms),
            ],
            "old",
        );
        let old = bucket.etag().await;
        let carried = bucket.lake.carried(&Path::from(OBJECT), &old).await.expect("looked at");
        assert_eq!(carried.left(), [] as [&str; 0]);
        assert_eq!((carried.storage_class(), carried.metadata("owner")), (Some("STANDARD_IA"), Some("security team")));
        let gone = bucket.lake.carried(&Path::from(OBJECT), "\"0\"").await;
        assert!(matches!(gone, Err(EngineError::Changed { .. })), "{gone:?}");
        assert!(matches!(bucket.update("new", &old).await, Replaced::Now { .. }));

        let head = http(&bucket.endpoint, "HEAD", &bucket.target(), &[], "");
        let told = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
            line.map(|line| line[name.len() + 1..].trim().to_owned())
        };
        let sha256 = hex(&Sha256::digest("new"));
        for (name, value) in [
            ("content-length", "3"),
            ("content-type", "application/vnd.apache.parquet"),
            ("cache-control", "no-store"),
            ("x-amz-meta-owner", "security team"),
            ("x-amz-meta-auditlake-sha256", sha256.as_str()),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-aws-kms-key-id", kms),
        ] {
            assert_eq!(told(name).as_deref(), Some(value), "{name}: {head}");
        }
        let tags = http(&bucket.endpoint, "GET", &format!("{}?tagging", bucket.target()), &[], "");
        assert!(tags.contains("<Value>a b</Value>") && tags.contains("<Value>pii</Value>"), "{tags}");
    });
}

/// The server decides about one conditional write at a time, as a store does that is not a stand-in.
#[test]
fn of_writers_who_all_replace_an_object_of_a_bucket_none_is_lost() {
    let test = "of_writers_who_all_replace_an_object_of_a_bucket_none_is_lost";
    with_bucket(test, serialised, async |bucket| {
        let races: usize = std::env::var("AUDITLAKE_RACES").map_or(40, |races| races.parse().expect("a number"));
        let path = Path::from(OBJECT);
        lake(&bucket).create(&path, "0/".into()).await.expect("created");
        let counting: Vec<_> = (0..4).map(|name| tokio::spawn(count_up(lake(&bucket), name, races))).collect();
        let mut counted = 0;
        for one in counting {
            counted += one.await.expect("ran");
        }
        assert_eq!(counted, races);
    });
}

/// Counts up until everybody together has counted to `to`; how often it was this one.
async fn count_up(lake: Lakefront, name: usize, to: usize) -> usize {
    let path = Path::from(OBJECT);
    let mut mine = 0;
    loop {
        let etag = lake.head(&path).await.expect("asked").expect("there").e_tag.expect("an ETag");
        let there = match lake.read_if(&path, &etag).await {
            Err(EngineError::Changed { .. }) => continue,
            there => there.expect("read"),
        };
        let there = std::str::from_utf8(&there).expect("text");
        let count: usize = there.split('/').next().expect("a number").parse().expect("a number");
        if count >= to {
            return mine;
        }
        let next = format!("{}/{name}", count + 1);
        let sha256 = hex(&Sha256::digest(&next));
        let replaced = lake.update(&path, next.into(), &etag, &sha256).await.expect("asked");
        mine += usize::from(matches!(replaced, Replaced::Now { .. }));
    }
}
