//! `auditlake sql`: one reading statement, its rows as they come.

use std::io::Write;

use exporters::{RowFormat, row_writer};
use futures::StreamExt;

use crate::error::JobError;
use crate::lake::OpenLake;
use crate::world::World;

/// Runs a statement and writes its rows; returns how many there were.
///
/// # Errors
/// When the statement does not read only, does not plan or fails; when a column has no form in `format`.
pub async fn sql(
    lake: &OpenLake,
    world: &World,
    statement: &str,
    format: RowFormat,
    out: &mut dyn Write,
) -> Result<u64, JobError> {
    let session = lake.sessions.session(world.now())?;
    let plan = session.plan(statement).await?;
    let mut rows = session.stream(&plan).await?;
    let mut writer = row_writer(format, rows.schema().as_ref(), out)?;
    while let Some(batch) = rows.next().await {
        writer.write(&batch.map_err(engine::stream_error)?)?;
    }
    Ok(writer.finish()?)
}
