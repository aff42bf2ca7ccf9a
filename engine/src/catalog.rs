//! The catalog of a session: schema `public` has the datasets, schema `auditlake` our own records.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, MemTable, SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result as DataFusionResult};

use crate::dataset::PinnedFile;
use crate::error::EngineError;
use crate::session::DatasetFiles;
use crate::table::PinnedTable;

/// What a table of schema `auditlake` holds.
#[derive(Debug)]
pub enum SystemTable {
    /// Rows at hand.
    Rows(SchemaRef, Vec<RecordBatch>),
    /// Parquet files of committed runs.
    Files(SchemaRef, Vec<PinnedFile>),
}

/// Answers for the schema `auditlake`: the ledger knows what was committed, the engine does not.
#[async_trait]
pub trait SystemTables: fmt::Debug + Send + Sync {
    /// Names of the tables, sorted.
    fn names(&self) -> Vec<String>;

    /// The table of that name, read when a statement first names it.
    async fn table(&self, name: &str) -> Result<Option<SystemTable>, EngineError>;
}

/// A lake without records of its own.
#[derive(Debug, Clone, Copy)]
pub struct NoSystemTables;

#[async_trait]
impl SystemTables for NoSystemTables {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, _: &str) -> Result<Option<SystemTable>, EngineError> {
        Ok(None)
    }
}

#[derive(Debug)]
pub(crate) struct LakeCatalog {
    public: Arc<dyn SchemaProvider>,
    auditlake: Arc<dyn SchemaProvider>,
}

impl LakeCatalog {
    pub(crate) fn new(files: Arc<DatasetFiles>, records: Arc<dyn SystemTables>) -> Self {
        Self {
            public: Arc::new(PublicSchema { files: Arc::clone(&files) }),
            auditlake: Arc::new(RecordsSchema { files, records }),
        }
    }
}

impl CatalogProvider for LakeCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec!["auditlake".to_owned(), "public".to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            "public" => Some(Arc::clone(&self.public)),
            "auditlake" => Some(Arc::clone(&self.auditlake)),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct PublicSchema {
    files: Arc<DatasetFiles>,
}

#[async_trait]
impl SchemaProvider for PublicSchema {
    fn table_names(&self) -> Vec<String> {
        self.files.names()
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        self.files.table(name).await.map_err(external)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.files.names().iter().any(|known| known == name)
    }
}

#[derive(Debug)]
struct RecordsSchema {
    files: Arc<DatasetFiles>,
    records: Arc<dyn SystemTables>,
}

#[async_trait]
impl SchemaProvider for RecordsSchema {
    fn table_names(&self) -> Vec<String> {
        self.records.names()
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        let table: Arc<dyn TableProvider> = match self.records.table(name).await.map_err(external)? {
            None => return Ok(None),
            Some(SystemTable::Rows(schema, rows)) => Arc::new(MemTable::try_new(schema, vec![rows])?),
            Some(SystemTable::Files(schema, files)) => {
                self.files.lake.pin(&files);
                Arc::new(PinnedTable::new(&self.files.lake, &schema, None, None, files))
            }
        };
        Ok(Some(table))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.records.names().iter().any(|known| known == name)
    }
}

fn external(error: EngineError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
