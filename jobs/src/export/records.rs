//! What is written beside the parts: what was asked for, a receipt per part, and at the end the manifest.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use exporters::{CutCell, ExportOptions, Format, Part, exporter};
use schemas::Interval;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What was asked for; equal ones give equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The program that began it: another one may write other bytes.
    pub(crate) version: String,
    /// What `now()` is.
    pub(crate) instant: DateTime<Utc>,
    /// The interval of a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) interval: Option<Interval>,
    /// SHA-256 of the statement.
    pub(crate) query_sha256: String,
    /// SHA-256 of everything else that decides the bytes.
    pub(crate) options_sha256: String,
    pub(crate) order: String,
    pub(crate) inputs: Inputs,
    /// The principal whose views the rows went through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen_by: Option<SeenBy>,
    /// Of the references of persons whose rows are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) left_out_sha256: Option<String>,
}

/// Whose views rows went through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenBy {
    pub(crate) principal: String,
    /// Of the `access.yaml` that said so.
    pub(crate) access_sha256: String,
}

/// The files that were read, or could have been.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Of the list's paths and ETags.
    pub(crate) sha256: String,
    pub(crate) list: Vec<Input>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Input {
    pub(crate) dataset: String,
    pub(crate) path: String,
    pub(crate) etag: String,
    pub(crate) bytes: u64,
}

impl Inputs {
    /// The files of whoever may see every file.
    pub(crate) fn new(list: Vec<Input>) -> Self {
        let sha256 = engine::hex(&Sha256::digest(lines(&list)));
        let bytes = list.iter().map(|input| input.bytes).sum();
        Self { files: list.len() as u64, bytes, sha256, list }
    }

    /// The same for a principal, to whom files would tell of rows that it must not see: they are known again by whoever
    /// has the key, and that is all.
    pub(crate) fn hidden(list: &[Input], key: &[u8; 32]) -> Self {
        Self { sha256: crate::access::keyed(key, &lines(list)), ..Self::default() }
    }
}

fn lines(list: &[Input]) -> String {
    list.iter().map(|input| format!("{}\n{}\n{}\n", input.dataset, input.path, input.etag)).collect()
}

impl Start {
    /// What makes another export of this one, for people.
    pub(crate) fn difference(&self, other: &Self) -> &'static str {
        if self.version != other.version {
            "another version of auditlake began it"
        } else if (self.instant, self.interval) != (other.instant, other.interval) {
            "it is of another instant"
        } else if self.seen_by != other.seen_by {
            "it is of another principal, or access.yaml has changed since"
        } else if self.left_out_sha256 != other.left_out_sha256 {
            "rows of other persons are left out"
        } else if self.query_sha256 != other.query_sha256 {
            "it asks for other rows"
        } else if self.options_sha256 != other.options_sha256 || self.order != other.order {
            "it has another format or other options"
        } else {
            "the files it reads have changed since"
        }
    }
}

/// What is known of a finished part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// Where it lies, seen from the manifest.
    pub(crate) path: String,
    pub(crate) part: Part,
    pub(crate) etag: Option<String>,
}

/// A whole export. It exists only when every part does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) manifest: u32,
    pub(crate) auditlake: String,
    /// The run that made it, where a job did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<RunOf>,
    /// The request that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<RequestOf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) interval: Option<Interval>,
    pub(crate) instant: DateTime<Utc>,
    pub(crate) query_sha256: String,
    pub(crate) order: String,
    /// Not of a principal's export: its files hold rows that the principal must not see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) inputs: Option<Inputs>,
    /// The principal whose views the rows went through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen_by: Option<SeenBy>,
    pub(crate) schema: Vec<Column>,
    pub(crate) format: FormatUsed,
    /// A file that belongs to the parts, such as a schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) beside: Option<Beside>,
    pub(crate) parts: Vec<ManifestPart>,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) cells: Cells,
    pub(crate) resumed_parts: u64,
    pub(crate) complete: bool,
}

/// A run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunOf {
    pub(crate) job: String,
    pub(crate) instant: DateTime<Utc>,
    pub(crate) attempt: u64,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestOf {
    pub(crate) id: String,
    pub(crate) principal: String,
    /// From when on the answer may be gone.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// A column, as it came and as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) arrow: String,
    pub(crate) written_as: String,
}

/// The format, and what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormatUsed {
    pub(crate) name: String,
    /// The archive that holds the parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bundle: Option<String>,
    pub(crate) compression: Option<String>,
    pub(crate) guard: bool,
    pub(crate) strict: bool,
    /// Of timestamps that have one.
    pub(crate) timezone: String,
    pub(crate) int64: String,
    /// How the file is written, of CSV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) csv: Option<CsvUsed>,
}

/// The shape of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CsvUsed {
    pub(crate) delimiter: String,
    pub(crate) line_end: String,
    pub(crate) null: String,
    pub(crate) bom: bool,
}

impl CsvUsed {
    fn of(options: &ExportOptions) -> Option<Self> {
        let style = (options.format == Format::Csv).then_some(&options.csv)?;
        Some(Self {
            delimiter: style.delimiter.as_str().to_owned(),
            line_end: style.line_end.as_str().to_owned(),
            null: style.null.clone(),
            bom: style.bom,
        })
    }
}

/// A file beside the parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Beside {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// A part, beside the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestPart {
    pub(crate) path: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) content_sha256: String,
}

impl ManifestPart {
    /// A part at its path.
    pub(crate) fn of(part: &Part, path: String) -> Self {
        let Part { rows, bytes, sha256, content_sha256, .. } = part.clone();
        Self { path, rows, bytes, sha256, content_sha256 }
    }
}

/// Cells that no reader gets back as they were: by what was done, by column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cells {
    /// The first cells that were cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) positions: Vec<CutCell>,
    #[serde(flatten)]
    pub(crate) counts: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Cells whose places are told.
const POSITIONS: usize = 100;

impl Cells {
    pub(crate) fn of(parts: &[Part]) -> Self {
        let mut cells = Self::default();
        for part in parts {
            for (loss, columns) in &part.cells {
                let sums = cells.counts.entry(loss.clone()).or_default();
                for (column, count) in columns {
                    *sums.entry(column.clone()).or_default() += count;
                }
            }
            cells.positions.extend(part.cut.iter().cloned());
        }
        cells.positions.truncate(POSITIONS);
        cells
    }
}

impl Manifest {
    /// Without parts.
    pub(crate) fn new(start: &Start, schema: &SchemaRef, options: &ExportOptions) -> Self {
        let exporter = exporter(options.format);
        let column = |field: &arrow::datatypes::FieldRef| Column {
            name: field.name().clone(),
            arrow: field.data_type().to_string(),
            written_as: exporter.written_as(field),
        };
        Self {
            manifest: 1,
            auditlake: start.version.clone(),
            run: None,
            request: None,
            interval: start.interval,
            instant: start.instant,
            query_sha256: start.query_sha256.clone(),
            order: start.order.clone(),
            inputs: start.seen_by.is_none().then(|| start.inputs.clone()),
            seen_by: start.seen_by.clone(),
            schema: schema.fields().iter().map(column).collect(),
            format: FormatUsed {
                name: options.format.to_string(),
                bundle: None,
                compression: options.compression.map(|compression| compression.as_str().to_owned()),
                guard: options.guard,
                strict: options.strict,
                timezone: options.timezone.map_or_else(|| "UTC".to_owned(), |zone| zone.to_string()),
                int64: if options.int64_as_text { "string" } else { "number" }.to_owned(),
                csv: CsvUsed::of(options),
            },
            beside: None,
            parts: Vec::new(),
            rows: 0,
            bytes: 0,
            cells: Cells::default(),
            resumed_parts: 0,
            complete: true,
        }
    }

    /// The attempt whose parts it has.
    pub(crate) fn attempt(&self) -> u64 {
        let folder = self.parts.first().and_then(|part| part.path.strip_prefix('e')?.split('/').next());
        folder.and_then(|number| number.parse().ok()).unwrap_or(1)
    }

    /// Takes the sums of the parts.
    pub(crate) fn count(&mut self, parts: &[Part]) {
        self.rows = parts.iter().map(|part| part.rows).sum();
        self.bytes = parts.iter().map(|part| part.bytes).sum();
        self.cells = Cells::of(parts);
    }
}

/// SHA-256 in hex.
pub(crate) fn sha256(text: &str) -> String {
    sha256_of(text.as_bytes())
}

/// SHA-256 of bytes, in hex.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    engine::hex(&Sha256::digest(bytes))
}
