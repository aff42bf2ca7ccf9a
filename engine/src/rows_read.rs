//! How far a running statement has come.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;

/// Counts the rows that the scans of a running plan have given so far.
#[derive(Debug, Clone)]
pub struct RowsRead {
    plan: Arc<dyn ExecutionPlan>,
}

impl RowsRead {
    pub(crate) fn of(plan: &Arc<dyn ExecutionPlan>) -> Self {
        Self { plan: Arc::clone(plan) }
    }

    /// Rows until this moment.
    pub fn so_far(&self) -> u64 {
        of_scans(self.plan.as_ref(), &|metrics| metrics.output_rows())
    }

    /// Bytes of files until this moment, as the scans count them.
    pub(crate) fn bytes_so_far(&self) -> u64 {
        of_scans(self.plan.as_ref(), &|metrics| metrics.sum_by_name("bytes_scanned").map(|bytes| bytes.as_usize()))
    }
}

fn of_scans(plan: &dyn ExecutionPlan, figure: &dyn Fn(&MetricsSet) -> Option<usize>) -> u64 {
    let below = plan.children();
    if below.is_empty() {
        return plan.metrics().as_ref().and_then(figure).unwrap_or_default() as u64;
    }
    below.into_iter().map(|plan| of_scans(plan.as_ref(), figure)).sum()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use futures::StreamExt;
    use object_store::memory::InMemory;

    use super::*;
    use crate::{NoSystemTables, Resources, SessionFactory};

    #[tokio::test]
    async fn rows_of_every_scan_are_counted() {
        let store = Arc::new(InMemory::new());
        let factory = SessionFactory::new(store, Vec::new(), Arc::new(NoSystemTables), Resources::default());
        let session = factory.session(DateTime::UNIX_EPOCH).expect("a session");
        let sql = "SELECT count(*) FROM (SELECT * FROM generate_series(1, 1000) UNION ALL SELECT * FROM range(0, 50))";
        let plan = session.plan(sql).await.expect("plans");
        let (mut rows, read) = session.stream_counted(&plan).await.expect("starts");
        while let Some(batch) = rows.next().await {
            batch.expect("runs");
        }
        assert_eq!(read.so_far(), 1_050);
    }
}
