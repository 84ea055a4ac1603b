//! The number types of a `.npy` file.

/// A number type, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F32,
    F64,
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

/// One element as read: a float, or an integer of any type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    Float(f64),
    Integer(i128),
}

/// What [`Element::parse`] accepts, for messages.
pub(crate) const NUMBERS: &str = "f32, f64, bool, i8 to i64 or u8 to u64, little-endian";
/// The subset that labels may have.
pub(crate) const INTEGERS: &str = "bool, i8 to i64 or u8 to u64, little-endian";

impl Element {
    /// Reads numpy's notation: byte order, kind, size in bytes.
    pub(crate) fn parse(descr: &str) -> Option<Element> {
        Some(match descr {
            "<f4" => Element::F32,
            "<f8" => Element::F64,
            "|b1" => Element::Bool,
            "|i1" => Element::I8,
            "<i2" => Element::I16,
            "<i4" => Element::I32,
            "<i8" => Element::I64,
            "|u1" => Element::U8,
            "<u2" => Element::U16,
            "<u4" => Element::U32,
            "<u8" => Element::U64,
            _ => return None,
        })
    }

    /// Bytes of an element.
    pub(crate) fn size(self) -> usize {
        match self {
            Element::Bool | Element::I8 | Element::U8 => 1,
            Element::I16 | Element::U16 => 2,
            Element::F32 | Element::I32 | Element::U32 => 4,
            Element::F64 | Element::I64 | Element::U64 => 8,
        }
    }

    pub(crate) fn is_integer(self) -> bool {
        !matches!(self, Element::F32 | Element::F64)
    }

    /// The elements of `bytes`, whose length is a multiple of [`Element::size`].
    pub(crate) fn values(self, bytes: &[u8]) -> impl Iterator<Item = Value> + '_ {
        bytes.chunks_exact(self.size()).map(move |chunk| self.value(chunk))
    }

    fn value(self, bytes: &[u8]) -> Value {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let word = u64::from_le_bytes(wide);
        Value::Integer(match self {
            Element::F32 => return Value::Float(f32::from_bits(word as u32).into()),
            Element::F64 => return Value::Float(f64::from_bits(word)),
            Element::Bool => (word != 0).into(),
            Element::I8 => (word as i8).into(),
            Element::I16 => (word as i16).into(),
            Element::I32 => (word as i32).into(),
            Element::I64 => (word as i64).into(),
            Element::U8 | Element::U16 | Element::U32 | Element::U64 => word.into(),
        })
    }
}
