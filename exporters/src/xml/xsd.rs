//! The XML Schema 1.0 of an export.

use arrow::datatypes::{DataType, Field, Fields};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::names::element_name;
use super::{NAMESPACE, is_forbidden};
use crate::cell::{base64, is_text, plain};

/// The simple type of a column; none where it has elements of its own.
pub(crate) fn schema_type(field: &Field) -> Option<&'static str> {
    simple_type(field.data_type(), field.extension_type_name())
}

fn simple_type(data_type: &DataType, extension: Option<&str>) -> Option<&'static str> {
    Some(match plain(data_type) {
        DataType::Boolean => "xs:boolean",
        DataType::Int8 => "xs:byte",
        DataType::Int16 => "xs:short",
        DataType::Int32 => "xs:int",
        DataType::Int64 => "xs:long",
        DataType::UInt8 => "xs:unsignedByte",
        DataType::UInt16 => "xs:unsignedShort",
        DataType::UInt32 => "xs:unsignedInt",
        DataType::UInt64 => "xs:unsignedLong",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "xs:double",
        DataType::Decimal32(_, _) | DataType::Decimal64(_, _) => "xs:decimal",
        DataType::Decimal128(_, _) | DataType::Decimal256(_, _) => "xs:decimal",
        DataType::Date32 | DataType::Date64 => "xs:date",
        DataType::Time32(_) | DataType::Time64(_) => "xs:time",
        DataType::Timestamp(_, _) => "xs:dateTime",
        DataType::Duration(_) | DataType::Interval(_) => "xs:duration",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "xs:base64Binary",
        DataType::FixedSizeBinary(16) if extension == Some("arrow.uuid") => "xs:string",
        DataType::FixedSizeBinary(_) => "xs:hexBinary",
        other if other.is_nested() => return None,
        _ => "xs:string",
    })
}

/// The schema of rows with these columns.
pub(super) fn schema(fields: &Fields) -> String {
    let mut xsd = Xsd(Writer::new_with_indent(Vec::new(), b' ', 2));
    xsd.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    let root = [
        ("xmlns:xs", "http://www.w3.org/2001/XMLSchema"),
        ("xmlns", NAMESPACE),
        ("targetNamespace", NAMESPACE),
        ("elementFormDefault", "qualified"),
    ];
    xsd.within("xs:schema", &root, |xsd| {
        xsd.within("xs:complexType", &[("name", "text")], |xsd| {
            xsd.within("xs:simpleContent", &[], |xsd| {
                xsd.within("xs:extension", &[("base", "xs:string")], |xsd| {
                    xsd.empty("xs:attribute", &[("name", "enc"), ("type", "xs:string"), ("fixed", "base64")]);
                });
            });
        });
        xsd.within("xs:element", &[("name", "export")], |xsd| {
            xsd.sequence(|xsd| {
                let row = [("name", "row"), ("minOccurs", "0"), ("maxOccurs", "unbounded")];
                xsd.within("xs:element", &row, |xsd| xsd.fields(fields));
            });
        });
    });
    let mut text = String::from_utf8(xsd.0.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

struct Xsd(Writer<Vec<u8>>);

impl Xsd {
    /// Memory never refuses.
    fn event(&mut self, event: Event<'_>) {
        self.0.write_event(event).unwrap_or_default();
    }

    fn within(&mut self, name: &str, attributes: &[(&str, &str)], inside: impl FnOnce(&mut Self)) {
        self.event(Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
        inside(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Empty(BytesStart::new(name).with_attributes(attributes.iter().copied())));
    }

    fn sequence(&mut self, inside: impl FnOnce(&mut Self)) {
        self.within("xs:complexType", &[], |xsd| xsd.within("xs:sequence", &[], inside));
    }

    fn fields(&mut self, fields: &Fields) {
        self.sequence(|xsd| {
            for field in fields {
                xsd.element(&element_name(field.name()), field, &[], Some(field.name()));
            }
        });
    }

    /// The element of a field; `column` is its true name, where the name of the element may be another.
    fn element(&mut self, name: &str, field: &Field, more: &[(&str, &str)], column: Option<&str>) {
        let data_type = unpacked(field.data_type());
        let mut attributes = vec![("name", name), ("nillable", "true")];
        attributes.extend(more);
        if is_text(data_type) {
            attributes.push(("type", "text"));
        } else if let Some(simple) = schema_type(field) {
            attributes.push(("type", simple));
        }
        self.within("xs:element", &attributes, |xsd| {
            if let Some(column) = column {
                xsd.within("xs:annotation", &[], |xsd| xsd.true_name(column));
            }
            xsd.content(data_type);
        });
    }

    fn true_name(&mut self, column: &str) {
        let mut coded = String::new();
        let (attributes, text): (&[_], _) = if column.chars().any(is_forbidden) {
            base64(&mut coded, column.as_bytes());
            (&[("source", "base64")], coded.as_str())
        } else {
            (&[], column)
        };
        self.event(Event::Start(BytesStart::new("xs:appinfo").with_attributes(attributes.iter().copied())));
        self.event(Event::Text(BytesText::new(text)));
        self.event(Event::End(BytesEnd::new("xs:appinfo")));
    }

    fn content(&mut self, data_type: &DataType) {
        let many = [("minOccurs", "0"), ("maxOccurs", "unbounded")];
        match data_type {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _) => self.sequence(|xsd| xsd.element("item", item, &many, None)),
            DataType::Struct(fields) => self.fields(fields),
            DataType::Map(entries, _) => {
                let DataType::Struct(fields) = entries.data_type() else { return };
                self.sequence(|xsd| {
                    let mut entry = vec![("name", "entry")];
                    entry.extend(many);
                    xsd.within("xs:element", &entry, |xsd| {
                        xsd.sequence(|xsd| {
                            for (name, field) in ["key", "value"].into_iter().zip(fields) {
                                xsd.element(name, field, &[], None);
                            }
                        });
                    });
                });
            }
            _ => {}
        }
    }
}

fn unpacked(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => unpacked(values),
        DataType::RunEndEncoded(_, values) => unpacked(values.data_type()),
        other => other,
    }
}
