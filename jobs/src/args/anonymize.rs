//! Arguments of `anonymize`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which copy is made.
#[derive(Debug, Args)]
pub struct AnonymizeArgs {
    /// Look at a file
    #[command(subcommand)]
    pub command: Option<AnonymizeCommand>,
    /// The policy of the copy
    #[arg(required = true)]
    pub policy: Option<String>,
    /// Say what the copy would measure; nothing is written
    #[arg(long)]
    pub dry_run: bool,
    /// Make the copy of this instant anew, for example because late records came
    #[arg(long, conflicts_with = "dry_run")]
    pub again: bool,
    /// Who makes it: a principal of access.yaml
    #[arg(long = "as", value_name = "PRINCIPAL")]
    pub principal: Option<String>,
}

/// Looking at files.
#[derive(Debug, Subcommand)]
pub enum AnonymizeCommand {
    /// Measure a CSV or Parquet file: k, l and t of its rows
    #[command(after_help = "Examples:
  auditlake anonymize check study.csv --quasi age,postcode --sensitive diagnosis
  auditlake anonymize check study.parquet --quasi age,postcode --fail-on k=5

Exits with 3 when a figure of --fail-on is missed.")]
    Check(CopyCheckArgs),
}

/// What is measured.
#[derive(Debug, Args)]
pub struct CopyCheckArgs {
    /// The file
    pub file: PathBuf,
    /// Columns that together may tell a person
    #[arg(long, required = true, value_delimiter = ',', value_name = "COLUMN")]
    pub quasi: Vec<String>,
    /// Columns that are not to be learned of a person
    #[arg(long, value_delimiter = ',', value_name = "COLUMN")]
    pub sensitive: Vec<String>,
    /// Exit with 3 when one of these figures is missed: k=5, l=2, entropy_l=1.5, t=0.2
    #[arg(long, value_delimiter = ',', value_name = "FIGURE")]
    pub fail_on: Vec<String>,
}
