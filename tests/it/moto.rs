//! An S3 server that we did not write: moto, started on loopback by the first test that needs it.
//!
//! `AUDITLAKE_MOTO` names its program, `moto_server`; where it is not set, the tests that need it say so.
//! It keeps everything in memory and ends with the test binary.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt};

/// Enough for a server that does not check it.
const AUTHORIZATION: &str = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/s3/aws4_request";

/// A bucket of its own on the server.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) endpoint: String,
}

/// A new bucket; none where there is no server. Where there is none, a test says so even when it passes.
pub(crate) fn bucket(test: &str) -> Option<Bucket> {
    let bucket = unmade(test)?;
    bucket.http("PUT", "", &[], b"");
    Some(bucket)
}

/// The same with versioning on; what is put into it from here on keeps its predecessors.
pub(crate) fn versioned_bucket(test: &str) -> Option<Bucket> {
    let bucket = bucket(test)?;
    let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    bucket.http("PUT", "?versioning", &[], on.as_bytes());
    Some(bucket)
}

/// The same where every version is locked for a day.
pub(crate) fn locking_bucket(test: &str) -> Option<Bucket> {
    let bucket = unmade(test)?;
    bucket.http("PUT", "", &[("x-amz-bucket-object-lock-enabled", "true")], b"");
    let lock = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
                <Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>";
    bucket.http("PUT", "?object-lock", &[], lock.as_bytes());
    Some(bucket)
}

/// A name that no bucket has.
fn unmade(test: &str) -> Option<Bucket> {
    static SERVER: OnceLock<Option<(SocketAddr, Child)>> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let server = SERVER.get_or_init(|| std::env::var_os("AUDITLAKE_MOTO").map(|program| start(&program)));
    let Some((address, _)) = server else {
        writeln!(std::io::stderr(), "SKIPPED {test}: AUDITLAKE_MOTO is not set").expect("stderr");
        return None;
    };
    let name = format!("lake-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    Some(Bucket { name, endpoint: format!("http://{address}") })
}

impl Bucket {
    /// Host and port.
    pub(crate) fn server(&self) -> &str {
        self.endpoint.trim_start_matches("http://")
    }

    /// Sends one request about the bucket that the server must grant; the head and the body of its answer.
    pub(crate) fn http(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let target = format!("/{}{target}", self.name);
        let mut stream = TcpStream::connect(self.server()).expect("the server");
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{AUTHORIZATION}\r\n", self.server());
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        write!(stream, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()).expect("sent");
        stream.write_all(body).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).expect("a status");
        assert!(status.starts_with('2'), "{method} {target}: {answer}");
        answer
    }

    /// What a process needs in its environment to use the bucket.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        s3_environment(&self.endpoint)
    }

    fn store(&self) -> impl ObjectStore {
        let builder = AmazonS3Builder::new().with_bucket_name(&self.name).with_endpoint(&self.endpoint);
        let builder = builder.with_allow_http(true).with_access_key_id("test").with_secret_access_key("test");
        builder.build().expect("a client")
    }

    /// Every object below a prefix, by name.
    pub(crate) fn objects(&self, prefix: &str) -> Vec<(String, Bytes)> {
        block_on(async {
            let store = self.store();
            let mut found = Vec::new();
            let mut listed: Vec<_> = store.list(Some(&Path::from(prefix))).try_collect().await.expect("a listing");
            listed.sort_by(|a, b| a.location.cmp(&b.location));
            for meta in listed {
                // What another process is at work on may be gone a moment later.
                let got = match store.get(&meta.location).await {
                    Err(object_store::Error::NotFound { .. }) => continue,
                    got => got.expect("an object"),
                };
                found.push((meta.location.to_string(), got.bytes().await.expect("bytes")));
            }
            found
        })
    }

    /// Every object of the lake in it that is data, by its name there.
    pub(crate) fn data(&self) -> Vec<(String, Bytes)> {
        let below = |folder: &str| self.objects(&format!("lake/{folder}"));
        let found = below("audit").into_iter().chain(below("archive"));
        found.map(|(name, bytes)| (name.trim_start_matches("lake/").to_owned(), bytes)).collect()
    }

    /// How many objects lie below a prefix.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        let listed: Result<Vec<_>, _> =
            block_on(async { self.store().list(Some(&Path::from(prefix))).try_collect().await });
        listed.expect("a listing").len()
    }

    /// Key and id of every version of every object, marks of removals left out.
    pub(crate) fn versions(&self) -> Vec<(String, String)> {
        let listed = self.http("GET", "?versions", &[], b"");
        let tag = |version: &str, name: &str| {
            let (_, rest) = version.split_once(&format!("<{name}>")).expect("a tag");
            rest.split_once(&format!("</{name}>")).expect("its end").0.to_owned()
        };
        listed.split("<Version>").skip(1).map(|version| (tag(version, "Key"), tag(version, "VersionId"))).collect()
    }

    /// The bytes of a version of an object.
    pub(crate) fn version(&self, name: &str, id: &str) -> Bytes {
        let options = GetOptions { version: Some(id.to_owned()), ..GetOptions::default() };
        let read = async { self.store().get_opts(&Path::from(name), options).await?.bytes().await };
        block_on(read).expect("a version")
    }

    /// Writes an object.
    pub(crate) fn put(&self, name: &str, bytes: Bytes) {
        block_on(async { self.store().put(&Path::from(name), bytes.into()).await.map(drop) }).expect("written");
    }
}

/// What a process needs in its environment to take a server on loopback for S3.
pub(crate) fn s3_environment(endpoint: &str) -> Vec<(String, String)> {
    let pairs = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn start(program: &std::ffi::OsStr) -> (SocketAddr, Child) {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    // The pipe closes when this process ends, however it ends, and the server with it.
    let script = "\"$0\" -H 127.0.0.1 -p \"$1\" >/dev/null 2>&1 & server=$!; cat >/dev/null; kill $server";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(program).arg(address.port().to_string());
    let child = shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a shell");
    // A process that is starting gives no sign of its own; asking is the only way to know.
    while TcpStream::connect(address).is_err() {
        std::thread::yield_now();
    }
    (address, child)
}
