//! Arguments of `anomalies`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

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
    /// Say whether a series grows or falls, how fast, and when it reaches a limit
    #[command(after_help = "Examples:
  auditlake anomalies trend storage.csv --limit 1000
  auditlake sql \"SELECT period_start AS timestamp, quantity AS value FROM usage ORDER BY 1\" --format csv | auditlake anomalies trend -

Least squares and the median of the slopes between values (Theil-Sen) must agree; else there is no trend.")]
    Trend(TrendArgs),
    /// List the alerts that jobs of kind anomalies raised, the newest first
    #[command(after_help = "Examples:
  auditlake anomalies list --state open
  auditlake anomalies list --tenant acme --output json")]
    List {
        /// Only alerts that stand like this
        #[arg(long, value_enum)]
        state: Option<AlertStateArg>,
        /// Only alerts of this tenant
        #[arg(long, value_name = "NAME")]
        tenant: Option<String>,
    },
    /// Show an alert: what was expected, what was seen, and what was done about it
    #[command(after_help = "Example: auditlake anomalies explain 0b4f7d5e-54f4-5a5e-9a3c-6f3f6f0a9d10")]
    Explain {
        /// Id of the alert, as anomalies list shows it
        alert: String,
    },
    /// Say that somebody looks after an alert
    #[command(
        after_help = "Example: auditlake anomalies acknowledge 0b4f7d5e-54f4-5a5e-9a3c-6f3f6f0a9d10 --by ops --reason \"looking at it\""
    )]
    Acknowledge(AlertStepArgs),
    /// Say that an alert is over
    #[command(
        after_help = "Example: auditlake anomalies resolve 0b4f7d5e-54f4-5a5e-9a3c-6f3f6f0a9d10 --by ops --reason \"a load test\""
    )]
    Resolve(AlertStepArgs),
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
    /// Zone of the weeks that hour_of_week knows
    #[arg(long, default_value = "UTC", value_name = "ZONE", value_parser = schemas::timezone)]
    pub timezone: chrono_tz::Tz,
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

/// Which series, and what it may reach.
#[derive(Debug, Args)]
pub struct TrendArgs {
    /// The file, also with .gz at its end; - is standard input
    pub file: PathBuf,
    /// Column with the instants: RFC 3339, or 2026-02-10 09:30:00 in UTC
    #[arg(long, default_value = "timestamp", value_name = "COLUMN")]
    pub time_column: String,
    /// Column with the values
    #[arg(long, default_value = "value", value_name = "COLUMN")]
    pub value_column: String,
    /// A value, and say when the series reaches it
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    pub limit: Option<f64>,
}

/// Which alert, who, and why.
#[derive(Debug, Args)]
pub struct AlertStepArgs {
    /// Id of the alert, as anomalies list shows it
    pub alert: String,
    /// Who does it
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStateArg {
    /// Nobody has taken it
    Open,
    /// Somebody looks after it
    Acknowledged,
    /// It is over
    Resolved,
    /// Nobody resolved it in time
    Expired,
}

impl AlertStateArg {
    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Expired => "expired",
        }
    }
}
