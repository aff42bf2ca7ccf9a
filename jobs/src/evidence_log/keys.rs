//! Keys of the log: those that sign it, and those that are trusted.

use std::path::Path as FsPath;

use engine::evidence::{KeyId, SignerKey, VerifierKey};
use schemas::{EvidencePolicy, SecretSource};

use super::fault::EvidenceFault;
use crate::error::JobError;

/// What signs checkpoints.
#[derive(Debug, Clone)]
pub(crate) struct Signers {
    /// The key of the policy.
    pub(crate) current: SignerKey,
    /// The one that hands over to it.
    pub(crate) retiring: Option<SignerKey>,
}

impl Signers {
    /// Reads the keys of a policy; paths are relative to the lake's folder.
    pub(crate) fn read(folder: &FsPath, policy: &EvidencePolicy) -> Result<Self, JobError> {
        let current = signer(folder, &policy.key, &policy.origin)?;
        let retiring = policy.retiring.as_ref().map(|source| signer(folder, source, &policy.origin)).transpose()?;
        Ok(Self { current, retiring })
    }

    /// Everyone who signs.
    pub(crate) fn all(&self) -> Vec<&SignerKey> {
        std::iter::once(&self.current).chain(&self.retiring).collect()
    }

    /// What verifies their signatures.
    pub(crate) fn verifiers(&self) -> Vec<VerifierKey> {
        self.all().into_iter().map(|signer| signer.verifier().clone()).collect()
    }

    /// Ids of those who sign.
    pub(crate) fn ids(&self) -> Vec<KeyId> {
        self.all().into_iter().map(|signer| signer.verifier().id()).collect()
    }
}

fn signer(folder: &FsPath, source: &SecretSource, origin: &str) -> Result<SignerKey, JobError> {
    let (place, text) = match source {
        SecretSource::Env(name) => {
            let text = std::env::var(name).map_err(|_| {
                JobError::Usage(format!(
                    "the variable {name} is not set, and policies/evidence.yaml says a key is there"
                ))
            })?;
            (format!("env:{name}"), text)
        }
        SecretSource::File(path) => {
            let file = folder.join(path);
            let local = |source| JobError::Local { action: "read the key", path: file.display().to_string(), source };
            (path.clone(), std::fs::read_to_string(&file).map_err(local)?)
        }
    };
    let key = SignerKey::parse(text.trim());
    let key = key.map_err(|source| EvidenceFault::Key { place: place.clone(), source })?;
    if key.verifier().name() != origin {
        let name = key.verifier().name().to_owned();
        return Err(EvidenceFault::KeyName { place, name, origin: origin.to_owned() }.into());
    }
    Ok(key)
}

/// The verifier keys in a file, one a line; empty lines and those that begin with # say nothing.
pub(crate) fn trusted(folder: &FsPath, path: &str) -> Result<Vec<VerifierKey>, JobError> {
    let text = std::fs::read_to_string(folder.join(path)).map_err(|error| {
        JobError::Usage(format!(
            "trusted keys cannot be read from \"{path}\" ({error}); give a file of them with --keys"
        ))
    })?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let key = |line| VerifierKey::parse(line).map_err(|source| EvidenceFault::Key { place: path.to_owned(), source });
    Ok(lines.map(key).collect::<Result<_, _>>()?)
}
