//! "Did you mean": the known word nearest to an unknown one.

/// The nearest of the words, at most a third of the given word (and at least 2) edits away.
pub fn nearest<'a>(given: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (given.chars().count() / 3).max(2);
    by_distance(given, words).into_iter().next().filter(|(distance, _)| *distance <= limit).map(|(_, word)| word)
}

/// All words with their distance in edits, nearest first, equal ones by name.
pub(crate) fn by_distance<'a>(given: &str, words: impl IntoIterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    let given = given.to_lowercase();
    let mut ranked: Vec<(usize, &str)> =
        words.into_iter().map(|word| (edits(&given, &word.to_lowercase()), word)).collect();
    ranked.sort_unstable();
    ranked
}

/// Levenshtein distance in characters; of long texts only the first 80 are compared.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(80).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(80).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_and_a_far_one_is_not() {
        assert_eq!(nearest("ocation", ["dataset", "location", "schema"]), Some("location"));
        assert_eq!(nearest("zzz", ["dataset", "location"]), None);
        assert_eq!(nearest("", ["ab"]), Some("ab"));
        assert_eq!(by_distance("Europe/Berln", ["Europe/Paris", "Europe/Berlin"])[0], (1, "Europe/Berlin"));
    }
}
