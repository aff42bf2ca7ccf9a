//! Lists and maps that a source writes as JSON text in one field, as CSV must.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, MapBuilder, StringBuilder};
use serde_json::Value;

use super::records::parse_exact;
use super::texts::Texts;

/// Keys and values of one row.
pub(crate) type Entries = Vec<(String, String)>;

/// The entries of an object that is written as text, nested values as JSON; a key without value is left out.
pub(crate) fn entries(text: &str) -> Option<Entries> {
    let Ok(Value::Object(object)) = parse_exact(text.as_bytes()) else { return None };
    let entries = object.into_iter().filter(|(_, value)| !value.is_null());
    Some(entries.map(|(key, value)| (key, plain(value))).collect())
}

/// Texts as maps, by the entries that `read` finds in each; a text that is no object becomes null.
pub(crate) fn maps(texts: Texts<'_>, rows: usize, read: fn(&str) -> Option<Entries>) -> ArrayRef {
    map_column((0..rows).map(|row| texts.value(row).and_then(read)))
}

/// A column of maps.
pub(crate) fn map_column(rows: impl Iterator<Item = Option<Entries>>) -> ArrayRef {
    let mut column = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value) in row.iter().flatten() {
            column.keys().append_value(key);
            column.values().append_value(value);
        }
        // A key and a value were appended each time, so their counts agree and appending cannot fail.
        drop(column.append(row.is_some()));
    }
    Arc::new(column.finish())
}

/// Texts as lists: the items of a JSON array, else the text itself as the one item.
pub(crate) fn lists(texts: Texts<'_>, rows: usize) -> ArrayRef {
    let mut column = ListBuilder::new(StringBuilder::new());
    for row in 0..rows {
        let text = texts.value(row);
        match text.filter(|text| text.starts_with('[')).map(|text| parse_exact(text.as_bytes())) {
            Some(Ok(Value::Array(items))) => {
                column.append_value(items.into_iter().map(|item| (!item.is_null()).then(|| plain(item))));
            }
            Some(_) => column.append_null(),
            None => match text {
                Some(text) => column.append_value([Some(text)]),
                None => column.append_null(),
            },
        }
    }
    Arc::new(column.finish())
}

/// A text as it is, anything else as JSON.
pub(crate) fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, StringArray};

    use super::super::texts::texts;
    use super::*;

    #[test]
    fn an_object_gives_its_entries_with_all_digits() {
        let found = entries(r#"{"b":"x","a":1.50,"n":null,"o":{"k":[1]}}"#).expect("an object");
        let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, [("b", "x"), ("a", "1.50"), ("o", r#"{"k":[1]}"#)]);
        for text in ["", "[]", "x", "{", r#"{"a":1,"a":2}"#, "{} {}"] {
            assert_eq!(entries(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_is_a_list_of_its_items_or_of_itself() {
        let given: ArrayRef = Arc::new(StringArray::from(vec![Some(r#"["a",1,null]"#), Some("a,b"), Some("[a"), None]));
        let lists = lists(texts(&given).expect("text"), given.len());
        let lists = lists.as_list::<i32>();
        let items =
            |row: usize| lists.value(row).as_string::<i32>().iter().map(|item| item.map(str::to_owned)).collect();
        let first: Vec<Option<String>> = items(0);
        assert_eq!(first, [Some("a".to_owned()), Some("1".to_owned()), None]);
        let second: Vec<Option<String>> = items(1);
        assert_eq!(second, [Some("a,b".to_owned())]);
        assert!(lists.is_null(2) && lists.is_null(3));
    }
}
