//! The header of a `.npy` file: magic, version, and a Python dictionary with element type, order and shape.
//!
//! The format is numpy's NEP 1: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

/// The longest header text read. numpy writes about a hundred bytes.
const MAX_HEADER: usize = 1 << 16;
const MAGIC: &[u8] = b"\x93NUMPY";

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Element type in numpy's notation.
    pub(crate) descr: String,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

impl Header {
    /// Reads the header at the start of `bytes`; returns it and the data after it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Header, &[u8]), String> {
        let rest = bytes.strip_prefix(MAGIC).ok_or("it does not start as a .npy file does")?;
        let cut = "it ends within the header";
        let (version, rest) = rest.split_first_chunk::<2>().ok_or(cut)?;
        let (length, rest) = match version[0] {
            1 => {
                let (length, rest) = rest.split_first_chunk::<2>().ok_or(cut)?;
                (u16::from_le_bytes(*length) as usize, rest)
            }
            2 | 3 => {
                let (length, rest) = rest.split_first_chunk::<4>().ok_or(cut)?;
                (u32::from_le_bytes(*length) as usize, rest)
            }
            other => return Err(format!("version {other} of the .npy format is unknown")),
        };
        if length > MAX_HEADER {
            return Err(format!("a header of {length} bytes"));
        }
        let (text, data) = rest.split_at_checked(length).ok_or(cut)?;
        let text = std::str::from_utf8(text).map_err(|_| "the header is not text")?;
        Ok((Header::parse_dictionary(text)?, data))
    }

    fn parse_dictionary(text: &str) -> Result<Header, String> {
        let mut scanner = Scanner { rest: text };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        scanner.expect('{')?;
        while !scanner.accept('}') {
            let key = scanner.string()?;
            scanner.expect(':')?;
            match key {
                "descr" => descr = Some(scanner.descr()?),
                "fortran_order" => fortran_order = Some(scanner.boolean()?),
                "shape" => shape = Some(scanner.shape()?),
                other => return Err(format!("the header has an unknown key {other:?}")),
            }
            if !scanner.accept(',') {
                scanner.expect('}')?;
                break;
            }
        }
        if !scanner.rest.trim().is_empty() {
            return Err("the header does not end after its dictionary".to_string());
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Header { descr, fortran_order, shape }),
            _ => Err("the header lacks descr, fortran_order or shape".to_string()),
        }
    }

    /// The header of a C-order array, padded so that the data starts at a multiple of 64 bytes.
    pub(crate) fn encode(descr: &str, shape: &[usize]) -> Vec<u8> {
        let mut tuple: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
        if shape.len() > 1 {
            tuple.truncate(tuple.len() - 2);
        }
        let mut text =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", tuple.trim_end());
        let prefix = MAGIC.len() + 4;
        let padded = (prefix + text.len() + 1).next_multiple_of(64) - prefix;
        text.extend(std::iter::repeat_n(' ', padded - text.len() - 1));
        text.push('\n');
        let length = u16::try_from(text.len()).expect("fewer axes than fill 64 KiB of header");
        [MAGIC, &[1, 0], &length.to_le_bytes(), text.as_bytes()].concat()
    }
}

/// Reads the few Python literals that occur in a header.
struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn accept(&mut self, token: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: char) -> Result<(), String> {
        if self.accept(token) { Ok(()) } else { Err(format!("the header lacks {token:?} where one is due")) }
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let quote = if self.accept('\'') { '\'' } else { self.expect('"').map(|()| '"')? };
        let (string, rest) = self.rest.split_once(quote).ok_or("a string in the header does not end")?;
        self.rest = rest;
        Ok(string)
    }

    /// The element type; that of a record, a list, is kept as written up to the matching bracket, to be named.
    fn descr(&mut self) -> Result<String, String> {
        self.rest = self.rest.trim_start();
        if !self.rest.starts_with('[') {
            return self.string().map(str::to_string);
        }
        let mut depth = 0usize;
        for (position, character) in self.rest.char_indices() {
            match character {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => continue,
            }
            if depth == 0 {
                let (record, rest) = self.rest.split_at(position + 1);
                self.rest = rest;
                return Ok(record.to_string());
            }
        }
        Err("a list in the header does not end".to_string())
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err("fortran_order is neither True nor False".to_string())
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        self.expect('(')?;
        let mut shape = Vec::new();
        while !self.accept(')') {
            let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = self.rest.split_at(digits);
            self.rest = rest;
            shape.push(number.parse().map_err(|_| "the shape is not a tuple of integers")?);
            if !self.accept(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_parsed() {
        for shape in [vec![], vec![7], vec![2, 3], vec![0, 1, 28, 28], vec![1_000_000_007; 9]] {
            let bytes = Header::encode("<f4", &shape);
            assert_eq!(bytes.len() % 64, 0);
            let (header, data) = Header::parse(&bytes).unwrap();
            assert_eq!(header, Header { descr: "<f4".to_string(), fortran_order: false, shape });
            assert!(data.is_empty());
        }
        assert!(String::from_utf8_lossy(&Header::encode("<f4", &[7])).contains("'shape': (7,), }"));
        assert!(String::from_utf8_lossy(&Header::encode("<f4", &[])).contains("'shape': (), }"));
        assert!(String::from_utf8_lossy(&Header::encode("<f4", &[2, 3])).contains("'shape': (2, 3), }"));
    }

    #[test]
    fn odd_dictionaries() {
        let good = r#" {"shape":( 3 , 4,),"descr" : '|u1','fortran_order':True}  "#;
        let header = Header::parse_dictionary(good).unwrap();
        assert_eq!(header, Header { descr: "|u1".to_string(), fortran_order: true, shape: vec![3, 4] });
        let record = "{'descr': [('a', '<f4'), ('b', [('c', '<i8')])], 'fortran_order': False, 'shape': ()}";
        assert_eq!(Header::parse_dictionary(record).unwrap().descr, "[('a', '<f4'), ('b', [('c', '<i8')])]");
        for bad in [
            "",
            "{",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': ]]], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} more",
        ] {
            assert!(Header::parse_dictionary(bad).is_err(), "{bad}");
        }
    }
}
