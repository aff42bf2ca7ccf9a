//! Bad keys, checkpoints, clocks, anchors and logs: a clear finding or error each, never a panic, never a pass.

use engine::evidence::{Checkpoint, EntryBody, Note, SignerKey};
use schemas::SecretSource;

use super::lake::{ORIGIN, Small};
use crate::evidence_log::{EvidenceLog, LogStore};
use crate::verify::FindingKind;

async fn finds(small: &Small, kind: FindingKind, words: &str) {
    let findings = small.verified().await.findings;
    let found = findings.iter().any(|finding| finding.kind == kind && finding.message.contains(words));
    assert!(found, "no {kind:?} with \"{words}\": {findings:#?}");
}

#[tokio::test]
async fn a_wrong_key_trusts_nothing() {
    let mut small = Small::empty();
    small.ingest(0, 10).await;
    let stranger = SignerKey::new(ORIGIN, &[9; 32]).verifier().clone();
    let verified = small.verified_with(vec![stranger]).await;
    assert!(verified.findings.iter().any(|finding| finding.kind == FindingKind::Untrusted), "{verified:#?}");
    let other_log = SignerKey::new("other.example/log", &[1; 32]).verifier().clone();
    let verified = small.verified_with(vec![other_log]).await;
    assert!(verified.findings.iter().any(|finding| finding.kind == FindingKind::OtherLog), "{verified:#?}");
}

#[tokio::test]
async fn a_missing_key_stops_before_anything_is_done() {
    let mut small = Small::empty();
    small.ingest(0, 10).await;
    let policy = small.lake.definitions.evidence.as_mut().expect("a policy");
    policy.key = SecretSource::File("keys/none.key".to_owned());
    let error = EvidenceLog::open(&small.lake).expect_err("there is no key").to_string();
    assert!(error.contains("none.key"), "{error}");
    std::fs::write(small.folder.path().join("keys/none.key"), "no key").expect("written");
    let error = EvidenceLog::open(&small.lake).expect_err("it is no key").to_string();
    assert!(error.contains("keys/none.key") && error.contains("keygen"), "{error}");
    let other = SignerKey::new("other.example/log", &[1; 32]).to_secret_text();
    std::fs::write(small.folder.path().join("keys/none.key"), other).expect("written");
    let error = EvidenceLog::open(&small.lake).expect_err("it is of another log").to_string();
    assert!(error.contains("other.example/log") && error.contains(ORIGIN), "{error}");
}

#[tokio::test]
async fn an_unsigned_checkpoint_and_a_log_of_another_lake_are_told() {
    let mut small = Small::empty();
    small.ingest(0, 10).await;
    let store = LogStore::of_lake(small.lake.front.clone());
    let (size, bytes) = store.newest_checkpoint().await.expect("read").expect("a checkpoint");
    let note = Note::parse(&bytes).expect("a note");
    small.put(&store.checkpoint_path(size), note.text.clone()).await;
    finds(&small, FindingKind::ChangedCheckpoint, "cannot be read").await;
    let checkpoint = Checkpoint::parse(&note.text).expect("a checkpoint");
    let other = Checkpoint { origin: "other.example/log".to_owned(), ..checkpoint };
    let signed = other.sign(&[&SignerKey::new(ORIGIN, &[1; 32])]).expect("signed").to_string();
    small.put(&store.checkpoint_path(size), signed).await;
    finds(&small, FindingKind::OtherLog, "other.example/log").await;
    let error = EvidenceLog::open(&small.lake).expect("keys").expect("a policy").catch_up().await;
    assert!(error.expect_err("nothing is signed on top").to_string().contains("other.example/log"));
}

#[tokio::test]
async fn a_clock_that_is_far_off_is_told() {
    let mut small = Small::empty();
    small.ingest(0, 10).await;
    let log = EvidenceLog::open(&small.lake).expect("keys").expect("a policy");
    for (at, words) in [("2020-01-01T00:00:00Z", "behind one of"), ("2126-01-01T00:00:00Z", "has not come yet")] {
        let at = schemas::parse_rfc3339(at).expect("an instant");
        let size = log.size().await.expect("a size");
        let key = engine::evidence::KeyEntry::sign(None, None, &SignerKey::new(ORIGIN, &[1; 32]));
        log.append(&[EntryBody::Key(key)], size, at).await.expect("appended");
        finds(&small, FindingKind::ClockOff, words).await;
    }
}

#[tokio::test]
async fn an_anchor_that_cannot_be_reached_or_was_emptied_stops_signing_and_is_told() {
    let mut small = Small::empty();
    small.ingest(0, 10).await;
    let (vault, aside) = (small.folder.path().join("vault"), small.folder.path().join("aside"));
    std::fs::rename(&vault, &aside).expect("moved");
    finds(&small, FindingKind::AnchorUnreachable, "does not exist").await;
    // What is done meanwhile is logged, and signed by nobody.
    small.ingest(1, 10).await;
    finds(&small, FindingKind::Unsigned, "are signed by no checkpoint").await;
    std::fs::create_dir(&vault).expect("made");
    finds(&small, FindingKind::AnchorUnreachable, "is empty, although").await;
    std::fs::remove_dir(&vault).expect("removed");
    std::fs::rename(&aside, &vault).expect("moved back");
    small.ingest(2, 10).await;
    assert_eq!(small.verified().await.findings, []);
}

#[tokio::test]
async fn a_corrupt_tile_is_told_and_nothing_is_signed_on_top_of_it() {
    let mut small = Small::empty();
    for part in 0..3 {
        small.ingest(part, 10).await;
    }
    let whole = small.objects().await;
    let tile = whole.keys().rfind(|path| path.as_ref().contains("/tile/0/")).expect("a tile").clone();
    small.put(&tile, vec![7; 32]).await;
    finds(&small, FindingKind::DamagedLog, tile.as_ref()).await;
    let error = EvidenceLog::open(&small.lake).expect("keys").expect("a policy").catch_up().await;
    error.expect_err("nothing is signed on top");
    small.restore(&whole).await;
    assert_eq!(small.verified().await.findings, []);
}
