//! What was traced, in the terms of events.

use schemas::Form;

use super::source::quoted;
use super::{Output, RowLineage, Traced};
use crate::event::{ColumnLineage, Source, Sources, Way};

impl Traced {
    /// Where the columns come from, as an event tells it of the output. A column that nothing comes into is there, too.
    pub fn column_lineage(&self) -> ColumnLineage {
        let fields = self.outputs.iter().map(|output| (quoted(&output.name), output.sources()));
        ColumnLineage { fields: fields.collect(), dataset: self.lineage.sources() }
    }
}

impl Output {
    /// What the column depends on.
    pub fn sources(&self) -> Sources {
        let from = self.columns.iter().map(|(column, dependency)| {
            let source = Source { dataset: column.dataset.clone(), field: Some(column.column.clone()) };
            (source, Way { kinds: dependency.kinds, cap: dependency.cap })
        });
        Sources { certainty: self.certainty, gap: self.gap, from: from.collect() }
    }
}

impl RowLineage {
    /// What decides which rows there are. None of it arrives.
    pub fn sources(&self) -> Sources {
        let from = self.columns.iter().map(|(column, kinds)| {
            let source = Source { dataset: column.dataset.clone(), field: Some(column.column.clone()) };
            (source, Way { kinds: *kinds, cap: Form::None })
        });
        Sources { certainty: self.certainty, gap: self.gap, from: from.collect() }
    }
}
