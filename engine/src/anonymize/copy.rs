//! A copy that is safe to share: rows by their policy, measured as they lie in the store, and published only then.
//!
//! ```text
//! source ── methods ── search: how coarse, which rows not ── methods again, in order ── parts under a unique name
//!                                                                     │
//!                      commit: they count  ◄── as required ── measured as they were written
//!                      parts deleted, run failed ◄── missed ──┘
//! ```
//!
//! No copy is published whose measured k, l or t misses what its policy states (ANO-1): the commit that makes files
//! count stands behind the measuring, and a reader that lists files without the sequence of commits finds none of a
//! copy that missed. The same rows, policy and keys give the same bytes. Absent: noise, and methods for groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::LogicalPlan;
use schemas::{AnonymizePolicy, Dataset, InputFile, Interval, Role};

use super::figures::{Below, Figures};
use super::searched::{Searched, searched};
use super::values::{CopyMaterial, values};
use crate::compact::pinned;
use crate::control::input_files;
use crate::error::EngineError;
use crate::ingest::{Fence, FileSeries, IngestProgress, Layout, WrittenFile};
use crate::lake_session::LakeSession;
use crate::materialize::{earlier, fitted, is_of_job, stem, write};
use crate::replace::{FilesReplaced, Replacement, files_of};
use crate::session::SessionFactory;
use crate::store::{Lakefront, recorded_path};
use crate::table::PinnedTable;

/// What stands in the names of files for an interval, where they have every row.
const ALL: &str = "all";

/// A copy to make.
#[derive(Debug)]
pub struct CopyRequest<'a> {
    /// What becomes of columns, and what the copy must measure.
    pub policy: &'a AnonymizePolicy,
    /// Whose rows are copied.
    pub from: &'a Dataset,
    /// The dataset that holds the copy.
    pub to: &'a Dataset,
    /// The job; only its own files are replaced.
    pub job: &'a str,
    /// The interval; every row where there is none.
    pub interval: Option<Interval>,
    /// Keys and hierarchies.
    pub material: &'a CopyMaterial,
    /// The instant of the run.
    pub now: DateTime<Utc>,
    /// How long replaced files stay for readers that began before.
    pub grace: TimeDelta,
}

/// What a copy is, or would be.
#[derive(Debug)]
pub struct CopyOutcome {
    /// Its figures; k, l and t only where columns have roles.
    pub figures: Figures,
    /// Rows that are left out.
    pub suppressed: u64,
    /// The level of each quasi identifier that has a hierarchy.
    pub levels: BTreeMap<String, u64>,
    /// The files that hold it; none of a preview.
    pub written: Vec<WrittenFile>,
    /// How their names begin.
    pub work: String,
    /// Files of an earlier copy that they replace.
    pub replaced: Vec<String>,
    /// Every file of the dataset that was read.
    pub inputs: Vec<InputFile>,
    /// The rows, as they are planned.
    pub plan: LogicalPlan,
    /// What the figures miss; empty of a copy that was published.
    pub misses: Vec<String>,
}

impl CopyOutcome {
    /// What came in the place of what.
    pub fn commit(&self) -> FilesReplaced {
        FilesReplaced { work: self.work.clone(), adds: self.written.clone(), removes: self.replaced.clone() }
    }
}

/// Makes a copy, measures it and publishes it, in place of an earlier one of the same job and interval.
///
/// # Errors
/// When it does not measure what it must, or cannot be made; when the claim is lost or the store fails. Whatever was
/// published before stays then, and nothing of the copy is left.
pub async fn make_copy(
    lake: &Lakefront,
    factory: &SessionFactory,
    request: &CopyRequest<'_>,
    fence: &dyn Fence,
    progress: &IngestProgress,
) -> Result<CopyOutcome, EngineError> {
    request.replaces(lake).await?;
    let session = factory.session(request.now)?;
    let drawn = request.drawn(&session).await?;
    let (rows, schema) = fitted(request.to, drawn.plan.clone())?;
    let inputs = request.inputs(&session).await?;
    let name = request.stem();
    let replacement =
        Replacement::announce(lake, fence, request.to, &name, request.now, request.now - request.grace).await?;
    let work = replacement.work.clone();
    let layout =
        Layout { table: request.to.schema, schema: Arc::clone(&schema), mapping: request.policy.id.to_string() };
    let made = async {
        let replaced = request.replaces(lake).await?;
        let series = FileSeries::new(lake, fence, progress, &work, layout);
        let rows = session.stream(&rows).await?;
        let written = write(request.to, rows, &schema, series).await?;
        let files = pinned(lake, &session, &written).await?;
        let table: Arc<dyn TableProvider> = Arc::new(PinnedTable::new(session.lake(), &schema, files));
        match request.measured(&session, table, &drawn).await {
            Ok((figures, _, misses)) if misses.is_empty() => Ok((figures, written, replaced)),
            missed => {
                delete(lake, &written).await;
                let (figures, below, misses) = missed?;
                Err(request.not_met(&figures, below, &misses, &drawn))
            }
        }
    };
    let (figures, ended) = match made.await {
        Ok((figures, written, replaced)) => (figures, Ok((written, replaced))),
        Err(error) => (Figures::default(), Err(error)),
    };
    let (written, replaced) = replacement.end(ended, request.now).await?;
    let Searched { plan, levels, suppressed } = drawn;
    Ok(CopyOutcome { figures, suppressed, levels, written, work, replaced, inputs, plan, misses: Vec::new() })
}

/// What a copy would be; nothing is written.
///
/// # Errors
/// When it cannot be made. That it would miss what is required is no error, and in the outcome.
pub async fn preview_copy(factory: &SessionFactory, request: &CopyRequest<'_>) -> Result<CopyOutcome, EngineError> {
    let session = factory.session(request.now)?;
    let drawn = request.drawn(&session).await?;
    let (rows, _) = fitted(request.to, drawn.plan.clone())?;
    let table: Arc<dyn TableProvider> = Arc::new(ViewTable::new(rows, None));
    let (figures, _, misses) = request.measured(&session, table, &drawn).await?;
    let inputs = request.inputs(&session).await?;
    let Searched { plan, levels, suppressed } = drawn;
    let (written, replaced, work) = (Vec::new(), Vec::new(), String::new());
    Ok(CopyOutcome { figures, suppressed, levels, written, work, replaced, inputs, plan, misses })
}

impl CopyRequest<'_> {
    fn columns(&self) -> (Vec<&str>, Vec<&str>) {
        (self.policy.columns_of(Role::Quasi), self.policy.columns_of(Role::Sensitive))
    }

    async fn drawn(&self, session: &LakeSession) -> Result<Searched, EngineError> {
        let rows = values(session, (self.policy, self.from), self.interval, self.material).await?;
        searched(session, self.policy, rows, self.material).await
    }

    /// Figures of a table of the copy's rows, and what they miss.
    async fn measured(
        &self,
        session: &LakeSession,
        table: Arc<dyn TableProvider>,
        drawn: &Searched,
    ) -> Result<(Figures, Below, Vec<String>), EngineError> {
        let (quasi, sensitive) = self.columns();
        let k = u64::from(self.policy.require.k.unwrap_or(0));
        let (figures, below) = Figures::of(session, table, (&quasi, &sensitive), k).await?;
        let mut misses = figures.misses(&self.policy.require);
        let all = figures.rows + drawn.suppressed;
        let allowed = u128::from(all) * u128::from(self.policy.search.suppress_ppm) / 1_000_000;
        if u128::from(drawn.suppressed) > allowed {
            misses.push(format!("{} of {all} rows are left out and {allowed} may be", drawn.suppressed));
        }
        Ok((figures, below, misses))
    }

    fn not_met(&self, figures: &Figures, below: Below, misses: &[String], drawn: &Searched) -> EngineError {
        let levels: Vec<String> = drawn.levels.iter().map(|(column, level)| format!("{column}={level}")).collect();
        let levels = if levels.is_empty() { String::new() } else { format!("; levels {}", levels.join(", ")) };
        let why = format!(
            "{} (rows {}, groups {}; below k rows {}, groups {}{levels}); ask for less, allow more suppression, or add \
             coarser levels",
            misses.join(", "),
            figures.rows,
            figures.groups,
            below.rows,
            below.groups
        );
        EngineError::PrivacyNotMet { policy: self.policy.id.to_string(), why }
    }

    async fn inputs(&self, session: &LakeSession) -> Result<Vec<InputFile>, EngineError> {
        let always = Interval { start: DateTime::<Utc>::MIN_UTC, end: DateTime::<Utc>::MAX_UTC };
        input_files(session, self.from.id.as_str(), self.interval.unwrap_or(always)).await
    }

    /// `<job>@<start>-<end>` or `<job>@all`.
    fn stem(&self) -> String {
        self.interval.map_or_else(|| format!("{}@{ALL}", self.job), |interval| stem(self.job, interval))
    }

    /// Files of an earlier copy of the job that this one replaces.
    async fn replaces(&self, lake: &Lakefront) -> Result<Vec<String>, EngineError> {
        let files = files_of(lake, self.to).await?;
        let Some(interval) = self.interval else {
            // All rows are in place of whatever the job copied before.
            let own = files.iter().map(|file| file.path()).filter(|path| is_of_job(self.job, path).is_some());
            return Ok(own.map(str::to_owned).collect());
        };
        let whole = files
            .iter()
            .any(|file| is_of_job(self.job, file.path()).is_some_and(|rest| rest.starts_with(&format!("{ALL}-"))));
        if whole {
            let why = format!(
                "dataset \"{}\" holds a copy of all rows by job \"{}\", and rows of an interval would be there twice; \
                 name \
                 another dataset, or leave window out",
                self.to.id, self.job
            );
            return Err(EngineError::Copy { policy: self.policy.id.to_string(), why });
        }
        earlier(&files, (self.job, interval), self.to)
    }
}

/// Deletes what nobody is to see. What cannot be deleted counts for nothing all the same, and the next run deletes it.
async fn delete(lake: &Lakefront, written: &[WrittenFile]) {
    for file in written {
        if let Err(error) = lake.remove(&recorded_path(&file.path)).await {
            tracing::warn!(%error, path = file.path, "part of a copy not deleted, the next run will");
        }
    }
}
