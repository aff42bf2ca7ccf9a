//! Classes of data: what rows of a dataset are, and what `where` of a policy asks for.

use super::nearest::nearest;
use super::problem::{Place, Problems};
use super::words::RawWords;
use super::yaml::At;

/// The words, those of the column `data_classes` of audit.v1.
pub(super) const DATA_CLASSES: [&str; 9] =
    ["public", "internal", "confidential", "pii", "phi", "pan", "special", "minor", "secret"];

/// Reads `class: [pii]`.
pub(super) fn data_classes(given: At<RawWords>, problems: &mut Problems) -> Vec<String> {
    let words = given.value.read("class", given.place, problems);
    words.into_iter().filter_map(|word| known(&word.value, word.place, problems)).collect()
}

fn known(given: &str, place: Place, problems: &mut Problems) -> Option<String> {
    if DATA_CLASSES.contains(&given) {
        return Some(given.to_owned());
    }
    let offer = nearest(given, DATA_CLASSES).map(|near| format!(" did you mean \"{near}\"?"));
    let (offer, classes) = (offer.unwrap_or_default(), DATA_CLASSES.join(", "));
    problems.add(place, format!("class {given:?} does not exist;{offer} classes are: {classes}"));
    None
}
