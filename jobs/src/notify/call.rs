//! One call: HTTP/1.1 over TLS, to an address that was checked, within a time. No redirect is followed, no proxy of the environment
//! is asked, and little of an answer is read.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use schemas::Webhook;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use url::Position;

use super::guard::{Resolve, addresses};
use crate::clock::pause;
use crate::error::JobError;

/// How long a call may take, from the name to the end of the answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) status: u16,
    /// As it stands there.
    pub(super) retry_after: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the name {name} has no address ({source}); is it right in lake.yaml, and is there a resolver?")]
    Resolve { name: String, source: io::Error },
    #[error("the name has no address; is it right in lake.yaml?")]
    NoAddress,
    #[error("{address} is not called, because it is {why}; name it in allow_addresses of the channel if it is meant")]
    Refused { address: IpAddr, why: &'static str },
    #[error("no connection to {address} ({source})")]
    Connect { address: SocketAddr, source: io::Error },
    #[error("no TLS with {address} ({source}); is its certificate of an authority that is trusted, or named in ca?")]
    Tls { address: SocketAddr, source: io::Error },
    #[error("the answer cannot be read ({0})")]
    Cut(hyper::Error),
    #[error("no whole answer within {} s", .0.as_secs())]
    Late(Duration),
    #[error("the request cannot be written ({0})")]
    Request(String),
}

impl Fault {
    /// Whether the next message would meet the same.
    pub(super) fn is_of_endpoint(&self) -> bool {
        !matches!(self, Self::Request(_))
    }
}

/// Whoever calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) timeout: Duration,
}

impl Caller {
    /// Calls an endpoint.
    ///
    /// # Errors
    /// When there is no whole answer in time. An answer of any status is none.
    pub(super) async fn call(
        &self,
        (webhook, tls): (&Webhook, &Arc<ClientConfig>),
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answered, Fault> {
        tokio::select! {
            answered = self.called((webhook, tls), headers, body) => answered,
            () = pause(self.timeout) => Err(Fault::Late(self.timeout)),
        }
    }

    async fn called(
        &self,
        (webhook, tls): (&Webhook, &Arc<ClientConfig>),
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answered, Fault> {
        let request = request(webhook, headers, body).map_err(Fault::Request)?;
        let mut last = Fault::NoAddress;
        for address in addresses(webhook, &*self.resolver).await? {
            match connect(webhook, tls, address).await {
                Ok((sender, connection)) => return exchange(sender, connection, request).await,
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }
}

fn request(webhook: &Webhook, headers: &[(&'static str, String)], body: Bytes) -> Result<Request<Full<Bytes>>, String> {
    let host = &webhook.url[Position::BeforeHost..Position::AfterPort];
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&webhook.url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, host)
        .header(CONNECTION, HeaderValue::from_static("close"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/cloudevents+json; charset=utf-8"))
        .header(USER_AGENT, concat!("auditlake/", env!("CARGO_PKG_VERSION")));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(Full::new(body)).map_err(|error| error.to_string())
}

/// A connection that ends with whoever holds it.
#[derive(Debug)]
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn connect(
    webhook: &Webhook,
    tls: &Arc<ClientConfig>,
    address: SocketAddr,
) -> Result<(SendRequest<Full<Bytes>>, Connection), Fault> {
    let stream = TcpStream::connect(address).await.map_err(|source| Fault::Connect { address, source })?;
    let name = match webhook.url.host() {
        Some(url::Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(io::Error::other),
        _ => Ok(ServerName::from(address.ip())),
    };
    let of_tls = |source| Fault::Tls { address, source };
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name.map_err(of_tls)?, stream).await.map_err(of_tls)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(Fault::Cut)?;
    // What ends the connection early shows in the answer.
    let connection = tokio::spawn(async move { drop(connection.await) });
    Ok((sender, Connection(connection)))
}

async fn exchange(
    mut sender: SendRequest<Full<Bytes>>,
    connection: Connection,
    request: Request<Full<Bytes>>,
) -> Result<Answered, Fault> {
    let mut answer = sender.send_request(request).await.map_err(Fault::Cut)?;
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut read = 0;
    // An answer that breaks off may be of somebody in between; one that goes on and on is an answer.
    while read < ANSWER_BYTES_MAX {
        let Some(frame) = answer.body_mut().frame().await else { break };
        read += frame.map_err(Fault::Cut)?.data_ref().map_or(0, Bytes::len);
    }
    drop(connection);
    Ok(Answered { status: answer.status().as_u16(), retry_after })
}

/// What a channel's endpoint is trusted by: the authorities that it names, or those of the machine. `folder` is that of `lake.yaml`.
pub(super) fn tls(folder: &Path, webhook: &Webhook) -> Result<Arc<ClientConfig>, JobError> {
    let mut roots = RootCertStore::empty();
    let wrong = |path: &str, why: &str| JobError::Usage(format!("ca \"{path}\" {why}; write certificates as PEM"));
    match &webhook.ca {
        Some(path) => {
            let file = folder.join(path);
            let text = std::fs::read(&file).map_err(|source| JobError::Local {
                action: "read the authorities",
                path: file.display().to_string(),
                source,
            })?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let certificate = certificate.map_err(|_| wrong(path, "is not PEM"))?;
                roots.add(certificate).map_err(|_| wrong(path, "has a certificate that cannot be read"))?;
            }
            if roots.is_empty() {
                return Err(wrong(path, "has no certificate"));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(JobError::Usage(
                    "this machine knows no authorities that certificates are checked against; install them, or name one in ca \
                     of the channel"
                        .to_owned(),
                ));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| engine::EngineError::Bug { what: format!("no version of TLS is known ({error})") })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
