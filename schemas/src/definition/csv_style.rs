//! How CSV is written where RFC 4180 leaves it open, or a reader wants it otherwise.

use serde::{Deserialize, Serialize};

/// What stands between fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`, which spreadsheets expect where the comma divides decimals.
    Semicolon,
    /// A tab.
    Tab,
    /// `|`
    Pipe,
}

impl Delimiter {
    /// Every delimiter.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Pipe => "pipe",
        }
    }

    /// The letter itself.
    pub fn letter(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Semicolon => ';',
            Self::Tab => '\t',
            Self::Pipe => '|',
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|delimiter| delimiter.as_str() == word)
    }
}

/// What ends a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// CR LF, by RFC 4180.
    #[default]
    Crlf,
    /// LF alone.
    Lf,
}

impl LineEnd {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crlf => "crlf",
            Self::Lf => "lf",
        }
    }

    /// The letters themselves.
    pub fn letters(self) -> &'static str {
        match self {
            Self::Crlf => "\r\n",
            Self::Lf => "\n",
        }
    }
}

/// The shape of a CSV file; by default that of RFC 4180.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvStyle {
    /// Between fields.
    pub delimiter: Delimiter,
    /// Behind records.
    pub line_end: LineEnd,
    /// What stands for null, never in quotes; nothing by default.
    pub null: String,
    /// Whether a file begins with the mark of byte order, by which spreadsheets know UTF-8.
    pub bom: bool,
}

impl CsvStyle {
    /// Refuses a word for null that a reader could not tell from what surrounds it.
    ///
    /// # Errors
    /// A sentence that says what would be one.
    pub fn check(&self) -> Result<(), String> {
        let Self { null, .. } = self;
        let is_odd = |letter: char| letter.is_control() || matches!(letter, ',' | ';' | '|' | '"' | '\u{feff}');
        if null.chars().any(is_odd) || null.trim() != null || null.chars().count() > 32 {
            return Err(format!(
                "null_text {null:?} cannot stand in a field without quotes; choose up to 32 letters without blanks around \
                 them, quotes and delimiters, for example NULL"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_for_null_stands_without_quotes() {
        let null = |word: &str| CsvStyle { null: word.to_owned(), ..CsvStyle::default() }.check();
        for good in ["", "NULL", "\\N", "n/a", "0", "ohne Wert"] {
            assert_eq!(null(good), Ok(()), "{good}");
        }
        let long = "x".repeat(33);
        for bad in [" ", "a,b", ";", "|", "\"", "a\n", " NA", "\u{feff}", long.as_str()] {
            assert!(null(bad).is_err(), "{bad:?}");
        }
    }
}
