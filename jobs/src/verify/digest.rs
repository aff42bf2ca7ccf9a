//! SHA-256 of objects, read a piece at a time.

use engine::{EngineError, Lakefront, recorded_path};
use object_store::ObjectStoreExt;
use sha2::{Digest, Sha256};

/// Bytes that are read at once.
const PIECE: u64 = 8 << 20;

/// SHA-256 in hex and bytes of an object; none when there is no such object.
pub(crate) async fn sha256_of(front: &Lakefront, path: &str) -> Result<Option<(String, u64)>, EngineError> {
    let location = recorded_path(path);
    let failed = |source| EngineError::store(&location, "read it", source);
    let size = match front.store().head(&location).await {
        Ok(meta) => meta.size,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    let mut hash = Sha256::new();
    let mut at = 0;
    while at < size {
        let end = (at + PIECE).min(size);
        hash.update(front.store().get_range(&location, at..end).await.map_err(failed)?);
        at = end;
    }
    Ok(Some((engine::hex(&hash.finalize()), size)))
}
