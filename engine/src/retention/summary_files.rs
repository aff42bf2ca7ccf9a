//! Files beside data that repeat its statistics: they must not outlive the rows.

use object_store::path::Path;
use schemas::Dataset;

use crate::error::EngineError;
use crate::store::Lakefront;

/// Summaries of the Parquet files of a folder and those below it, as Hadoop's writers leave them.
const SUMMARIES: [&str; 2] = ["_metadata", "_common_metadata"];

/// Every such file below a dataset's location: summaries, and checksums of files (`.<name>.crc`).
///
/// # Errors
/// When the store cannot be listed.
pub(crate) async fn summary_files(lake: &Lakefront, dataset: &Dataset) -> Result<Vec<Path>, EngineError> {
    let listed = lake.list(&Path::from(dataset.location.trim_end_matches('/'))).await?;
    let is_summary = |path: &Path| {
        path.filename()
            .is_some_and(|name| SUMMARIES.contains(&name) || (name.starts_with('.') && name.ends_with(".crc")))
    };
    Ok(listed.into_iter().map(|meta| meta.location).filter(is_summary).collect())
}

/// Whether a summary is about an object.
pub(crate) fn is_about(summary: &Path, object: &Path) -> bool {
    let (Some(name), Some(of)) = (summary.filename(), object.filename()) else { return false };
    let folder = |path: &Path| path.as_ref().rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let (around, inside) = (folder(summary), folder(object));
    match name.strip_prefix('.').and_then(|name| name.strip_suffix(".crc")) {
        Some(checked) => around == inside && checked == of,
        None => inside == around || inside.starts_with(&format!("{around}/")) || around.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_about_its_folder_and_a_checksum_about_its_file() {
        let about = |summary: &str, object: &str| is_about(&Path::from(summary), &Path::from(object));
        assert!(about("audit/_metadata", "audit/date=2026-01-01/a.parquet"));
        assert!(about("audit/date=2026-01-01/.a.parquet.crc", "audit/date=2026-01-01/a.parquet"));
        assert!(!about("audit/date=2026-01-01/.a.parquet.crc", "audit/date=2026-01-01/b.parquet"));
        assert!(!about("audit/date=2026-01-02/_metadata", "audit/date=2026-01-01/a.parquet"));
        assert!(!about("audit2/_metadata", "audit/a.parquet"));
    }
}
