use super::*;

fn file() -> EntryBody {
    EntryBody::File(FileEntry {
        dataset: "audit".to_owned(),
        place: Place::Path("audit/tenant=acme/date=2026-01-01/a.parquet".to_owned()),
        sha256: "ab".repeat(32),
        bytes: 7,
        rows: 1,
        adopted: false,
    })
}

#[test]
fn an_entry_has_one_spelling() {
    let entry = Entry::new(DateTime::UNIX_EPOCH, file()).expect("an entry");
    let bytes = entry.to_bytes().expect("bytes");
    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    assert_eq!(
        text,
        format!(
            "{{\"at\":\"1970-01-01T00:00:00Z\",\"bytes\":7,\"dataset\":\"audit\",\"id\":\"{}\",\"kind\":\"file\",\
             \"path\":\"audit/tenant=acme/date=2026-01-01/a.parquet\",\"rows\":1,\"sha256\":\"{}\"}}",
            entry.id,
            "ab".repeat(32)
        )
    );
    assert_eq!(Entry::parse(&bytes).expect("an entry"), entry);
    for other in [text.replace(":7", ": 7"), text.replace("\"rows\":1", "\"rows\":2"), format!("{text} ")] {
        assert!(matches!(Entry::parse(other.as_bytes()), Err(EntryError::Spelling)), "{other}");
    }
    assert!(matches!(Entry::parse(b"{}"), Err(EntryError::Json(_))));
}

#[test]
fn what_a_later_version_logged_is_kept_and_known_as_such() {
    let later = br#"{"at":"2030-01-01T00:00:00Z","id":"00","kind":"erasure","rows":3}"#;
    assert_eq!(Entry::parse(later).expect("an entry").body, EntryBody::Unknown);
}

#[test]
fn an_entry_that_is_too_long_is_refused() {
    let removes = vec!["audit/x.parquet".to_owned(); 5000];
    let body =
        EntryBody::Compaction(RemovalEntry { dataset: "audit".to_owned(), work: "compact-1".to_owned(), removes });
    let entry = Entry::new(DateTime::UNIX_EPOCH, body).expect("an entry");
    assert!(matches!(entry.to_bytes(), Err(EntryError::Long { .. })));
}

#[test]
fn a_change_of_keys_is_signed_by_a_key_before() {
    let (old, new) = (SignerKey::new("acme.example/log", &[1; 32]), SignerKey::new("acme.example/log", &[2; 32]));
    let change = KeyEntry::sign(Some(new.verifier()), None, &old);
    assert!(change.is_signed_by(&[old.verifier().clone()]));
    assert!(!change.is_signed_by(&[new.verifier().clone()]));
    let other = KeyEntry { retires: Some(old.verifier().id().to_string()), ..change };
    assert!(!other.is_signed_by(&[old.verifier().clone()]));
}

/// The example of RFC 8785, section 3.2.4: numbers, escapes and the order of names.
#[test]
fn json_is_spelt_as_rfc_8785_does() {
    let given = r#"{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }"#;
    let value: serde_json::Value = serde_json::from_str(given).expect("JSON");
    let spelt = serde_json_canonicalizer::to_string(&value).expect("canonical");
    let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    assert_eq!(spelt, expected);
}

/// The example of RFC 8785, section 3.2.3: names in the order of their UTF-16 code units.
#[test]
fn names_are_ordered_as_rfc_8785_does() {
    let given = r#"{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }"#;
    let value: serde_json::Value = serde_json::from_str(given).expect("JSON");
    let spelt = serde_json_canonicalizer::to_string(&value).expect("canonical");
    let places: Vec<usize> = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
        .iter()
        .map(|name| spelt.find(name).expect("there"))
        .collect();
    assert!(places.is_sorted(), "{spelt}");
}
