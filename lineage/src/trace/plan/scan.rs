//! Scans: where columns come from.

use std::rc::Rc;

use datafusion_common::DFSchema;
use datafusion_common::DFSchemaRef;
use datafusion_expr::logical_plan::TableScan;
use schemas::EdgeKind;

use super::super::Tracer;
use super::super::column::Column;
use super::super::scope::{Row, Scope, Slot};

impl Tracer<'_> {
    pub(super) fn scan(&mut self, scan: &TableScan) -> Row {
        let every = self.every_column(scan);
        if !scan.filters.is_empty() {
            let schema = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema());
            // A table whose own schema names a column twice has no filter that could be looked up in it.
            if let Ok(schema) = schema {
                let scope = Scope::of(&DFSchemaRef::new(schema), &every);
                scan.filters.iter().for_each(|filter| self.decide(filter, &scope, EdgeKind::Filter));
            }
        }
        match &scan.projection {
            Some(projection) => projection.iter().filter_map(|at| every.get(*at).cloned()).collect(),
            None => every,
        }
    }

    /// The columns of the table, whichever the scan takes.
    fn every_column(&mut self, scan: &TableScan) -> Row {
        if let Some(rows_so_far) = self.work_table(&scan.table_name) {
            return rows_so_far;
        }
        if let Some(plan) = scan.source.get_logical_plan() {
            // A view knows nothing of the query that it is part of.
            let around = std::mem::take(&mut self.around);
            let work_tables = std::mem::take(&mut self.work_tables);
            let row = self.plan(&plan);
            (self.around, self.work_tables) = (around, work_tables);
            return row;
        }
        let schema = scan.source.schema();
        let Some(dataset) = self.names.dataset(&scan.table_name) else {
            return schema.fields().iter().map(|_| Slot::named(Column::generated())).collect();
        };
        let columns = schema.fields().iter();
        let row = columns.map(|field| Slot::named(Column::of_source(self.sources.column(&dataset, field)))).collect();
        self.inputs.insert(dataset);
        row
    }

    /// What a recursive query has found so far, where `name` is its own in its second term.
    fn work_table(&self, name: &datafusion_common::TableReference) -> Option<Row> {
        let of_name = |(own, _): &&(String, Row)| name.schema().is_none() && own == name.table();
        self.work_tables.iter().rev().find(of_name).map(|(_, row)| Rc::clone(row))
    }
}
