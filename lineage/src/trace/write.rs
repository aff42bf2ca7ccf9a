//! Statements that write: what goes into which column of what.

use std::collections::BTreeSet;

use datafusion_common::{Column as ColumnRef, DFSchema, DFSchemaRef, TableReference};
use datafusion_expr::dml::{MergeIntoAction, MergeIntoOp};
use datafusion_expr::logical_plan::{DdlStatement, DmlStatement, Projection, Statement, WriteOp};
use datafusion_expr::{Expr, LogicalPlan};
use schemas::{Certainty, EdgeKind, Gap};

use super::Tracer;
use super::column::Column;
use super::context::Context;
use super::scope::{Row, Scope, Slot};
use super::{Operation, Target};

/// What a statement makes.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) target: Option<Target>,
    /// Names of the columns.
    pub(super) names: Vec<String>,
    /// Whether they are those of the dataset that is written to; the others are named by the statement.
    pub(super) is_named: bool,
    pub(super) row: Option<Row>,
    pub(super) operations: BTreeSet<Operation>,
}

impl Tracer<'_> {
    /// Follows a whole statement.
    pub(super) fn statement(&mut self, plan: &LogicalPlan) -> Made {
        match plan {
            LogicalPlan::Dml(dml) => self.dml(dml),
            LogicalPlan::Copy(copy) => Made {
                target: Some(Target::Location(copy.output_url.clone())),
                operations: BTreeSet::from([Operation::Export]),
                ..self.query(&copy.input)
            },
            LogicalPlan::Ddl(ddl) => self.ddl(ddl),
            LogicalPlan::Statement(statement) => self.other(statement),
            LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_) => Made::default(),
            query => self.query(query),
        }
    }

    fn query(&mut self, plan: &LogicalPlan) -> Made {
        let names = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
        Made { names, row: Some(self.plan(plan)), ..Made::default() }
    }

    fn dml(&mut self, dml: &DmlStatement) -> Made {
        let schema = dml.target.schema();
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let target = self.names.dataset(&dml.table_name).map(Target::Dataset);
        let (row, operation) = match &dml.op {
            WriteOp::Insert(_) | WriteOp::Ctas => (Some(self.plan(&dml.input)), None),
            WriteOp::Update => (Some(self.update(dml)), None),
            WriteOp::Delete => {
                self.plan(&dml.input);
                (Some(self.target_row(dml)), Some(Operation::Delete))
            }
            WriteOp::Truncate => {
                return Made { target, operations: BTreeSet::from([Operation::Delete]), ..Made::default() };
            }
            WriteOp::MergeInto(merge) => {
                let deletes = merge.clauses.iter().any(|clause| matches!(clause.action, MergeIntoAction::Delete));
                (Some(self.merge(dml, merge)), deletes.then_some(Operation::Delete))
            }
            // An operation that this does not know: everything may be missing.
            _ => {
                self.rows.doubt(Certainty::Opaque, Some(Gap::NotTraced));
                let unknown = schema.fields().iter().map(|_| Slot::named(Column::opaque(Gap::NotTraced)));
                (Some(unknown.collect()), None)
            }
        };
        Made { target, names, is_named: true, row, operations: operation.into_iter().collect() }
    }

    /// Every column of the dataset that is written to, as it stands before.
    fn target_row(&mut self, dml: &DmlStatement) -> Row {
        let schema = dml.target.schema();
        let Some(dataset) = self.names.dataset(&dml.table_name) else { return Row::from([]) };
        let columns = schema.fields().iter();
        columns.map(|field| Slot::named(Column::of_source(self.sources.column(&dataset, field)))).collect()
    }

    /// An assigned column depends on what is assigned, on itself, and on which rows are chosen; others on themselves.
    fn update(&mut self, dml: &DmlStatement) -> Row {
        let assigned = self.plan(&dml.input);
        let chosen = std::mem::take(&mut self.rows);
        let before = self.target_row(dml);
        let unassigned = match dml.input.as_ref() {
            LogicalPlan::Projection(projection) => kept(projection, dml),
            _ => BTreeSet::new(),
        };
        let columns = before.iter().zip(assigned.iter()).enumerate().map(|(at, (before, assigned))| {
            if unassigned.contains(&at) {
                return before.clone();
            }
            let mut column = before.column.as_ref().clone();
            column.unite(&assigned.column);
            column.unite(&chosen);
            Slot::named(column)
        });
        columns.collect()
    }

    /// Names in the operation are of the dataset or of what is merged into it.
    fn merge(&mut self, dml: &DmlStatement, merge: &MergeIntoOp) -> Row {
        let source = self.plan(&dml.input);
        let target = self.target_row(dml);
        let table = dml.target.schema();
        let Ok(schema) = DFSchema::try_from_qualified_schema(dml.table_name.clone(), &table) else {
            return table.fields().iter().map(|_| Slot::named(Column::opaque(Gap::NotTraced))).collect();
        };
        let schema = DFSchemaRef::new(schema);
        let scope = Scope::of_both((&schema, &target), (dml.input.schema(), &source));
        self.decide(&merge.on, &scope, EdgeKind::Join);
        let mut columns: Vec<Column> = target.iter().map(|slot| slot.column.as_ref().clone()).collect();
        for clause in &merge.clauses {
            if let Some(predicate) = &clause.predicate {
                self.decide(predicate, &scope, EdgeKind::Filter);
            }
            let assigned: Vec<(&str, &Expr)> = match &clause.action {
                MergeIntoAction::Update(assigned) => {
                    assigned.iter().map(|(name, value)| (name.as_str(), value)).collect()
                }
                MergeIntoAction::Insert { columns, values } => columns.iter().map(String::as_str).zip(values).collect(),
                MergeIntoAction::Delete => Vec::new(),
            };
            for (name, value) in assigned {
                let found = self.walk(value, &scope, Context::value());
                let at = schema.maybe_index_of_column(&ColumnRef::from_name(name));
                if let Some(column) = at.and_then(|at| columns.get_mut(at)) {
                    column.unite(&found);
                }
            }
        }
        columns.into_iter().map(Slot::named).collect()
    }

    fn ddl(&mut self, ddl: &DdlStatement) -> Made {
        match ddl {
            DdlStatement::CreateMemoryTable(create) => {
                Made { target: self.names.dataset(&create.name).map(Target::Dataset), ..self.query(&create.input) }
            }
            DdlStatement::DropTable(drop) => Made {
                target: self.names.dataset(&drop.name).map(Target::Dataset),
                operations: BTreeSet::from([Operation::Delete]),
                ..Made::default()
            },
            DdlStatement::CreateExternalTable(_)
            | DdlStatement::CreateView(_)
            | DdlStatement::CreateCatalogSchema(_)
            | DdlStatement::CreateCatalog(_)
            | DdlStatement::CreateIndex(_)
            | DdlStatement::DropView(_)
            | DdlStatement::DropCatalogSchema(_)
            | DdlStatement::CreateFunction(_)
            | DdlStatement::DropFunction(_) => Made::default(),
        }
    }

    fn other(&mut self, statement: &Statement) -> Made {
        match statement {
            Statement::Execute(_) => self.rows.doubt(Certainty::Opaque, Some(Gap::Execute)),
            Statement::TransactionStart(_)
            | Statement::TransactionEnd(_)
            | Statement::SetVariable(_)
            | Statement::ResetVariable(_)
            | Statement::Prepare(_)
            | Statement::Deallocate(_) => {}
        }
        Made::default()
    }
}

/// Positions of columns to which an UPDATE gives the value they have.
fn kept(projection: &Projection, dml: &DmlStatement) -> BTreeSet<usize> {
    let table = dml.target.schema();
    let own = updated(&projection.input);
    let is_itself = |(at, expr): (usize, &Expr)| {
        let mut expr = expr;
        while let Expr::Alias(alias) = expr {
            expr = &alias.expr;
        }
        let Expr::Column(column) = expr else { return None };
        let is_own = own.is_some() && column.relation.as_ref() == own;
        (is_own && table.fields().get(at)?.name() == &column.name).then_some(at)
    };
    projection.expr.iter().enumerate().filter_map(is_itself).collect()
}

/// What the dataset that an UPDATE changes is called in it: it comes before what else is read.
fn updated(plan: &LogicalPlan) -> Option<&TableReference> {
    let mut plan = plan;
    loop {
        plan = match plan {
            LogicalPlan::TableScan(scan) => return Some(&scan.table_name),
            LogicalPlan::SubqueryAlias(alias) => return Some(&alias.alias),
            other => other.inputs().into_iter().next()?,
        };
    }
}
