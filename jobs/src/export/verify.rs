//! Whether the parts of an export are those of its manifest.

use std::io::{self, Read};

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::place::{ObjectPlace, Place};
use super::records::{Manifest, ManifestPart};
use crate::Answer;
use crate::error::JobError;
use crate::show::counted;
use crate::subject::MARK;

/// How the sentence about a part ends that is gone.
const ABSENT: &str = ": is not there";

/// Reads every part and compares.
///
/// # Errors
/// When the manifest cannot be read, or a store fails; a part that differs is an answer.
pub(crate) async fn verify(manifest: &str) -> Result<Answer, JobError> {
    let (folder, name) = manifest.rsplit_once('/').unwrap_or((".", manifest));
    let Place::Objects(place) = Place::open(&format!("{folder}/"))? else {
        return Err(JobError::Usage("name a manifest, not standard output".to_owned()));
    };
    let read: Manifest = place.read_json(name).await?.ok_or_else(|| JobError::Unknown {
        what: "manifest",
        name: manifest.to_owned(),
        remedy: "it is written when an export is whole; one that was interrupted goes on with --resume".to_owned(),
    })?;
    let mut faults = Vec::new();
    let (rows, bytes) = read.parts.iter().fold((0, 0), |sum, part| (sum.0 + part.rows, sum.1 + part.bytes));
    if (rows, bytes, read.complete) != (read.rows, read.bytes, true) {
        faults.push(format!(
            "{name}: its parts have {rows} rows and {bytes} bytes, and it says {} and {}",
            read.rows, read.bytes
        ));
    }
    // An archive is one file, whatever it holds.
    let compression = read.format.compression.as_deref().filter(|_| read.format.bundle.is_none());
    let compression = compression.and_then(exporters::Compression::parse);
    let beside = read.beside.iter().map(|file| ManifestPart {
        path: file.path.clone(),
        rows: 0,
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        content_sha256: file.sha256.clone(),
    });
    let mut checked = Vec::new();
    for (part, compression) in
        read.parts.iter().cloned().map(|part| (part, compression)).chain(beside.map(|file| (file, None)))
    {
        match fault(&place, &part, compression).await? {
            Some(fault) => faults.push(fault),
            None => checked.push(part.path.clone()),
        }
    }
    let whole = faults.is_empty();
    let mark = format!("{}{MARK}", name.strip_suffix("manifest.json").unwrap_or(name));
    let withdrawn: Option<serde_json::Value> = place.read_json(&mark).await?;
    let of_case = withdrawn.as_ref().and_then(|withdrawn| withdrawn["case"].as_str());
    let are_gone = !whole && faults.iter().all(|fault| fault.ends_with(ABSENT));
    let text = if let (true, Some(case)) = (are_gone, of_case) {
        format!("{manifest}: withdrawn by case {case} of a person; its parts are gone")
    } else if whole {
        format!(
            "{manifest}: {} in {}, as they were written",
            counted(read.rows, "row"),
            counted(read.parts.len() as u64, "part")
        )
    } else {
        format!("{}\n{manifest}: not as it was written", faults.join("\n"))
    };
    let json = json!({ "manifest": manifest, "verified": whole, "rows": read.rows, "checked": checked, "faults": faults,
        "withdrawn": withdrawn });
    Ok(Answer { text, json, code: u8::from(!whole) })
}

/// What is wrong with a part.
async fn fault(
    place: &ObjectPlace,
    part: &ManifestPart,
    compression: Option<exporters::Compression>,
) -> Result<Option<String>, JobError> {
    let name = &part.path;
    let object = match place.store().get(&place.path(name)).await {
        Ok(object) => object,
        Err(object_store::Error::NotFound { .. }) => return Ok(Some(format!("{name}{ABSENT}"))),
        Err(source) => return Err(engine::EngineError::store(&place.path(name), "read it", source).into()),
    };
    if object.meta.size != part.bytes {
        return Ok(Some(format!("{name}: has {} bytes and not {}", object.meta.size, part.bytes)));
    }
    let stream = object.into_stream().map_err(io::Error::other);
    let bridge = SyncIoBridge::new(StreamReader::new(stream));
    let read = tokio::task::spawn_blocking(move || hashes(bridge, compression)).await;
    let read = read.map_err(|error| engine::EngineError::Bug { what: format!("the reader stopped ({error})") })?;
    Ok(match read {
        Ok((stored, _)) if stored != part.sha256 => {
            Some(format!("{name}: other bytes, SHA-256 {stored} and not {}", part.sha256))
        }
        Ok((_, content)) if content != part.content_sha256 => {
            Some(format!("{name}: other content, SHA-256 {content} and not {}", part.content_sha256))
        }
        Ok(_) => None,
        Err(error) => Some(format!("{name}: cannot be read to its end ({error})")),
    })
}

/// SHA-256 of the bytes, and of what they are before compression.
fn hashes(bytes: impl Read, compression: Option<exporters::Compression>) -> io::Result<(String, String)> {
    let mut hashed = Hashed { inner: bytes, sha256: Sha256::new() };
    let content = match compression {
        None => digest(&mut hashed)?,
        Some(exporters::Compression::Gzip) => digest(&mut flate2::read::MultiGzDecoder::new(&mut hashed))?,
        Some(exporters::Compression::Zstd) => digest(&mut zstd::Decoder::new(&mut hashed)?)?,
    };
    // What a decoder leaves unread is part of the file.
    io::copy(&mut hashed, &mut io::sink())?;
    Ok((engine::hex(&hashed.sha256.finalize()), content))
}

fn digest(content: &mut dyn Read) -> io::Result<String> {
    let mut sha256 = Sha256::new();
    io::copy(content, &mut sha256)?;
    Ok(engine::hex(&sha256.finalize()))
}

struct Hashed<R> {
    inner: R,
    sha256: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let some = self.inner.read(into)?;
        self.sha256.update(&into[..some]);
        Ok(some)
    }
}
