//! Columns of mean 0 and deviation 1.

use ndarray::{ArrayView1, Axis};

use crate::{DataError, Table, TableFault};

/// The mean and the deviation of each column of a table, to treat other rows as that table was treated.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    names: Vec<String>,
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Scaling {
    /// The mean of each column, in the order of the table.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The deviation of each column: the root of the mean of squares, over all rows (not rows − 1).
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// Subtracts the means from the rows of a table and divides them by the deviations.
    ///
    /// # Errors
    /// [`TableFault::OtherColumns`] if the table has not the same columns in the same order; [`TableFault::Spread`] if a
    /// number would not be finite. The table is then as it was.
    pub fn apply(&self, table: &mut Table) -> Result<(), DataError> {
        if table.names != self.names {
            let differs = table.names.iter().zip(&self.names).find(|(have, expected)| have != expected);
            let column = differs.map(|(have, _)| have).or(table.names.get(self.names.len()));
            return Err(DataError::Table {
                source_name: table.source_name.clone(),
                row: None,
                column: column.cloned().map(crate::ColumnPlace::Name),
                fault: TableFault::OtherColumns { expected: self.names.clone() },
            });
        }
        let mut values = table.values.clone();
        for (position, name) in self.names.iter().enumerate() {
            let (mean, deviation) = (self.means[position], self.deviations[position]);
            for (row, value) in values.column_mut(position).iter_mut().enumerate() {
                *value = (*value - mean) / deviation;
                if !value.is_finite() {
                    return Err(table.fault(Some(row), name, TableFault::Spread));
                }
            }
        }
        table.values = values;
        Ok(())
    }
}

impl Table {
    /// Gives every column mean 0 and deviation 1 over the table's own rows. Returns what was subtracted and divided by.
    ///
    /// # Errors
    /// [`TableFault::Constant`] for a column whose rows are all the same, [`TableFault::Spread`] for one whose mean or
    /// deviation f64 does not hold. The table is then as it was.
    pub fn standardise(&mut self) -> Result<Scaling, DataError> {
        self.standardise_by(&(0..self.values.nrows()).collect::<Vec<_>>())
    }

    /// As [`Table::standardise`], with mean and deviation of some rows, at these indices: those that a model is trained on.
    ///
    /// # Errors
    /// As [`Table::standardise`], of these rows.
    ///
    /// # Panics
    /// If there is no such row, or none at all.
    pub fn standardise_by(&mut self, rows: &[usize]) -> Result<Scaling, DataError> {
        let known = self.values.select(Axis(0), rows);
        let mut scaling = Scaling { names: self.names.clone(), means: vec![], deviations: vec![] };
        for (name, column) in self.names.iter().zip(known.columns()) {
            let (mean, deviation) = moments(column).map_err(|fault| self.fault(None, name, fault))?;
            scaling.means.push(mean);
            scaling.deviations.push(deviation);
        }
        scaling.apply(self)?;
        Ok(scaling)
    }
}

/// Mean and deviation of a column that has at least one row.
fn moments(column: ArrayView1<'_, f64>) -> Result<(f64, f64), TableFault> {
    // compared exactly: the mean of equal numbers may be rounded to another
    if let Some(&value) = column.first()
        && column.iter().all(|&other| other == value)
    {
        return Err(TableFault::Constant { value });
    }
    let rows = column.len() as f64;
    let mean = column.sum() / rows;
    let variance = column.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / rows;
    // below the normal numbers squares have lost digits
    if variance.is_normal() { Ok((mean, variance.sqrt())) } else { Err(TableFault::Spread) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use crate::{DataError, Table, TableFault, read_table_bytes};

    fn table(columns: &str, rows: &[Vec<f64>]) -> Table {
        let mut text = format!("{columns}\n");
        for row in rows {
            let fields: Vec<String> = row.iter().map(|value| format!("{value:?}")).collect();
            text += &format!("{}\n", fields.join(","));
        }
        read_table_bytes(Path::new("x.csv"), text.as_bytes()).unwrap()
    }

    fn fault(result: Result<impl std::fmt::Debug, DataError>) -> TableFault {
        match result.unwrap_err() {
            DataError::Table { fault, .. } => fault,
            other => panic!("{other}"),
        }
    }

    proptest! {
        /// A sum of `n` numbers is off by at most n·ε/2 times the sum of their magnitudes. So with magnitudes of at most
        /// 100 the mean that is subtracted is off by 50·n·ε; of the standardised rows, whose magnitudes are 1 in the
        /// mean, the mean is found off by that over the deviation and n·ε/2, and the rounding of each, ε. The mean of
        /// squares is about the mean that was subtracted, however far off: only the two sums and some roundings tell.
        #[test]
        fn mean_zero_and_deviation_one(
            rows in proptest::collection::vec((-100.0..100.0, -100.0..100.0), 2..200)
        ) {
            let rows: Vec<Vec<f64>> = rows.into_iter().map(|(a, b)| vec![a, b]).collect();
            let original = table("a,b", &rows);
            let mut scaled = original.clone();
            let scaling = scaled.standardise().unwrap();
            let n = rows.len() as f64;
            for (values, deviation) in scaled.values().columns().into_iter().zip(scaling.deviations()) {
                let mean = values.sum() / n;
                let tolerance = f64::EPSILON * (50.0 * (n + 2.0) / deviation + n / 2.0 + 2.0);
                prop_assert!(mean.abs() <= tolerance, "{mean} of {tolerance}");
                let square = values.iter().map(|value| value * value).sum::<f64>() / n;
                let tolerance = f64::EPSILON * (n + 8.0);
                prop_assert!((square - 1.0).abs() <= tolerance, "{square} - 1 of {tolerance}");
            }
            // other rows are treated as these were
            let mut again = original.clone();
            scaling.apply(&mut again).unwrap();
            prop_assert_eq!(again, scaled);
        }
    }

    #[test]
    fn known_moments() {
        let mut known = table("a", &[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].map(|x| vec![x]));
        let scaling = known.standardise().unwrap();
        assert_eq!((scaling.means(), scaling.deviations()), (&[5.0][..], &[2.0][..]));
        assert_eq!(known.column("a").unwrap().to_vec(), [-1.5, -0.5, -0.5, -0.5, 0.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn by_some_rows() {
        let mut all = table("a", &[1.0, 100.0, 3.0].map(|x| vec![x]));
        let scaling = all.standardise_by(&[0, 2]).unwrap();
        assert_eq!((scaling.means(), scaling.deviations()), (&[2.0][..], &[1.0][..]));
        assert_eq!(all.column("a").unwrap().to_vec(), [-1.0, 98.0, 1.0]);
    }

    #[test]
    fn what_has_no_deviation() {
        // three times 0.1 over three is not 0.1
        let mut constant = table("a,b", &[vec![1.0, 0.1], vec![2.0, 0.1], vec![3.0, 0.1]]);
        let before = constant.clone();
        let error = constant.standardise().unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.csv, column \"b\": every row has 0.1, so there is no deviation to divide by: leave out the column"
        );
        assert_eq!(constant, before);
        assert_eq!(fault(table("a", &[vec![3.0]]).standardise()), TableFault::Constant { value: 3.0 });
        for (one, other) in [(1e308, -1e308), (1e308, 1.5e308), (1e200, 0.0), (1e-200, 0.0), (5e-324, 0.0)] {
            assert_eq!(
                fault(table("a", &[vec![one], vec![other]]).standardise()),
                TableFault::Spread,
                "{one}"
            );
        }
    }

    #[test]
    fn other_columns() {
        let rows = [vec![1.0, 2.0], vec![2.0, 5.0]];
        let scaling = table("a,b", &rows).standardise().unwrap();
        for names in ["b,a", "a,c"] {
            let mut other = table(names, &rows);
            let expected = TableFault::OtherColumns { expected: vec!["a".into(), "b".into()] };
            assert_eq!(fault(scaling.apply(&mut other)), expected);
            assert_eq!(other, table(names, &rows));
        }
        assert!(scaling.apply(&mut table("a", &[vec![1.0]])).is_err());
        let mut far = table("a,b", &[vec![1.0, 2.0], vec![2.0, 1.7e308]]);
        let tiny = table("a,b", &[vec![1.0, 1e-3], vec![2.0, 2e-3]]).standardise().unwrap();
        let error = tiny.apply(&mut far).unwrap_err().to_string();
        assert!(error.starts_with("x.csv, line 3, column \"b\": "), "{error}");
    }
}
