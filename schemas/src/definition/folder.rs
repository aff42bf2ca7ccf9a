//! All files of a lake's folder at once: sorted in, read, named, checked.

mod slot;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::checked::{Job, JobKind, Lake};
use super::export_job;
use super::lake::LakeFile;
use super::problem::{DefinitionError, Place, Problems};
use super::query_job;
use super::raw::{RawDataset, RawLake};
use super::raw_access::RawAccess;
use super::raw_anonymize::RawAnonymize;
use super::raw_control::RawControl;
use super::raw_evidence::RawEvidenceFile;
use super::raw_retention::RawRetention;
use super::raw_sla::{RawSla, RawTiers};
use super::raw_subjects::RawSubjectsFile;
use super::raw_support::{RawCalendar, RawSupport};
use super::raw_table_report::RawTableReport;
use super::raw_usage::{RawQuotas, RawUsage};
use super::surroundings::Surroundings;
use super::timing::{self, Wait};
use super::yaml::{self, Node};
use super::{
    access, anomalies_job, anonymize, anonymize_job, calendar, control, dataset, evidence, job, lake, openslo, quotas,
    raw_job_of, raw_of, report_job, retention, retention_job, sla, sla_job, subjects, support, table_report, tiers,
    usage, usage_job, verify_job,
};
use slot::{Slot, in_slas, other_policy, slot};

use crate::access::Access;
use crate::evidence::EvidencePolicy;
use crate::hex;
use crate::id::{ControlId, JobId};
use crate::shipped::{shipped_controls, shipped_frameworks};
use crate::subject::SubjectPolicy;

/// Prefix of the controls that ship.
const SHIPPED_PREFIX: &str = "AL-";

/// A file of the lake's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path relative to the folder, with `/` between names.
    pub path: String,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// Checks a whole folder. Files that are no definitions are passed over; the order does not matter.
///
/// # Errors
/// Everything that is wrong in all files, by file and place.
pub fn check(files: &[SourceFile]) -> Result<Lake, Vec<DefinitionError>> {
    let mut files: Vec<(Slot, &SourceFile)> = files.iter().filter_map(|file| Some((slot(&file.path)?, file))).collect();
    files.sort_by(|(_, a), (_, b)| a.path.cmp(&b.path));
    let mut folder = Folder {
        around: Surroundings::new(shipped_controls(), shipped_frameworks()),
        lake: None,
        access: None,
        evidence: None,
        subjects: None,
        jobs: Vec::new(),
        waits: Vec::new(),
        errors: Vec::new(),
    };
    if !files.iter().any(|(slot, _)| matches!(slot, Slot::Lake)) {
        let mut problems = Problems::of("lake.yaml");
        problems
            .add(Place::START, "lake.yaml is missing; write it with lake, store and timezone, or run `auditlake init`");
        folder.errors.extend(problems.into_errors());
    }
    // Documents of OpenSLO name one another, so all of them are read at once.
    let (openslo, own): (Vec<_>, Vec<_>) =
        files.iter().partition(|(slot, file)| *slot == Slot::Sla && openslo::is_meant(&file.text));
    let opened: Vec<Opened<'_>> = own.iter().filter_map(|(slot, file)| folder.open(slot, file)).collect();
    for wanted in Slot::IN_ORDER {
        opened.iter().filter(|one| one.slot == wanted).for_each(|one| folder.check_one(one));
        if wanted == Slot::Sla {
            folder.check_openslo(&openslo);
        }
    }
    folder.into_lake(sha256_of_all(&files))
}

/// Whether a file of the lake's folder is one that [`check`] wants to see: the definitions, and files that look as if
/// they were meant to be one. Whoever reads the folder need not read the others.
pub fn is_definition(path: &str) -> bool {
    slot(path).is_some()
}

/// A file that is YAML.
struct Opened<'a> {
    slot: Slot,
    file: &'a SourceFile,
    node: Node,
}

/// What the check of a folder has come to.
struct Folder {
    around: Surroundings,
    lake: Option<LakeFile>,
    access: Option<Access>,
    evidence: Option<EvidencePolicy>,
    subjects: Option<SubjectPolicy>,
    jobs: Vec<Job>,
    /// Which jobs wait for which.
    waits: Vec<Wait>,
    errors: Vec<DefinitionError>,
}

impl Folder {
    /// Reads a file into a tree and claims its name, so that others may refer to it even if more is wrong in it.
    fn open<'a>(&mut self, slot: &Slot, file: &'a SourceFile) -> Option<Opened<'a>> {
        let mut problems = Problems::of(&file.path);
        if let Slot::Refused(why) = slot {
            problems.add(Place::START, why.as_str());
            self.errors.extend(problems.into_errors());
            return None;
        }
        let node = problems.keep_placed(yaml::tree(&file.text));
        // Both lie in policies/, and only the first key tells one from the other.
        let is_copy = |node: &Node| node.value.get("anonymize").is_some() && node.value.get("policy").is_none();
        let slot = match slot {
            Slot::Retention if node.as_ref().is_some_and(is_copy) => Slot::Anonymize,
            Slot::Sla => node.as_ref().map_or(Slot::Sla, in_slas),
            slot => slot.clone(),
        };
        if let Some((place, why)) = node.as_ref().filter(|_| slot == Slot::Retention).and_then(other_policy) {
            problems.add(place, why);
            self.errors.extend(problems.into_errors());
            return None;
        }
        let (names, key) = match slot {
            Slot::Dataset => (&mut self.around.dataset_names, "dataset"),
            Slot::Control => (&mut self.around.control_names, "control"),
            Slot::Job => (&mut self.around.job_names, "job"),
            Slot::Retention => (&mut self.around.policy_names, "policy"),
            Slot::Anonymize => (&mut self.around.copy_names, "anonymize"),
            Slot::Sla => (&mut self.around.sla_names, "sla"),
            // A job names either of them by one key.
            Slot::Support => (&mut self.around.sla_names, "support"),
            Slot::Usage => (&mut self.around.usage_names, "usage"),
            Slot::Report => (&mut self.around.report_names, "report"),
            Slot::Lake
            | Slot::Access
            | Slot::Evidence
            | Slot::Subjects
            | Slot::Tiers
            | Slot::Calendar
            | Slot::Quotas
            | Slot::Refused(_) => {
                self.errors.extend(problems.into_errors());
                return Some(Opened { slot, file, node: node? });
            }
        };
        match node.as_ref().and_then(|node| node.value.get(key)) {
            Some(id) if slot == Slot::Control && text_of(id).starts_with(SHIPPED_PREFIX) => {
                problems.add(id.place, reserved(text_of(id)));
            }
            Some(id) if is_name(&slot, text_of(id)) => {
                if let Some(earlier) = names.claim(text_of(id), Some(&file.path)) {
                    names.unknown = true;
                    let message =
                        format!("{key} {:?} is already described in {earlier}; rename one of them", text_of(id));
                    problems.add(id.place, message);
                }
            }
            _ => names.unknown = true,
        }
        self.errors.extend(problems.into_errors());
        Some(Opened { slot, file, node: node? })
    }

    fn check_one(&mut self, opened: &Opened<'_>) {
        let Opened { slot, file, node } = opened;
        let mut problems = Problems::of(&file.path);
        match slot {
            Slot::Lake => {
                let raw = raw_of::<RawLake>("lake", file, node, &mut problems);
                self.lake = raw.and_then(|raw| lake::build(raw, &self.around, &mut problems));
            }
            Slot::Dataset => {
                let raw = raw_of::<RawDataset>("dataset", file, node, &mut problems);
                let built = raw.and_then(|raw| dataset::build(raw, &self.around.datasets, &mut problems));
                self.around.datasets.extend(built.map(|dataset| (dataset, file.path.clone())));
            }
            Slot::Access => {
                let raw = raw_of::<RawAccess>("access", file, node, &mut problems);
                let sha256 = hex(&Sha256::digest(&file.text));
                self.around.principal_names.unknown = raw.is_none();
                for name in raw.iter().flat_map(|raw| raw.principals.keys()) {
                    self.around.principal_names.claim(name, Some(&file.path));
                }
                self.access = raw.and_then(|raw| access::build(raw, sha256, &self.around, &mut problems));
            }
            Slot::Evidence => {
                let raw = raw_of::<RawEvidenceFile>("evidence", file, node, &mut problems);
                let store = self.lake.as_ref().map(|lake| &lake.store);
                self.evidence = raw.and_then(|raw| evidence::build(raw, store, &mut problems));
            }
            Slot::Subjects => {
                let raw = raw_of::<RawSubjectsFile>("subjects", file, node, &mut problems);
                self.subjects = raw.and_then(|raw| subjects::build(raw, &self.around, &mut problems));
            }
            Slot::Retention => {
                let raw = raw_of::<RawRetention>("policy", file, node, &mut problems);
                let sha256 = hex(&Sha256::digest(&file.text));
                let built = raw.and_then(|raw| retention::build(raw, sha256, &self.around, &mut problems));
                self.around.policy_names.unknown |= built.is_none();
                self.around.policies.extend(built.map(|policy| (policy, file.path.clone())));
            }
            Slot::Anonymize => {
                let raw = raw_of::<RawAnonymize>("anonymize", file, node, &mut problems);
                let sha256 = hex(&Sha256::digest(&file.text));
                let built = raw.and_then(|raw| anonymize::build(raw, sha256, &self.around, &mut problems));
                // A template that waits for its datasets is none that others may mean.
                self.around.copy_names.unknown |= built.is_none() && problems.len() > 0;
                self.around.copies.extend(built.map(|policy| (policy, file.path.clone())));
            }
            Slot::Tiers => self.check_tiers(file, node, &mut problems),
            Slot::Sla => {
                let raw = raw_of::<RawSla>("sla", file, node, &mut problems);
                let sha256 = hex(&Sha256::digest(&file.text));
                let zone = self.lake.as_ref().map_or(chrono_tz::UTC, |lake| lake.timezone);
                let built = raw.and_then(|raw| sla::build(raw, sha256, (zone, &self.around), &mut problems));
                self.around.slas.extend(built);
            }
            Slot::Calendar => self.check_calendar(file, node, &mut problems),
            Slot::Support => self.check_support(file, node, &mut problems),
            Slot::Quotas => self.check_quotas(file, node, &mut problems),
            Slot::Usage => self.check_usage(file, node, &mut problems),
            Slot::Report => self.check_report(file, node, &mut problems),
            Slot::Control => {
                let raw = raw_of::<RawControl>("control", file, node, &mut problems);
                let built = raw.and_then(|raw| control::build(raw, self.around.frameworks, &mut problems));
                self.around.controls.extend(built);
            }
            Slot::Job => {
                let built = self.check_job(file, node, &mut problems);
                self.jobs.extend(built);
            }
            Slot::Refused(_) => {}
        }
        self.errors.extend(problems.into_errors());
    }

    fn check_openslo(&mut self, files: &[&(Slot, &SourceFile)]) {
        let files: Vec<&SourceFile> = files.iter().map(|(_, file)| *file).collect();
        let zone = self.lake.as_ref().map_or(chrono_tz::UTC, |lake| lake.timezone);
        self.errors.extend(openslo::read(&files, zone, &mut self.around));
    }

    /// What tiers are promised; a version that another file has, too, is refused.
    fn check_tiers(&mut self, file: &SourceFile, node: &Node, problems: &mut Problems) {
        let raw = raw_of::<RawTiers>("tiers", file, node, problems);
        let sha256 = hex(&Sha256::digest(&file.text));
        let place = raw.as_ref().map_or(Place::START, |raw| raw.version.place);
        let built = raw.and_then(|raw| tiers::build(raw, sha256, problems));
        self.around.are_tiers_unknown |= built.is_none();
        let versions = self.around.tiers.iter().map(|other| (other.id.as_str(), other.version, other.effective));
        if let Some(why) =
            built.as_ref().and_then(|of| overlapping("tiers", (of.id.as_str(), of.version, of.effective), versions))
        {
            problems.add(place, why);
        }
        self.around.tiers.extend(built);
    }

    /// Business hours; a version that another file has, too, is refused.
    fn check_calendar(&mut self, file: &SourceFile, node: &Node, problems: &mut Problems) {
        let raw = raw_of::<RawCalendar>("calendar", file, node, problems);
        let sha256 = hex(&Sha256::digest(&file.text));
        let place = raw.as_ref().map_or(Place::START, |raw| raw.version.place);
        let zone = self.lake.as_ref().map_or(chrono_tz::UTC, |lake| lake.timezone);
        let built = raw.and_then(|raw| calendar::build(raw, sha256, zone, problems));
        self.around.are_calendars_unknown |= built.is_none();
        let versions = self.around.calendars.iter().map(|other| (other.name.as_str(), other.version, other.effective));
        if let Some(why) = built
            .as_ref()
            .and_then(|of| overlapping("versions of calendar", (of.name.as_str(), of.version, of.effective), versions))
        {
            problems.add(place, why);
        }
        self.around.calendars.extend(built);
    }

    fn check_support(&mut self, file: &SourceFile, node: &Node, problems: &mut Problems) {
        let raw = raw_of::<RawSupport>("support", file, node, problems);
        let sha256 = hex(&Sha256::digest(&file.text));
        let zone = self.lake.as_ref().map_or(chrono_tz::UTC, |lake| lake.timezone);
        let built = raw.and_then(|raw| support::build(raw, sha256, (zone, &self.around), problems));
        self.around.supports.extend(built);
    }

    /// How much tiers may use; a version that another file has, too, is refused.
    fn check_quotas(&mut self, file: &SourceFile, node: &Node, problems: &mut Problems) {
        let raw = raw_of::<RawQuotas>("quotas", file, node, problems);
        let sha256 = hex(&Sha256::digest(&file.text));
        let place = raw.as_ref().map_or(Place::START, |raw| raw.version.place);
        let built = raw.and_then(|raw| quotas::build(raw, sha256, problems));
        self.around.are_quotas_unknown |= built.is_none();
        let versions = self.around.quotas.iter().map(|other| (other.id.as_str(), other.version, other.effective));
        if let Some(why) =
            built.as_ref().and_then(|of| overlapping("quotas", (of.id.as_str(), of.version, of.effective), versions))
        {
            problems.add(place, why);
        }
        self.around.quotas.extend(built);
    }

    fn check_usage(&mut self, file: &SourceFile, node: &Node, problems: &mut Problems) {
        let raw = raw_of::<RawUsage>("usage", file, node, problems);
        let sha256 = hex(&Sha256::digest(&file.text));
        let zone = self.lake.as_ref().map_or(chrono_tz::UTC, |lake| lake.timezone);
        let built = raw.and_then(|raw| usage::build(raw, sha256, (zone, &self.around), problems));
        self.around.usages.extend(built);
    }

    fn check_report(&mut self, file: &SourceFile, node: &Node, problems: &mut Problems) {
        let raw = raw_of::<RawTableReport>("report", file, node, problems);
        let sha256 = hex(&Sha256::digest(&file.text));
        let built = raw.and_then(|raw| table_report::build(raw, (sha256, false), problems));
        self.around.reports.extend(built);
    }

    fn check_job(&mut self, file: &SourceFile, node: &Node, problems: &mut Problems) -> Option<Job> {
        let kind = node.value.get("kind");
        match kind.and_then(|kind| kind.value.text()) {
            Some("ingest") => {
                self.job_of(file, node, problems, |raw, around, problems| job::build_ingest(raw, around, problems))
            }
            Some("query") => {
                let schedule = node.value.get("schedule");
                let is_for_new_files = schedule.is_some_and(|schedule| schedule.value.get("on").is_some());
                self.job_of(file, node, problems, |raw, around, problems| {
                    query_job::build(raw, is_for_new_files, around, problems)
                })
            }
            Some("export") => self.job_of(file, node, problems, export_job::build),
            Some("compliance_report") => self.job_of(file, node, problems, job::build_report),
            Some("verify") => {
                self.job_of(file, node, problems, |raw, around, problems| verify_job::build(raw, around, problems))
            }
            Some("retention") => {
                self.job_of(file, node, problems, |raw, around, problems| retention_job::build(raw, around, problems))
            }
            Some("anonymize") => {
                self.job_of(file, node, problems, |raw, around, problems| anonymize_job::build(raw, around, problems))
            }
            Some("sla") => self.job_of(file, node, problems, sla_job::build),
            Some("usage") => self.job_of(file, node, problems, usage_job::build),
            Some("anomalies") => self.job_of(file, node, problems, anomalies_job::build),
            Some("report") => self.job_of(file, node, problems, report_job::build),
            Some(other) => {
                problems.add(kind.map_or(node.place, |kind| kind.place), job::unknown_kind(other));
                None
            }
            None => {
                let kinds = job::KINDS.join(", ");
                let place = kind.map_or(node.place, |kind| kind.place);
                problems.add(place, format!("kind is required, as a word; kinds are: {kinds}"));
                None
            }
        }
    }

    /// A job of one kind: its own keys, then those that every job may have.
    fn job_of<R: DeserializeOwned + JsonSchema>(
        &mut self,
        file: &SourceFile,
        node: &Node,
        problems: &mut Problems,
        build: impl FnOnce(R, &mut Surroundings, &mut Problems) -> Option<(JobId, JobKind)>,
    ) -> Option<Job> {
        let (raw, timed) = raw_job_of::<R>(file, node, problems)?;
        let before = problems.len();
        let built = build(raw, &mut self.around, problems);
        let name = node.value.get("job").map(text_of).unwrap_or_default();
        self.waits.extend(timing::waits(&timed, name, &file.path));
        let zone = self.lake.as_ref().map_or(chrono_tz::UTC, |lake| lake.timezone);
        let kind = built.as_ref().map(|(_, kind)| kind);
        let timing = timing::build(timed, (name, kind), zone, &self.around, problems);
        let (id, kind) = built.filter(|_| problems.len() == before)?;
        Some(Job { id, kind, timing, sha256: hex(&Sha256::digest(&file.text)) })
    }

    fn into_lake(mut self, sha256: String) -> Result<Lake, Vec<DefinitionError>> {
        self.errors.extend(timing::in_circles(&self.waits));
        self.errors.extend(timing::never_covered(&self.jobs, &self.waits));
        self.errors.sort();
        self.errors.dedup();
        let Some(lake) = self.lake.filter(|_| self.errors.is_empty()) else { return Err(self.errors) };
        let mut datasets: Vec<_> = self.around.datasets.into_iter().map(|(dataset, _)| dataset).collect();
        datasets.sort_by(|a, b| a.id.cmp(&b.id));
        let mut retention: Vec<_> = self.around.policies.into_iter().map(|(policy, _)| policy).collect();
        retention.sort_by(|a, b| a.id.cmp(&b.id));
        let mut copies: Vec<_> = self.around.copies.into_iter().map(|(policy, _)| policy).collect();
        copies.sort_by(|a, b| a.id.cmp(&b.id));
        self.around.slas.sort_by(|a, b| a.id.cmp(&b.id));
        self.around.supports.sort_by(|a, b| a.id.cmp(&b.id));
        self.around.usages.sort_by(|a, b| a.id.cmp(&b.id));
        self.around.reports.sort_by(|a, b| a.id.cmp(&b.id));
        self.jobs.sort_by(|a, b| a.id.cmp(&b.id));
        self.around.controls.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Lake {
            id: lake.id,
            store: lake.store,
            timezone: lake.timezone,
            access_events: lake.access_events,
            notify: lake.notify,
            access: self.access,
            evidence: self.evidence,
            subjects: self.subjects,
            retention,
            copies,
            slas: self.around.slas,
            unbound: self.around.unbound,
            openslo_notes: self.around.openslo_notes,
            supports: self.around.supports,
            usages: self.around.usages,
            reports: self.around.reports,
            datasets,
            jobs: self.jobs,
            controls: self.around.controls,
            frameworks: self.around.frameworks.to_vec(),
            sha256,
        })
    }
}

/// What of others of that name, by name, version and first day, contradicts a version.
fn overlapping<'a>(
    what: &str,
    (name, version, effective): (&str, u32, NaiveDate),
    others: impl Iterator<Item = (&'a str, u32, NaiveDate)>,
) -> Option<String> {
    let mut same = others.filter(|(other, ..)| *other == name);
    let (_, version, effective) = same.find(|(_, number, from)| *number == version || *from == effective)?;
    Some(format!(
        "{what} \"{name}\" overlap: version {version} from {effective} is already there; give this one the next version and \
         a later day, or another name"
    ))
}

fn text_of(node: &Node) -> &str {
    node.value.text().unwrap_or_default()
}

/// Whether others could refer to it; why not, its own check says.
fn is_name(slot: &Slot, given: &str) -> bool {
    match slot {
        Slot::Control => ControlId::parse(given).is_ok(),
        _ => JobId::parse(given).is_ok(),
    }
}

fn reserved(given: &str) -> String {
    let own = given.replacen(SHIPPED_PREFIX, "ACME-", 1);
    format!(
        "control {given:?}: the prefix {SHIPPED_PREFIX} is kept for controls that ship; give it your own, for example \
         {own:?}, and leave the shipped one out with controls: in the job"
    )
}

/// SHA-256 over path and text of every file, each with its length before it, so that no two folders are taken for one.
fn sha256_of_all(files: &[(Slot, &SourceFile)]) -> String {
    let mut hash = Sha256::new();
    for (_, file) in files {
        for part in [file.path.as_bytes(), file.text.as_slice()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex(&hash.finalize())
}
