//! Spoilt files: whatever stands in them, the check ends and says where it is wrong.

use schemas::{check, parse_control, parse_framework, shipped_control_files, shipped_framework_files};

use crate::acme::acme;

/// A tiny xorshift: the same cases in every run.
pub(crate) struct Xorshift(pub(crate) u64);

impl Xorshift {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// Pieces that mean something to YAML, to us or to a careless reader.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "'",
    "\"",
    "|",
    ">",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!x ",
    "---\n",
    "...\n",
    "#",
    "%",
    "\\",
    "~",
    "null",
    "true",
    "yes",
    "-1",
    "0",
    "99999999999999999999999",
    "1e999",
    ".nan",
    "\u{0}",
    "\u{feff}",
    "é",
    "\u{1f600}",
    "{interval.end}",
    "{",
    "$",
    "$start",
    "..",
    "//",
    "_auditlake/",
    "AL-",
    "%#z",
    "@",
    "7y",
    "101y",
    "2555d",
    "0h",
    "20%",
    "session.*",
];

fn mutate(text: &mut Vec<u8>, chance: &mut Xorshift) {
    let at = chance.below(text.len() + 1);
    let end = (at + 1 + chance.below(20)).min(text.len());
    match chance.below(6) {
        0 if at < text.len() => text[at] ^= 1 << chance.below(8),
        1 => drop(text.drain(at.min(end)..end)),
        2 => drop(text.splice(at..at, PIECES[chance.below(PIECES.len())].bytes())),
        3 => {
            let piece = text[at.min(end)..end].to_vec();
            let to = chance.below(text.len() + 1);
            drop(text.splice(to..to, piece));
        }
        4 => {
            let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            let line = chance.below(lines.len());
            if let Some(copied) = lines.get(line).copied() {
                lines.insert(chance.below(lines.len()), copied);
            }
            *text = lines.concat();
        }
        _ => {
            let mut words: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b' ').collect();
            let (a, b) = (chance.below(words.len()), chance.below(words.len()));
            if a < words.len() && b < words.len() {
                words.swap(a, b);
            }
            *text = words.concat();
        }
    }
}

#[test]
fn spoilt_files_are_refused_with_a_place_and_never_panic() {
    let sound = acme();
    let mut chance = Xorshift(0x5eed_0001);
    let mut refused = 0;
    for case in 0..2_000 {
        let mut files = sound.clone();
        let one = chance.below(files.len());
        for _ in 0..=chance.below(3) {
            mutate(&mut files[one].text, &mut chance);
        }
        let Err(errors) = check(&files) else { continue };
        refused += 1;
        for error in errors {
            let known = error.file == "lake.yaml" || files.iter().any(|file| file.path == error.file);
            let lines = files
                .iter()
                .find(|file| file.path == error.file)
                .map_or(1, |file| String::from_utf8_lossy(&file.text).split(['\n', '\r']).count() as u32);
            assert!(known && (1..=lines + 1).contains(&error.line) && error.column >= 1, "case {case}: {error}");
            assert!(!error.message.is_empty() && !error.message.contains('\n'), "case {case}: {error}");
        }
    }
    assert!((1_000..2_000).contains(&refused), "{refused} of 2000 were refused");
}

#[test]
fn spoilt_shipped_files_never_panic() {
    let mut chance = Xorshift(0x5eed_0002);
    let controls = shipped_control_files();
    let frameworks = shipped_framework_files();
    for _ in 0..300 {
        let mut control = controls[chance.below(controls.len())].clone();
        mutate(&mut control.text, &mut chance);
        drop(parse_control(&control));
        let mut framework = frameworks[chance.below(frameworks.len())].clone();
        mutate(&mut framework.text, &mut chance);
        drop(parse_framework(&framework));
    }
}
