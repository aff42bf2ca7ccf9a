//! Replacing and deleting on a condition, answers that get lost, and what a store must prove.

use object_store::local::LocalFileSystem;
use object_store::{Attribute, Attributes, GetOptions};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::super::conditional::put_bytes_max;
use super::*;
use crate::store::{Carried, Versions};
use schemas::BucketScheme;

fn sha256(bytes: &str) -> String {
    crate::hex(&Sha256::digest(bytes))
}

async fn update(
    lake: &Lakefront,
    path: &Path,
    bytes: &'static str,
    etag: &str,
) -> std::result::Result<Replaced, EngineError> {
    lake.update(path, bytes.into(), etag, &sha256(bytes)).await
}

async fn etag(lake: &Lakefront, path: &Path) -> String {
    lake.head(path).await.expect("asked").expect("there").e_tag.expect("an ETag")
}

async fn text(lake: &Lakefront, path: &Path) -> String {
    let bytes = lake.read(path).await.expect("read").expect("there");
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A lake in memory, and one in a folder, which ends with what is returned beside it.
fn lakes() -> ([(&'static str, Lakefront); 2], TempDir) {
    let folder = TempDir::new().expect("a folder");
    let local = Lakefront::folder(folder.path()).expect("a lake");
    ([("memory", Lakefront::memory()), ("folder", local)], folder)
}

#[tokio::test]
async fn an_object_is_replaced_when_it_is_the_one_that_was_read() {
    let (lakes, _folder) = lakes();
    for (name, lake) in lakes {
        let path = Path::from("audit/part.parquet");
        assert_eq!(update(&lake, &path, "x", "1-1-1").await.expect("asked"), Replaced::Changed, "{name}");
        assert!(lake.head(&path).await.expect("asked").is_none(), "{name}");
        lake.create(&path, "first".into()).await.expect("created");
        let first = etag(&lake, &path).await;
        let Replaced::Now { etag: second } = update(&lake, &path, "second", &first).await.expect("asked") else {
            panic!("{name}: it was not replaced")
        };
        assert_eq!(etag(&lake, &path).await, second, "{name}");
        assert_eq!(update(&lake, &path, "stale", &first).await.expect("asked"), Replaced::Changed, "{name}");
        assert_eq!(lake.read_if(&path, &second).await.expect("read"), "second", "{name}");
        let changed = lake.read_if(&path, &first).await.expect_err("it has changed");
        assert!(matches!(changed, EngineError::Changed { .. }), "{name}: {changed}");
        assert!(matches!(lake.carried(&path, &first).await, Err(EngineError::Changed { .. })), "{name}");
        lake.remove(&path).await.expect("removed");
        assert!(matches!(lake.read_if(&path, &second).await, Err(EngineError::Changed { .. })), "{name}");
    }
}

#[tokio::test]
async fn what_lies_beside_the_bytes_goes_over_and_the_hash_is_told() {
    let lake = Lakefront::memory();
    let path = Path::from("audit/part.parquet");
    let metadata = |key: &'static str| Attribute::Metadata(key.into());
    let attributes =
        [(Attribute::ContentType, "x/parquet"), (metadata("owner"), "sec"), (metadata("auditlake-sha256"), "0")];
    let options = PutOptions { attributes: Attributes::from_iter(attributes), ..PutOptions::default() };
    lake.store().put_opts(&path, "first".into(), options).await.expect("written");
    update(&lake, &path, "second", &etag(&lake, &path).await).await.expect("asked");
    let carried: Carried = lake.carried(&path, &etag(&lake, &path).await).await.expect("looked at");
    assert_eq!(carried.metadata("owner"), Some("sec"));
    assert_eq!(carried.metadata("auditlake-sha256"), Some(sha256("second").as_str()));
    let got = lake.store().get_opts(&path, GetOptions::default()).await.expect("there");
    assert_eq!(got.attributes.get(&Attribute::ContentType).map(AsRef::as_ref), Some("x/parquet"));
}

#[tokio::test]
async fn a_replacement_whose_answer_was_lost_is_recognised() {
    for written in [false, true] {
        for cut in 0..=CREATE_ATTEMPTS {
            let (lakes, _folder) = lakes();
            for (name, lake) in lakes {
                let path = Path::from("audit/part.parquet");
                lake.create(&path, "first".into()).await.expect("created");
                let first = etag(&lake, &path).await;
                let left = Arc::new(AtomicUsize::new(cut));
                let lake = lake.behind(|inner| Arc::new(CutOff { inner, left, written, foreign: None }));
                let replaced = update(&lake, &path, "second", &first).await;
                if !written && cut == CREATE_ATTEMPTS {
                    assert!(
                        replaced.expect_err("cut off every time").to_string().contains("cannot replace it"),
                        "{name}"
                    );
                    assert_eq!(text(&lake, &path).await, "first", "{name}");
                    continue;
                }
                let now = Replaced::Now { etag: etag(&lake, &path).await };
                assert_eq!(replaced.expect("replaced"), now, "{name}, {cut}, {written}");
                assert_eq!(text(&lake, &path).await, "second", "{name}");
            }
        }
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_while_the_connection_broke_stays() {
    for written in [false, true] {
        let (lakes, _folder) = lakes();
        for (name, lake) in lakes {
            let path = Path::from("audit/part.parquet");
            lake.create(&path, "first".into()).await.expect("created");
            let first = etag(&lake, &path).await;
            let left = Arc::new(AtomicUsize::new(1));
            // Of the same length, so that only its bytes tell.
            let lake = lake.behind(|inner| Arc::new(CutOff { inner, left, written, foreign: Some("theirs") }));
            assert_eq!(update(&lake, &path, "second", &first).await.expect("asked"), Replaced::Changed, "{name}");
            assert_eq!(text(&lake, &path).await, "theirs", "{name}");
        }
    }
}

#[tokio::test]
async fn an_object_is_deleted_when_it_is_the_one_that_was_read() {
    let (lakes, _folder) = lakes();
    for (name, lake) in lakes {
        let path = Path::from("audit/part.parquet");
        assert_eq!(lake.delete_if(&path, "1-1-1").await.expect("asked"), Deleted::Absent, "{name}");
        lake.create(&path, "first".into()).await.expect("created");
        let first = etag(&lake, &path).await;
        lake.replace(&path, "second".into()).await.expect("replaced");
        assert_eq!(lake.delete_if(&path, &first).await.expect("asked"), Deleted::Changed, "{name}");
        let second = etag(&lake, &path).await;
        let unconditional = name == "memory";
        assert_eq!(lake.delete_if(&path, &second).await.expect("asked"), Deleted::Now { unconditional }, "{name}");
        assert!(lake.read(&path).await.expect("read").is_none(), "{name}");
        assert_eq!(lake.versions(&path).await.expect("asked"), Versions::None, "{name}");
    }
}

#[tokio::test]
async fn a_touch_and_the_leftovers_of_the_dead_are_for_folders() {
    let (lakes, folder) = lakes();
    std::fs::create_dir(folder.path().join("audit")).expect("a folder");
    let (_, dead) = staged(&folder.path().join("audit/part.parquet")).expect("a file");
    drop(dead);
    for (name, lake) in lakes {
        let path = Path::from("audit/part.parquet");
        lake.create(&path, "first".into()).await.expect("created");
        let first = etag(&lake, &path).await;
        let touched = lake.touch(&path).await.expect("touched");
        assert_eq!(touched.is_some(), name == "folder");
        let replaced = update(&lake, &path, "second", &first).await.expect("asked");
        assert_eq!(replaced == Replaced::Changed, name == "folder");
        assert_eq!(lake.remove_leftovers(&path).await.expect("removed"), u64::from(name == "folder"));
    }
}

#[test]
fn one_request_writes_no_more_than_its_store_takes() {
    assert_eq!(put_bytes_max(BucketScheme::S3), Some(5_368_709_120));
    assert_eq!(put_bytes_max(BucketScheme::Az), Some(5_242_880_000));
    assert_eq!(put_bytes_max(BucketScheme::Gs), None);
}

#[tokio::test]
async fn a_store_that_keeps_to_conditions_passes_and_nothing_of_the_probe_is_left() {
    let (lakes, _folder) = lakes();
    for (name, lake) in lakes {
        lake.probe_update("0123").await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(lake.list(&Path::from("_auditlake")).await.expect("a listing").is_empty(), "{name}");
    }
    for written in [false, true] {
        for cut in 1..CREATE_ATTEMPTS {
            let lake = cut_off(cut, written);
            lake.probe_update("0123").await.unwrap_or_else(|error| panic!("{cut}, {written}: {error}"));
        }
    }
}

/// A store that takes no notice of one kind of condition.
#[derive(Debug)]
struct Heedless {
    inner: InMemory,
    of_create: bool,
    of_update: bool,
}

impl fmt::Display for Heedless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Heedless({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Heedless {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut opts: PutOptions) -> Result<PutResult> {
        match opts.mode {
            PutMode::Create if self.of_create => opts.mode = PutMode::Overwrite,
            PutMode::Update(_) if self.of_update => opts.mode = PutMode::Overwrite,
            _ => {}
        }
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_store_that_does_not_keep_to_a_condition_is_refused_and_told_which() {
    for (of_create, of_update, told) in [
        (true, false, "asked to create (If-None-Match)"),
        (false, true, "replaces an object that is not the one asked for (If-Match)"),
    ] {
        let lake = Lakefront::over(Arc::new(Heedless { inner: InMemory::new(), of_create, of_update }));
        let refused = lake.probe_update("0123").await.expect_err("it is heedless");
        assert!(matches!(refused, EngineError::NotConditional { .. }), "{refused}");
        assert!(refused.to_string().contains(told), "{refused}");
        assert!(lake.list(&Path::from("_auditlake")).await.expect("a listing").is_empty());
    }
    let folder = TempDir::new().expect("a folder");
    let plain = LocalFileSystem::new_with_prefix(folder.path()).expect("a store");
    let refused = Lakefront::over(Arc::new(plain)).probe_update("0123").await.expect_err("it only creates");
    assert!(refused.to_string().contains("does not know conditional replacement"), "{refused}");
}
