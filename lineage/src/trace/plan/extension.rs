//! Nodes that DataFusion does not know.

use std::rc::Rc;

use datafusion_expr::logical_plan::Extension;
use schemas::{Certainty, EdgeKind, Gap};

use super::super::Tracer;
use super::super::column::Column;
use super::super::context::Context;
use super::super::scope::{Row, Scope, Slot};

impl Tracer<'_> {
    /// A node that is known to hand its input on does so. Of any other, every column may come from every column of
    /// every input, and every one of them may decide which rows there are.
    pub(super) fn extension(&mut self, extension: &Extension, inputs: &[Row]) -> Row {
        let node = &extension.node;
        if let ([input], true) = (inputs, self.names.is_passing(node.name())) {
            return Rc::clone(input);
        }
        let mut all = Column::default();
        for slot in inputs.iter().flat_map(|row| row.iter()) {
            all.add(&slot.column, &Context::of(EdgeKind::Transformation), &mut self.sources);
        }
        all.is_generated |= all.sources.is_empty();
        all.doubt(Certainty::Superset, Some(Gap::ExtensionNode));
        self.rows.add(&all, &Context::of(EdgeKind::Filter), &mut self.sources);
        for expr in node.expressions() {
            for (input, row) in node.inputs().into_iter().zip(inputs) {
                let scope = Scope::of(input.schema(), row);
                let found = self.walk(&expr, &scope, Context::of(EdgeKind::Filter));
                // Which input an expression is about is not told, and every column is there already.
                if found.certainty != Certainty::Opaque {
                    self.rows.unite(&found);
                }
            }
        }
        let all = Rc::new(all);
        node.schema().fields().iter().map(|_| Slot { column: Rc::clone(&all), is_named: true }).collect()
    }
}
