//! The catalog of one principal: what it has no rule for does not exist, not in data, names or hints.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::empty::EmptyTable;
use datafusion::catalog::information_schema::{INFORMATION_SCHEMA, InformationSchemaProvider};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProviderList, SchemaProvider, TableProvider,
};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{Expr, ident, lit};
use schemas::{HISTORY_ENDING, Permission, Tenants};
use tokio::sync::Mutex;

use super::Viewer;
use super::view::{PrincipalView, Source};
use crate::catalog::{SystemTables, public_table, record_table};
use crate::dataset_files::DatasetFiles;
use crate::error::EngineError;

/// The settings of a session hold what is nobody's business: folders, limits, versions.
const SETTINGS: &str = "df_settings";
/// The record table of statements; the others are of runs, which concern everybody's rows.
const STATEMENTS: &str = "statements";
/// Column of record tables that says whose row it is.
const TENANT: &str = "tenant_id";

/// Schemas `public`, `auditlake` and `information_schema` as one principal sees them.
#[derive(Debug)]
pub(crate) struct ViewCatalog {
    views: Arc<Views>,
    names: Arc<dyn CatalogProviderList>,
}

impl ViewCatalog {
    pub(crate) fn new(
        viewer: &Viewer,
        planner: &SessionState,
        files: Arc<DatasetFiles>,
        records: Arc<dyn SystemTables>,
        instant: DateTime<Utc>,
    ) -> Self {
        let views = Arc::new(Views {
            viewer: viewer.clone(),
            planner: planner.clone(),
            files,
            records,
            instant,
            owner: Arc::new(()),
            built: Mutex::default(),
        });
        let names = MemoryCatalogProviderList::new();
        names.register_catalog("lake".to_owned(), Arc::new(Tables { views: Arc::clone(&views) }));
        Self { views, names: Arc::new(names) }
    }

    /// What tells the views of this session from those of others.
    pub(crate) fn owner(&self) -> Arc<()> {
        Arc::clone(&self.views.owner)
    }
}

impl CatalogProvider for ViewCatalog {
    fn schema_names(&self) -> Vec<String> {
        ["auditlake", INFORMATION_SCHEMA, "public"].map(str::to_owned).to_vec()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            INFORMATION_SCHEMA => {
                Some(Arc::new(Information { inner: InformationSchemaProvider::new(Arc::clone(&self.names)) }))
            }
            _ => Tables { views: Arc::clone(&self.views) }.schema(name),
        }
    }
}

/// The catalog without descriptions of itself.
#[derive(Debug)]
struct Tables {
    views: Arc<Views>,
}

impl CatalogProvider for Tables {
    fn schema_names(&self) -> Vec<String> {
        ["auditlake", "public"].map(str::to_owned).to_vec()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let views = Arc::clone(&self.views);
        match name {
            "public" => Some(Arc::new(Public { views })),
            "auditlake" => Some(Arc::new(Records { views })),
            _ => None,
        }
    }
}

/// Views, each made when a statement first names it.
struct Views {
    viewer: Viewer,
    /// Plans what views read.
    planner: SessionState,
    files: Arc<DatasetFiles>,
    records: Arc<dyn SystemTables>,
    instant: DateTime<Utc>,
    owner: Arc<()>,
    built: Mutex<HashMap<String, Arc<PrincipalView>>>,
}

impl std::fmt::Debug for Views {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Views").field("viewer", &self.viewer).finish_non_exhaustive()
    }
}

impl Views {
    /// Names of the datasets that exist for the principal, and may be read.
    fn names(&self) -> Vec<String> {
        let principal = self.viewer.principal();
        if !principal.may(Permission::DatasetRead) && !principal.may(Permission::DatasetDescribe) {
            return Vec::new();
        }
        self.viewer.rules().keys().cloned().collect()
    }

    async fn of_dataset(&self, name: &str) -> Result<Option<Arc<PrincipalView>>, EngineError> {
        let Some(rule) = self.viewer.rules().get(name) else { return Ok(None) };
        if !self.viewer.principal().may(Permission::DatasetRead) {
            return Err(EngineError::Denied {
                what: format!("dataset \"{name}\" may be named and not read; ask for a role with dataset.read"),
            });
        }
        let mut built = self.built.lock().await;
        if let Some(view) = built.get(name) {
            return Ok(Some(Arc::clone(view)));
        }
        let Some((dataset, rows)) = public_table(&self.files, name).await? else { return Ok(None) };
        let of = name.strip_suffix(HISTORY_ENDING).filter(|_| dataset.id.as_str() != name).unwrap_or(name);
        let files = self.files.get(of).await?.unwrap_or_default();
        let source = Source { planner: &self.planner, dataset, rows, files, owner: &self.owner };
        let view = Arc::new(PrincipalView::new(&self.viewer, name, rule, &source)?);
        built.insert(name.to_owned(), Arc::clone(&view));
        Ok(Some(view))
    }

    /// Which of our own records exist for the principal.
    fn record_names(&self) -> Vec<String> {
        let principal = self.viewer.principal();
        let all = self.records.names();
        if principal.may(Permission::RecordsReadAll) && principal.tenants == Tenants::All {
            return all;
        }
        let own = principal.may(Permission::RecordsRead) || principal.may(Permission::RecordsReadAll);
        all.into_iter().filter(|name| own && name == STATEMENTS).collect()
    }

    async fn of_records(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        if !self.record_names().iter().any(|known| known == name) {
            return Ok(None);
        }
        let Some(rows) = record_table(&self.files, self.records.as_ref(), name, self.instant).await? else {
            return Ok(None);
        };
        let condition = if name == STATEMENTS { self.own_statements() } else { None };
        let view = PrincipalView::of_records(&self.planner, name, rows, condition, &self.owner)?;
        Ok(Some(Arc::new(view)))
    }

    /// Whoever may not read everybody's records sees its own, and those of its tenants where it may read all of them.
    fn own_statements(&self) -> Option<Expr> {
        let principal = self.viewer.principal();
        let own = ident("actor_id").eq(lit(principal.name.as_str()));
        match (principal.may(Permission::RecordsReadAll), &principal.tenants) {
            (true, Tenants::All) => None,
            (true, Tenants::Some(tenants)) => {
                Some(own.or(ident(TENANT).in_list(tenants.iter().map(lit).collect(), false)))
            }
            (false, _) => Some(own),
        }
    }
}

#[derive(Debug)]
struct Public {
    views: Arc<Views>,
}

#[async_trait]
impl SchemaProvider for Public {
    fn table_names(&self) -> Vec<String> {
        self.views.names()
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        let view = self.views.of_dataset(name).await.map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(view.map(|view| view as Arc<dyn TableProvider>))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.views.viewer.rules().contains_key(name)
    }
}

#[derive(Debug)]
struct Records {
    views: Arc<Views>,
}

#[async_trait]
impl SchemaProvider for Records {
    fn table_names(&self) -> Vec<String> {
        self.views.record_names()
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        self.views.of_records(name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.views.record_names().iter().any(|known| known == name)
    }
}

/// What the catalog says of itself, without the settings.
#[derive(Debug)]
struct Information {
    inner: InformationSchemaProvider,
}

#[async_trait]
impl SchemaProvider for Information {
    fn table_names(&self) -> Vec<String> {
        self.inner.table_names()
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        let Some(table) = self.inner.table(name).await? else { return Ok(None) };
        if name.eq_ignore_ascii_case(SETTINGS) {
            return Ok(Some(Arc::new(EmptyTable::new(table.schema()))));
        }
        Ok(Some(table))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name)
    }
}
