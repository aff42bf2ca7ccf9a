//! `auditlake export`.

use clap::{Args, Subcommand};
use schemas::Delimiter;

/// What to export, and how.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Look at what was exported
    #[command(subcommand)]
    pub command: Option<ExportCommand>,
    /// The dataset whose rows are exported
    #[arg(long, value_name = "NAME", conflicts_with = "sql")]
    pub dataset: Option<String>,
    /// A statement whose rows are exported
    #[arg(long, value_name = "SELECT")]
    pub sql: Option<String>,
    /// Columns in this order, each with the name it gets behind a colon; all of them if not given
    #[arg(long, value_delimiter = ',', value_name = "COLUMN[:NAME]", requires = "dataset")]
    pub columns: Vec<String>,
    /// Columns that the rows are sorted by, each with desc behind it if largest first
    #[arg(long, value_delimiter = ',', value_name = "COLUMN", requires = "dataset")]
    pub order_by: Vec<String>,
    /// Only rows for which this expression is true
    #[arg(long, value_name = "EXPRESSION", requires = "dataset")]
    pub filter: Option<String>,
    /// The format: csv, json, ndjson, xlsx, parquet, xml, yaml or arrow; if not given, that of the ending of --to
    #[arg(long)]
    pub format: Option<String>,
    /// Compress text
    #[arg(long, value_parser = ["gzip", "zstd"])]
    pub compress: Option<String>,
    /// Rows of a part
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub split_rows: Option<u64>,
    /// Bytes of a part before compression, for example 100MiB or 1GiB; at most 8,192 rows more
    #[arg(long, value_name = "SIZE", value_parser = schemas::byte_size)]
    pub split_bytes: Option<u64>,
    /// Put every part into one archive; as an ending of --to does
    #[arg(long, value_parser = ["zip"])]
    pub bundle: Option<String>,
    /// The zone in which timestamps with a zone stand, in text and workbooks; UTC if not given
    #[arg(long, value_name = "ZONE", value_parser = schemas::timezone)]
    pub timezone: Option<chrono_tz::Tz>,
    /// What whole numbers of 64 bits are in json; string for readers that would round them
    #[arg(long, value_parser = ["number", "string"])]
    pub int64: Option<String>,
    /// What stands between the fields of csv; comma if not given
    #[arg(long, value_parser = Delimiter::ALL.map(Delimiter::as_str))]
    pub delimiter: Option<String>,
    /// How records of csv end; crlf if not given
    #[arg(long, value_parser = ["crlf", "lf"])]
    pub line_end: Option<String>,
    /// What stands for null in csv; nothing if not given
    #[arg(long, value_name = "WORD")]
    pub null_text: Option<String>,
    /// Begin csv with the mark of byte order, by which spreadsheets know UTF-8
    #[arg(long)]
    pub bom: bool,
    /// Put a ' in front of texts that a spreadsheet would take for formulas; of csv
    #[arg(long)]
    pub guard: bool,
    /// Fail when a cell cannot be read back as it was
    #[arg(long)]
    pub strict: bool,
    /// Where to: a file, a folder that ends with /, the same in a bucket, or - for standard output
    #[arg(long, value_name = "PLACE", required = true)]
    pub to: Option<String>,
    /// Export what this principal of access.yaml sees
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub principal: Option<String>,
    /// Go on with an export that was interrupted, behind its last whole part
    #[arg(long)]
    pub resume: bool,
    /// Take the place of what is there
    #[arg(long, conflicts_with = "resume")]
    pub overwrite: bool,
}

/// Looking at exports.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Read every part of an export and compare it with its manifest; exits with 1 when one differs
    #[command(after_help = "Example: auditlake export verify exports/march/manifest.json")]
    Verify {
        /// The manifest: a file, or a URL of a bucket
        manifest: String,
    },
}
