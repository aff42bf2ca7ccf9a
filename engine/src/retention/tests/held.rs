//! Holds: before a plan, between plan and apply, and at any moment of an apply.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use object_store::memory::InMemory;
use schemas::HoldScope;

use super::faulty::{Fault, Faulty, Shared};
use super::lake::{Event, POLICY, TestLake, all_events, expected, ids};
use crate::retention::{AbortRecord, Protection, Skipped, open_intents, receipts_of};
use crate::store::Lakefront;
use crate::subject::given::reference;

fn tenant(name: &str) -> HoldScope {
    HoldScope { tenants: vec![name.to_owned()], ..HoldScope::default() }
}

#[tokio::test]
async fn what_a_case_holds_is_in_no_plan_and_is_told() {
    let lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    lake.hold("2026-114", tenant("t1")).await;
    let known = lake.planned().await;
    assert_eq!(known.plan.holds.len(), 1);
    let by_hold = known.plan.kept_past_maximum.iter().filter(|kept| matches!(kept.reason, Protection::Hold { .. }));
    let held: BTreeSet<String> = all_events()
        .into_values()
        .filter(|event| event.tenant == "t1" && event.after().as_ref() != Some(event))
        .map(|event| event.id)
        .collect();
    assert_eq!(by_hold.map(|kept| kept.rows).sum::<u64>(), held.len() as u64);
    assert!(!known.plan.conflicts.is_empty());
    lake.applied(&known).await.expect("applied");
    let left = lake.rows(false).await;
    let all = all_events();
    assert!(all.values().filter(|event| event.tenant == "t1").all(|event| left.get(&event.id) == Some(event)));
    let free = expected().0.into_values().filter(|event| event.tenant == "t0");
    assert!(free.into_iter().all(|event| left.get(&event.id) == Some(&event)));
}

fn person(name: &str) -> HoldScope {
    HoldScope { subjects: vec![reference(name)], ..HoldScope::default() }
}

#[tokio::test]
async fn what_a_person_is_named_in_stays_and_what_others_are_goes() {
    let lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    lake.hold("2026-114", person("person-3")).await;
    let known = lake.planned().await;
    lake.applied(&known).await.expect("applied");
    let left = lake.rows(false).await;
    let is_hers = |event: &Event| event.subject.as_deref() == Some("person-3");
    let hers: Vec<Event> = all_events().into_values().filter(is_hers).collect();
    let due = hers.iter().filter(|event| event.after().as_ref() != Some(event)).count();
    assert!(due > 5 && hers.iter().all(|event| left.get(&event.id) == Some(event)));
    let others = |rows: BTreeMap<String, Event>| -> Vec<Event> {
        rows.into_values().filter(|event| !hers.iter().any(|of| of.id == event.id)).collect()
    };
    assert_eq!(others(left), others(expected().0));
}

#[tokio::test]
async fn a_person_who_is_held_after_the_plan_keeps_the_objects_that_name_them() {
    let lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    let known = lake.planned().await;
    lake.hold("2026-115", person("nobody-9")).await;
    lake.hold("2026-114", person("person-3")).await;
    let before = lake.bytes().await;
    let applied = lake.applied(&known).await.expect("applied");
    let by_case = |abort: &&AbortRecord| matches!(&abort.why, Skipped::Held { case, .. } if case == "2026-114");
    assert_eq!(applied.skipped.iter().filter(by_case).count(), 2, "{applied:?}");
    assert_eq!(lake.bytes().await, before);
}

#[tokio::test]
async fn without_the_key_of_a_person_who_is_held_every_row_that_names_somebody_may_be_theirs() {
    let mut lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    lake.hold("2026-114", person("person-3")).await;
    lake.known = None;
    let known = lake.planned().await;
    lake.applied(&known).await.expect("applied");
    let left = lake.rows(false).await;
    let names = |event: &&Event| event.subject.is_some();
    assert!(all_events().values().filter(names).all(|event| left.get(&event.id) == Some(event)));
    let nobody = expected().0.into_values().filter(|event| event.subject.is_none()).count();
    assert!(nobody > 0 && left.len() > nobody);
}

#[tokio::test]
async fn a_case_opened_after_the_plan_keeps_its_objects_as_they_are() {
    let lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    let known = lake.planned().await;
    let before = lake.bytes().await;
    lake.hold("2026-114", tenant("t1")).await;
    let applied = lake.applied(&known).await.expect("applied");
    assert_eq!(applied.skipped.len(), 2);
    assert!(applied.skipped.iter().all(|abort| matches!(&abort.why, Skipped::Held { case, .. } if case == "2026-114")));
    assert_eq!(lake.bytes().await, before);
}

#[tokio::test]
async fn a_case_about_other_rows_keeps_nothing() {
    let lake = TestLake::filled(Lakefront::memory(), POLICY).await;
    let known = lake.planned().await;
    lake.hold("2026-114", tenant("t9")).await;
    let applied = lake.applied(&known).await.expect("applied");
    assert!(applied.skipped.is_empty(), "{applied:?}");
    assert_eq!(lake.rows(false).await, expected().0);
}

#[tokio::test]
async fn a_case_opened_in_the_grace_brings_a_dropped_object_back() {
    let lake = TestLake::filled(Lakefront::memory(), &POLICY.replace("grace: 0h", "grace: 2d")).await;
    let known = lake.planned().await;
    lake.applied(&known).await.expect("applied");
    let old: BTreeSet<String> = super::lake::objects()[0].1.iter().map(|event| event.id.clone()).collect();
    assert!(ids(&lake.rows(false).await).is_disjoint(&old));
    lake.hold("2026-114", HoldScope::default()).await;
    let later = super::lake::at(super::lake::NOW) + chrono::TimeDelta::days(5);
    let applied = lake.applied_at(&known, later, 2, false).await.expect("applied");
    assert!(applied.skipped.iter().any(|abort| matches!(abort.why, Skipped::Held { .. })), "{applied:?}");
    assert!(ids(&lake.rows(false).await).is_superset(&old), "they count again");
}

/// RET-1, exhaustively: a case is opened at any request of an apply. Whatever had no intent by then, or has not been replaced
/// when the apply looks, stays; what was under way is changed whole or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_opened_at_any_moment_of_an_apply_holds_from_then_on() {
    for at_once in [1, 2] {
        holds_from_then_on(NonZeroUsize::new(at_once).expect("not none")).await;
    }
}

async fn holds_from_then_on(at_once: NonZeroUsize) {
    let mut at = 0;
    loop {
        let store = Arc::new(Faulty::over(Arc::new(InMemory::new())));
        let mut lake = TestLake::filled(Lakefront::over(Arc::new(Shared(Arc::clone(&store)))), POLICY).await;
        lake.at_once = at_once;
        let known = lake.planned().await;
        let before = lake.bytes().await;
        let placed = Arc::new(AtomicBool::new(false));
        let (own, other, flag) = (lake.clone(), Arc::clone(&store), Arc::clone(&placed));
        let plan = known.id.clone();
        let under_way = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
        let seen = Arc::clone(&under_way);
        let meanwhile = Fault::Meanwhile(Arc::new(move || {
            let (own, other, flag, plan) = (own.clone(), Arc::clone(&other), Arc::clone(&flag), plan.clone());
            let seen = Arc::clone(&seen);
            Box::pin(async move {
                // What the holder does is no request of the apply.
                other.set(None);
                own.hold("2026-114", HoldScope::default()).await;
                let open = open_intents(&own.front, &plan).await.expect("read");
                let done = receipts_of(&own.front, &plan).await.expect("read");
                let paths = open.into_iter().map(|intent| intent.path).chain(done.into_iter().map(|done| done.path));
                seen.lock().expect("free").extend(paths);
                flag.store(true, Ordering::SeqCst);
            })
        }));
        store.set(Some((at, meanwhile)));
        lake.applied(&known).await.expect("applied");
        let was_placed = placed.load(Ordering::SeqCst);
        store.set(None);
        if !was_placed {
            break;
        }
        let begun = under_way.lock().expect("free").clone();
        let after = lake.bytes().await;
        for (path, bytes) in &before {
            let is_same = after.get(path) == Some(bytes);
            assert!(is_same || begun.contains(path), "request {at}: \"{path}\" changed although it was held");
        }
        let left = ids(&lake.rows(false).await);
        let archived = ids(&lake.rows(true).await);
        for event in all_events().into_values() {
            let stays = event.after().is_some() || event.is_archived();
            assert!(!stays || left.contains(&event.id) || archived.contains(&event.id), "request {at}: {event:?}");
        }
        at += 1;
    }
    assert!(at > 40, "only {at} requests");
}
