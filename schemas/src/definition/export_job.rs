//! `jobs/*.yaml` of kind `export`: rows of an interval as files.

use super::checked::{Job, JobKind};
use super::duration;
use super::export::{ColumnSource, ExportColumn, ExportRows, ExportShape, ExportSpec, byte_size};
use super::framework::filled;
use super::lake::timezone;
use super::path_template::PathTemplate;
use super::problem::{Place, Problems};
use super::raw::{Int64, RawExport, RawExportColumn, RawExportOptions, Switch};
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::id::JobId;

pub(super) fn build(raw: RawExport, sha256: String, around: &mut Surroundings, problems: &mut Problems) -> Option<Job> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let window = problems.keep(raw.window.place, duration::seconds("window", &raw.window.value));
    let shape = shape(&raw, problems);
    let to = problems.keep(raw.to.place, PathTemplate::parse(&raw.to.value, &id));
    if let Some(to) = &to {
        claim(to, raw.to.place, &id, around, problems);
    }
    let rows = rows(raw, around, problems);
    let spec = ExportSpec { window_seconds: window.unwrap_or(0), rows: rows?, shape, to: to? };
    (problems.len() == before).then_some(Job { id, kind: JobKind::Export(spec), sha256 })
}

/// The folder is nobody else's.
fn claim(to: &PathTemplate, place: Place, job: &JobId, around: &mut Surroundings, problems: &mut Problems) {
    if let Some((dataset, file)) = around.datasets.iter().find(|(dataset, _)| to.meets(&dataset.location)) {
        let (path, location) = (to.as_str(), &dataset.location);
        let of = &dataset.id;
        problems.add(
            place,
            format!(
                "path {path:?} lies in {location:?}, the location of dataset \"{of}\" in {file}; choose another folder"
            ),
        );
    }
    if let Some(other) = around.claim_output(to, "export", job) {
        problems.add(place, format!("job \"{other}\" exports to {:?}, too; choose another folder", to.as_str()));
    }
}

fn shape(raw: &RawExport, problems: &mut Problems) -> ExportShape {
    let before = problems.len();
    let RawExportOptions { guard, timezone: zone, int64 } =
        raw.options.as_ref().map_or_else(Default::default, Clone::clone);
    let split = raw.split.as_ref();
    let bytes = split.and_then(|split| split.bytes.as_ref());
    let shape = ExportShape {
        compression: raw.compression,
        split_rows: split.and_then(|split| split.rows),
        split_bytes: bytes.and_then(|bytes| problems.keep(bytes.place, byte_size(&bytes.value))),
        bundle: raw.bundle.is_some(),
        guard: guard == Some(Switch::On),
        strict: raw.strict.unwrap_or(false),
        timezone: zone.and_then(|zone| problems.keep(zone.place, timezone(&zone.value))),
        int64_as_text: int64 == Some(Int64::String),
        ..ExportShape::new(raw.format.value)
    };
    if problems.len() == before {
        problems.keep(raw.format.place, shape.check());
    }
    shape
}

fn rows(raw: RawExport, around: &Surroundings, problems: &mut Problems) -> Option<ExportRows> {
    let (dataset, sql) = match (raw.dataset, raw.sql) {
        (Some(dataset), None) => (dataset, None),
        (None, Some(sql)) => {
            let only_of_datasets = raw.columns.is_some() || raw.filter.is_some() || raw.order_by.is_some();
            if only_of_datasets {
                problems.add(sql.place, "columns, filter and order_by are for a dataset; write them into sql");
            }
            return Some(ExportRows::Sql(filled("sql", sql, problems)));
        }
        (Some(dataset), Some(_)) => (dataset, Some(())),
        (None, None) => {
            problems.add(raw.job.place, "export has neither dataset nor sql; add for example dataset: audit");
            return None;
        }
    };
    if sql.is_some() {
        problems.add(dataset.place, "export has both dataset and sql; keep one");
    }
    if let Some(sentence) = around.dataset_names.lacks(&dataset.value) {
        problems.add(dataset.place, format!("dataset {:?} does not exist; {sentence}", dataset.value));
    }
    Some(ExportRows::Dataset {
        dataset: dataset.value,
        columns: raw.columns.map(|listed| columns(listed, problems)).unwrap_or_default(),
        filter: raw.filter.map(|filter| filled("filter", filter, problems)),
        order_by: raw.order_by.into_iter().flatten().map(|name| filled("order_by", name, problems)).collect(),
    })
}

fn columns(listed: At<Vec<At<RawExportColumn>>>, problems: &mut Problems) -> Vec<ExportColumn> {
    if listed.value.is_empty() {
        problems.add(listed.place, "columns is empty; list columns, or leave it out for all of them");
    }
    let mut columns: Vec<ExportColumn> = Vec::new();
    for At { value, place } in listed.value {
        let column = match value {
            RawExportColumn::Name(name) => ExportColumn { from: ColumnSource::Column(name.clone()), name },
            RawExportColumn::Expr(given) => ExportColumn { name: given.name, from: ColumnSource::Expr(given.expr) },
        };
        let is_blank = match &column.from {
            ColumnSource::Column(from) | ColumnSource::Expr(from) => from.trim().is_empty(),
        };
        if is_blank || column.name.trim().is_empty() {
            problems
                .add(place, "a column is empty; write its name, or {name: hour, expr: \"date_trunc('hour', time)\"}");
        } else if columns.iter().any(|other| other.name == column.name) {
            problems.add(place, format!("column \"{}\" stands here twice; rename one", column.name));
        } else {
            columns.push(column);
        }
    }
    columns
}
