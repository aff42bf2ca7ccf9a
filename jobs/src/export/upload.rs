//! Parts on their way to where they go.

use std::io::{self, Write};
use std::sync::Arc;

use engine::EngineError;
use exporters::{Part, PartOut, PartSink};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::runtime::Handle;

use super::place::{ObjectPlace, pretty};
use super::records::Receipt;
use crate::error::JobError;

/// Bytes of a piece of an upload to a bucket; some stores want all but the last to be of one size, and not too many.
const PIECE_BYTES: usize = 10 << 20;
/// Bytes of a piece of a local file: few enough to be still in the processor's cache when they are written.
const LOCAL_PIECE_BYTES: usize = 1 << 20;
/// Pieces under way.
const PIECES: usize = 2;

/// Parts as objects.
pub(crate) struct Objects {
    pub(crate) place: ObjectPlace,
    pub(crate) runtime: Handle,
    /// Of the part that is begun next.
    pub(crate) number: u64,
}

impl PartSink for Objects {
    fn begin(&mut self, name: &str) -> io::Result<Box<dyn PartOut>> {
        let object = self.place.part(name, self.number).ok_or_else(|| {
            io::Error::other(format!(
                "the rows fill more than one part, and \"{}\" is one file; give a folder, for example --to {}.parts/",
                self.place.shown(&self.place.part(name, 1).unwrap_or_default()),
                self.place.shown(&self.place.part(name, 1).unwrap_or_default()),
            ))
        })?;
        self.number += 1;
        Ok(Box::new(Upload {
            runtime: self.runtime.clone(),
            place: self.place.clone(),
            object,
            waiting: Vec::new(),
            piece_bytes: if self.place.is_local() { LOCAL_PIECE_BYTES } else { PIECE_BYTES },
            pieces: None,
        }))
    }

    fn ended(&mut self, part: &Part) -> io::Result<()> {
        let noted = async {
            let Some(object) = self.place.part(&part.name, self.number - 1) else { return Ok(()) };
            let head = self.place.head(&object).await?;
            let found = head.filter(|meta| meta.size == part.bytes);
            let meta = found.ok_or_else(|| JobError::ExportChanged { place: self.place.shown(&object) })?;
            if self.place.is_single() {
                return Ok(());
            }
            let receipt = Receipt { path: object.clone(), part: part.clone(), etag: meta.e_tag };
            self.place.replace(&self.place.receipt(&part.name), pretty(&receipt)?).await
        };
        self.runtime.block_on(noted).map_err(io::Error::other)
    }
}

/// One object under way: a single request where it is small, pieces where it is not.
struct Upload {
    runtime: Handle,
    place: ObjectPlace,
    object: String,
    waiting: Vec<u8>,
    piece_bytes: usize,
    pieces: Option<WriteMultipart>,
}

impl Upload {
    fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(self.place.store())
    }

    /// What the store says, with what to do about it.
    fn refused(&self, source: object_store::Error) -> io::Error {
        io::Error::other(JobError::from(EngineError::store(&self.place.path(&self.object), "write it", source)))
    }

    fn hand_on(&mut self) -> io::Result<()> {
        // The tasks of the upload are the runtime's.
        let entered = self.runtime.enter();
        let mut pieces = match self.pieces.take() {
            Some(pieces) => pieces,
            None => {
                let (store, path) = (self.store(), self.place.path(&self.object));
                let upload = self.runtime.block_on(async move { store.put_multipart(&path).await });
                WriteMultipart::new_with_chunk_size(upload.map_err(|source| self.refused(source))?, self.piece_bytes)
            }
        };
        pieces.put(std::mem::take(&mut self.waiting).into());
        let room = self.runtime.block_on(pieces.wait_for_capacity(PIECES));
        self.pieces = Some(pieces);
        drop(entered);
        room.map_err(|source| self.refused(source))
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= self.piece_bytes {
            self.hand_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PartOut for Upload {
    fn write_vec(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        if self.pieces.is_none() || !self.place.is_local() {
            return self.write_all(&bytes);
        }
        // Pieces of a local file may have any size.
        if !self.waiting.is_empty() {
            self.hand_on()?;
        }
        self.waiting = bytes;
        self.hand_on()
    }

    fn complete(mut self: Box<Self>) -> io::Result<()> {
        if self.pieces.is_none() {
            let (store, path) = (self.store(), self.place.path(&self.object));
            let payload = PutPayload::from(std::mem::take(&mut self.waiting));
            let put = self.runtime.block_on(async move { store.put(&path, payload).await });
            return put.map(drop).map_err(|source| self.refused(source));
        }
        self.hand_on()?;
        let entered = self.runtime.enter();
        if let Some(pieces) = self.pieces.take() {
            self.runtime.block_on(pieces.finish()).map_err(|source| self.refused(source))?;
        }
        drop(entered);
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(pieces) = self.pieces.take()
            && let Err(error) = self.runtime.block_on(pieces.abort())
        {
            tracing::warn!(%error, object = %self.object, "pieces of an upload stay behind; the bucket's rule removes them");
        }
    }
}

/// Rows straight to standard output.
pub(crate) struct Stdout;

impl PartSink for Stdout {
    fn begin(&mut self, name: &str) -> io::Result<Box<dyn PartOut>> {
        if !name.starts_with("part-00001.") {
            return Err(io::Error::other("the rows fill more than one part; give a folder with --to"));
        }
        Ok(Box::new(StdoutPart))
    }

    fn ended(&mut self, _part: &Part) -> io::Result<()> {
        Ok(())
    }
}

struct StdoutPart;

impl Write for StdoutPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

impl PartOut for StdoutPart {
    fn complete(mut self: Box<Self>) -> io::Result<()> {
        self.flush()
    }
}
