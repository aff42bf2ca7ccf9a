//! Every request of an apply fails once, in every way, or is the last one before death: afterwards each object has its old bytes
//! or its new ones, the same apply again comes to the same end, and no row is lost or there twice.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;
use tempfile::TempDir;

use super::faulty::{Fault, Faulty, Shared};
use super::lake::{POLICY, TestLake, all_events, expected, ids, objects, parquet};
use crate::error::EngineError;
use crate::retention::KnownPlan;
use crate::store::Lakefront;

/// A lake over a faulty store, with a plan.
struct Disturbed {
    store: Arc<Faulty>,
    lake: TestLake,
    known: KnownPlan,
    /// On disk it lies in here.
    _folder: Option<TempDir>,
}

impl Disturbed {
    async fn new(on_disk: bool) -> Self {
        let (store, front, folder) = if on_disk {
            let folder = TempDir::new().expect("a folder");
            let below = Lakefront::folder(folder.path()).expect("a lake");
            let store = Arc::new(Faulty::over(Arc::clone(below.store())));
            let shared = Shared(Arc::clone(&store));
            (store, below.behind(|_| Arc::new(shared)), Some(folder))
        } else {
            let store = Arc::new(Faulty::over(Arc::new(InMemory::new())));
            (Arc::clone(&store), Lakefront::over(Arc::new(Shared(store))), None)
        };
        let lake = TestLake::filled(front, POLICY).await;
        let known = lake.planned().await;
        store.set(None);
        Self { store, lake, known, _folder: folder }
    }
}

/// The bytes that each object may have: old, or new where it has any.
async fn allowed(on_disk: bool) -> (BTreeMap<String, Vec<Option<Bytes>>>, usize) {
    let undisturbed = Disturbed::new(on_disk).await;
    let before = undisturbed.lake.bytes().await;
    undisturbed.store.set(None);
    undisturbed.lake.applied(&undisturbed.known).await.expect("applied");
    let requests = undisturbed.store.met();
    let after = undisturbed.lake.bytes().await;
    let both = before.into_iter().map(|(path, old)| {
        let new = after.get(&path).cloned();
        (path, vec![Some(old), new])
    });
    (both.collect(), requests)
}

async fn every_request_fails(on_disk: bool, at_once: NonZeroUsize, faults: &[Fault]) {
    let (allowed, requests) = allowed(on_disk).await;
    assert!(requests > 40, "only {requests} requests");
    let (left, archived) = expected();
    let everything = all_events();
    for (at, fault) in (0..requests).flat_map(|at| faults.iter().map(move |fault| (at, fault))) {
        let what = format!("request {at} of {requests}, {fault:?}");
        let Disturbed { store, mut lake, known, _folder } = Disturbed::new(on_disk).await;
        lake.at_once = at_once;
        store.set(Some((at, fault.clone())));
        let first = lake.applied(&known).await;
        store.set(None);
        if let Err(error) = &first {
            assert!(!matches!(error, EngineError::Bug { .. } | EngineError::Damaged { .. }), "{what}: {error}");
        }
        for (path, bytes) in &allowed {
            let there = lake.bytes().await.remove(path);
            assert!(bytes.contains(&there), "{what}: \"{path}\" has other bytes");
        }
        let mut seen = ids(&lake.rows(false).await);
        seen.extend(ids(&lake.rows(true).await));
        let gone = everything.values().filter(|event| !seen.contains(&event.id));
        let lost: Vec<_> = gone.filter(|event| event.after().is_some() || event.is_archived()).collect();
        assert!(lost.is_empty(), "{what}: {lost:?}");
        let again = lake.applied(&known).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(again.skipped.is_empty() && again.waiting.is_empty(), "{what}: {again:?}");
        assert_eq!(again.receipts.len(), 2, "{what}");
        assert_eq!((lake.rows(false).await, lake.rows(true).await), (left.clone(), archived.clone()), "{what}");
        let rows = again.rows();
        assert_eq!(rows.before, rows.deleted + rows.archived + rows.after, "{what}");
        assert!(lake.drawn_up().await.expect("drawn up").is_empty(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_of_which_any_request_fails_loses_nothing_and_comes_to_the_same_end() {
    every_request_fails(false, NonZeroUsize::MIN, &[Fault::Before, Fault::After, Fault::Torn]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_dies_at_any_request_loses_nothing_and_comes_to_the_same_end() {
    every_request_fails(false, NonZeroUsize::MIN, &[Fault::Death]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_on_disk_that_fails_or_dies_at_any_request_comes_to_the_same_end() {
    every_request_fails(true, NonZeroUsize::MIN, &[Fault::Before, Fault::After, Fault::Death]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_of_several_objects_at_once_that_fails_or_dies_at_any_request_comes_to_the_same_end() {
    let two = NonZeroUsize::new(2).expect("not none");
    every_request_fails(false, two, &[Fault::Before, Fault::After, Fault::Torn, Fault::Death]).await;
}

/// Whoever writes an object at any moment of an apply keeps what they wrote.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_writes_at_any_moment_of_an_apply_is_not_lost() {
    let (_, requests) = allowed(false).await;
    let theirs = parquet(&objects()[2].1);
    for (at, at_once) in (0..requests).flat_map(|at| [1, 2].map(|at_once| (at, at_once))) {
        let Disturbed { store, mut lake, known, _folder } = Disturbed::new(false).await;
        lake.at_once = NonZeroUsize::new(at_once).expect("not none");
        let (front, written) = (lake.front.clone(), theirs.clone());
        let inner = Lakefront::over(Arc::clone(store_of(&front)));
        let meanwhile = Fault::Meanwhile(Arc::new(move || {
            let (inner, written) = (inner.clone(), written.clone());
            Box::pin(async move {
                let path = object_store::path::Path::from("events/mixed.parquet");
                inner.replace(&path, written).await.expect("written");
            })
        }));
        store.set(Some((at, meanwhile)));
        let applied = lake.applied(&known).await;
        store.set(None);
        assert!(applied.is_ok(), "request {at}: {applied:?}");
        assert_eq!(lake.bytes().await["events/mixed.parquet"], theirs, "request {at}: their write is lost");
    }
}

/// The store itself: whoever writes meanwhile is not met by the fault, which is spent by then.
fn store_of(front: &Lakefront) -> &Arc<dyn object_store::ObjectStore> {
    front.store()
}
