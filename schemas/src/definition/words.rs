//! A text, or a list of texts: `tenant: acme` and `tenant: [acme, acme-eu]`.
//!
//! What stands in the file counts, never what YAML makes of it: in a list `007` is the text 007. A number that stands
//! alone is refused by `shape.rs`, since its digits are gone when it gets here.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::problem::{Place, Problems};
use super::yaml::At;

/// Texts, each with its place where it stands in a list.
#[derive(Debug)]
pub(super) struct RawWords(Vec<(Option<Place>, String)>);

impl RawWords {
    /// The texts; none of them empty or there twice, and at least one. `place` is where all of it stands.
    pub(super) fn read(self, name: &str, place: Place, problems: &mut Problems) -> Vec<At<String>> {
        if self.0.is_empty() {
            problems.add(place, format!("{name} is empty; name at least one, or leave it out"));
        }
        let mut words: Vec<At<String>> = Vec::new();
        for (at, value) in self.0 {
            let at = at.unwrap_or(place);
            if value.trim().is_empty() {
                problems.add(at, format!("{name} is empty; write something"));
            } else if words.iter().any(|other| other.value == value) {
                problems.add(at, format!("{name} {value:?} stands here twice; keep one"));
            } else {
                words.push(At { value, place: at });
            }
        }
        words
    }
}

impl<'de> Deserialize<'de> for RawWords {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = RawWords;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<RawWords, E> {
        Ok(RawWords(vec![(None, value.to_owned())]))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<RawWords, E> {
        Ok(RawWords(vec![(None, value.to_string())]))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawWords, A::Error> {
        let mut words = Vec::new();
        while let Some(At { value, place }) = list.next_element::<At<String>>()? {
            words.push((Some(place), value));
        }
        Ok(RawWords(words))
    }
}

impl JsonSchema for RawWords {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": ["string", "boolean"]},
                {"type": "array", "items": {"type": ["string", "boolean", "integer"]}},
            ]
        })
    }
}
