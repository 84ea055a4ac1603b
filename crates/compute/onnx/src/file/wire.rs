//! Protobuf's wire format: a message is a sequence of numbered fields.
//!
//! <https://protobuf.dev/programming-guides/encoding/>. Fields borrow from the file's bytes: nothing is allocated for
//! a length that the file claims.

/// The value of a field as the wire carries it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// Reads a message field by field.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

const CUT: &str = "truncated or not an ONNX file: a field ends after the file or the part it is in";

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Reader<'a> {
        Reader { rest: message }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The number and value of the next field.
    pub(crate) fn field(&mut self) -> Result<(u64, Field<'a>), String> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(self.fixed()?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| CUT)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(CUT)?;
                self.rest = rest;
                Field::Bytes(bytes)
            }
            5 => Field::Fixed32(self.fixed()?),
            other => return Err(format!("corrupt or not an ONNX file: a field of wire type {other}")),
        };
        Ok((tag >> 3, value))
    }

    /// An integer in groups of seven bits, lowest first, all but the last with the top bit set.
    pub(crate) fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(CUT)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("corrupt or not an ONNX file: an integer of more than 64 bits".to_string())
    }

    /// `N` bytes as they are.
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(CUT)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_wire_type() {
        let mut reader = Reader::new(b"\x08\x96\x01\x12\x02ab\x1d\x01\0\0\0\x21\x02\0\0\0\0\0\0\0");
        assert_eq!(reader.field(), Ok((1, Field::Varint(150))));
        assert_eq!(reader.field(), Ok((2, Field::Bytes(b"ab"))));
        assert_eq!(reader.field(), Ok((3, Field::Fixed32([1, 0, 0, 0]))));
        assert_eq!(reader.field(), Ok((4, Field::Fixed64([2, 0, 0, 0, 0, 0, 0, 0]))));
        assert!(reader.is_empty());
    }

    #[test]
    fn refuses_what_is_cut_or_overlong() {
        for bytes in [
            &b"\x08"[..],
            b"\x08\x80",
            b"\x12\x03ab",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x1d\0\0\0",
            b"\x0b",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert!(Reader::new(bytes).field().is_err(), "{bytes:?}");
        }
    }
}
