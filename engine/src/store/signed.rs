//! Requests to S3 that `object_store` has no words for: deleting on a condition, versions, tags.
//!
//! They use the client, the credentials and the names of the store itself. What fails for a passing reason is sent
//! again, so an answer may be that to the second of two requests that both arrived. Absent: other kinds of stores, and
//! buckets that are read without a signature or by sessions.

mod xml;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::DateTime;
use object_store::aws::AmazonS3;
use object_store::client::{HttpClient, HttpError, HttpRequest, HttpRequestBody};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{Error, Result};

use self::xml::Element;
use super::overheard::Signing;
use super::version::{Version, VersionId};

/// Times a request is sent again.
const RETRIES: u32 = 5;
/// Waited before the first of them, and twice as long before each next one.
const PAUSE: Duration = Duration::from_millis(100);
/// For how long an address is signed that nobody is sent to.
const ADDRESS: Duration = Duration::from_secs(1);

/// What a store said, in a few words, and whether it may have been asked before.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    /// Whether an earlier request of the same kind was sent and its answer did not come.
    pub(super) asked_before: bool,
}

impl Answer {
    /// The code of an error of S3.
    pub(super) fn code(&self) -> Option<String> {
        xml::parse(&self.body)?.text_of("Code").map(str::to_owned)
    }

    /// What S3 says about an error: its code and its message.
    pub(super) fn in_words(&self) -> String {
        let told = xml::parse(&self.body);
        let told = |name| told.as_ref().and_then(|error| error.text_of(name)).map(str::to_owned);
        match (told("Code"), told("Message")) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code,
            (None, _) => format!("status {}", self.status),
        }
    }

    fn into_error(self, path: &Path) -> Error {
        let (status, path) = (self.status, path.to_string());
        let source: Box<dyn std::error::Error + Send + Sync> = Box::new(Refused(self));
        match status {
            401 => Error::Unauthenticated { path, source },
            403 => Error::PermissionDenied { path, source },
            404 => Error::NotFound { path, source },
            412 => Error::Precondition { path, source },
            _ => Error::Generic { store: "S3", source },
        }
    }
}

/// An answer that is an error; in the words of `object_store`, so that its remedy is found alike.
#[derive(Debug)]
struct Refused(Answer);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server returned non-2xx status code: {}: {}", self.0.status, self.0.body)
    }
}

impl std::error::Error for Refused {}

/// What became of a delete on a condition.
#[derive(Debug)]
pub(super) enum Conditional {
    /// The store did it.
    Done,
    /// It met another object, or none.
    Refused {
        /// Whether an earlier request was sent whose answer did not come.
        asked_before: bool,
    },
    /// The store does not know the condition.
    Unknown,
}

/// Versions of one object, or why there is no list of them.
pub(super) type Listing = std::result::Result<Vec<Version>, String>;

/// A bucket of S3 or of a store that speaks like it. Paths are whole keys.
#[derive(Debug)]
pub(super) struct SignedS3 {
    store: AmazonS3,
    client: HttpClient,
    signing: Arc<Signing>,
    deletes_on_condition: AtomicBool,
    /// Waited before a request is sent again, and twice as long each time; tests wait for nothing.
    pause: Duration,
}

impl SignedS3 {
    pub(super) fn new(store: AmazonS3, client: HttpClient, signing: Arc<Signing>) -> Self {
        Self { store, client, signing, deletes_on_condition: AtomicBool::new(false), pause: PAUSE }
    }

    /// Whether the store was seen to refuse a delete whose condition did not hold.
    pub(super) fn deletes_on_condition(&self) -> bool {
        self.deletes_on_condition.load(Ordering::Relaxed)
    }

    /// What a probe found out.
    pub(super) fn set_deletes_on_condition(&self, does: bool) {
        self.deletes_on_condition.store(does, Ordering::Relaxed);
    }

    /// Asks the store to delete an object on the condition that it has this ETag. Some take no notice of it.
    pub(super) async fn delete_if(&self, path: &Path, etag: &str) -> Result<Conditional> {
        let answer = self.ask("DELETE", path, &[], Some(etag)).await?;
        match answer.status {
            200..=299 => Ok(Conditional::Done),
            404 if answer.code().as_deref() != Some("NoSuchBucket") => {
                Ok(Conditional::Refused { asked_before: answer.asked_before })
            }
            412 => Ok(Conditional::Refused { asked_before: answer.asked_before }),
            501 => Ok(Conditional::Unknown),
            _ => Err(answer.into_error(path)),
        }
    }

    /// Every version of one object, newest first.
    pub(super) async fn versions(&self, path: &Path) -> Result<Listing> {
        let mut found = Vec::new();
        let mut markers: Vec<(&str, String)> = Vec::new();
        loop {
            let mut query = vec![("versions", ""), ("prefix", path.as_ref())];
            query.extend(markers.iter().map(|(name, value)| (*name, value.as_str())));
            let answer = self.ask("GET", &Path::default(), &query, None).await?;
            match answer.status {
                200 => {}
                403 => return Ok(Err(format!("the store does not let us list them ({})", answer.in_words()))),
                405 | 501 => return Ok(Err(format!("the store does not list them ({})", answer.in_words()))),
                _ => return Err(answer.into_error(path)),
            }
            let page = xml::parse(&answer.body).filter(|page| page.name == "ListVersionsResult");
            let page = page.ok_or_else(|| unreadable(path))?;
            // Names that merely begin like this one come after it.
            let is_past = !collect(&page, path, &mut found)?;
            if is_past || page.text_of("IsTruncated") != Some("true") {
                return Ok(Ok(found));
            }
            let next = |name: &str| page.text_of(name).map(str::to_owned).ok_or_else(|| unreadable(path));
            let after =
                vec![("key-marker", next("NextKeyMarker")?), ("version-id-marker", next("NextVersionIdMarker")?)];
            // A page that ends where it began would be asked for for ever.
            if after == markers {
                return Err(unreadable(path));
            }
            markers = after;
        }
    }

    /// Deletes one version; the answer where the store refuses.
    pub(super) async fn delete_version(&self, path: &Path, id: &VersionId) -> Result<Option<Answer>> {
        let answer = self.ask("DELETE", path, &[("versionId", id.as_str())], None).await?;
        match answer.status {
            200..=299 => Ok(None),
            404 if answer.code().as_deref() != Some("NoSuchBucket") => Ok(None),
            403 => Ok(Some(answer)),
            _ => Err(answer.into_error(path)),
        }
    }

    /// The tags of an object or of one version of it; none where the store has no tags.
    pub(super) async fn tags(&self, path: &Path, version: Option<&str>) -> Result<Vec<(String, String)>> {
        let mut query = vec![("tagging", "")];
        query.extend(version.map(|version| ("versionId", version)));
        let answer = self.ask("GET", path, &query, None).await?;
        match answer.status {
            200 => {}
            501 => return Ok(Vec::new()),
            404 if answer.code().as_deref() == Some("NoSuchTagSet") => return Ok(Vec::new()),
            _ => return Err(answer.into_error(path)),
        }
        let tagging = xml::parse(&answer.body).ok_or_else(|| unreadable(path))?;
        let tags = tagging.child("TagSet").ok_or_else(|| unreadable(path))?;
        let pair = |tag: &Element| Some((tag.text_of("Key")?.to_owned(), tag.text_of("Value")?.to_owned()));
        tags.children.iter().map(|tag| pair(tag).ok_or_else(|| unreadable(path))).collect()
    }

    /// Sends a request without a body until it is answered.
    #[expect(clippy::disallowed_methods, reason = "a store that refuses for the moment is asked again after a pause")]
    async fn ask(&self, method: &str, path: &Path, query: &[(&str, &str)], if_match: Option<&str>) -> Result<Answer> {
        let mut attempt = 0;
        loop {
            let request = self.request(method, path, query, if_match).await?;
            match self.send(request).await {
                Ok((status, body)) if !passes(status) || attempt == RETRIES => {
                    return Ok(Answer { status, body, asked_before: attempt > 0 });
                }
                Err(error) if attempt == RETRIES => return Err(unsendable(error)),
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(self.pause * 2_u32.pow(attempt)).await;
            attempt += 1;
        }
    }

    async fn send(&self, request: HttpRequest) -> std::result::Result<(u16, String), HttpError> {
        let answer = self.client.execute(request).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().bytes().await?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn request(
        &self,
        method: &str,
        path: &Path,
        query: &[(&str, &str)],
        if_match: Option<&str>,
    ) -> Result<HttpRequest> {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        // Only the store knows where its objects are: at which host, and with or without the bucket in the path.
        let mut url = self.store.signed_url(request.method().clone(), path, ADDRESS).await?;
        url.set_query(None);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        *request.method_mut() = method.parse().map_err(unsendable)?;
        *request.uri_mut() = url.as_str().parse().map_err(unsendable)?;
        if let Some(etag) = if_match {
            request.headers_mut().insert("if-match", etag.parse().map_err(unsendable)?);
        }
        self.signing.sign(&mut request).await?;
        Ok(request)
    }
}

/// Whether another request may be answered otherwise.
fn passes(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500 | 502..=599)
}

fn unsendable(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: "S3", source: Box::new(source) }
}

fn unreadable(path: &Path) -> Error {
    Error::Generic { store: "S3", source: format!("the answer about \"{path}\" is not what S3 answers").into() }
}

/// Adds the versions of `path` that a page has; whether it has nothing that lies behind them.
fn collect(page: &Element, path: &Path, found: &mut Vec<Version>) -> Result<bool> {
    for entry in page.children.iter().filter(|child| matches!(child.name.as_str(), "Version" | "DeleteMarker")) {
        if entry.text_of("Key") != Some(path.as_ref()) {
            return Ok(false);
        }
        found.push(version(entry).ok_or_else(|| unreadable(path))?);
    }
    Ok(true)
}

fn version(entry: &Element) -> Option<Version> {
    let delete_marker = entry.name == "DeleteMarker";
    let size_bytes = if delete_marker { 0 } else { entry.text_of("Size")?.parse().ok()? };
    let etag = if delete_marker { None } else { Some(entry.text_of("ETag")?.to_owned()) };
    Some(Version {
        id: VersionId(entry.text_of("VersionId")?.to_owned()),
        latest: entry.text_of("IsLatest")? == "true",
        delete_marker,
        size_bytes,
        etag,
        last_modified: DateTime::parse_from_rfc3339(entry.text_of("LastModified")?).ok()?.to_utc(),
    })
}

#[cfg(test)]
mod tests;
