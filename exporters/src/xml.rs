//! XML 1.0 with an XML Schema beside it.
//!
//! `<export xmlns="urn:auditlake:export:1"><row>…</row></export>`: an element per column, in order. Names are escaped as
//! SQL/XML (ISO/IEC 9075-14) does, one to one. A null is `xsi:nil`; a text with a character that XML forbids is base64
//! of its UTF-8, said by `enc`. Absent: entities, document types, processing instructions.

mod names;
mod xsd;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, SchemaRef};
use chrono_tz::Tz;
use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use crate::cell::{CellFault, CellKind, Cells, Repacked, TextStyle, base64, push_cell, repacked, text};
use crate::error::ExportError;
use crate::export::PartBytes;
use crate::export::{Exporter, PartWriter};
use crate::format::{ExportOptions, Format};
use crate::losses::{CellCounts, Loss, Losses};
use crate::rows::at;
use crate::text::{TextFile, TextRows};

use names::element_name;
pub(crate) use xsd::schema_type;

/// The namespace of the elements.
const NAMESPACE: &str = "urn:auditlake:export:1";
/// Where the schema stands.
const XSD_NAME: &str = "part-00001.xsd";

/// The exporter.
#[derive(Debug)]
pub(crate) struct Xml;

impl Exporter for Xml {
    fn format(&self) -> Format {
        Format::Xml
    }

    fn written_as(&self, field: &Field) -> String {
        schema_type(field).map_or_else(|| "elements".to_owned(), str::to_owned)
    }

    fn beside(&self, schema: &SchemaRef) -> Option<(&'static str, String)> {
        Some((XSD_NAME, xsd::schema(schema.fields())))
    }

    fn start<'a>(
        &self,
        schema: &SchemaRef,
        options: &ExportOptions,
        out: &'a mut dyn PartBytes,
    ) -> Result<Box<dyn PartWriter + 'a>, ExportError> {
        TextFile::part(XmlRows::new(schema.fields(), options.timezone), schema, out)
    }
}

/// Rows as elements.
struct XmlRows {
    fields: Fields,
    names: Vec<String>,
    counted: Losses,
    zone: Option<Tz>,
}

impl XmlRows {
    fn new(fields: &Fields, zone: Option<Tz>) -> Self {
        let names = fields.iter().map(|field| element_name(field.name())).collect();
        Self { fields: fields.clone(), names, counted: Losses::of(&[Loss::Base64, Loss::ExpandedYear]), zone }
    }
}

impl TextRows for XmlRows {
    fn head(&self) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<export xmlns=\"{NAMESPACE}\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n"
        )
    }

    fn before(&self, _first: bool) -> &'static str {
        ""
    }

    fn push_row(
        &self,
        out: &mut String,
        columns: &[Cells<'_>],
        row: usize,
        number: u64,
        cells: &mut CellCounts,
    ) -> Result<(), ExportError> {
        let mut elements = Elements { writer: Writer::new(Vec::new()), losses: Losses::default(), zone: self.zone };
        out.push_str("<row>");
        for (index, (field, column)) in self.fields.iter().zip(columns).enumerate() {
            elements.losses = Losses::default();
            elements.push(&self.names[index], field, column.array, row).map_err(|fault| at(fault, field, number))?;
            cells.add(index, elements.losses.only(self.counted));
        }
        out.push_str(&String::from_utf8_lossy(&elements.writer.into_inner()));
        out.push_str("</row>\n");
        Ok(())
    }

    fn tail(&self, _any_rows: bool) -> &'static str {
        "</export>\n"
    }
}

/// The elements of one row.
struct Elements {
    writer: Writer<Vec<u8>>,
    losses: Losses,
    zone: Option<Tz>,
}

impl Elements {
    /// A cell as an element of this name.
    fn push(&mut self, name: &str, field: &Field, array: &dyn Array, row: usize) -> Result<(), CellFault> {
        match repacked(array, row) {
            Repacked::Plain if array.is_null(row) => self.push_nil(name),
            Repacked::Null => self.push_nil(name),
            Repacked::Value(values, index) => self.push(name, field, values, index),
            Repacked::Plain if array.data_type().is_nested() => self.push_nested(name, array, row),
            Repacked::Plain => self.push_plain(name, field, array, row),
        }
    }

    fn push_plain(&mut self, name: &str, field: &Field, array: &dyn Array, row: usize) -> Result<(), CellFault> {
        if let Some(text) = text(array, row) {
            return self.push_text(name, text);
        }
        let mut value = String::new();
        if push_cell(&mut value, field, array, row, TextStyle::in_zone(self.zone), &mut self.losses)? == CellKind::Null
        {
            return self.push_nil(name);
        }
        let value = lexical(&value, array.data_type()).ok_or_else(|| CellFault::NoXml(value.clone()))?;
        self.event(Event::Start(BytesStart::new(name)))?;
        self.event(Event::Text(BytesText::from_escaped(value)))?;
        self.event(Event::End(BytesEnd::new(name)))
    }

    fn push_text(&mut self, name: &str, text: &str) -> Result<(), CellFault> {
        let mut start = BytesStart::new(name);
        let mut content = String::with_capacity(text.len());
        if text.chars().any(is_forbidden) {
            self.losses.note(Loss::Base64);
            start.push_attribute(("enc", "base64"));
            base64(&mut content, text.as_bytes());
        } else {
            push_escaped(&mut content, text);
        }
        self.event(Event::Start(start))?;
        self.event(Event::Text(BytesText::from_escaped(content)))?;
        self.event(Event::End(BytesEnd::new(name)))
    }

    fn push_nil(&mut self, name: &str) -> Result<(), CellFault> {
        let mut nil = BytesStart::new(name);
        nil.push_attribute(("xsi:nil", "true"));
        self.event(Event::Empty(nil))
    }

    fn push_nested(&mut self, name: &str, array: &dyn Array, row: usize) -> Result<(), CellFault> {
        self.event(Event::Start(BytesStart::new(name)))?;
        match array.data_type() {
            DataType::List(item) => self.push_items(item, array.as_list::<i32>().value(row).as_ref())?,
            DataType::LargeList(item) => self.push_items(item, array.as_list::<i64>().value(row).as_ref())?,
            DataType::ListView(item) => self.push_items(item, array.as_list_view::<i32>().value(row).as_ref())?,
            DataType::LargeListView(item) => self.push_items(item, array.as_list_view::<i64>().value(row).as_ref())?,
            DataType::FixedSizeList(item, _) => {
                self.push_items(item, array.as_fixed_size_list().value(row).as_ref())?
            }
            DataType::Struct(fields) => {
                for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                    self.push(&element_name(field.name()), field, column.as_ref(), row)?;
                }
            }
            DataType::Map(_, _) => {
                let entries = array.as_map().value(row);
                for entry in 0..entries.len() {
                    self.event(Event::Start(BytesStart::new("entry")))?;
                    for (name, (field, column)) in
                        ["key", "value"].into_iter().zip(entries.fields().iter().zip(entries.columns()))
                    {
                        self.push(name, field, column.as_ref(), entry)?;
                    }
                    self.event(Event::End(BytesEnd::new("entry")))?;
                }
            }
            other => return Err(CellFault::Unsupported(other.clone())),
        }
        self.event(Event::End(BytesEnd::new(name)))
    }

    fn push_items(&mut self, item: &Field, values: &dyn Array) -> Result<(), CellFault> {
        (0..values.len()).try_for_each(|row| self.push("item", item, values, row))
    }

    /// Memory never refuses.
    fn event(&mut self, event: Event<'_>) -> Result<(), CellFault> {
        self.writer.write_event(event).map_err(|error| CellFault::NoXml(error.to_string()))
    }
}

/// What XML 1.0 holds in no way, escaped or not.
fn is_forbidden(letter: char) -> bool {
    matches!(letter, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// A carriage return is escaped, because a parser would read it as the end of a line.
fn push_escaped(out: &mut String, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b'&' | b'<' | b'>' | b'\r')) {
        out.push_str(text);
        return;
    }
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            _ => out.push(letter),
        }
    }
}

/// The text of a cell in the lexical form of its type in XML Schema 1.0; none if it has none.
fn lexical<'a>(value: &'a str, data_type: &DataType) -> Option<std::borrow::Cow<'a, str>> {
    use std::borrow::Cow;
    match data_type {
        _ if data_type.is_floating() => Some(Cow::Borrowed(match value {
            "Infinity" => "INF",
            "-Infinity" => "-INF",
            other => other,
        })),
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) => {
            let (sign, digits) = match value.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", value.strip_prefix('+').unwrap_or(value)),
            };
            let (year, rest) = digits.split_once('-')?;
            // The parts of a year print with six digits at least where it is not plain.
            let plain = year.trim_start_matches('0');
            (!plain.is_empty()).then(|| match plain.len() == year.len() || year.len() == 4 {
                true if sign.is_empty() => Cow::Owned(format!("{year}-{rest}")),
                _ => Cow::Owned(format!("{sign}{plain:0>4}-{rest}")),
            })
        }
        DataType::Interval(IntervalUnit::DayTime | IntervalUnit::MonthDayNano | IntervalUnit::YearMonth) => {
            // One sign, and that in front: parts with signs of their own are no duration.
            (!value.trim_start_matches('-').contains('-')).then_some(Cow::Borrowed(value))
        }
        _ => Some(Cow::Borrowed(value)),
    }
}

#[cfg(test)]
mod tests;
