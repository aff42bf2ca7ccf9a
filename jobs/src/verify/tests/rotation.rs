//! Keys that hand over, and keys whose time is over.

use engine::evidence::{Checkpoint, SignerKey};
use schemas::SecretSource;

use super::lake::{ORIGIN, Small};
use crate::evidence_log::{EvidenceLog, LogStore, write_keys};
use crate::verify::FindingKind;

fn key(number: u8) -> SignerKey {
    SignerKey::new(ORIGIN, &[number; 32])
}

/// Signs with these keys from here on.
fn signs(small: &mut Small, current: u8, retiring: Option<u8>) {
    for number in [Some(current), retiring].into_iter().flatten() {
        let path = small.folder.path().join(format!("keys/{number}.key"));
        if !path.exists() {
            write_keys(&path, &key(number)).expect("keys");
        }
    }
    let source = |number: u8| SecretSource::File(format!("keys/{number}.key"));
    let policy = small.lake.definitions.evidence.as_mut().expect("a policy");
    policy.key = source(current);
    policy.retiring = retiring.map(source);
}

#[tokio::test]
async fn a_key_hands_over_to_the_next_and_whoever_trusts_the_first_trusts_it() {
    let mut small = Small::empty();
    small.ingest(0, 10).await;
    signs(&mut small, 2, Some(1));
    small.ingest(1, 10).await;
    signs(&mut small, 2, None);
    small.ingest(2, 10).await;
    small.ingest(3, 10).await;
    let verified = small.verified().await;
    assert_eq!(verified.findings, []);
    let log = &verified.checked[0].1;
    for number in [1, 2] {
        assert!(log.contains(&key(number).verifier().id().to_string()), "{log}");
    }

    // The first key signs no more: a checkpoint that it alone signed, although right, is told.
    let store = LogStore::of_lake(small.lake.front.clone());
    let (size, bytes) = store.newest_checkpoint().await.expect("read").expect("a checkpoint");
    let note = engine::evidence::Note::parse(&bytes).expect("a note");
    let old = Checkpoint::parse(&note.text).expect("a checkpoint").sign(&[&key(1)]).expect("signed").to_string();
    small.put(&store.checkpoint_path(size), old.clone()).await;
    small.put(&store.newest_path(), old).await;
    let kinds: Vec<FindingKind> = small.verified().await.findings.iter().map(|finding| finding.kind).collect();
    assert!(kinds.contains(&FindingKind::ExpiredKey), "{kinds:?}");
}

#[tokio::test]
async fn a_key_that_nobody_handed_over_to_signs_nothing() {
    let mut small = Small::empty();
    small.ingest(0, 10).await;
    signs(&mut small, 3, None);
    let log = EvidenceLog::open(&small.lake).expect("keys").expect("a policy");
    let error = log.catch_up().await.expect_err("the last checkpoint is another's").to_string();
    assert!(error.contains("sign.retiring"), "{error}");
    // What is ingested meanwhile is logged later, and told until then.
    small.ingest(1, 10).await;
    let findings = small.verified().await.findings;
    assert!(findings.iter().any(|finding| finding.kind == FindingKind::OpenIntent), "{findings:#?}");
    signs(&mut small, 1, None);
    small.ingest(2, 10).await;
    assert_eq!(small.verified().await.findings, []);
}
