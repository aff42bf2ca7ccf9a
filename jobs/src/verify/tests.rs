//! What was done to a lake behind its back is found and named, and nothing is found in a lake that nobody touched.
//!
//! `AUDITLAKE_TAMPERINGS` sets how often each kind of tampering is tried, each time at another place.

mod bad_input;
mod lake;
mod rotation;
mod tampering;

use lake::Small;

#[tokio::test]
async fn a_lake_that_nobody_touched_gives_no_finding() {
    let small = Small::lived().await;
    let verified = small.verified().await;
    assert_eq!(verified.findings, [], "{verified:#?}");
    let checked: Vec<&str> = verified.checked.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(checked, ["log", "trust", "anchor", "files", "index", "runs", "reports", "reviews", "chains"]);
    assert_eq!(small.objects().await, *small.history.last().expect("a history"), "looking changes nothing");
}

/// EVI-5: entries are read by whoever holds an anchor.
#[tokio::test]
async fn no_entry_names_a_person() {
    let mut small = Small::lived().await;
    let audit = small.lake.definitions.datasets.iter_mut().find(|dataset| dataset.id.as_str() == "audit");
    audit.expect("a dataset").classes.insert("tenant_id".to_owned(), schemas::Class::Personal);
    small.ingest(6, 40).await;
    let objects = small.objects().await;
    let entries = objects.iter().filter(|(path, _)| path.as_ref().contains("_proof/log/entries/"));
    let text: String = entries.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
    for name in ["alice", "bob", "u-1", "hsm", "e-1", "user.login"] {
        assert!(!text.contains(&format!("\"{name}")), "{name} stands in the log");
    }
    let keyed = text.split("path_hmac").count() - 1;
    assert_eq!(keyed, 2, "a file for each of two tenants");
    // What was logged while the paths said nothing of people is known as it was logged.
    assert_eq!(small.verified().await.findings, []);
}
