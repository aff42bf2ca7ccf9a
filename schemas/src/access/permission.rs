//! What can be allowed, and the five roles that ship.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Declares every permission with its word and what it allows: the one list of them.
macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal),+ $(,)?) => {
        /// Something that can be allowed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum Permission {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

permissions! {
    /// See which datasets there are, and their columns.
    DatasetDescribe = "dataset.describe",
    /// Read published reports.
    ReportRead = "report.read",
    /// Read the lineage graph.
    LineageRead = "lineage.read",
    /// Read records of one's own statements and exports.
    RecordsRead = "records.read",
    /// Read rows of datasets, through views.
    DatasetRead = "dataset.read",
    /// Ask in SQL.
    SqlQuery = "sql.query",
    /// See the plan of a statement above the views.
    SqlExplain = "sql.explain",
    /// Ask for exports.
    ExportRequest = "export.request",
    /// See personal columns as they are where no role masks them.
    DatasetUnmasked = "dataset.unmasked",
    /// See rows of restricted subjects (GDPR Art. 18).
    DatasetRestricted = "dataset.restricted",
    /// Read records of everybody.
    RecordsReadAll = "records.read_all",
    /// Verify the evidence log.
    EvidenceVerify = "evidence.verify",
    /// Export the lineage graph.
    LineageExport = "lineage.export",
    /// Approve reports that others generated.
    ReportApprove = "report.approve",
    /// Accept or close findings.
    FindingDecide = "finding.decide",
    /// Place legal holds.
    HoldPlace = "hold.place",
    /// Release legal holds.
    HoldRelease = "hold.release",
    /// Plan retention.
    RetentionPlan = "retention.plan",
    /// Approve retention plans of others.
    RetentionApprove = "retention.approve",
    /// Apply approved retention plans.
    RetentionApply = "retention.apply",
    /// Open cases of subjects.
    SubjectOpen = "subject.open",
    /// Export a subject's data.
    SubjectExport = "subject.export",
    /// Erase a subject's data.
    SubjectErase = "subject.erase",
    /// See a subject's identifiers in a case.
    SubjectUnseal = "subject.unseal",
    /// Run anonymization.
    AnonymizeRun = "anonymize.run",
    /// Write into datasets.
    IngestWrite = "ingest.write",
    /// Run jobs.
    JobRun = "job.run",
    /// Cancel runs.
    JobCancel = "job.cancel",
    /// Run jobs for past intervals.
    JobBackfill = "job.backfill",
    /// Accept a file that a job refused.
    JobAcceptFile = "job.accept_file",
    /// Compute on a cluster.
    ClusterUse = "cluster.use",
    /// Pause and resume schedules.
    SchedulePause = "schedule.pause",
    /// Manage notifications.
    NotifyManage = "notify.manage",
    /// Retry, reject, cancel and withdraw exports of others.
    ExportManage = "export.manage",
    /// See the state of the server.
    ServerStatus = "server.status",
    /// See whole plans, with files and statistics.
    SqlExplainFull = "sql.explain_full",
    /// Approve exclusions from SLAs.
    SlaExclude = "sla.exclude",
    /// Read who may see what.
    AccessRead = "access.read",
    /// Reload `access.yaml`.
    AccessReload = "access.reload",
    /// Act as another principal on a served lake.
    AccessImpersonate = "access.impersonate",
}

impl Permission {
    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == word)
    }
}

/// Roles that ship. They name no dataset: that is for the roles of the lake.
pub const DEFAULT_ROLES: [&str; 5] = ["analyst", "auditor", "privacy_officer", "operator", "admin"];

/// What a role that ships allows; none for any other.
pub fn default_role(name: &str) -> Option<BTreeSet<Permission>> {
    use Permission as P;
    let everybody = [P::DatasetDescribe, P::ReportRead, P::LineageRead, P::RecordsRead];
    let readers = [P::DatasetRead, P::SqlQuery, P::SqlExplain, P::ExportRequest];
    let overseers = [P::RecordsReadAll, P::EvidenceVerify, P::LineageExport];
    let keepers = [P::SchedulePause, P::NotifyManage, P::ExportManage, P::ServerStatus, P::SqlExplainFull];
    let own: &[&[Permission]] = match name {
        "analyst" => &[&readers],
        "auditor" => &[&readers, &overseers, &[P::ReportApprove, P::AccessRead]],
        "privacy_officer" => &[
            &readers,
            &overseers,
            &[P::DatasetUnmasked, P::DatasetRestricted, P::FindingDecide, P::HoldPlace, P::HoldRelease],
            &[P::RetentionApprove, P::RetentionPlan],
            &[P::SubjectOpen, P::SubjectExport, P::SubjectErase, P::SubjectUnseal],
        ],
        "operator" => &[
            &overseers,
            &keepers,
            &[P::RetentionPlan, P::RetentionApply, P::AnonymizeRun, P::IngestWrite],
            &[P::JobRun, P::JobCancel, P::JobBackfill, P::JobAcceptFile, P::ClusterUse],
        ],
        "admin" => &[&keepers, &[P::SlaExclude, P::AccessRead, P::AccessReload, P::AccessImpersonate]],
        _ => return None,
    };
    Some(everybody.iter().chain(own.iter().copied().flatten()).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_that_ship_allow_what_the_guide_says() {
        assert!(Permission::ALL.len() >= 25);
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
            let some = DEFAULT_ROLES.iter().filter_map(|role| default_role(role));
            assert!(some.into_iter().any(|role| role.contains(permission)), "{permission:?} is in no role");
        }
        let has = |role: &str, permission| default_role(role).is_some_and(|all| all.contains(&permission));
        assert!(has("analyst", Permission::SqlQuery) && !has("analyst", Permission::DatasetUnmasked));
        assert!(!has("operator", Permission::SqlQuery) && !has("operator", Permission::RetentionApprove));
        assert!(!has("privacy_officer", Permission::RetentionApply) && !has("admin", Permission::DatasetRead));
        assert_eq!(default_role("root"), None);
    }
}
