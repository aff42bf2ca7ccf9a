//! Replacing and deleting an object on the condition that it is still the one that was read.
//!
//! An answer may be lost after its request took effect, and a request may be sent twice: what lies there afterwards
//! tells. Absent: the probe that makes sure of the condition, and versions.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Attribute, Error, GetOptions, GetResult, ObjectMeta, ObjectStore, PutMode, PutOptions, PutPayload, UpdateVersion,
};
use schemas::BucketScheme;
use sha2::{Digest, Sha256};

use super::{CREATE_ATTEMPTS, Lakefront, Place};
use crate::error::EngineError;
use crate::store::bucket::bucket_is_missing;
use crate::store::carried::{Carried, MARK};
use crate::store::overheard::{Besides, Overheard};
use crate::store::patient::broke_off;
use crate::store::signed::Conditional;
use crate::store::version::{VersionId, same_etag};

/// What became of a conditional replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// The object has the new bytes.
    Now {
        /// Their ETag.
        etag: String,
    },
    /// Somebody else replaced or deleted it since it was read; nothing was written.
    Changed,
}

/// What became of a conditional delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Now {
        /// The store cannot delete on a condition, so it was looked at right before: what somebody wrote in between is
        /// gone, too.
        unconditional: bool,
    },
    /// It is no longer what was read, and stays.
    Changed,
    /// There was none.
    Absent,
}

impl Lakefront {
    /// What there is to know of an object without reading it; `None` when there is none. Unlike a listing, it tells the
    /// version.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn head(&self, path: &Path) -> Result<Option<ObjectMeta>, EngineError> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        self.found(path, self.store.get_opts(path, options).await).map(|got| got.map(|got| got.meta))
    }

    /// Reads an object whole, if it still has this ETag.
    ///
    /// # Errors
    /// `Changed` when it has another one or is gone, or when the store fails.
    pub async fn read_if(&self, path: &Path, etag: &str) -> Result<Bytes, EngineError> {
        let options = GetOptions { if_match: Some(self.condition(etag)), ..GetOptions::default() };
        let got = self.found(path, self.store.get_opts(path, options).await)?;
        let got = got.ok_or_else(|| EngineError::Changed { path: path.to_string() })?;
        got.bytes().await.map_err(|source| EngineError::store(path, "read it", source))
    }

    /// Reads one version of an object whole; `None` when there is none, or the store keeps no versions.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_version(&self, path: &Path, id: &VersionId) -> Result<Option<Bytes>, EngineError> {
        if !matches!(self.place, Place::Bucket(_)) {
            return Ok(None);
        }
        let options = GetOptions { version: Some(id.as_str().to_owned()), ..GetOptions::default() };
        let Some(got) = self.found(path, self.store.get_opts(path, options).await)? else { return Ok(None) };
        got.bytes().await.map(Some).map_err(|source| EngineError::store(path, "read it", source))
    }

    /// What lies beside the bytes of an object of this ETag, and would go over to what replaces them.
    ///
    /// # Errors
    /// `Changed` when it has another one or is gone; when the store fails, or does not let us read its tags.
    pub async fn carried(&self, path: &Path, etag: &str) -> Result<Carried, EngineError> {
        self.looked_at(path, etag).await.map(|(carried, _)| carried)
    }

    /// Puts `bytes`, whose SHA-256 in hex is `sha256`, in the place of the object of this ETag, and of no other. What lies
    /// beside them goes over; where the store keeps user metadata, `auditlake-sha256` tells the hash.
    ///
    /// # Errors
    /// When they are more than one request may write, or the store fails; another object there is not an error.
    pub async fn update(&self, path: &Path, bytes: Bytes, etag: &str, sha256: &str) -> Result<Replaced, EngineError> {
        self.check_size(path, &bytes)?;
        let mut attempt = 1;
        loop {
            let (carried, version) = match self.looked_at(path, etag).await {
                Ok(looked) => looked,
                Err(EngineError::Changed { .. }) => return self.settled(path, bytes.len(), sha256).await,
                Err(error) => return Err(error),
            };
            let options = self.update_options(&carried, version, sha256);
            let put = self.store.put_opts(path, PutPayload::from_bytes(bytes.clone()), options).await;
            let error = match put.map(|put| put.e_tag) {
                Ok(Some(etag)) => return Ok(Replaced::Now { etag }),
                // It was written, and nobody told under which ETag.
                Ok(None) => return self.settled(path, bytes.len(), sha256).await,
                Err(error) => error,
            };
            let is_there = self.head(path).await?.and_then(|there| there.e_tag);
            if !is_there.is_some_and(|there| same_etag(&there, etag)) {
                return self.settled(path, bytes.len(), sha256).await;
            }
            // It is still what was read, so the request did not take effect.
            if !broke_off(&error) || attempt == CREATE_ATTEMPTS {
                return Err(EngineError::Store { path: path.to_string(), action: "replace it", source: error });
            }
            attempt += 1;
        }
    }

    /// Deletes an object if it still has this ETag.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete_if(&self, path: &Path, etag: &str) -> Result<Deleted, EngineError> {
        if let Place::Folder { files, .. } = &self.place {
            let deleted = files.delete_if(path, etag).await;
            return deleted.map_err(|source| EngineError::store(path, "delete it", source));
        }
        match self.head(path).await? {
            None => return Ok(Deleted::Absent),
            Some(there) if there.e_tag.as_deref().is_some_and(|there| same_etag(there, etag)) => {}
            Some(_) => return Ok(Deleted::Changed),
        }
        if let Place::Bucket(bucket) = &self.place
            && let Some(signed) = bucket.signed.as_ref().filter(|signed| signed.deletes_on_condition())
        {
            let asked = signed.delete_if(&bucket.key(path), etag).await;
            match asked.map_err(|source| EngineError::store(path, "delete it", source))? {
                Conditional::Done => return Ok(Deleted::Now { unconditional: false }),
                Conditional::Refused { asked_before } => {
                    return Ok(match self.head(path).await? {
                        Some(_) => Deleted::Changed,
                        None if asked_before => Deleted::Now { unconditional: false },
                        None => Deleted::Absent,
                    });
                }
                Conditional::Unknown => {}
            }
        }
        self.remove(path).await?;
        Ok(Deleted::Now { unconditional: true })
    }

    /// Gives an object of a local folder another ETag and leaves its bytes, so that a replacement of what was read
    /// before is refused. It waits for a writer that is about to replace it, however long that one stands still. `None`
    /// when there is no object, or the lake is not in a folder: then nothing happens.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn touch(&self, path: &Path) -> Result<Option<String>, EngineError> {
        let Place::Folder { files, .. } = &self.place else { return Ok(None) };
        files.touch(path).await.map_err(|source| EngineError::store(path, "touch it", source))
    }

    /// Removes what writers that have died left in the folder of an object, and says how many files that were. In stores
    /// other than a local folder there is nothing of the kind.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub async fn remove_leftovers(&self, path: &Path) -> Result<u64, EngineError> {
        let Place::Folder { files, .. } = &self.place else { return Ok(0) };
        files
            .remove_leftovers(path)
            .await
            .map_err(|source| EngineError::store(path, "remove what lies beside it", source))
    }

    /// What goes over to a replacement, and what the store takes for a condition.
    async fn looked_at(&self, path: &Path, etag: &str) -> Result<(Carried, UpdateVersion), EngineError> {
        let overheard = Overheard::default();
        let mut options = GetOptions { head: true, if_match: Some(self.condition(etag)), ..GetOptions::default() };
        options.extensions.insert(overheard.clone());
        let got = self.found(path, self.store.get_opts(path, options).await)?;
        let got = got.ok_or_else(|| EngineError::Changed { path: path.to_string() })?;
        let version = got.meta.version;
        let mut carried = match &self.place {
            Place::Bucket(bucket) => Carried::told(bucket.url.scheme, got.attributes, &overheard.headers()),
            Place::Anywhere | Place::Folder { .. } => Carried::of(got.attributes),
        };
        if let Place::Bucket(bucket) = &self.place {
            match &bucket.signed {
                Some(signed) => {
                    let tags = signed.tags(&bucket.key(path), version.as_deref()).await;
                    carried.tags = tags.map_err(|source| EngineError::store(path, "read its tags", source))?;
                }
                None => carried.leaves_headers(),
            }
        }
        Ok((carried, UpdateVersion { e_tag: Some(self.condition(etag)), version }))
    }

    /// An ETag as a request names it; one that Azure listed has no quotes.
    fn condition(&self, etag: &str) -> String {
        let is_azure = matches!(&self.place, Place::Bucket(bucket) if bucket.url.scheme == BucketScheme::Az);
        if is_azure && !etag.contains('"') { format!("\"{etag}\"") } else { etag.to_owned() }
    }

    fn update_options(&self, carried: &Carried, version: UpdateVersion, sha256: &str) -> PutOptions {
        let mut options = PutOptions { mode: PutMode::Update(version), ..PutOptions::default() };
        // A file has no place for them.
        if !matches!(self.place, Place::Folder { .. }) {
            options.attributes = carried.attributes.clone();
            options.attributes.insert(self.mark(), sha256.to_owned().into());
        }
        options.tags = carried.tag_set();
        let mut headers = carried.headers.clone();
        if let Some(hash) = crate::unhex(sha256).filter(|_| carried.wants_hash) {
            headers.push(("x-amz-checksum-sha256", BASE64_STANDARD.encode(hash)));
        }
        if !headers.is_empty() {
            options.extensions.insert(Besides(Arc::new(headers)));
        }
        options
    }

    /// The user metadata that tells the hash.
    fn mark(&self) -> Attribute {
        let is_azure = matches!(&self.place, Place::Bucket(bucket) if bucket.url.scheme == BucketScheme::Az);
        Attribute::Metadata(if is_azure { MARK.replace('-', "_").into() } else { MARK.into() })
    }

    /// Whether what lies there is what we meant to write.
    async fn settled(&self, path: &Path, length: usize, sha256: &str) -> Result<Replaced, EngineError> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let Some(there) = self.found(path, self.store.get_opts(path, options).await)? else {
            return Ok(Replaced::Changed);
        };
        let Some(etag) = there.meta.e_tag.filter(|_| usize::try_from(there.meta.size) == Ok(length)) else {
            return Ok(Replaced::Changed);
        };
        let is_ours = match there.attributes.get(&self.mark()) {
            Some(mark) => mark.as_ref() == sha256,
            None => match self.read_if(path, &etag).await {
                Ok(bytes) => crate::hex(&Sha256::digest(bytes)) == sha256,
                Err(EngineError::Changed { .. }) => false,
                Err(error) => return Err(error),
            },
        };
        Ok(if is_ours { Replaced::Now { etag } } else { Replaced::Changed })
    }

    fn check_size(&self, path: &Path, bytes: &Bytes) -> Result<(), EngineError> {
        let Place::Bucket(bucket) = &self.place else { return Ok(()) };
        let Some(allowed_bytes) = put_bytes_max(bucket.url.scheme) else { return Ok(()) };
        let needed_bytes = bytes.len() as u64;
        if needed_bytes <= allowed_bytes {
            return Ok(());
        }
        Err(EngineError::TooLargeForStore { path: path.to_string(), needed_bytes, allowed_bytes })
    }

    /// What a read gave; `None` when there is no such object.
    fn found(&self, path: &Path, got: object_store::Result<GetResult>) -> Result<Option<GetResult>, EngineError> {
        match got {
            Err(error @ Error::NotFound { .. }) if !bucket_is_missing(&error) => Ok(None),
            got => got.map(Some).map_err(|source| EngineError::store(path, "read it", source)),
        }
    }
}

/// What one request may write, which alone can carry a condition; none where it is all that the store can hold.
pub(super) fn put_bytes_max(scheme: BucketScheme) -> Option<u64> {
    match scheme {
        BucketScheme::S3 => Some(5 << 30),
        BucketScheme::Az => Some(5_000 << 20),
        BucketScheme::Gs => None,
    }
}
