//! Paths with placeholders: where a report of an interval goes.
//!
//! Everything that could go wrong is refused when the template is read, by rendering it for a sample
//! interval; rendering itself cannot fail.

use std::fmt::Write as _;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, TimeZone, Utc};

use super::place::{location_fault, overlaps};
use crate::id::JobId;
use crate::instant::compact;
use crate::report::Interval;

/// A folder in the store, with placeholders for the interval.
///
/// ```
/// use schemas::{JobId, PathTemplate};
/// let job = JobId::parse("soc2-daily").unwrap();
/// assert!(PathTemplate::parse("reports/{job}/{interval.end:%Y-%m-%d}/", &job).is_ok());
/// assert!(PathTemplate::parse("../{interval.end}/", &job).unwrap_err().contains(".."));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Start(Option<String>),
    End(Option<String>),
}

/// The placeholders, for messages.
const PLACEHOLDERS: &str = "{interval.start}, {interval.end}, {job}, and a date format as in {interval.end:%Y-%m-%d}";

impl PathTemplate {
    /// Reads a template: placeholders `{interval.start}` and `{interval.end}`, alone or with a date format, and
    /// `{job}`. It is relative, ends with `/`, and names the interval, so that no report overwrites another.
    ///
    /// # Errors
    /// A sentence that quotes the template and says what would be right.
    pub fn parse(source: &str, job: &JobId) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find(['{', '}']) {
            let (text, tail) = rest.split_at(open);
            push(&mut parts, Part::Text(text.to_owned()));
            let close = tail.find('}').filter(|_| tail.starts_with('{'));
            let Some(close) = close else {
                return Err(format!(
                    "path \"{source}\" has a brace without its partner; placeholders are {PLACEHOLDERS}"
                ));
            };
            push(&mut parts, placeholder(source, &tail[1..close], job)?);
            rest = &tail[close + 1..];
        }
        push(&mut parts, Part::Text(rest.to_owned()));
        let template = Self { source: source.to_owned(), parts };
        if !template.parts.iter().any(|part| !matches!(part, Part::Text(_))) {
            return Err(format!(
                "path \"{source}\" is the same for every interval; add for example {{interval.end:%Y-%m-%d}}/"
            ));
        }
        match location_fault(&template.sample()) {
            Some(fault) => Err(format!("path \"{source}\" {fault}")),
            None => Ok(template),
        }
    }

    /// The folder for an interval, its dates in the given zone; without a date format, the instant in UTC.
    pub fn render(&self, interval: &Interval, timezone: chrono_tz::Tz) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Start(format) => instant(interval.start, format.as_deref(), timezone),
                Part::End(format) => instant(interval.end, format.as_deref(), timezone),
            })
            .collect()
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether intervals that follow each other have different folders, however short they are.
    pub(crate) fn tells_seconds(&self) -> bool {
        let second = |number: i64| DateTime::from_timestamp(1_252_483_626 + number, 0).unwrap_or_default();
        let folder = |number| self.render(&Interval { start: second(number), end: second(number + 1) }, chrono_tz::UTC);
        folder(0) != folder(1)
    }

    /// Whether it may write into the given folder of the store, or around it.
    pub(crate) fn meets(&self, location: &str) -> bool {
        overlaps(&self.sample(), location)
    }

    /// Equal for templates that give equal paths.
    pub(crate) fn key(&self) -> String {
        format!("{:?}", self.parts)
    }

    /// The folder for an interval that stands for all: 9 September 2009, 08:07:06 UTC.
    fn sample(&self) -> String {
        let end = Utc.with_ymd_and_hms(2009, 9, 9, 8, 7, 6).single().unwrap_or_default();
        self.render(&Interval { start: end, end }, chrono_tz::UTC)
    }
}

/// Appends a part; texts that meet become one.
fn push(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), part) {
        (_, Part::Text(text)) if text.is_empty() => {}
        (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
        (_, part) => parts.push(part),
    }
}

fn placeholder(source: &str, inside: &str, job: &JobId) -> Result<Part, String> {
    let (name, format) = match inside.split_once(':') {
        Some((name, format)) => (name, Some(format.to_owned())),
        None => (inside, None),
    };
    if let Some(format) = &format
        && (format.is_empty() || StrftimeItems::new(format).any(|item| item == Item::Error) || !printable(format))
    {
        return Err(format!(
            "path \"{source}\" has the date format \"{format}\", which does not exist; write for example %Y-%m-%d"
        ));
    }
    match (name, format) {
        ("interval.start", format) => Ok(Part::Start(format)),
        ("interval.end", format) => Ok(Part::End(format)),
        ("job", None) => Ok(Part::Text(job.as_str().to_owned())),
        ("job", Some(_)) => Err(format!("path \"{source}\" gives {{job}} a date format; write {{job}}")),
        _ => Err(format!("path \"{source}\" has the placeholder {{{inside}}}; placeholders are {PLACEHOLDERS}")),
    }
}

/// Whether chrono can print the format; some of its items are for reading only.
fn printable(format: &str) -> bool {
    write!(String::new(), "{}", DateTime::UNIX_EPOCH.format(format)).is_ok()
}

fn instant(at: DateTime<Utc>, format: Option<&str>, timezone: chrono_tz::Tz) -> String {
    let mut text = String::new();
    match format.map(|format| write!(text, "{}", at.with_timezone(&timezone).format(format))) {
        Some(Ok(())) => text,
        Some(Err(_)) | None => compact(at),
    }
}
