//! The versions that a bucket keeps of what an object was: which are to go, and how they go.

use super::{Apply, Step};
use crate::error::EngineError;
use crate::retention::journal::IntentRecord;
use crate::store::{Version, Versions, same_etag};

impl Apply<'_> {
    /// R8: the version of these bytes goes, and every one before it; what stays is named.
    pub(super) async fn purge(&self, step: &Step<'_>, versions: &[Version]) -> Result<(u64, Vec<String>), EngineError> {
        let mut purged = 0;
        let mut not_reached = Vec::new();
        for version in versions {
            // Above what the store keeps, the mark of the removal stays: without it, that would be an object again.
            if version.latest && !not_reached.is_empty() {
                continue;
            }
            self.request.fence.check().await?;
            match self.lake.delete_version(&step.path, &version.id).await? {
                None => purged += 1,
                Some(lock) => not_reached.push(format!("version {} of \"{}\": {lock}", version.id, step.planned.path)),
            }
        }
        Ok((purged, not_reached))
    }
}

/// Of the versions of an object, those of the bytes that an intent names and of what was there before; where the object
/// was deleted last, all of them. With why they are not known, where they are not.
///
/// They go in this order: the oldest first, so that those that are left are still known by the one that the intent names, and
/// the mark of a removal last, because without it what is left would be an object again.
pub(super) fn outdated(versions: Versions, intent: &IntentRecord) -> (Vec<Version>, Option<String>) {
    let listed = match versions {
        Versions::None => return (Vec::new(), None),
        Versions::Unlisted { why } => {
            return (Vec::new(), Some(format!("older versions of \"{}\": {why}", intent.path)));
        }
        Versions::Listed(listed) => listed,
    };
    let is_named = |version: &Version| {
        intent.version.as_deref() == Some(version.id.as_str())
            || version.etag.as_deref().is_some_and(|etag| same_etag(etag, &intent.etag))
    };
    let is_deleted = listed.iter().any(|version| version.latest && version.delete_marker);
    let first =
        if is_deleted { Some(0) } else { listed.iter().position(|version| !version.latest && is_named(version)) };
    let mut old: Vec<Version> = first.map(|first| listed.into_iter().skip(first).collect()).unwrap_or_default();
    old.reverse();
    old.sort_by_key(|version| version.latest);
    (old, None)
}

#[cfg(test)]
mod tests;
