//! UNNEST: lists become rows, structs become columns.

use datafusion_expr::logical_plan::Unnest;
use schemas::EdgeKind;

use super::super::Tracer;
use super::super::column::Column;
use super::super::context::Context;
use super::super::scope::{Row, Slot};
use super::super::source::Step;

impl Tracer<'_> {
    pub(super) fn unnest(&mut self, unnest: &Unnest, input: &Row) -> Row {
        for (at, _) in &unnest.list_type_columns {
            if let Some(list) = input.get(*at) {
                self.rows.add(&list.column, &Context::of(EdgeKind::Join), &mut self.sources);
            }
        }
        // Outputs of one input column follow one another, in the order of its unnestings or of its fields.
        let mut row = Vec::with_capacity(unnest.dependency_indices.len());
        let mut ordinal = 0;
        for (position, at) in unnest.dependency_indices.iter().enumerate() {
            let is_next = position.checked_sub(1).and_then(|before| unnest.dependency_indices.get(before)) == Some(at);
            ordinal = if is_next { ordinal + 1 } else { 0 };
            let Some(slot) = input.get(*at) else { return Row::from([]) };
            row.push(self.unnested(unnest, *at, ordinal, slot));
        }
        row.into()
    }

    /// The `ordinal`th column that unnesting makes of the input column `at`.
    fn unnested(&mut self, unnest: &Unnest, at: usize, ordinal: usize, slot: &Slot) -> Slot {
        let mut lists = unnest.list_type_columns.iter().filter(|(list, _)| *list == at);
        if let Some((_, list)) = lists.nth(ordinal) {
            let steps = std::iter::repeat_n(Step::Element, list.depth);
            return Slot::computed(self.inside(&slot.column, steps));
        }
        if unnest.struct_type_columns.contains(&at) {
            let field = match unnest.input.schema().field(at).data_type() {
                datafusion_common::arrow::datatypes::DataType::Struct(fields) => fields.get(ordinal),
                _ => None,
            };
            let steps = field.map(|field| Step::Field(field.name().clone()));
            return Slot::computed(self.inside(&slot.column, steps.into_iter()));
        }
        slot.clone()
    }

    /// What stands inside a value, all steps taken.
    fn inside(&mut self, whole: &Column, steps: impl DoubleEndedIterator<Item = Step>) -> Column {
        let context = steps.rev().fold(Context::value(), |context, step| context.within(step));
        let mut inside = Column::default();
        inside.add(whole, &context, &mut self.sources);
        inside
    }
}
