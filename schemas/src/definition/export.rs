//! What an export asks for, checked.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::csv_style::CsvStyle;
use super::path_template::PathTemplate;
use crate::id::Purpose;

/// The formats of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// RFC 4180, null and `""` apart.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// A workbook.
    Xlsx,
    /// Parquet.
    Parquet,
    /// XML with a schema beside it.
    Xml,
    /// A sequence of flow maps.
    Yaml,
    /// The file format of Arrow IPC.
    Arrow,
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 8] =
        [Self::Csv, Self::Json, Self::Ndjson, Self::Xlsx, Self::Parquet, Self::Xml, Self::Yaml, Self::Arrow];

    /// Its word, which is also the ending of its files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
            Self::Xml => "xml",
            Self::Yaml => "yaml",
            Self::Arrow => "arrow",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// Whether its files are text, which can be compressed; the others compress by themselves.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Json | Self::Ndjson | Self::Xml | Self::Yaml)
    }

    /// Whether it holds times as a reader sees them, so that they can stand in a zone.
    pub fn has_zones(self) -> bool {
        self.is_text() || self == Self::Xlsx
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How text is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportCompression {
    /// RFC 1952, level 6, without name and time.
    Gzip,
    /// RFC 8878, level 3, with a checksum.
    Zstd,
}

impl ExportCompression {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Gzip, Self::Zstd].into_iter().find(|compression| compression.as_str() == word)
    }

    /// What it adds to the name of a file.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

/// The rows of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportRows {
    /// Rows of one dataset.
    Dataset {
        /// Its name.
        dataset: String,
        /// Columns in order; all of them when there are none.
        columns: Vec<ExportColumn>,
        /// An expression over one row.
        filter: Option<String>,
        /// Columns that the rows are sorted by.
        order_by: Vec<String>,
    },
    /// One reading statement.
    Sql(String),
}

/// A column of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportColumn {
    /// Its name in the file.
    pub name: String,
    /// Where its values come from.
    pub from: ColumnSource,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnSource {
    /// A column of the dataset.
    Column(String),
    /// An SQL expression over one row.
    Expr(String),
}

/// How the rows of an export are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportShape {
    /// The format.
    pub format: ExportFormat,
    /// How text is compressed.
    pub compression: Option<ExportCompression>,
    /// Rows of a part.
    pub split_rows: Option<u64>,
    /// Bytes of a part before compression.
    pub split_bytes: Option<u64>,
    /// Whether the parts go into one ZIP archive.
    pub bundle: bool,
    /// Whether texts of CSV that look like formulas are guarded.
    pub guard: bool,
    /// Whether a cell that is lost for good fails the export.
    pub strict: bool,
    /// The zone of timestamps that have one; UTC if there is none.
    pub timezone: Option<chrono_tz::Tz>,
    /// Whether JSON has whole numbers of 64 bits as texts.
    pub int64_as_text: bool,
    /// How CSV is written.
    pub csv: CsvStyle,
}

impl ExportShape {
    /// One format, as it is.
    pub fn new(format: ExportFormat) -> Self {
        Self {
            format,
            compression: None,
            split_rows: None,
            split_bytes: None,
            bundle: false,
            guard: false,
            strict: false,
            timezone: None,
            int64_as_text: false,
            csv: CsvStyle::default(),
        }
    }

    /// Refuses what the format has no use for.
    ///
    /// # Errors
    /// A sentence that begins with the key, as a definition names it.
    pub fn check(&self) -> Result<(), String> {
        let Self { format, .. } = self;
        if let Some(compression) = self.compression.filter(|_| !format.is_text()) {
            let word = compression.as_str();
            return Err(format!("compression {word} is not for {format}, which compresses by itself; leave it out"));
        }
        if self.guard && *format != ExportFormat::Csv {
            return Err(format!("guard is for csv; a text of {format} is never a formula, so leave it out"));
        }
        if self.csv != CsvStyle::default() && *format != ExportFormat::Csv {
            return Err(format!("delimiter, line_end, null_text and bom are for csv; leave them out for {format}"));
        }
        self.csv.check()?;
        if self.timezone.is_some() && !format.has_zones() {
            return Err(format!("timezone is not for {format}, whose readers know instants; leave it out"));
        }
        if self.int64_as_text && !matches!(format, ExportFormat::Json | ExportFormat::Ndjson) {
            return Err(format!("int64 is for json and ndjson; {format} keeps all digits, so leave it out"));
        }
        if self.split_bytes.is_some() && *format == ExportFormat::Xlsx {
            return Err("split by bytes is not for xlsx, whose bytes are known at its end; split by rows".to_owned());
        }
        Ok(())
    }
}

/// What a job of kind `export` writes, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSpec {
    /// Length of the interval, up to its end; the run's own interval where there is none.
    pub window_seconds: Option<u64>,
    /// The rows; `$start` and `$end` are the bounds of the interval.
    pub rows: ExportRows,
    /// How they are written.
    pub shape: ExportShape,
    /// Folder in the store.
    pub to: PathTemplate,
    /// Whose views the rows go through.
    pub principal: Option<String>,
    /// What the rows are used for: those of persons who object to it are left out. None leaves nobody out.
    pub purpose: Option<Purpose>,
}

/// Bytes of a size such as `100MiB`, or of a number.
///
/// # Errors
/// A sentence that says what would be one.
pub fn byte_size(text: &str) -> Result<u64, String> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];
    let bytes = units.iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(1 << shift)
    });
    match bytes {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => Err(format!("{text:?} is no size; give a number of bytes, or KiB, MiB or GiB, for example 100MiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes() {
        assert_eq!(byte_size("100MiB"), Ok(100 << 20));
        assert_eq!(byte_size("2 GiB"), Ok(2 << 30));
        assert_eq!(byte_size("77"), Ok(77));
        for wrong in ["", "0", "1GB", "-1", "99999999999GiB", "MiB"] {
            assert!(byte_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_format_has_no_use_for_is_refused() {
        let refused = |format, set: fn(&mut ExportShape)| {
            let mut shape = ExportShape::new(format);
            set(&mut shape);
            shape.check().is_err()
        };
        for format in ExportFormat::ALL {
            assert!(!refused(format, |_| {}));
            assert_eq!(refused(format, |shape| shape.compression = Some(ExportCompression::Zstd)), !format.is_text());
            assert_eq!(refused(format, |shape| shape.guard = true), format != ExportFormat::Csv);
            assert_eq!(refused(format, |shape| shape.csv.bom = true), format != ExportFormat::Csv);
            assert_eq!(refused(format, |shape| shape.split_bytes = Some(1)), format == ExportFormat::Xlsx);
        }
        assert!(refused(ExportFormat::Parquet, |shape| shape.timezone = Some(chrono_tz::UTC)));
        assert!(refused(ExportFormat::Csv, |shape| shape.int64_as_text = true));
        assert!(refused(ExportFormat::Csv, |shape| shape.csv.null = "a,b".to_owned()));
    }
}
