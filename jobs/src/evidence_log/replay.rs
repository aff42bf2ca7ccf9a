//! The log, read through: which files it says are there, and what else it has entries of.

use std::collections::{BTreeMap, BTreeSet};

use engine::evidence::{
    ApprovalEntry, ChainEntry, ChangeEntry, Entry, EntryBody, ExportEntry, FileEntry, Place, RecordEntry, RemovalEntry,
    ReportEntry, RunEntry,
};

/// A file that was logged.
#[derive(Debug, Clone)]
pub(crate) struct LoggedFile {
    /// Index of its entry.
    pub(crate) index: u64,
    pub(crate) entry: FileEntry,
    /// Index of the entry that says that it counts no more.
    pub(crate) removed_by: Option<u64>,
}

/// What the log says.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// Files, by dataset and place.
    pub(crate) files: BTreeMap<(String, Place), LoggedFile>,
    /// Removals of what was never logged: index, dataset and place.
    pub(crate) removed_unknown: Vec<(u64, String, Place)>,
    /// Places that were logged twice with different bytes: index of the second.
    pub(crate) contradictions: Vec<(u64, String, Place)>,
    pub(crate) runs: Vec<(u64, RunEntry)>,
    pub(crate) reports: Vec<(u64, ReportEntry)>,
    pub(crate) exports: Vec<(u64, ExportEntry)>,
    pub(crate) approvals: Vec<(u64, ApprovalEntry)>,
    pub(crate) chains: Vec<(u64, ChainEntry)>,
    /// Records of holds, of approvals of retention plans, and of plans that are done.
    pub(crate) records: Vec<(u64, RecordEntry)>,
    /// Changes by retention plans.
    pub(crate) changes: Vec<(u64, ChangeEntry)>,
    /// Indexes of entries of kinds that this version does not know.
    pub(crate) unknown: Vec<u64>,
    /// Ids of everything.
    pub(crate) ids: BTreeSet<String>,
    /// Indexes of entries that are there twice, other than changes of keys, which may be.
    pub(crate) doubled: Vec<u64>,
}

impl Replay {
    /// Takes the next entry in.
    pub(crate) fn take(&mut self, index: u64, entry: Entry) {
        let is_new = self.ids.insert(entry.id);
        if !is_new && !matches!(entry.body, EntryBody::Key(_)) {
            self.doubled.push(index);
            return;
        }
        match entry.body {
            EntryBody::File(entry) => {
                let key = (entry.dataset.clone(), entry.place.clone());
                let file = LoggedFile { index, entry, removed_by: None };
                match self.files.insert(key.clone(), file) {
                    Some(before) if before.removed_by.is_none() => self.contradictions.push((index, key.0, key.1)),
                    _ => {}
                }
            }
            EntryBody::Compaction(entry) | EntryBody::Replacement(entry) => self.remove(index, entry),
            EntryBody::Run(entry) => self.runs.push((index, entry)),
            EntryBody::Report(entry) => self.reports.push((index, entry)),
            EntryBody::Export(entry) => self.exports.push((index, entry)),
            EntryBody::Approval(entry) => self.approvals.push((index, entry)),
            EntryBody::Chain(entry) => self.chains.push((index, entry)),
            EntryBody::Expiry(entry) => self.change(index, entry),
            EntryBody::Hold(entry)
            | EntryBody::PlanApproval(entry)
            | EntryBody::Certificate(entry)
            | EntryBody::Case(entry)
            | EntryBody::Schedule(entry) => {
                self.records.push((index, entry));
            }
            EntryBody::Key(_) => {}
            EntryBody::Unknown => self.unknown.push(index),
        }
    }

    /// The file of a dataset that was logged in one of these forms.
    pub(crate) fn file(&self, dataset: &str, forms: &[Place]) -> Option<&LoggedFile> {
        forms.iter().find_map(|form| self.files.get(&(dataset.to_owned(), form.clone())))
    }

    /// Whether an entry says that a file counts no more, of which no entry has this form.
    pub(crate) fn removes_unknown(&self, dataset: &str, forms: &[Place]) -> bool {
        self.removed_unknown.iter().any(|(_, of, place)| of == dataset && forms.contains(place))
    }

    /// A file has other bytes from here on, or counts no more. One that was never logged is known from here on.
    fn change(&mut self, index: u64, change: ChangeEntry) {
        let key = (change.dataset.clone(), change.place.clone());
        let before = self.files.get(&key).filter(|file| file.removed_by.is_none());
        if before.is_some_and(|file| file.entry.sha256 != change.sha256_before) {
            self.contradictions.push((index, key.0.clone(), key.1.clone()));
        }
        let entry = FileEntry {
            dataset: change.dataset.clone(),
            place: change.place.clone(),
            sha256: change.sha256_after.clone().unwrap_or_else(|| change.sha256_before.clone()),
            bytes: change.bytes_after,
            rows: change.rows_after,
            adopted: false,
        };
        let removed_by = change.sha256_after.is_none().then_some(index);
        self.files.insert(key, LoggedFile { index, entry, removed_by });
        self.changes.push((index, change));
    }

    fn remove(&mut self, index: u64, entry: RemovalEntry) {
        for text in entry.removes {
            let key = (entry.dataset.clone(), Place::of_text(&text));
            match self.files.get_mut(&key) {
                Some(file) => file.removed_by = file.removed_by.or(Some(index)),
                None => self.removed_unknown.push((index, key.0, key.1)),
            }
        }
    }
}
