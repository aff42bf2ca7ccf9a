//! Where objects lie: a folder, or a bucket of an object store with a prefix in it.
//!
//! Absent: credentials, regions and endpoints. They come from the environment of the process and stand in no file.

use std::fmt;

/// Where the data of a lake lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A folder, as written after `file:`; relative to the folder of `lake.yaml`, or absolute.
    File(String),
    /// Memory of the process: for tests, gone when it ends.
    Memory,
    /// A bucket.
    Bucket(BucketUrl),
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(folder) => write!(f, "file:{folder}"),
            Self::Memory => f.write_str("memory:"),
            Self::Bucket(url) => url.fmt(f),
        }
    }
}

/// The object stores that are spoken to over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BucketScheme {
    /// Amazon S3 and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// Azure Blob Storage; a bucket is a container there.
    Az,
}

impl BucketScheme {
    /// Every scheme.
    pub const ALL: [Self; 3] = [Self::S3, Self::Gs, Self::Az];

    /// The scheme as it stands in front of `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gs => "gs",
            Self::Az => "az",
        }
    }
}

/// A prefix in a bucket: `s3://bucket/some/prefix`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketUrl {
    /// Which kind of store.
    pub scheme: BucketScheme,
    /// Bucket or container.
    pub bucket: String,
    /// Keys below it, without a slash at either end; empty for the whole bucket.
    pub prefix: String,
}

impl BucketUrl {
    /// Whether `text` begins with the scheme of a bucket.
    pub fn is_meant(text: &str) -> bool {
        split(text).is_some()
    }

    /// Parses `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = split(text) else {
            return Err(format!("{text:?} is not in a bucket; write for example s3://bucket/prefix"));
        };
        let name = scheme.as_str();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains('@') {
            // Not the text itself: what stands before an @ may be a key.
            return Err(format!(
                "of {name}:// has an @ in it; keys and accounts come from the environment, so write {name}://bucket/prefix"
            ));
        }
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
        if !(3..=222).contains(&bucket.len()) || !bucket.chars().all(fits) {
            return Err(format!(
                "{text:?} names no bucket; write {name}://, its name in small letters, digits and - . _, and a prefix"
            ));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        if !prefix.is_empty() && prefix.split('/').any(odd) {
            return Err(format!("{text:?} has an empty, . or .. part in its prefix; write the prefix itself"));
        }
        Ok(Self { scheme, bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// The bucket without a prefix.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self { prefix: String::new(), ..self.clone() }
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

fn split(text: &str) -> Option<(BucketScheme, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    BucketScheme::ALL.into_iter().find(|known| known.as_str() == scheme).map(|scheme| (scheme, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_reads_back_as_it_was_written() {
        for (text, prefix) in
            [("s3://acme-audit", ""), ("gs://acme.audit/lake", "lake"), ("az://acme/a/b=c/D e", "a/b=c/D e")]
        {
            let url = BucketUrl::parse(text).expect(text);
            assert_eq!((url.to_string().as_str(), url.prefix.as_str()), (text, prefix));
        }
        assert_eq!(BucketUrl::parse("s3://acme/lake/").expect("a slash at the end").to_string(), "s3://acme/lake");
        assert_eq!(BucketUrl::parse("s3://acme/lake").expect("a url").whole().to_string(), "s3://acme");
    }

    #[test]
    fn what_names_no_bucket_is_refused() {
        for text in ["s3://", "s3:///lake", "s3://Acme/lake", "s3://a/b", "gs://acme//lake", "az://acme/../lake"] {
            assert!(BucketUrl::parse(text).is_err(), "{text}");
        }
        assert!(BucketUrl::parse("s3://key:secret@acme/lake").expect_err("a secret").contains("environment"));
        assert!(!BucketUrl::is_meant("http://acme/lake") && !BucketUrl::is_meant("./s3"));
    }
}
