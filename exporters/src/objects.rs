//! Rows as objects, for JSON and for YAML, which differ in what stands around and between them.
//!
//! Keys in column order, escaped once; nulls written. Absent: what an object is made of, which is a cell's.

use arrow::datatypes::{DataType, FieldRef, Fields};

use crate::cell::{Cells, Dialect, TextStyle, is_text, plain, push_value};
use crate::error::ExportError;
use crate::losses::{CellCounts, Loss, Losses};
use crate::rows::at;
use crate::text::TextRows;

/// What a cell of JSON or YAML is.
pub(crate) fn kind(data_type: &DataType) -> &'static str {
    match plain(data_type) {
        DataType::Null => "null",
        DataType::Boolean => "boolean",
        DataType::Struct(_) => "object",
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.first().is_some_and(|key| is_text(key.data_type())) => "object",
            _ => "array of key and value",
        },
        other if other.is_nested() => "array",
        other if other.is_integer() || other.is_floating() => "number",
        _ => "string",
    }
}

/// What stands around the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `[`, commas, `]`.
    Array,
    /// A line end after each.
    Lines,
    /// The items of a block sequence of YAML.
    Sequence,
}

/// Rows as objects.
pub(crate) struct ObjectRows {
    fields: Fields,
    /// `"name":` of every column, escaped once.
    keys: Vec<String>,
    layout: Layout,
    style: TextStyle,
    counted: Losses,
}

impl ObjectRows {
    pub(crate) fn new(fields: &Fields, layout: Layout, style: TextStyle) -> Self {
        Self {
            fields: fields.clone(),
            keys: keys(fields, style.dialect),
            layout,
            style,
            counted: match style.dialect {
                Dialect::Json => Losses::of(&[Loss::NonFinite, Loss::Beyond2To53, Loss::ExpandedYear]),
                Dialect::Yaml => Losses::of(&[Loss::Beyond2To53, Loss::ExpandedYear]),
            },
        }
    }
}

/// The keys of objects, each behind what separates it from the value before.
fn keys(fields: &Fields, dialect: Dialect) -> Vec<String> {
    let key = |(index, field): (usize, &FieldRef)| {
        let mut key = String::from(if index == 0 { "{" } else { dialect.comma() });
        dialect.push_string(&mut key, field.name());
        key + dialect.colon()
    };
    fields.iter().enumerate().map(key).collect()
}

impl TextRows for ObjectRows {
    fn head(&self) -> String {
        String::from(if self.layout == Layout::Array { "[" } else { "" })
    }

    fn before(&self, first: bool) -> &'static str {
        match (self.layout, first) {
            (Layout::Lines, _) => "",
            (Layout::Sequence, _) => "- ",
            (Layout::Array, true) => "\n",
            (Layout::Array, false) => ",\n",
        }
    }

    fn push_row(
        &self,
        out: &mut String,
        columns: &[Cells<'_>],
        row: usize,
        number: u64,
        cells: &mut CellCounts,
    ) -> Result<(), ExportError> {
        if self.fields.is_empty() {
            out.push('{');
        }
        for (index, (field, column)) in self.fields.iter().zip(columns).enumerate() {
            out.push_str(&self.keys[index]);
            match column.text(row) {
                Some(Some(text)) => {
                    self.style.dialect.push_string(out, text);
                    continue;
                }
                Some(None) => {
                    out.push_str("null");
                    continue;
                }
                None => {}
            }
            let mut losses = Losses::default();
            push_value(out, field, column.array, row, self.style, &mut losses)
                .map_err(|fault| at(fault, field, number))?;
            cells.add(index, losses.only(self.counted));
        }
        out.push_str(if self.layout == Layout::Array { "}" } else { "}\n" });
        Ok(())
    }

    fn tail(&self, any_rows: bool) -> &'static str {
        match (self.layout, any_rows) {
            (Layout::Lines, _) | (Layout::Sequence, true) => "",
            (Layout::Array, true) => "\n]\n",
            (Layout::Array, false) => "]\n",
            (Layout::Sequence, false) => "[]\n",
        }
    }
}
