//! Checkpoints that were kept elsewhere: the log must have grown from each.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use engine::Lakefront;
use engine::evidence::{Checkpoint, Note};

use super::finding::{FindingKind, Verified};
use super::log::{CheckedLog, checkpoint};
use crate::EvidenceFault;
use crate::error::JobError;
use crate::evidence_log::OpenAnchor;
use crate::show::counted;

/// Asks every anchor.
pub(crate) async fn check(
    lake: &Lakefront,
    anchors: &[OpenAnchor],
    log: &CheckedLog,
    now: DateTime<Utc>,
    verified: &mut Verified,
) {
    for anchor in anchors {
        let name = &anchor.name;
        let seen = match seen(lake, anchor, log).await {
            Ok(seen) => seen,
            Err(error) => {
                let why = crate::runner::chain(&error).join(": ");
                let message = format!("anchor \"{name}\" could not be asked: {why}");
                verified.add(FindingKind::AnchorUnreachable, format!("anchor {name}"), message);
                continue;
            }
        };
        let mut newest = 0;
        for (size, bytes) in seen {
            if kept(&format!("of anchor \"{name}\""), &bytes, log, verified) {
                newest = newest.max(size);
                if !log.sizes.contains(&size) {
                    let message = format!("checkpoint {size} of anchor \"{name}\" is gone from the log");
                    verified.add(FindingKind::ChangedCheckpoint, format!("checkpoint {size}"), message);
                }
            }
        }
        let size = log.tree.size();
        let first = log.logged_at.get(newest as usize);
        let limit =
            TimeDelta::try_seconds(i64::try_from(anchor.every_seconds).unwrap_or(i64::MAX)).unwrap_or(TimeDelta::MAX);
        if let Some(lag) = first.map(|at| now.signed_duration_since(*at)).filter(|lag| *lag > limit) {
            let message = format!(
                "anchor \"{name}\" has {newest} of {size} entries and is {} behind, its limit is {}",
                span(lag),
                span(limit)
            );
            verified.add(FindingKind::StaleAnchor, format!("anchor {name}"), message);
        }
        verified.looked_at("anchor", format!("{name}: has {newest} of {size} entries, and the log grew from them"));
    }
}

async fn seen(lake: &Lakefront, anchor: &OpenAnchor, log: &CheckedLog) -> Result<Vec<(u64, Bytes)>, JobError> {
    // Whether it was emptied is asked first.
    match anchor.newest(lake, &log.keys.all()).await {
        Ok(None) => return Ok(Vec::new()),
        // A checkpoint that does not fit is told below, by what is wrong with it.
        Ok(Some(_)) | Err(EvidenceFault::Forked { .. } | EvidenceFault::Checkpoint { .. }) => {}
        Err(fault) => return Err(fault.into()),
    }
    let store = anchor.store()?;
    let mut all = Vec::new();
    for size in store.checkpoint_sizes().await? {
        let bytes = store.front().read(&store.checkpoint_path(size)).await?;
        all.extend(bytes.map(|bytes| (size, bytes)));
    }
    Ok(all)
}

/// One checkpoint that was kept elsewhere; whether the log has grown from it.
pub(crate) fn kept(whose: &str, bytes: &[u8], log: &CheckedLog, verified: &mut Verified) -> bool {
    let size = Note::parse(bytes).ok().and_then(|note| Checkpoint::parse(&note.text).ok()).map(|kept| kept.size);
    let judged = match size {
        Some(size) => checkpoint(bytes, size, log),
        None => Err((FindingKind::Untrusted, "cannot be read".to_owned())),
    };
    let Err((kind, why)) = judged else { return true };
    let size = size.map(|size| size.to_string()).unwrap_or_default();
    let message = match kind {
        FindingKind::CutLog => {
            format!("the log has {} entries, checkpoint {size} {whose} is of more: its end was cut", log.tree.size())
        }
        FindingKind::ForkedLog => format!("checkpoint {size} {whose} is not consistent with this log"),
        _ => format!("checkpoint {size} {whose} {why}"),
    };
    verified.add(kind, format!("checkpoint {size} {whose}"), message);
    false
}

fn span(time: TimeDelta) -> String {
    match (time.num_days(), time.num_hours(), time.num_minutes()) {
        (days @ 2.., ..) => counted(days.unsigned_abs(), "day"),
        (_, hours @ 2.., _) => counted(hours.unsigned_abs(), "hour"),
        (.., minutes) => counted(minutes.unsigned_abs(), "minute"),
    }
}
