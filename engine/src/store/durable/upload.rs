//! Pieces of one file, which is durable when it is complete, and not there before.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use object_store::{Error, MultipartUpload, PutPayload, PutResult, Result, UploadPart};

use super::blocking;
use super::staged::staged;
use super::write::{generic, make_folder, place, put_result};

/// A file that is being written.
#[derive(Debug)]
pub(super) struct DurableUpload {
    target: PathBuf,
    /// Where it is staged, until it is complete or given up.
    staging: Option<PathBuf>,
    file: Arc<Mutex<File>>,
    length: u64,
}

impl DurableUpload {
    /// A new one for what will be `target`.
    pub(super) fn new(target: PathBuf) -> Result<Self> {
        make_folder(&target)?;
        let (staging, file) = staged(&target).map_err(generic)?;
        Ok(Self { target, staging: Some(staging), file: Arc::new(Mutex::new(file)), length: 0 })
    }
}

fn ended() -> Error {
    Error::Generic { store: "local", source: "the upload has ended".into() }
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (file, at) = (Arc::clone(&self.file), self.length);
        self.length += u64::try_from(data.content_length()).unwrap_or(u64::MAX);
        Box::pin(blocking(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(at)).map_err(generic)?;
            data.iter().try_for_each(|chunk| file.write_all(chunk)).map_err(generic)
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let staging = self.staging.take().ok_or_else(ended)?;
        let (file, target) = (Arc::clone(&self.file), self.target.clone());
        blocking(move || {
            let file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let placed = file.sync_all().and_then(|()| place(&staging, &file, &target));
            if placed.is_err() {
                drop(fs::remove_file(&staging));
            }
            placed.map_err(generic)?;
            put_result(&file)
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        let staging = self.staging.take().ok_or_else(ended)?;
        blocking(move || fs::remove_file(&staging).map_err(generic)).await
    }
}

impl Drop for DurableUpload {
    fn drop(&mut self) {
        if let Some(staging) = self.staging.take() {
            drop(fs::remove_file(staging));
        }
    }
}
