//! Reading the whole log.

use super::store::LogStore;
use crate::error::JobError;

/// Every entry, those that nobody has signed yet included.
pub(crate) async fn entries_of(store: &LogStore) -> Result<Vec<Vec<u8>>, JobError> {
    let signed = store.newest_checkpoint().await?.map_or(0, |(size, _)| size);
    let mut entries = store.signed_entries(0, signed).await?;
    for batch in store.batches(signed).await? {
        entries.extend(batch.entries);
    }
    Ok(entries)
}
