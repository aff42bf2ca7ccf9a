//! Stands at the door of an S3 client: hears the headers of answers that `object_store` does not pass on, and adds
//! headers to requests that it cannot express.
//!
//! A request asks for either by what it carries in its extensions; others pass as they are, but that an object that is put
//! into S3 gets a checksum. Absent: requests of our own.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use object_store::ClientOptions;
use object_store::Result;
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// The header in which a signed request states the hash of its body.
const BODY_HASH: &str = "x-amz-content-sha256";
/// What that header says of a body that is not signed.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// The header in which an object has its checksum.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// Put into the extensions of a request: the headers of the answer, in lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct Overheard(Arc<Mutex<Vec<(String, String)>>>);

impl Overheard {
    /// What was heard last.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, answer: &HttpResponse) {
        let told = answer.headers().iter();
        let told = told.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = told.collect();
    }
}

/// Put into the extensions of a request: headers that it shall have besides.
#[derive(Debug, Clone)]
pub(super) struct Besides(pub(super) Arc<Vec<(&'static str, String)>>);

/// What a signature takes.
#[derive(Debug)]
pub(super) struct Signing {
    pub(super) credentials: AwsCredentialProvider,
    pub(super) region: String,
    pub(super) request_payer: bool,
}

impl Signing {
    /// Signs a request whose body has the hash that it states, or is empty.
    pub(super) async fn sign(&self, request: &mut HttpRequest) -> Result<()> {
        let stated = request.headers().get(BODY_HASH).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let credential = self.credentials.get_credential().await?;
        let authorizer = AwsAuthorizer::new(&credential, "s3", &self.region)
            .with_request_payer(self.request_payer)
            .with_sign_payload(stated.as_deref() != Some(UNSIGNED));
        authorizer.authorize(request, stated.and_then(|hash| crate::unhex(&hash)).as_deref());
        Ok(())
    }
}

/// Connects clients that have somebody at the door.
#[derive(Debug, Clone, Default)]
pub(super) struct Doorkeeper {
    /// Given once the store is made; where it is absent, requests are not signed.
    signing: Arc<OnceLock<Arc<Signing>>>,
    /// The client of the store itself: the last one that it asks for.
    last: Arc<Mutex<Option<HttpClient>>>,
}

impl Doorkeeper {
    /// From here on, requests that get other headers are signed again.
    pub(super) fn signs(&self, signing: Arc<Signing>) {
        drop(self.signing.set(signing));
    }

    /// The client that the store uses.
    pub(super) fn client(&self) -> Option<HttpClient> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HttpConnector for Doorkeeper {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        let client = HttpClient::new(Door { inner, signing: Arc::clone(&self.signing) });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }
}

/// The checksum of a whole object that S3 is sent and that is signed with its hash: where objects are locked by default, S3
/// takes none without. Uploads in parts have theirs from `object_store`, where `AWS_CHECKSUM_ALGORITHM` asks for it: some
/// stores that speak like S3 refuse it there.
fn checksum(request: &HttpRequest) -> Option<String> {
    let stated = request.headers().get(BODY_HASH)?.to_str().ok()?;
    let is_object = request.method().as_str() == "PUT" && request.uri().query().is_none();
    let is_copy = request.headers().contains_key("x-amz-copy-source");
    crate::unhex(stated).filter(|_| is_object && !is_copy).map(|hash| BASE64_STANDARD.encode(hash))
}

#[derive(Debug)]
struct Door {
    inner: HttpClient,
    signing: Arc<OnceLock<Arc<Signing>>>,
}

#[async_trait]
impl HttpService for Door {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let signing = self.signing.get();
        let checksum = signing.and_then(|_| checksum(&request));
        let mut headers: Vec<_> = checksum.map(|value| (CHECKSUM, value)).into_iter().collect();
        if let Some(Besides(besides)) = request.extensions().get::<Besides>() {
            headers.extend(besides.iter().cloned());
        }
        for (name, value) in &headers {
            let value = value.parse().map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
            request.headers_mut().insert(*name, value);
        }
        if let Some(signing) = signing.filter(|_| !headers.is_empty()) {
            signing.sign(&mut request).await.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        }
        let overheard = request.extensions().get::<Overheard>().cloned();
        let answer = self.inner.execute(request).await?;
        if let Some(overheard) = overheard {
            overheard.hear(&answer);
        }
        Ok(answer)
    }
}
