//! Source columns and their fields, numbered while one plan is traced.

use std::collections::BTreeMap;

use datafusion_common::arrow::datatypes::{DataType, Field};

use crate::facts::DatasetName;

/// A column of a dataset or a field of one: `actor_id`, `actor.id`, `tags[]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceColumn {
    /// The dataset.
    pub dataset: DatasetName,
    /// Path of the column; a part that holds a dot or a bracket is quoted.
    pub column: String,
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A field of a struct, or the value under a key of a map.
    Field(String),
    /// An element of a list.
    Element,
}

/// A source column of the plan at hand.
pub(super) type SourceId = u32;

/// Every source column that a plan names.
#[derive(Debug, Default)]
pub(super) struct Sources {
    known: Vec<(SourceColumn, DataType)>,
    ids: BTreeMap<SourceColumn, SourceId>,
}

impl Sources {
    /// The number of a column.
    pub(super) fn column(&mut self, dataset: &DatasetName, field: &Field) -> SourceId {
        let column = SourceColumn { dataset: dataset.clone(), column: quoted(field.name()) };
        self.number(column, field.data_type())
    }

    /// The part of a source that a step leads to; none where it leads to no part that has a name.
    pub(super) fn part(&mut self, source: SourceId, step: &Step) -> Option<SourceId> {
        let (whole, data_type) = self.known.get(source as usize)?;
        let (path, data_type) = match (step, data_type) {
            (Step::Field(name), DataType::Struct(fields)) => {
                let field = fields.iter().find(|field| field.name() == name)?;
                (format!("{}.{}", whole.column, quoted(name)), field.data_type().clone())
            }
            (
                Step::Element,
                DataType::List(field)
                | DataType::LargeList(field)
                | DataType::FixedSizeList(field, _)
                | DataType::ListView(field)
                | DataType::LargeListView(field),
            ) => (format!("{}[]", whole.column), field.data_type().clone()),
            (Step::Field(_) | Step::Element, _) => return None,
        };
        let part = SourceColumn { dataset: whole.dataset.clone(), column: path };
        Some(self.number(part, &data_type))
    }

    /// The column of a number that this gave.
    pub(super) fn named(&self, source: SourceId) -> Option<&SourceColumn> {
        self.known.get(source as usize).map(|(column, _)| column)
    }

    fn number(&mut self, column: SourceColumn, data_type: &DataType) -> SourceId {
        if let Some(id) = self.ids.get(&column) {
            return *id;
        }
        // A plan within the budget names fewer columns than a number can tell apart.
        let id = SourceId::try_from(self.known.len()).unwrap_or(SourceId::MAX);
        self.known.push((column.clone(), data_type.clone()));
        self.ids.insert(column, id);
        id
    }
}

/// A part of a path as it is written.
pub(super) fn quoted(part: &str) -> String {
    if part.contains(['.', '[', ']', '"']) { format!("\"{}\"", part.replace('"', "\"\"")) } else { part.to_owned() }
}
