//! Writing what a run made, each object with its SHA-256.

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use engine::{Created, Fence, Lakefront, recorded_path};
use exporters::CsvTable;
use sha2::{Digest, Sha256};

use crate::error::JobError;
use crate::ledger::{Output, OutputRole};

/// Writes the objects of one attempt.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) front: &'a Lakefront,
    pub(crate) fence: &'a dyn Fence,
    /// An earlier attempt of this run may have left outputs that no commit names.
    pub(crate) retried: bool,
    pub(crate) outputs: Vec<Output>,
}

impl Delivery<'_> {
    /// Writes an object under a name of this attempt alone.
    pub(crate) async fn create(
        &mut self,
        path: String,
        role: OutputRole,
        bytes: Bytes,
        rows: Option<u64>,
    ) -> Result<[u8; 32], JobError> {
        self.fence.check().await?;
        let location = recorded_path(&path);
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let size = bytes.len() as u64;
        if self.front.create(&location, bytes).await? == Created::Existed {
            return Err(JobError::OutputTaken { path });
        }
        self.outputs.push(Output { path, role, sha256: engine::hex(&sha256), bytes: size, rows });
        Ok(sha256)
    }

    /// Writes a file under the name that the job gives it. Before the commit nobody follows that name, so an
    /// uncommitted attempt's file gives way; a file of anybody else does not.
    pub(crate) async fn publish(&mut self, path: String, bytes: Bytes) -> Result<(), JobError> {
        self.fence.check().await?;
        let location = recorded_path(&path);
        let sha256 = engine::hex(&Sha256::digest(&bytes));
        let size = bytes.len() as u64;
        if self.front.create(&location, bytes.clone()).await? == Created::Existed {
            let same = self.front.read(&location).await?.is_some_and(|there| there == bytes);
            if !same && !self.retried {
                return Err(JobError::OutputTaken { path });
            }
            if !same {
                self.front.replace(&location, bytes).await?;
            }
        }
        self.outputs.push(Output { path, role: OutputRole::Report, sha256, bytes: size, rows: None });
        Ok(())
    }

    /// Writes tables as CSV, each in a file whose name begins with `stem`.
    pub(crate) async fn publish_tables(&mut self, stem: &str, tables: Vec<CsvTable>) -> Result<(), JobError> {
        for table in tables {
            self.publish(format!("{stem}.{}.csv", table.name), table.bytes.into()).await?;
        }
        Ok(())
    }

    /// Writes rows as Parquet under a name of this attempt alone.
    pub(crate) async fn create_rows(
        &mut self,
        path: String,
        role: OutputRole,
        rows: &RecordBatch,
    ) -> Result<[u8; 32], JobError> {
        let bytes = engine::parquet_bytes(&path, rows)?;
        self.create(path, role, bytes, Some(rows.num_rows() as u64)).await
    }
}
