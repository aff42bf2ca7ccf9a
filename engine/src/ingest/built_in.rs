//! The built-in mappings: one a source, from JSON record to row of `audit.v1`.
//!
//! A source says how one record reads as a row and which columns it fills; what is the same for all of them stands
//! here. The set of columns is fixed, whatever the records hold, so that every file of a mapping has the same
//! schema. Absent: columns that no record of the source can fill.

mod arrays;
mod cloudtrail;
mod kubernetes;
mod ocsf;
mod part;
#[cfg(test)]
mod trial;

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use schemas::{AUDIT, Column, IngestFormat};
use serde_json::Value;

use super::columns::{Columns, Origin, STAMPED};
use super::records::Shape;
use super::rejects::Refuse;
use crate::error::EngineError;
use cloudtrail::CloudTrail;
use kubernetes::Kubernetes;
use ocsf::Ocsf;
use part::Reject;

/// What the objects of a format look like.
pub(crate) fn shape(format: IngestFormat) -> Shape {
    match format {
        IngestFormat::Cloudtrail => Shape::Cloudtrail,
        IngestFormat::Kubernetes => Shape::Kubernetes,
        IngestFormat::Ocsf => Shape::Ocsf,
        IngestFormat::Ndjson
        | IngestFormat::Csv
        | IngestFormat::Parquet
        | IngestFormat::Focus
        | IngestFormat::AwsCur => Shape::Ndjson,
    }
}

/// A source whose mapping ships.
#[derive(Debug, Clone)]
pub(crate) enum BuiltIn {
    /// AWS CloudTrail.
    CloudTrail(CloudTrail),
    /// Audit events of a Kubernetes API server.
    Kubernetes(Kubernetes),
    /// Events in the Open Cybersecurity Schema Framework.
    Ocsf(Ocsf),
}

/// What a batch of records came to.
#[derive(Debug)]
pub(crate) struct Mapped {
    /// Rows, with where they come from.
    pub(crate) rows: RecordBatch,
    /// Records of a kind that becomes no row.
    pub(crate) skipped: u64,
}

/// How a record of one source reads as a row.
trait Source {
    /// A record, read.
    type Row<'a>;

    /// Reads one record; none when it is of a kind that becomes no row.
    fn read<'a>(&'a self, record: &'a Value) -> Result<Option<Self::Row<'a>>, Reject>;

    /// The tenant of a record that is refused, as far as it tells.
    fn tenant<'a>(&'a self, record: &'a Value) -> Option<&'a str>;

    /// Every column that is filled from records, in the order of `audit.v1`.
    fn filled(rows: &[Self::Row<'_>]) -> Vec<(&'static str, ArrayRef)>;
}

impl BuiltIn {
    /// The mapping of a format, where it has one; `tenant` is that of records that name none.
    ///
    /// # Errors
    /// When no record of the format names a tenant and none is given.
    pub(crate) fn of(format: IngestFormat, tenant: Option<&str>) -> Result<Option<Self>, EngineError> {
        let constant = tenant.map(str::to_owned);
        Ok(Some(match format {
            IngestFormat::Ndjson
            | IngestFormat::Csv
            | IngestFormat::Parquet
            | IngestFormat::Focus
            | IngestFormat::AwsCur => return Ok(None),
            IngestFormat::Cloudtrail => Self::CloudTrail(CloudTrail::new(constant)),
            IngestFormat::Ocsf => Self::Ocsf(Ocsf::new(constant)),
            IngestFormat::Kubernetes => {
                Self::Kubernetes(Kubernetes::new(constant.ok_or_else(|| EngineError::Mapping {
                    mapping: format.built_in_mapping(),
                    why: "its records name no tenant; name it with --tenant, or with tenant: in the job".to_owned(),
                })?))
            }
        }))
    }

    /// The columns of its rows, in the order of `audit.v1`.
    pub(crate) fn columns(&self) -> Vec<&'static Column> {
        match self {
            Self::CloudTrail(_) => columns::<CloudTrail>(),
            Self::Kubernetes(_) => columns::<Kubernetes>(),
            Self::Ocsf(_) => columns::<Ocsf>(),
        }
    }

    /// Maps records to rows; `source` is the number and name of their object.
    ///
    /// # Errors
    /// As `refuse`; any other error is our bug.
    pub(crate) fn map(
        &self,
        columns: &Columns,
        source: (i32, &str),
        records: &[Value],
        origins: &[Origin],
        refuse: &mut Refuse<'_>,
    ) -> Result<Mapped, EngineError> {
        match self {
            Self::CloudTrail(mapping) => map(mapping, columns, source, records, origins, refuse),
            Self::Kubernetes(mapping) => map(mapping, columns, source, records, origins, refuse),
            Self::Ocsf(mapping) => map(mapping, columns, source, records, origins, refuse),
        }
    }
}

fn columns<S: Source>() -> Vec<&'static Column> {
    let filled = S::filled(&[]);
    let has = |name| STAMPED.contains(&name) || filled.iter().any(|(filled, _)| *filled == name);
    AUDIT.columns.iter().filter(|column| has(column.name)).collect()
}

fn map<S: Source>(
    mapping: &S,
    columns: &Columns,
    source: (i32, &str),
    records: &[Value],
    origins: &[Origin],
    refuse: &mut Refuse<'_>,
) -> Result<Mapped, EngineError> {
    let mut rows = Vec::with_capacity(records.len());
    let mut kept = Vec::with_capacity(records.len());
    let mut skipped = 0;
    for (number, record) in records.iter().enumerate() {
        match mapping.read(record) {
            Ok(Some(row)) => {
                rows.push(row);
                kept.push(number);
            }
            Ok(None) => skipped += 1,
            Err(reject) => refuse(number, reject.kind, reject.detail, mapping.tenant(record))?,
        }
    }
    let (names, arrays): (Vec<_>, Vec<_>) = S::filled(&rows).into_iter().unzip();
    let fields: Vec<Field> = names.into_iter().filter_map(|name| AUDIT.column(name)).map(Column::field).collect();
    let mapped = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| EngineError::Bug { what: format!("mapped records do not form a batch ({error})") })?;
    let origins: Vec<Origin> = kept.iter().map(|number| origins[*number].clone()).collect();
    let rows = columns.conform(source, &mapped, &origins, &mut |row, kind, why| {
        refuse(kept[row], kind, why, mapping.tenant(&records[kept[row]]))
    })?;
    Ok(Mapped { rows, skipped })
}
