//! A list of names, each of which must be known and stand there once.

use std::fmt;

use super::problem::Problems;
use super::yaml::At;

/// What the names stand for, in their order; `noun` is what messages call one.
pub(super) fn each_once<T: PartialEq + fmt::Display>(
    noun: &str,
    listed: Vec<At<String>>,
    known: impl Fn(&str) -> Result<T, String>,
    problems: &mut Problems,
) -> Vec<T> {
    let mut ids = Vec::new();
    for given in listed {
        match known(&given.value) {
            Err(error) => problems.add(given.place, error),
            Ok(id) if ids.contains(&id) => {
                problems.add(given.place, format!("{noun} \"{id}\" stands here twice; keep one"));
            }
            Ok(id) => ids.push(id),
        }
    }
    ids
}
