//! Statements of tenants, as jobs write them: one of each tenant in each format, in a folder of the job's.

use engine::encode_folder_value;
use exporters::{CsvTable, ExportError};
use schemas::{ReportFormat, ReportOutput};

use crate::deliver::Delivery;
use crate::error::JobError;
use crate::runner::Attempt;

/// How a statement is written in each format.
pub(crate) struct Renderings<S> {
    pub(crate) html: fn(&S) -> String,
    pub(crate) json: fn(&S) -> Result<String, ExportError>,
    pub(crate) xlsx: fn(&S) -> Result<Vec<u8>, ExportError>,
    pub(crate) csv: fn(&S) -> Vec<CsvTable>,
}

/// Whose statements of what are written.
pub(crate) struct Statements<'a, T, F> {
    /// What was judged, and its period.
    pub(crate) of: (&'a str, String),
    pub(crate) tenants: T,
    /// The statement of a tenant, who may have none.
    pub(crate) statement: F,
}

/// Writes a statement for each tenant, in each format.
pub(crate) async fn write<'a, S>(
    attempt: &Attempt<'_>,
    outputs: &[ReportOutput],
    statements: Statements<'a, impl Iterator<Item = &'a String> + Clone, impl Fn(&str) -> Option<S>>,
    renderings: &Renderings<S>,
    delivery: &mut Delivery<'_>,
) -> Result<(), JobError> {
    let (name, period) = &statements.of;
    for output in outputs {
        let folder = output.to.render(&attempt.interval, attempt.lake.definitions.timezone);
        for tenant in statements.tenants.clone() {
            let Some(statement) = (statements.statement)(tenant) else { continue };
            let stem = format!("{folder}{name}.{period}.{}", encode_folder_value(tenant));
            match output.format {
                ReportFormat::Html => {
                    delivery.publish(format!("{stem}.html"), (renderings.html)(&statement).into()).await?;
                }
                ReportFormat::Json => {
                    delivery.publish(format!("{stem}.json"), (renderings.json)(&statement)?.into()).await?;
                }
                ReportFormat::Xlsx => {
                    delivery.publish(format!("{stem}.xlsx"), (renderings.xlsx)(&statement)?.into()).await?;
                }
                ReportFormat::Csv => delivery.publish_tables(&stem, (renderings.csv)(&statement)).await?,
                // Definitions refuse it.
                ReportFormat::Oscal => {}
            }
        }
    }
    Ok(())
}
