//! Values of a record, taken out of its JSON with their type checked, or the reason why it fits no row.
//!
//! Sources write `""` and `null` for what they do not know, so both count as absent. A value of another type than
//! its source documents rejects the record. Reasons name the place of a value and never the value, because they
//! are printed.

use std::borrow::Cow;
use std::net::IpAddr;

use schemas::parse_rfc3339;
use serde_json::{Map, Value};

use crate::ingest::records::RejectKind;

/// A record that fits no row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reject {
    pub(super) kind: RejectKind,
    pub(super) detail: String,
}

impl Reject {
    pub(super) fn missing(what: &str) -> Self {
        Self { kind: RejectKind::Missing, detail: format!("\"{what}\" has no value") }
    }

    pub(super) fn wrong_type(what: &str, wanted: &str) -> Self {
        Self { kind: RejectKind::Type, detail: format!("\"{what}\" is not {wanted}") }
    }

    pub(super) fn out_of_range(what: &str) -> Self {
        Self { kind: RejectKind::Range, detail: format!("\"{what}\" lies outside what its column holds") }
    }
}

static NULL: Value = Value::Null;

/// An object within the record, or nothing in its place; knows its path for reasons.
#[derive(Debug)]
pub(super) struct Part<'a> {
    entries: Option<&'a Map<String, Value>>,
    path: Cow<'static, str>,
}

impl<'a> Part<'a> {
    /// The whole record.
    pub(super) fn of(record: &'a Value) -> Result<Self, Reject> {
        Self::at(Cow::from(""), Some(record))
    }

    fn at(path: Cow<'static, str>, value: Option<&'a Value>) -> Result<Self, Reject> {
        match value.unwrap_or(&NULL) {
            Value::Null => Ok(Self { entries: None, path }),
            Value::Object(entries) => Ok(Self { entries: Some(entries), path }),
            _ => Err(Reject::wrong_type(if path.is_empty() { "record" } else { &path }, "an object")),
        }
    }

    fn path_of(&self, path: &'static str) -> Cow<'static, str> {
        if self.path.is_empty() { Cow::from(path) } else { Cow::from(format!("{}.{path}", self.path)) }
    }

    /// Keys and values; none where there is no object.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.entries.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    pub(super) fn has_entries(&self) -> bool {
        self.entries.is_some_and(|entries| !entries.is_empty())
    }

    /// The value of that one key, dots and all, unless null.
    pub(super) fn any(&self, key: &str) -> Option<&'a Value> {
        self.entries?.get(key).filter(|value| !value.is_null())
    }

    /// The value at a path of keys joined by dots, unless null; something else than an object on the way rejects.
    pub(super) fn get(&self, path: &'static str) -> Result<Option<&'a Value>, Reject> {
        let Some((parents, key)) = path.rsplit_once('.') else { return Ok(self.any(path)) };
        let mut entries = self.entries;
        let mut end = 0;
        for parent in parents.split('.') {
            end += parent.len();
            entries = match entries.and_then(|entries| entries.get(parent)) {
                None | Some(Value::Null) => return Ok(None),
                Some(Value::Object(entries)) => Some(entries),
                Some(_) => return Err(Reject::wrong_type(&self.path_of(&path[..end]), "an object")),
            };
            end += 1;
        }
        Ok(entries.and_then(|entries| entries.get(key)).filter(|value| !value.is_null()))
    }

    /// The text at that path, unless null or empty.
    pub(super) fn text(&self, path: &'static str) -> Result<Option<&'a str>, Reject> {
        match self.get(path)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Reject::wrong_type(&self.path_of(path), "text")),
        }
    }

    /// The text at that path, which every record must have.
    pub(super) fn required(&self, path: &'static str) -> Result<&'a str, Reject> {
        self.text(path)?.ok_or_else(|| Reject::missing(&self.path_of(path)))
    }

    /// The RFC 3339 instant at that path, in microseconds since the epoch.
    pub(super) fn instant(&self, path: &'static str) -> Result<Option<i64>, Reject> {
        let wrong = || Reject::wrong_type(&self.path_of(path), "an instant");
        let micros = |text| parse_rfc3339(text).map(|at| at.timestamp_micros()).map_err(|_| wrong());
        self.text(path)?.map(micros).transpose()
    }

    /// The whole number at that path. Some sources write one with a fraction: `2500.0`.
    pub(super) fn whole(&self, path: &'static str) -> Result<Option<i64>, Reject> {
        let wrong = || Reject::wrong_type(&self.path_of(path), "a whole number");
        self.get(path)?.map(|value| whole(value).ok_or_else(wrong)).transpose()
    }

    /// The same for a column of 32 bits.
    pub(super) fn whole_32(&self, path: &'static str) -> Result<Option<i32>, Reject> {
        let narrow = |value| i32::try_from(value).map_err(|_| Reject::out_of_range(&self.path_of(path)));
        self.whole(path)?.map(narrow).transpose()
    }

    /// The number at that path.
    pub(super) fn number(&self, path: &'static str) -> Result<Option<f64>, Reject> {
        let wrong = || Reject::wrong_type(&self.path_of(path), "a number");
        self.get(path)?.map(|value| value.as_f64().ok_or_else(wrong)).transpose()
    }

    /// The flag at that path, which some sources write as text.
    pub(super) fn flag(&self, path: &'static str) -> Result<Option<bool>, Reject> {
        let wrong = || Reject::wrong_type(&self.path_of(path), "true or false");
        self.get(path)?.map(|value| flag(value).ok_or_else(wrong)).transpose()
    }

    /// The objects or values in the array at that path; none when it is absent.
    pub(super) fn items(&self, path: &'static str) -> Result<&'a [Value], Reject> {
        match self.get(path)? {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(Reject::wrong_type(&self.path_of(path), "an array")),
        }
    }

    /// The texts of the array at that path; empty ones and nulls are left out.
    pub(super) fn texts(&self, path: &'static str) -> Result<Vec<&'a str>, Reject> {
        let items = self.items(path)?.iter().filter(|item| !item.is_null());
        let wrong = || Reject::wrong_type(&self.path_of(path), "an array of texts");
        let texts = items.map(|item| item.as_str().ok_or_else(wrong)).collect::<Result<Vec<_>, _>>()?;
        Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }

    /// The object at that path, or nothing in its place.
    pub(super) fn part(&self, path: &'static str) -> Result<Self, Reject> {
        Self::at(self.path_of(path), self.get(path)?)
    }

    /// The objects of the array at that path; none when it is absent.
    pub(super) fn parts(&self, path: &'static str) -> Result<Vec<Self>, Reject> {
        let items = self.items(path)?.iter().enumerate();
        items.map(|(at, item)| Self::at(Cow::from(format!("{}[{at}]", self.path_of(path))), Some(item))).collect()
    }

    /// The first object of the array at that path, or nothing in its place.
    pub(super) fn first(&self, path: &'static str) -> Result<Self, Reject> {
        let first = self.items(path)?.first();
        let path = if first.is_some() { Cow::from(format!("{}[0]", self.path_of(path))) } else { self.path_of(path) };
        Self::at(path, first)
    }
}

fn whole(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = || value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < EXACT);
    value.as_i64().or_else(|| float().map(|number| number as i64))
}

/// A flag, also one written as text.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Text as it is, null as null, anything else as JSON.
pub(super) fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::from(text.as_str())),
        other => Some(Cow::from(other.to_string())),
    }
}

/// An address, or else the service that called. An IPv4 address written as IPv6 is the IPv4 address.
pub(super) fn address(given: Option<&str>) -> (Option<String>, Option<&str>) {
    match given.map(str::parse::<IpAddr>) {
        Some(Ok(ip)) => (Some(ip.to_canonical().to_string()), None),
        Some(Err(_)) => (None, given),
        None => (None, None),
    }
}

/// Whether a code of an error says that the caller was not allowed to.
pub(super) fn denies(code: &str) -> bool {
    ["AccessDenied", "Unauthorized", "Forbidden"].iter().any(|word| code.contains(word))
}
