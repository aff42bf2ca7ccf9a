//! `auditlake.files`: the files of the lake's datasets that count. Absent: datasets that lie elsewhere, and files that others replaced.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};
use arrow::datatypes::Schema;
use engine::{EngineError, Lakefront, PinnedFile, SystemTable, files_of};
use schemas::Dataset;

use super::{count, instant, instants, table, text, whole};

/// A row for each file.
pub(super) async fn files(front: &Lakefront, datasets: &[Dataset]) -> Result<SystemTable, EngineError> {
    let mut rows: Vec<(&str, PinnedFile)> = Vec::new();
    for dataset in datasets.iter().filter(|dataset| dataset.elsewhere.is_none()) {
        let files = files_of(front, dataset).await?;
        rows.extend(files.into_iter().map(|file| (dataset.id.as_str(), file)));
    }
    let schema = Arc::new(Schema::new(vec![
        text("dataset", false),
        text("path", false),
        whole("bytes"),
        instant("modified_at"),
    ]));
    table(
        schema,
        vec![
            Arc::new(rows.iter().map(|(dataset, _)| Some(*dataset)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|(_, file)| Some(file.path())).collect::<StringArray>()),
            Arc::new(rows.iter().map(|(_, file)| Some(count(file.meta.size))).collect::<Int64Array>()),
            instants(rows.iter().map(|(_, file)| Some(file.meta.last_modified))),
        ],
    )
}
