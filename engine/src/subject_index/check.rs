//! Whether segments say what their files hold: an index that keeps silent about a file hides its rows from whoever asks
//! for a person.
//!
//! Absent: files of other versions than a segment speaks of. No search believes it about them.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use object_store::ObjectMeta;
use schemas::Dataset;

use super::folder_of;
use super::segment::OpenSegment;
use super::values::{FileValues, values_of};
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::replace::files_of;
use crate::store::Lakefront;

/// Files read side by side.
const FILES_AT_ONCE: usize = 4;

/// A segment that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFault {
    /// Path of the segment.
    pub segment: String,
    /// Path of the file that it speaks of wrongly; none where it is no segment.
    pub file: Option<String>,
    /// What is wrong.
    pub why: String,
}

/// Compares each segment with the files that it speaks of, those of them that `draws` names; also how many of them were
/// read.
///
/// # Errors
/// When a file cannot be read, or the store fails.
pub async fn index_faults(
    lake: &Lakefront,
    dataset: &Dataset,
    draws: &(dyn Fn(&str) -> bool + Sync),
) -> Result<(u64, Vec<IndexFault>), EngineError> {
    let Some(folder) = folder_of(dataset) else { return Ok((0, Vec::new())) };
    let segments = lake.list(&folder).await?;
    if segments.is_empty() {
        return Ok((0, Vec::new()));
    }
    let files = files_of(lake, dataset).await?;
    let live: BTreeMap<&str, &PinnedFile> = files.iter().map(|file| (file.path(), file)).collect();
    let (mut read, mut faults) = (0, Vec::new());
    for meta in segments {
        match values_said(lake, &meta).await {
            Ok((columns, said)) => {
                let said = said.into_iter().filter_map(|values| {
                    let file = live.get(values.file.path.as_str()).filter(|file| values.file.is(file))?;
                    draws(file.path()).then_some((*file, values))
                });
                let compared = stream::iter(said).map(|(file, said)| compared(lake, &columns, file, said));
                let mut compared = std::pin::pin!(compared.buffered(FILES_AT_ONCE));
                while let Some(fault) = compared.next().await {
                    read += 1;
                    faults.extend(fault?.map(|(file, why)| IndexFault {
                        segment: meta.location.to_string(),
                        file: Some(file),
                        why,
                    }));
                }
            }
            Err(EngineError::Input { path, why }) => faults.push(IndexFault { segment: path, file: None, why }),
            Err(EngineError::Parquet { path, source, .. }) => {
                faults.push(IndexFault { segment: path, file: None, why: source.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok((read, faults))
}

async fn values_said(lake: &Lakefront, meta: &ObjectMeta) -> Result<(Vec<String>, Vec<FileValues>), EngineError> {
    let segment = OpenSegment::open(lake.store(), meta).await?;
    let columns = segment.columns.clone();
    Ok((columns, segment.into_values().await?))
}

/// What a segment says wrongly of a file.
async fn compared(
    lake: &Lakefront,
    columns: &[String],
    file: &PinnedFile,
    said: FileValues,
) -> Result<Option<(String, String)>, EngineError> {
    let wrong = |why: String| Ok(Some((said.file.path.clone(), why)));
    let found = match values_of(lake.store(), file, columns).await {
        Ok(Some(found)) => found,
        Ok(None) => return wrong("it has columns that are no text".to_owned()),
        // Of what went or was replaced meanwhile a search believes nothing.
        Err(EngineError::Changed { .. }) => return Ok(None),
        Err(EngineError::Input { why, .. }) => return wrong(format!("it cannot be read: {why}")),
        Err(EngineError::Parquet { source, .. }) => return wrong(format!("it cannot be read: {source}")),
        Err(error) => return Err(error),
    };
    if found.groups.len() != said.groups.len() {
        return wrong(format!("it has {} row groups, and the index says {}", found.groups.len(), said.groups.len()));
    }
    let differs = found.groups.iter().zip(&said.groups).position(|(found, said)| found != said);
    let Some(group) = differs else { return Ok(None) };
    let (found, said) = (&found.groups[group], &said.groups[group]);
    let hidden = found.iter().filter(|hash| said.binary_search(hash).is_err()).count();
    let invented = said.iter().filter(|hash| found.binary_search(hash).is_err()).count();
    wrong(format!(
        "row group {group} has {hidden} values that the index hides, and the index {invented} that it has not"
    ))
}
