//! The rows of a copy after a search: values made coarser, and rows left out.
//!
//! Only the quasi identifiers and sensitive columns of all rows are held in memory, for the search; the rows themselves
//! come by again, from the same files.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident, lit};
use schemas::{AnonymizePolicy, Loss as Wanted, Role, SearchKind};

use super::figures::{one_batch, requirement, sensitive_column};
use super::function::{Act, CopyFunction};
use super::method::Method;
use super::recode::{LeftOut, Ranges};
use super::values::CopyMaterial;
use super::{AnonymizeError, Hierarchy, Loss, QuasiColumn, Search, SensitiveColumn, mondrian, optimal};
use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// What a search came to.
#[derive(Debug)]
pub(super) struct Searched {
    /// The rows of the copy.
    pub(super) plan: LogicalPlan,
    /// The level of each quasi identifier that has a hierarchy; none where each group has ranges of its own.
    pub(super) levels: BTreeMap<String, u64>,
    /// Rows that are left out.
    pub(super) suppressed: u64,
}

/// Searches for what the policy requires. Rows of which nothing is required stay as they are.
pub(super) async fn searched(
    session: &LakeSession,
    policy: &AnonymizePolicy,
    rows: LogicalPlan,
    material: &CopyMaterial,
) -> Result<Searched, EngineError> {
    let quasi = policy.columns_of(Role::Quasi);
    let unchanged = |plan| Searched { plan, levels: BTreeMap::new(), suppressed: 0 };
    if policy.require.is_empty() || quasi.is_empty() {
        return Ok(unchanged(rows));
    }
    let sensitive = policy.columns_of(Role::Sensitive);
    let seen = LogicalPlanBuilder::from(rows.clone())
        .project(quasi.iter().chain(&sensitive).map(|name| ident(*name)))
        .and_then(LogicalPlanBuilder::build)
        .map_err(|source| EngineError::sql("planned", source))?;
    let Some(seen) = one_batch(&session.collect(&seen).await?)?.filter(|seen| seen.num_rows() > 0) else {
        // That an empty copy satisfies nothing, its measuring says.
        return Ok(unchanged(rows));
    };
    let (groups, rest) = seen.columns().split_at(quasi.len());
    let sensitive: Vec<SensitiveColumn> =
        sensitive.iter().zip(rest).map(|(name, values)| sensitive_column(name, values)).collect();
    let work = Work { policy, names: &quasi, groups, sensitive: &sensitive, material };
    match policy.search.kind {
        SearchKind::Mondrian => work.ranges(rows),
        SearchKind::Optimal | SearchKind::None => work.levels(rows),
    }
}

struct Work<'a> {
    policy: &'a AnonymizePolicy,
    names: &'a [&'a str],
    groups: &'a [ArrayRef],
    sensitive: &'a [SensitiveColumn],
    material: &'a CopyMaterial,
}

impl Work<'_> {
    /// One level for each column, and rows that are left out.
    fn levels(&self, rows: LogicalPlan) -> Result<Searched, EngineError> {
        let stays = Hierarchy::from_prefixes(&[usize::MAX]);
        let stays = stays.map_err(|error| EngineError::Bug { what: format!("one level is a hierarchy ({error})") })?;
        let quasi = self.quasi(|name| Some(self.material.hierarchies.get(name).unwrap_or(&stays).clone()));
        let search = Search {
            requirement: requirement(&self.policy.require),
            loss: match self.policy.search.loss {
                Wanted::Entropy => Loss::Entropy,
                Wanted::Discernibility => Loss::Discernibility,
                Wanted::Height => Loss::Height,
            },
            suppress: f64::from(self.policy.search.suppress_ppm) / 1e6,
        };
        let found = optimal(&quasi, self.sensitive, &search).map_err(|source| self.failed(source))?;
        let mut builder = LogicalPlanBuilder::from(rows);
        if found.suppressed_rows > 0 {
            let left = LeftOut::new(self.groups, &found.suppressed).map_err(|why| self.refused(why))?;
            let left = self.call("left_out", Act::LeftOut(Arc::new(left)), "", Vec::new());
            builder = self.built(builder.filter(left.is_false()))?;
        }
        let mut levels = BTreeMap::new();
        let mut coarser = BTreeMap::new();
        for (name, level) in self.names.iter().zip(&found.levels) {
            let Some(hierarchy) = self.material.hierarchies.get(*name) else { continue };
            levels.insert((*name).to_owned(), *level as u64);
            if *level > 0 || !hierarchy.begins_with_values() {
                let method = Arc::new(Method::level(name, hierarchy, *level));
                let act = Act::Method { method, has_tenants: false, has_subjects: false };
                // The level is in the plan, so that two levels are two plans.
                let call = CopyFunction::call(
                    "hierarchy",
                    act,
                    (self.policy.id.as_str(), name),
                    vec![ident(*name), lit(*level as u64)],
                );
                coarser.insert(*name, call);
            }
        }
        Ok(Searched { plan: self.projected(builder, &coarser)?, levels, suppressed: found.suppressed_rows })
    }

    /// Ranges of its own for each group; no row is left out.
    fn ranges(&self, rows: LogicalPlan) -> Result<Searched, EngineError> {
        let quasi = self.quasi(|name| self.material.hierarchies.get(name).cloned());
        let found = mondrian(&quasi, self.sensitive, &requirement(&self.policy.require));
        let found = found.map_err(|source| self.failed(source))?;
        let ranges = Arc::new(Ranges::new(self.groups, found.columns).map_err(|why| self.refused(why))?);
        let coarser = self.names.iter().enumerate().map(|(column, name)| {
            let act = Act::Range { ranges: Arc::clone(&ranges), column };
            (*name, self.call("hierarchy", act, name, Vec::new()))
        });
        let coarser = coarser.collect();
        let plan = self.projected(LogicalPlanBuilder::from(rows), &coarser)?;
        Ok(Searched { plan, levels: BTreeMap::new(), suppressed: 0 })
    }

    /// A function of every quasi identifier.
    fn call(&self, word: &'static str, act: Act, column: &str, beside: Vec<Expr>) -> Expr {
        let arguments = self.names.iter().map(|name| ident(*name)).chain(beside).collect();
        CopyFunction::call(word, act, (self.policy.id.as_str(), column), arguments)
    }

    fn quasi(&self, hierarchy: impl Fn(&str) -> Option<Hierarchy>) -> Vec<QuasiColumn> {
        let columns = self.names.iter().zip(self.groups);
        let column = |(name, values): (&&str, &ArrayRef)| QuasiColumn {
            name: (*name).to_owned(),
            values: ArrayRef::clone(values),
            hierarchy: hierarchy(name),
        };
        columns.map(column).collect()
    }

    fn projected(
        &self,
        builder: LogicalPlanBuilder,
        coarser: &BTreeMap<&str, Expr>,
    ) -> Result<LogicalPlan, EngineError> {
        let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let column = |name: &String| match coarser.get(name.as_str()) {
            Some(made) => made.clone().alias(name),
            None => ident(name),
        };
        let builder = self.built(builder.project(names.iter().map(column)))?;
        self.built(builder.build())
    }

    fn built<T>(&self, built: Result<T, datafusion::error::DataFusionError>) -> Result<T, EngineError> {
        built.map_err(|source| EngineError::sql("planned", source))
    }

    fn failed(&self, source: AnonymizeError) -> EngineError {
        EngineError::anonymize(self.policy.id.as_str(), source)
    }

    fn refused(&self, why: &str) -> EngineError {
        EngineError::Copy { policy: self.policy.id.to_string(), why: why.to_owned() }
    }
}
