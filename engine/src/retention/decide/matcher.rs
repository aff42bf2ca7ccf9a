//! Which rows a rule or a case is about, compiled: conditions that must all be met.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use chrono::{DateTime, TimeDelta, Utc};
use schemas::{Dataset, DatasetId, Pattern, RowMatch};

use super::OpenCase;
use super::age::{Edge, NEVER, instants, micros};
use super::error::DecideError;
use super::facts::GroupFacts;
use super::words::{Marks, Words};
use crate::subject::{Naming, Persons};

/// Column with the type of an event.
pub(super) const EVENT_TYPE: &str = "event_type";
/// Column with the classes of a row's data.
const DATA_CLASSES: &str = "data_classes";

/// Rows of a batch, with the instants that their ages are counted from.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    batch: &'a RecordBatch,
    dataset: &'a str,
    time: Option<&'a dyn Array>,
    /// The last instant that each row's time stands for.
    pub(super) instants: Vec<i64>,
}

impl<'a> Rows<'a> {
    /// Reads the times of a batch; no row of a dataset without a time column has one.
    pub(super) fn new(batch: &'a RecordBatch, dataset: &'a str, time: Option<&str>) -> Result<Self, DecideError> {
        let Some(name) = time else {
            return Ok(Self { batch, dataset, time: None, instants: vec![NEVER; batch.num_rows()] });
        };
        let Some(column) = batch.column_by_name(name) else {
            return Err(DecideError::TimeAbsent { dataset: dataset.to_owned(), column: name.to_owned() });
        };
        let Some(instants) = instants(column, Edge::Last) else {
            return Err(DecideError::TimeType {
                dataset: dataset.to_owned(),
                column: name.to_owned(),
                found: column.data_type().to_string(),
            });
        };
        Ok(Self { batch, dataset, time: Some(column), instants })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether the batch has the column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.batch.column_by_name(column).is_some()
    }
}

/// Conditions that a row must all meet.
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher(Vec<Condition>);

#[derive(Debug, Clone)]
enum Condition {
    /// A column has one of the words; a column that is not there is NULL.
    Words { column: String, words: Words },
    /// The row has one of the classes, or else the dataset, whose answer is known where it has any.
    Classes { words: Words, dataset: Option<bool> },
    /// The row's time may lie in a range: from, and before.
    Within { column: Option<String>, from_us: i64, to_us: i64 },
    /// One of the columns names one of the persons; a column that is not there names nobody.
    Whose { dataset: DatasetId, columns: Vec<String>, persons: Arc<Persons> },
    /// The dataset has no column that could tell.
    Untold { what: &'static str },
}

impl Matcher {
    /// Rows that a rule is about.
    pub(super) fn of_rule(rows: &RowMatch, dataset: &Dataset) -> Self {
        let words = |column: &schemas::ColumnMatch| Condition::Words {
            column: column.column.clone(),
            words: Words::new(column.values.clone()),
        };
        let mut conditions: Vec<Condition> = rows.columns.iter().map(words).collect();
        if !rows.classes.is_empty() {
            let of_dataset = &dataset.data_classes;
            let is_met = of_dataset.iter().any(|class| rows.classes.contains(class));
            let dataset = (!of_dataset.is_empty()).then_some(is_met);
            conditions.push(Condition::Classes { words: Words::equal(&rows.classes), dataset });
        }
        Self(conditions)
    }

    /// Rows that a case holds, besides that it holds some of the dataset.
    pub(super) fn of_case(open: &OpenCase, dataset: &Dataset) -> Self {
        let (scope, mut conditions) = (&open.scope, Vec::new());
        if !scope.tenants.is_empty() {
            conditions.push(if dataset.tenant.is_empty() {
                Condition::Untold { what: "tenant" }
            } else {
                Condition::Words { column: dataset.tenant.clone(), words: Words::equal(&scope.tenants) }
            });
        }
        if !scope.event_types.is_empty() {
            conditions
                .push(Condition::Words { column: EVENT_TYPE.to_owned(), words: Words::new(scope.event_types.clone()) });
        }
        if scope.from.is_some() || scope.to.is_some() {
            let to_us = scope.to.map_or(NEVER, micros_up);
            let from_us = scope.from.map_or(i64::MIN, micros);
            conditions.push(Condition::Within { column: dataset.time.clone(), from_us, to_us });
        }
        if let Some(persons) = &open.whose {
            let whose = |columns: &[String]| Condition::Whose {
                dataset: dataset.id.clone(),
                columns: columns.to_vec(),
                persons: Arc::clone(persons),
            };
            conditions.push(match Naming::of(dataset) {
                Naming::Columns(columns) => whose(columns),
                Naming::Nowhere => whose(&[]),
                Naming::Untold => Condition::Untold { what: "person" },
            });
        }
        Self(conditions)
    }

    /// Rows of these types.
    pub(super) fn of_types(types: &[Pattern]) -> Self {
        Self(vec![Condition::Words { column: EVENT_TYPE.to_owned(), words: Words::new(types.to_vec()) }])
    }

    /// The columns it looks at, besides the time.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(Condition::columns)
    }

    /// Which rows meet it.
    pub(super) fn marks(&self, rows: &Rows<'_>) -> Result<Marks, DecideError> {
        let mut marks = Marks::all(rows.len());
        for condition in &self.0 {
            marks.and(&condition.marks(rows)?);
        }
        Ok(marks)
    }

    /// Whether a row of which facts are known could surely meet it.
    pub(super) fn may_meet(&self, facts: &GroupFacts) -> bool {
        self.0.iter().all(|condition| condition.may_meet(facts))
    }

    /// Whether one row meets it, and if nobody knows, the column that is NULL.
    pub(super) fn met(&self, row: &Rows<'_>) -> Result<Met, DecideError> {
        let mut met = Met::Yes;
        for condition in &self.0 {
            let marks = condition.marks(row)?;
            if !marks.maybe.has_true() {
                return Ok(Met::No);
            }
            if met == Met::Yes && !marks.yes.has_true() {
                met = Met::Unknown { column: condition.name().to_owned() };
            }
        }
        Ok(met)
    }

    /// The first pattern that one row surely meets, of a matcher of types.
    pub(super) fn pattern(&self, row: &Rows<'_>) -> Option<&Pattern> {
        self.0.iter().find_map(|condition| match condition {
            Condition::Words { column, words } => words.met_by(row.batch.column_by_name(column)?),
            _ => None,
        })
    }
}

impl Condition {
    fn columns(&self) -> impl Iterator<Item = &str> {
        let several = match self {
            Self::Whose { columns, .. } => columns.as_slice(),
            _ => &[],
        };
        self.column().into_iter().chain(several.iter().map(String::as_str))
    }

    /// The one column that decides.
    fn column(&self) -> Option<&str> {
        match self {
            Self::Words { column, .. } => Some(column),
            Self::Classes { .. } => Some(DATA_CLASSES),
            Self::Within { .. } | Self::Whose { .. } | Self::Untold { .. } => None,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Words { column, .. } => column,
            Self::Classes { .. } => DATA_CLASSES,
            Self::Within { column, .. } => column.as_deref().unwrap_or("time"),
            Self::Whose { .. } => "person",
            Self::Untold { what } => what,
        }
    }

    fn marks(&self, rows: &Rows<'_>) -> Result<Marks, DecideError> {
        match self {
            Self::Words { column, words } => match rows.batch.column_by_name(column) {
                None => Ok(Marks::unknown(rows.len())),
                Some(array) => words.marks(array).ok_or_else(|| DecideError::NoText {
                    dataset: rows.dataset.to_owned(),
                    column: column.clone(),
                    found: array.data_type().to_string(),
                }),
            },
            Self::Classes { words, dataset } => match rows.batch.column_by_name(DATA_CLASSES) {
                None => Ok(Words::unlisted(rows.len(), *dataset)),
                Some(array) => words.list_marks(array, *dataset).ok_or_else(|| DecideError::NoClasses {
                    dataset: rows.dataset.to_owned(),
                    column: DATA_CLASSES.to_owned(),
                    found: array.data_type().to_string(),
                }),
            },
            Self::Within { from_us, to_us, .. } => Ok(within(rows, *from_us, *to_us)),
            Self::Whose { dataset, columns, persons } => Ok(whose(rows, (dataset, columns), persons)),
            Self::Untold { .. } => Ok(Marks::unknown(rows.len())),
        }
    }

    fn may_meet(&self, facts: &GroupFacts) -> bool {
        let known = self.column().and_then(|column| facts.texts.get(column));
        let is_null = known.is_some_and(|known| known.nulls.is_some() && known.nulls == facts.rows);
        match self {
            Self::Words { words, .. } => {
                let is_outside = known.is_some_and(|known| match (&known.min, &known.max) {
                    // A smallest value above the largest was written by somebody who sorts otherwise.
                    (Some(min), Some(max)) => {
                        (min <= max || min.starts_with(max.as_str())) && !words.may_lie_between(min, max)
                    }
                    _ => false,
                });
                !is_null && !is_outside
            }
            Self::Classes { dataset, .. } => !is_null || *dataset == Some(true),
            Self::Within { .. } | Self::Whose { .. } | Self::Untold { .. } => true,
        }
    }
}

/// Rows that name one of the persons in some column.
fn whose(rows: &Rows<'_>, (dataset, columns): (&DatasetId, &[String]), persons: &Persons) -> Marks {
    let (mut yes, mut maybe) = (BooleanBuffer::new_unset(rows.len()), BooleanBuffer::new_unset(rows.len()));
    for (column, values) in columns.iter().filter_map(|column| Some((column, rows.batch.column_by_name(column)?))) {
        let named = persons.named(dataset, column, values);
        yes = &yes | &named.yes;
        maybe = &maybe | &named.maybe;
    }
    Marks { yes, maybe }
}

/// Rows whose time may lie in the range: of a date every instant counts.
fn within(rows: &Rows<'_>, from_us: i64, to_us: i64) -> Marks {
    let firsts = rows.time.and_then(|time| instants(time, Edge::First)).unwrap_or_else(|| rows.instants.clone());
    let is_date = rows.time.is_some_and(|time| matches!(time.data_type(), DataType::Date32 | DataType::Date64));
    let lasts = if is_date { &rows.instants } else { &firsts };
    let is_in = |row: usize| firsts[row] < to_us && lasts[row] >= from_us;
    let is_known = |row: usize| lasts[row] != NEVER;
    Marks {
        yes: BooleanBuffer::collect_bool(rows.len(), |row| is_known(row) && is_in(row)),
        maybe: BooleanBuffer::collect_bool(rows.len(), |row| !is_known(row) || is_in(row)),
    }
}

/// The instant in microseconds; finer parts are cut toward the future.
fn micros_up(at: DateTime<Utc>) -> i64 {
    at.checked_add_signed(TimeDelta::nanoseconds(999)).map_or(NEVER, micros)
}

/// Whether a row meets what a rule or a case says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "met", rename_all = "snake_case")]
pub enum Met {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Nobody knows: the column is NULL. It then counts for what protects and not for what demands.
    Unknown {
        /// The column.
        column: String,
    },
}
