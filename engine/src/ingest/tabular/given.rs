//! The columns of a chunk as a built-in mapping picks them, and what is left of them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, new_null_array};
use arrow::datatypes::{DataType, Fields};

use super::super::json_text::{Entries, entries, map_column};
use super::super::texts::texts;
use super::canonical::to_text;
use crate::error::EngineError;

/// Entries of each row; none of a row without.
pub(crate) type RowEntries = Vec<Option<Entries>>;

/// Columns by name; what is picked is not left over.
pub(crate) struct Given<'a> {
    fields: &'a Fields,
    columns: &'a [ArrayRef],
    rows: usize,
    /// Texts that stand for null.
    nulls: &'static [&'static str],
    picked: Vec<bool>,
}

impl<'a> Given<'a> {
    /// The columns of `rows` rows, in which each of the texts `nulls` is a null.
    pub(crate) fn new(
        fields: &'a Fields,
        columns: &'a [ArrayRef],
        rows: usize,
        nulls: &'static [&'static str],
    ) -> Self {
        Self { fields, columns, rows, nulls, picked: vec![false; columns.len()] }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// A column as it is, except for nulls; one of nulls where there is none of that name.
    pub(crate) fn value(&mut self, name: &str) -> ArrayRef {
        match self.fields.iter().position(|field| field.name() == name) {
            Some(place) => {
                self.picked[place] = true;
                self.cleaned(place)
            }
            None => new_null_array(&DataType::Utf8, self.rows),
        }
    }

    /// A column as text.
    pub(crate) fn text(&mut self, name: &str) -> Result<StringArray, EngineError> {
        Ok(to_text(&self.value(name))?.as_string::<i32>().clone())
    }

    /// A column as text that is left over all the same.
    pub(crate) fn peek(&mut self, name: &str) -> Result<StringArray, EngineError> {
        let picked = self.picked.clone();
        let text = self.text(name);
        self.picked = picked;
        text
    }

    /// Of several columns, the first that has a text.
    pub(crate) fn first(&mut self, names: &[&str]) -> Result<StringArray, EngineError> {
        let columns = names.iter().map(|name| self.text(name)).collect::<Result<Vec<_>, _>>()?;
        let value = |row: usize| columns.iter().find(|column| column.is_valid(row)).map(|column| column.value(row));
        Ok((0..self.rows).map(value).collect())
    }

    /// A column of instants; those written to the minute are at its beginning.
    pub(crate) fn time(&mut self, name: &str) -> ArrayRef {
        let column = self.value(name);
        match texts(&column) {
            None => column,
            Some(texts) => {
                let value = |row| texts.value(row).map(with_seconds);
                Arc::new((0..self.rows).map(value).collect::<StringArray>())
            }
        }
    }

    /// A column of maps, keys without blanks around them, and the rows whose text is no object.
    pub(crate) fn map(&mut self, name: &str) -> Result<(ArrayRef, Vec<usize>), EngineError> {
        let (rows, bad) = self.entries(name)?;
        let trimmed = |rows: Vec<Option<Entries>>| map_column(rows.into_iter().map(|row| row.map(trimmed)));
        // The cast to the schema decides about every other type.
        Ok((rows.map_or_else(|| self.value(name), trimmed), bad))
    }

    /// A column of maps, with keys as they are, and the rows whose text is no object; none of a column of another type.
    pub(crate) fn entries(&mut self, name: &str) -> Result<(Option<RowEntries>, Vec<usize>), EngineError> {
        let column = self.value(name);
        let mut bad = Vec::new();
        let rows: Vec<Option<Entries>> = match (texts(&column), column.data_type()) {
            (Some(texts), _) => {
                let read = |row: usize| {
                    let found = entries(texts.value(row)?);
                    if found.is_none() {
                        bad.push(row);
                    }
                    found
                };
                (0..self.rows).map(read).collect()
            }
            (None, DataType::Map(..)) => pairs(&column)?,
            (None, _) => return Ok((None, bad)),
        };
        Ok((Some(rows), bad))
    }

    /// Every column that was not picked and begins with `prefix`, by the rest of its name; a null is left out.
    pub(crate) fn left(&mut self, prefix: &str) -> Result<Vec<Entries>, EngineError> {
        let mut rows = vec![Entries::new(); self.rows];
        for place in 0..self.columns.len() {
            let Some(name) = self.fields[place].name().strip_prefix(prefix).filter(|_| !self.picked[place]) else {
                continue;
            };
            self.picked[place] = true;
            let column = to_text(&self.cleaned(place))?;
            let values = column.as_string::<i32>();
            for (row, value) in rows.iter_mut().zip(values) {
                row.extend(value.map(|value| (name.to_owned(), value.to_owned())));
            }
        }
        Ok(rows)
    }

    fn cleaned(&self, place: usize) -> ArrayRef {
        let column = &self.columns[place];
        match texts(column) {
            None => Arc::clone(column),
            Some(texts) => {
                let value = |row| texts.value(row).filter(|text| !self.nulls.contains(text));
                Arc::new((0..self.rows).map(value).collect::<StringArray>())
            }
        }
    }
}

/// Rows of entries as a column of maps; a row without any is null.
pub(crate) fn maps(rows: Vec<Entries>) -> ArrayRef {
    map_column(rows.into_iter().map(|row| Some(row).filter(|row| !row.is_empty())))
}

/// `2024-09-01T00:00Z` has no seconds, without which it is no time for the cast.
fn with_seconds(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let minutes = bytes.get(13) == Some(&b':') && bytes.len() >= 16 && text.is_char_boundary(16);
    match bytes.get(16) {
        None | Some(b'Z' | b'z' | b'+' | b'-') if minutes => Cow::Owned(format!("{}:00{}", &text[..16], &text[16..])),
        _ => Cow::Borrowed(text),
    }
}

/// Entries with blanks around their keys cut off, where no other entry has that key.
fn trimmed(entries: Entries) -> Entries {
    let mut taken: HashSet<String> =
        entries.iter().filter(|(key, _)| key.trim() == key).map(|(key, _)| key.clone()).collect();
    let named = entries.into_iter().map(|(key, value)| {
        let short = key.trim();
        if short.len() < key.len() && taken.insert(short.to_owned()) { (short.to_owned(), value) } else { (key, value) }
    });
    named.collect()
}

/// Keys and values of a map column; a key without value is left out.
fn pairs(column: &ArrayRef) -> Result<Vec<Option<Entries>>, EngineError> {
    let maps = column.as_map();
    let (keys, values) = (to_text(maps.keys())?, to_text(maps.values())?);
    let (keys, values) = (keys.as_string::<i32>(), values.as_string::<i32>());
    let ends = maps.value_offsets();
    let row = |row: usize| {
        let range = usize::try_from(ends[row]).ok()?..usize::try_from(ends[row + 1]).ok()?;
        let entries = range.filter(|at| keys.is_valid(*at) && values.is_valid(*at));
        Some(entries.map(|at| (keys.value(at).to_owned(), values.value(at).to_owned())).collect())
    };
    Ok((0..maps.len()).map(|at| if maps.is_valid(at) { row(at) } else { None }).collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;

    use super::super::field;
    use super::*;

    fn columns() -> (Fields, Vec<ArrayRef>) {
        let fields = vec![field("a", DataType::Utf8), field("n", DataType::Int64), field("p/x", DataType::Utf8)];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![Some("NULL"), Some("x"), None])),
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
            Arc::new(StringArray::from(vec!["", "NULL", "z"])),
        ];
        (fields.into(), columns)
    }

    #[test]
    fn what_is_picked_is_not_left() {
        let (fields, columns) = columns();
        let mut given = Given::new(&fields, &columns, 3, &["NULL", ""]);
        assert_eq!(given.first(&["absent", "a", "n"]).expect("text"), StringArray::from(vec!["1", "x", "3"]));
        assert_eq!(given.value("absent").null_count(), 3);
        assert_eq!(given.left("p/").expect("left"), [vec![], vec![], vec![("x".to_owned(), "z".to_owned())]]);
        assert!(given.left("").expect("left").iter().all(Vec::is_empty));
        let mut given = Given::new(&fields, &columns, 3, &["NULL"]);
        let left = given.left("").expect("left");
        assert_eq!(left[1], [("a".to_owned(), "x".to_owned())]);
        assert_eq!(left[0], [("n".to_owned(), "1".to_owned()), ("p/x".to_owned(), String::new())]);
    }

    #[test]
    fn keys_lose_their_blanks_unless_they_clash() {
        let given = |pairs: &[(&str, &str)]| -> Entries {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(trimmed(given(&[("org", "1"), (" org", "2")])), given(&[("org", "1"), (" org", "2")]));
        assert_eq!(trimmed(given(&[(" org", "2"), ("org", "1")])), given(&[(" org", "2"), ("org", "1")]));
        assert_eq!(
            trimmed(given(&[(" a", "1"), ("a ", "2"), ("b", "3")])),
            given(&[("a", "1"), ("a ", "2"), ("b", "3")])
        );
    }

    #[test]
    fn a_time_to_the_minute_gets_seconds() {
        for (given, want) in [
            ("2024-09-01T00:00Z", "2024-09-01T00:00:00Z"),
            ("2024-09-01 07:30", "2024-09-01 07:30:00"),
            ("2024-09-01T00:00+02:00", "2024-09-01T00:00:00+02:00"),
            ("2024-09-01 00:00:00", "2024-09-01 00:00:00"),
            ("2024-09-01", "2024-09-01"),
            ("ääääääääääääää", "ääääääääääääää"),
            ("", ""),
        ] {
            assert_eq!(with_seconds(given), want);
        }
    }
}
