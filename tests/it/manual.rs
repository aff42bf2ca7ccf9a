//! Completions of shells and manual pages, as a packager makes them.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::auditlake::{Lake, ended, files_below};

#[test]
fn completions_exist_for_every_shell() {
    let lake = Lake::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = lake.run(&["completions", shell]);
        ran.succeeded();
        for word in ["auditlake", "completions", "no-history", "max-rejected-ppm"] {
            assert!(ran.out.contains(word), "{shell}: {word}");
        }
    }
    lake.run(&["completions", "tcsh"]).failed(2, &["tcsh", "bash"]);
}

#[test]
fn bash_understands_its_completions() {
    let script = Lake::new().run(&["completions", "bash"]).out;
    let run = |args: &[&str], text: &str| {
        let mut bash = Command::new("bash");
        bash.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = bash.spawn().expect("bash starts");
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("bash reads");
        ended(child.wait_with_output().expect("bash ends"))
    };
    let checked = run(&["-n"], &script);
    assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""));
    let asked =
        "\nCOMP_WORDS=(auditlake compl); COMP_CWORD=1; _auditlake auditlake compl auditlake; echo \"${COMPREPLY[@]}\"";
    assert_eq!(run(&["--norc"], &format!("{script}{asked}")).out, "completions\n");
}

#[test]
fn the_manual_page_has_its_sections() {
    let lake = Lake::new();
    let page = lake.run(&["man"]).out;
    for part in
        [".TH auditlake 1", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH SUBCOMMANDS", "auditlake\\-ingest(1)"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn each_command_has_a_page_of_its_own() {
    let lake = Lake::new();
    let folder = lake.folder().join("pages/man1");
    lake.run(&["man", "--dir", folder.to_str().expect("UTF-8")]).succeeded();
    for (name, told) in
        [("auditlake.1", "SUBCOMMANDS"), ("auditlake-sql.1", "no\\-history"), ("auditlake-runs-show.1", "Example")]
    {
        let page = fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains(told), "{name}: {page}");
    }
    assert!(files_below(&folder).len() > 10);
    let taken = lake.write("file", "");
    lake.run(&["man", "--dir", taken.to_str().expect("UTF-8")]).failed(1, &["cannot write manual pages into", "file"]);
}
