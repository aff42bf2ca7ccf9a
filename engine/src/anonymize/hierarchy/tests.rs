use super::*;

const AGES: &str = "34;30-39;*\n35;30-39;*\n41;40-49;*\n";

#[track_caller]
fn check(hierarchy: &Hierarchy, value: &str, expected: &[&str]) {
    assert_eq!(hierarchy.texts_of(value).expect("is in it"), expected);
}

#[track_caller]
fn refuses(file: &str, expected: &str) {
    assert_eq!(Hierarchy::from_csv(file, None).expect_err("is refused").to_string(), expected);
}

#[test]
fn a_file_says_what_a_value_becomes() {
    let ages = Hierarchy::from_csv(AGES, None).expect("a tree");
    assert_eq!(ages.levels(), 3);
    check(&ages, "35", &["35", "30-39", "*"]);
    assert_eq!(ages.texts_of("36"), None);
    let windows = Hierarchy::from_csv("\u{feff}a;*\r\nb;*\r\n\r\n", None).expect("a tree");
    check(&windows, "a", &["a", "*"]);
    let quoted = Hierarchy::from_csv("\"a;b\";\"say \"\"x\"\"\"\n;none\n", None).expect("a tree");
    check(&quoted, "a;b", &["a;b", "say \"x\""]);
    check(&quoted, "", &["", "none"]);
}

#[test]
fn a_value_that_is_not_in_a_file_is_unknown_where_that_is_allowed() {
    let ages = Hierarchy::from_csv(AGES, Some("*")).expect("a tree");
    check(&ages, "36", &["*", "*", "*"]);
    check(&ages, "34", &["34", "30-39", "*"]);
    let named = Hierarchy::from_csv("a;letter\nother;other\n", Some("other")).expect("a tree");
    check(&named, "7", &["other", "other"]);
}

#[test]
fn what_is_no_hierarchy_is_refused() {
    let empty = "the hierarchy is empty; give one line for each value: value;coarser;…;*";
    refuses("", empty);
    refuses("\r\n\n", empty);
    refuses("a;*\nb;x;*\n", "line 2 of the hierarchy has 3 fields and line 1 has 2; give every value the same levels");
    refuses("a;*\n\nb;*\n", "line 2 of the hierarchy has 1 fields and line 1 has 2; give every value the same levels");
    refuses("a;*\nb;*\na;*\n", "value \"a\" of the hierarchy stands on lines 1 and 3; keep one of them");
    refuses(
        "a;x;p;*\nb;x;q;*\n",
        "the hierarchy is not a tree: \"x\" of level 1 is under \"p\" and under \"q\"; give it one parent, or two names",
    );
    let open =
        "line 1 of the hierarchy has a field with an opening quotation mark only; write a quotation mark as \"\"";
    refuses("\"a;*\n", open);
    refuses("\"a\"b;*\n", open);
    // What is unknown is in the tree, too.
    let unknown = Hierarchy::from_csv("a;x\nx;y\n", Some("x")).expect("a tree");
    check(&unknown, "b", &["x", "y"]);
    Hierarchy::from_csv("a;x;y\nb;*;y\n", Some("*")).expect_err("two parents of what is unknown");
}

#[test]
fn prefixes_keep_characters_and_become_shorter() {
    let codes = Hierarchy::from_prefixes(&[5, 3, 2, 0]).expect("shorter each time");
    assert_eq!(codes.levels(), 4);
    check(&codes, "10115", &["10115", "101**", "10***", "*"]);
    check(&codes, "äöü", &["äöü", "äöü", "äö*", "*"]);
    check(&codes, "", &["", "", "", "*"]);
    for keep in [&[][..], &[3, 3], &[2, 5]] {
        let error = Hierarchy::from_prefixes(keep).expect_err("is refused").to_string();
        assert!(error.contains("must become shorter"), "{error}");
    }
}

#[test]
fn intervals_are_made_of_those_before() {
    let ages = Hierarchy::from_intervals(&[5, 10]).expect("nested");
    assert_eq!(ages.levels(), 4);
    check(&ages, "37", &["37", "[35-39]", "[30-39]", "*"]);
    check(&ages, "-1", &["-1", "[-5--1]", "[-10--1]", "*"]);
    assert!(ages.texts_of(&i64::MIN.to_string()).is_some());
    assert_eq!(ages.texts_of("x"), None);
    for widths in [&[][..], &[0], &[-5], &[5, 12], &[10, 5], &[5, 5]] {
        let error = Hierarchy::from_intervals(widths).expect_err("is refused").to_string();
        assert!(error.contains("larger multiple"), "{error}");
    }
}

#[test]
fn whoever_is_under_one_parent_is_together() {
    let file = Hierarchy::from_csv("a;x;1\nb;y;2\nc;x;1\nd;z;1\n", None).expect("a tree");
    let mut values = ["b", "d", "c", "a"];
    values.sort_by(|one, other| file.compare(one, other));
    assert_eq!(values, ["a", "c", "d", "b"]);
    let prefixes = Hierarchy::from_prefixes(&[5, 2, 0]).expect("shorter");
    let mut values = ["1011", "10110", "1012", "10120"];
    values.sort_by(|one, other| prefixes.compare(one, other));
    assert_eq!(values, ["1011", "1012", "10110", "10120"]);
    let intervals = Hierarchy::from_intervals(&[10]).expect("nested");
    assert!(intervals.compare("9", "10").is_lt());
}
