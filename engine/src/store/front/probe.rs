//! What a store is asked to prove before anything rests on it.
//!
//! Absent: measures of speed, and what no request can show, such as that a write lasts.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult,
    UpdateVersion,
};
use schemas::BucketUrl;
use sha2::{Digest, Sha256};

use super::{CREATE_ATTEMPTS, Created, Lakefront, Place, Replaced};
use crate::error::EngineError;
use crate::store::bucket::innermost;
use crate::store::patient::broke_off;
use crate::store::signed::Conditional;
use crate::store::version::Versions;

impl Lakefront {
    /// Makes sure, once per process and before its first claim, that the store keeps the two promises everything
    /// rests on: a second create is refused, and a read of a version that is gone fails. Local folders and memory do.
    ///
    /// `nonce` makes the name of the probe unlike any other.
    ///
    /// # Errors
    /// When the store keeps one of them not, or fails.
    pub async fn probe(&self, nonce: &str) -> Result<(), EngineError> {
        let Place::Bucket(bucket) = &self.place else { return Ok(()) };
        self.probed.get_or_try_init(|| self.probe_once(&bucket.url, nonce)).await.copied()
    }

    async fn probe_once(&self, url: &BucketUrl, nonce: &str) -> Result<(), EngineError> {
        let path = Path::from(format!("_auditlake/probes/{nonce}"));
        let unfit = |promise: &str| EngineError::Unfit {
            store: url.to_string(),
            why: format!("it {promise}, without which two runners could destroy each other's work; use another store"),
        };
        let put = |text: &'static str| {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            self.store.put_opts(&path, PutPayload::from_static(text.as_bytes()), options)
        };
        let first = match put("first").await {
            Ok(put) => put.e_tag,
            // Nobody else has this name: the answer was lost, or the request.
            Err(_) => {
                self.create(&path, Bytes::from_static(b"first")).await?;
                let found = self.store.head(&path).await;
                found.map_err(|source| EngineError::store(&path, "read it", source))?.e_tag
            }
        };
        let mut second = put("second").await;
        // A broken connection says nothing of the store, whether the request arrived or not.
        for _ in 1..CREATE_ATTEMPTS {
            if second.as_ref().err().is_some_and(broke_off) {
                second = put("second").await;
            }
        }
        let stale = GetOptions { if_match: Some("\"0\"".to_owned()), ..GetOptions::default() };
        let stale = self.store.get_opts(&path, stale).await;
        let current = GetOptions { if_match: first, ..GetOptions::default() };
        let current = self.store.get_opts(&path, current).await;
        // What is wrong with the store matters more than what it leaves behind.
        let removed = self.remove(&path).await;
        match second {
            Err(Error::AlreadyExists { .. }) => {}
            Ok(_) => return Err(unfit("overwrites an object that it was asked to create (If-None-Match)")),
            Err(source) => return Err(EngineError::store(&path, "create it a second time", source)),
        }
        match stale {
            Err(Error::Precondition { .. }) => {}
            Ok(_) => return Err(unfit("serves an object whose version is not the one asked for (If-Match)")),
            Err(source) => return Err(EngineError::store(&path, "read it", source)),
        }
        current.map_err(|source| EngineError::store(&path, "read it", source))?;
        removed
    }

    /// Makes sure, once per process and before it first replaces an object on a condition, that the store keeps to
    /// conditions: a second create is refused, a replacement of what is no longer there is refused, and one of what is
    /// there is not. Whether it deletes on a condition is found out besides.
    ///
    /// `nonce` makes the name of the probe unlike any other.
    ///
    /// # Errors
    /// `NotConditional` when the store does not keep to them, or another one when it fails.
    pub async fn probe_update(&self, nonce: &str) -> Result<(), EngineError> {
        self.probed_update.get_or_try_init(|| self.probe_update_once(nonce)).await.copied()
    }

    async fn probe_update_once(&self, nonce: &str) -> Result<(), EngineError> {
        let path = Path::from(format!("_auditlake/probes/update-{nonce}"));
        let found = self.check_conditions(&path).await;
        // What is wrong with the store matters more than what it leaves behind.
        let removed = self.remove(&path).await;
        found?;
        removed?;
        // Where there are versions, the probe would stay behind as one; but then it harms nobody.
        if let Ok(Versions::Listed(versions)) = self.versions(&path).await {
            for version in versions {
                drop(self.delete_version(&path, &version.id).await);
            }
        }
        Ok(())
    }

    async fn check_conditions(&self, path: &Path) -> Result<(), EngineError> {
        let fails = |check| EngineError::NotConditional { store: self.name(), check };
        let [first, second, third] = ["first", "second", "third"].map(|text| Bytes::from_static(text.as_bytes()));
        let update = async |bytes: &Bytes, etag: &str| {
            let sha256 = crate::hex(&Sha256::digest(bytes));
            match self.update(path, bytes.clone(), etag, &sha256).await {
                Err(EngineError::Store { source, .. }) if is_unknown(&source) => {
                    Err(fails("it does not know conditional replacement (If-Match)"))
                }
                replaced => replaced,
            }
        };
        self.create(path, first.clone()).await?;
        let before = self.head(path).await?;
        let Some((before, etag_before)) = before.and_then(|there| Some((there.clone(), there.e_tag?))) else {
            return Err(fails("it tells no ETags"));
        };
        if self.create(path, second.clone()).await? != Created::Existed || self.read(path).await? != Some(first) {
            return Err(fails("it overwrites an object that it was asked to create (If-None-Match)"));
        }
        let Replaced::Now { etag } = update(&second, &etag_before).await? else {
            return Err(fails("it refuses to replace the object that was asked for (If-Match)"));
        };
        if etag == etag_before {
            return Err(fails("it gives other bytes the same ETag"));
        }
        // Straight to the store: `update` looks at the object first and would see by itself that it is another one.
        let mut stale = self.put_stale(path, &before, &third).await;
        for _ in 1..CREATE_ATTEMPTS {
            if stale.as_ref().err().is_some_and(broke_off) {
                stale = self.put_stale(path, &before, &third).await;
            }
        }
        match stale {
            Err(Error::Precondition { .. }) if self.read(path).await? == Some(second) => {}
            Ok(_) | Err(Error::Precondition { .. }) => {
                return Err(fails("it replaces an object that is not the one asked for (If-Match)"));
            }
            Err(source) => return Err(EngineError::store(path, "replace it", source)),
        }
        self.check_delete(path, &etag_before).await
    }

    async fn put_stale(&self, path: &Path, before: &ObjectMeta, bytes: &Bytes) -> object_store::Result<PutResult> {
        let version = UpdateVersion { e_tag: before.e_tag.clone(), version: before.version.clone() };
        let options = PutOptions { mode: PutMode::Update(version), ..PutOptions::default() };
        self.store.put_opts(path, PutPayload::from_bytes(bytes.clone()), options).await
    }

    /// Finds out whether the bucket deletes on a condition, on an object whose ETag is not `stale`.
    async fn check_delete(&self, path: &Path, stale: &str) -> Result<(), EngineError> {
        let Place::Bucket(bucket) = &self.place else { return Ok(()) };
        let Some(signed) = &bucket.signed else { return Ok(()) };
        let asked = signed.delete_if(&bucket.key(path), stale).await;
        let does = match asked.map_err(|source| EngineError::store(path, "delete it", source))? {
            Conditional::Refused { .. } => self.head(path).await?.is_some(),
            Conditional::Done | Conditional::Unknown => false,
        };
        signed.set_deletes_on_condition(does);
        Ok(())
    }

    /// What people call the store.
    fn name(&self) -> String {
        match &self.place {
            Place::Anywhere => self.store.to_string(),
            Place::Folder { folder, .. } => folder.display().to_string(),
            Place::Bucket(bucket) => bucket.url.to_string(),
        }
    }
}

/// Whether a store says that it does not know what it was asked for.
fn is_unknown(error: &Error) -> bool {
    let unknown = matches!(error, Error::NotImplemented { .. } | Error::NotSupported { .. });
    unknown || innermost(error).contains("NotImplemented")
}
