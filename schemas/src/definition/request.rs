//! A request for an export, as somebody drops it onto object storage. Whoever writes it may be a stranger: the file is
//! small, flat and plain, or it is refused before anything else looks at it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;
use super::export::{ColumnSource, ExportCompression, ExportFormat, ExportRows, ExportShape};
use super::export_job::{Form, Selection};
use super::folder::SourceFile;
use super::problem::{DefinitionError, Place, Problems};
use super::raw::{RawExportColumn, RawExportOptions, RawSplit, Zip};
use super::yaml::{self, At, Bounds};
use super::{nearest::nearest, raw_of};
use crate::access::{Limit, Principal};

/// Bytes that a request may have.
pub const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Seconds that an answer is kept if the request does not say.
const EXPIRY_SECONDS: u64 = 7 * 86_400;
/// Letters of an id.
const ID_MAX: usize = 100;

/// A request, as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Request", deny_unknown_fields)]
pub(super) struct RawRequest {
    /// 1, the version of this form
    #[schemars(range(min = 1, max = 1))]
    #[serde(rename = "request")]
    _request: u32,
    /// any text; another one asks the same question anew
    id: Option<At<String>>,
    /// dataset whose rows are exported; this or sql
    dataset: Option<At<String>>,
    /// a SELECT whose rows are exported
    sql: Option<At<String>>,
    /// columns in order, for example [event_id, {name: hour, expr: "date_trunc('hour', time)"}]; all when left out
    columns: Option<At<Vec<At<RawExportColumn>>>>,
    /// only rows for which this expression is true, for example time >= '2026-03-01'
    filter: Option<At<String>>,
    /// columns that the rows are sorted by, for example [time, event_id]
    order_by: Option<Vec<At<String>>>,
    /// csv, json, ndjson, xlsx, parquet, xml, yaml or arrow
    format: At<ExportFormat>,
    /// what the format leaves open, for example {guard: off}; guard is on when left out
    options: Option<RawExportOptions>,
    /// gzip or zstd, for text
    compression: Option<ExportCompression>,
    /// where a part ends, for example {rows: 1000000}
    split: Option<RawSplit>,
    /// zip: every part in one archive
    bundle: Option<Zip>,
    /// whether a cell that is lost for good fails the export; false when left out
    strict: Option<bool>,
    /// how long the answer is kept, for example 7d
    expires_in: Option<At<String>>,
    /// exports: the one place where answers lie
    #[serde(rename = "deliver_to")]
    _deliver_to: Option<DeliverTo>,
}

/// Where answers go.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DeliverTo {
    Exports,
}

/// A request, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// The rows.
    pub rows: ExportRows,
    /// How they are written.
    pub shape: ExportShape,
    /// Seconds that the answer is kept.
    pub expires_seconds: u64,
    /// Columns of the dataset that it names, with their places.
    pub named: Vec<NamedColumn>,
}

/// A column that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedColumn {
    /// Its name.
    pub name: String,
    /// Line of the request, from 1.
    pub line: u32,
    /// Column of the request, from 1.
    pub column: u32,
}

/// One thing that is wrong with a request, as its sender reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestError {
    /// Line, from 1; none where the request as a whole is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl RequestError {
    /// Of the request as a whole: a sentence whose second half, behind a semicolon, says what would be right.
    pub fn whole(message: &str) -> Self {
        Self::at(None, None, message)
    }

    fn at(line: Option<u32>, column: Option<u32>, message: &str) -> Self {
        let (what, fix) = match message.split_once("; ") {
            Some((what, fix)) => (what.to_owned(), Some(fix.to_owned())),
            None => (message.to_owned(), None),
        };
        Self { line, column, what, fix }
    }
}

impl From<&DefinitionError> for RequestError {
    fn from(error: &DefinitionError) -> Self {
        Self::at(Some(error.line), Some(error.column), &error.message)
    }
}

/// Reads and checks a request of `principal`; what it may not see is told as not being there.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_request(file: &SourceFile, principal: &Principal) -> Result<ExportRequest, Vec<DefinitionError>> {
    let mut problems = Problems::of(&file.path);
    let built = problems
        .keep_placed(yaml::tree_within(&file.text, &Bounds::REQUEST))
        .and_then(|node| raw_of::<RawRequest>("request", file, &node, &mut problems))
        .and_then(|raw| build(raw, principal, &mut problems));
    problems.into_result(built)
}

/// Says which of the columns that a request names are not among `known`, each in its place.
pub fn unknown_columns(path: &str, request: &ExportRequest, known: &[&str]) -> Vec<DefinitionError> {
    let mut problems = Problems::of(path);
    let ExportRows::Dataset { dataset, columns, .. } = &request.rows else { return Vec::new() };
    let made =
        |name: &str| columns.iter().any(|column| column.name == name && matches!(column.from, ColumnSource::Expr(_)));
    for named in request.named.iter().filter(|named| !known.contains(&named.name.as_str()) && !made(&named.name)) {
        let near = nearest(&named.name, known.iter().copied());
        let offer =
            near.map_or_else(|| format!("there are: {}", known.join(", ")), |near| format!("did you mean \"{near}\"?"));
        let place = Place { line: named.line, column: named.column };
        problems.add(place, format!("dataset \"{dataset}\" has no column {:?}; {offer}", named.name));
    }
    problems.into_errors()
}

fn build(raw: RawRequest, principal: &Principal, problems: &mut Problems) -> Option<ExportRequest> {
    let before = problems.len();
    if let Some(id) = raw.id.as_ref().filter(|id| id.value.chars().count() > ID_MAX) {
        problems.add(id.place, format!("id has more than {ID_MAX} letters; write a shorter one"));
    }
    let expires = raw.expires_in.as_ref().and_then(|given| {
        let seconds = problems.keep(given.place, duration::seconds("expires_in", &given.value))?;
        let allowed = principal.limits.of(Limit::ExpirySeconds);
        if seconds > allowed {
            let days = allowed / 86_400;
            problems.add(
                given.place,
                format!("expires_in {:?} is longer than you may have; write at most {days}d", given.value),
            );
        }
        Some(seconds)
    });
    let guards =
        raw.options.as_ref().and_then(|options| options.guard).is_none() && raw.format.value == ExportFormat::Csv;
    let form = Form {
        format: raw.format,
        options: raw.options,
        compression: raw.compression,
        split: raw.split,
        bundle: raw.bundle,
        strict: raw.strict,
    };
    let mut shape = form.shape(problems);
    shape.guard |= guards;
    let named = named(raw.columns.as_ref(), raw.order_by.as_deref());
    let selection = Selection {
        dataset: raw.dataset,
        sql: raw.sql,
        columns: raw.columns,
        filter: raw.filter,
        order_by: raw.order_by,
        place: Place::START,
    };
    let rows = selection.rows(problems, |dataset| {
        if principal.datasets.contains_key(dataset) {
            return None;
        }
        let known = || principal.datasets.keys().map(String::as_str);
        Some(match nearest(dataset, known()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if principal.datasets.is_empty() => "you see none; ask whoever keeps access.yaml".to_owned(),
            None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
        })
    });
    let expires_seconds = expires.unwrap_or_else(|| EXPIRY_SECONDS.min(principal.limits.of(Limit::ExpirySeconds)));
    let request = ExportRequest { rows: rows?, shape, expires_seconds, named };
    (problems.len() == before).then_some(request)
}

fn named(columns: Option<&At<Vec<At<RawExportColumn>>>>, order_by: Option<&[At<String>]>) -> Vec<NamedColumn> {
    let of = |name: &str, place: Place| NamedColumn { name: name.to_owned(), line: place.line, column: place.column };
    let listed = columns.into_iter().flat_map(|columns| &columns.value).filter_map(|column| match &column.value {
        RawExportColumn::Name(name) => Some(of(name, column.place)),
        RawExportColumn::Expr(_) => None,
    });
    let sorted = order_by.into_iter().flatten().map(|given| {
        let name = given.value.trim();
        let name = name.rsplit_once(' ').filter(|(_, word)| matches!(word.to_lowercase().as_str(), "asc" | "desc"));
        of(name.map_or(given.value.trim(), |(name, _)| name.trim()), given.place)
    });
    listed.chain(sorted).collect()
}
