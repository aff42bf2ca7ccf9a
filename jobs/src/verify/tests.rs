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
    assert_eq!(checked, ["log", "trust", "anchor", "files", "runs", "reports", "reviews", "chains"]);
    assert_eq!(small.objects().await, *small.history.last().expect("a history"), "looking changes nothing");
}
