//! What lineage is told of rows that leave by a command or a request.

use ::lineage::{JobName, Statistics};

use super::asked::{Asked, Planned};
use crate::access::Asker;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::lineage::{Made, Naming, ReadFile, counted_rows, of_export};

/// Rows on their way out.
#[derive(Debug)]
pub(crate) struct Leaving {
    /// The place is what it does.
    pub(crate) job: JobName,
    made: Made,
    files: Vec<ReadFile>,
}

impl Leaving {
    /// What is planned for a place.
    pub(crate) async fn of(
        lake: &OpenLake,
        planned: &Planned,
        place: &str,
        asked: &Asked,
        asker: &Asker,
    ) -> Result<Self, JobError> {
        let naming = Naming::of(&lake.definitions);
        let to = naming.place(place);
        let job = naming.job(format!("export {}", naming.shown(&to)));
        let made = of_export(lake, planned, to, (&asked.sql(lake), asker.principal().is_some()));
        let mut files = Vec::new();
        for dataset in &planned.datasets {
            for file in planned.session.files(dataset).await?.unwrap_or_default() {
                files.push(ReadFile {
                    dataset: Some(dataset.clone()),
                    path: file.path().to_owned(),
                    etag: file.etag().to_owned(),
                    bytes: file.meta.size,
                    rows: None,
                });
            }
        }
        Ok(Self { job, made, files })
    }

    /// What has left.
    pub(crate) fn done(mut self, rows: u64, bytes: u64) -> (Made, Vec<ReadFile>) {
        if let Some(output) = self.made.outputs.first_mut() {
            output.statistics =
                Some(Statistics { rows: Some(counted_rows(rows)), size_bytes: Some(counted_rows(bytes)), files: None });
        }
        (self.made, self.files)
    }
}
