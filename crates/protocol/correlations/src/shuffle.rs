//! Shuffles: rows of matrices in the order of a random permutation.

/// The sizes of a shuffle: matrices of so many rows and columns. Rows stay in their matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shuffle {
    /// Matrices.
    pub matrices: usize,
    /// Rows of each.
    pub rows: usize,
    /// Columns of each.
    pub columns: usize,
}

impl Shuffle {
    /// Elements in all.
    pub fn elements(self) -> usize {
        self.matrices * self.rows * self.columns
    }

    /// Words of the stream that a permutation is drawn from.
    pub fn draws(self) -> usize {
        2 * self.matrices * self.rows
    }

    /// For each row of the result, across all matrices, which row it was: drawn from [`Shuffle::draws`] uniform words. Of the
    /// m rows left each is taken with a probability within 2^-128 of 1/m.
    pub fn permutation(self, draws: &[u64]) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.matrices * self.rows).collect();
        for (rows, draws) in rows.chunks_exact_mut(self.rows).zip(draws.chunks_exact(2 * self.rows)) {
            let (draws, _) = draws.as_chunks::<2>();
            for (last, [high, low]) in draws.iter().enumerate().skip(1) {
                let draw = u128::from(*high) << 64 | u128::from(*low);
                rows.swap(last, (draw % (last as u128 + 1)) as usize);
            }
        }
        rows
    }

    /// The rows of `x` in another order.
    ///
    /// # Panics
    /// If `x` has fewer rows.
    pub fn permuted(self, x: &[u64], order: &[usize]) -> Vec<u64> {
        order.iter().flat_map(|row| &x[row * self.columns..(row + 1) * self.columns]).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_together_in_their_matrix() {
        let shuffle = Shuffle { matrices: 3, rows: 5, columns: 2 };
        let draws: Vec<u64> =
            (1..=shuffle.draws() as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let order = shuffle.permutation(&draws);
        for (matrix, rows) in order.chunks(5).enumerate() {
            let mut sorted = rows.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (5 * matrix..5 * matrix + 5).collect::<Vec<_>>());
        }
        assert_ne!(order, (0..15).collect::<Vec<_>>());
        let x: Vec<u64> = (0..30).collect();
        let permuted = shuffle.permuted(&x, &order);
        for (row, &was) in permuted.chunks(2).zip(&order) {
            assert_eq!(row, &x[2 * was..2 * was + 2]);
        }
    }
}
