//! An endpoint on loopback that answers as it is told, and names that lead there.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::notify::guard::Resolve;

/// What an endpoint does with a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Answers with these bytes, and closes.
    Bytes(String),
    /// Says nothing.
    Hang,
    /// Closes without a word.
    Close,
}

impl Reply {
    /// An answer of a status, with headers.
    pub(super) fn status(status: u16, headers: &str) -> Self {
        Self::Bytes(format!("HTTP/1.1 {status} Told\r\n{headers}Content-Length: 2\r\n\r\nok"))
    }
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Got {
    pub(super) head: String,
    pub(super) body: Bytes,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// An endpoint.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) port: u16,
    /// PEM of who vouches for it.
    pub(super) authority: String,
    got: Arc<Mutex<Vec<Got>>>,
    came: Arc<Notify>,
}

impl Endpoint {
    /// One that gives these answers in turn, and the last one from then on.
    pub(super) async fn start(replies: Vec<Reply>) -> Self {
        let names = ["hooks.example".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate and its key");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (got, came) = (Arc::new(Mutex::default()), Arc::new(Notify::new()));
        let endpoint = Self {
            port: listener.local_addr().expect("an address").port(),
            authority: made.cert.pem(),
            got: Arc::clone(&got),
            came: Arc::clone(&came),
        };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let replies = Arc::new(Mutex::new(VecDeque::from(replies)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, got, came, replies) =
                    (acceptor.clone(), Arc::clone(&got), Arc::clone(&came), Arc::clone(&replies));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Ok(request) = read(&mut stream).await else { return };
                    got.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                    let reply = {
                        let mut replies = replies.lock().unwrap_or_else(PoisonError::into_inner);
                        if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
                    };
                    came.notify_one();
                    match reply {
                        Some(Reply::Bytes(bytes)) => {
                            drop(stream.write_all(bytes.as_bytes()).await);
                            drop(stream.shutdown().await);
                        }
                        Some(Reply::Hang) => std::future::pending().await,
                        Some(Reply::Close) | None => {}
                    }
                });
            }
        });
        endpoint
    }

    /// Every request so far.
    pub(super) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until one more came.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Got> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut got = Got { head, body: Bytes::new() };
            let length: usize = got.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut body = bytes.split_off(end + 4);
            while body.len() < length {
                body.push(stream.read_u8().await?);
            }
            got.body = body.into();
            return Ok(got);
        }
        bytes.push(stream.read_u8().await?);
    }
}

/// Answers to one name: in turn, and the last one from then on.
#[derive(Debug)]
pub(super) struct Names {
    answers: Vec<Vec<IpAddr>>,
    pub(super) asked: Arc<AtomicUsize>,
}

impl Names {
    pub(super) fn of(answers: &[&[&str]]) -> Self {
        let answers = answers.iter().map(|answer| answer.iter().map(|one| one.parse().expect("an address")).collect());
        Self { answers: answers.collect(), asked: Arc::default() }
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(self.answers.get(asked).or_else(|| self.answers.last()).cloned().unwrap_or_default())
    }
}
