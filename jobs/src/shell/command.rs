//! The commands of the shell, which begin with a backslash.

use exporters::RowFormat;

use crate::error::JobError;

/// What `\h` prints.
pub(crate) const HELP: &str = "\
Statements end with ; and may take several lines. Each runs by itself at the instant it is given, or at --at, and sees
the files that are there by then. Ctrl-C drops the statement that is typed or stops the one that runs, Ctrl-D leaves,
Tab completes. A line that begins with a blank stays out of the history.

  \\d               tables: datasets, histories (…_history) and our own records (auditlake.…)
  \\d TABLE         columns of a table, with type and meaning
  \\format FORMAT   print rows as table, csv, json or ndjson
  \\timing on|off   say how long a statement took
  \\h, \\?           this text
  \\q               leave

Example:
  SELECT outcome, count(*) AS events
  FROM audit
  GROUP BY outcome;";

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Tables,
    Columns(String),
    Format(RowFormat),
    Timing(bool),
    Help,
    Leave,
}

impl Command {
    /// Reads a command; a `;` at its end is left out.
    pub(crate) fn parse(text: &str) -> Result<Self, JobError> {
        let words: Vec<&str> = text.trim_end_matches(';').split_whitespace().collect();
        match words.as_slice() {
            ["\\d"] => Ok(Self::Tables),
            ["\\d", table] => Ok(Self::Columns((*table).to_owned())),
            ["\\format", word] => match RowFormat::parse(word) {
                Some(format) => Ok(Self::Format(format)),
                None => Err(usage(&format!("\"{word}\" is no format; take table, csv, json or ndjson"))),
            },
            ["\\timing", "on"] => Ok(Self::Timing(true)),
            ["\\timing", "off"] => Ok(Self::Timing(false)),
            ["\\h" | "\\?"] => Ok(Self::Help),
            ["\\q"] => Ok(Self::Leave),
            ["\\d", ..] => Err(usage("\\d takes one table, for example \\d audit")),
            ["\\format", ..] => Err(usage("\\format takes one of table, csv, json or ndjson")),
            ["\\timing", ..] => Err(usage("\\timing takes on or off")),
            ["\\h" | "\\?" | "\\q", ..] => Err(usage("\\h, \\? and \\q take nothing after them")),
            _ => Err(usage(&format!(
                "\"{}\" is no command; commands are \\d, \\d TABLE, \\format FORMAT, \\timing on|off, \\h, \\?, \\q",
                words.first().unwrap_or(&"\\")
            ))),
        }
    }
}

fn usage(what: &str) -> JobError {
    JobError::Usage(what.to_owned())
}
