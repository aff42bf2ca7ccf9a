//! Values that become keyed pseudonyms.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::parts::Parts;
use crate::keyed::Keyed;

/// The pseudonyms of one purpose under one key.
#[derive(Debug, Clone)]
pub(super) struct Pseudonyms {
    id: String,
    key: Keyed,
}

impl Pseudonyms {
    pub(super) fn new(id: &str, secret: &[u8], purpose: &str) -> Self {
        Self { id: id.to_owned(), key: Keyed::new(secret, purpose) }
    }

    /// The pseudonym of each value, as that of its tenant.
    pub(super) fn apply(&self, column: &ArrayRef, tenants: Option<&ArrayRef>) -> Result<ArrayRef, ArrowError> {
        let column = cast(column, &DataType::Utf8)?;
        let values = column.as_string::<i32>();
        let tenants = Parts::of(tenants)?;
        let mut made = StringBuilder::with_capacity(values.len(), values.len() * 32);
        let mut text = String::new();
        // Rows of a tenant lie together, so what is hashed of it is hashed once.
        let mut of_tenant: Option<(&str, Keyed)> = None;
        for row in 0..values.len() {
            if values.is_null(row) {
                made.append_null();
                continue;
            }
            let tenant = tenants.get(row);
            if of_tenant.as_ref().is_none_or(|(known, _)| *known != tenant) {
                of_tenant = Some((tenant, self.key.with(tenant)));
            }
            text.clear();
            if let Some((_, key)) = &of_tenant {
                key.pseudonym(&self.id, values.value(row), &mut text);
            }
            made.append_value(&text);
        }
        Ok(Arc::new(made.finish()))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn two_tenants_two_keys_and_two_purposes_do_not_join() {
        let values: ArrayRef = Arc::new(StringArray::from(vec![Some("alice"), Some("alice"), None, Some("alice")]));
        let tenants: ArrayRef = Arc::new(StringArray::from(vec![Some("t1"), Some("t2"), Some("t1"), Some("t1")]));
        let of = |id: &str, secret: u8, purpose: &str| {
            let made = Pseudonyms::new(id, &[secret; 32], purpose).apply(&values, Some(&tenants)).expect("texts");
            made.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
        };
        let made = of("p26", 1, "study");
        assert_eq!(made[0], made[3]);
        assert!(made[0] != made[1] && made[2].is_none());
        assert!(made[0].as_ref().is_some_and(|text| text.starts_with("p26:") && !text.contains("alice")));
        // Rotation: a key has an id of its own, which stands in the value.
        assert!(of("p27", 2, "study")[0].as_ref().is_some_and(|text| text.starts_with("p27:")));
        assert_ne!(of("p26", 1, "billing")[0], made[0]);
    }

    #[test]
    fn a_number_has_the_pseudonym_of_its_digits() {
        let key = Pseudonyms::new("p26", &[1; 32], "study");
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![42]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["42"]));
        assert_eq!(&key.apply(&numbers, None).expect("numbers"), &key.apply(&texts, None).expect("texts"));
    }
}
