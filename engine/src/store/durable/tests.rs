use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::sync::Arc;

use object_store::{GetResultPayload, UpdateVersion};
use tempfile::TempDir;

use super::lock::{FolderLock, age};
use super::*;

fn opened() -> (TempDir, DurableStore) {
    let folder = TempDir::new().expect("a folder");
    let store = DurableStore::open(folder.path()).expect("a store");
    (folder, store)
}

fn update(etag: &str) -> PutOptions {
    let version = UpdateVersion { e_tag: Some(etag.to_owned()), version: None };
    PutOptions { mode: PutMode::Update(version), ..PutOptions::default() }
}

async fn etag(store: &DurableStore, path: &Path) -> String {
    store.head(path).await.expect("there").e_tag.expect("an ETag")
}

async fn text(store: &DurableStore, path: &Path) -> String {
    let bytes = store.get(path).await.expect("there").bytes().await.expect("read");
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Everything that is in the folder, whoever lists it.
fn files(folder: &FsPath) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn create() -> PutOptions {
    PutOptions { mode: PutMode::Create, ..PutOptions::default() }
}

async fn names(store: &DurableStore) -> Vec<String> {
    let found: Vec<ObjectMeta> = store.list(None).try_collect().await.expect("a listing");
    found.into_iter().map(|meta| meta.location.to_string()).collect()
}

#[tokio::test]
async fn a_name_is_created_once_and_keeps_its_first_bytes() {
    let folder = TempDir::new().expect("a folder");
    let store = DurableStore::open(folder.path()).expect("a store");
    let path = Path::from("a/b/c.json");
    store.put_opts(&path, "first".into(), create()).await.expect("created");
    let again = store.put_opts(&path, "second".into(), create()).await.expect_err("the name is taken");
    assert!(matches!(again, Error::AlreadyExists { .. }), "{again}");
    assert_eq!(store.get(&path).await.expect("there").bytes().await.expect("read"), "first");
    store.put(&path, "third".into()).await.expect("replaced");
    assert_eq!(store.get(&path).await.expect("there").bytes().await.expect("read"), "third");
    let left: Vec<_> = fs::read_dir(folder.path().join("a/b")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "work in progress stays behind: {left:?}");
}

#[tokio::test]
async fn of_many_who_create_a_name_one_wins() {
    let folder = TempDir::new().expect("a folder");
    let store = std::sync::Arc::new(DurableStore::open(folder.path()).expect("a store"));
    let puts = (0..32).map(|number| {
        let store = std::sync::Arc::clone(&store);
        tokio::spawn(async move {
            store.put_opts(&Path::from("epoch-1"), format!("{number}").into(), create()).await.is_ok()
        })
    });
    let won = futures::future::join_all(puts.collect::<Vec<_>>()).await;
    assert_eq!(won.into_iter().filter(|won| *won.as_ref().expect("ran")).count(), 1);
}

/// As processes of two containers may do that have one number.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_of_one_process_number_do_not_share_work_in_progress() {
    let folder = TempDir::new().expect("a folder");
    let stores = [0, 1].map(|_| std::sync::Arc::new(DurableStore::open(folder.path()).expect("a store")));
    for round in 0..100 {
        let path = Path::from(format!("epoch-{round}"));
        let puts = stores.iter().zip(["first".repeat(3), "second".repeat(500)]).map(|(store, text)| {
            let (store, path) = (std::sync::Arc::clone(store), path.clone());
            tokio::spawn(async move {
                let put = store.put_opts(&path, text.clone().into(), create()).await;
                put.is_ok().then_some(text)
            })
        });
        let won = futures::future::join_all(puts.collect::<Vec<_>>()).await;
        let won: Vec<String> = won.into_iter().filter_map(|won| won.expect("ran")).collect();
        let there = stores[0].get(&path).await.expect("there").bytes().await.expect("read");
        assert_eq!(won, [String::from_utf8_lossy(&there)], "round {round}");
    }
}

#[tokio::test]
async fn what_a_crash_leaves_half_written_is_in_no_listing() {
    let folder = TempDir::new().expect("a folder");
    let store = DurableStore::open(folder.path()).expect("a store");
    store.put(&Path::from("a/whole"), "all of it".into()).await.expect("written");
    let target = store.inner.path_to_filesystem(&Path::from("a/half")).expect("a path");
    write!(staged(&target).expect("a file").1, "only").expect("written");
    assert_eq!(names(&store).await, ["a/whole"]);
    store.put_opts(&Path::from("a/half"), "all of it".into(), create()).await.expect("created");
    assert_eq!(names(&store).await.len(), 2);
}

#[tokio::test]
async fn an_object_is_replaced_on_the_condition_that_it_is_the_one_that_was_read() {
    let (folder, store) = opened();
    let path = Path::from("audit.parquet");
    let missing = store.put_opts(&path, "x".into(), update("1-1-1")).await.expect_err("there is none");
    assert!(matches!(missing, Error::Precondition { .. }), "{missing}");
    let missing =
        store.put_opts(&Path::from("no/folder"), "x".into(), update("1-1-1")).await.expect_err("there is none");
    assert!(matches!(missing, Error::Precondition { .. }), "{missing}");

    let first = store.put_opts(&path, "first".into(), create()).await.expect("created").e_tag.expect("an ETag");
    assert_eq!(etag(&store, &path).await, first);
    let second = store.put_opts(&path, "other".into(), update(&first)).await.expect("replaced").e_tag.expect("an ETag");
    assert_eq!(etag(&store, &path).await, second);
    let stale = store.put_opts(&path, "stale".into(), update(&first)).await.expect_err("it has changed");
    assert!(matches!(stale, Error::Precondition { .. }), "{stale}");
    let third = store.put(&path, "third".into()).await.expect("overwritten").e_tag.expect("an ETag");
    assert_eq!(etag(&store, &path).await, third);
    let stale = store.put_opts(&path, "stale".into(), update(&second)).await.expect_err("it has changed");
    assert!(matches!(stale, Error::Precondition { .. }), "{stale}");
    assert_eq!(text(&store, &path).await, "third");
    assert_eq!(files(folder.path()), ["audit.parquet"], "a lock or work in progress stays behind");
}

#[tokio::test]
async fn a_delete_takes_the_object_that_was_read_and_no_other() {
    let (folder, store) = opened();
    let path = Path::from("audit.parquet");
    assert_eq!(store.delete_if(&path, "1-1-1").await.expect("asked"), Deleted::Absent);
    let first = store.put(&path, "first".into()).await.expect("written").e_tag.expect("an ETag");
    let second = store.put(&path, "other".into()).await.expect("written").e_tag.expect("an ETag");
    assert_eq!(store.delete_if(&path, &first).await.expect("asked"), Deleted::Changed);
    assert_eq!(store.delete_if(&path, &second).await.expect("asked"), Deleted::Now { unconditional: false });
    assert!(matches!(store.delete(&path).await, Err(Error::NotFound { .. })));
    assert!(matches!(store.delete(&Path::from("no/folder")).await, Err(Error::NotFound { .. })));
    assert!(files(folder.path()).is_empty());
}

/// Equal lengths, one tick of the clock after the other, and inodes that are given out again.
#[tokio::test]
async fn along_the_life_of_a_name_no_etag_comes_twice() {
    let (_folder, store) = opened();
    let path = Path::from("audit.parquet");
    let mut seen = HashSet::new();
    for round in 0..40 {
        let made = store.put_opts(&path, "1".into(), create()).await.expect("created").e_tag.expect("an ETag");
        let updated = store.put_opts(&path, "2".into(), update(&made)).await.expect("replaced").e_tag.expect("an ETag");
        let put = store.put(&path, "3".into()).await.expect("overwritten").e_tag.expect("an ETag");
        let mut upload = store.put_multipart(&path).await.expect("begun");
        upload.put_part("4".into()).await.expect("a part");
        let uploaded = upload.complete().await.expect("complete").e_tag.expect("an ETag");
        let touched = store.touch(&path).await.expect("touched").expect("there");
        assert_eq!(etag(&store, &path).await, touched);
        for etag in [made, updated, put, uploaded, touched] {
            assert!(seen.insert(etag.clone()), "round {round}: {etag}");
        }
        store.delete(&path).await.expect("deleted");
    }
}

#[test]
fn what_is_written_after_a_removal_or_a_replacement_is_younger() {
    let folder = TempDir::new().expect("a folder");
    let write = |name: &str| {
        let path = folder.path().join(name);
        fs::write(&path, "x").expect("written");
        (File::options().write(true).open(&path).expect("a file"), fs::metadata(&path).expect("there"))
    };
    let micros = |meta: &fs::Metadata| {
        let since = meta.modified().expect("a time").duration_since(std::time::UNIX_EPOCH);
        since.expect("a time after 1970").as_micros()
    };
    for _ in 0..20 {
        let gone = write("gone").1;
        FolderLock::hold(&folder.path().join("gone")).and_then(|lock| lock.outlast(&gone)).expect("outlasted");
        assert!(micros(&write("next").1) > micros(&gone));
        // As when clocks of two machines differ.
        let (file, old) = write("old");
        file.set_modified(old.modified().expect("a time") + std::time::Duration::from_secs(3600)).expect("set");
        let old = file.metadata().expect("there");
        let (new, _) = write("new");
        age(&new, &old).expect("aged");
        assert_eq!(micros(&new.metadata().expect("there")), micros(&old) + 1);
    }
}

#[tokio::test]
async fn a_touch_changes_the_etag_and_not_the_bytes() {
    let (_folder, store) = opened();
    let path = Path::from("a/audit.parquet");
    assert_eq!(store.touch(&path).await.expect("asked"), None);
    let first = store.put(&path, "first".into()).await.expect("written").e_tag.expect("an ETag");
    let touched = store.touch(&path).await.expect("touched").expect("there");
    let late = store.put_opts(&path, "late".into(), update(&first)).await.expect_err("it was touched");
    assert!(matches!(late, Error::Precondition { .. }), "{late}");
    assert_eq!((etag(&store, &path).await, text(&store, &path).await.as_str()), (touched, "first"));
}

#[tokio::test]
async fn the_lock_of_a_folder_is_in_no_listing() {
    let (folder, store) = opened();
    store.put(&Path::from("a/audit.parquet"), "x".into()).await.expect("written");
    let lock = FolderLock::hold(&folder.path().join("a/any")).expect("a lock");
    assert_eq!(files(&folder.path().join("a")), [LOCK_NAME, "audit.parquet"]);
    assert_eq!(names(&store).await, ["a/audit.parquet"]);
    let offset = Path::from("a/");
    let after: Vec<ObjectMeta> = store.list_with_offset(None, &offset).try_collect().await.expect("a listing");
    assert_eq!(after.len(), 1);
    let listed = store.list_with_delimiter(Some(&Path::from("a"))).await.expect("a listing");
    assert_eq!(listed.objects.len(), 1);
    drop(lock);
    assert_eq!(files(&folder.path().join("a")), ["audit.parquet"]);
}

#[tokio::test]
async fn leftovers_of_dead_writers_go_and_work_in_progress_stays() {
    let (folder, store) = opened();
    let path = Path::from("a/audit.parquet");
    assert_eq!(store.remove_leftovers(&path).await.expect("asked"), 0, "there is no folder");
    store.put(&path, "x".into()).await.expect("written");
    let target = folder.path().join("a/audit.parquet");
    let (dead, file) = staged(&target).expect("a file");
    // The lock dies with its process, like this.
    drop(file);
    let (_, alive) = staged(&target).expect("a file");
    let mut upload = store.put_multipart(&Path::from("a/other.parquet")).await.expect("begun");
    assert_eq!(store.remove_leftovers(&path).await.expect("asked"), 1);
    assert!(!dead.exists());
    upload.put_part("whole".into()).await.expect("a part");
    upload.complete().await.expect("complete");
    drop(alive);
    assert_eq!(store.remove_leftovers(&path).await.expect("asked"), 1);
    assert_eq!(files(&folder.path().join("a")), ["audit.parquet", "other.parquet"]);
}

#[tokio::test]
async fn an_upload_is_not_there_before_it_is_complete_and_leaves_nothing_when_it_is_not() {
    let (folder, store) = opened();
    let path = Path::from("audit.parquet");
    let mut upload = store.put_multipart(&path).await.expect("begun");
    let parts = ["one, ", "two, ", "three"].map(|part| upload.put_part(part.into()));
    // In whatever order they arrive.
    for part in parts.into_iter().rev() {
        part.await.expect("a part");
    }
    assert!(names(&store).await.is_empty());
    let put = upload.complete().await.expect("complete");
    assert_eq!(text(&store, &path).await, "one, two, three");
    assert_eq!(put.e_tag, Some(etag(&store, &path).await));
    assert!(upload.complete().await.is_err(), "it has ended");

    let mut given_up = store.put_multipart(&path).await.expect("begun");
    given_up.put_part("other".into()).await.expect("a part");
    given_up.abort().await.expect("given up");
    drop(store.put_multipart(&path).await.expect("begun"));
    assert_eq!(text(&store, &path).await, "one, two, three");
    assert_eq!(files(folder.path()), ["audit.parquet"]);
}

#[tokio::test]
async fn copies_and_renames_put_whole_objects_in_their_place() {
    let (folder, store) = opened();
    let [from, to, new] = ["from", "to", "new/name"].map(Path::from);
    store.put(&from, "from".into()).await.expect("written");
    store.put(&to, "to".into()).await.expect("written");
    assert!(matches!(store.copy_if_not_exists(&from, &to).await, Err(Error::AlreadyExists { .. })));
    for _ in 0..2 {
        store.copy(&from, &to).await.expect("copied");
        assert_eq!(files(folder.path()), ["from", "to"]);
    }
    assert_eq!(text(&store, &to).await, "from");
    store.rename(&to, &to).await.expect("renamed to itself");
    store.rename(&to, &new).await.expect("renamed");
    assert!(matches!(store.rename_if_not_exists(&from, &new).await, Err(Error::AlreadyExists { .. })));
    assert_eq!(
        (text(&store, &new).await.as_str(), files(folder.path())),
        ("from", vec!["from".to_owned(), "new".to_owned()])
    );
    let missing = store.copy(&Path::from("none"), &to).await.expect_err("there is none");
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
}

#[tokio::test]
async fn attributes_are_refused_and_not_dropped() {
    let (_folder, store) = opened();
    let attributes = Attributes::from_iter([(object_store::Attribute::ContentType, "text/plain")]);
    let options = PutOptions { attributes, ..PutOptions::default() };
    let refused = store.put_opts(&Path::from("a"), "x".into(), options).await.expect_err("a file has none");
    assert!(matches!(refused, Error::NotImplemented { .. }), "{refused}");
}

/// A reader that began keeps what it began to read.
#[tokio::test]
async fn a_reader_never_meets_half_of_a_replacement() {
    let (_folder, store) = opened();
    let store = Arc::new(store);
    let path = Path::from("audit.parquet");
    let first = store.put(&path, "a".repeat(100_000).into()).await.expect("written").e_tag.expect("an ETag");
    let reading = store.get(&path).await.expect("there");
    store.put_opts(&path, "b".repeat(100_000).into(), update(&first)).await.expect("replaced");
    assert!(matches!(reading.payload, GetResultPayload::File(..)));
    assert_eq!(reading.bytes().await.expect("read"), "a".repeat(100_000));
    assert_eq!(text(&store, &path).await, "b".repeat(100_000));
}

/// Paths below `prefix` behind `offset`, from a listing from there on and from a listing of everything.
async fn both_listings(store: &DurableStore, prefix: Option<&Path>, offset: &Path) -> [Vec<Path>; 2] {
    let paths = |listed: Vec<ObjectMeta>| {
        let mut paths: Vec<Path> = listed.into_iter().map(|meta| meta.location).collect();
        paths.sort();
        paths
    };
    let all: Vec<ObjectMeta> = store.list(prefix).try_collect().await.expect("a listing");
    let expected = all.into_iter().filter(|meta| meta.location > *offset).collect();
    let found = store.list_with_offset(prefix, offset).try_collect().await.expect("a listing");
    [paths(found), paths(expected)]
}

#[tokio::test]
async fn what_lies_behind_a_name_is_what_a_listing_of_everything_has_there() {
    let (folder, store) = opened();
    // Marks that sort before and behind the slash, and names that begin with others.
    let parts = ["a", "a!", "a-b", "a0", "a~", "b", "b.c", "~"];
    for (number, one) in parts.iter().enumerate() {
        for (at, two) in parts.iter().enumerate() {
            let path =
                if (number + at) % 3 == 0 { format!("{one}/{two}") } else { format!("{one}/{two}/{}", parts[at]) };
            store.put(&Path::from(path), "x".into()).await.expect("written");
        }
        store.put(&Path::from(format!("{one}/x{number}")), "x".into()).await.expect("written");
    }
    std::os::unix::fs::symlink(folder.path().join("b"), folder.path().join("a/link")).expect("a link");
    let (_, being_written) = staged(&folder.path().join("a/c")).expect("a file");
    let mut offsets: Vec<String> = parts.map(str::to_owned).to_vec();
    for one in parts {
        offsets.extend(parts.map(|two| format!("{one}/{two}")));
        offsets.extend(["a/a", "a/a!/b", "b/zz", "link/a", "!", "~~/x"].map(|rest| format!("{one}/{rest}")));
    }
    for prefix in [None, Some(Path::from("a")), Some(Path::from("b")), Some(Path::from("absent"))] {
        for offset in &offsets {
            let [found, expected] = both_listings(&store, prefix.as_ref(), &Path::from(offset.as_str())).await;
            assert_eq!(found, expected, "below {prefix:?} behind {offset}");
        }
    }
    drop(being_written);
}

#[tokio::test]
async fn what_is_new_in_a_ledger_of_years_is_found_without_what_is_old() {
    let (folder, store) = opened();
    for run in 0..200 {
        store.put(&Path::from(format!("runs/job/{run:04}/1.start.json")), "x".into()).await.expect("written");
    }
    let prefix = Path::from("runs/job");
    let found = behind(&store.inner, &prefix, &Path::from("runs/job/0197/z")).expect("read");
    assert_eq!((found.folders.len(), found.files.len(), found.passed), (2, 0, 198), "{found:?}");
    // An early name: one walk.
    let [few, _] = both_listings(&store, Some(&prefix), &Path::from("runs/job/0003/z")).await;
    assert_eq!(few.len(), 196);
    drop(folder);
}
