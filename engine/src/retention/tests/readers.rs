//! Who reads while a plan is applied sees the old rows or the new ones of each object, or hears that it changed; never a mix.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use object_store::memory::InMemory;

use super::faulty::{Fault, Faulty, Shared};
use super::lake::{NOW, POLICY, TestLake, all_events, at, expected};
use crate::catalog::NoSystemTables;
use crate::error::EngineError;
use crate::resources::Resources;
use crate::session::SessionFactory;
use crate::store::Lakefront;

#[tokio::test(flavor = "multi_thread")]
async fn a_query_during_an_apply_sees_old_objects_or_new_ones_or_is_told() {
    let sql = "SELECT count(*) AS n, count(subject) AS s, sum(length(src_ip)) AS l FROM events";
    let answer = async |lake: &TestLake| {
        let datasets = vec![lake.dataset.clone()];
        let store = Arc::clone(lake.front.store());
        let factory = SessionFactory::new(store, datasets, Arc::new(NoSystemTables), Resources::default());
        let rows = factory.session(at(NOW))?.query(sql).await?;
        Ok::<_, EngineError>(arrow::util::pretty::pretty_format_batches(&rows).expect("rows").to_string())
    };
    let undisturbed = TestLake::filled(Lakefront::memory(), POLICY).await;
    let mut allowed = vec![answer(&undisturbed).await.expect("answered")];
    // Objects change one after the other: between them, some are old and some are new, and each is whole.
    let known = undisturbed.planned().await;
    let mut half = known.clone();
    half.plan.objects.pop();
    half.id = half.plan.id().expect("written");
    undisturbed.applied(&half).await.expect("applied");
    allowed.push(answer(&undisturbed).await.expect("answered"));
    let rest = undisturbed.planned().await;
    undisturbed.applied(&rest).await.expect("applied");
    allowed.push(answer(&undisturbed).await.expect("answered"));
    assert_eq!(undisturbed.rows(false).await, expected().0);
    assert_ne!(allowed[0], allowed[2]);
    assert!(all_events().len() > expected().0.len());

    let (mut number, mut changed) = (0, 0);
    loop {
        let store = Arc::new(Faulty::over(Arc::new(InMemory::new())));
        let lake = TestLake::filled(Lakefront::over(Arc::new(Shared(Arc::clone(&store)))), POLICY).await;
        let known = lake.planned().await;
        let applied = Arc::new(AtomicBool::new(false));
        let (own, other, flag) = (lake.clone(), Arc::clone(&store), Arc::clone(&applied));
        let meanwhile = Fault::Meanwhile(Arc::new(move || {
            let (own, other, known, flag) = (own.clone(), Arc::clone(&other), known.clone(), Arc::clone(&flag));
            Box::pin(async move {
                other.set(None);
                own.applied(&known).await.expect("applied");
                flag.store(true, Ordering::SeqCst);
            })
        }));
        store.set(Some((number, meanwhile)));
        let answered = answer(&lake).await;
        let was_applied = applied.load(Ordering::SeqCst);
        store.set(None);
        match answered {
            Ok(answer) => assert!(allowed.contains(&answer), "request {number}: {answer}"),
            Err(error) => {
                assert!(error.is_of_change(), "request {number}: {error:?}");
                changed += 1;
                let again = answer(&lake).await.expect("the same again is answered");
                assert_eq!(again, allowed[2], "request {number}");
            }
        }
        if !was_applied {
            break;
        }
        assert_eq!(lake.rows(false).await, expected().0, "request {number}");
        number += 1;
    }
    assert!(number > 5 && changed > 0, "{number} requests, {changed} of them met a change");
}
