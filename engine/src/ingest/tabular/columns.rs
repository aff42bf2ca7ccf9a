//! The columns of one object, and of all objects of a work.
//!
//! Names are unique: a column without a name is called by its position, `column_3`, and the second of two equal names
//! has a number behind it, `name_2`. Where objects disagree about the type of a column, it is text for all of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use arrow::datatypes::{DataType, Field, Fields};

use super::super::mapping::RECORD;
use super::canonical::to_text;
use super::field;
use crate::error::EngineError;

/// Most columns of all objects together.
const COLUMNS_MAX: usize = 2_000;

/// The columns of one object, in its order.
#[derive(Debug, Clone)]
pub(crate) struct FileColumns {
    names: Vec<String>,
    kinds: Vec<DataType>,
}

impl FileColumns {
    pub(crate) fn new(names: Vec<String>, kinds: Vec<DataType>) -> Self {
        Self { names: unique(names), kinds }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The object's columns as those of the work.
    pub(crate) fn fit(&self, given: &[ArrayRef], rows: usize, work: &Fields) -> Result<Vec<ArrayRef>, EngineError> {
        work.iter()
            .map(|field| match self.names.iter().position(|name| name == field.name()) {
                None => Ok(new_null_array(field.data_type(), rows)),
                Some(place) if self.kinds[place] == *field.data_type() => Ok(Arc::clone(&given[place])),
                Some(place) => to_text(&given[place]),
            })
            .collect()
    }
}

/// The columns of all objects, in the order in which they were first seen.
#[derive(Debug, Default)]
pub(crate) struct Union {
    fields: Vec<Field>,
    places: HashMap<String, usize>,
}

impl Union {
    /// Adds the columns of the object at `path`.
    pub(crate) fn take(&mut self, columns: &FileColumns, path: &str) -> Result<(), EngineError> {
        for (name, kind) in columns.names.iter().zip(&columns.kinds) {
            match self.places.get(name).map(|place| &mut self.fields[*place]) {
                Some(known) if known.data_type() == kind => {}
                Some(known) => *known = field(name, DataType::Utf8),
                None => {
                    self.places.insert(name.clone(), self.fields.len());
                    self.fields.push(field(name, kind.clone()));
                }
            }
        }
        if self.fields.len() > COLUMNS_MAX {
            let why = "with it the objects have more than 2,000 different columns; ingest them apart".to_owned();
            return Err(EngineError::Input { path: path.to_owned(), why });
        }
        Ok(())
    }

    pub(crate) fn fields(self) -> Fields {
        self.fields.into()
    }
}

fn unique(names: Vec<String>) -> Vec<String> {
    // The mapping has a column of its own, which no other may be called.
    let mut taken: HashSet<String> = HashSet::from([RECORD.to_owned()]);
    let given: HashSet<String> = names.iter().cloned().collect();
    let named = names.into_iter().enumerate().map(|(place, name)| {
        let name = if name.is_empty() { format!("column_{}", place + 1) } else { name };
        if taken.insert(name.clone()) {
            return name;
        }
        let numbered = (2_u32..).map(|number| format!("{name}_{number}"));
        let free = numbered.into_iter().find(|other| !given.contains(other) && !taken.contains(other));
        let free = free.unwrap_or(name);
        taken.insert(free.clone());
        free
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array, StringArray};

    use super::*;

    #[track_caller]
    fn check(given: &[&str], want: &[&str]) {
        assert_eq!(unique(given.iter().map(|name| (*name).to_owned()).collect()), want);
    }

    #[test]
    fn every_column_has_a_name_of_its_own() {
        check(&["a", "b"], &["a", "b"]);
        check(&["a", "", "a", "a", ""], &["a", "column_2", "a_2", "a_3", "column_5"]);
        check(&["a", "a", "a_2"], &["a", "a_3", "a_2"]);
        check(&["column_2", ""], &["column_2", "column_2_2"]);
        check(&["__record"], &["__record_2"]);
    }

    #[test]
    fn objects_that_disagree_about_a_column_give_text() {
        let one = FileColumns::new(vec!["n".into(), "t".into()], vec![DataType::Int64, DataType::Utf8]);
        let two = FileColumns::new(vec!["n".into(), "m".into()], vec![DataType::Utf8, DataType::Int64]);
        let mut union = Union::default();
        union.take(&one, "one").expect("fits");
        union.take(&two, "two").expect("fits");
        let work = union.fields();
        let kinds: Vec<_> = work.iter().map(|field| (field.name().as_str(), field.data_type().clone())).collect();
        assert_eq!(kinds, [("n", DataType::Utf8), ("t", DataType::Utf8), ("m", DataType::Int64)]);
        let given: [ArrayRef; 2] =
            [Arc::new(Int64Array::from(vec![Some(7), None])), Arc::new(StringArray::from(vec!["x", "y"]))];
        let fitted = one.fit(&given, 2, &work).expect("fits");
        assert_eq!(fitted[0].as_string::<i32>(), &StringArray::from(vec![Some("7"), None]));
        assert_eq!((fitted[1].null_count(), fitted[2].null_count()), (0, 2));
    }

    #[test]
    fn too_many_columns_are_an_error_that_names_the_object() {
        let names: Vec<String> = (0..COLUMNS_MAX + 1).map(|number| format!("c{number}")).collect();
        let kinds = names.iter().map(|_| DataType::Utf8).collect();
        let error = Union::default().take(&FileColumns::new(names, kinds), "wide.csv").expect_err("is refused");
        assert!(error.to_string().contains("wide.csv"), "{error}");
    }
}
