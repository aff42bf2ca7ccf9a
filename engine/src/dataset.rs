//! A dataset's files: listed once, pinned, and read from their folder names.
//!
//! Absent: file contents. What a file must hold is known to `file_rules.rs`.

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use crate::error::EngineError;

/// One version of one file of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedFile {
    /// The object as it was listed.
    pub meta: ObjectMeta,
    /// From its `tenant=` folder.
    pub tenant: Option<String>,
    /// From its `date=` folder: the UTC day of its rows.
    pub date: Option<NaiveDate>,
}

impl PinnedFile {
    /// Reads tenant and day from the folder names.
    pub fn new(meta: ObjectMeta) -> Self {
        let folders = folder_values(&meta.location);
        let folder = |key: &str| folders.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        let tenant = folder("tenant");
        let date = folder("date").and_then(|day| day.parse().ok());
        Self { meta, tenant, date }
    }

    /// Path in the store.
    pub fn path(&self) -> &str {
        self.meta.location.as_ref()
    }

    /// ETag as listed; a store without ETags gives none.
    pub fn etag(&self) -> &str {
        self.meta.e_tag.as_deref().unwrap_or_default()
    }
}

/// What the folders of a file say: keys and values, from the outermost on.
pub(crate) fn folder_values(location: &Path) -> Vec<(String, String)> {
    let mut folders: Vec<_> = location.parts().collect();
    folders.pop();
    let pairs = folders.iter().filter_map(|folder| folder.as_ref().split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), decode_folder_value(value))).collect()
}

/// The first and the last microsecond of a UTC day.
pub(crate) fn microseconds(day: NaiveDate) -> Option<(i64, i64)> {
    let first = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
    let next = day.checked_add_signed(TimeDelta::days(1))?;
    Some((first(day), first(next) - 1))
}

/// A value as a folder name: percent-encoded but for RFC 3986 unreserved characters.
///
/// A value of dots alone would be a relative path, so its dots are encoded too.
pub fn encode_folder_value(value: &str) -> String {
    let only_dots = value.bytes().all(|byte| byte == b'.');
    let mut name = String::with_capacity(value.len());
    for byte in value.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || (byte == b'.' && !only_dots);
        if plain {
            name.push(byte.into());
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// Reads a folder name back; what is not an escape stands for itself.
fn decode_folder_value(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut value = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| name.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                value.push(byte);
                at += 3;
            }
            None => {
                value.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(value).unwrap_or_else(|_| name.to_owned())
}

/// Lists the Parquet files below a prefix, by path. No folder yet means no files.
///
/// # Errors
/// When the store cannot be listed.
pub(crate) async fn list_below(store: &dyn ObjectStore, prefix: &Path) -> Result<Vec<PinnedFile>, EngineError> {
    let found: Vec<ObjectMeta> =
        store.list(Some(prefix)).try_collect().await.map_err(|source| EngineError::store(prefix, "list it", source))?;
    let mut files: Vec<PinnedFile> = found
        .into_iter()
        .filter(|meta| meta.location.as_ref().ends_with(".parquet") && meta.size > 0)
        .map(PinnedFile::new)
        .collect();
    files.sort_by(|a, b| a.meta.location.cmp(&b.meta.location));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_tenant_becomes_a_folder_name_and_comes_back() {
        for tenant in ["t1", "a/b", "..", ".", "a b", "100%", "ü", "tenant=x", "%41", "a\\b", "*?#"] {
            let name = encode_folder_value(tenant);
            assert!(!name.contains(['/', '\\', '#']) && name != ".." && name != ".", "{name}");
            assert_eq!(decode_folder_value(&name), tenant);
        }
    }
}
