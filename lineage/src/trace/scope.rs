//! Where the names in an expression are looked up.

use std::rc::Rc;

use datafusion_common::arrow::datatypes::DataType;
use datafusion_common::{Column as ColumnRef, DFSchemaRef};

use super::column::Column;

/// A column of an intermediate result.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) column: Rc<Column>,
    /// Whether its name was given to it; a name that was made of an expression may hold literals.
    pub(super) is_named: bool,
}

impl Slot {
    pub(super) fn named(column: Column) -> Self {
        Self { column: Rc::new(column), is_named: true }
    }

    pub(super) fn computed(column: Column) -> Self {
        Self { column: Rc::new(column), is_named: false }
    }
}

/// The columns of an intermediate result, by position.
pub(super) type Row = Rc<[Slot]>;

/// One input of a node, or two of them side by side.
#[derive(Debug)]
pub(super) struct Scope {
    inputs: Vec<(DFSchemaRef, Row)>,
}

impl Scope {
    pub(super) fn of(schema: &DFSchemaRef, row: &Row) -> Rc<Self> {
        Rc::new(Self { inputs: vec![(DFSchemaRef::clone(schema), Rc::clone(row))] })
    }

    pub(super) fn of_both(left: (&DFSchemaRef, &Row), right: (&DFSchemaRef, &Row)) -> Rc<Self> {
        let inputs = [left, right].map(|(schema, row)| (DFSchemaRef::clone(schema), Rc::clone(row)));
        Rc::new(Self { inputs: inputs.to_vec() })
    }

    /// What `name` is in the schemas of the inputs.
    pub(super) fn slot(&self, name: &ColumnRef) -> Option<&Slot> {
        let (_, row, at) = self.position(name)?;
        row.get(at)
    }

    pub(super) fn data_type(&self, name: &ColumnRef) -> Option<&DataType> {
        let (schema, _, at) = self.position(name)?;
        Some(schema.field(at).data_type())
    }

    fn position(&self, name: &ColumnRef) -> Option<(&DFSchemaRef, &Row, usize)> {
        self.inputs.iter().find_map(|(schema, row)| Some((schema, row, schema.maybe_index_of_column(name)?)))
    }
}

/// What surrounds the plan at hand, the outermost first.
#[derive(Debug, Clone)]
pub(super) enum Around {
    /// The input of a node with a subquery in an expression.
    Node(Rc<Scope>),
    /// The left side of a join, which its right side sees from within a lateral subquery alone.
    Left(Rc<Scope>),
    /// The beginning of a lateral subquery.
    Lateral,
}

/// What a name of an outer query is, the innermost first.
pub(super) fn outer<'a>(around: &'a [Around], name: &ColumnRef) -> Option<&'a Slot> {
    let mut is_lateral = false;
    for scope in around.iter().rev() {
        let scope = match scope {
            Around::Node(scope) => {
                is_lateral = false;
                scope
            }
            Around::Left(scope) if is_lateral => scope,
            Around::Left(_) => continue,
            Around::Lateral => {
                is_lateral = true;
                continue;
            }
        };
        if let Some(slot) = scope.slot(name) {
            return Some(slot);
        }
    }
    None
}
