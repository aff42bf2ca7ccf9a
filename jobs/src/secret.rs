//! Secrets, where definitions say they are: a variable of the environment or a file. They never stand in YAML.

use std::path::Path;

use schemas::SecretSource;

use crate::error::JobError;

/// Reads a secret: its bytes, without the last line end of a file. Paths are relative to `folder`; `by` is who says
/// that a secret is there, and `least` how many bytes it has at least.
pub(crate) fn read(folder: &Path, source: &SecretSource, by: &str, least: usize) -> Result<Vec<u8>, JobError> {
    let read = match source {
        SecretSource::Env(name) => {
            let value = std::env::var(name).map_err(|_| {
                JobError::Usage(format!("the variable {name} is not set, and {by} says a secret is there"))
            })?;
            value.into_bytes()
        }
        SecretSource::File(path) => {
            let path = folder.join(path);
            let mut bytes = std::fs::read(&path).map_err(|source| JobError::Local {
                action: "read the secret",
                path: path.display().to_string(),
                source,
            })?;
            while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                bytes.pop();
            }
            bytes
        }
    };
    if read.len() < least {
        let place = match source {
            SecretSource::Env(name) => format!("variable {name}"),
            SecretSource::File(path) => format!("file \"{path}\""),
        };
        return Err(JobError::Usage(format!(
            "the secret in {place} has {} bytes and could be guessed; give it {least} or more, for example with \
             openssl rand \
             -hex 32",
            read.len()
        )));
    }
    Ok(read)
}
