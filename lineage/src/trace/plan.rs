//! The nodes of a plan, in post-order on a stack of their own.
//!
//! Every node gives its columns by position. What decides which rows there are is kept once for the whole plan. Only a
//! plan inside a plan — a subquery, a view, a term of a recursive query — is entered by a call, and how deep is limited.

mod aggregate;
mod extension;
mod join;
mod recursive;
mod scan;
mod set;
mod unnest;

use std::rc::Rc;

use datafusion_common::{DFSchema, DFSchemaRef};
use datafusion_expr::LogicalPlan;
use datafusion_expr::logical_plan::{FetchType, Join, Limit, Projection, SkipType, Values, Window};
use schemas::{EdgeKind, Gap};

use super::Tracer;
use super::column::Column;
use super::expr::sorted;
use super::scope::{Around, Row, Scope, Slot};

/// How many plans may be inside one another. SQL that parses stays far below.
const DEPTH: usize = 48;

enum Todo<'p> {
    Enter(&'p LogicalPlan),
    Leave(&'p LogicalPlan),
    /// The left side of a join is known, and its right side may look at it.
    Right(&'p Join),
    /// What was last put around is left.
    Drop,
}

impl Tracer<'_> {
    /// The columns of a plan; what decides about its rows goes to `self.rows`.
    pub(super) fn plan(&mut self, plan: &LogicalPlan) -> Row {
        self.depth += 1;
        self.is_over |= self.depth > DEPTH;
        let row = if self.is_over { Row::from([]) } else { self.nodes(plan) };
        self.depth -= 1;
        row
    }

    fn nodes(&mut self, plan: &LogicalPlan) -> Row {
        let mut todo = vec![Todo::Enter(plan)];
        let mut rows: Vec<Row> = Vec::new();
        while let Some(next) = todo.pop() {
            if !self.may_go_on() {
                return Row::from([]);
            }
            match next {
                Todo::Enter(node) => {
                    if matches!(node, LogicalPlan::Subquery(_)) {
                        self.around.push(Around::Lateral);
                        todo.push(Todo::Drop);
                    }
                    enter(node, &mut todo);
                }
                Todo::Right(join) => {
                    let left = rows.last().cloned().unwrap_or_else(|| Row::from([]));
                    self.around.push(Around::Left(Scope::of(join.left.schema(), &left)));
                    todo.extend([Todo::Drop, Todo::Enter(&join.right)]);
                }
                Todo::Drop => drop(self.around.pop()),
                Todo::Leave(node) => {
                    let inputs = rows.split_off(rows.len().saturating_sub(inputs(node).len()));
                    let row = self.leave(node, &inputs);
                    rows.push(as_wide_as(row, node));
                }
            }
        }
        rows.pop().unwrap_or_else(|| Row::from([]))
    }

    fn leave(&mut self, node: &LogicalPlan, inputs: &[Row]) -> Row {
        let none = Row::from([]);
        let input = inputs.first().unwrap_or(&none);
        match node {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Projection(projection) => self.projection(projection, input),
            LogicalPlan::Filter(filter) => {
                let scope = Scope::of(filter.input.schema(), input);
                self.decide(&filter.predicate, &scope, EdgeKind::Filter);
                Rc::clone(input)
            }
            LogicalPlan::Window(window) => self.window_node(window, input),
            LogicalPlan::Aggregate(aggregate) => self.aggregate_node(aggregate, input),
            LogicalPlan::Sort(sort) => {
                let scope = Scope::of(sort.input.schema(), input);
                sorted(&sort.expr).for_each(|key| self.decide(key, &scope, EdgeKind::Sort));
                Rc::clone(input)
            }
            LogicalPlan::Limit(limit) => self.limit(limit, input),
            LogicalPlan::Join(join) => self.join(join, inputs),
            LogicalPlan::Union(_) => self.union(inputs),
            LogicalPlan::Distinct(distinct) => self.distinct(distinct, input),
            LogicalPlan::Unnest(unnest) => self.unnest(unnest, input),
            LogicalPlan::RecursiveQuery(query) => self.recursive(query),
            LogicalPlan::Extension(extension) => self.extension(extension, inputs),
            LogicalPlan::Values(values) => self.values(values),
            LogicalPlan::SubqueryAlias(_) | LogicalPlan::Subquery(_) | LogicalPlan::Repartition(_) => Rc::clone(input),
            // What they answer is made while they run, and comes from no row.
            LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::DescribeTable(_)
            | LogicalPlan::Statement(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_) => made(node.schema()),
        }
    }

    fn projection(&mut self, projection: &Projection, input: &Row) -> Row {
        let scope = Scope::of(projection.input.schema(), input);
        projection.expr.iter().map(|expr| self.value(expr, &scope)).collect()
    }

    fn window_node(&mut self, window: &Window, input: &Row) -> Row {
        let scope = Scope::of(window.input.schema(), input);
        let added: Vec<Slot> = window.window_expr.iter().map(|expr| self.value(expr, &scope)).collect();
        input.iter().cloned().chain(added).collect()
    }

    fn limit(&mut self, limit: &Limit, input: &Row) -> Row {
        let scope = Scope::of(limit.input.schema(), input);
        // What is no literal after analysis holds a subquery.
        let is_number = matches!(limit.get_skip_type(), Ok(SkipType::Literal(_)))
            && matches!(limit.get_fetch_type(), Ok(FetchType::Literal(_)));
        if !is_number {
            for expr in [&limit.skip, &limit.fetch].into_iter().flatten() {
                self.decide(expr, &scope, EdgeKind::Filter);
            }
        }
        Rc::clone(input)
    }

    fn values(&mut self, values: &Values) -> Row {
        let nothing = Scope::of(&DFSchemaRef::new(DFSchema::empty()), &Row::from([]));
        let mut columns = vec![Column::default(); values.schema.fields().len()];
        for row in &values.values {
            for (column, expr) in columns.iter_mut().zip(row) {
                column.unite(&self.value(expr, &nothing).column);
            }
        }
        columns.into_iter().map(Slot::named).collect()
    }
}

/// Puts the inputs of a node before it.
fn enter<'p>(node: &'p LogicalPlan, todo: &mut Vec<Todo<'p>>) {
    todo.push(Todo::Leave(node));
    match node {
        LogicalPlan::Join(join) => todo.extend([Todo::Right(join), Todo::Enter(&join.left)]),
        node => todo.extend(inputs(node).into_iter().rev().map(Todo::Enter)),
    }
}

/// The inputs whose columns a node takes. The terms of a recursive query are followed by its rule, and what is planned,
/// explained or written inside a statement gives no column.
fn inputs(node: &LogicalPlan) -> Vec<&LogicalPlan> {
    match node {
        LogicalPlan::RecursiveQuery(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_) => Vec::new(),
        LogicalPlan::TableScan(_)
        | LogicalPlan::Projection(_)
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
        | LogicalPlan::Extension(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Unnest(_) => node.inputs(),
    }
}

/// Columns that come from no row.
fn made(schema: &DFSchemaRef) -> Row {
    schema.fields().iter().map(|_| Slot::named(Column::generated())).collect()
}

/// As many columns as the node has: a rule that gave another number knows none of them.
fn as_wide_as(row: Row, node: &LogicalPlan) -> Row {
    let columns = node.schema().fields();
    if row.len() == columns.len() {
        return row;
    }
    columns.iter().map(|_| Slot::computed(Column::opaque(Gap::NotTraced))).collect()
}
