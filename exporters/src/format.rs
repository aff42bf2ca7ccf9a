//! What rows are exported as, and how.

use chrono_tz::Tz;
use schemas::{CsvStyle, ExportShape};
pub use schemas::{ExportCompression as Compression, ExportFormat as Format};

/// Where a part ends: at the first limit met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Rows of a part.
    pub rows: u64,
    /// Bytes of a part before compression; passed by one chunk of rows at most. A workbook does not look at it.
    pub bytes: u64,
}

impl Default for Split {
    /// No limit of rows, and 64 GiB, which keeps an upload in pieces of 10 MiB below 10,000 of them.
    fn default() -> Self {
        Self { rows: u64::MAX, bytes: 64 << 30 }
    }
}

/// How rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportOptions {
    /// The format.
    pub format: Format,
    /// How text is compressed.
    pub compression: Option<Compression>,
    /// Where a part ends.
    pub split: Split,
    /// Whether texts that a spreadsheet could take for formulas get a `'` in front; of CSV only.
    pub guard: bool,
    /// The zone in which timestamps with a zone stand, in text and in workbooks; UTC if there is none.
    pub timezone: Option<Tz>,
    /// Whether JSON has whole numbers of 64 bits as texts, for readers that would round them.
    pub int64_as_text: bool,
    /// How CSV is written.
    pub csv: CsvStyle,
    /// Whether a cell that cannot be read back fails the export.
    pub strict: bool,
    /// What stands in a workbook's sheet `about`, by name; a workbook without any has no such sheet.
    pub about: Vec<(String, String)>,
    /// When the rows were asked for, in seconds since 1970: the time of creation of a workbook.
    pub created: i64,
    /// Subject columns, which get bloom filters in Parquet.
    pub subjects: Vec<String>,
}

impl ExportOptions {
    /// One part of this format, as it is.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            compression: None,
            split: Split::default(),
            guard: false,
            timezone: None,
            int64_as_text: false,
            csv: CsvStyle::default(),
            strict: false,
            about: Vec::new(),
            created: 0,
            subjects: Vec::new(),
        }
    }

    /// As a definition or a command line asks for it.
    pub fn of(shape: &ExportShape) -> Self {
        let Split { rows, bytes } = Split::default();
        Self {
            compression: shape.compression,
            split: Split { rows: shape.split_rows.unwrap_or(rows), bytes: shape.split_bytes.unwrap_or(bytes) },
            guard: shape.guard,
            strict: shape.strict,
            timezone: shape.timezone,
            int64_as_text: shape.int64_as_text,
            csv: shape.csv.clone(),
            ..Self::new(shape.format)
        }
    }

    /// Name of the part of this number, from 1.
    pub fn part_name(&self, number: u64) -> String {
        format!("part-{number:05}.{}", self.ending())
    }

    /// Ending of the files, without the first point.
    pub fn ending(&self) -> String {
        format!("{}{}", self.format, self.compression.map_or("", Compression::ending))
    }
}
