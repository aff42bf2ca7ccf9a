//! Words of OpenLineage and of our own facets, and what they stand for.

use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};

use super::State;

pub(super) const STATES: [(&str, State); 6] = [
    ("START", State::Start),
    ("RUNNING", State::Running),
    ("COMPLETE", State::Complete),
    ("ABORT", State::Abort),
    ("FAIL", State::Fail),
    ("OTHER", State::Other),
];

/// What `word` stands for, in any case.
pub(super) fn meaning<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, meaning)| *meaning)
}

pub(super) fn certainty(word: &str) -> Option<Certainty> {
    Certainty::ALL.into_iter().find(|known| known.as_str() == word)
}

pub(super) fn gap(word: &str) -> Option<Gap> {
    Gap::ALL.into_iter().find(|known| known.as_str() == word)
}

pub(super) fn form(word: &str) -> Option<Form> {
    Form::ALL.into_iter().find(|known| known.as_str() == word)
}

/// The kind that a type and a subtype name. A subtype of another type wins over it; a type without a known subtype is
/// the weakest claim of its type: computed somehow, or `unnamed`.
pub(super) fn kind(type_word: &str, subtype: &str, is_masked: bool, unnamed: EdgeKind) -> Option<EdgeKinds> {
    let by_subtype = EdgeKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(subtype));
    let by_type = match type_word.to_ascii_uppercase().as_str() {
        "DIRECT" => Some(EdgeKind::Transformation),
        "INDIRECT" => Some(unnamed),
        _ => None,
    };
    by_subtype.or(by_type).map(|kind| EdgeKinds::one(kind, is_masked))
}
