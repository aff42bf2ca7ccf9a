//! The log, read through: which files it says are there, and what else it has entries of.

use std::collections::{BTreeMap, BTreeSet};

use engine::evidence::{
    ApprovalEntry, ChainEntry, Entry, EntryBody, ExportEntry, FileEntry, Place, RemovalEntry, ReportEntry, RunEntry,
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
