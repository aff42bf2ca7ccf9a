//! Many writers of one object: nothing that one of them wrote is lost.
//!
//! `AUDITLAKE_RACES` says how many writes are at stake in each race.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;

const OBJECT: &str = "audit/part.parquet";
const END: &str = "end";
/// Names the folder of the lake to a process that a test started.
const RACE_IN: &str = "AUDITLAKE_RACE_IN";

fn races() -> usize {
    std::env::var("AUDITLAKE_RACES").map_or(500, |races| races.parse().expect("a number"))
}

async fn update(lake: &Lakefront, text: String, etag: &str) -> Replaced {
    let sha256 = crate::hex(&Sha256::digest(&text));
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

/// Counts up until everybody together has counted to `to`; how often it was this one. Its bytes are like nobody else's.
async fn count_up(lake: Lakefront, name: usize, to: usize) -> usize {
    let mut mine = 0;
    loop {
        let Some((text, etag)) = look(&lake).await else { continue };
        let count: usize = text.split('/').next().expect("a number").parse().expect("a number");
        if count >= to {
            return mine;
        }
        if matches!(update(&lake, format!("{}/{name}", count + 1), &etag).await, Replaced::Now { .. }) {
            mine += 1;
        }
        tokio::task::yield_now().await;
    }
}

async fn no_count_is_lost(lake: Lakefront) {
    lake.create(&Path::from(OBJECT), "0".into()).await.expect("created");
    let counting: Vec<_> = (0..4).map(|name| tokio::spawn(count_up(lake.clone(), name, races()))).collect();
    let mut counted = 0;
    for one in counting {
        counted += one.await.expect("ran");
    }
    assert_eq!(counted, races(), "a writer was told that it replaced what it did not, or the other way round");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_who_all_replace_none_is_lost_in_memory() {
    no_count_is_lost(Lakefront::memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_who_all_replace_none_is_lost_in_a_folder() {
    let folder = TempDir::new().expect("a folder");
    no_count_is_lost(Lakefront::folder(folder.path()).expect("a lake")).await;
}

/// Rewrites what is there and keeps the number that the foreign writer gave it. The text is always of one length, and so
/// is an ETag made of it. Whether it was replaced.
async fn rewrite(lake: &Lakefront) -> bool {
    let Some((text, etag)) = look(lake).await else { return false };
    matches!(update(lake, format!("{}/rewritten", &text[..8]), &etag).await, Replaced::Now { .. })
}

/// Writes without asking what is there, and looks whether its last write is: as it wrote it, or rewritten since.
async fn write_and_look(lake: &Lakefront) {
    let path = Path::from(OBJECT);
    for number in 1..=races() {
        // Somebody is at it: whoever rewrote it goes on.
        while look(lake).await.is_none_or(|(text, _)| text.ends_with("foreign  ")) {
            tokio::task::yield_now().await;
        }
        let text = Bytes::from(format!("{number:08}/foreign  "));
        let etag = lake.head(&path).await.expect("asked").and_then(|there| there.e_tag);
        let is_free = match etag {
            Some(etag) if number.is_multiple_of(3) => {
                matches!(lake.delete_if(&path, &etag).await.expect("asked"), Deleted::Now { .. })
            }
            _ => false,
        };
        match is_free {
            true => assert_eq!(lake.create(&path, text).await.expect("asked"), Created::Now, "nobody else creates"),
            false => lake.replace(&path, text).await.expect("replaced"),
        }
        let there = lake.read(&path).await.expect("read").expect("there");
        assert_eq!(&there[..8], format!("{number:08}").as_bytes(), "a foreign write was lost");
        tokio::task::yield_now().await;
    }
}

async fn no_foreign_write_is_lost(lake: Lakefront) {
    let over = Arc::new(AtomicBool::new(false));
    lake.create(&Path::from(OBJECT), "00000000/foreign  ".into()).await.expect("created");
    let rewriting: Vec<_> = (0..3)
        .map(|_| {
            let (lake, over) = (lake.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let mut rewritten = 0;
                while !over.load(Ordering::SeqCst) {
                    rewritten += usize::from(rewrite(&lake).await);
                    tokio::task::yield_now().await;
                }
                rewritten
            })
        })
        .collect();
    write_and_look(&lake).await;
    over.store(true, Ordering::SeqCst);
    let mut rewritten = 0;
    for one in rewriting {
        rewritten += one.await.expect("ran");
    }
    assert!(rewritten > 0, "nobody raced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_foreign_writer_writes_is_not_lost_in_memory() {
    no_foreign_write_is_lost(Lakefront::memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_foreign_writer_writes_is_not_lost_in_a_folder() {
    let folder = TempDir::new().expect("a folder");
    no_foreign_write_is_lost(Lakefront::folder(folder.path()).expect("a lake")).await;
}

/// The same with processes in the place of threads: they share nothing but the folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_foreign_process_writes_is_not_lost_in_a_folder() {
    if let Some(folder) = std::env::var_os(RACE_IN) {
        let lake = Lakefront::folder(FsPath::new(&folder)).expect("a lake");
        let mut rewritten = 0;
        // The folder goes with the process that made it, whatever became of its test.
        while FsPath::new(&folder).exists() && lake.head(&Path::from(END)).await.expect("asked").is_none() {
            rewritten += usize::from(rewrite(&lake).await);
        }
        assert!(rewritten > 0, "this process did not race");
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let lake = Lakefront::folder(folder.path()).expect("a lake");
    lake.create(&Path::from(OBJECT), "00000000/foreign  ".into()).await.expect("created");
    let name = std::thread::current().name().expect("tests are named").to_owned();
    let start = || {
        let mut process = Command::new(std::env::current_exe().expect("this program"));
        process.args([&name, "--exact", "--quiet"]).env(RACE_IN, folder.path()).stdout(Stdio::null());
        process.spawn().expect("a process")
    };
    let rewriting: Vec<Child> = (0..2).map(|_| start()).collect();
    write_and_look(&lake).await;
    lake.create(&Path::from(END), Bytes::new()).await.expect("created");
    for mut process in rewriting {
        assert!(process.wait().expect("ended").success(), "a process that rewrites failed");
    }
}
