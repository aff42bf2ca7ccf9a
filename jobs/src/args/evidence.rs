//! Arguments of `evidence` and `verify`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand};

/// The log that shows what was done.
#[derive(Debug, Subcommand)]
pub enum EvidenceCommand {
    /// How long the log is, what is signed of it, and how far each anchor is
    #[command(after_help = "Example: auditlake evidence status")]
    Status,
    /// Make a key that signs the log, and print the verifier key that belongs to it
    #[command(after_help = "Example: auditlake evidence keygen --origin acme.example/auditlake/acme --to keys/log.key")]
    Keygen {
        /// Whose log it signs, as policies/evidence.yaml says; that of the lake when left out
        #[arg(long)]
        origin: Option<String>,
        /// File for the key, which must be absent; the verifier key goes beside it, with .pub for its ending
        #[arg(long, default_value = "keys/log.key", value_name = "FILE")]
        to: PathBuf,
    },
    /// Log the files and runs that were there before the log began, or came from elsewhere; they count as adopted
    #[command(after_help = "Example: auditlake evidence adopt --dry-run")]
    Adopt {
        /// Say what would be logged, and leave it
        #[arg(long)]
        dry_run: bool,
    },
    /// Sign what nobody has signed yet, and bring the anchors what they lack
    #[command(after_help = "Example: auditlake evidence anchor")]
    Anchor,
    /// Print the entries of the log, one JSON object a line
    #[command(after_help = "Example: auditlake evidence entries --from 812")]
    Entries {
        /// Index of the first
        #[arg(long, default_value_t = 0, value_name = "INDEX")]
        from: u64,
    },
}

/// What is checked, and against what.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Files to check instead of everything: of a report, an export or a dataset, or a .tlog-proof
    pub files: Vec<PathBuf>,
    /// Verifier keys that are trusted, one a line; those of policies/evidence.yaml when left out
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere; the log must have grown from it
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Files of this dataset only
    #[arg(long, value_name = "NAME", conflicts_with = "files")]
    pub dataset: Option<String>,
    /// Files and runs of this day and later ones
    #[arg(long, value_name = "DATE", value_parser = schemas::parse_day, conflicts_with = "files")]
    pub from: Option<NaiveDate>,
    /// Files and runs of this day and earlier ones
    #[arg(long, value_name = "DATE", value_parser = schemas::parse_day, conflicts_with = "files")]
    pub to: Option<NaiveDate>,
    /// Per cent of the files whose SHA-256 is computed; of the others it is only checked that they are there
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub sample: u8,
    /// Ask no anchor: what only an anchor shows is told as not checked
    #[arg(long)]
    pub offline: bool,
}
