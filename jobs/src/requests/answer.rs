//! One request, from its file to its answer. Every step may have been made before by somebody who is gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use engine::{Created, EngineError, Lakefront};
use exporters::ExportProgress;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStoreExt};
use schemas::{
    Access, Channel, DefinitionError, ExportRequest, ExportRows, Permission, Principal, REQUEST_BYTES_MAX, Remedy,
    RequestError, SourceFile, parse_request, unknown_columns,
};

use super::inbox::{Dropped, is_plain};
use super::records::{ErrorFile, State, Status, Taken};
use super::signature::{Signed, signed};
use super::slots;
use super::{DONE, INBOX, REJECTED, RequestId, shown};
use crate::access::Asker;
use crate::claim::{Claim, Patience};
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, of_export};
use crate::export::{self, Asked, Manifest, ObjectPlace, Planned, RequestOf};
use crate::lake::OpenLake;
use crate::lineage::Doing;
use crate::notify::{Note, Source};
use crate::subject::MARK;
use crate::world::World;

/// Failures of the store after which a request has failed.
const ATTEMPTS: u64 = 3;
/// Processes that may end at a request before it is tried with nothing beside it.
const DEATHS_ALONE: u64 = 2;
/// Processes that may end at it before it is put aside.
const DEATHS_MAX: u64 = 8;
/// How often it is looked at whether a request is still wanted.
const LOOK: std::time::Duration = std::time::Duration::from_secs(2);
/// Looks after which its state is written anew.
const LOOKS_A_STATUS: u64 = 5;

/// What became of a file in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered now, with so many rows and bytes.
    Answered(RequestId, u64, u64),
    /// It had been answered before.
    Known(RequestId),
    /// It was put aside.
    Rejected(RequestId, Vec<RequestError>),
    /// Its turn comes later.
    Deferred(RequestId, DateTime<Utc>),
    /// It will be tried again.
    Again(RequestId, String),
    /// Somebody else works on it.
    Busy(RequestId),
    /// Processes have ended at it: it is tried again with nothing beside it.
    Alone,
    /// It waits for its signature.
    Unsigned,
    /// It changed or vanished while it was read.
    Gone,
    /// The folder is nobody's who may ask.
    Orphan,
}

/// Answers requests of one lake.
#[derive(Debug)]
pub(crate) struct Answerer<'a> {
    pub(crate) lake: &'a OpenLake,
    pub(crate) world: &'a World,
    pub(crate) access: &'a Access,
}

/// A file that is read.
pub(super) struct Read<'a> {
    pub(super) dropped: &'a Dropped,
    pub(super) principal: &'a Principal,
    pub(super) bytes: Bytes,
    pub(super) id: RequestId,
}

impl Answerer<'_> {
    fn front(&self) -> &Lakefront {
        &self.lake.front
    }

    /// Does what is left to do for a file of the inbox.
    ///
    /// # Errors
    /// When the store fails; nothing is lost, and the next look goes on.
    pub(crate) async fn answer(
        &self,
        dropped: &Dropped,
        patience: &Patience,
        is_alone: bool,
    ) -> Result<Outcome, JobError> {
        let principal = self.access.principal(&dropped.folder).filter(|one| one.channels.contains(&Channel::Inbox));
        let Some(principal) = principal else { return Ok(Outcome::Orphan) };
        if dropped.meta.size > REQUEST_BYTES_MAX as u64 {
            let size = dropped.meta.size;
            let why = format!("the file has {size} bytes and was not read; a request has at most {REQUEST_BYTES_MAX}");
            let (id, is_there) = self.put_aside_unread(dropped, &why).await?;
            return Ok(if is_there { Outcome::Rejected(id, vec![RequestError::whole(&why)]) } else { Outcome::Gone });
        }
        let Some(bytes) = self.read(dropped).await? else { return Ok(Outcome::Gone) };
        let id = self.newest(RequestId::of(&principal.name, &bytes)).await?;
        let read = Read { dropped, principal, bytes, id };
        if let Some(known) = self.known(&read).await? {
            return Ok(known);
        }
        match signed(self.front(), self.world.now(), &read).await? {
            Signed::Yes => {}
            Signed::NotYet => return Ok(Outcome::Unsigned),
            Signed::No(why) => return self.reject(&read, vec![RequestError::whole(&why)], State::Rejected).await,
        }
        let what = format!("requests/{}", read.id);
        let Some(claim) = Claim::take_if_free(self.front(), self.world, &what, patience).await? else {
            return Ok(Outcome::Busy(read.id));
        };
        let outcome = match claim.deaths {
            DEATHS_MAX.. => self.given_up(&read).await,
            DEATHS_ALONE.. if !is_alone => Ok(Outcome::Alone),
            _ => self.answer_claimed(&read, &claim).await,
        };
        claim.release().await;
        outcome
    }

    /// Puts a request aside at which one process after another has ended: others are not to end with them.
    async fn given_up(&self, read: &Read<'_>) -> Result<Outcome, JobError> {
        if let Some(known) = self.known(read).await? {
            return Ok(known);
        }
        let why = format!(
            "{DEATHS_MAX} processes ended while they worked on it, perhaps for want of memory; ask for less, or ask \
             whoever runs the lake"
        );
        self.reject(read, vec![RequestError::whole(&why)], State::Failed).await
    }

    async fn answer_claimed(&self, read: &Read<'_>, claim: &Claim) -> Result<Outcome, JobError> {
        // Whoever had the claim before may have ended its work.
        if let Some(known) = self.known(read).await? {
            return Ok(known);
        }
        let taken = self.taken(read).await?;
        if self.front().read(&read.id.cancelled()).await?.is_some() {
            return self.retry(read, JobError::Cancelled).await;
        }
        let request = match self.checked(read) {
            Ok(request) => request,
            Err(errors) => return self.reject(read, errors, State::Rejected).await,
        };
        let Ok(asker) = Asker::of(self.lake, read.principal).await?.metered(self.lake, self.world.now()) else {
            let turn = slots::next_hour(self.world.now());
            let message = format!("the bytes of this hour are read; its turn comes at {}", schemas::rfc3339(turn));
            self.show(read, State::Deferred, claim.epoch, &message, (0, 0)).await;
            return Ok(Outcome::Deferred(read.id.clone(), turn));
        };
        let asked = Asked { rows: request.rows.clone(), shape: request.shape.clone(), interval: None };
        let planned = self.planned(read, &request, &asked, &asker, &taken).await;
        let planned = match planned {
            Err(Refused::Request(errors)) => return self.reject(read, errors, State::Rejected).await,
            Err(Refused::Store(error)) => return self.retry(read, error).await,
            Ok(planned) => planned,
        };
        if let Err(turn) = slots::take(self.front(), read.principal, &read.id, self.world.now()).await? {
            let limit = read.principal.limits.of(schemas::Limit::ExportsPerHour);
            let message = format!("{limit} exports an hour are taken; its turn comes at {}", schemas::rfc3339(turn));
            self.show(read, State::Deferred, claim.epoch, &message, (0, 0)).await;
            return Ok(Outcome::Deferred(read.id.clone(), turn));
        }
        self.show(read, State::Running, claim.epoch, "its rows are being written", (0, 0)).await;
        match self.exported(read, &request, &asked, &asker, planned, claim).await {
            Ok(manifest) => {
                self.done(read, &manifest, claim.epoch).await?;
                Ok(Outcome::Answered(read.id.clone(), manifest.rows, manifest.bytes))
            }
            Err(error) => self.retry(read, error).await,
        }
    }

    /// The bytes, if they are still those that were listed.
    async fn read(&self, dropped: &Dropped) -> Result<Option<Bytes>, JobError> {
        let path = &dropped.meta.location;
        let options = GetOptions { if_match: dropped.meta.e_tag.clone(), ..GetOptions::default() };
        let got = match self.front().store().get_opts(path, options).await {
            Ok(got) => got.bytes().await,
            Err(error) => Err(error),
        };
        match got {
            Ok(bytes) => Ok(self.front().is_no_link(&Path::from(INBOX), path).then_some(bytes)),
            Err(object_store::Error::NotFound { .. } | object_store::Error::Precondition { .. }) => Ok(None),
            Err(source) => Err(EngineError::store(path, "read it", source).into()),
        }
    }

    /// The request, or the same asked anew where answers to it have expired or were withdrawn.
    async fn newest(&self, first: RequestId) -> Result<RequestId, JobError> {
        let mut id = first.clone();
        for number in 2.. {
            let place = self.place(&id);
            if place.head("expired.json").await?.is_none() && place.head(MARK).await?.is_none() {
                break;
            }
            id = first.again(number);
        }
        Ok(id)
    }

    /// What was decided about the same bytes before, with what was left to do done.
    async fn known(&self, read: &Read<'_>) -> Result<Option<Outcome>, JobError> {
        let place = self.place(&read.id);
        if let Some(manifest) = place.read_json::<Manifest>("manifest.json").await? {
            // Whoever published it may have been gone before it cleared up.
            export::tidy(&place, &manifest).await?;
            self.done(read, &manifest, manifest.attempt()).await?;
            return Ok(Some(Outcome::Known(read.id.clone())));
        }
        Ok(None)
    }

    fn place(&self, id: &RequestId) -> ObjectPlace {
        ObjectPlace::in_lake(self.front(), &id.answer())
    }

    /// When it was first taken up: the same for every attempt.
    async fn taken(&self, read: &Read<'_>) -> Result<Taken, JobError> {
        let path = read.id.in_folder("_auditlake/requests", ".json");
        let taken = Taken { instant: self.world.now(), from: read.dropped.meta.location.to_string() };
        if self.front().create_json(&path, &taken).await? == Created::Now {
            return Ok(taken);
        }
        Ok(self.front().read_json(&path).await?.unwrap_or(taken))
    }

    /// Everything that is wrong with the file itself.
    pub(super) fn checked(&self, read: &Read<'_>) -> Result<ExportRequest, Vec<RequestError>> {
        let name = read.dropped.name();
        if !is_plain(name) {
            return Err(vec![RequestError::whole(&format!(
                "the file is named {name:?}; use 1 to 100 letters, digits, points, _ and -, and no folder"
            ))]);
        }
        let file = SourceFile { path: name.to_owned(), text: read.bytes.to_vec() };
        let request = parse_request(&file, read.principal).map_err(|errors| told(&errors))?;
        let needs = match request.rows {
            ExportRows::Sql(_) => [Permission::ExportRequest, Permission::SqlQuery].as_slice(),
            ExportRows::Dataset { .. } => &[Permission::ExportRequest],
        };
        let lacking: BTreeSet<&str> =
            needs.iter().filter(|one| !read.principal.may(**one)).map(|one| one.as_str()).collect();
        match lacking.first() {
            None => Ok(request),
            Some(lacking) => Err(vec![RequestError::whole(&format!(
                "you may not ask for this, which needs {lacking}; ask whoever keeps access.yaml"
            ))]),
        }
    }

    pub(super) async fn planned(
        &self,
        read: &Read<'_>,
        request: &ExportRequest,
        asked: &Asked,
        asker: &Asker,
        taken: &Taken,
    ) -> Result<Planned, Refused> {
        if let ExportRows::Dataset { dataset, .. } = &request.rows {
            let session = asker.session(self.lake, taken.instant, engine::AnswerKind::Export)?;
            let columns = session.columns(&format!("\"{dataset}\"")).await.map_err(JobError::from)?;
            let known: Vec<&str> =
                columns.iter().flat_map(|schema| schema.fields()).map(|field| field.name().as_str()).collect();
            let unknown = unknown_columns(read.dropped.name(), request, &known);
            if !unknown.is_empty() {
                return Err(Refused::Request(told(&unknown)));
            }
        }
        asked.plan(self.lake, asker, taken.instant).await.map_err(Refused::from)
    }

    async fn exported(
        &self,
        read: &Read<'_>,
        request: &ExportRequest,
        asked: &Asked,
        asker: &Asker,
        planned: Planned,
        claim: &Claim,
    ) -> Result<Manifest, JobError> {
        let planned = Ok(planned);
        let id = read.id.to_string();
        let record = export::ask(self.lake, self.world, asker, asked, (&planned, "inbox", Some(&id))).await?;
        let planned = planned?;
        let expires_at = TimeDelta::try_seconds(i64::try_from(request.expires_seconds).unwrap_or(i64::MAX))
            .and_then(|kept| self.world.now().checked_add_signed(kept));
        let of = RequestOf { id, principal: read.principal.name.clone(), expires_at };
        let counters = Arc::new(ExportProgress::default());
        let fence = claim.fence();
        let place = self.place(&read.id);
        let leaving = export::Leaving::of(self.lake, &planned, place.path("").as_ref(), asked, asker).await?;
        let intent = Intent::begin(self.lake, self.world, self.act(read)).await?;
        let doing = Doing::begin(self.lake, self.world, leaving.job.clone(), "request").await;
        let work = export::answered(&place, claim.epoch, &fence, planned, (asked, of), Arc::clone(&counters));
        let written = self.watching(read, claim.epoch, &counters, work).await.flatten();
        let of = &read.id.hash;
        let written = intent.end(written, async |manifest| Ok(vec![of_export(of, &place, manifest).await?])).await;
        let written = doing.end(written, |manifest| leaving.done(manifest.rows, manifest.bytes)).await;
        record.end(written, |manifest| crate::access::Delivered { rows: manifest.rows, bytes: manifest.bytes }).await
    }

    fn act(&self, read: &Read<'_>) -> Act {
        Act::Answer { request: read.id.hash.clone(), folder: read.id.answer() }
    }

    /// Tells how far the work is while it is done, and stops it when nobody wants it any more.
    async fn watching<T>(
        &self,
        read: &Read<'_>,
        attempt: u64,
        counters: &ExportProgress,
        work: impl Future<Output = T>,
    ) -> Result<T, JobError> {
        use std::sync::atomic::Ordering::Relaxed;
        let mut work = std::pin::pin!(work);
        let mut every = tokio::time::interval(LOOK);
        every.tick().await;
        let mut looks = 0_u64;
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                _ = every.tick() => {
                    if self.front().read(&read.id.cancelled()).await?.is_some() {
                        return Err(JobError::Cancelled);
                    }
                    looks += 1;
                    if !looks.is_multiple_of(LOOKS_A_STATUS) {
                        continue;
                    }
                    let so_far = (counters.rows.load(Relaxed), counters.bytes.load(Relaxed));
                    self.show(read, State::Running, attempt, "its rows are being written", so_far).await;
                }
            }
        }
    }

    async fn show(&self, read: &Read<'_>, state: State, attempt: u64, message: &str, (rows, bytes): (u64, u64)) {
        let status = Status {
            request: read.id.to_string(),
            state,
            rows,
            bytes,
            attempt,
            message: message.to_owned(),
            updated_at: self.world.now(),
        };
        shown(self.front(), &read.id, &status).await;
    }

    /// After the manifest: the file goes to what is done.
    async fn done(&self, read: &Read<'_>, manifest: &Manifest, attempt: u64) -> Result<(), JobError> {
        self.put(read, DONE).await?;
        for ending in [".error.json", ".yaml", ".json"] {
            self.front().remove(&read.id.in_folder(REJECTED, ending)).await?;
        }
        let message = format!("the answer is {}manifest.json", read.id.answer());
        self.show(read, State::Done, attempt, &message, (manifest.rows, manifest.bytes)).await;
        Ok(())
    }

    /// The file to one side, out of the inbox; if another one has taken its place there, that one stays.
    async fn put(&self, read: &Read<'_>, folder: &str) -> Result<(), JobError> {
        let ending = if read.dropped.name().ends_with(".json") { ".json" } else { ".yaml" };
        self.front().create(&read.id.in_folder(folder, ending), read.bytes.clone()).await?;
        self.take_out(read.dropped).await
    }

    async fn take_out(&self, dropped: &Dropped) -> Result<(), JobError> {
        let path = &dropped.meta.location;
        let is_same = match self.front().store().head(path).await {
            Ok(meta) => meta.e_tag == dropped.meta.e_tag && meta.size == dropped.meta.size,
            Err(object_store::Error::NotFound { .. }) => false,
            Err(source) => return Err(EngineError::store(path, "find it", source).into()),
        };
        if is_same {
            self.front().remove(path).await?;
            self.front().remove(&Path::from(format!("{path}.sig"))).await?;
        }
        Ok(())
    }

    async fn reject(&self, read: &Read<'_>, errors: Vec<RequestError>, state: State) -> Result<Outcome, JobError> {
        self.write_errors(&read.id, read.dropped, &errors, state).await?;
        let ending = if read.dropped.name().ends_with(".json") { ".json" } else { ".yaml" };
        let message = format!(
            "see {} beside the request in {}",
            read.id.in_folder(REJECTED, ".error.json"),
            read.id.in_folder(REJECTED, ending)
        );
        self.put(read, REJECTED).await?;
        self.show(read, state, 0, &message, (0, 0)).await;
        Ok(Outcome::Rejected(read.id.clone(), errors))
    }

    async fn write_errors(
        &self,
        id: &RequestId,
        dropped: &Dropped,
        errors: &[RequestError],
        state: State,
    ) -> Result<(), JobError> {
        let then = match state {
            State::Failed => {
                format!("ask whoever runs the lake; they can try it again with auditlake requests retry {id}")
            }
            _ => "correct the file and drop it again; it is another request then".to_owned(),
        };
        let file = ErrorFile {
            request: id.to_string(),
            from: dropped.meta.location.to_string(),
            state,
            errors: errors.to_vec(),
            then,
            at: self.world.now(),
        };
        let path = id.in_folder(REJECTED, ".error.json");
        let source = Source::Refusal { request: id.hash.clone(), record: path.to_string() };
        let note = Note::begin(self.lake, self.world, source).await?;
        // The same file may have been refused before, for other reasons.
        let written = self.front().replace(&path, crate::export::pretty(&file)?).await;
        note.end().await;
        Ok(written?)
    }

    /// Moves a file that is not read as it is; whether it was still there.
    pub(super) async fn put_aside_unread(&self, dropped: &Dropped, why: &str) -> Result<(RequestId, bool), JobError> {
        let meta = &dropped.meta;
        let seen = format!("{} {} {}", meta.location, meta.size, meta.e_tag.as_deref().unwrap_or_default());
        // A folder of nobody may have any name.
        if !self.front().is_no_link(&Path::from(INBOX), &meta.location) {
            return Ok((RequestId::of("nobody", seen.as_bytes()), false));
        }
        let folder = schemas::principal_name(&dropped.folder).unwrap_or_else(|_| "nobody".to_owned());
        let id = RequestId::of(&folder, seen.as_bytes());
        self.write_errors(&id, dropped, &[RequestError::whole(why)], State::Rejected).await?;
        let aside = id.in_folder(REJECTED, ".yaml");
        let copied = self.front().store().copy(&meta.location, &aside).await;
        match copied {
            Ok(()) => self.take_out(dropped).await?,
            Err(object_store::Error::NotFound { .. }) => return Ok((id, false)),
            Err(source) => return Err(EngineError::store(&aside, "copy it there", source).into()),
        }
        Ok((id, true))
    }

    /// What is the sender's to mend fails at once; what may pass is tried again.
    async fn retry(&self, read: &Read<'_>, error: JobError) -> Result<Outcome, JobError> {
        let told = crate::runner::chain(&error).join(": ");
        if matches!(error.remedy(), Remedy::FixConfig | Remedy::InspectData) {
            return self.reject(read, vec![RequestError::whole(&told)], State::Failed).await;
        }
        tracing::warn!(error = %told, request = %read.id, "a request could not be answered");
        // Failures are counted, and not claims: one that waits for its turn is claimed as well.
        let noted = |number: u64| read.id.in_folder("_auditlake/requests", &format!(".failure-{number}.json"));
        let taken = Taken { instant: self.world.now(), from: read.dropped.meta.location.to_string() };
        for number in 1..ATTEMPTS {
            if self.front().create_json(&noted(number), &taken).await? == Created::Now {
                return Ok(Outcome::Again(read.id.clone(), told));
            }
        }
        for number in 1..ATTEMPTS {
            self.front().remove(&noted(number)).await?;
        }
        let told = "the answer could not be written three times; ask whoever runs the lake";
        self.reject(read, vec![RequestError::whole(told)], State::Failed).await
    }
}

/// Why nothing is planned.
pub(super) enum Refused {
    Request(Vec<RequestError>),
    Store(JobError),
}

impl From<JobError> for Refused {
    fn from(error: JobError) -> Self {
        match error.remedy() {
            Remedy::FixConfig => Self::Request(vec![RequestError::whole(&crate::runner::chain(&error).join(": "))]),
            _ => Self::Store(error),
        }
    }
}

fn told(errors: &[DefinitionError]) -> Vec<RequestError> {
    errors.iter().map(RequestError::from).collect()
}
