//! YAML: a block sequence with one flow map a row, every key and text in double quotes.
//!
//! `- {"id": 7, "note": "yes"}`: no plain texts, tags, anchors or folded lines, so that no reader of YAML 1.1 or 1.2
//! guesses. Not a number and the infinities are `.nan`, `.inf` and `-.inf`. Absent: documents, comments.

use arrow::datatypes::{Field, SchemaRef};

use crate::cell::{Dialect, TextStyle};
use crate::error::ExportError;
use crate::export::PartBytes;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::objects::{Layout, ObjectRows, kind};
use crate::text::TextFile;

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
        out: &'a mut dyn PartBytes,
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        let style = TextStyle { dialect: Dialect::Yaml, ..TextStyle::in_zone(options.timezone) };
        TextFile::part(ObjectRows::new(schema.fields(), Layout::Sequence, style), schema, out)
    }
}
