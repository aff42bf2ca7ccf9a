//! A dataset as one principal sees it: masks over the row filter over the files of its tenants.
//!
//! The files are planned in a session of their own whenever the view is read, so that no statement names them and no plan
//! of a statement shows them. Of the statement's own conditions only those go down that cannot fail, unless every row of
//! the files may be seen.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::utils::{conjunction, disjunction};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableType, ident, lit,
};
use datafusion::physical_plan::ExecutionPlan;
use schemas::{Dataset, DatasetRule, Tenants};

use super::Viewer;
use super::barrier::BarrierExec;
use super::filter::{row_filter, settled};
use super::infallible::is_infallible;
use super::mask::masked;
use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::named_rows::names_one_of;

/// What a principal sees of one table.
pub(crate) struct PrincipalView {
    /// Sees nothing but what the view reads.
    planner: SessionState,
    /// Masks over filter over rows.
    plan: LogicalPlan,
    schema: SchemaRef,
    /// Columns that may be asked before the filter: those that are shown as they are, and none where the filter may fail.
    plain: Schema,
    /// Whether rows are filtered that lie among rows which may be seen.
    is_barrier: bool,
    /// The session it was made for.
    owner: Arc<()>,
}

/// Neither filters nor files are to be seen.
impl fmt::Debug for PrincipalView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalView").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// What a view is made of.
pub(super) struct Source<'a> {
    pub(super) planner: &'a SessionState,
    pub(super) dataset: &'a Dataset,
    /// Its rows.
    pub(super) rows: Arc<dyn TableProvider>,
    /// Its files, as far as they may be opened for the principal.
    pub(super) files: &'a [PinnedFile],
    pub(super) owner: &'a Arc<()>,
}

impl PrincipalView {
    /// The view of `rule` on a dataset.
    ///
    /// # Errors
    /// [`EngineError::View`] says what does not fit the dataset.
    pub(super) fn new(
        viewer: &Viewer,
        name: &str,
        rule: &DatasetRule,
        source: &Source<'_>,
    ) -> Result<Self, EngineError> {
        let fault = |what: String| EngineError::View {
            principal: viewer.principal().name.clone(),
            dataset: name.to_owned(),
            why: what,
        };
        let planned = |error: DataFusionError| fault(error.find_root().to_string());
        let rows = provider_as_source(Arc::clone(&source.rows));
        let scan = LogicalPlanBuilder::scan(TableReference::bare(name), rows, None).map_err(planned)?;
        let filter = RowFilter { viewer, rule, source }.expr(scan.schema()).map_err(fault)?;
        let shown = shown(viewer, source.dataset, rule, &source.rows.schema()).map_err(fault)?;
        let filtered = match filter.infallible {
            Some(filter) => scan.filter(filter).map_err(planned)?,
            None => scan,
        };
        let plain = if filter.fallible.is_some() { Schema::empty() } else { shown.plain };
        // Asked before the filter, a name would be found in an index, and what is read would tell.
        let is_told =
            |field: &&Arc<Field>| viewer.unseen().is_empty() || !source.dataset.subjects.contains(field.name());
        let plain = Schema::new(plain.fields().iter().filter(is_told).cloned().collect::<Vec<_>>());
        let filtered = match filter.fallible {
            Some(fallible) => {
                // A view of its own, behind a wall of its own: no row that the rest takes away is ever asked.
                let inner = Self {
                    planner: source.planner.clone(),
                    schema: source.rows.schema(),
                    plan: filtered.build().map_err(planned)?,
                    plain: Schema::empty(),
                    is_barrier: true,
                    owner: Arc::clone(source.owner),
                };
                let inner = provider_as_source(Arc::new(inner));
                let scan = LogicalPlanBuilder::scan(TableReference::bare(name), inner, None).map_err(planned)?;
                scan.filter(fallible).map_err(planned)?
            }
            None => filtered,
        };
        let is_barrier = filter.is_barrier;
        let plan = filtered.project(shown.columns).and_then(LogicalPlanBuilder::build).map_err(planned)?;
        Ok(Self {
            planner: source.planner.clone(),
            schema: Arc::new(plan.schema().as_arrow().clone()),
            plan,
            plain,
            is_barrier,
            owner: Arc::clone(source.owner),
        })
    }

    /// The same for rows that are ours: those of a record table that this condition lets through.
    pub(super) fn of_records(
        planner: &SessionState,
        name: &str,
        rows: Arc<dyn TableProvider>,
        condition: Option<Expr>,
        owner: &Arc<()>,
    ) -> DataFusionResult<Self> {
        let schema = rows.schema();
        let is_barrier = condition.is_some();
        let scan = LogicalPlanBuilder::scan(TableReference::bare(name), provider_as_source(rows), None)?;
        let plan = match condition {
            Some(condition) => scan.filter(condition)?.build()?,
            None => scan.build()?,
        };
        Ok(Self {
            planner: planner.clone(),
            plan,
            plain: schema.as_ref().clone(),
            schema,
            is_barrier,
            owner: Arc::clone(owner),
        })
    }

    /// Whether it was made for this session.
    pub(super) fn belongs_to(&self, owner: &Arc<()>) -> bool {
        Arc::ptr_eq(&self.owner, owner)
    }
}

#[async_trait]
impl TableProvider for PrincipalView {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        let may_pass = |filter: &&Expr| match self.is_barrier && !is_infallible(filter, &self.plain) {
            true => TableProviderFilterPushDown::Unsupported,
            false => TableProviderFilterPushDown::Exact,
        };
        Ok(filters.iter().map(may_pass).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let mut plan = LogicalPlanBuilder::from(self.plan.clone());
        if let Some(filter) = conjunction(filters.iter().cloned()) {
            plan = plan.filter(filter)?;
        }
        if let Some(columns) = projection {
            plan = plan.project(
                columns.iter().map(|at| Expr::Column(Column::from(self.plan.schema().qualified_field(*at)))),
            )?;
        }
        let plan = plan.limit(0, limit)?.build()?;
        let rows = self.planner.create_physical_plan(&plan).await?;
        Ok(if self.is_barrier { Arc::new(BarrierExec::new(rows)) } else { rows })
    }
}

/// The columns of a view.
struct ShownColumns {
    columns: Vec<Expr>,
    plain: Schema,
}

fn shown(viewer: &Viewer, dataset: &Dataset, rule: &DatasetRule, schema: &SchemaRef) -> Result<ShownColumns, String> {
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    let asked = rule.masks.keys().chain(rule.hidden.keys());
    if let Some(missing) = asked.filter(|name| schema.column_with_name(name).is_none()).min() {
        let near = schemas::nearest(missing, names());
        let offer = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        return Err(format!("it has no column \"{missing}\"{offer}"));
    }
    let (mut columns, mut plain) = (Vec::new(), Vec::new());
    for field in schema.fields().iter().filter(|field| !rule.hidden.contains_key(field.name())) {
        match rule.masks.get(field.name()) {
            Some(mask) => {
                let column = masked(viewer, dataset, field, &mask.mask);
                columns.push(column.map_err(|why| format!("column \"{}\": {why}", field.name()))?);
            }
            None => {
                columns.push(ident(field.name()));
                // A column of a map is computed of each row, and that may fail.
                plain.extend(dataset.map.is_none().then(|| Arc::clone(field)));
            }
        }
    }
    if columns.is_empty() {
        return Err("every column is hidden; leave the dataset out of the role".to_owned());
    }
    Ok(ShownColumns { columns, plain: Schema::new(plain) })
}

/// Which rows, as an expression.
struct RowFilter<'a> {
    viewer: &'a Viewer,
    rule: &'a DatasetRule,
    source: &'a Source<'a>,
}

struct Filter {
    /// What cannot fail on any row.
    infallible: Option<Expr>,
    /// What may, and is asked only of rows that the other lets through.
    fallible: Option<Expr>,
    is_barrier: bool,
}

impl RowFilter<'_> {
    fn expr(&self, schema: &DFSchema) -> Result<Filter, String> {
        let principal = self.viewer.principal();
        let planned = |filter: &String| {
            row_filter(self.source.planner, principal, filter, schema).map_err(|why| format!("rows: {filter}: {why}"))
        };
        let of_tenants = self.of_tenants();
        let restrict = self.rule.restrict.iter().map(planned).collect::<Result<Vec<Expr>, String>>()?;
        let rules: Vec<&String> = self.rule.rows.iter().filter_map(|rule| rule.filter.as_ref()).collect();
        let any = rules.into_iter().map(planned).collect::<Result<Vec<Expr>, String>>()?;
        // Where one role lets every row through, the others take none away.
        let any = if self.rule.all_rows_by().is_some() { None } else { disjunction(any) };
        // A filter that says no more than the tenants do is none of its own.
        let own = any.filter(|any| of_tenants.as_ref().is_none_or(|of| !self.says_the_same(any, of)));
        let unseen = self.viewer.unseen().iter();
        let unseen = unseen.filter_map(|persons| names_one_of(persons, self.source.dataset, schema.as_arrow()));
        let unseen: Vec<Expr> = unseen.map(|theirs| !theirs).collect();
        let is_barrier = own.is_some()
            || !unseen.is_empty()
            || !restrict.is_empty()
            || (of_tenants.is_some() && !self.files_are_theirs());
        let columns = match self.source.dataset.map {
            Some(_) => Schema::empty(),
            None => schema.as_arrow().clone(),
        };
        let settle = |filter| settled(self.source.planner, filter, schema).map_err(|why| format!("rows: {why}"));
        let filters = restrict.into_iter().chain(own).map(settle).collect::<Result<Vec<Expr>, String>>()?;
        let (infallible, fallible): (Vec<Expr>, Vec<Expr>) =
            filters.into_iter().partition(|filter| is_infallible(filter, &columns));
        let infallible = of_tenants.into_iter().chain(unseen).chain(infallible);
        Ok(Filter { infallible: conjunction(infallible), fallible: conjunction(fallible), is_barrier })
    }

    /// `tenant_id IN ('t1')`, of a dataset that tells tenants apart.
    fn of_tenants(&self) -> Option<Expr> {
        let Tenants::Some(tenants) = &self.viewer.principal().tenants else { return None };
        let column = Some(self.source.dataset.tenant.as_str()).filter(|column| !column.is_empty())?;
        Some(ident(column).in_list(tenants.iter().map(lit).collect(), false))
    }

    /// Whether a filter lets through what the tenants' own does: `tenant_id = principal.tenant`, for example.
    fn says_the_same(&self, filter: &Expr, of_tenants: &Expr) -> bool {
        let named = |expr: &Expr| match expr {
            Expr::Column(column) => Some(column.name.clone()),
            _ => None,
        };
        let text = |expr: &Expr| match expr {
            Expr::Literal(value, _) => value.try_as_str().flatten().map(str::to_owned),
            _ => None,
        };
        let found = match filter {
            Expr::BinaryExpr(both) if both.op == datafusion::logical_expr::Operator::Eq => {
                let sides = [(&both.left, &both.right), (&both.right, &both.left)];
                sides.into_iter().find_map(|(column, value)| Some((named(column)?, BTreeSet::from([text(value)?]))))
            }
            Expr::InList(list) if !list.negated => list
                .list
                .iter()
                .map(text)
                .collect::<Option<BTreeSet<String>>>()
                .and_then(|values| Some((named(&list.expr)?, values))),
            _ => None,
        };
        let Expr::InList(theirs) = of_tenants else { return false };
        let theirs_of: BTreeSet<String> = theirs.list.iter().filter_map(text).collect();
        found.is_some_and(|(column, values)| Some(column) == named(&theirs.expr) && values == theirs_of)
    }

    /// Whether the folders of all files say that every row is of the principal's tenants. A file whose rows say
    /// otherwise fails as it is opened.
    fn files_are_theirs(&self) -> bool {
        let Tenants::Some(tenants) = &self.viewer.principal().tenants else { return true };
        let dataset = self.source.dataset;
        let obeys_folders = !dataset.is_inferred() && dataset.map.is_none();
        let is_theirs = |file: &PinnedFile| file.tenant.as_ref().is_some_and(|tenant| tenants.contains(tenant));
        obeys_folders && self.source.files.iter().all(is_theirs)
    }
}
