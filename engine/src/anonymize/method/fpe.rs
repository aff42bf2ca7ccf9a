//! Texts that become other texts of the same length and alphabet, by FF1 with AES-256 (NIST SP 800-38G, revision 1).
//!
//! The tweak is the column and the tenant: equal values of two columns or two tenants become different ones. The key of the
//! cipher is derived from the secret, so that one secret may serve other methods, too. Whoever has the secret turns values
//! back. Absent: FF3, which was withdrawn; the key's id in the value, which has no room for it and stands in the run's
//! record instead.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aes::Aes256;
use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use fpe::ff1::{FF1, FlexibleNumeralString};

use super::MethodFault;
use super::parts::Parts;
use crate::keyed::Keyed;

/// What the cipher's key is derived for.
const PURPOSE: &str = "fpe";
/// The least number of values that a length and an alphabet must allow: below it all of them could be tried.
const DOMAIN_MIN: u64 = 1_000_000;

/// The cipher of one column.
#[derive(Clone)]
pub(super) struct Fpe {
    cipher: Arc<FF1<Aes256>>,
    letters: Arc<[char]>,
    number_of: Arc<HashMap<char, u16>>,
    /// Fewest letters that a value may have.
    least: usize,
    column: String,
}

impl fmt::Debug for Fpe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fpe({}, {} letters)", self.column, self.letters.len())
    }
}

impl Fpe {
    /// The cipher of `column`, whose values have these letters. None where an alphabet is none.
    pub(super) fn new(secret: &[u8], column: &str, alphabet: &str) -> Option<Self> {
        let letters: Arc<[char]> = alphabet.chars().collect();
        let numbers = letters.iter().enumerate();
        let number_of: HashMap<char, u16> =
            numbers.map(|(at, letter)| Some((*letter, u16::try_from(at).ok()?))).collect::<Option<_>>()?;
        let radix = u32::try_from(letters.len()).ok()?;
        let key = Keyed::new(secret, PURPOSE).digest();
        let cipher = FF1::<Aes256>::new(&key, radix).ok()?;
        Some(Self {
            cipher: Arc::new(cipher),
            number_of: Arc::new(number_of),
            least: least(u64::from(radix)),
            letters,
            column: column.to_owned(),
        })
    }

    /// Each value as another.
    ///
    /// # Errors
    /// When values have other letters, or too few: how many of these rows, and not which.
    pub(super) fn apply(&self, column: &ArrayRef, tenants: Option<&ArrayRef>) -> Result<ArrayRef, MethodFault> {
        let column = cast(column, &DataType::Utf8)?;
        let values = column.as_string::<i32>();
        let tenants = Parts::of(tenants)?;
        let mut made = StringBuilder::with_capacity(values.len(), values.values().len());
        let (mut foreign, mut short) = (0, 0);
        let mut of_tenant: Option<(&str, Vec<u8>)> = None;
        let mut text = String::new();
        for row in 0..values.len() {
            if values.is_null(row) {
                made.append_null();
                continue;
            }
            let numbers: Option<Vec<u16>> =
                values.value(row).chars().map(|letter| self.number_of.get(&letter).copied()).collect();
            let Some(numbers) = numbers else {
                foreign += 1;
                continue;
            };
            if numbers.len() < self.least {
                short += 1;
                continue;
            }
            let tenant = tenants.get(row);
            if of_tenant.as_ref().is_none_or(|(known, _)| *known != tenant) {
                of_tenant = Some((tenant, self.tweak(tenant)));
            }
            let tweak = of_tenant.as_ref().map_or(&[][..], |(_, tweak)| tweak.as_slice());
            let Ok(other) = self.cipher.encrypt(tweak, &FlexibleNumeralString::from(numbers)) else {
                short += 1;
                continue;
            };
            text.clear();
            text.extend(Vec::<u16>::from(other).into_iter().map(|number| self.letters[usize::from(number)]));
            made.append_value(&text);
        }
        if foreign + short > 0 {
            return Err(MethodFault::Fpe { foreign, short, least: self.least });
        }
        Ok(Arc::new(made.finish()))
    }

    /// Column and tenant, each with its length before it.
    fn tweak(&self, tenant: &str) -> Vec<u8> {
        let mut tweak = Vec::new();
        for part in [self.column.as_str(), tenant] {
            tweak.extend((part.len() as u64).to_be_bytes());
            tweak.extend(part.as_bytes());
        }
        tweak
    }
}

/// Letters that make at least so many values as there must be.
fn least(radix: u64) -> usize {
    let (mut domain, mut least) = (1_u64, 0);
    while domain < DOMAIN_MIN {
        domain = domain.saturating_mul(radix);
        least += 1;
    }
    least
}

#[cfg(test)]
mod tests {
    use aes::cipher::{BlockCipher, BlockEncrypt, BlockEncryptMut, KeyInit};
    use aes::{Aes128, Aes192};
    use arrow::array::StringArray;

    use super::*;

    const DIGITS: &str = "0123456789";
    const ALL: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

    /// A sample of NIST's FF1samples.pdf.
    #[track_caller]
    fn sample<C>(key: &str, radix: u32, tweak: &str, plain: &str, expected: &str)
    where
        C: BlockCipher + BlockEncrypt + BlockEncryptMut + Clone + KeyInit,
    {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex")).collect()
        };
        let numbers = |text: &str| -> Vec<u16> {
            text.chars().map(|letter| u16::try_from(letter.to_digit(36).expect("a digit")).expect("small")).collect()
        };
        let cipher = FF1::<C>::new(&bytes(key), radix).expect("a radix");
        let made = cipher.encrypt(&bytes(tweak), &FlexibleNumeralString::from(numbers(plain))).expect("fits");
        let back = cipher.decrypt(&bytes(tweak), &made).expect("fits");
        assert_eq!(Vec::<u16>::from(made), numbers(expected));
        assert_eq!(Vec::<u16>::from(back), numbers(plain));
    }

    #[test]
    fn the_samples_of_nist_come_out() {
        let key = "2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94";
        let (digits, all) = ("0123456789", "0123456789abcdefghi");
        let (ten, eleven) = ("39383736353433323130", "3737373770717273373737");
        sample::<Aes128>(&key[..32], 10, "", digits, "2433477484");
        sample::<Aes128>(&key[..32], 10, ten, digits, "6124200773");
        sample::<Aes128>(&key[..32], 36, eleven, all, "a9tv40mll9kdu509eum");
        sample::<Aes192>(&key[..48], 10, "", digits, "2830668132");
        sample::<Aes192>(&key[..48], 10, ten, digits, "2496655549");
        sample::<Aes192>(&key[..48], 36, eleven, all, "xbj3kv35jrawxv32ysr");
        sample::<Aes256>(key, 10, "", digits, "6657667009");
        sample::<Aes256>(key, 10, ten, digits, "1001623463");
        sample::<Aes256>(key, 36, eleven, all, "xs8a0azh2avyalyzuwd");
    }

    fn apply(fpe: &Fpe, values: &[Option<&str>], tenants: &[&str]) -> Result<Vec<Option<String>>, MethodFault> {
        let values: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        let tenants: ArrayRef = Arc::new(StringArray::from(tenants.to_vec()));
        let made = fpe.apply(&values, Some(&tenants))?;
        Ok(made.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
    }

    #[test]
    fn a_value_keeps_length_and_alphabet_and_two_are_never_one() {
        let fpe = Fpe::new(&[1; 32], "card", DIGITS).expect("an alphabet");
        let values: Vec<String> = (0..500).map(|at| format!("{:06}", at * 1_999)).collect();
        let given: Vec<Option<&str>> = values.iter().map(|value| Some(value.as_str())).collect();
        let made = apply(&fpe, &given, &vec!["t1"; 500]).expect("fits");
        let mut distinct: Vec<&String> = made.iter().flatten().collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 500);
        assert!(distinct.iter().all(|text| text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit())));
    }

    #[test]
    fn columns_tenants_and_keys_do_not_join() {
        let of = |secret: u8, column: &str, tenant: &str| {
            let fpe = Fpe::new(&[secret; 32], column, ALL).expect("an alphabet");
            apply(&fpe, &[Some("4111111111111111"), None], &[tenant, tenant]).expect("fits")
        };
        let made = of(1, "card", "t1");
        assert_eq!(made, of(1, "card", "t1"));
        assert!(made[1].is_none());
        assert!([of(2, "card", "t1"), of(1, "iban", "t1"), of(1, "card", "t2")].iter().all(|other| *other != made));
    }

    #[test]
    fn what_could_be_tried_out_or_is_of_other_letters_is_counted_and_not_said() {
        let fpe = Fpe::new(&[1; 32], "card", DIGITS).expect("an alphabet");
        let fault = apply(&fpe, &[Some("12345"), Some("4111-1111"), Some("411111"), Some("")], &["t"; 4]);
        let said = fault.expect_err("does not fit").to_string();
        assert!(said.contains("6 characters") && !said.contains("12345") && !said.contains("4111"), "{said}");
        assert_eq!([least(10), least(2), least(36), least(62), least(1_000_000)], [6, 20, 4, 4, 1]);
    }
}
