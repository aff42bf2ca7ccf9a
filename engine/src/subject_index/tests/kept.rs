//! An index speaks of versions of files, and forgets those that are gone.

use bytes::Bytes;
use object_store::path::Path;

use super::lake::{People, Tickets};
use crate::subject_index::segment::Segment;
use crate::subject_index::values::values_of;
use crate::subject_index::{folder_of, index_faults, index_files, refresh_index};

fn of(person: &str) -> Vec<People> {
    vec![(Some(person.to_owned()), None); 7]
}

async fn two_files() -> (Tickets, Vec<String>) {
    let lake = Tickets::new();
    let paths = vec![lake.put("a", &of("ada")).await, lake.put("b", &of("bob")).await];
    lake.index(&paths).await;
    (lake, paths)
}

#[tokio::test]
async fn a_file_that_was_replaced_is_read_whole() {
    let (lake, _) = two_files().await;
    assert_eq!(lake.said_of("cid").await.iter().filter_map(|said| said.1.clone()).flatten().count(), 4);
    lake.put("a", &of("cid")).await;
    assert_eq!(lake.count("requester_id = 'cid'").await, 7);
    assert_eq!(lake.said_of("cid").await[0].1, None);
}

#[tokio::test]
async fn values_of_files_that_are_gone_leave_the_index() {
    let (lake, paths) = two_files().await;
    assert!(lake.remembers("ada").await && lake.remembers("bob").await);
    lake.put("a", &of("cid")).await;
    let refreshed = lake.refresh().await;
    assert_eq!((refreshed.files, refreshed.segments, refreshed.removed), (1, 1, 1));
    assert!(!lake.remembers("ada").await && lake.remembers("bob").await && lake.remembers("cid").await);
    lake.front.remove(&Path::from(paths[1].as_str())).await.expect("removed");
    lake.refresh().await;
    assert!(!lake.remembers("bob").await && lake.remembers("cid").await);
    let nothing = lake.refresh().await;
    assert_eq!((nothing.files, nothing.segments, nothing.removed), (0, 0, 0));
}

#[tokio::test]
async fn a_refresh_for_some_files_leaves_others_unread() {
    let (lake, paths) = two_files().await;
    lake.put("a", &of("cid")).await;
    lake.put("c", &of("dan")).await;
    let only = std::collections::BTreeSet::from([paths[0].as_str()]);
    let refreshed = refresh_index(&lake.front, &lake.dataset, Some(&only)).await.expect("refreshed");
    assert_eq!(refreshed.files, 1);
    let known: Vec<bool> = lake.said_of("cid").await.into_iter().map(|said| said.1.is_some()).collect();
    assert_eq!(known, [true, true, false]);
}

#[tokio::test]
async fn small_segments_become_one() {
    let lake = Tickets::new();
    for number in 0..80 {
        let path = lake.put(&format!("f{number:02}"), &of(&format!("person-{number}"))).await;
        lake.index(&[path]).await;
        assert!(lake.segments().await.len() <= 33, "after {number}");
    }
    let of_each = lake.said_of("person-40").await;
    assert_eq!(of_each.iter().filter(|said| said.1.as_ref().is_some_and(|groups| groups.contains(&true))).count(), 1);
    assert!(of_each.iter().all(|said| said.1.is_some()));
    lake.refresh().await;
    assert_eq!(lake.segments().await.len(), 1);
    assert_eq!(lake.said_of("person-40").await, of_each);
}

#[tokio::test]
async fn what_is_no_segment_hides_nothing_and_goes() {
    let (lake, _) = two_files().await;
    let folder = folder_of(&lake.dataset).expect("it has an index");
    let whole = lake.front.read(&lake.segments().await[0]).await.expect("read").expect("there");
    let cut = whole.slice(..whole.len() / 2);
    for (name, bytes) in [("0.parquet", Bytes::from_static(b"no Parquet")), ("1.parquet", cut)] {
        lake.front.create(&folder.clone().join(name), bytes).await.expect("written");
    }
    // A file of rows is no segment, either.
    let rows = super::lake::parquet(&of("ada"));
    lake.front.create(&folder.clone().join("2.parquet"), rows).await.expect("written");
    assert_eq!(lake.count("requester_id = 'ada'").await, 7);
    let (_, faults) = index_faults(&lake.front, &lake.dataset, &|_| true).await.expect("checked");
    assert_eq!(faults.len(), 3, "{faults:?}");
    lake.refresh().await;
    assert_eq!(lake.segments().await.len(), 1);
    let (read, faults) = index_faults(&lake.front, &lake.dataset, &|_| true).await.expect("checked");
    assert_eq!((read, faults), (2, vec![]));
}

#[tokio::test]
async fn a_segment_that_hides_a_value_is_named() {
    let (lake, _) = two_files().await;
    for path in lake.segments().await {
        lake.front.remove(&path).await.expect("removed");
    }
    let mut segment = Segment::default();
    for file in lake.files().await {
        let values = values_of(lake.front.store(), &file, &lake.dataset.subjects).await.expect("read");
        let mut values = values.expect("texts");
        values.groups[1].clear();
        segment.add(values);
    }
    let bytes = segment.into_bytes(&lake.dataset.subjects).expect("written");
    let path = folder_of(&lake.dataset).expect("it has an index").join("crafted.parquet");
    lake.front.create(&path, bytes.into()).await.expect("written");
    // It is believed: this is what the check is for.
    assert_eq!(lake.count("requester_id = 'ada'").await, 5);
    let (read, faults) = index_faults(&lake.front, &lake.dataset, &|_| true).await.expect("checked");
    assert_eq!(read, 2);
    let files: Vec<_> = faults.iter().map(|fault| fault.file.as_deref().expect("a file")).collect();
    assert_eq!(files, ["tickets/a.parquet", "tickets/b.parquet"]);
    assert!(faults[0].why.contains("row group 1 has 1 values that the index hides"), "{}", faults[0].why);
}

#[tokio::test]
async fn an_index_of_other_columns_is_not_asked_and_written_anew() {
    let (mut lake, _) = two_files().await;
    lake.dataset.subjects = vec!["assignee_id".to_owned()];
    assert_eq!(lake.count("assignee_id = 'ada'").await, 0);
    assert_eq!(lake.count("requester_id = 'ada'").await, 7);
    let refreshed = lake.refresh().await;
    assert_eq!((refreshed.files, refreshed.removed), (2, 1));
    assert!(!lake.remembers("ada").await);
}

#[tokio::test]
async fn a_dataset_without_subjects_has_none() {
    let (mut lake, paths) = two_files().await;
    lake.dataset.subjects.clear();
    let indexed = index_files(&lake.front, &lake.dataset, &paths).await.expect("nothing to do");
    assert_eq!(indexed, Default::default());
}
