//! YAML: a block sequence with one flow map a row, every key and text in double quotes.
//!
//! `- {"id": 7, "note": "yes"}`: no plain texts, tags, anchors or folded lines, so that no reader of YAML 1.1 or 1.2
//! guesses. Not a number and the infinities are `.nan`, `.inf` and `-.inf`. Absent: documents, comments.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Fields, SchemaRef};
use chrono_tz::Tz;

use crate::cell::{Dialect, TextStyle, push_value};
use crate::error::ExportError;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::json::{keys, kind};
use crate::losses::{CellCounts, Loss, Losses};
use crate::rows::{at, check_names, check_types};
use crate::text::{TextFile, TextRows};

/// Characters of a key that readers still accept.
const KEY_CHARACTERS: usize = 1_024;

/// The exporter.
#[derive(Debug)]
pub(crate) struct Yaml;

impl Exporter for Yaml {
    fn format(&self) -> Format {
        Format::Yaml
    }

    fn check(&self, schema: &SchemaRef) -> Result<(), ExportError> {
        check_types(schema)?;
        check_names(schema)?;
        match schema.fields().iter().find(|field| field.name().chars().count() > KEY_CHARACTERS) {
            Some(field) => Err(ExportError::LongName {
                column: field.name().chars().take(40).collect(),
                format: Format::Yaml,
                limit: KEY_CHARACTERS,
            }),
            None => Ok(()),
        }
    }

    fn written_as(&self, field: &Field) -> String {
        kind(field.data_type()).to_owned()
    }

    fn start<'a>(
        &self,
        schema: &SchemaRef,
        options: &ExportOptions,
        out: &'a mut (dyn Write + Send),
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        Ok(Box::new(TextFile::start(YamlRows::new(schema.fields(), options.timezone), schema.fields(), out)?))
    }
}

/// Rows as flow maps.
struct YamlRows {
    fields: Fields,
    /// `"name": ` of every column, escaped once.
    keys: Vec<String>,
    style: TextStyle,
    counted: Losses,
}

impl YamlRows {
    fn new(fields: &Fields, zone: Option<Tz>) -> Self {
        let style = TextStyle { dialect: Dialect::Yaml, ..TextStyle::in_zone(zone) };
        let counted = Losses::of(&[Loss::Beyond2To53, Loss::ExpandedYear]);
        Self { fields: fields.clone(), keys: keys(fields, Dialect::Yaml), style, counted }
    }
}

impl TextRows for YamlRows {
    fn head(&self) -> String {
        String::new()
    }

    fn before(&self, _first: bool) -> &'static str {
        "- "
    }

    fn push_row(
        &self,
        out: &mut String,
        batch: &RecordBatch,
        row: usize,
        number: u64,
        cells: &mut CellCounts,
    ) -> Result<(), ExportError> {
        if self.fields.is_empty() {
            out.push('{');
        }
        for (index, (field, column)) in self.fields.iter().zip(batch.columns()).enumerate() {
            out.push_str(&self.keys[index]);
            let mut losses = Losses::default();
            push_value(out, field, column.as_ref(), row, self.style, &mut losses)
                .map_err(|fault| at(fault, field, number))?;
            cells.add(index, losses.only(self.counted));
        }
        out.push_str("}\n");
        Ok(())
    }

    fn tail(&self, any_rows: bool) -> &'static str {
        if any_rows { "" } else { "[]\n" }
    }
}
