//! `jobs/*.yaml` of kind `export`: rows of an interval as files.

use super::checked::JobKind;
use super::csv_style::CsvStyle;
use super::duration;
use super::export::{
    ColumnSource, ExportColumn, ExportCompression, ExportFormat, ExportRows, ExportShape, ExportSpec, byte_size,
};
use super::framework::filled;
use super::job::purpose;
use super::lake::timezone;
use super::path_template::PathTemplate;
use super::problem::{Place, Problems};
use super::raw::{Int64, RawExport, RawExportColumn, RawExportOptions, RawSplit, Switch, Zip};
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::id::JobId;

pub(super) fn build(raw: RawExport, around: &mut Surroundings, problems: &mut Problems) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let window_seconds = duration::given_seconds("window", raw.window, problems);
    let form = Form {
        format: raw.format,
        options: raw.options,
        compression: raw.compression,
        split: raw.split,
        bundle: raw.bundle,
        strict: raw.strict,
    };
    let shape = form.shape(problems);
    let to = problems.keep(raw.to.place, PathTemplate::parse(&raw.to.value, &id));
    if let Some(to) = &to {
        claim(to, raw.to.place, &id, around, problems);
    }
    let principal = raw.principal.map(|principal| {
        if let Some(sentence) = around.principal_names.lacks(&principal.value) {
            let name = &principal.value;
            problems.add(principal.place, format!("principal {name:?} does not exist in access.yaml; {sentence}"));
        }
        principal.value
    });
    let selection = Selection {
        dataset: raw.dataset,
        sql: raw.sql,
        columns: raw.columns,
        filter: raw.filter,
        order_by: raw.order_by,
        place: raw.job.place,
    };
    let purpose = purpose(raw.purpose, problems);
    let rows = selection.rows(problems, |dataset| around.dataset_names.lacks(dataset));
    let spec = ExportSpec { window_seconds, rows: rows?, shape, to: to?, principal, purpose };
    (problems.len() == before).then_some((id, JobKind::Export(spec)))
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

/// How rows are written, as jobs and requests say it.
pub(super) struct Form {
    pub(super) format: At<ExportFormat>,
    pub(super) options: Option<RawExportOptions>,
    pub(super) compression: Option<ExportCompression>,
    pub(super) split: Option<RawSplit>,
    pub(super) bundle: Option<Zip>,
    pub(super) strict: Option<bool>,
}

impl Form {
    pub(super) fn shape(self, problems: &mut Problems) -> ExportShape {
        let before = problems.len();
        let RawExportOptions { guard, timezone: zone, int64, delimiter, line_end, null_text, bom } =
            self.options.unwrap_or_default();
        let split = self.split.as_ref();
        let bytes = split.and_then(|split| split.bytes.as_ref());
        let shape = ExportShape {
            compression: self.compression,
            split_rows: split.and_then(|split| split.rows),
            split_bytes: bytes.and_then(|bytes| problems.keep(bytes.place, byte_size(&bytes.value))),
            bundle: self.bundle.is_some(),
            guard: guard == Some(Switch::On),
            strict: self.strict.unwrap_or(false),
            timezone: zone.and_then(|zone| problems.keep(zone.place, timezone(&zone.value))),
            int64_as_text: int64 == Some(Int64::String),
            csv: CsvStyle {
                delimiter: delimiter.unwrap_or_default(),
                line_end: line_end.unwrap_or_default(),
                null: null_text.unwrap_or_default(),
                bom: bom.unwrap_or(false),
            },
            ..ExportShape::new(self.format.value)
        };
        if problems.len() == before {
            problems.keep(self.format.place, shape.check());
        }
        shape
    }
}

/// Which rows, as jobs and requests say it.
pub(super) struct Selection {
    pub(super) dataset: Option<At<String>>,
    pub(super) sql: Option<At<String>>,
    pub(super) columns: Option<At<Vec<At<RawExportColumn>>>>,
    pub(super) filter: Option<At<String>>,
    pub(super) order_by: Option<Vec<At<String>>>,
    /// Where to say that nothing is selected.
    pub(super) place: Place,
}

impl Selection {
    /// The rows; `lacks` says of a dataset that is not there what to do.
    pub(super) fn rows(self, problems: &mut Problems, lacks: impl Fn(&str) -> Option<String>) -> Option<ExportRows> {
        let (dataset, is_both) = match (self.dataset, self.sql) {
            (Some(dataset), sql) => (dataset, sql.is_some()),
            (None, Some(sql)) => {
                let only_of_datasets = self.columns.is_some() || self.filter.is_some() || self.order_by.is_some();
                if only_of_datasets {
                    problems.add(sql.place, "columns, filter and order_by are for a dataset; write them into sql");
                }
                return Some(ExportRows::Sql(filled("sql", sql, problems)));
            }
            (None, None) => {
                problems.add(self.place, "export has neither dataset nor sql; add for example dataset: audit");
                return None;
            }
        };
        if is_both {
            problems.add(dataset.place, "export has both dataset and sql; keep one");
        }
        if let Some(sentence) = lacks(&dataset.value) {
            problems.add(dataset.place, format!("dataset {:?} does not exist; {sentence}", dataset.value));
        }
        Some(ExportRows::Dataset {
            dataset: dataset.value,
            columns: self.columns.map(|listed| columns(listed, problems)).unwrap_or_default(),
            filter: self.filter.map(|filter| filled("filter", filter, problems)),
            order_by: self.order_by.into_iter().flatten().map(|name| filled("order_by", name, problems)).collect(),
        })
    }
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
