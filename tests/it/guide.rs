//! The pages for readers, carried out: every block marked `console run` of README and guide.
//!
//! A page runs in a folder of its own, from top to bottom, in one shell. Lines that begin with `$ ` are commands,
//! lines that begin with `> ` continue one, the others are what it must print. A final `…` stands for the rest of
//! the line, a line of nothing else for any lines. A command without lines below it must only succeed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::{auditlake, tree};

/// Stands between the outputs of two commands.
const BORDER: &str = "----- end of output, status";

#[test]
fn the_readme_does_what_it_says() {
    carry_out("README.md");
}

#[test]
fn the_page_on_ingest_does_what_it_says() {
    carry_out("docs/guide/ingest.md");
}

#[test]
fn the_page_on_usage_does_what_it_says() {
    carry_out("docs/guide/usage.md");
}

#[test]
fn the_page_on_slas_does_what_it_says() {
    carry_out("docs/guide/sla.md");
}

#[test]
fn the_page_on_support_tickets_does_what_it_says() {
    carry_out("docs/guide/support.md");
}

#[test]
fn the_page_on_anomalies_does_what_it_says() {
    carry_out("docs/guide/anomalies.md");
}

#[test]
fn the_page_on_sql_does_what_it_says() {
    carry_out("docs/guide/sql.md");
}

#[test]
fn the_page_on_incremental_groupings_does_what_it_says() {
    carry_out("docs/guide/incremental.md");
}

#[test]
fn the_page_on_reports_does_what_it_says() {
    carry_out("docs/guide/reports.md");
}

#[test]
fn the_page_on_reports_of_tables_does_what_it_says() {
    carry_out("docs/guide/report-tables.md");
}

#[test]
fn the_page_on_access_does_what_it_says() {
    carry_out("docs/guide/access.md");
}

#[test]
fn the_page_on_evidence_does_what_it_says() {
    carry_out("docs/guide/evidence.md");
}

#[test]
fn the_page_on_anonymized_copies_does_what_it_says() {
    carry_out("docs/guide/anonymize.md");
}

#[test]
fn the_page_on_retention_does_what_it_says() {
    carry_out("docs/guide/retention.md");
}

#[test]
fn the_page_on_persons_does_what_it_says() {
    carry_out("docs/guide/subjects.md");
}

#[test]
fn the_page_on_lineage_does_what_it_says() {
    carry_out("docs/guide/lineage.md");
}

#[test]
fn the_page_on_requests_does_what_it_says() {
    carry_out("docs/guide/requests.md");
}

#[test]
fn the_page_on_exports_does_what_it_says() {
    carry_out("docs/guide/export.md");
}

#[test]
fn the_page_on_queries_and_compaction_does_what_it_says() {
    carry_out("docs/guide/materialize.md");
}

#[test]
fn the_page_on_running_jobs_does_what_it_says() {
    carry_out("docs/guide/running.md");
}

#[test]
fn the_page_on_schedules_does_what_it_says() {
    carry_out("docs/guide/schedules.md");
}

#[test]
fn the_page_on_new_files_does_what_it_says() {
    carry_out("docs/guide/streams.md");
}

#[test]
fn the_page_on_notifications_does_what_it_says() {
    carry_out("docs/guide/notifications.md");
}

#[test]
fn the_page_on_controls_does_what_it_says() {
    carry_out("docs/guide/controls.md");
}

#[test]
fn the_page_on_definitions_does_what_it_says() {
    carry_out("docs/guide/definitions.md");
}

#[test]
fn no_page_of_the_guide_is_left_out() {
    let this = tree::read("tests/it/guide.rs");
    for path in tree::files() {
        let page = path.to_string_lossy();
        if page.starts_with("docs/guide/") && !commands(&tree::read(&path)).is_empty() {
            assert!(this.contains(&format!("carry_out(\"{page}\")")), "{page} has commands that no test runs");
        }
    }
}

#[test]
fn pages_lead_to_pages_that_exist() {
    for path in tree::files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let folder = path.parent().unwrap_or(Path::new(""));
        for rest in tree::read(&path).split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                assert!(tree::root().join(folder).join(target).exists(), "{}: {target} does not exist", path.display());
            }
        }
    }
}

/// A command of a page, with what it prints where the page shows it.
#[derive(Debug, Default)]
struct Shown {
    command: String,
    prints: Vec<String>,
}

#[track_caller]
fn carry_out(page: &str) {
    let shown = commands(&tree::read(page));
    assert!(!shown.is_empty(), "{page} shows nothing that can be run");
    let folder = TempDir::new().expect("a temporary folder");
    if page == "README.md" {
        seed_cloudtrail(folder.path());
    }
    let mut script = String::new();
    for one in &shown {
        script.push_str(&format!("{}\nprintf '\\n%s %s\\n' '{BORDER}' \"$?\"\n", one.command));
    }
    let output = shell(folder.path(), &script);
    let (printed, logged) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut lines = printed.lines().map(str::trim_end);
    for one in &shown {
        let mut answer: Vec<&str> = Vec::new();
        let status = loop {
            let line = lines.next().unwrap_or_else(|| panic!("{page}: `{}` did not end\n{logged}", one.command));
            match line.strip_prefix(BORDER) {
                Some(status) => break status.trim(),
                None => answer.push(line),
            }
        };
        // The border stands on a line of its own, whatever came before it.
        if answer.last() == Some(&"") {
            answer.pop();
        }
        assert_eq!(status, "0", "{page}: `{}` failed\n{}\n{logged}", one.command, answer.join("\n"));
        if !one.prints.is_empty() {
            let fits = fits(&one.prints, &answer);
            assert!(
                fits,
                "{page}: `{}` printed\n{}\nand not\n{}",
                one.command,
                answer.join("\n"),
                one.prints.join("\n")
            );
        }
    }
}

/// The commands of all blocks that are to be run, in order.
fn commands(page: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside && line == "```console run";
        } else if inside && let Some(command) = line.strip_prefix("$ ") {
            shown.push(Shown { command: command.to_owned(), prints: Vec::new() });
        } else if inside && let Some(last) = shown.last_mut() {
            match line.strip_prefix("> ") {
                Some(more) if last.prints.is_empty() => last.command.push_str(&format!("\n{more}")),
                _ => last.prints.push(line.trim_end().to_owned()),
            }
        }
    }
    shown
}

fn fits(shown: &[String], printed: &[&str]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return printed.is_empty() };
    if first == "…" {
        return (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..]));
    }
    let Some((line, others)) = printed.split_first() else { return false };
    let same = match first.strip_suffix('…') {
        Some(beginning) => line.starts_with(beginning),
        None => line == first,
    };
    same && fits(rest, others)
}

fn shell(folder: &Path, script: &str) -> Output {
    let mut path = auditlake::binary().parent().expect("the binary lies in a folder").as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .env_remove("AUDITLAKE_LAKE")
        .stdin(Stdio::null())
        .output()
        .expect("sh runs")
}

/// What a reader of the README has copied from the bucket; invented, with the account of AWS's own examples.
fn seed_cloudtrail(folder: &Path) {
    let day = folder.join("cloudtrail/123456789012/CloudTrail/eu-central-1/2026/02/10");
    fs::create_dir_all(&day).expect("a folder can be made");
    let record = |id: &str, name: &str, more: &str| {
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::123456789012:user/alice","accountId":"123456789012","userName":"alice"}},"eventTime":"2026-02-10T09:30:00Z","eventSource":"s3.amazonaws.com","eventName":"{name}","awsRegion":"eu-central-1","sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/2","requestID":"r-{id}","eventID":"{id}","eventType":"AwsApiCall","recipientAccountId":"123456789012"{more}}}"#
        )
    };
    let records = [
        record("11111111-1111-4111-8111-111111111111", "GetObject", ""),
        record("22222222-2222-4222-8222-222222222222", "PutObject", r#","errorCode":"AccessDenied""#),
    ];
    fs::write(day.join("trail.json"), format!("{{\"Records\":[{}]}}", records.join(",")))
        .expect("a file can be written");
}
