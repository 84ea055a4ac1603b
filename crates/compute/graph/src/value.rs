//! Numbers as a program or a file holds them, before encoding.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut, Range};

use ndarray::{ArcArray, Array, ArrayBase, ArrayD, Axis, Dimension, IxDyn, Slice};
use tacita_ring::{CodecError, RingTensor, encode_at, encode_integers_at};

/// An array of floats, integers or bits in its original type. Clones share the elements.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// 32-bit floats, such as a model's weights.
    F32(ArcArray<f32, IxDyn>),
    /// 64-bit floats.
    F64(ArcArray<f64, IxDyn>),
    /// Integers, exact on input and output up to 2^62 in absolute value.
    I64(ArcArray<i64, IxDyn>),
    /// Bytes, such as pixels.
    U8(ArcArray<u8, IxDyn>),
    /// Bits.
    Bool(ArcArray<bool, IxDyn>),
}

/// Evaluates an expression on the array, whatever its element type.
macro_rules! each {
    ($value:expr, $array:ident => $result:expr) => {
        match $value {
            Value::F32($array) => $result,
            Value::F64($array) => $result,
            Value::I64($array) => $result,
            Value::U8($array) => $result,
            Value::Bool($array) => $result,
        }
    };
}

/// f64 represents every integer below this bound exactly.
pub(crate) const EXACT: i64 = 1 << 53;

impl Value {
    /// The sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        each!(self, array => array.shape())
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        each!(self, array => array.len())
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both hold the same numbers in the same type, bit for bit. Two clones of one value compare without
    /// reading elements.
    pub fn is_same(&self, other: &Value) -> bool {
        fn same<T, B: PartialEq>(
            a: &ArcArray<T, IxDyn>,
            b: &ArcArray<T, IxDyn>,
            bits: impl Fn(&T) -> B,
        ) -> bool {
            let shares = a.as_ptr() == b.as_ptr() && a.strides() == b.strides();
            a.shape() == b.shape() && (shares || a.iter().zip(b).all(|(a, b)| bits(a) == bits(b)))
        }
        match (self, other) {
            (Value::F32(a), Value::F32(b)) => same(a, b, |x| x.to_bits()),
            (Value::F64(a), Value::F64(b)) => same(a, b, |x| x.to_bits()),
            (Value::I64(a), Value::I64(b)) => same(a, b, |x| *x),
            (Value::U8(a), Value::U8(b)) => same(a, b, |x| *x),
            (Value::Bool(a), Value::Bool(b)) => same(a, b, |x| *x),
            _ => false,
        }
    }

    /// Numpy's name for the element type, used in messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::F32(_) => "float32",
            Value::F64(_) => "float64",
            Value::I64(_) => "int64",
            Value::U8(_) => "uint8",
            Value::Bool(_) => "bool",
        }
    }

    /// The numbers as f64. Integers from 2^53 on are rounded to the nearest.
    pub fn to_f64(&self) -> ArrayD<f64> {
        match self {
            Value::F32(array) => array.mapv(f64::from),
            Value::F64(array) => array.to_owned(),
            Value::I64(array) => array.mapv(|x| x as f64),
            Value::U8(array) => array.mapv(f64::from),
            Value::Bool(array) => array.mapv(|bit| f64::from(u8::from(bit))),
        }
    }

    /// The numbers as integers; `None` if any of them is not an integer that fits an i64.
    pub fn to_i64(&self) -> Option<ArrayD<i64>> {
        let whole = |x: f64| (x.fract() == 0.0 && x.abs() < 2f64.powi(63)).then_some(x as i64);
        let of = |floats: Vec<Option<i64>>| {
            let integers: Option<Vec<i64>> = floats.into_iter().collect();
            integers.and_then(|integers| ArrayD::from_shape_vec(IxDyn(self.shape()), integers).ok())
        };
        match self {
            Value::F32(array) => of(array.iter().map(|&x| whole(f64::from(x))).collect()),
            Value::F64(array) => of(array.iter().map(|&x| whole(x)).collect()),
            Value::I64(array) => Some(array.to_owned()),
            Value::U8(array) => Some(array.mapv(i64::from)),
            Value::Bool(array) => Some(array.mapv(i64::from)),
        }
    }

    /// The index and value of the first number that is not finite.
    pub fn first_not_finite(&self) -> Option<(Vec<usize>, f64)> {
        match self {
            Value::F32(array) => first_not_finite(array),
            Value::F64(array) => first_not_finite(array),
            Value::I64(_) | Value::U8(_) | Value::Bool(_) => None,
        }
    }

    /// A range of rows along the first axis.
    ///
    /// # Panics
    /// If the array has no axis, or the range exceeds it.
    pub fn rows(&self, range: Range<usize>) -> Value {
        let slice = Slice::from(range);
        match self {
            Value::F32(array) => array.slice_axis(Axis(0), slice).to_owned().into(),
            Value::F64(array) => array.slice_axis(Axis(0), slice).to_owned().into(),
            Value::I64(array) => array.slice_axis(Axis(0), slice).to_owned().into(),
            Value::U8(array) => array.slice_axis(Axis(0), slice).to_owned().into(),
            Value::Bool(array) => array.slice_axis(Axis(0), slice).to_owned().into(),
        }
    }

    /// The row-major index and the value of the first element for which `fits` returns false. `fits` takes the number
    /// as f64 and, for integer types, also exactly.
    pub(crate) fn position(&self, fits: impl Fn(f64, Option<i64>) -> bool) -> Option<(usize, f64)> {
        fn first<T: Copy>(
            numbers: impl Iterator<Item = T>,
            number: impl Fn(T) -> (f64, Option<i64>),
            fits: impl Fn(f64, Option<i64>) -> bool,
        ) -> Option<(usize, f64)> {
            numbers
                .map(number)
                .enumerate()
                .find(|(_, (x, exact))| !fits(*x, *exact))
                .map(|(i, (x, _))| (i, x))
        }
        match self {
            Value::F32(array) => first(array.iter().copied(), |x| (f64::from(x), None), fits),
            Value::F64(array) => first(array.iter().copied(), |x| (x, None), fits),
            Value::I64(array) => first(array.iter().copied(), |x| (x as f64, Some(x)), fits),
            Value::U8(array) => first(array.iter().copied(), |x| (f64::from(x), Some(i64::from(x))), fits),
            Value::Bool(array) => {
                first(array.iter().copied(), |x| (f64::from(u8::from(x)), Some(i64::from(x))), fits)
            }
        }
    }

    /// Encodes the numbers with `frac` fractional bits, rounded to nearest, ties to even; integers exactly. The result
    /// has `shape`, which must have as many elements.
    ///
    /// # Errors
    /// If a number is not finite, or its absolute value reaches `limit`.
    pub(crate) fn encode(&self, shape: &[usize], frac: u32, limit: f64) -> Result<RingTensor, CodecError> {
        let words = match self {
            Value::F32(array) => encode_at(&contiguous(array), frac, limit)?,
            Value::F64(array) => encode_at(&contiguous(array), frac, limit)?,
            Value::I64(array) => encode_integers_at(&contiguous(array), frac, limit)?,
            Value::U8(array) => encode_at(&contiguous(array), frac, limit)?,
            Value::Bool(array) => {
                encode_integers_at(&array.iter().map(|&b| i64::from(b)).collect::<Vec<_>>(), frac, limit)?
            }
        };
        Ok(RingTensor::new(shape.to_vec(), words))
    }
}

/// The index and value of the first number of an array that is not finite.
pub fn first_not_finite<T, S>(array: &ArrayBase<S, IxDyn>) -> Option<(Vec<usize>, f64)>
where
    T: Copy + Into<f64>,
    S: ndarray::Data<Elem = T>,
{
    if array.iter().all(|&number| number.into().is_finite()) {
        return None; // counting indices is slow: only once something is wrong
    }
    let mut all = array.indexed_iter().map(|(index, &number)| (index, number.into()));
    all.find(|(_, number): &(_, f64)| !number.is_finite())
        .map(|(index, number)| (index.slice().to_vec(), number))
}

/// The elements in row-major order, copied only if they are stored in another order.
fn contiguous<T: Clone>(array: &ArcArray<T, IxDyn>) -> std::borrow::Cow<'_, [T]> {
    match array.as_slice() {
        Some(elements) => elements.into(),
        None => array.iter().cloned().collect::<Vec<T>>().into(),
    }
}

/// Prints type and shape alone: the numbers are private.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.type_name(), self.shape())
    }
}

impl<D: Dimension> From<Array<f32, D>> for Value {
    fn from(array: Array<f32, D>) -> Value {
        Value::F32(array.into_dyn().into())
    }
}

impl<D: Dimension> From<Array<f64, D>> for Value {
    fn from(array: Array<f64, D>) -> Value {
        Value::F64(array.into_dyn().into())
    }
}

impl<D: Dimension> From<Array<i64, D>> for Value {
    fn from(array: Array<i64, D>) -> Value {
        Value::I64(array.into_dyn().into())
    }
}

impl<D: Dimension> From<Array<u8, D>> for Value {
    fn from(array: Array<u8, D>) -> Value {
        Value::U8(array.into_dyn().into())
    }
}

impl<D: Dimension> From<Array<bool, D>> for Value {
    fn from(array: Array<bool, D>) -> Value {
        Value::Bool(array.into_dyn().into())
    }
}

/// Data by input name. Names that a graph does not have are ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs(BTreeMap<String, Value>);

impl Inputs {
    /// No data.
    pub fn new() -> Inputs {
        Inputs::default()
    }

    /// Sets the data of an input; returns its previous data.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(name.into(), value.into())
    }
}

impl Deref for Inputs {
    type Target = BTreeMap<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Inputs {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Inputs {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(inputs: I) -> Inputs {
        Inputs(inputs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<N: Into<String>, V: Into<Value>> Extend<(N, V)> for Inputs {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, inputs: I) {
        self.0.extend(inputs.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl<N: Into<String>, V: Into<Value>, const K: usize> From<[(N, V); K]> for Inputs {
    fn from(inputs: [(N, V); K]) -> Inputs {
        inputs.into_iter().collect()
    }
}

impl IntoIterator for Inputs {
    type Item = (String, Value);
    type IntoIter = std::collections::btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Inputs {
    type Item = (&'a String, &'a Value);
    type IntoIter = std::collections::btree_map::Iter<'a, String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, arr2};

    use super::*;

    #[test]
    fn a_clone_shares_the_elements() {
        let value = Value::from(arr1(&[1.0f32, 2.0]));
        let (Value::F32(a), Value::F32(b)) = (&value, &value.clone()) else { panic!("floats") };
        assert_eq!(a.as_ptr(), b.as_ptr());
    }

    #[test]
    fn the_same_numbers_are_the_same_bit_for_bit() {
        let value = Value::from(arr1(&[0.0, f64::NAN]));
        assert!(value.is_same(&value.clone()));
        assert!(value.is_same(&arr1(&[0.0, f64::NAN]).into()));
        assert!(!value.is_same(&arr1(&[-0.0, f64::NAN]).into()));
        assert!(!value.is_same(&arr1(&[0.0f32, f32::NAN]).into()));
        assert!(!Value::from(arr1(&[1i64, 2])).is_same(&arr2(&[[1i64, 2]]).into()));
    }

    #[test]
    fn integers_are_exact_in_and_out() {
        let large = (1i64 << 62) - 1;
        let value = Value::from(arr1(&[large, -large]));
        let words = value.encode(&[2], 0, 2f64.powi(62)).unwrap();
        assert_eq!(words.data(), &[large as u64, large.wrapping_neg() as u64]);
        assert_eq!(value.to_i64().unwrap().as_slice(), Some(&[large, -large][..]));
        assert_eq!(Value::from(arr1(&[0.5])).to_i64(), None);
        assert_eq!(Value::from(arr1(&[f64::NAN])).to_i64(), None);
    }

    #[test]
    fn every_type_is_encoded_as_its_f64() {
        let values = [
            Value::from(arr1(&[0.5f32, -3.0])),
            arr1(&[0.5f64, -3.0]).into(),
            arr1(&[7i64, -3]).into(),
            arr1(&[7u8, 255]).into(),
            arr1(&[true, false]).into(),
        ];
        for value in values {
            let floats = Value::from(value.to_f64());
            assert_eq!(
                value.encode(&[2], 16, 1e6).unwrap(),
                floats.encode(&[2], 16, 1e6).unwrap(),
                "{value:?}"
            );
        }
    }

    #[test]
    fn elements_are_read_row_by_row_wherever_they_lie() {
        let transposed = arr2(&[[1.0, 2.0], [3.0, 4.0]]).reversed_axes();
        let words = Value::from(transposed).encode(&[4], 0, 10.0).unwrap();
        assert_eq!(words.data(), &[1, 3, 2, 4]);
    }

    #[test]
    fn debugging_shows_no_number() {
        assert_eq!(format!("{:?}", Value::from(arr1(&[4.25f32]))), "float32 [1]");
    }
}
