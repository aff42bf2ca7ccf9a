//! What is done about a request without answering it: looking at it, and putting it aside.

use bytes::Bytes;
use object_store::path::Path;
use schemas::{Access, Principal, RequestError, SourceFile};

use super::answer::{Answerer, Read, Refused};
use super::inbox::Dropped;
use super::records::Taken;
use super::{INBOX, RequestId};
use crate::access::Asker;
use crate::error::JobError;
use crate::export::Asked;
use crate::lake::OpenLake;
use crate::world::World;

/// Puts a file of the inbox aside, whosever it is, without reading it.
pub(crate) async fn put_aside(
    lake: &OpenLake,
    world: &World,
    access: &Access,
    meta: object_store::ObjectMeta,
    reason: &str,
) -> Result<RequestId, JobError> {
    let below = meta.location.as_ref().strip_prefix(INBOX).unwrap_or_default().trim_start_matches('/');
    let folder = below.split('/').next().unwrap_or_default().to_owned();
    let dropped = Dropped { folder, meta };
    let answerer = Answerer { lake, world, access };
    let (id, _) = answerer.put_aside_unread(&dropped, reason).await?;
    Ok(id)
}

/// All that is wrong with a request, and nothing done about it.
pub(crate) async fn check(
    lake: &OpenLake,
    world: &World,
    access: &Access,
    principal: &Principal,
    file: &SourceFile,
) -> Result<Vec<RequestError>, JobError> {
    let meta = object_store::ObjectMeta {
        location: Path::from(format!("{}/{}/{}", INBOX, principal.name, file.path)),
        last_modified: world.now(),
        size: file.text.len() as u64,
        e_tag: None,
        version: None,
    };
    let dropped = Dropped { folder: principal.name.clone(), meta };
    let bytes = Bytes::from(file.text.clone());
    let id = RequestId::of(&principal.name, &bytes);
    let read = Read { dropped: &dropped, principal, bytes, id };
    let answerer = Answerer { lake, world, access };
    let request = match answerer.checked(&read) {
        Ok(request) => request,
        Err(errors) => return Ok(errors),
    };
    let asker = Asker::of(lake, principal).await?;
    let asked = Asked { rows: request.rows.clone(), shape: request.shape.clone(), interval: None };
    let taken = Taken { instant: world.now(), from: dropped.meta.location.to_string() };
    match answerer.planned(&read, &request, &asked, &asker, &taken).await {
        Ok(_) => Ok(Vec::new()),
        Err(Refused::Request(errors)) => Ok(errors),
        Err(Refused::Store(error)) => Err(error),
    }
}
