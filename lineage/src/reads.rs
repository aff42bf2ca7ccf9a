//! Which columns of which tables a plan reads.
//!
//! Give it the optimised plan: there the scans carry what the statement needs. An analysed plan is read, too,
//! but its scans name every column. What the walk does not understand is a gap and never a guess.
//! Absent: which output column came from which input column.

use std::collections::{BTreeMap, BTreeSet};

use datafusion_common::Result;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_expr::logical_plan::{RecursiveQuery, TableScan};
use datafusion_expr::{LogicalPlan, TableType};

/// Schema of a lake's datasets: their names stand without it.
const DATASETS: &str = "public";

/// What a plan reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// Columns by table; a table of which only rows are counted has none. A dataset is named as it is declared,
    /// a record of ours with its schema, for example `auditlake.runs`.
    pub tables: BTreeMap<String, BTreeSet<String>>,
    /// What could not be told, in sentences.
    pub gaps: Vec<String>,
}

/// What `plan` reads, its subqueries included.
///
/// ```
/// use datafusion_expr::logical_plan::table_scan;
///
/// let columns = arrow_schema_of(&["event_id", "time"]);
/// let plan = table_scan(Some("audit"), &columns, Some(vec![1]))?.build()?;
/// assert_eq!(lineage::reads(&plan).tables["audit"].iter().collect::<Vec<_>>(), ["time"]);
/// # use datafusion_common::arrow::datatypes::{DataType, Field, Schema};
/// # fn arrow_schema_of(names: &[&str]) -> Schema {
/// #     Schema::new(names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect::<Vec<_>>())
/// # }
/// # Ok::<(), datafusion_common::DataFusionError>(())
/// ```
pub fn reads(plan: &LogicalPlan) -> Reads {
    let mut reads = Reads::default();
    reads.follow(plan, &[]);
    reads
}

impl Reads {
    /// Reads `plan`; scans of `own_rows` are those of a recursive query over what it has found so far.
    fn follow(&mut self, plan: &LogicalPlan, own_rows: &[&str]) {
        let walked = plan.apply_with_subqueries(|node| Ok(self.node(node, own_rows)));
        self.keep_gap(walked.map(drop));
    }

    fn node(&mut self, node: &LogicalPlan, own_rows: &[&str]) -> TreeNodeRecursion {
        match node {
            LogicalPlan::TableScan(scan) => self.scan(scan, own_rows),
            LogicalPlan::RecursiveQuery(query) => {
                self.recursive(query, own_rows);
                return TreeNodeRecursion::Jump;
            }
            LogicalPlan::Extension(extension) => {
                let name = extension.node.name();
                self.gaps
                    .push(format!("operator \"{name}\" is not known; what it reads besides its inputs is not told"));
            }
            LogicalPlan::DescribeTable(_) => {
                self.gaps.push("DESCRIBE reads a table's columns without naming it".to_owned())
            }
            LogicalPlan::Statement(_) | LogicalPlan::Dml(_) | LogicalPlan::Ddl(_) | LogicalPlan::Copy(_) => {
                let what = node.display().to_string();
                self.gaps.push(format!("\"{what}\" does more than read; only the queries in it are told"));
            }
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Join(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::Union(_)
            | LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Distinct(_)
            | LogicalPlan::Unnest(_) => {}
        }
        TreeNodeRecursion::Continue
    }

    fn scan(&mut self, scan: &TableScan, own_rows: &[&str]) {
        let reference = &scan.table_name;
        if reference.schema().is_none() && own_rows.contains(&reference.table()) {
            return;
        }
        let name = match reference.schema() {
            None | Some(DATASETS) => reference.table().to_owned(),
            Some(schema) => format!("{schema}.{}", reference.table()),
        };
        if scan.source.table_type() == TableType::View {
            self.gaps.push(format!("view \"{name}\" is not unfolded; the tables below it are not told"));
        }
        let schema = scan.source.schema();
        let every: Vec<usize> = (0..schema.fields().len()).collect();
        let columns = self.tables.entry(name.clone()).or_default();
        for &at in scan.projection.as_ref().unwrap_or(&every) {
            match schema.fields().get(at) {
                Some(field) => drop(columns.insert(field.name().clone())),
                None => self.gaps.push(format!("table \"{name}\" has no column at position {at}")),
            }
        }
        for column in scan.filters.iter().flat_map(|filter| filter.column_refs()) {
            match schema.column_with_name(&column.name) {
                Some((_, field)) => drop(columns.insert(field.name().clone())),
                None => self
                    .gaps
                    .push(format!("table \"{name}\" has no column \"{}\", which its filter names", column.name)),
            }
        }
    }

    /// The first term reads tables only; in the second, the query's own name stands for the rows found so far.
    fn recursive(&mut self, query: &RecursiveQuery, own_rows: &[&str]) {
        self.follow(&query.static_term, own_rows);
        let mut own_rows = own_rows.to_vec();
        own_rows.push(&query.name);
        self.follow(&query.recursive_term, &own_rows);
    }

    fn keep_gap(&mut self, walked: Result<()>) {
        if let Err(error) = walked {
            self.gaps.push(format!("the plan could not be walked to its end ({error})"));
        }
    }
}

#[cfg(test)]
mod tests;
