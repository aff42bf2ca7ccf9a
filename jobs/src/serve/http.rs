//! Health, readiness, metrics and a plain page of status, over HTTP/1.1. It only answers GET, and tells no values of rows.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use object_store::path::Path;
use tokio::net::TcpListener;

use super::metrics::Metrics;
use crate::clock::{Stopwatch, pause};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::runner::chain;
use crate::schedule::{Watches, committed_until, job_list};
use crate::world::World;

/// Seconds after which something that should have happened meanwhile is missed.
const OVERDUE: f64 = 60.0;

/// How the process is.
#[derive(Debug)]
pub(super) struct Health {
    pub(super) metrics: Metrics,
    /// What was seen of new files.
    pub(super) watches: Watches,
    /// Since the scheduler last looked.
    ticked: Mutex<Stopwatch>,
    /// Since the store was last listed.
    listed: Mutex<Option<Stopwatch>>,
    is_closing: AtomicBool,
    /// Every job in a line.
    page: Mutex<String>,
}

impl Health {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            watches: Watches::default(),
            ticked: Mutex::new(Stopwatch::start()),
            listed: Mutex::default(),
            is_closing: AtomicBool::new(false),
            page: Mutex::default(),
        }
    }

    /// A generation of definitions begins.
    pub(super) async fn begin(&self, lake: &OpenLake, world: &World) {
        match committed_until(lake, world).await {
            Ok(all) => all.into_iter().for_each(|(job, until)| self.metrics.reaches(&job, until)),
            Err(error) => tracing::warn!(error = %chain(&error).join(": "), "how far jobs are is not known yet"),
        }
        self.look(lake, world, true).await;
    }

    /// Looks whether the store is there, and writes the page anew where that is wanted.
    pub(super) async fn look(&self, lake: &OpenLake, world: &World, writes: bool) {
        let looked = async {
            if writes {
                let page = job_list(lake, world).await?.text;
                *self.page.lock().unwrap_or_else(PoisonError::into_inner) = page;
            } else {
                lake.front.list(&Path::from("_auditlake/schedule")).await?;
            }
            Ok::<_, JobError>(())
        };
        match looked.await {
            Ok(()) => *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Stopwatch::start()),
            Err(error) => tracing::warn!(error = %chain(&error).join(": "), "the store cannot be read, will retry"),
        }
    }

    /// The scheduler looked.
    pub(super) fn tick(&self) {
        *self.ticked.lock().unwrap_or_else(PoisonError::into_inner) = Stopwatch::start();
    }

    /// Nothing new is begun.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    fn is_healthy(&self) -> bool {
        self.ticked.lock().unwrap_or_else(PoisonError::into_inner).seconds() < OVERDUE
    }

    /// What it is not ready for.
    fn unready(&self) -> Option<&'static str> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        match () {
            () if self.is_closing.load(Ordering::Relaxed) => Some("it is being shut down"),
            () if listed.as_ref().is_none_or(|listed| listed.seconds() >= OVERDUE) => Some("the store cannot be read"),
            () if !self.is_healthy() => Some("the scheduler does not look"),
            () => None,
        }
    }
}

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, health: Arc<Health>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // So many are open that there is no room for one more: others close meanwhile.
                pause(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let health = Arc::clone(&health);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let health = Arc::clone(&health);
                async move { Ok::<_, Infallible>(answer(&request, &health)) }
            });
            let mut http = http1::Builder::new();
            // Whoever sends half a request does not hold a connection for ever.
            http.timer(TokioTimer::new()).header_read_timeout(std::time::Duration::from_secs(10)).keep_alive(false);
            if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}

fn answer(request: &Request<Incoming>, health: &Health) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".to_owned());
        refused.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match request.uri().path() {
        "/healthz" if health.is_healthy() => response(StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/healthz" => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the scheduler does not look\n".to_owned()),
        "/readyz" => match health.unready() {
            None => response(StatusCode::OK, TEXT, "ok\n".to_owned()),
            Some(why) => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{why}\n")),
        },
        "/metrics" => match health.metrics.text(&health.watches) {
            Ok(text) => response(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text),
            Err(error) => response(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
        },
        "/" => {
            let ready = health.unready().map_or("ready".to_owned(), |why| format!("not ready: {why}"));
            let page = health.page.lock().unwrap_or_else(PoisonError::into_inner);
            let version = env!("CARGO_PKG_VERSION");
            response(
                StatusCode::OK,
                TEXT,
                format!("auditlake {version}, {ready}\n\n{page}\n/healthz /readyz /metrics\n"),
            )
        }
        _ => response(StatusCode::NOT_FOUND, TEXT, "there are / /healthz /readyz /metrics\n".to_owned()),
    }
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}
