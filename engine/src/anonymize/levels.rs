//! A column at every level of its hierarchy, in numbers.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, StringArray};

use super::coding::{Coded, MAX_ROWS};
use super::column::QuasiColumn;
use super::error::AnonymizeError;

/// The values of a column and what each becomes.
#[derive(Debug)]
pub(super) struct Levels {
    /// The values as they are.
    pub(super) values: Coded,
    /// What they become, the finest level first.
    pub(super) levels: Vec<Level>,
}

/// One level of a column.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// The number of the text of each value.
    pub(super) of_value: Vec<u32>,
    /// The texts; none is NULL.
    pub(super) texts: Vec<Option<String>>,
}

impl Levels {
    pub(super) fn of(column: &QuasiColumn) -> Result<Self, AnonymizeError> {
        let Some(hierarchy) = &column.hierarchy else {
            return Err(AnonymizeError::NoHierarchy { column: column.name.clone() });
        };
        let values = coded(&column.name, &column.values)?;
        let unfit = || AnonymizeError::of_type(&column.name, &column.values, "written as text");
        let texts = values.texts(&column.values).map_err(|_| unfit())?;
        let (count, root) = (hierarchy.levels(), hierarchy.root());
        let mut levels: Vec<Naming> = (0..count).map(|_| Naming::default()).collect();
        let mut absent = vec![false; texts.len()];
        for (code, text) in texts.iter().enumerate() {
            match text.as_ref().map(|text| hierarchy.texts_of(text)) {
                Some(Some(texts)) => levels.iter_mut().zip(texts).for_each(|(level, text)| level.add(Some(text))),
                Some(None) => absent[code] = true,
                None => levels.iter_mut().enumerate().for_each(|(at, level)| {
                    level.add(root.filter(|_| at + 1 == count).map(str::to_owned));
                }),
            }
        }
        refuse_absent(&column.name, &values, &absent)?;
        Ok(Self { values, levels: levels.into_iter().map(|naming| naming.level).collect() })
    }

    pub(super) fn count(&self) -> usize {
        self.levels.len()
    }

    /// The text of each row at a level.
    pub(super) fn texts_at(&self, level: usize) -> StringArray {
        let level = &self.levels[level];
        let text = |code: &u32| level.texts[level.of_value[*code as usize] as usize].as_deref();
        self.values.codes.iter().map(text).collect()
    }
}

/// The codes of a column, or what keeps it from having any.
pub(super) fn coded(name: &str, values: &ArrayRef) -> Result<Coded, AnonymizeError> {
    if values.len() > MAX_ROWS {
        return Err(AnonymizeError::Rows { rows: values.len(), limit: MAX_ROWS });
    }
    Coded::of(values).map_err(|_| AnonymizeError::of_type(name, values, "compared"))
}

fn refuse_absent(column: &str, values: &Coded, absent: &[bool]) -> Result<(), AnonymizeError> {
    let distinct = absent.iter().filter(|absent| **absent).count();
    if distinct == 0 {
        return Ok(());
    }
    let counts = values.counts();
    let rows = counts.iter().zip(absent).filter(|(_, absent)| **absent).map(|(rows, _)| rows).sum();
    Err(AnonymizeError::NotInHierarchy { column: column.to_owned(), values: distinct, rows })
}

/// A level that is being filled, value by value.
#[derive(Debug, Default)]
struct Naming {
    level: Level,
    number_of: HashMap<Option<String>, u32>,
}

impl Naming {
    fn add(&mut self, text: Option<String>) {
        let next = self.level.texts.len() as u32;
        let number = *self.number_of.entry(text.clone()).or_insert(next);
        if number == next {
            self.level.texts.push(text);
        }
        self.level.of_value.push(number);
    }
}
