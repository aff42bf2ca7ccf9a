//! Trees, proofs and notes of the evidence log, checked by an implementation that is not ours.

use engine::evidence::{Checkpoint, SignerKey, Tree, leaf_hash};
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::tlog::{self, Hash};

fn theirs(hash: [u8; 32]) -> Hash {
    Hash(hash)
}

#[test]
fn proofs_convince_another_verifier() {
    let entries: Vec<Vec<u8>> = (0..300_u32).map(|number| number.to_string().into_bytes()).collect();
    let tree = Tree::of(entries.iter().map(|entry| leaf_hash(entry)).collect());
    for size in [1_u64, 2, 3, 7, 64, 100, 255, 256, 257, 300] {
        let root = theirs(tree.root_at(size).expect("a root"));
        for index in (0..size).step_by(3).chain([size - 1]) {
            let path: Vec<Hash> = tree.inclusion(index, size).expect("a proof").into_iter().map(theirs).collect();
            let leaf = tlog::record_hash(&entries[index as usize]);
            tlog::check_record(&path, size, root, index, leaf).expect("their verifier agrees");
        }
        for old in 1..=size {
            let path: Vec<Hash> = tree.consistency(old, size).expect("a proof").into_iter().map(theirs).collect();
            let before = theirs(tree.root_at(old).expect("a root"));
            tlog::check_tree(&path, size, root, old, before).expect("their verifier agrees");
        }
    }
}

#[test]
fn checkpoints_are_notes_that_another_reader_opens_and_the_other_way_round() {
    let signer = SignerKey::new("acme.example/auditlake/acme", &[3; 32]);
    let checkpoint = Checkpoint { origin: "acme.example/auditlake/acme".to_owned(), size: 9, root: [5; 32] };
    let note = checkpoint.sign(&[&signer]).expect("signed");
    let verifier = StandardVerifier::new(&signer.verifier().to_string()).expect("their reader takes our key");
    let opened = Note::from_bytes(note.to_string().as_bytes()).expect("their reader takes our note");
    let (good, unknown) = opened.verify(&VerifierList::new(vec![Box::new(verifier)])).expect("their verifier agrees");
    assert_eq!((good.len(), unknown.len()), (1, 0));
    let read = tlog_tiles::checkpoint::Checkpoint::from_bytes(opened.text()).expect("a checkpoint");
    assert_eq!((read.origin(), read.size(), read.hash().0), (checkpoint.origin.as_str(), 9, [5; 32]));

    let their_signer = StandardSigner::new(&signer.to_secret_text()).expect("their signer takes our key");
    let mut theirs = Note::new(checkpoint.to_string().as_bytes(), &[]).expect("a text");
    theirs.add_sigs(&[&their_signer]).expect("signed");
    assert_eq!(theirs.to_bytes(), note.to_string().into_bytes(), "both sign alike");
}
