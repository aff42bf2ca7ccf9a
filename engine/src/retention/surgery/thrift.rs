//! The Thrift compact protocol as a tree, so that a footer can be edited instead of rebuilt.
//!
//! Fields that this code does not know stay as they were, which is how a rewritten file keeps what no Parquet library
//! models: statistics of newer writers, key-value metadata of columns, orders of columns. Absent: names and types of the
//! fields; `footer.rs` and `page.rs` know the numbers they need.

use crate::varint;

/// One value of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    I8(u8),
    I16(i16),
    I32(i32),
    I64(i64),
    /// Eight bytes as they stand in the file.
    Double([u8; 8]),
    Binary(Vec<u8>),
    List(List),
    /// Entries with the types of key and value; an empty map states no types.
    Map(u8, u8, Vec<(Value, Value)>),
    Struct(Struct),
    Uuid([u8; 16]),
}

/// A list or a set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct List {
    kind: u8,
    element: u8,
    pub(super) items: Vec<Value>,
}

/// Fields in ascending order of their numbers, as they stood in the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Struct(Vec<(i16, Value)>);

/// Bytes that are not this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its metadata are not the Thrift compact protocol: {0}")]
pub(super) struct Malformed(&'static str);

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const I8: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Structures of Parquet nest by less than twenty; more is an attack on the stack.
const DEPTH_MAX: usize = 64;

impl Struct {
    /// A struct without fields.
    pub(super) const EMPTY: Self = Self(Vec::new());

    /// Reads one struct from the front of `bytes`; returns it with its length in bytes.
    ///
    /// # Errors
    /// When `bytes` end early or are not the compact protocol.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, usize), Malformed> {
        let mut reader = Reader { rest: bytes, depth: 0 };
        let parsed = reader.fields()?;
        Ok((parsed, bytes.len() - reader.rest.len()))
    }

    /// Appends the struct to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut last = 0;
        for (id, value) in &self.0 {
            let kind = value.kind();
            match u8::try_from(i32::from(*id) - i32::from(last)) {
                Ok(delta @ 1..=15) => out.push(delta << 4 | kind),
                _ => {
                    out.push(kind);
                    varint::write(out, zigzag(i64::from(*id)));
                }
            }
            // A boolean field is its type.
            if !matches!(value, Value::Bool(_)) {
                value.write(out);
            }
            last = *id;
        }
        out.push(0);
    }

    /// The field `id`, if the struct has it.
    pub(super) fn get(&self, id: i16) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == id).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, id: i16) -> Option<&mut Value> {
        self.0.iter_mut().find(|(known, _)| *known == id).map(|(_, value)| value)
    }

    pub(super) fn has(&self, id: i16) -> bool {
        self.get(id).is_some()
    }

    /// A whole number of any width.
    pub(super) fn int(&self, id: i16) -> Option<i64> {
        match self.get(id)? {
            Value::I8(value) => Some(i64::from(*value)),
            Value::I16(value) => Some(i64::from(*value)),
            Value::I32(value) => Some(i64::from(*value)),
            Value::I64(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn bool(&self, id: i16) -> Option<bool> {
        if let Value::Bool(value) = self.get(id)? { Some(*value) } else { None }
    }

    pub(super) fn binary(&self, id: i16) -> Option<&[u8]> {
        if let Value::Binary(value) = self.get(id)? { Some(value) } else { None }
    }

    pub(super) fn list(&self, id: i16) -> Option<&[Value]> {
        if let Value::List(list) = self.get(id)? { Some(&list.items) } else { None }
    }

    pub(super) fn child(&self, id: i16) -> Option<&Struct> {
        if let Value::Struct(value) = self.get(id)? { Some(value) } else { None }
    }

    pub(super) fn child_mut(&mut self, id: i16) -> Option<&mut Struct> {
        if let Value::Struct(value) = self.get_mut(id)? { Some(value) } else { None }
    }

    /// Sets field `id`, in its place among the others.
    pub(super) fn set(&mut self, id: i16, value: Value) {
        match self.0.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (id, value)),
        }
    }

    pub(super) fn set_i32(&mut self, id: i16, value: i32) {
        self.set(id, Value::I32(value));
    }

    pub(super) fn set_i64(&mut self, id: i16, value: i64) {
        self.set(id, Value::I64(value));
    }

    /// Sets field `id`, or takes it away when there is nothing to set.
    pub(super) fn set_or_remove(&mut self, id: i16, value: Option<Value>) {
        match value {
            Some(value) => self.set(id, value),
            None => self.remove(id),
        }
    }

    pub(super) fn remove(&mut self, id: i16) {
        self.0.retain(|(known, _)| *known != id);
    }
}

impl Value {
    /// A list of 64-bit numbers.
    pub(super) fn longs(items: impl IntoIterator<Item = i64>) -> Self {
        Self::List(List { kind: LIST, element: I64, items: items.into_iter().map(Value::I64).collect() })
    }

    /// A list of 32-bit numbers.
    pub(super) fn ints(items: impl IntoIterator<Item = i32>) -> Self {
        Self::List(List { kind: LIST, element: I32, items: items.into_iter().map(Value::I32).collect() })
    }

    /// A list of booleans.
    pub(super) fn bools(items: impl IntoIterator<Item = bool>) -> Self {
        Self::List(List { kind: LIST, element: TRUE, items: items.into_iter().map(Value::Bool).collect() })
    }

    /// A list of byte strings.
    pub(super) fn binaries(items: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::List(List { kind: LIST, element: BINARY, items: items.into_iter().map(Value::Binary).collect() })
    }

    /// A list of structs.
    pub(super) fn structs(items: impl IntoIterator<Item = Struct>) -> Self {
        Self::List(List { kind: LIST, element: STRUCT, items: items.into_iter().map(Value::Struct).collect() })
    }

    pub(super) fn as_struct(&self) -> Option<&Struct> {
        if let Self::Struct(value) = self { Some(value) } else { None }
    }

    pub(super) fn as_struct_mut(&mut self) -> Option<&mut Struct> {
        if let Self::Struct(value) = self { Some(value) } else { None }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Bool(true) => TRUE,
            Self::Bool(false) => FALSE,
            Self::I8(_) => I8,
            Self::I16(_) => I16,
            Self::I32(_) => I32,
            Self::I64(_) => I64,
            Self::Double(_) => DOUBLE,
            Self::Binary(_) => BINARY,
            Self::List(list) => list.kind,
            Self::Map(..) => MAP,
            Self::Struct(_) => STRUCT,
            Self::Uuid(_) => UUID,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => out.push(if *value { TRUE } else { FALSE }),
            Self::I8(value) => out.push(*value),
            Self::I16(value) => varint::write(out, zigzag(i64::from(*value))),
            Self::I32(value) => varint::write(out, zigzag(i64::from(*value))),
            Self::I64(value) => varint::write(out, zigzag(*value)),
            Self::Double(bytes) => out.extend_from_slice(bytes),
            Self::Uuid(bytes) => out.extend_from_slice(bytes),
            Self::Binary(bytes) => {
                length(out, bytes.len());
                out.extend_from_slice(bytes);
            }
            Self::List(list) => {
                match u8::try_from(list.items.len()) {
                    Ok(short @ 0..=14) => out.push(short << 4 | list.element),
                    _ => {
                        out.push(0xf0 | list.element);
                        length(out, list.items.len());
                    }
                }
                list.items.iter().for_each(|item| item.write(out));
            }
            Self::Map(key, value, entries) => {
                length(out, entries.len());
                if !entries.is_empty() {
                    out.push(key << 4 | value);
                }
                for (key, value) in entries {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Struct(value) => value.write(out),
        }
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn length(out: &mut Vec<u8>, length: usize) {
    // A length in memory fits 64 bits on every target there is.
    varint::write(out, u64::try_from(length).unwrap_or(u64::MAX));
}

struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed("they end early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        varint::read(&mut self.rest).ok_or(Malformed("a number ends early, or has more than ten bytes"))
    }

    fn int(&mut self) -> Result<i64, Malformed> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn narrow<T: TryFrom<i64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.int()?).map_err(|_| Malformed("a number is too large for its type"))
    }

    /// A length; nothing in a list or a map takes less than a byte, so more items than bytes are a lie.
    fn length(&mut self) -> Result<usize, Malformed> {
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed("a length is too large"))?;
        if length > self.rest.len() { Err(Malformed("a length is larger than what follows")) } else { Ok(length) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed("they end early"))
    }

    fn deeper(&mut self) -> Result<(), Malformed> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(Malformed("they nest too deeply")) } else { Ok(()) }
    }

    fn fields(&mut self) -> Result<Struct, Malformed> {
        self.deeper()?;
        let mut fields: Vec<(i16, Value)> = Vec::new();
        let mut last: i16 = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                self.depth -= 1;
                return Ok(Struct(fields));
            }
            let id = match head >> 4 {
                0 => self.narrow()?,
                delta => last.checked_add(i16::from(delta)).ok_or(Malformed("a field number is too large"))?,
            };
            if !fields.is_empty() && id <= last {
                return Err(Malformed("fields are not in ascending order"));
            }
            let value = match head & 0x0f {
                TRUE => Value::Bool(true),
                FALSE => Value::Bool(false),
                kind => self.value(kind)?,
            };
            fields.push((id, value));
            last = id;
        }
    }

    fn value(&mut self, kind: u8) -> Result<Value, Malformed> {
        Ok(match kind {
            TRUE | FALSE => Value::Bool(self.byte()? == TRUE),
            I8 => Value::I8(self.byte()?),
            I16 => Value::I16(self.narrow()?),
            I32 => Value::I32(self.narrow()?),
            I64 => Value::I64(self.int()?),
            DOUBLE => Value::Double(self.array()?),
            UUID => Value::Uuid(self.array()?),
            BINARY => {
                let length = self.length()?;
                Value::Binary(self.take(length)?.to_vec())
            }
            LIST | SET => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.length()? } else { usize::from(head >> 4) };
                let element = head & 0x0f;
                self.deeper()?;
                let items = (0..count).map(|_| self.value(element)).collect::<Result<_, _>>()?;
                self.depth -= 1;
                Value::List(List { kind, element, items })
            }
            MAP => {
                let count = self.length()?;
                let types = if count == 0 { 0 } else { self.byte()? };
                let (key, value) = (types >> 4, types & 0x0f);
                self.deeper()?;
                let entries =
                    (0..count).map(|_| Ok((self.value(key)?, self.value(value)?))).collect::<Result<_, Malformed>>()?;
                self.depth -= 1;
                Value::Map(key, value, entries)
            }
            STRUCT => Value::Struct(self.fields()?),
            _ => return Err(Malformed("a type has no known number")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Struct {
        let mut inner = Struct::default();
        inner.set(1, Value::Binary(b"key".to_vec()));
        inner.set(40, Value::Bool(false));
        let mut all = Struct::default();
        all.set(1, Value::I32(-7));
        all.set(2, Value::I64(i64::MIN));
        all.set(3, Value::Bool(true));
        all.set(4, Value::bools([true, false]));
        all.set(5, Value::longs(0..20));
        all.set(6, Value::Struct(inner.clone()));
        all.set(7, Value::Double(1.5f64.to_le_bytes()));
        all.set(8, Value::Map(BINARY, STRUCT, vec![(Value::Binary(vec![0]), Value::Struct(inner))]));
        all.set(9, Value::Map(0, 0, Vec::new()));
        all.set(300, Value::I16(300));
        all.set(301, Value::I8(255));
        all
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut bytes = Vec::new();
        sample().write(&mut bytes);
        let length = bytes.len();
        bytes.extend_from_slice(b"more");
        assert_eq!(Struct::parse(&bytes), Ok((sample(), length)));
    }

    #[test]
    fn a_cut_or_absurd_text_is_an_error_and_no_panic() {
        let mut bytes = Vec::new();
        sample().write(&mut bytes);
        for cut in 0..bytes.len() {
            assert!(Struct::parse(&bytes[..cut]).is_err(), "{cut}");
        }
        for at in 0..bytes.len() {
            for with in [0, 0x1c, 0x19, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = with;
                Struct::parse(&damaged).ok();
            }
        }
        assert!(Struct::parse(&[0x1c; 1000]).is_err(), "nesting has an end");
        assert!(Struct::parse(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err(), "a list cannot outgrow its bytes");
    }

    #[test]
    fn a_field_is_set_in_its_place_and_taken_away() {
        let mut all = sample();
        all.remove(6);
        all.set_i32(6, 1);
        all.set_or_remove(2, None);
        assert_eq!((all.int(6), all.int(2), all.int(1)), (Some(1), None, Some(-7)));
        let mut bytes = Vec::new();
        all.write(&mut bytes);
        assert_eq!(Struct::parse(&bytes).unwrap().0, all);
    }
}
