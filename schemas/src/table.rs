//! How a table is described: columns with their meaning, in a form that Arrow, docs and checks share.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// Ending of the table that shows every revision of a dataset's rows, those no longer in force included.
pub const HISTORY_ENDING: &str = "_history";

/// Type of a column, in the few forms the schemas use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Str,
    /// True or false.
    Bool,
    /// 16-bit signed.
    I16,
    /// 32-bit signed.
    I32,
    /// 64-bit signed.
    I64,
    /// 64-bit float: places, confidences, metrics and scores only.
    F64,
    /// Exact decimal number in 128 bits; a value that does not fit is refused, never rounded.
    Dec {
        /// Digits in all, at most 38.
        precision: u8,
        /// Digits after the point.
        scale: i8,
    },
    /// Microseconds since the epoch, UTC.
    Ts,
    /// SHA-256, 32 bytes.
    Hash,
    /// Bytes.
    Binary,
    /// List of text.
    StrList,
    /// Map from text to text.
    StrMap,
    /// List of structs: names and types of their fields.
    Structs(&'static [(&'static str, ColumnType)]),
}

impl ColumnType {
    /// Changed fields with salted hashes of the old and new value.
    pub const CHANGES: Self =
        Self::Structs(&[("field", Self::Str), ("old_hash", Self::Hash), ("new_hash", Self::Hash)]);

    /// When a clock stood still and why; a pause that goes on has no end.
    pub const PAUSES: Self = Self::Structs(&[("from", Self::Ts), ("to", Self::Ts), ("reason", Self::Str)]);

    /// Who else was asked to act on a request, and when each confirmed it.
    pub const PROCESSORS: Self =
        Self::Structs(&[("name", Self::Str), ("asked_at", Self::Ts), ("acknowledged_at", Self::Ts)]);

    /// What a score is made of: points by name, and what they refer to.
    pub const FACTORS: Self = Self::Structs(&[("name", Self::Str), ("points", Self::I32), ("ref", Self::Str)]);

    /// The Arrow type as it stands in files.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Str => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::I16 => DataType::Int16,
            Self::I32 => DataType::Int32,
            Self::I64 => DataType::Int64,
            Self::F64 => DataType::Float64,
            Self::Dec { precision, scale } => DataType::Decimal128(precision, scale),
            Self::Ts => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Hash => DataType::FixedSizeBinary(32),
            Self::Binary => DataType::Binary,
            Self::StrList => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
            Self::StrMap => {
                let entry = Fields::from(vec![
                    Field::new("keys", DataType::Utf8, false),
                    Field::new("values", DataType::Utf8, true),
                ]);
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false)
            }
            Self::Structs(fields) => {
                let fields = fields.iter().map(|(name, kind)| Field::new(*name, kind.arrow(), true));
                DataType::List(Arc::new(Field::new("item", DataType::Struct(fields.collect()), true)))
            }
        }
    }

    /// The name that `auditlake sql` and the guide use for the type.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Str => "str",
            Self::Bool => "bool",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F64 => "f64",
            Self::Dec { precision, scale } => return Cow::Owned(format!("dec({precision},{scale})")),
            Self::Ts => "ts",
            Self::Hash => "hash",
            Self::Binary => "binary",
            Self::StrList => "list<str>",
            Self::StrMap => "map<str,str>",
            Self::Structs(fields) => {
                let fields: Vec<String> = fields.iter().map(|(name, kind)| format!("{name}:{}", kind.name())).collect();
                return Cow::Owned(format!("list<struct<{}>>", fields.join(", ")));
            }
        })
    }
}

/// Whether every file has the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Always there and never null.
    Required,
    /// Always there, may hold nulls.
    Core,
    /// A lake may leave it out; a control that needs it then is not evaluated.
    Optional,
}

/// One column and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name in files and in SQL.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// Whether it is always there.
    pub presence: Presence,
    /// What it holds, in one line.
    pub doc: &'static str,
}

impl Column {
    /// A column that is always there and never null.
    pub const fn required(name: &'static str, kind: ColumnType, doc: &'static str) -> Self {
        Self { name, kind, presence: Presence::Required, doc }
    }

    /// A column that is always there and may hold nulls.
    pub const fn core(name: &'static str, kind: ColumnType, doc: &'static str) -> Self {
        Self { name, kind, presence: Presence::Core, doc }
    }

    /// A column that a lake may leave out.
    pub const fn optional(name: &'static str, kind: ColumnType, doc: &'static str) -> Self {
        Self { name, kind, presence: Presence::Optional, doc }
    }

    /// The Arrow field as it stands in files.
    pub fn field(&self) -> Field {
        Field::new(self.name, self.kind.arrow(), self.presence != Presence::Required)
    }
}

/// A named, versioned table.
#[derive(Debug, Clone, Copy)]
pub struct TableSchema {
    /// Name with version, for example `audit.v1`.
    pub name: &'static str,
    /// What one row is.
    pub doc: &'static str,
    /// The column of event time; partitions follow its UTC day.
    pub time: Option<&'static str>,
    /// The column whose value says whose row it is.
    pub tenant: &'static str,
    /// Columns that name a natural person.
    pub subjects: &'static [&'static str],
    /// Columns that name one thing of a tenant; where there is a column `revision`, rows of one key are revisions.
    pub key: &'static [&'static str],
    /// Order of rows in a file.
    pub sort: &'static [&'static str],
    /// Whether rows lie in `tenant=…/date=…` folders.
    pub partitioned: bool,
    /// All columns, in order.
    pub columns: &'static [Column],
}

impl TableSchema {
    /// The column that ids of rows stand in: the last one of the key that holds text; none where rows have no ids.
    ///
    /// ```
    /// assert_eq!(schemas::AUDIT.id_column(), Some("event_id"));
    /// ```
    pub fn id_column(&self) -> Option<&'static str> {
        let is_text = |name: &&&str| self.column(name).is_some_and(|column| column.kind == ColumnType::Str);
        self.key.iter().rfind(is_text).copied()
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether rows of one key are revisions of one thing, of which the highest is in force.
    pub fn has_revisions(&self) -> bool {
        self.column("revision").is_some()
    }

    /// Whether numbers must keep all their digits.
    pub fn has_decimals(&self) -> bool {
        self.columns.iter().any(|column| matches!(column.kind, ColumnType::Dec { .. }))
    }

    /// All columns as an Arrow schema, in order.
    pub fn arrow(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>()))
    }
}
