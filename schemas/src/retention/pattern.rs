//! A text, or what texts begin with: `session.*`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that must be equal, or with `*` at its end, what it must begin with. Case counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    is_prefix: bool,
}

impl Pattern {
    /// Reads a pattern: a `*` anywhere but at the end is refused.
    ///
    /// ```
    /// use schemas::Pattern;
    /// let sessions = Pattern::parse("session.*").unwrap();
    /// assert!(sessions.matches("session.opened") && !sessions.matches("sessions.opened"));
    /// assert!(Pattern::parse("*.opened").is_err());
    /// ```
    ///
    /// # Errors
    /// A sentence that quotes it.
    pub fn parse(given: &str) -> Result<Self, String> {
        let (text, is_prefix) = match given.strip_suffix('*') {
            Some(begin) => (begin, true),
            None => (given, false),
        };
        if text.contains('*') {
            return Err(format!("pattern {given:?} has a * before its end; write a text, or its beginning and one *"));
        }
        if given.is_empty() {
            return Err("a pattern is empty; write a text, or its beginning and *".to_owned());
        }
        Ok(Self { text: text.to_owned(), is_prefix })
    }

    /// Whether a text meets it.
    pub fn matches(&self, text: &str) -> bool {
        if self.is_prefix { text.starts_with(&self.text) } else { text == self.text }
    }

    /// The text that must be equal; none where only the beginning counts.
    pub fn exact(&self) -> Option<&str> {
        (!self.is_prefix).then_some(self.text.as_str())
    }

    /// Whether some text between two others could meet it, by the order of their bytes; of `max` only a beginning may be
    /// known, as statistics cut long texts, so a text that begins with `max` counts as between.
    pub fn may_lie_between(&self, min: &str, max: &str) -> bool {
        let above = self.text.as_bytes() <= max.as_bytes() || self.text.starts_with(max);
        let below = self.text.as_bytes() >= min.as_bytes() || (self.is_prefix && min.starts_with(&self.text));
        above && below
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.is_prefix { "*" } else { "" })
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;
    fn try_from(given: String) -> Result<Self, String> {
        Self::parse(&given)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}
