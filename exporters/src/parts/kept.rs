//! Parts kept in memory, for tests.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Part, PartSink};
use crate::pack::PartOut;

/// What was completed, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    parts: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// Bytes after which the place is full.
    room: Option<usize>,
}

impl Kept {
    /// A place for so many bytes a part.
    pub(crate) fn of(room: usize) -> Self {
        Self { room: Some(room), ..Self::default() }
    }

    /// One output without a name.
    pub(crate) fn out(&self) -> Box<dyn PartOut> {
        Box::new(KeptPart { kept: self.clone(), name: String::new(), bytes: Vec::new() })
    }

    /// The bytes of [`Self::out`], once it is complete.
    pub(crate) fn completed(&self) -> Option<Vec<u8>> {
        self.parts().remove("")
    }

    /// Every complete part.
    pub(crate) fn parts(&self) -> BTreeMap<String, Vec<u8>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl PartSink for Kept {
    fn begin(&mut self, name: &str) -> io::Result<Box<dyn PartOut>> {
        Ok(Box::new(KeptPart { kept: self.clone(), name: name.to_owned(), bytes: Vec::new() }))
    }

    fn ended(&mut self, _part: &Part) -> io::Result<()> {
        Ok(())
    }
}

struct KeptPart {
    kept: Kept,
    name: String,
    bytes: Vec<u8>,
}

impl Write for KeptPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.kept.room.is_some_and(|room| self.bytes.len() + bytes.len() > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PartOut for KeptPart {
    fn complete(self: Box<Self>) -> io::Result<()> {
        let Self { kept, name, bytes } = *self;
        kept.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(name, bytes);
        Ok(())
    }
}
