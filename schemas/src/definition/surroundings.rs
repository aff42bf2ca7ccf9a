//! What a job's check knows of the other files: filled file by file, datasets and controls before jobs.

use std::collections::BTreeMap;

use super::checked::Dataset;
use super::dataset::REJECTED_ENDING;
use super::nearest::nearest;
use super::path_template::PathTemplate;
use crate::anonymize::AnonymizePolicy;
use crate::control::Control;
use crate::framework::Framework;
use crate::id::JobId;
use crate::retention::RetentionPolicy;
use crate::shipped::{shipped_quotas, shipped_reports, shipped_tiers};
use crate::sla::{Sla, Tiers, UnboundSlo};
use crate::support::{Calendar, SupportAgreement};
use crate::table_report::TableReport;
use crate::usage::{Quotas, UsageContract};

/// Names that files claim, also files whose other keys are wrong, so that one error does not make a second one.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Name and the file that claims it; what ships has no file.
    files: BTreeMap<String, Option<String>>,
    /// A file has no name that can be told, or another's, so any name may be meant by it.
    pub(super) unknown: bool,
}

impl Names {
    /// Claims a name; the file that already has it, if any.
    pub(super) fn claim(&mut self, name: &str, file: Option<&str>) -> Option<String> {
        match self.files.get(name) {
            Some(earlier) => Some(earlier.clone().unwrap_or_else(|| "what ships".to_owned())),
            None => {
                self.files.insert(name.to_owned(), file.map(str::to_owned));
                None
            }
        }
    }

    /// When nothing can be of that name: what to do, as a sentence.
    pub(super) fn lacks(&self, name: &str) -> Option<String> {
        if self.unknown || self.files.contains_key(name) {
            return None;
        }
        let names: Vec<&str> = self.files.keys().map(String::as_str).collect();
        Some(match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if names.is_empty() => "there is none yet; describe one".to_owned(),
            None if names.len() > 20 => "see the list of controls that ship, or describe it".to_owned(),
            None => format!("there are: {}", names.join(", ")),
        })
    }
}

/// Everything around a job.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// Checked datasets with their files.
    pub(super) datasets: Vec<(Dataset, String)>,
    /// Every dataset that is named.
    pub(super) dataset_names: Names,
    /// Checked retention policies with their files.
    pub(super) policies: Vec<(RetentionPolicy, String)>,
    /// Every retention policy that is named.
    pub(super) policy_names: Names,
    /// Checked policies of anonymized copies with their files.
    pub(super) copies: Vec<(AnonymizePolicy, String)>,
    /// Every policy of an anonymized copy that is named.
    pub(super) copy_names: Names,
    /// What tiers are promised, those that ship first.
    pub(super) tiers: Vec<Tiers>,
    /// A file of tiers is wrong, so any name may be its own.
    pub(super) are_tiers_unknown: bool,
    /// Checked SLAs.
    pub(super) slas: Vec<Sla>,
    /// Objectives of OpenSLO that nothing is judged of.
    pub(super) unbound: Vec<UnboundSlo>,
    /// What reading OpenSLO took another way than it is written, or did not take.
    pub(super) openslo_notes: Vec<String>,
    /// Business hours.
    pub(super) calendars: Vec<Calendar>,
    /// A file of business hours is wrong, so any name may be its own.
    pub(super) are_calendars_unknown: bool,
    /// Checked support agreements.
    pub(super) supports: Vec<SupportAgreement>,
    /// Every SLA and support agreement that is named.
    pub(super) sla_names: Names,
    /// How much tiers may use, what ships first.
    pub(super) quotas: Vec<Quotas>,
    /// A file of quotas is wrong, so any name may be its own.
    pub(super) are_quotas_unknown: bool,
    /// Checked contracts about usage.
    pub(super) usages: Vec<UsageContract>,
    /// Every contract about usage that is named.
    pub(super) usage_names: Names,
    /// Checked reports of tables, those that ship first.
    pub(super) reports: Vec<TableReport>,
    /// Every report of tables that is named.
    pub(super) report_names: Names,
    /// Checked controls, those that ship first.
    pub(super) controls: Vec<Control>,
    /// Every control that is named.
    pub(super) control_names: Names,
    /// Every job that is named.
    pub(super) job_names: Names,
    /// Every principal that is named.
    pub(super) principal_names: Names,
    /// The frameworks that ship.
    pub(super) frameworks: &'static [Framework],
    /// What jobs write: what it is and template, to the job.
    outputs: BTreeMap<(&'static str, String), String>,
}

impl Surroundings {
    /// A lake without files of its own: only what ships.
    pub(super) fn new(controls: &[Control], frameworks: &'static [Framework]) -> Self {
        let mut control_names = Names::default();
        for control in controls {
            // Two that ship under one id are our bug; a test finds them.
            control_names.claim(control.id.as_str(), None);
        }
        let mut report_names = Names::default();
        for report in shipped_reports() {
            report_names.claim(report.id.as_str(), None);
        }
        Self {
            datasets: Vec::new(),
            dataset_names: Names::default(),
            policies: Vec::new(),
            policy_names: Names::default(),
            copies: Vec::new(),
            copy_names: Names::default(),
            tiers: shipped_tiers().to_vec(),
            are_tiers_unknown: false,
            slas: Vec::new(),
            unbound: Vec::new(),
            openslo_notes: Vec::new(),
            calendars: Vec::new(),
            are_calendars_unknown: false,
            supports: Vec::new(),
            sla_names: Names::default(),
            quotas: shipped_quotas().to_vec(),
            are_quotas_unknown: false,
            usages: Vec::new(),
            usage_names: Names::default(),
            reports: shipped_reports().to_vec(),
            report_names,
            controls: controls.to_vec(),
            control_names,
            job_names: Names::default(),
            principal_names: Names::default(),
            frameworks,
            outputs: BTreeMap::new(),
        }
    }

    /// The checked dataset of that name.
    pub(super) fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.datasets.iter().map(|(dataset, _)| dataset).find(|dataset| dataset.id.as_str() == name)
    }

    /// Whether it is the name of what holds the records that a dataset's ingests refuse.
    pub(super) fn is_rejected(&self, name: &str) -> bool {
        let base = name.strip_suffix(REJECTED_ENDING).and_then(|base| self.dataset(base));
        base.is_some_and(|base| base.rejected().is_some())
    }

    /// Claims a folder for one kind of output; the job that already writes there, if any.
    pub(super) fn claim_output(&mut self, to: &PathTemplate, what: &'static str, job: &JobId) -> Option<String> {
        let key = (what, to.key());
        if let Some(other) = self.outputs.get(&key) {
            return Some(other.clone());
        }
        self.outputs.insert(key, job.to_string());
        None
    }
}
