//! JSON values as Arrow columns, for sources that a SQL mapping reads.
//!
//! Types come from the values themselves, all of them, so the result does not depend on where a batch ends.
//! Nothing is lost to a type: where values disagree, or nest too deep, or an object is a map with endless keys,
//! the column is text, and whatever is no string stands there as JSON. Fields keep the order in which they were
//! first seen. Absent: dates and decimals, which the mapping makes of text.

mod array;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use serde_json::{Map, Number, Value};

pub(crate) use array::decode;

/// Levels of nesting that become columns; the record itself is level 0.
const LEVELS_MAX: usize = 8;
/// Most keys of one object; with more, it is a map and becomes text.
const KEYS_MAX: usize = 2_000;
/// Most fields of all objects together. An object that would exceed it becomes text.
const FIELDS_MAX: usize = 20_000;
/// Integers beyond this have no exact float.
const FLOAT_EXACT_MAX: u64 = 1 << 53;

/// The type of all records observed.
#[derive(Debug, Clone, Default)]
pub(crate) struct InferredType {
    record: Object,
    fields: usize,
    left_out: bool,
}

/// What the values of one column have in common.
#[derive(Debug, Clone, Default, PartialEq)]
enum Kind {
    #[default]
    Null,
    Bool,
    /// `wide`: one of them has no exact float.
    Int {
        wide: bool,
    },
    Float,
    /// Strings, or values that have nothing in common.
    Text,
    List(Box<Kind>),
    Object(Object),
}

/// Fields in the order in which they were first seen.
#[derive(Debug, Clone, Default, PartialEq)]
struct Object {
    fields: Vec<(String, Kind)>,
    places: HashMap<String, usize>,
}

impl InferredType {
    /// Widens the type so that it fits `record`; what is no object is no record and is passed over.
    pub(crate) fn observe(&mut self, record: &Value) {
        let Value::Object(entries) = record else { return };
        let mut next = 0;
        for (key, value) in entries {
            let place = match self.record.place(key, next) {
                Some(place) => place,
                None if self.record.fields.len() >= KEYS_MAX => {
                    self.left_out = true;
                    continue;
                }
                None => {
                    self.fields += 1;
                    self.record.add(key)
                }
            };
            self.record.fields[place].1.widen(value, 1, &mut self.fields);
            next = place + 1;
        }
    }

    /// Widens the type so that it fits the records of `later`, too.
    pub(crate) fn join(&mut self, later: Self) {
        self.left_out |= later.left_out;
        for (key, kind) in later.record.fields {
            if !self.record.places.contains_key(&key) && self.record.fields.len() >= KEYS_MAX {
                self.left_out = true;
                continue;
            }
            self.record.slot(&key).join(kind);
        }
    }

    /// The columns.
    pub(crate) fn to_fields(&self) -> Fields {
        self.record.to_fields()
    }

    /// Whether records had more than 2,000 different keys, of which only the first became columns.
    pub(crate) fn left_out(&self) -> bool {
        self.left_out
    }
}

impl Kind {
    fn widen(&mut self, value: &Value, level: usize, fields: &mut usize) {
        if *self == Self::Text {
            return;
        }
        match value {
            Value::Null => {}
            Value::Array(items) if level < LEVELS_MAX => self.widen_list(items, level, fields),
            Value::Object(entries) if level < LEVELS_MAX => self.widen_object(entries, level, fields),
            Value::Array(_) | Value::Object(_) => *self = Self::Text,
            scalar => self.join(Self::of_scalar(scalar)),
        }
    }

    /// What both have in common.
    fn join(&mut self, other: Self) {
        *self = match (std::mem::take(self), other) {
            (Self::Null, kind) | (kind, Self::Null) => kind,
            (Self::Bool, Self::Bool) => Self::Bool,
            (Self::Float, Self::Float) => Self::Float,
            (Self::Int { wide }, Self::Int { wide: also }) => Self::Int { wide: wide || also },
            (Self::Int { wide: false }, Self::Float) | (Self::Float, Self::Int { wide: false }) => Self::Float,
            (Self::List(mut item), Self::List(other)) => {
                item.join(*other);
                Self::List(item)
            }
            (Self::Object(mut object), Self::Object(other)) => {
                other.fields.into_iter().for_each(|(key, kind)| object.slot(&key).join(kind));
                if object.fields.len() > KEYS_MAX { Self::Text } else { Self::Object(object) }
            }
            _ => Self::Text,
        };
    }

    fn of_scalar(scalar: &Value) -> Self {
        match scalar {
            Value::Bool(_) => Self::Bool,
            Value::Number(number) => Self::of_number(number),
            _ => Self::Text,
        }
    }

    fn of_number(number: &Number) -> Self {
        match (number.as_i64(), number.is_f64()) {
            (Some(int), _) => Self::Int { wide: int.unsigned_abs() > FLOAT_EXACT_MAX },
            (None, true) => Self::Float,
            (None, false) => Self::Text,
        }
    }

    fn widen_list(&mut self, items: &[Value], level: usize, fields: &mut usize) {
        if *self == Self::Null {
            *self = Self::List(Box::default());
        }
        match self {
            Self::List(item) => items.iter().for_each(|value| item.widen(value, level + 1, fields)),
            _ => *self = Self::Text,
        }
    }

    fn widen_object(&mut self, entries: &Map<String, Value>, level: usize, fields: &mut usize) {
        if *self == Self::Null {
            *self = Self::Object(Object::default());
        }
        let Self::Object(object) = self else {
            *self = Self::Text;
            return;
        };
        let mut next = 0;
        for (key, value) in entries {
            let place = match object.place(key, next) {
                Some(place) => place,
                None if object.fields.len() >= KEYS_MAX || *fields >= FIELDS_MAX => {
                    *self = Self::Text;
                    return;
                }
                None => {
                    *fields += 1;
                    object.add(key)
                }
            };
            object.fields[place].1.widen(value, level + 1, fields);
            next = place + 1;
        }
    }

    fn to_type(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int { .. } => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::List(item) => DataType::List(Arc::new(Field::new("item", item.to_type(), true))),
            Self::Object(object) if !object.fields.is_empty() => DataType::Struct(object.to_fields()),
            Self::Null | Self::Text | Self::Object(_) => DataType::Utf8,
        }
    }
}

impl Object {
    /// Where the field is; `next` is where it is tried first, because records of one source mostly have the same keys
    /// in the same order.
    fn place(&self, key: &str, next: usize) -> Option<usize> {
        match self.fields.get(next) {
            Some((name, _)) if name == key => Some(next),
            _ => self.places.get(key).copied(),
        }
    }

    /// A new field, and where it is.
    fn add(&mut self, key: &str) -> usize {
        self.places.insert(key.to_owned(), self.fields.len());
        self.fields.push((key.to_owned(), Kind::Null));
        self.fields.len() - 1
    }

    fn slot(&mut self, key: &str) -> &mut Kind {
        let place = self.places.get(key).copied().unwrap_or_else(|| self.add(key));
        &mut self.fields[place].1
    }

    fn to_fields(&self) -> Fields {
        self.fields.iter().map(|(name, kind)| Field::new(name, kind.to_type(), true)).collect()
    }
}

#[cfg(test)]
mod tests;
