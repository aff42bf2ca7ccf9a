//! What lies beside the bytes of an object and goes over to whatever replaces them: headers, tags, user metadata,
//! storage class, encryption and locks.
//!
//! A store that does not tell something leaves it out of what we carry; what we know of and cannot carry is named.
//! Absent: access control lists, which no answer shows.

use chrono::{DateTime, Utc};
use object_store::{Attribute, AttributeValue, Attributes, TagSet};
use schemas::BucketScheme;

/// User metadata of every object that was replaced: the SHA-256 of its bytes, in hex. Readers of S3 and GCS find it
/// under this name, those of Azure with `_` for `-`, because its names are those of variables.
pub(super) const MARK: &str = "auditlake-sha256";

/// Headers of S3 that are sent as they were told, and for which `object_store` has no word.
const AS_TOLD: [&str; 5] = [
    "expires",
    "x-amz-website-redirect-location",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
];
const LOCK_MODE: &str = "x-amz-object-lock-mode";
const LOCK_UNTIL: &str = "x-amz-object-lock-retain-until-date";
const LEGAL_HOLD: &str = "x-amz-object-lock-legal-hold";

/// What goes over. The default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    pub(super) attributes: Attributes,
    pub(super) tags: Vec<(String, String)>,
    /// Of S3, besides.
    pub(super) headers: Vec<(&'static str, String)>,
    /// Whether the bucket wants the hash of the bytes beside them, as it does where objects are locked.
    pub(super) wants_hash: bool,
    left: Vec<String>,
}

impl Carried {
    /// What the replacement will not have, in words; empty in the common case.
    pub fn left(&self) -> &[String] {
        &self.left
    }

    /// The user metadata of the object of the name `key`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.attributes.get(&Attribute::Metadata(key.to_owned().into())).map(AttributeValue::as_ref)
    }

    /// Its storage class or access tier, where the store tells one.
    pub fn storage_class(&self) -> Option<&str> {
        self.attributes.get(&Attribute::StorageClass).map(AttributeValue::as_ref)
    }

    /// Its tags, by name and value.
    pub fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    /// What `object_store` alone knows of.
    pub(super) fn of(attributes: Attributes) -> Self {
        Self { attributes, ..Self::default() }
    }

    /// From the answer of a bucket: what `object_store` made of it, and its headers.
    pub(super) fn told(scheme: BucketScheme, attributes: Attributes, headers: &[(String, String)]) -> Self {
        let told = Told(headers);
        let mut carried = Self::of(attributes);
        let class = match scheme {
            BucketScheme::S3 => told.header("x-amz-storage-class"),
            BucketScheme::Gs => told.header("x-goog-storage-class"),
            // A tier that the account gives is not the object's own.
            BucketScheme::Az if told.header("x-ms-access-tier-inferred") == Some("true") => None,
            BucketScheme::Az => told.header("x-ms-access-tier"),
        };
        if let Some(class) = class {
            carried.attributes.insert(Attribute::StorageClass, class.to_owned().into());
        }
        match scheme {
            BucketScheme::S3 => carried.of_s3(&told),
            BucketScheme::Gs => {
                carried.leaves(told.header("x-goog-encryption-kms-key-name").is_some(), "its own encryption key");
                carried.leaves(told.header("x-goog-custom-time").is_some(), "its custom time");
            }
            BucketScheme::Az => {
                let has_tags = told.header("x-ms-tag-count").is_some_and(|count| count != "0");
                carried.leaves(has_tags, "its index tags");
                carried.leaves(told.header("x-ms-encryption-scope").is_some(), "its encryption scope");
                carried.leaves(told.header("x-ms-legal-hold") == Some("true"), "its legal hold");
                carried.leaves(told.header("x-ms-immutability-policy-until-date").is_some(), "its immutability policy");
            }
        }
        carried
    }

    fn of_s3(&mut self, told: &Told<'_>) {
        for name in AS_TOLD {
            self.headers.extend(told.header(name).map(|value| (name, value.to_owned())));
        }
        // What a bucket does by itself is not for us to ask for.
        self.headers.retain(|(name, value)| (*name, value.as_str()) != ("x-amz-server-side-encryption", "AES256"));
        if let (Some(mode), Some(until)) = (told.header(LOCK_MODE), told.header(LOCK_UNTIL))
            && retained(until, told.header("date"))
        {
            self.headers.extend([(LOCK_MODE, mode.to_owned()), (LOCK_UNTIL, until.to_owned())]);
        }
        if told.header(LEGAL_HOLD) == Some("ON") {
            self.headers.push((LEGAL_HOLD, "ON".to_owned()));
        }
        self.wants_hash = [LOCK_MODE, LEGAL_HOLD].iter().any(|name| told.header(name).is_some());
        let missing = told.header("x-amz-missing-meta").filter(|count| *count != "0");
        self.leaves(missing.is_some(), "user metadata that the store does not show");
    }

    fn leaves(&mut self, is_there: bool, what: &str) {
        if is_there {
            self.left.push(what.to_owned());
        }
    }

    /// Headers that cannot be signed cannot be sent.
    pub(super) fn leaves_headers(&mut self) {
        self.left.extend(self.headers.drain(..).map(|(name, value)| format!("its header {name}: {value}")));
    }

    pub(super) fn tag_set(&self) -> TagSet {
        let mut tags = TagSet::default();
        self.tags.iter().for_each(|(name, value)| tags.push(name, value));
        tags
    }
}

/// When a lock that S3 tells of ends.
pub(super) fn locked_until(headers: &[(String, String)]) -> Option<DateTime<Utc>> {
    let told = Told(headers).header(LOCK_UNTIL)?;
    DateTime::parse_from_rfc3339(told).ok().map(|until| until.to_utc())
}

/// The lock that S3 tells of, in words.
pub(super) fn lock_in_words(headers: &[(String, String)]) -> Option<String> {
    let told = Told(headers);
    match (told.header(LEGAL_HOLD), told.header(LOCK_MODE)) {
        (Some("ON"), _) => Some("it is under a legal hold of the store".to_owned()),
        (_, Some(mode)) => Some(format!("Object Lock retains it ({mode})")),
        _ => None,
    }
}

/// Whether a retention still runs, by the clock of the store that told of it.
fn retained(until: &str, date: Option<&str>) -> bool {
    let until = DateTime::parse_from_rfc3339(until);
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    // Where either cannot be read, the store is the one to object.
    !matches!((until, date), (Ok(until), Some(date)) if until <= date)
}

struct Told<'a>(&'a [(String, String)]);

impl<'a> Told<'a> {
    fn header(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(told, _)| told == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(scheme: BucketScheme, headers: &[(&str, &str)]) -> Carried {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Carried::told(scheme, Attributes::new(), &headers)
    }

    #[test]
    fn what_s3_tells_goes_over_and_what_it_does_by_itself_does_not() {
        let carried = told(
            BucketScheme::S3,
            &[
                ("x-amz-storage-class", "GLACIER_IR"),
                ("x-amz-server-side-encryption", "aws:kms"),
                ("x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:eu:1:key/2"),
                ("etag", "\"1\""),
            ],
        );
        assert_eq!(carried.storage_class(), Some("GLACIER_IR"));
        assert_eq!(carried.headers.len(), 2, "{carried:?}");
        assert!(carried.left().is_empty() && !carried.wants_hash);
        assert_eq!(told(BucketScheme::S3, &[("x-amz-server-side-encryption", "AES256")]), Carried::default());
    }

    #[test]
    fn a_retention_goes_over_until_it_ends() {
        let lock = |date: &str| {
            told(
                BucketScheme::S3,
                &[(LOCK_MODE, "COMPLIANCE"), (LOCK_UNTIL, "2026-03-04T00:00:00.000Z"), ("date", date)],
            )
        };
        let runs = lock("Tue, 03 Mar 2026 23:59:59 GMT");
        assert_eq!(runs.headers.len(), 2);
        assert!(runs.wants_hash);
        let ended = lock("Wed, 04 Mar 2026 00:00:00 GMT");
        assert!(ended.headers.is_empty() && ended.wants_hash, "{ended:?}");
    }

    #[test]
    fn what_stays_behind_is_named() {
        assert_eq!(told(BucketScheme::Az, &[("x-ms-tag-count", "2")]).left(), ["its index tags"]);
        assert_eq!(
            told(BucketScheme::Az, &[("x-ms-access-tier", "Hot"), ("x-ms-access-tier-inferred", "true")]),
            Carried::default()
        );
        assert_eq!(told(BucketScheme::Gs, &[("x-goog-custom-time", "2026-03-04T00:00:00Z")]).left().len(), 1);
        assert_eq!(told(BucketScheme::S3, &[("x-amz-missing-meta", "1")]).left().len(), 1);
    }
}
