//! Ids of what a document holds: the same whenever the same thing is told of again, others for anything else.
//!
//! A result keeps the id that it has in `auditlake.control_results`. Absent: random ids.

use schemas::{EvidenceObject, Report, derived_id, rfc3339};

/// Makes the ids of one report.
pub(super) struct Ids<'r> {
    report: &'r Report,
    start: String,
    end: String,
}

impl<'r> Ids<'r> {
    pub(super) fn of(report: &'r Report) -> Self {
        Self { report, start: rfc3339(report.interval.start), end: rfc3339(report.interval.end) }
    }

    /// Of the document: a later run of the job over the interval tells of the same.
    pub(super) fn document(&self) -> String {
        self.in_interval("document", &[])
    }

    pub(super) fn result(&self) -> String {
        self.in_interval("result", &[])
    }

    /// Of the verdict on a requirement.
    pub(super) fn verdict(&self, framework: &str, requirement: &str) -> String {
        self.in_interval("verdict", &[framework, requirement])
    }

    /// Of a control's evaluation.
    pub(super) fn task(&self, control: &str) -> String {
        self.in_interval("task", &[control])
    }

    /// Of a control as the job asks it.
    pub(super) fn activity(&self, control: &str, version: u32) -> String {
        self.in_job("activity", &[control, &version.to_string()])
    }

    /// Of one of its statements.
    pub(super) fn step(&self, control: &str, version: u32, step: &str) -> String {
        self.in_job("step", &[control, &version.to_string(), step])
    }

    /// Of the definitions that the job follows.
    pub(super) fn plan(&self) -> String {
        self.in_job("plan", &[&self.report.run.definitions_sha256])
    }

    pub(super) fn platform(&self) -> String {
        self.in_lake("platform", &[])
    }

    pub(super) fn tenant(&self, scope: &str) -> String {
        self.in_lake("tenant", &[scope])
    }

    pub(super) fn tool(&self) -> String {
        derived("tool", &["auditlake", &self.report.run.version])
    }

    pub(super) fn evidence(&self, object: &EvidenceObject) -> String {
        self.in_lake("evidence", &[&object.path, &object.sha256])
    }

    fn in_interval(&self, kind: &str, more: &[&str]) -> String {
        let interval: [&str; 2] = [&self.start, &self.end];
        self.in_job(kind, &[&interval[..], more].concat())
    }

    fn in_job(&self, kind: &str, more: &[&str]) -> String {
        let job: [&str; 1] = [&self.report.run.job];
        self.in_lake(kind, &[&job[..], more].concat())
    }

    fn in_lake(&self, kind: &str, more: &[&str]) -> String {
        let lake: [&str; 1] = [&self.report.lake];
        derived(kind, &[&lake[..], more].concat())
    }
}

/// In a family of its own, so that none of these is a finding's or a result's by chance.
fn derived(kind: &str, more: &[&str]) -> String {
    let family = ["oscal", kind];
    derived_id(&[&family[..], more].concat())
}
