//! Replacing, deleting and purging objects on a real S3 server: versions, delete markers, Object Lock, and what lies
//! beside the bytes.
//!
//! A bucket is opened with what is in the environment, so each test runs in a process of its own: the one that the test
//! binary starts is this program again, with that test alone.

use std::process::Command;

use bytes::Bytes;
use engine::{Deleted, EngineError, Lakefront, Replaced, Version, Versions, hex};
use object_store::path::Path;
use schemas::BucketUrl;
use sha2::{Digest, Sha256};

use crate::moto::{self, Bucket};
use crate::serial_proxy::serialised;

/// Tells the process that a test started which bucket is its own.
const BUCKET: &str = "AUDITLAKE_TEST_BUCKET";
pub(crate) const OBJECT: &str = "audit/tenant=a b/part.parquet";
/// The same as a request names it.
const TARGET: &str = "/lake/audit/tenant%3Da%20b/part.parquet";

/// A bucket that keeps versions, and the lake in it.
struct Versioned {
    bucket: Bucket,
    lake: Lakefront,
}

impl Versioned {
    fn of(name: String) -> Self {
        let endpoint = std::env::var("AWS_ENDPOINT_URL").expect("an endpoint");
        let lake = lake(&name);
        Self { bucket: Bucket { name, endpoint }, lake }
    }

    /// Puts an object behind the back of the lake.
    fn put(&self, headers: &[(&str, &str)], body: &str) {
        self.bucket.http("PUT", TARGET, headers, body.as_bytes());
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

pub(crate) fn lake(bucket: &str) -> Lakefront {
    let url = BucketUrl::parse(&format!("s3://{bucket}/lake")).expect("a url");
    Lakefront::bucket(&url).expect("a lake")
}

/// Runs `check` on a bucket that `new` makes, in a process whose environment leads to it.
pub(crate) fn with_bucket(test: &str, new: impl Fn(&str) -> Option<Bucket>, check: impl AsyncFn(String)) {
    if let Ok(bucket) = std::env::var(BUCKET) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return runtime.expect("a runtime").block_on(check(bucket));
    }
    let Some(bucket) = new(test) else { return };
    let mut process = Command::new(std::env::current_exe().expect("this program"));
    let name = std::thread::current().name().expect("tests are named").to_owned();
    process.args([&name, "--exact", "--nocapture"]).env(BUCKET, &bucket.name).envs(bucket.environment());
    let ran = process.output().expect("a process");
    let told = [String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)].concat();
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
fn old_versions_of_a_replaced_object_are_listed_and_purged() {
    with_bucket("old_versions_of_a_replaced_object_are_listed_and_purged", moto::versioned_bucket, async |bucket| {
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
    with_bucket("a_probe_leaves_no_version_behind", moto::versioned_bucket, async |bucket| {
        let bucket = Versioned::of(bucket);
        bucket.lake.probe_update("0123").await.expect("it keeps to conditions");
        let listed = bucket.bucket.http("GET", "?versions", &[], b"");
        assert!(listed.contains("ListVersionsResult") && !listed.contains("<Key>"), "{listed}");
    });
}

#[test]
fn what_lies_beside_the_bytes_goes_over_to_their_replacement() {
    with_bucket("what_lies_beside_the_bytes_goes_over_to_their_replacement", moto::versioned_bucket, async |bucket| {
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

        let head = bucket.bucket.http("HEAD", TARGET, &[], b"");
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
        let tags = bucket.bucket.http("GET", &format!("{TARGET}?tagging"), &[], b"");
        assert!(tags.contains("<Value>a b</Value>") && tags.contains("<Value>pii</Value>"), "{tags}");
    });
}

/// What Object Lock keeps is not deleted, and tells until when; what was there before it is replaced all the same.
#[test]
fn an_object_is_replaced_in_a_bucket_that_locks_every_version() {
    let test = "an_object_is_replaced_in_a_bucket_that_locks_every_version";
    let new = |test: &str| moto::locking_bucket(test).as_ref().map(serialised);
    with_bucket(test, new, async |bucket| {
        let bucket = Versioned::of(bucket);
        let (path, lake) = (Path::from(OBJECT), &bucket.lake);
        lake.create(&path, "old".into()).await.expect("created");
        let old = bucket.etag().await;
        let Replaced::Now { etag: new } = bucket.update("new", &old).await else { panic!("it was not replaced") };
        assert_eq!(lake.read_if(&path, &new).await.expect("read"), "new");
        lake.replace(&path, "newest".into()).await.expect("replaced");
        for version in bucket.versions().await {
            let lock = lake.delete_version(&path, &version.id).await.expect("asked").expect("locked");
            assert!(lock.until.is_some() && lock.why.contains("COMPLIANCE"), "{lock}");
        }
    });
}

#[test]
fn a_removed_object_leaves_a_mark_and_does_not_come_back_while_it_is_purged() {
    let test = "a_removed_object_leaves_a_mark_and_does_not_come_back_while_it_is_purged";
    with_bucket(test, moto::versioned_bucket, async |bucket| {
        let bucket = Versioned::of(bucket);
        let (path, lake) = (Path::from(OBJECT), &bucket.lake);
        lake.probe_update("0123").await.expect("it keeps to conditions");
        assert_eq!(lake.delete_if(&path, "\"0\"").await.expect("asked"), Deleted::Absent);
        bucket.put(&[], "oldest");
        let oldest = bucket.etag().await;
        bucket.put(&[], "old");
        let old = bucket.etag().await;
        assert_eq!(lake.delete_if(&path, &oldest).await.expect("asked"), Deleted::Changed);
        assert_eq!(lake.delete_if(&path, &old).await.expect("asked"), Deleted::Now { unconditional: false });
        let mut versions = bucket.versions().await;
        assert_eq!(versions.iter().filter(|version| version.delete_marker && version.latest).count(), 1);
        // Whichever order the server lists them in.
        versions.sort_by_key(|version| (version.latest, version.last_modified));
        for version in versions {
            assert!(lake.head(&path).await.expect("asked").is_none(), "it came back");
            assert_eq!(lake.delete_version(&path, &version.id).await.expect("asked"), None);
        }
        assert!(bucket.versions().await.is_empty() && lake.head(&path).await.expect("asked").is_none());
    });
}
