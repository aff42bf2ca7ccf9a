//! Files that others came in the place of: rows that go lie in them as well, and so they go, too.
//!
//! Absent: files that were replaced after the plan was drawn up. What came in their place was planned by nobody.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Apply;
use crate::error::EngineError;
use crate::replace::{Leftovers, leftovers, purge_replaced, remove_replaced};

/// How long replaced files stay at most for readers that began before; shorter where the grace of the policy is.
const READERS: TimeDelta = TimeDelta::hours(24);

/// What became of files that a compaction or a query had replaced before the plan was drawn up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedFiles {
    /// Those that this apply deleted.
    pub deleted: u64,
    /// Those that are still on the store, for readers that began before.
    pub staying: u64,
    /// When the last of those may go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// What is left of them and why, each a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_reached: Vec<String>,
}

impl Apply<'_> {
    /// Deletes replaced files of which the grace is over. At the end of a plan, when the grace of all that it takes is over, what
    /// versions a bucket keeps of replaced files go as well.
    pub(super) async fn without_replaced(&self, is_end: bool) -> Result<ReplacedFiles, EngineError> {
        let now = self.request.now;
        let grace = (self.grace_ends(now) - now).min(READERS);
        // What was replaced under a claim before this one was so before now, whatever the clock of its machine said.
        let until = if grace.is_zero() { DateTime::<Utc>::MAX_UTC } else { now - grace };
        if let Some(case) = self.case_that_may_hold().await? {
            let left = leftovers(self.lake, &self.files, until).await?;
            let many = left.due + left.staying;
            let why = format!(
                "{many} files that were replaced: case {case} was opened since and may hold some of their rows"
            );
            let not_reached = if many == 0 { Vec::new() } else { vec![why] };
            return Ok(ReplacedFiles { not_reached, ..ReplacedFiles::default() });
        }
        let deleted = remove_replaced(self.lake, self.request.fence, &self.files, (now, until)).await?;
        let Leftovers { staying, staying_since, .. } = leftovers(self.lake, &self.files, until).await?;
        let not_reached = match is_end {
            true => purge_replaced(self.lake, self.request.fence, &self.files).await?,
            false => Vec::new(),
        };
        let planned = self.document.at;
        let of_plan = staying_since.filter(|(first, _)| *first <= planned);
        let until = of_plan.map(|(_, last)| last.min(planned) + grace);
        Ok(ReplacedFiles { deleted, staying: until.map_or(0, |_| staying), until, not_reached })
    }
}
