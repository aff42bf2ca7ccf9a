//! Many writers of one object of a bucket that keeps versions: nothing that one of them wrote is lost.
//!
//! The server decides about one write at a time, as a store does that is not a stand-in. `AUDITLAKE_RACES` says how many
//! writes are at stake in each race.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use engine::{Created, Deleted, EngineError, Lakefront, Replaced, hex};
use object_store::path::Path;
use sha2::{Digest, Sha256};

use crate::kill::times;
use crate::moto::{self, Bucket};
use crate::serial_proxy::serialised;
use crate::store_versions::{OBJECT, lake, with_bucket};

fn races() -> u64 {
    times("AUDITLAKE_RACES", 40)
}

fn decides_once(test: &str) -> Option<Bucket> {
    moto::versioned_bucket(test).as_ref().map(serialised)
}

async fn update(lake: &Lakefront, text: String, etag: &str) -> Replaced {
    let sha256 = hex(&Sha256::digest(&text));
    lake.update(&Path::from(OBJECT), text.into(), etag, &sha256).await.expect("asked")
}

/// What is there, and its ETag; `None` when it is gone, or was replaced between the two questions.
async fn look(lake: &Lakefront) -> Option<(String, String)> {
    let path = Path::from(OBJECT);
    let etag = lake.head(&path).await.expect("asked")?.e_tag.expect("an ETag");
    match lake.read_if(&path, &etag).await {
        Ok(bytes) => Some((String::from_utf8(bytes.to_vec()).expect("text"), etag)),
        Err(EngineError::Changed { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn of_writers_who_all_replace_an_object_of_a_bucket_none_is_lost() {
    let test = "of_writers_who_all_replace_an_object_of_a_bucket_none_is_lost";
    with_bucket(test, decides_once, async |bucket| {
        lake(&bucket).create(&Path::from(OBJECT), "0/".into()).await.expect("created");
        let counting: Vec<_> = (0..4).map(|name| tokio::spawn(count_up(lake(&bucket), name))).collect();
        let mut counted = 0;
        for one in counting {
            counted += one.await.expect("ran");
        }
        assert_eq!(counted, races(), "a writer was told that it replaced what it did not, or the other way round");
    });
}

/// Counts up until everybody together has counted far enough; how often it was this one. Its bytes are like nobody else's.
async fn count_up(lake: Lakefront, name: usize) -> u64 {
    let mut mine = 0;
    loop {
        let Some((text, etag)) = look(&lake).await else { continue };
        let count: u64 = text.split('/').next().expect("a number").parse().expect("a number");
        if count >= races() {
            return mine;
        }
        mine += u64::from(matches!(update(&lake, format!("{}/{name}", count + 1), &etag).await, Replaced::Now { .. }));
    }
}

/// What a foreign writer writes without a condition survives whoever replaces what they read, as an apply does.
#[test]
fn what_a_foreign_writer_writes_in_a_bucket_is_not_lost() {
    with_bucket("what_a_foreign_writer_writes_in_a_bucket_is_not_lost", decides_once, async |bucket| {
        let over = Arc::new(AtomicBool::new(false));
        let writer = lake(&bucket);
        writer.probe_update("0123").await.expect("it keeps to conditions");
        writer.create(&Path::from(OBJECT), "00000000/foreign  ".into()).await.expect("created");
        let rewriting = tokio::spawn(rewrite(lake(&bucket), Arc::clone(&over)));
        write_and_look(&writer).await;
        over.store(true, Ordering::SeqCst);
        let rewritten = rewriting.await.expect("ran");
        assert!(rewritten > 0, "nobody raced");
    });
}

/// Replaces what is there and keeps the number that the foreign writer gave it, until it is over; how often that was.
async fn rewrite(lake: Lakefront, over: Arc<AtomicBool>) -> u64 {
    let mut rewritten = 0;
    while !over.load(Ordering::SeqCst) {
        let Some((text, etag)) = look(&lake).await else { continue };
        let replaced = update(&lake, format!("{}/rewritten", &text[..8]), &etag).await;
        rewritten += u64::from(matches!(replaced, Replaced::Now { .. }));
    }
    rewritten
}

/// Writes without asking what is there, and looks whether its last write is: as it wrote it, or rewritten since.
async fn write_and_look(lake: &Lakefront) {
    let path = Path::from(OBJECT);
    for number in 1..=races() {
        // Now and then it waits until it is rewritten: whoever rewrites takes longer than it takes to write again.
        while number.is_multiple_of(8) && look(lake).await.is_none_or(|(text, _)| text.ends_with("foreign  ")) {
            tokio::task::yield_now().await;
        }
        let text = Bytes::from(format!("{number:08}/foreign  "));
        let is_free = number.is_multiple_of(3) && {
            let etag =
                lake.head(&path).await.expect("asked").and_then(|there| there.e_tag).expect("there, with an ETag");
            matches!(lake.delete_if(&path, &etag).await.expect("asked"), Deleted::Now { .. })
        };
        match is_free {
            true => assert_eq!(lake.create(&path, text).await.expect("asked"), Created::Now, "nobody else creates"),
            false => lake.replace(&path, text).await.expect("replaced"),
        }
        let there = lake.read(&path).await.expect("read").expect("there");
        assert_eq!(&there[..8], format!("{number:08}").as_bytes(), "a foreign write was lost");
    }
}
