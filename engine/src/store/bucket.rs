//! Opens buckets: credentials, region and endpoint come from the environment of the process and nowhere else.
//!
//! Requests that fail for a passing reason are sent again, a few times and not for long: a scheduler would rather
//! hear of a store that is down than wait for it. Absent: caches, and any setting in a file.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{ClientConfigKey, Error, ObjectStore, Result, RetryConfig};
use schemas::{BucketScheme, BucketUrl};

use super::overheard::{Doorkeeper, Signing};
use super::patient::Patient;
use super::prefixed::Prefixed;
use super::signed::SignedS3;
use crate::error::EngineError;

/// Times a request is sent again.
const RETRIES: usize = 5;
/// After this long, it is not sent again.
const RETRY_FOR: Duration = Duration::from_secs(60);
/// For one request; a file is written in one, and may be large.
const REQUEST_TIMEOUT: &str = "300 seconds";
const CONNECT_TIMEOUT: &str = "10 seconds";
/// Of S3, where the environment names none.
const DEFAULT_REGION: &str = "us-east-1";

/// A bucket, and what `object_store` has no words for.
#[derive(Debug)]
pub(super) struct Opened {
    /// The objects below the prefix, by their names below it.
    pub(super) store: Arc<dyn ObjectStore>,
    /// Requests of our own, by whole keys: to S3, where requests are signed with a key.
    pub(super) signed: Option<SignedS3>,
}

/// The objects below `url`, by their names below it.
///
/// # Errors
/// When the environment lacks something, or holds what cannot be used.
pub(crate) fn open(url: &BucketUrl) -> Result<Arc<dyn ObjectStore>, EngineError> {
    open_both(url).map(|opened| opened.store)
}

/// The same, and requests of our own.
pub(super) fn open_both(url: &BucketUrl) -> Result<Opened, EngineError> {
    let Opened { store, signed } = open_whole(url).map_err(|source| {
        let why = format!("{}; {}", innermost(&source), needed(url.scheme));
        EngineError::Unfit { store: url.to_string(), why }
    })?;
    let store: Arc<dyn ObjectStore> = Arc::new(Patient::new(store));
    if url.prefix.is_empty() {
        return Ok(Opened { store, signed });
    }
    let prefix = Path::parse(&url.prefix)
        .map_err(|error| EngineError::Unfit { store: url.to_string(), why: error.to_string() })?;
    Ok(Opened { store: Arc::new(Prefixed::new(store, prefix)), signed })
}

fn open_whole(url: &BucketUrl) -> Result<Opened> {
    let retry = || RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_FOR, ..RetryConfig::default() };
    // One by one, so that what the environment says of proxies and plain HTTP stays.
    let limits = [(ClientConfigKey::Timeout, REQUEST_TIMEOUT), (ClientConfigKey::ConnectTimeout, CONNECT_TIMEOUT)];
    let door = Doorkeeper::default();
    let store: Arc<dyn ObjectStore> = match url.scheme {
        BucketScheme::S3 => {
            let builder = limits.into_iter().fold(AmazonS3Builder::from_env(), |builder, (key, value)| {
                builder.with_config(AmazonS3ConfigKey::Client(key), value)
            });
            return open_s3(builder.with_bucket_name(&url.bucket).with_retry(retry()), &door);
        }
        BucketScheme::Gs => {
            let builder = limits.into_iter().fold(GoogleCloudStorageBuilder::from_env(), |builder, (key, value)| {
                builder.with_config(GoogleConfigKey::Client(key), value)
            });
            Arc::new(builder.with_bucket_name(&url.bucket).with_retry(retry()).with_http_connector(door).build()?)
        }
        BucketScheme::Az => {
            let builder = limits.into_iter().fold(MicrosoftAzureBuilder::from_env(), |builder, (key, value)| {
                builder.with_config(AzureConfigKey::Client(key), value)
            });
            Arc::new(builder.with_container_name(&url.bucket).with_retry(retry()).with_http_connector(door).build()?)
        }
    };
    Ok(Opened { store, signed: None })
}

pub(super) fn open_s3(builder: AmazonS3Builder, door: &Doorkeeper) -> Result<Opened> {
    let says = |key| builder.get_config_value(&key);
    let is_on = |key| says(key).is_some_and(|value| is_truthy(&value));
    let region = says(AmazonS3ConfigKey::Region).unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let request_payer = is_on(AmazonS3ConfigKey::RequestPayer);
    // Without a key there is nothing to sign with, and directory buckets sign with sessions and keep no versions.
    let signs = !is_on(AmazonS3ConfigKey::SkipSignature) && !is_on(AmazonS3ConfigKey::S3Express);
    let store = builder.with_http_connector(door.clone()).build()?;
    let client = door.client().filter(|_| signs);
    let signed = client.map(|client| {
        let credentials = Arc::clone(store.credentials());
        let signing = Arc::new(Signing { credentials, region, request_payer });
        door.signs(Arc::clone(&signing));
        SignedS3::new(store.clone(), client, signing)
    });
    Ok(Opened { store: Arc::new(store), signed })
}

/// As `object_store` reads settings.
fn is_truthy(value: &str) -> bool {
    ["1", "true", "on", "yes", "y"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

/// What the store's answer means, where its own words leave the remedy open; the end of a sentence.
pub(crate) fn advice(error: &Error) -> &'static str {
    let said = innermost(error);
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if bucket_is_missing(error) {
        "; the bucket does not exist: make it, or correct its name"
    } else if has(&["InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthenticationFailed", "InvalidAuthentication"]) {
        "; the store does not know the key: correct the credentials in the environment"
    } else if has(&["ExpiredToken", "TokenRefreshRequired", "RequestExpired"]) {
        "; the credentials have expired: renew them and run the same command again"
    } else if matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. })
        || has(&["AccessDenied", "403 Forbidden"])
    {
        "; the credentials do not allow it: grant them this prefix, or use others"
    } else if has(&["PermanentRedirect", "IncorrectEndpoint", "AuthorizationHeaderMalformed", "redirect without"]) {
        "; the bucket lies in another region: set AWS_REGION"
    } else if has(&["169.254.169.254", "metadata", "credential"]) {
        "; no credentials were found: set those of the store in the environment"
    } else {
        ""
    }
}

/// Whether a store says that there is no such bucket, which is not the same as no such object.
pub(crate) fn bucket_is_missing(error: &Error) -> bool {
    let said = innermost(error);
    ["NoSuchBucket", "ContainerNotFound", "bucket does not exist"].iter().any(|word| said.contains(word))
}

/// What the innermost cause says; it knows more than the layers around it.
pub(super) fn innermost(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn needed(scheme: BucketScheme) -> &'static str {
    match scheme {
        BucketScheme::S3 => "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION",
        BucketScheme::Gs => "set GOOGLE_SERVICE_ACCOUNT to the path of a key file",
        BucketScheme::Az => "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    }
}
