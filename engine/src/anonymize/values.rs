//! The rows of a copy before anything is searched: each column by its method, those that nobody named as they are, and
//! those about a person that nobody named not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident};
use schemas::{AnonymizePolicy, CopyMethod, Dataset, HierarchySource, Interval};

use super::Hierarchy;
use super::function::{Act, CopyFunction};
use super::method::Method;
use crate::error::EngineError;
use crate::export_plan::{quoted, with_interval};
use crate::lake_session::LakeSession;

/// What a policy needs that does not lie in definitions.
#[derive(Clone, Default)]
pub struct CopyMaterial {
    /// Secrets of keys, by the key's id.
    pub secrets: BTreeMap<String, Arc<[u8]>>,
    /// Hierarchies, by column.
    pub hierarchies: BTreeMap<String, Hierarchy>,
}

/// A key is not to be seen.
impl std::fmt::Debug for CopyMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (keys, columns) = (self.secrets.keys(), self.hierarchies.keys());
        f.debug_struct("CopyMaterial").field("keys", &keys).field("hierarchies", &columns).finish()
    }
}

/// The hierarchy of a column: `text` is that of its file, where it has one.
///
/// # Errors
/// A sentence that says what is wrong with it; its texts are those of the file.
pub fn hierarchy(source: &HierarchySource, text: Option<&str>) -> Result<Hierarchy, String> {
    let made = match source {
        HierarchySource::File { unknown, .. } => Hierarchy::from_csv(text.unwrap_or_default(), unknown.then_some("*")),
        HierarchySource::Prefix(lengths) => {
            let lengths: Vec<usize> = lengths.iter().map(|length| *length as usize).collect();
            Hierarchy::from_prefixes(&lengths)
        }
        HierarchySource::Width(widths) => {
            let widths: Result<Vec<i64>, _> = widths.iter().map(|width| i64::try_from(*width)).collect();
            Hierarchy::from_intervals(&widths.map_err(|_| "a width is larger than every number".to_owned())?)
        }
    };
    made.map_err(|error| error.to_string())
}

/// The rows of the source in the interval, each column by its method.
pub(super) async fn values(
    session: &LakeSession,
    (policy, from): (&AnonymizePolicy, &Dataset),
    interval: Option<Interval>,
    material: &CopyMaterial,
) -> Result<LogicalPlan, EngineError> {
    let rows = source(session, policy, from, interval).await?;
    let made = Values { policy, from, material };
    let missing = policy.columns.keys().find(|name| rows.schema().field_with_unqualified_name(name).is_err());
    if let Some(missing) = missing {
        return Err(made.refused(missing, "dataset has no such column; leave it out of the policy"));
    }
    let fields = rows.schema().fields().iter().filter(|field| policy.keeps(field.name()));
    let columns = fields.map(|field| made.column(field.name(), field.data_type()));
    let columns = columns.collect::<Result<Vec<Expr>, EngineError>>()?;
    LogicalPlanBuilder::from(rows)
        .project(columns)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|source| EngineError::sql("planned", source))
}

async fn source(
    session: &LakeSession,
    policy: &AnonymizePolicy,
    from: &Dataset,
    interval: Option<Interval>,
) -> Result<LogicalPlan, EngineError> {
    let name = quoted(from.id.as_str());
    let Some(interval) = interval else { return session.plan(&format!("SELECT * FROM {name}")).await };
    let Some(time) = from.time.as_deref().map(quoted) else {
        let why = format!("dataset \"{}\" has no column of time, and the job has a window; leave window out", from.id);
        return Err(EngineError::Copy { policy: policy.id.to_string(), why });
    };
    let sql = format!("SELECT * FROM {name} WHERE {time} >= $start AND {time} < $end");
    with_interval(session.plan(&sql).await?, Some(interval))
}

struct Values<'a> {
    policy: &'a AnonymizePolicy,
    from: &'a Dataset,
    material: &'a CopyMaterial,
}

impl Values<'_> {
    fn refused(&self, column: &str, why: &str) -> EngineError {
        EngineError::Copy { policy: self.policy.id.to_string(), why: format!("column \"{column}\": {why}") }
    }

    fn column(&self, name: &str, data_type: &DataType) -> Result<Expr, EngineError> {
        let Some(method) = self.policy.columns.get(name).and_then(|column| column.method.as_ref()) else {
            return Ok(ident(name));
        };
        let (word, act, beside) = self.act(name, data_type, method).map_err(|why| self.refused(name, &why))?;
        let arguments = std::iter::once(ident(name)).chain(beside).collect();
        Ok(CopyFunction::call(word, act, (self.policy.id.as_str(), name), arguments).alias(name))
    }

    /// The function, and the columns that it names beside its own.
    fn act(
        &self,
        name: &str,
        data_type: &DataType,
        method: &CopyMethod,
    ) -> Result<(&'static str, Act, Vec<Expr>), String> {
        let word = match method {
            CopyMethod::Floor { .. } => "floor_to",
            CopyMethod::Round { .. } => "round_to",
            method => method.as_str(),
        };
        match method {
            CopyMethod::Redact => return Ok((word, Act::Redact, Vec::new())),
            CopyMethod::Constant { value } => {
                let constant = ScalarValue::from(value.as_str()).cast_to(data_type);
                let constant = constant.map_err(|_| format!("value {value:?} is none of type {data_type}"))?;
                return Ok((word, Act::Constant(constant), Vec::new()));
            }
            _ => {}
        }
        let secret = method.key().and_then(|key| self.material.secrets.get(&key.id)).map(AsRef::as_ref);
        let hierarchy = self.material.hierarchies.get(name);
        let made = Method::new(name, data_type, method, (secret, hierarchy))?;
        let made = made.ok_or_else(|| "the method has no values".to_owned())?;
        let has_tenants = method.key().is_some() && !self.from.tenant.is_empty();
        let mut beside: Vec<Expr> = Vec::new();
        beside.extend(has_tenants.then(|| ident(self.from.tenant.as_str())));
        let has_subjects = if let CopyMethod::Shift { by, .. } = method {
            beside.push(ident(by));
            true
        } else {
            false
        };
        Ok((word, Act::Method { method: Arc::new(made), has_tenants, has_subjects }, beside))
    }
}
