//! The program as its users run it: a lake in a folder of its own, commands, and what they print.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;

use crate::moto::{self, Bucket};
use crate::tree;

/// A lake that `auditlake init` made, alone in a temporary folder; its data there, too, or in a bucket.
pub(crate) struct Lake {
    top: TempDir,
    bucket: Option<Bucket>,
    environment: Vec<(String, String)>,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Lake {
    pub(crate) fn new() -> Self {
        let top = TempDir::new().expect("a temporary folder");
        let lake = Self { top, bucket: None, environment: Vec::new() };
        let folder = lake.folder();
        ended(command(&["init"]).arg(folder).output().expect("the program runs")).succeeded();
        lake
    }

    /// A lake whose store is `url`, with more in the environment of its commands.
    pub(crate) fn at(url: &str, environment: Vec<(String, String)>) -> Self {
        let lake = Self { environment, ..Self::new() };
        let definition = lake.folder().join("lake.yaml");
        let text = fs::read_to_string(&definition).expect("the definition of the lake");
        assert!(text.contains("store: file:./data"), "{text}");
        fs::write(definition, text.replace("store: file:./data", &format!("store: {url}"))).expect("written");
        lake
    }

    /// A lake whose data lies in a bucket.
    pub(crate) fn in_bucket(bucket: Bucket) -> Self {
        let lake = Self::at(&format!("s3://{}/lake", bucket.name), bucket.environment());
        Self { bucket: Some(bucket), ..lake }
    }

    /// A copy with the same definitions, key and data.
    pub(crate) fn copy(&self) -> Self {
        let Some(bucket) = &self.bucket else { return self.copy_of_folder() };
        let other = moto::bucket("a copy").expect("the server of the first bucket");
        for (name, bytes) in bucket.objects("lake") {
            other.put(&name, bytes);
        }
        self.with_bucket(other)
    }

    /// The same definitions and key over another bucket, for whose objects the caller sees.
    pub(crate) fn with_bucket(&self, other: Bucket) -> Self {
        let copied = self.copy_of_folder();
        let own = self.bucket.as_ref().expect("a lake in a bucket");
        let definition = copied.folder().join("lake.yaml");
        let text = fs::read_to_string(&definition).expect("the definition of the lake");
        let text = text.replace(&format!("s3://{}/", own.name), &format!("s3://{}/", other.name));
        fs::write(definition, text).expect("written");
        Self { bucket: Some(other), ..copied }
    }

    fn copy_of_folder(&self) -> Self {
        let top = TempDir::new().expect("a temporary folder");
        copy(&self.folder(), &top.path().join("lake"));
        Self { top, bucket: None, environment: self.environment.clone() }
    }

    /// Every object of the store by its name there, with its bytes. Names that end in `#` and digits are left out:
    /// they are work in progress, which no listing shows.
    pub(crate) fn objects(&self) -> Vec<(String, Bytes)> {
        if let Some(bucket) = &self.bucket {
            let named = |(name, bytes): (String, Bytes)| (name.trim_start_matches("lake/").to_owned(), bytes);
            return bucket.objects("lake").into_iter().map(named).collect();
        }
        let data = self.data();
        let mut objects = Vec::new();
        for path in files_below(&data) {
            let name = path.strip_prefix(&data).expect("a file below the store").to_string_lossy().into_owned();
            let staged = name.rsplit_once('#').is_some_and(|(_, end)| end.bytes().all(|byte| byte.is_ascii_digit()));
            // What another process is at work on may be gone a moment later.
            if !staged && let Ok(bytes) = fs::read(&path) {
                objects.push((name, Bytes::from(bytes)));
            }
        }
        objects
    }

    /// How many objects lie below a folder of the store, also while others are at work on it.
    pub(crate) fn count(&self, folder: &str) -> usize {
        match &self.bucket {
            Some(bucket) => bucket.count(&format!("lake/{folder}")),
            None => files_below(&self.data().join(folder)).len(),
        }
    }

    /// The bytes of one object of the store.
    pub(crate) fn object(&self, name: &str) -> Bytes {
        let found = self.objects().into_iter().find(|(other, _)| other == name);
        found.unwrap_or_else(|| panic!("{name} is not there")).1
    }

    /// The bucket that its data lies in, if it does.
    pub(crate) fn bucket(&self) -> Option<&Bucket> {
        self.bucket.as_ref()
    }

    /// The folder of `lake.yaml`.
    pub(crate) fn folder(&self) -> PathBuf {
        self.top.path().join("lake")
    }

    /// The folder of the store.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// Writes a file beside the definitions.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
        fs::write(&path, bytes).expect("a file can be written");
        path
    }

    /// Writes an object of the store.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        match &self.bucket {
            Some(bucket) => bucket.put(&format!("lake/{name}"), Bytes::copy_from_slice(bytes.as_ref())),
            None => drop(self.write(&format!("data/{name}"), bytes)),
        }
    }

    /// A command on this lake, ready to start.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.env("AUDITLAKE_LAKE", self.folder()).current_dir(self.folder());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        ended(self.command(args).output().expect("the program runs"))
    }

    /// The same without a variable of its environment.
    pub(crate) fn run_without(&self, variable: &str, args: &[&str]) -> Ran {
        ended(self.command(args).env_remove(variable).output().expect("the program runs"))
    }

    /// Starts a command and returns at once.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// The JSON document of a command that must succeed.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = ["--output", "json"].iter().chain(args).copied().collect();
        let ran = self.run(&args);
        ran.succeeded();
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{args:?}: {error}\n{}", ran.out))
    }

    /// The rows of a statement that must succeed.
    pub(crate) fn rows(&self, sql: &str) -> Vec<Value> {
        let Value::Array(rows) = self.json(&["sql", sql]) else { panic!("{sql}: no array of rows") };
        rows
    }

    /// The same with the clock pinned.
    pub(crate) fn rows_at(&self, at: &str, sql: &str) -> Vec<Value> {
        let Value::Array(rows) = self.json(&["--at", at, "sql", sql]) else { panic!("{sql}: no array of rows") };
        rows
    }

    /// The one figure of a statement.
    pub(crate) fn figure(&self, sql: &str) -> u64 {
        let rows = self.rows(sql);
        let row = rows.first().and_then(Value::as_object).unwrap_or_else(|| panic!("{sql}: no row"));
        let value = row.values().next().and_then(Value::as_u64);
        value.unwrap_or_else(|| panic!("{sql}: {row:?}"))
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn succeeded(&self) {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
    }

    /// The command must end with this code and print this.
    #[track_caller]
    pub(crate) fn said(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        for word in words {
            assert!(self.out.contains(word), "\"{word}\" is not in: {}", self.out);
        }
    }

    /// The command must fail with this code and say this.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "\"{word}\" is not in: {}", self.err);
        }
    }
}

/// What a finished process came to.
pub(crate) fn ended(output: Output) -> Ran {
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn command(args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).stdin(Stdio::null()).env_remove("AUDITLAKE_LAKE").env("LC_ALL", "C.UTF-8");
    command
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// Every file below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The folder of real events. Where there is none, a test says so even when it passes.
pub(crate) fn real_data(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("AUDITLAKE_REAL_DATA").map(PathBuf::from);
    // As the program names its inputs: links are followed.
    let folder = folder.map(|folder| folder.canonicalize().expect("AUDITLAKE_REAL_DATA names a folder"));
    if folder.is_none() {
        // Not `eprintln!`: a test that passes keeps that to itself.
        writeln!(std::io::stderr(), "SKIPPED {test}: AUDITLAKE_REAL_DATA is not set").expect("stderr");
    }
    folder
}

/// The binary of this build: `cargo test` does not make it, because no crate above it may be told of its path. Or that which
/// `AUDITLAKE_BINARY` names, to have many processes in little time.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("AUDITLAKE_BINARY") {
            return PathBuf::from(given);
        }
        let test = std::env::current_exe().expect("this test has a path");
        let profile = test.parent().and_then(Path::parent).expect("tests lie in the profile's deps");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--offline", "--workspace", "--bin", "auditlake", "--target-dir"]);
        build.arg(profile.parent().expect("profiles lie in the target folder")).current_dir(tree::root());
        // Cargo tells a test of its package, and a build script that looks at that would find it changed.
        let told = std::env::vars_os().map(|(name, _)| name);
        for name in told.filter(|name| name.to_string_lossy().starts_with("CARGO_PKG_")) {
            build.env_remove(name);
        }
        build.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH").env_remove("CARGO_MANIFEST_LINKS");
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "the binary does not build");
        profile.join("auditlake")
    })
}
