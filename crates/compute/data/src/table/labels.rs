//! Class labels as a column of a table.

use crate::{DataError, Table, TableFault};

impl Table {
    /// Takes a column out of the table as labels: the number of a class, from 0 and less than `classes`, per row.
    ///
    /// # Errors
    /// [`TableFault::Label`] at the first row with another number, [`TableFault::NoColumn`]. The table is then as it was.
    pub fn take_labels(&mut self, name: &str, classes: usize) -> Result<Vec<i64>, DataError> {
        let position = self.position(name)?;
        let mut labels = Vec::with_capacity(self.values.nrows());
        for (row, &value) in self.values.column(position).iter().enumerate() {
            if value.fract() != 0.0 || value < 0.0 || value >= classes as f64 {
                return Err(self.fault(Some(row), name, TableFault::Label { value, classes }));
            }
            labels.push(value as i64);
        }
        let others: Vec<usize> = (0..self.names.len()).filter(|&column| column != position).collect();
        *self = self.select(&others);
        Ok(labels)
    }
}
