//! Proofs that lie beside what they prove: `<name>.tlog-proof` beside each file of a report, and beside the manifest of an
//! export that a job made. One is checked offline, with nothing but trusted keys.

use engine::evidence::{Entry, EntryBody, LogProof, Note, NoteError, complete_nodes, inclusion_ranges, range_hash};
use engine::recorded_path;

use super::append::EvidenceLog;
use super::fault::EvidenceFault;
use super::store::LogStore;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{Ledger, OutputRole};

/// How the name of a proof ends.
pub(crate) const ENDING: &str = ".tlog-proof";

/// Lays proofs of what was logged beside what they prove.
pub(crate) async fn lay(lake: &OpenLake, log: &EvidenceLog, entries: &[(u64, Vec<u8>)]) -> Result<(), JobError> {
    for (index, bytes) in entries {
        let Ok(entry) = Entry::parse(bytes) else { continue };
        let paths = match entry.body {
            EntryBody::Report(report) => report.parts.into_iter().map(|part| part.path).collect(),
            EntryBody::Export(export) => manifest_of(lake, &export.of).await?,
            _ => continue,
        };
        if paths.is_empty() {
            continue;
        }
        let proof = proof(&log.store, *index, bytes).await?.to_string();
        for path in paths {
            let path = recorded_path(&format!("{path}{ENDING}"));
            lake.front.create(&path, proof.clone().into()).await?;
        }
    }
    Ok(())
}

/// The proof of an entry, under the newest checkpoint.
pub(crate) async fn proof(store: &LogStore, index: u64, entry: &[u8]) -> Result<LogProof, JobError> {
    let absent = NoteError::Note("the log has no checkpoint yet");
    let newest = store.newest_checkpoint().await?;
    let (size, bytes) = newest.ok_or(EvidenceFault::Checkpoint { size: 0, source: absent })?;
    let checkpoint = Note::parse(&bytes).map_err(|source| EvidenceFault::Checkpoint { size, source })?;
    let mut path = Vec::new();
    for range in inclusion_ranges(index, size) {
        path.push(range_hash(&store.nodes(&complete_nodes(range), size).await?));
    }
    Ok(LogProof { entry: entry.to_vec(), index, path, checkpoint })
}

/// Where the manifest of a run's export lies.
async fn manifest_of(lake: &OpenLake, run: &str) -> Result<Vec<String>, JobError> {
    let Some(key) = crate::ledger::RunKey::parse(run) else { return Ok(Vec::new()) };
    let commit = Ledger::new(lake.front.clone()).commit_of(&key).await?;
    let outputs = commit.into_iter().flat_map(|commit| commit.outputs);
    Ok(outputs.filter(|output| output.role == OutputRole::Report).map(|output| output.path).collect())
}
