use schemas::unhex;

use super::*;

const VERIFIER: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    unhex(text).expect("hex").try_into().expect("as many bytes")
}

/// The example of C2SP's specification of signed notes.
#[test]
fn the_example_of_the_specification_verifies_and_comes_back() {
    let key = VerifierKey::parse(VERIFIER).expect("a key");
    assert_eq!((key.name(), key.id().to_string().as_str()), ("example.com/foo", "530d903a"));
    assert_eq!(key.to_string(), VERIFIER);
    let note = Note::parse(NOTE.as_bytes()).expect("a note");
    assert_eq!(note.text, "This is an example message.\n");
    assert_eq!(note.to_string(), NOTE);
    let keys = [key];
    assert_eq!(note.signers(&keys).expect("good"), [&keys[0]]);
    let changed = Note { text: "This is another message.\n".to_owned(), ..note.clone() };
    assert_eq!(changed.signers(&keys), Err(keys[0].id()));
    assert_eq!(note.signers(&[]), Ok(Vec::new()), "a key that is not known says nothing");
}

/// The first three tests of RFC 8032, section 7.1: secret key, public key, message, signature.
#[test]
fn signatures_are_those_of_rfc_8032() {
    let check = |secret: &str, public: &str, message: &str, signature: &str| {
        let signer = SignerKey::new("rfc8032.example", &bytes(secret));
        assert_eq!(signer.verifier().key.as_bytes(), &bytes::<32>(public));
        let message = unhex(message).expect("hex");
        assert_eq!(signer.sign(&message), bytes::<64>(signature));
        assert!(signer.verifier().verifies(&message, &bytes::<64>(signature)));
        assert!(!signer.verifier().verifies(b"another", &bytes::<64>(signature)));
    };
    check(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    );
    check(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    check(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
}

#[test]
fn a_key_comes_back_and_shows_no_secret() {
    let signer = SignerKey::new("acme.example/log", &[7; 32]);
    let secret = signer.to_secret_text();
    let again = SignerKey::parse(&secret).expect("a key");
    assert_eq!(again.verifier(), signer.verifier());
    let hidden = secret.rsplit('+').next().expect("the key");
    assert!(!format!("{signer:?}").contains(hidden));
    assert!(matches!(SignerKey::parse(&secret.replace("acme", "evil")), Err(NoteError::KeyId { .. })));
    assert_eq!(VerifierKey::parse(&secret).err(), Some(NoteError::VerifierKey));
    assert_eq!(SignerKey::parse(&signer.verifier().to_string()).err(), Some(NoteError::SigningKey));
    assert!(matches!(VerifierKey::parse(&VERIFIER.replace("530d", "530e")), Err(NoteError::KeyId { .. })));
}

#[test]
fn what_is_no_note_is_refused() {
    let check = |text: &str, why: &str| {
        let error = Note::parse(text.as_bytes()).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    };
    check("text", "no empty line");
    check("text\n\n", "no signature");
    check("text\n\nnot signed\n", "no signature");
    check(&NOTE.replace("Uw2Q", "Uw2*"), "no signature");
    check(&NOTE.replace("message", "mess\tage"), "control character");
    assert!(Note::parse(&[0xff; 20]).is_err());
    assert!(Note::sign("no line end", &[]).is_err());
}

#[test]
fn each_signer_counts_once_and_a_false_one_spoils_the_note() {
    let (old, new) = (SignerKey::new("acme.example/log", &[1; 32]), SignerKey::new("acme.example/log", &[2; 32]));
    let keys = [old.verifier().clone(), new.verifier().clone()];
    let note = Note::sign("acme.example/log\n7\n", &[&old, &new]).expect("signed");
    let note = Note::parse(note.to_string().as_bytes()).expect("a note");
    assert_eq!(note.signers(&keys).expect("good").len(), 2);
    let mut doubled = note.clone();
    doubled.signatures.push(note.signatures[0].clone());
    assert_eq!(doubled.signers(&keys).expect("good").len(), 2);
    let mut swapped = note.clone();
    swapped.signatures[0].bytes = note.signatures[1].bytes.clone();
    assert_eq!(swapped.signers(&keys), Err(old.verifier().id()));
}
