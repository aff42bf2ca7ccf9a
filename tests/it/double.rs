//! An S3 server on loopback that keeps objects and fails when a test says so: it throttles, refuses, breaks connections.
//!
//! It knows what the program asks of S3 and no more: listings by page, ranges, conditions, deletes. Absent: signatures.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::moto::s3_environment;

/// How the server fails a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Another status than it should be, with an S3 error code.
    Refused(u16, &'static str),
    /// The request is carried out; the connection breaks in the middle of the answer, or before it if that is short.
    Cut,
    /// The connection breaks before the request is carried out.
    Lost,
}

/// A request as far as faults depend on it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Name of the object, or prefix of the listing.
    pub(crate) name: String,
    /// A listing's second page or a later one.
    pub(crate) next_page: bool,
}

impl Asked {
    /// Whether bytes of a data file are read.
    pub(crate) fn reads_data(&self) -> bool {
        self.method == "GET" && self.name.ends_with(".parquet")
    }
}

type Faults = Box<dyn Fn(&Asked) -> Option<Fault> + Send + Sync>;

struct Inner {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    faults: Mutex<Faults>,
}

/// The server; it ends with the test binary.
#[derive(Clone)]
pub(crate) struct Double {
    address: SocketAddr,
    inner: Arc<Inner>,
}

/// Objects on a page of a listing: few, so that listings have pages.
const PAGE: usize = 3;

impl Double {
    /// A server that does not fail yet.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let none: Faults = Box::new(|_| None);
        let inner = Arc::new(Inner { objects: Mutex::default(), faults: Mutex::new(none) });
        let shared = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let inner = Arc::clone(&shared);
                // A client that was killed, or a connection that was broken on purpose.
                std::thread::spawn(move || drop(serve(&stream, &inner)));
            }
        });
        Self { address, inner }
    }

    /// What a process needs in its environment to take it for S3.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        s3_environment(&format!("http://{}", self.address))
    }

    /// From here on requests fail as `faults` says.
    pub(crate) fn fail(&self, faults: impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static) {
        *self.inner.faults.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(faults);
    }

    /// From here on no request fails.
    pub(crate) fn heal(&self) {
        self.fail(|_| None);
    }

    /// The objects by name.
    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.inner.objects.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes an object.
    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        self.inner.objects.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes);
    }
}

struct Request {
    asked: Asked,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn serve(mut stream: &TcpStream, inner: &Inner) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read(&mut reader)? {
        let fault = inner.faults.lock().unwrap_or_else(PoisonError::into_inner)(&request.asked);
        let (status, headers, body) = match fault {
            Some(Fault::Lost) => return Ok(()),
            Some(Fault::Refused(status, code)) => {
                (status, String::new(), format!("<Error><Code>{code}</Code></Error>").into_bytes())
            }
            Some(Fault::Cut) | None => answer(&request, inner),
        };
        let length = body.len();
        let body = if request.asked.method == "HEAD" { Vec::new() } else { body };
        let date = "Last-Modified: Sun, 01 Mar 2026 00:00:00 GMT";
        let mut all =
            format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n{date}\r\n{headers}\r\n").into_bytes();
        let head = all.len();
        all.extend_from_slice(&body);
        if matches!(fault, Some(Fault::Cut)) {
            let kept = if body.len() < 2 { 0 } else { head + body.len() / 2 };
            stream.write_all(&all[..kept])?;
            return stream.shutdown(std::net::Shutdown::Both);
        }
        stream.write_all(&all)?;
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query: BTreeMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let query: BTreeMap<_, _> = query.into_iter().map(|(key, value)| (key.to_owned(), decoded(value))).collect();
    let name = decoded(path.trim_start_matches('/').split_once('/').unwrap_or_default().1);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let name = query.get("prefix").cloned().unwrap_or(name);
    let next_page = ["continuation-token", "start-after"].iter().any(|key| query.contains_key(*key));
    Ok(Some(Request { asked: Asked { method, name, next_page }, query, headers, body }))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// The ETag of some bytes.
fn etag(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(bytes.len() as u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("\"{sum:016x}\"")
}

/// Status, headers and body.
fn answer(request: &Request, inner: &Inner) -> (u16, String, Vec<u8>) {
    let mut objects = inner.objects.lock().unwrap_or_else(PoisonError::into_inner);
    let told = |status, code: &str| (status, String::new(), format!("<Error><Code>{code}</Code></Error>").into_bytes());
    let (name, condition) = (&request.asked.name, |header: &str| request.headers.get(header));
    match request.asked.method.as_str() {
        "GET" if request.query.contains_key("list-type") => (200, String::new(), page(&objects, request).into_bytes()),
        "PUT" if condition("if-none-match").is_some() && objects.contains_key(name) => told(412, "PreconditionFailed"),
        "PUT" => {
            let tag = etag(&request.body);
            objects.insert(name.clone(), request.body.clone());
            (200, format!("ETag: {tag}\r\n"), Vec::new())
        }
        "POST" => {
            let names = String::from_utf8_lossy(&request.body);
            let names = names.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
            let mut told = String::new();
            for (name, _) in names {
                objects.remove(name);
                told += &format!("<Deleted><Key>{name}</Key></Deleted>");
            }
            (200, String::new(), format!("<DeleteResult>{told}</DeleteResult>").into_bytes())
        }
        "DELETE" => {
            objects.remove(name);
            (204, String::new(), Vec::new())
        }
        _ => {
            let Some(bytes) = objects.get(name) else { return told(404, "NoSuchKey") };
            let tag = etag(bytes);
            if condition("if-match").is_some_and(|wanted| *wanted != tag) {
                return told(412, "PreconditionFailed");
            }
            let range = condition("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
            let Some((from, to)) = range else { return (200, format!("ETag: {tag}\r\n"), bytes.clone()) };
            let from: usize = from.parse().expect("a range");
            let to = to.parse().map_or(bytes.len() - 1, |to: usize| to.min(bytes.len() - 1));
            let headers = format!("ETag: {tag}\r\nContent-Range: bytes {from}-{to}/{}\r\n", bytes.len());
            (206, headers, bytes[from..=to].to_vec())
        }
    }
}

fn page(objects: &BTreeMap<String, Vec<u8>>, request: &Request) -> String {
    let after = request.query.get("continuation-token").or_else(|| request.query.get("start-after"));
    let found = objects.iter().filter(|(name, _)| name.starts_with(&request.asked.name));
    let mut found = found.filter(|(name, _)| after.is_none_or(|after| *name > after)).peekable();
    let mut xml = "<ListBucketResult>".to_owned();
    let mut last = "";
    for (name, bytes) in found.by_ref().take(PAGE) {
        let (size, tag) = (bytes.len(), etag(bytes));
        xml += &format!("<Contents><Key>{name}</Key><Size>{size}</Size><ETag>{tag}</ETag>");
        xml += "<LastModified>2026-03-01T00:00:00.000Z</LastModified></Contents>";
        last = name;
    }
    if found.peek().is_some() {
        xml += &format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>");
    }
    xml + "</ListBucketResult>"
}
