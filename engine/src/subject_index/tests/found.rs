//! What is found with an index is what is found without.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::lake::{GROUP_ROWS, People, Tickets, some_people};

/// What a condition says of a row: true, false, or nothing because of a null.
type Holds = Box<dyn Fn(&People) -> Option<bool>>;

/// A random condition.
fn condition(chance: &mut ChaCha8Rng, depth: u32) -> (String, Holds) {
    let person = |chance: &mut ChaCha8Rng| format!("person-{}", chance.random_range(0..70_u32));
    let choice = chance.random_range(0..if depth == 0 { 4 } else { 8_u32 });
    let is_first = chance.random_bool(0.5);
    let column = if is_first { "requester_id" } else { "assignee_id" };
    let value = move |row: &People| if is_first { row.0.clone() } else { row.1.clone() };
    match choice {
        0 | 1 => {
            let wanted = person(chance);
            (format!("{column} = '{wanted}'"), Box::new(move |row| value(row).map(|value| value == wanted)))
        }
        2 => {
            let wanted: Vec<String> = (0..chance.random_range(1..6)).map(|_| person(chance)).collect();
            let list: Vec<String> = wanted.iter().map(|one| format!("'{one}'")).collect();
            let sql = format!("{column} IN ({})", list.join(", "));
            (sql, Box::new(move |row| value(row).map(|value| wanted.contains(&value))))
        }
        3 => {
            let end = chance.random_range(0..10_u32).to_string();
            (format!("{column} LIKE '%{end}'"), Box::new(move |row| value(row).map(|value| value.ends_with(&end))))
        }
        4 => {
            let (sql, holds) = condition(chance, depth - 1);
            (format!("NOT ({sql})"), Box::new(move |row| holds(row).map(|holds| !holds)))
        }
        _ => {
            let ((left, one), (right, other)) = (condition(chance, depth - 1), condition(chance, depth - 1));
            if choice == 5 {
                let both = move |row: &People| match (one(row), other(row)) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                (format!("({left} AND {right})"), Box::new(both))
            } else {
                let either = move |row: &People| match (one(row), other(row)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                };
                (format!("({left} OR {right})"), Box::new(either))
            }
        }
    }
}

#[tokio::test]
async fn any_condition_finds_with_the_index_what_is_there() {
    let mut chance = ChaCha8Rng::seed_from_u64(8);
    let lake = Tickets::new();
    let mut all = Vec::new();
    for file in 0..12 {
        let rows = some_people(&mut chance, 3 + file * 2);
        let path = lake.put(&format!("f{file:02}"), &rows).await;
        // Two files in three are known to it.
        if file % 3 != 0 {
            lake.index(&[path]).await;
        }
        all.extend(rows);
    }
    for number in 0..250 {
        let (sql, holds) = condition(&mut chance, 3);
        let there = all.iter().filter(|row| holds(row) == Some(true)).count();
        assert_eq!(lake.count(&sql).await, i64::try_from(there).expect("few"), "condition {number}: {sql}");
    }
}

#[tokio::test]
async fn it_names_the_row_groups_of_a_person_and_no_others() {
    let mut chance = ChaCha8Rng::seed_from_u64(9);
    let lake = Tickets::new();
    let mut files = Vec::new();
    for file in 0..6 {
        let rows = some_people(&mut chance, 24);
        files.push((lake.put(&format!("f{file}"), &rows).await, rows));
    }
    let paths: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(lake.index(&paths).await.files, 6);
    for number in 0..70 {
        let person = format!("person-{number}");
        let is_it = |one: &Option<String>| one.as_ref() == Some(&person);
        let holds = |rows: &[People]| rows.iter().any(|row| is_it(&row.0) || is_it(&row.1));
        let expected: Vec<(String, Option<Vec<bool>>)> = files
            .iter()
            .map(|(path, rows)| (path.clone(), Some(rows.chunks(GROUP_ROWS).map(holds).collect())))
            .collect();
        assert_eq!(lake.said_of(&person).await, expected, "{person}");
    }
}
