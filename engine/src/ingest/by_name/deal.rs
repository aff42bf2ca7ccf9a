//! Deals the values of records out to columns, with every check of the strict parser.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Names;
use crate::ingest::records::Strict;

/// What a record holds in a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Absent,
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A text, or the digits of a whole number beyond 64 bits.
    Text(Cow<'a, str>),
    /// An object or an array.
    Nested(Box<Value>),
}

/// Shows `each` key of the object `record`; whatever else it holds is only passed over.
pub(super) fn keys(record: &[u8], each: &mut dyn FnMut(&str)) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(record);
    json.deserialize_map(Keys { each })?;
    json.end()
}

struct Keys<'e> {
    each: &'e mut dyn FnMut(&str),
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Key(|key: &str| (self.each)(key)))?.is_some() {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// A key, shown and not kept.
struct Key<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Key<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<T, D::Error> {
        json.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Key<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<T, E> {
        Ok((self.0)(key))
    }
}

/// Columns on their way.
pub(super) struct Dealer<'n, 'a> {
    names: &'n Names,
    columns: Vec<Vec<Cell<'a>>>,
    row: usize,
}

/// Why a record was not dealt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Undealt {
    /// It is no JSON that means one thing; the strict parser says why.
    Refused,
    /// It has a key that is no column: nothing is wrong with that if the strict parser takes it.
    Unknown,
}

impl<'n, 'a> Dealer<'n, 'a> {
    /// Columns by `names` for at most `rows` records.
    pub(super) fn new(names: &'n Names, rows: usize) -> Self {
        Self { names, columns: vec![vec![Cell::Absent; rows]; names.as_slice().len()], row: 0 }
    }

    /// Adds a record; one that is refused leaves nothing behind.
    pub(super) fn deal(&mut self, record: &'a [u8], pass_over_unknown: bool) -> Result<(), Undealt> {
        let dealt = self.try_deal(record, pass_over_unknown);
        match dealt {
            Ok(()) => self.row += 1,
            Err(_) => self.columns.iter_mut().for_each(|column| column[self.row] = Cell::Absent),
        }
        dealt
    }

    fn try_deal(&mut self, record: &'a [u8], pass_over_unknown: bool) -> Result<(), Undealt> {
        // One check of the whole is quicker than one of each text.
        let text = std::str::from_utf8(record).map_err(|_| Undealt::Refused)?;
        let mut json = serde_json::Deserializer::from_str(text);
        let mut unknown = false;
        let row = Row { names: self.names, columns: &mut self.columns, row: self.row, unknown: &mut unknown };
        json.deserialize_map(row).and_then(|()| json.end()).map_err(|_| Undealt::Refused)?;
        if unknown && !pass_over_unknown { Err(Undealt::Unknown) } else { Ok(()) }
    }

    /// One column for each name, one cell for each record that was dealt.
    pub(super) fn into_columns(self) -> impl Iterator<Item = Vec<Cell<'a>>> {
        self.columns.into_iter().map(move |mut column| {
            column.truncate(self.row);
            column
        })
    }
}

struct Row<'s, 'n, 'a> {
    names: &'n Names,
    columns: &'s mut [Vec<Cell<'a>>],
    row: usize,
    unknown: &'s mut bool,
}

impl<'de: 'a, 'a> Visitor<'de> for Row<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut next = 0;
        while let Some(place) = map.next_key_seed(Key(|key: &str| self.names.place(key, next)))? {
            let value = map.next_value_seed(CellOf)?;
            let Some(place) = place else {
                *self.unknown = true;
                continue;
            };
            let cell = &mut self.columns[place][self.row];
            if *cell != Cell::Absent {
                return Err(A::Error::custom("duplicate key"));
            }
            *cell = value;
            next = place + 1;
        }
        Ok(())
    }
}

struct CellOf;

impl<'de> DeserializeSeed<'de> for CellOf {
    type Value = Cell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Cell<'de>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellOf {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Cell<'de>, E> {
        Ok(i64::try_from(value).map_or_else(|_| Cell::Text(Cow::Owned(value.to_string())), Cell::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Cell<'de>, E> {
        if value.is_finite() { Ok(Cell::Float(value)) } else { Err(E::custom("number out of range")) }
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Cell<'de>, A::Error> {
        Strict.visit_seq(seq).map(Box::new).map(Cell::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Cell<'de>, A::Error> {
        Strict.visit_map(map).map(Box::new).map(Cell::Nested)
    }
}
