//! A function of the values of one row, with arguments of fixed kinds.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::common::{exec_datafusion_err, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use schemas::{CivilZone, ColumnType, Pause};

use crate::sketch::Sketch;

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// An instant.
    Instant,
    /// Pauses, as `dsr.v1` has them.
    Pauses,
    /// A whole number.
    Whole,
    /// A sketch, as `latency_sketch` gives it.
    Sketch,
}

/// Whether values of a type are bytes.
pub(super) fn is_bytes(of: &DataType) -> bool {
    matches!(of, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

impl Kind {
    fn wants(self) -> DataType {
        match self {
            Self::Text => ColumnType::Str.arrow(),
            Self::Instant => ColumnType::Ts.arrow(),
            Self::Pauses => ColumnType::PAUSES.arrow(),
            Self::Whole => ColumnType::I64.arrow(),
            Self::Sketch => ColumnType::Binary.arrow(),
        }
    }

    fn takes(self, given: &DataType) -> bool {
        let text = matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        given.is_null()
            || match self {
                Self::Text => text,
                Self::Instant => text || matches!(given, DataType::Timestamp(..)),
                // A cast would take fields by position and make an end of a start.
                Self::Pauses => *given == self.wants(),
                Self::Whole => given.is_integer(),
                Self::Sketch => is_bytes(given),
            }
    }
}

/// What a function makes of one row; a null of it stays null.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    /// An instant.
    Instant(fn(&Row<'_>) -> Result<Option<DateTime<Utc>>>),
    /// A whole number.
    Whole(fn(&Row<'_>) -> Result<Option<i64>>),
    /// A text.
    Text(fn(&Row<'_>) -> Result<Option<String>>),
}

/// A SQL function.
#[derive(Debug)]
pub(super) struct RowFunction {
    name: &'static str,
    arguments: &'static [(&'static str, Kind)],
    of: Of,
    signature: Signature,
}

impl RowFunction {
    pub(super) fn new(name: &'static str, arguments: &'static [(&'static str, Kind)], of: Of) -> Self {
        Self { name, arguments, of, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl PartialEq for RowFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for RowFunction {}

impl Hash for RowFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for RowFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let fits = given.len() == self.arguments.len()
            && self.arguments.iter().zip(given).all(|((_, kind), given)| kind.takes(given));
        if !fits {
            let wanted = self.arguments.iter().map(|(name, kind)| match kind {
                Kind::Text => format!("{name} text"),
                Kind::Instant => format!("{name} timestamp"),
                Kind::Pauses => format!("{name} {}", ColumnType::PAUSES.name()),
                Kind::Whole => format!("{name} whole number"),
                Kind::Sketch => format!("{name} binary"),
            });
            return plan_err!("{} takes ({})", self.name, wanted.collect::<Vec<_>>().join(", "));
        }
        Ok(self.arguments.iter().map(|(_, kind)| kind.wants()).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.of {
            Of::Instant(_) => ColumnType::Ts.arrow(),
            Of::Whole(_) => ColumnType::I64.arrow(),
            Of::Text(_) => ColumnType::Str.arrow(),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns: Vec<ArrayRef> =
            args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<_>>()?;
        let rows = (0..args.number_rows).map(|at| Row { columns: &columns, at });
        let array: ArrayRef = match self.of {
            Of::Instant(of) => {
                let micros = rows.map(|row| Ok(of(&row)?.map(|at| at.timestamp_micros())));
                let micros = micros.collect::<Result<TimestampMicrosecondArray>>()?;
                Arc::new(micros.with_timezone("UTC"))
            }
            Of::Whole(of) => Arc::new(rows.map(|row| of(&row)).collect::<Result<Int64Array>>()?),
            Of::Text(of) => Arc::new(rows.map(|row| of(&row)).collect::<Result<StringArray>>()?),
        };
        Ok(ColumnarValue::Array(array))
    }
}

/// The arguments of one call.
#[derive(Debug)]
pub(super) struct Row<'a> {
    columns: &'a [ArrayRef],
    at: usize,
}

impl Row<'_> {
    /// A text argument.
    pub(super) fn text(&self, argument: usize) -> Option<&str> {
        let column = &self.columns[argument];
        column.is_valid(self.at).then(|| column.as_string::<i32>().value(self.at))
    }

    /// An argument that is an instant.
    pub(super) fn instant(&self, argument: usize) -> Option<DateTime<Utc>> {
        instant(&self.columns[argument], self.at)
    }

    /// A whole number.
    pub(super) fn whole(&self, argument: usize) -> Option<i64> {
        let column = &self.columns[argument];
        column.is_valid(self.at).then(|| column.as_primitive::<Int64Type>().value(self.at))
    }

    /// An argument that is a sketch.
    pub(super) fn sketch(&self, argument: usize) -> Result<Option<Sketch>> {
        let column = &self.columns[argument];
        if column.is_null(self.at) {
            return Ok(None);
        }
        let sketch = Sketch::from_bytes(column.as_binary::<i32>().value(self.at));
        sketch.map(Some).map_err(|error| exec_datafusion_err!("{error}"))
    }

    /// An argument that names a zone.
    pub(super) fn zone(&self, argument: usize) -> Result<Option<CivilZone>> {
        let Some(name) = self.text(argument) else { return Ok(None) };
        match CivilZone::parse(name) {
            Some(zone) => Ok(Some(zone)),
            None => exec_err!("\"{name}\" is not an IANA zone; write for example Europe/Berlin"),
        }
    }

    /// The pauses that had begun by `until`, as days; one that goes on, or ends later, ends there. What has no start
    /// or no reason is no pause: it would move a deadline, and nobody could say why.
    pub(super) fn pauses(&self, argument: usize, zone: CivilZone, until: NaiveDate) -> Vec<Pause> {
        let column = &self.columns[argument];
        if column.is_null(self.at) {
            return Vec::new();
        }
        let items = column.as_list::<i32>().value(self.at);
        let items = items.as_struct();
        let [from, to, reason] = items.columns() else { return Vec::new() };
        let reasons = reason.as_string::<i32>();
        let pause = |item: usize| {
            let from = zone.day_of(instant(from, item)?);
            let to = instant(to, item).map_or(until, |to| zone.day_of(to)).min(until);
            let reason = reasons.is_valid(item).then(|| reasons.value(item).to_owned())?;
            (from <= until).then_some(Pause { from, to, reason })
        };
        (0..items.len()).filter(|item| items.is_valid(*item)).filter_map(pause).collect()
    }
}

fn instant(column: &ArrayRef, at: usize) -> Option<DateTime<Utc>> {
    let instants = column.as_primitive::<TimestampMicrosecondType>();
    instants.is_valid(at).then(|| DateTime::from_timestamp_micros(instants.value(at))).flatten()
}
