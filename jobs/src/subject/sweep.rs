//! Everything in the lake that is no file of a dataset, searched for the bytes of identifiers: exports, reports, requests and
//! our own records. What was published and mentions the person is withdrawn, unless rows are held; all else is named, so that
//! nobody takes it for gone.
//!
//! Compressed objects are read as what they hold. Absent: removing what nobody recorded that the lake has published.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};

use chrono::{DateTime, Utc};
use engine::retention::{Mentions, Person, hold_cases, mentions_in_parquet};
use engine::subject::SubjectCase;
use engine::{Versions, files_replaced};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::certificate::Certificate;
use super::desk::{Desk, sealed_path};
use super::places::Left;
use super::plan::{PlannedPublication, listed_by_plan};
use super::withdraw::{go_on, publications, withdraw};
use crate::error::JobError;
use crate::lake::with_companions;

/// Objects read side by side.
const READ_AT_ONCE: usize = 16;
/// Largest object that is read.
const BYTES_MAX: u64 = 256 << 20;
/// Most bytes that one object is unpacked to.
const UNPACKED_MAX: u64 = 1 << 30;

/// What an object says about the person.
enum Said {
    Nothing,
    Mentions,
    /// It could not be searched, and why.
    Unread(String),
}

/// What a look found.
#[derive(Debug, Default)]
struct Look {
    /// Everything that was looked at.
    listed: Vec<ObjectMeta>,
    /// Paths of what mentions the person.
    mentioning: BTreeSet<String>,
    not_reached: BTreeSet<Left>,
    not_searched: BTreeSet<Left>,
}

/// Names what mentions the person and is no file of a dataset, and withdraws of it what was published.
pub(super) async fn sweep(
    desk: &Desk<'_>,
    case: &SubjectCase,
    (person, until): (&Person, Option<DateTime<Utc>>),
    certificate: &mut Certificate,
) -> Result<(), JobError> {
    go_on(desk, case, &mut certificate.not_reached).await?;
    let Look { listed, mentioning, not_reached, not_searched } = look(desk, case, person).await?;
    certificate.not_reached.extend(not_reached);
    certificate.not_searched.extend(not_searched);
    // Of whoever came back after an erasure, what is newer is new data and may be published.
    let may_go = until.is_none() && certificate.waits_for().is_empty() && !is_held(desk, person).await?;
    let gone = match may_go && !mentioning.is_empty() {
        true => withdrawn(desk, case, (&mentioning, &listed, &person.mentions()), certificate).await?,
        false => BTreeSet::new(),
    };
    let left =
        mentioning.difference(&gone).filter(|path| !certificate.not_reached.iter().any(|left| left.place == **path));
    let left: Vec<Left> = left.map(|path| Left::new(path.as_str(), why(path))).collect();
    certificate.not_reached.extend(left);
    if let Some(listed) = listed_by_plan(desk, case).await? {
        certificate.withdrawn.iter_mut().for_each(|one| one.unplanned = !listed.contains(&one.what));
    }
    Ok(())
}

/// What was published, shows the person and would be withdrawn; nothing is changed.
pub(super) async fn to_withdraw(
    desk: &Desk<'_>,
    case: &SubjectCase,
    person: &Person,
) -> Result<Vec<PlannedPublication>, JobError> {
    let Look { listed, mentioning, .. } = look(desk, case, person).await?;
    if mentioning.is_empty() {
        return Ok(Vec::new());
    }
    let mentions = person.mentions();
    let all = publications(desk, &listed).await?;
    let shown = all.iter().filter(|one| one.shows(&mentioning) && !one.names(&mentions));
    Ok(shown.map(|one| one.planned(&mentioning)).collect())
}

/// Looks into everything that is no file of a dataset.
async fn look(desk: &Desk<'_>, case: &SubjectCase, person: &Person) -> Result<Look, JobError> {
    let mut look = Look { listed: others(desk, case).await?, ..Look::default() };
    if !matches!(desk.lake.front.versions(&sealed_path(&case.case)).await?, Versions::None) {
        let why = "objects that were removed before may have versions in the bucket, and those are not searched";
        look.not_searched.insert(Left::new("older versions", why));
    }
    let mentions = person.mentions();
    let read = stream::iter(look.listed.clone()).map(|meta| {
        let mentions = mentions.clone();
        async move {
            let said = said(desk, &meta, mentions).await?;
            Ok::<_, JobError>((meta, said))
        }
    });
    let mut read = std::pin::pin!(read.buffered(READ_AT_ONCE));
    while let Some((meta, said)) = read.try_next().await? {
        let is_named = is_named(meta.location.as_ref(), &mentions);
        // A path that has the identifier in it must not stand in a record.
        let place = if is_named { hidden(desk, &meta.location) } else { meta.location.to_string() };
        match said {
            Said::Nothing if !is_named => {}
            Said::Nothing => {
                look.not_reached.insert(Left::new(place, "its name mentions the person; move it, or remove it"));
            }
            Said::Mentions if is_named => {
                look.not_reached.insert(Left::new(place, why(meta.location.as_ref())));
            }
            Said::Mentions => {
                look.mentioning.insert(place);
            }
            Said::Unread(why) => {
                look.not_searched.insert(Left::new(place, why));
            }
        }
    }
    Ok(look)
}

/// Every object but the identifiers of the case and what datasets count.
async fn others(desk: &Desk<'_>, case: &SubjectCase) -> Result<Vec<ObjectMeta>, JobError> {
    let front = &desk.lake.front;
    let datasets = with_companions(&desk.lake.definitions);
    let own = || datasets.iter().filter(|dataset| dataset.elsewhere.is_none());
    let searched: Vec<String> =
        own().flat_map(|dataset| [dataset.archive().location, dataset.location.clone()]).collect();
    let sealed = sealed_path(&case.case);
    let mut others = front.list(&Path::default()).await?;
    others.retain(|meta| {
        let path = meta.location.as_ref();
        meta.location != sealed && !searched.iter().any(|location| path.starts_with(location.as_str()))
    });
    // What does not count any more lies there until somebody removes it.
    for dataset in own() {
        others.extend(files_replaced(front, dataset).await?.into_iter().map(|file| file.meta));
    }
    Ok(others)
}

/// Withdraws what was published and mentions the person; the paths that went.
async fn withdrawn(
    desk: &Desk<'_>,
    case: &SubjectCase,
    (mentioning, listed, mentions): (&BTreeSet<String>, &[ObjectMeta], &Mentions),
    certificate: &mut Certificate,
) -> Result<BTreeSet<String>, JobError> {
    let mut gone = BTreeSet::new();
    for publication in publications(desk, listed).await? {
        // A step of a case that says what names the person would name them, too.
        if !publication.shows(mentioning) || publication.names(mentions) {
            continue;
        }
        if let Some((one, paths)) = withdraw(desk, case, (&publication, mentions), &mut certificate.not_reached).await?
        {
            gone.extend(paths);
            certificate.withdrawn.retain(|other| other.what != one.what);
            certificate.withdrawn.push(one);
        }
    }
    Ok(gone)
}

/// Whether an open case holds whatever names the person.
async fn is_held(desk: &Desk<'_>, person: &Person) -> Result<bool, JobError> {
    let cases = hold_cases(&desk.lake.front).await?;
    let keys: Vec<_> = desk.known.keys.all().collect();
    let references: BTreeSet<String> =
        person.identifiers().flat_map(|one| keys.iter().map(|key| key.reference(one))).collect();
    let held = cases.iter().filter_map(|case| case.scope()).flat_map(|scope| &scope.subjects);
    Ok(held.into_iter().any(|reference| references.contains(reference)))
}

/// Whether a path mentions the person; what stands behind the last full stop of a name belongs to no identifier.
pub(super) fn is_named(path: &str, mentions: &Mentions) -> bool {
    path.split('/').any(|name| {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        mentions.stand_in(name.as_bytes()) || mentions.stand_in(stem.as_bytes())
    })
}

/// What to do about an object that mentions the person.
fn why(path: &str) -> &'static str {
    match path.split('/').next() {
        Some("exports") => "an export that shows the person; remove it, and tell whoever received it",
        Some("reports") => "a report that shows the person; remove it, and tell whoever has it",
        Some("requests") => "a request that names the person; remove it",
        Some("_auditlake") => "a record of the lake that mentions the person",
        _ => "no dataset counts it, and it mentions the person",
    }
}

fn hidden(desk: &Desk<'_>, path: &Path) -> String {
    format!("path {}", desk.known.keys.current.reference_of("path", path.as_ref()))
}

async fn said(desk: &Desk<'_>, meta: &ObjectMeta, mentions: Mentions) -> Result<Said, JobError> {
    if meta.size > BYTES_MAX {
        return Ok(Said::Unread(format!("it has {} bytes; objects above {BYTES_MAX} are not searched", meta.size)));
    }
    // It may go while others work on the lake.
    let Some(bytes) = desk.lake.front.read(&meta.location).await? else { return Ok(Said::Nothing) };
    let searched = tokio::task::spawn_blocking(move || searched(&bytes, &mentions)).await;
    Ok(match searched {
        Ok(Ok(true)) => Said::Mentions,
        Ok(Ok(false)) => Said::Nothing,
        Ok(Err(why)) => Said::Unread(why),
        Err(stopped) => Said::Unread(format!("searching it stopped ({stopped})")),
    })
}

/// Whether bytes, or what they are packed of, mention the person.
fn searched(bytes: &bytes::Bytes, mentions: &Mentions) -> Result<bool, String> {
    if mentions.stand_in(bytes) {
        return Ok(true);
    }
    let unpacked = |reader: &mut dyn Read| -> Result<bool, String> {
        let mut plain = Vec::new();
        let read = reader.take(UNPACKED_MAX + 1).read_to_end(&mut plain);
        read.map_err(|error| format!("it cannot be unpacked: {error}"))?;
        if plain.len() as u64 > UNPACKED_MAX {
            return Err(format!("it holds more than {UNPACKED_MAX} bytes, which are not searched"));
        }
        Ok(mentions.stand_in(&plain))
    };
    match bytes.as_ref() {
        [b'P', b'A', b'R', b'1', ..] => mentions_in_parquet(bytes, mentions),
        [0x1f, 0x8b, ..] => unpacked(&mut flate2::read::MultiGzDecoder::new(bytes.as_ref())),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut reader = zstd::Decoder::new(bytes.as_ref()).map_err(|error| error.to_string())?;
            unpacked(&mut reader)
        }
        [b'P', b'K', 3, 4, ..] => {
            let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
            for at in 0..archive.len() {
                let mut entry = archive.by_index(at).map_err(|error| error.to_string())?;
                let name = entry.name_raw().to_vec();
                if mentions.stand_in(&name) || unpacked(&mut entry)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}
