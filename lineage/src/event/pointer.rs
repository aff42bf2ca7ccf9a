//! A place in a JSON value that can say where it is.

use std::fmt;

use serde_json::Value;

/// Something about one place of an event: why it was refused, or what was assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The place, as a JSON pointer; empty for the event as a whole.
    pub pointer: String,
    /// What about it.
    pub reason: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the event" } else { &self.pointer };
        write!(f, "{place} {}", self.reason)
    }
}

impl std::error::Error for Remark {}

/// A value and the way to it; nothing is copied until a pointer is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    value: &'a Value,
    step: Step<'a>,
    above: Option<&'a At<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, step: Step::Index(0), above: None }
    }

    /// What stands under `key`; null counts as nothing.
    pub(super) fn get(&'a self, key: &'a str) -> Option<At<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(At { value, step: Step::Key(key), above: Some(self) })
    }

    /// What must stand under `key`.
    pub(super) fn need(&'a self, key: &'a str) -> Result<At<'a>, Remark> {
        self.get(key).ok_or_else(|| {
            let null = Value::Null;
            At { value: &null, step: Step::Key(key), above: Some(self) }.refuse("is missing")
        })
    }

    pub(super) fn text(&self) -> Result<&'a str, Remark> {
        self.value.as_str().ok_or_else(|| self.refuse("is not a text"))
    }

    /// The text under `key`, if there is one.
    pub(super) fn text_of(&self, key: &str) -> Result<Option<String>, Remark> {
        self.get(key).map(|at| at.text().map(str::to_owned)).transpose()
    }

    /// The text that must stand under `key` and say something.
    pub(super) fn name_of(&self, key: &str) -> Result<String, Remark> {
        let at = self.need(key)?;
        match at.text()? {
            "" => Err(at.refuse("is empty")),
            text => Ok(text.to_owned()),
        }
    }

    /// The whole number under `key`, if there is one.
    pub(super) fn count_of(&self, key: &str) -> Result<Option<i64>, Remark> {
        let count = |at: At<'_>| at.value.as_i64().ok_or_else(|| at.refuse("is not a whole number"));
        self.get(key).map(count).transpose()
    }

    pub(super) fn is_true(&self, key: &str) -> bool {
        self.value.get(key) == Some(&Value::Bool(true))
    }

    /// The elements of a list.
    pub(super) fn items(&'a self) -> Result<impl Iterator<Item = At<'a>>, Remark> {
        let items = self.value.as_array().ok_or_else(|| self.refuse("is not a list"))?;
        Ok(items.iter().enumerate().map(|(at, value)| At { value, step: Step::Index(at), above: Some(self) }))
    }

    /// The entries of an object; those that are null are left out.
    pub(super) fn entries(&'a self) -> Result<impl Iterator<Item = (&'a str, At<'a>)>, Remark> {
        let entries = self.value.as_object().ok_or_else(|| self.refuse("is not an object"))?;
        let entries = entries.iter().filter(|(_, value)| !value.is_null());
        Ok(entries.map(|(key, value)| (key.as_str(), At { value, step: Step::Key(key), above: Some(self) })))
    }

    pub(super) fn refuse(&self, reason: impl Into<String>) -> Remark {
        Remark { pointer: self.pointer(), reason: reason.into() }
    }

    fn pointer(&self) -> String {
        let Some(above) = self.above else { return String::new() };
        let mut pointer = above.pointer();
        pointer.push('/');
        match self.step {
            Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(at) => pointer.push_str(&at.to_string()),
        }
        pointer
    }
}
