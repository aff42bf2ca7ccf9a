//! Ten kinds of tampering, each at seeded places.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::DateTime;
use engine::evidence::{Checkpoint, Entry, EntryBody, FileEntry, Note, Place, SignerKey, unbundle};
use object_store::path::Path;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::lake::{ORIGIN, Small};
use crate::evidence_log::EvidenceLog;
use crate::verify::{FindingKind, Verified, VerifyFinding};

const LOG: &str = "_auditlake/evidence/_proof/log/";

fn times() -> u64 {
    std::env::var("AUDITLAKE_TAMPERINGS").map_or(25, |given| given.parse().expect("a number"))
}

/// Files that count no more: they wait for readers that began before, and then go.
fn removed(whole: &BTreeMap<Path, Bytes>) -> BTreeSet<String> {
    let batches = whole.iter().filter(|(path, _)| path.as_ref().starts_with(&format!("{LOG}entries/")));
    let entries = batches.flat_map(|(_, bytes)| unbundle(bytes).expect("a batch"));
    let removed = entries.filter_map(|entry| match Entry::parse(entry).expect("an entry").body {
        EntryBody::Compaction(removal) => Some(removal.removes),
        _ => None,
    });
    removed.flatten().collect()
}

/// Whether the log speaks of an object's bytes.
fn is_covered(path: &Path) -> bool {
    let path = path.as_ref();
    let is_run = path.starts_with("_auditlake/runs/") && path.contains("/commit-");
    let is_log = path.starts_with(LOG);
    let is_made = path.starts_with("_auditlake/evidence/") && !path.starts_with("_auditlake/evidence/_proof/");
    let is_shown = ["audit/", "reports/", "exports/", "_auditlake/reports/", "_auditlake/approvals/"];
    is_run || is_log || is_made || is_shown.iter().any(|folder| path.starts_with(folder))
}

/// Tampers so often, each time with a lake that is as it was, and wants what was done to be found and named.
async fn tried(kind: &str, tamper: impl AsyncFn(&Small, &BTreeMap<Path, Bytes>, &mut ChaCha8Rng) -> Named) {
    let small = Small::lived().await;
    let whole = small.objects().await;
    let mut chance = ChaCha8Rng::seed_from_u64(times());
    for time in 0..times() {
        let named = tamper(&small, &whole, &mut chance).await;
        let verified = small.verified().await;
        named.check(&verified, &format!("{kind}, time {time}"));
        small.restore(&whole).await;
    }
    assert_eq!(small.verified().await.findings, [], "after it was put right");
}

/// What must be among the findings.
struct Named {
    /// Words of which each must be in one finding.
    words: Vec<String>,
    kinds: &'static [FindingKind],
}

impl Named {
    fn check(&self, verified: &Verified, time: &str) {
        for word in &self.words {
            let told = |finding: &VerifyFinding| finding.message.contains(word.as_str()) || finding.object == *word;
            let named = verified.findings.iter().any(told);
            assert!(named, "{time}: \"{word}\" is not named\n{:#?}", verified.findings);
        }
        let of_kind = verified.findings.iter().any(|finding| self.kinds.contains(&finding.kind));
        assert!(of_kind || self.kinds.is_empty(), "{time}: none of {:?}\n{:#?}", self.kinds, verified.findings);
    }
}

fn named(words: impl IntoIterator<Item = impl ToString>, kinds: &'static [FindingKind]) -> Named {
    Named { words: words.into_iter().map(|word| word.to_string()).collect(), kinds }
}

fn covered<'a>(whole: &'a BTreeMap<Path, Bytes>, chance: &mut ChaCha8Rng) -> (&'a Path, &'a Bytes) {
    let removed = removed(whole);
    let paths = whole.keys().filter(|path| is_covered(path) && !removed.contains(path.as_ref()));
    let path = *paths.collect::<Vec<_>>().choose(chance).expect("some");
    (path, &whole[path])
}

/// How a finding speaks of an object: checkpoints by their size, others by their path.
fn word(path: &Path) -> String {
    let size = path.as_ref().strip_prefix(&format!("{LOG}checkpoints/")).and_then(|size| size.parse::<u64>().ok());
    size.map_or_else(|| path.to_string(), |size| format!("checkpoint {size} "))
}

#[tokio::test]
async fn an_edited_byte_is_found() {
    tried("edit", async |small, whole, chance| {
        let (path, bytes) = covered(whole, chance);
        let mut changed = bytes.to_vec();
        let at = chance.random_range(0..changed.len());
        changed[at] ^= 1 << chance.random_range(0..8);
        small.put(path, changed).await;
        named([word(path)], &[])
    })
    .await;
}

#[tokio::test]
async fn an_inserted_object_is_found() {
    tried("insert", async |small, whole, chance| {
        let (path, bytes) = loop {
            let (path, bytes) = covered(whole, chance);
            let folder = ["audit/", LOG, "_auditlake/runs/", "_auditlake/approvals/"];
            if folder.iter().any(|folder| path.as_ref().starts_with(folder))
                && path.as_ref() != format!("{LOG}checkpoint")
            {
                break (path, bytes);
            }
        };
        let text = path.as_ref();
        let number = chance.random_range(900..1000_u32);
        let beside = if text.contains("/commit-") {
            text.replace("commit-000001", "commit-000002")
        } else if text.starts_with(LOG) {
            format!("{}{number}", &text[..text.len() - 3])
        } else {
            text.replace(".parquet", &format!("-{number}.parquet")).replace("/00000", &format!("/{number}0"))
        };
        small.put(&Path::from(beside.as_str()), bytes.clone()).await;
        named([word(&Path::from(beside.as_str())).trim_end()], &[])
    })
    .await;
}

#[tokio::test]
async fn a_deleted_object_is_found() {
    tried("delete", async |small, whole, chance| {
        let (path, _) = loop {
            let (path, bytes) = covered(whole, chance);
            // A proof is a help, and the copy of a checkpoint is another; narrow tiles are gone once a wider one is there.
            let is_help = path.as_ref().ends_with(".tlog-proof") || path.as_ref() == format!("{LOG}checkpoint");
            let is_narrow = path.as_ref().contains(".p/");
            if !is_help && !is_narrow {
                break (path, bytes);
            }
        };
        small.lake.front.remove(path).await.expect("removed");
        let is_checkpoint = path.as_ref().contains("/checkpoints/");
        named([if is_checkpoint { word(path) } else { path.to_string() }], &[])
    })
    .await;
}

#[tokio::test]
async fn swapped_objects_are_found() {
    tried("swap", async |small, whole, chance| {
        let ((one, first), (other, second)) = loop {
            let (one, other) = (covered(whole, chance), covered(whole, chance));
            let is_proof = |path: &Path| path.as_ref().ends_with(".tlog-proof");
            if one.1 != other.1 && !is_proof(one.0) && !is_proof(other.0) {
                break (one, other);
            }
        };
        small.put(one, second.clone()).await;
        small.put(other, first.clone()).await;
        named([word(one), word(other)], &[])
    })
    .await;
}

#[tokio::test]
async fn a_cut_end_is_found() {
    tried("truncate", async |small, whole, chance| {
        let number =
            |path: &Path, folder: &str| path.as_ref().strip_prefix(&format!("{LOG}{folder}/"))?.parse::<u64>().ok();
        let starts: Vec<u64> = whole.keys().filter_map(|path| number(path, "entries")).collect();
        let from = *starts[1..].choose(chance).expect("some");
        for path in whole.keys() {
            let is_behind = number(path, "entries").is_some_and(|first| first >= from)
                || number(path, "checkpoints").is_some_and(|size| size > from);
            if is_behind {
                small.lake.front.remove(path).await.expect("removed");
            }
        }
        if chance.random() {
            // The more careful one makes the rest look as it did.
            let earlier =
                small.history.iter().rev().find(|objects| {
                    objects.keys().filter_map(|path| number(path, "entries")).all(|first| first < from)
                });
            let earlier = earlier.map(|objects| objects.iter().filter(|(path, _)| path.as_ref().starts_with(LOG)));
            let gone: Vec<&Path> = whole.keys().filter(|path| path.as_ref().starts_with(LOG)).collect();
            for path in gone {
                small.lake.front.remove(path).await.expect("removed");
            }
            for (path, bytes) in earlier.into_iter().flatten() {
                small.put(path, bytes.clone()).await;
            }
        }
        named(["of anchor \"vault\" is of more: its end was cut"], &[FindingKind::CutLog])
    })
    .await;
}

#[tokio::test]
async fn a_lake_that_was_set_back_is_found() {
    tried("roll back", async |small, _, chance| {
        let earlier = &small.history[chance.random_range(0..small.history.len() - 1)];
        small.restore(earlier).await;
        named(["of anchor \"vault\" is of more: its end was cut"], &[FindingKind::CutLog])
    })
    .await;
}

#[tokio::test]
async fn a_forked_log_is_found() {
    tried("fork", async |small, whole, chance| {
        let earlier = &small.history[chance.random_range(0..small.history.len() - 1)];
        let log: BTreeMap<Path, Bytes> = whole
            .iter()
            .filter(|(path, _)| !path.as_ref().starts_with(LOG))
            .chain(earlier.iter().filter(|(path, _)| path.as_ref().starts_with(LOG)))
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .collect();
        small.restore(&log).await;
        // Whoever has the key writes on, with other entries, and asks no anchor.
        let forged = EvidenceLog::unanchored(&small.lake).expect("keys").expect("a policy");
        let body = |number: u32| {
            EntryBody::File(FileEntry {
                dataset: "audit".to_owned(),
                place: Place::Path(format!("audit/forged-{number}.parquet")),
                sha256: "00".repeat(32),
                bytes: 1,
                rows: 1,
                adopted: false,
            })
        };
        let entries = 200 + chance.random_range(0..200);
        let bodies: Vec<EntryBody> = (0..entries).map(body).collect();
        let at = DateTime::from_timestamp(1_772_600_000, 0).expect("an instant");
        let size = forged.size().await.expect("a size");
        assert!(forged.append(&bodies, size, at).await.expect("appended").unsigned.is_none());
        named(["of anchor \"vault\" is not consistent with this log"], &[FindingKind::ForkedLog])
    })
    .await;
}

#[tokio::test]
async fn a_replaced_checkpoint_is_found() {
    tried("checkpoint", async |small, whole, chance| {
        let folder = format!("{LOG}checkpoints/");
        let all: Vec<&Path> = whole.keys().filter(|path| path.as_ref().starts_with(&folder)).collect();
        let path = *all.choose(chance).expect("some");
        let note = Note::parse(&whole[path]).expect("a note");
        let checkpoint = Checkpoint::parse(&note.text).expect("a checkpoint");
        let stranger = SignerKey::new(ORIGIN, &[2; 32]);
        let other = match chance.random_range(0..6) {
            0 => checkpoint.sign(&[&stranger]).expect("signed").to_string(),
            1 => {
                Checkpoint { root: [chance.random(); 32], ..checkpoint }.sign(&[&stranger]).expect("signed").to_string()
            }
            2 => note.to_string().replace(&checkpoint.size.to_string(), &(checkpoint.size + 1).to_string()),
            3 => format!("{}\n", note.text),
            4 => "no checkpoint".to_owned(),
            _ => {
                let another = all.iter().find(|other| **other != path).expect("two");
                String::from_utf8(whole[*another].to_vec()).expect("text")
            }
        };
        small.put(path, other).await;
        named([word(path)], &[FindingKind::ChangedCheckpoint, FindingKind::Untrusted])
    })
    .await;
}

#[tokio::test]
async fn a_replaced_part_of_a_report_is_found() {
    tried("part", async |small, whole, chance| {
        let is_part = |path: &&Path| {
            let path = path.as_ref();
            (path.starts_with("reports/") || path.starts_with("_auditlake/reports/")) && !path.ends_with(".tlog-proof")
        };
        let text = |path: &Path| String::from_utf8(whole[path].to_vec()).expect("text");
        let has_figures = |path: &&Path| text(path).contains(|c: char| c.is_ascii_digit());
        let parts: Vec<&Path> = whole.keys().filter(is_part).filter(has_figures).collect();
        let path = *parts.choose(chance).expect("some");
        let text = text(path);
        let figure = text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect::<Vec<_>>();
        let at = *figure.choose(chance).expect("a figure");
        let other = if &text[at..=at] == "7" { "8" } else { "7" };
        small.put(path, format!("{}{other}{}", &text[..at], &text[at + 1..])).await;
        named([path], &[FindingKind::ChangedPart])
    })
    .await;
}

#[tokio::test]
async fn a_changed_approval_is_found() {
    tried("approval", async |small, whole, chance| {
        let steps: Vec<&Path> =
            whole.keys().filter(|path| path.as_ref().starts_with("_auditlake/approvals/")).collect();
        let path = *steps.choose(chance).expect("some");
        let mut record: serde_json::Value = serde_json::from_slice(&whole[path]).expect("JSON");
        let (field, value) = *[
            ("by", "mallory"),
            ("state", "approved"),
            ("state", "draft"),
            ("at", "2026-03-01T00:00:00Z"),
            ("manifest_sha256", "00"),
            ("reason", "none"),
        ]
        .choose(chance)
        .expect("some");
        if record[field] == value {
            record[field] = "alice".into();
        } else {
            record[field] = value.into();
        }
        small.put(path, serde_json::to_vec_pretty(&record).expect("JSON")).await;
        let number = path.filename().expect("a name").trim_start_matches('0').trim_end_matches(".json").to_owned();
        named([format!("step {number} of the review")], &[FindingKind::BadApproval])
    })
    .await;
}
