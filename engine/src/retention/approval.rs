//! Who agreed to a plan, and whether that is enough: pure, and the only way to something that can be applied.
//!
//! ```text
//! _auditlake/approvals/<plan>/000001.json               agreed to this plan
//! _auditlake/approvals/standing/<policy>/000001.json    agrees beforehand to plans of a policy, up to so many rows
//! ```
//!
//! Absent: permissions, which the caller asks for before it writes an approval.

use chrono::{DateTime, TimeDelta, Utc};
use object_store::path::Path;
use schemas::PolicyId;
use serde::{Deserialize, Serialize};

use super::journal::BegunRecord;
use super::plan::RetentionPlan;

/// Agreed to one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Id of the plan.
    pub plan: String,
    /// Number of the approval, from 1.
    pub number: u64,
    /// Who agrees.
    pub by: String,
    /// The ticket that it rests on.
    pub ticket: String,
    /// Rows that change, where the plan is above the brake: whoever agrees has read the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_rows: Option<u64>,
    /// When.
    pub at: DateTime<Utc>,
    /// It holds until then.
    pub until: DateTime<Utc>,
    /// All of that, signed with the key of the evidence log; none where the lake has no log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Agrees to plans of a policy before they are drawn up, as scheduled runs need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingApproval {
    /// The policy.
    pub policy: PolicyId,
    /// SHA-256 of its file, in hex: any edit voids the approval.
    pub policy_sha256: String,
    /// Number of the approval, from 1; the last one counts.
    pub number: u64,
    /// Most rows that one plan may change.
    pub rows_max: u64,
    /// Who agrees.
    pub by: String,
    /// The ticket that it rests on.
    pub ticket: String,
    /// When.
    pub at: DateTime<Utc>,
    /// It holds until then.
    pub until: DateTime<Utc>,
    /// All of that, signed with the key of the evidence log; none where the lake has no log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why a plan may not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// The policy is another one.
    #[error("policy \"{policy}\" was edited since; draw the plan up again with `auditlake retention plan`")]
    PolicyEdited {
        /// The policy.
        policy: String,
    },
    /// Too few agree.
    #[error(
        "{there} of {needed} approvals are there{why}; approve it with `auditlake retention approve {plan} --ticket T --as NAME`"
    )]
    TooFew {
        /// Beginning of the plan's id.
        plan: String,
        /// Those that count.
        there: usize,
        /// Those that the policy asks for.
        needed: u32,
        /// Why others do not count.
        why: String,
    },
}

/// A plan that may be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovedPlan {
    plan: RetentionPlan,
    /// Who agreed, with the ticket, each once.
    by: Vec<(String, String)>,
}

impl ApprovedPlan {
    /// The plan.
    pub fn plan(&self) -> &RetentionPlan {
        &self.plan
    }

    /// Who agreed, and on which ticket.
    pub fn by(&self) -> &[(String, String)] {
        &self.by
    }
}

impl RetentionPlan {
    /// The plan as one that may be applied at `now`; `policy_sha256` is that of the policy as it stands.
    ///
    /// # Errors
    /// When the policy was edited, or too few agree whose approvals hold.
    pub fn approve(
        self,
        id: &str,
        (approvals, standing): (&[Approval], Option<&StandingApproval>),
        policy_sha256: &str,
        now: DateTime<Utc>,
    ) -> Result<ApprovedPlan, NotApproved> {
        if self.policy.sha256 != policy_sha256 {
            return Err(NotApproved::PolicyEdited { policy: self.policy.name });
        }
        if let Some(standing) = standing
            && standing.policy.as_str() == self.policy.name
            && standing.policy_sha256 == policy_sha256
            && self.rows_changed() <= standing.rows_max
            && (standing.at..standing.until).contains(&now)
        {
            let by = vec![(standing.by.clone(), standing.ticket.clone())];
            return Ok(ApprovedPlan { plan: self, by });
        }
        let mut by: Vec<(String, String)> = Vec::new();
        let mut why = Vec::new();
        for approval in approvals {
            match self.fault_of(id, approval, now) {
                Some(fault) => why.push(fault),
                None if by.iter().any(|(name, _)| *name == approval.by) => {}
                None => by.push((approval.by.clone(), approval.ticket.clone())),
            }
        }
        if by.len() as u64 >= u64::from(self.policy.approvers) {
            return Ok(ApprovedPlan { plan: self, by });
        }
        let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
        let plan = id.get(..12).unwrap_or(id).to_owned();
        Err(NotApproved::TooFew { plan, there: by.len(), needed: self.policy.approvers, why })
    }

    /// The plan as one that was begun while it was approved: what was begun is brought to an end.
    pub fn go_on(self, begun: &BegunRecord) -> ApprovedPlan {
        ApprovedPlan { plan: self, by: begun.approved_by.clone() }
    }

    /// Why an approval does not count.
    fn fault_of(&self, id: &str, approval: &Approval, now: DateTime<Utc>) -> Option<String> {
        let by = &approval.by;
        if approval.plan != id {
            return Some(format!("that of \"{by}\" is of another plan"));
        }
        if !(approval.at..approval.until).contains(&now) {
            return Some(format!("that of \"{by}\" held until {}", schemas::rfc3339(approval.until)));
        }
        if self.policy.not_planner && self.planned_by.as_ref().is_none_or(|planner| planner == by) {
            return Some(match &self.planned_by {
                Some(_) => format!("\"{by}\" drew it up, and somebody else must agree"),
                None => "nobody is named who drew it up, so nobody can be shown to be somebody else".to_owned(),
            });
        }
        if self.is_above_brake() && approval.confirmed_rows != Some(self.rows_changed()) {
            return Some(format!("that of \"{by}\" does not confirm {} rows", self.rows_changed()));
        }
        None
    }

    /// Until when an approval of `at` holds.
    pub fn approval_ends(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let valid = i64::try_from(self.policy.valid_for_seconds).ok().and_then(TimeDelta::try_seconds);
        valid.and_then(|valid| at.checked_add_signed(valid)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Where approvals of a plan lie.
pub fn approvals_folder(plan: &str) -> Path {
    Path::from(format!("_auditlake/approvals/{plan}"))
}

/// Where standing approvals of a policy lie.
pub fn standing_folder(policy: &PolicyId) -> Path {
    Path::from(format!("_auditlake/approvals/standing/{policy}"))
}

#[cfg(test)]
mod tests;
