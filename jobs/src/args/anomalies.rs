//! Arguments of `anomalies`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::anomalies::{CoolDown, DetectorName};

/// What is unusual.
#[derive(Debug, Subcommand)]
pub enum AnomaliesCommand {
    /// Score each value of a series by those before it: a CSV file with the columns timestamp and value
    #[command(after_help = "Examples:
  auditlake anomalies score logins.csv > scores.csv
  auditlake anomalies score logins.csv --detector poisson --alerts
  auditlake sql \"SELECT minute AS timestamp, total AS value FROM request_1m ORDER BY minute\" --format csv | auditlake anomalies score -

Prints timestamp,value,anomaly_score. With --alerts a line for each value above the threshold and not within the cool-down
of a score as high, with what was expected.")]
    Score(ScoreArgs),
}

/// Which series, and how it is scored.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// The file, also with .gz at its end; - is standard input
    pub file: PathBuf,
    /// How values are scored
    #[arg(long, value_enum, default_value_t = DetectorName::Surprise, value_name = "NAME")]
    pub detector: DetectorName,
    /// Column with the instants: RFC 3339, or 2026-02-10 09:30:00 in UTC
    #[arg(long, default_value = "timestamp", value_name = "COLUMN")]
    pub time_column: String,
    /// Column with the values
    #[arg(long, default_value = "value", value_name = "COLUMN")]
    pub value_column: String,
    /// Score the logarithm of one more than each value, for volumes that differ by orders of magnitude
    #[arg(long)]
    pub log1p: bool,
    /// Scores that are not above every score of this time before are told as 0: 12h, or a number of values; with --alerts 12h
    /// if not given
    #[arg(long, value_name = "LENGTH", value_parser = CoolDown::parse)]
    pub cool_down: Option<CoolDown>,
    /// The score above which a value raises an alert; the detector's own if not given
    #[arg(long, requires = "alerts", value_name = "SCORE")]
    pub threshold: Option<f64>,
    /// Show alerts alone, each with what was expected
    #[arg(long)]
    pub alerts: bool,
}
