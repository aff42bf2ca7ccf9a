//! What a file measures that somebody has at hand: CSV or Parquet, told apart by its first bytes.
//!
//! Only the columns that are asked for are read, and these are held in memory. Absent: a lake; whoever checks a file
//! need not have one.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::figures::{Figures, numbers};
use crate::catalog::NoSystemTables;
use crate::csv_columns::{csv_columns, place, refused};
use crate::error::EngineError;
use crate::resources::Resources;
use crate::session::SessionFactory;
use crate::store::Lakefront;

/// First bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// Measures the rows of a file in groups that are alike in the columns `quasi`.
///
/// # Errors
/// When it cannot be read, or has no such columns.
pub async fn measure_file(
    path: &Path,
    (quasi, sensitive): (&[&str], &[&str]),
    now: DateTime<Utc>,
    resources: Resources,
) -> Result<Figures, EngineError> {
    let mut wanted: Vec<&str> = quasi.iter().chain(sensitive).copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let batches = read(path, &wanted)?;
    let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let table = MemTable::try_new(schema, vec![batches]).map_err(|source| EngineError::sql("prepared", source))?;
    let lake = Lakefront::memory();
    let factory = SessionFactory::new(Arc::clone(lake.store()), Vec::new(), Arc::new(NoSystemTables), resources);
    let table: Arc<dyn TableProvider> = Arc::new(table);
    let (figures, _) = Figures::of(&factory.session(now)?, table, (quasi, sensitive), 0).await?;
    Ok(figures)
}

fn read(path: &Path, wanted: &[&str]) -> Result<Vec<RecordBatch>, EngineError> {
    let unreadable = |error: std::io::Error| refused(path, format!("it cannot be read ({error})"));
    let mut file = File::open(path).map_err(unreadable)?;
    let mut first = Vec::new();
    file.by_ref().take(PARQUET.len() as u64).read_to_end(&mut first).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    if first == PARQUET { parquet(path, file, wanted) } else { csv(path, file, wanted).map(|batch| vec![batch]) }
}

fn parquet(path: &Path, file: File, wanted: &[&str]) -> Result<Vec<RecordBatch>, EngineError> {
    let failed = |source: parquet::errors::ParquetError| EngineError::Parquet {
        path: path.display().to_string(),
        action: "read",
        source: Box::new(source),
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let names: Vec<&str> = builder.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let places = wanted.iter().map(|name| place(path, &names, name)).collect::<Result<Vec<usize>, _>>()?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), places);
    let schema = Arc::new(builder.schema().as_ref().clone());
    let reader = builder.with_projection(mask).build().map_err(failed)?;
    let batches: Result<Vec<RecordBatch>, _> = reader.collect();
    let batches = batches.map_err(|error| failed(error.into()))?;
    if batches.is_empty() {
        let fields: Vec<Field> = wanted.iter().filter_map(|name| schema.field_with_name(name).ok().cloned()).collect();
        return Ok(vec![RecordBatch::new_empty(Arc::new(Schema::new(fields)))]);
    }
    Ok(batches)
}

/// Texts; of a column that holds numbers and nothing else, numbers, which have an order.
fn csv(path: &Path, file: File, wanted: &[&str]) -> Result<RecordBatch, EngineError> {
    let texts = csv_columns(path, std::io::BufReader::new(file), wanted)?;
    let columns = texts.into_iter().map(|texts| -> ArrayRef { Arc::new(StringArray::from(texts)) });
    let columns: Vec<ArrayRef> = columns.map(|text| numbers(&text).unwrap_or(text)).collect();
    let named = wanted.iter().zip(&columns);
    let fields: Vec<Field> = named.map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|_| EngineError::Bug { what: "columns of one file form no batch".to_owned() })
}
