//! Old versions of an object: listed and deleted one by one where the store is S3 or speaks like it.
//!
//! Absent: those of GCS and Azure, which are said to be out of reach.

use object_store::path::Path;
use object_store::{GetOptions, ObjectStore};
use schemas::BucketScheme;

use super::{Lakefront, Place};
use crate::error::EngineError;
use crate::store::carried::{lock_in_words, locked_until};
use crate::store::overheard::Overheard;
use crate::store::version::{VersionId, VersionLock, Versions};

impl Lakefront {
    /// The versions of an object, of its predecessors of the same name, and the marks of its removal. They are looked up
    /// after a replacement or a delete, not before: only then do older ones show.
    ///
    /// # Errors
    /// When the store fails; that it does not list them is not an error.
    pub async fn versions(&self, path: &Path) -> Result<Versions, EngineError> {
        let Place::Bucket(bucket) = &self.place else { return Ok(Versions::None) };
        let Some(signed) = &bucket.signed else {
            let why = match bucket.url.scheme {
                BucketScheme::S3 => "requests to this bucket are not signed with a key, which listing versions takes",
                BucketScheme::Gs => {
                    "versions and soft-deleted objects of GCS are not listed; look whether the bucket keeps them"
                }
                BucketScheme::Az => {
                    "versions and soft-deleted blobs of Azure are not listed; look whether the account keeps them"
                }
            };
            return Ok(Versions::Unlisted { why: why.to_owned() });
        };
        let listed = signed.versions(&bucket.key(path)).await;
        Ok(match listed.map_err(|source| EngineError::store(path, "list its versions", source))? {
            Ok(versions) => Versions::Listed(versions),
            Err(why) => Versions::Unlisted { why },
        })
    }

    /// Deletes one version of an object for good; `None` when it is gone, or else why the store keeps it.
    ///
    /// # Errors
    /// When the store fails, or is one whose versions are not listed.
    pub async fn delete_version(&self, path: &Path, id: &VersionId) -> Result<Option<VersionLock>, EngineError> {
        let Place::Bucket(bucket) = &self.place else { return Ok(None) };
        let Some(signed) = &bucket.signed else {
            let what = format!("version \"{id}\" of \"{path}\" was to be deleted in a store that lists no versions");
            return Err(EngineError::Bug { what });
        };
        let asked = signed.delete_version(&bucket.key(path), id).await;
        let Some(answer) = asked.map_err(|source| EngineError::store(path, "delete a version of it", source))? else {
            return Ok(None);
        };
        let overheard = Overheard::default();
        let mut options = GetOptions { head: true, version: Some(id.as_str().to_owned()), ..GetOptions::default() };
        options.extensions.insert(overheard.clone());
        // Only the reason is looked for; a store that does not tell it has refused all the same.
        drop(self.store.get_opts(path, options).await);
        let headers = overheard.headers();
        let why = match lock_in_words(&headers) {
            Some(lock) => format!("{lock} ({})", answer.in_words()),
            None => format!("the store refuses ({})", answer.in_words()),
        };
        Ok(Some(VersionLock { why, until: locked_until(&headers) }))
    }
}
