//! JSON without the two liberties that would let one record mean two things.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// Reads the JSON of one record.
pub(crate) type Parse = fn(&[u8]) -> Result<Value, String>;

/// Parses one JSON value and refuses duplicate keys at any level, invalid UTF-8, more than 127 levels of nesting
/// and anything after the value.
///
/// Integers beyond 64 bits become floats, as in every reader of `serde_json`; the bytes stay in the object.
///
/// # Errors
/// What was wrong: neither where, so that equal reasons can be counted, nor with any text of the record.
pub(crate) fn parse_strict(bytes: &[u8]) -> Result<Value, String> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut json).map_err(|error| reason(&error))?;
    json.end().map_err(|error| reason(&error))?;
    Ok(value)
}

fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

/// Reads a value and refuses what [`parse_strict`] refuses within it.
pub(crate) struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match object.entry(key) {
                Entry::Occupied(_) => return Err(A::Error::custom("duplicate key")),
                Entry::Vacant(entry) => entry.insert(map.next_value_seed(Strict)?),
            };
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: impl AsRef<[u8]>, word: &str) {
        let detail = parse_strict(text.as_ref()).expect_err("refused");
        assert!(detail.contains(word), "{detail}");
    }

    #[test]
    fn what_is_accepted_equals_the_usual_parse() {
        for text in [r#"{"b":[1,-2,1.5e3,true,null,{"a":{}}],"a":"\u00e9\n"}"#, "18446744073709551615", "[]", " 1 "] {
            assert_eq!(parse_strict(text.as_bytes()), Ok(serde_json::from_str::<Value>(text).expect("parses")));
        }
    }

    #[test]
    fn a_record_that_could_mean_two_things_is_refused() {
        refused(r#"{"a":1,"a":1}"#, "duplicate key");
        refused(r#"{"x":[{"b":{"a":1,"\u0061":2}}]}"#, "duplicate key");
        refused(r#"{"a":1} {"a":2}"#, "trailing characters");
        refused("", "EOF");
        refused(b"{\"a\":\"\xff\"}", "unicode");
        refused(r#"{"a":"\ud800x"}"#, "hex escape");
        refused(r#"{"a":1e999}"#, "out of range");
        refused(r#"{"a":NaN}"#, "expected");
        refused("[".repeat(128) + &"]".repeat(128), "recursion limit");
        refused("[".repeat(1_000_000), "recursion limit");
        assert!(parse_strict(("[".repeat(127) + &"]".repeat(127)).as_bytes()).is_ok());
    }
}
