//! Folders that a table format keeps: their files are listed in a log of their own, and changing one behind its back breaks
//! the table or brings rows back.

use object_store::path::Path;
use schemas::Dataset;

use crate::error::EngineError;
use crate::store::{Lakefront, recorded_path};

/// The marker of a table format in the folder of a dataset, below it, or above it; none of a plain folder.
///
/// Markers are `_delta_log/` (Delta Lake), `.hoodie/` (Apache Hudi) and `metadata/*.metadata.json` (Apache Iceberg).
///
/// # Errors
/// When the store cannot be listed.
pub(crate) async fn table_marker(lake: &Lakefront, dataset: &Dataset) -> Result<Option<String>, EngineError> {
    let location = Path::from(dataset.location.trim_end_matches('/'));
    for meta in lake.list(&location).await? {
        if let Some(marker) = marker_of(&meta.location) {
            return Ok(Some(marker));
        }
    }
    // Above: only what lies directly in each folder is asked for.
    let parts: Vec<String> = location.parts().map(|part| part.as_ref().to_owned()).collect();
    for depth in 0..parts.len() {
        let above = parts[..depth].join("/");
        for marker in ["_delta_log", ".hoodie", "metadata"] {
            let folder = if above.is_empty() { marker.to_owned() } else { format!("{above}/{marker}") };
            let listed = lake.list(&recorded_path(&folder)).await?;
            if let Some(marker) = listed.iter().find_map(|meta| marker_of(&meta.location)) {
                return Ok(Some(marker));
            }
        }
    }
    Ok(None)
}

fn marker_of(path: &Path) -> Option<String> {
    let parts: Vec<String> = path.parts().map(|part| part.as_ref().to_owned()).collect();
    let folders = parts.len().checked_sub(1)?;
    let marker = (0..folders).find(|at| matches!(parts[*at].as_str(), "_delta_log" | ".hoodie"));
    let iceberg =
        folders.checked_sub(1).filter(|at| parts[*at] == "metadata" && parts[folders].ends_with(".metadata.json"));
    marker.or(iceberg).map(|at| parts[..=at].join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_format_is_known_by_its_folder() {
        let of = |path: &str| marker_of(&Path::from(path));
        assert_eq!(of("audit/_delta_log/00000.json").as_deref(), Some("audit/_delta_log"));
        assert_eq!(of("audit/.hoodie/hoodie.properties").as_deref(), Some("audit/.hoodie"));
        assert_eq!(of("audit/metadata/v1.metadata.json").as_deref(), Some("audit/metadata"));
        assert_eq!(of("audit/metadata/part.parquet"), None);
        assert_eq!(of("audit/date=2026-01-01/x.parquet"), None);
        assert_eq!(of("_delta_log"), None);
    }
}
