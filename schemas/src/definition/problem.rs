//! What is wrong with definitions, and where.

use std::fmt;

use serde::Serialize;

use super::checked::WrittenAt;
use crate::remedy::Remedy;

/// One thing that is wrong in one definition file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DefinitionError {
    /// The file, relative to the lake's folder.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong and what would be right.
    pub message: String,
}

impl DefinitionError {
    /// A definition is put right by whoever wrote it.
    pub fn remedy(&self) -> Remedy {
        Remedy::FixConfig
    }
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for DefinitionError {}

/// A place in a file, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Place {
    /// The first character: for what is wrong with a file as a whole.
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// Collects what is wrong with one file, so that all of it is said at once.
#[derive(Debug)]
pub(crate) struct Problems {
    file: String,
    found: Vec<DefinitionError>,
}

impl Problems {
    pub(crate) fn of(file: &str) -> Self {
        Self { file: file.to_owned(), found: Vec::new() }
    }

    pub(crate) fn add(&mut self, at: Place, message: impl Into<String>) {
        let Place { line, column } = at;
        self.found.push(DefinitionError { file: self.file.clone(), line, column, message: message.into() });
    }

    /// A place in this file, for what is judged later.
    pub(crate) fn written(&self, at: Place) -> WrittenAt {
        WrittenAt { file: self.file.clone(), line: at.line, column: at.column }
    }

    /// Keeps a value, or records why there is none.
    pub(crate) fn keep<T, E: fmt::Display>(&mut self, at: Place, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(at, error.to_string())).ok()
    }

    /// Keeps a value, or records why and where there is none.
    pub(crate) fn keep_placed<T>(&mut self, result: Result<T, (Place, String)>) -> Option<T> {
        result.map_err(|(at, message)| self.add(at, message)).ok()
    }

    /// How many there are: a builder compares before and after.
    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// The file.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn into_errors(self) -> Vec<DefinitionError> {
        self.found
    }

    /// The value, if nothing is wrong and it was built; errors by place otherwise.
    pub(crate) fn into_result<T>(mut self, built: Option<T>) -> Result<T, Vec<DefinitionError>> {
        match built {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => {
                if self.found.is_empty() {
                    self.add(
                        Place::START,
                        "file could not be checked and no reason is known; report this with the file",
                    );
                }
                self.found.sort();
                Err(self.found)
            }
        }
    }
}
