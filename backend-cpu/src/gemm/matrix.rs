//! A matrix somewhere in a slice.

/// A matrix that is read: elements `[offset + i * rows + j * columns]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    /// Where the elements lie, among others.
    pub data: &'a [T],
    /// Where the first one is.
    pub offset: isize,
    /// From one row to the next.
    pub rows: isize,
    /// From one column to the next.
    pub columns: isize,
}

impl<T> Matrix<'_, T> {
    /// The same elements with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Matrix { rows: self.columns, columns: self.rows, ..self }
    }

    /// The matrix whose first row is row `i`.
    pub fn at_row(self, i: usize) -> Self {
        Matrix { offset: self.offset + i as isize * self.rows, ..self }
    }

    /// The matrix whose first column is column `j`.
    pub fn at_column(self, j: usize) -> Self {
        Matrix { offset: self.offset + j as isize * self.columns, ..self }
    }

    /// Whether all elements of a matrix of this size lie in the data.
    pub fn holds(&self, m: usize, n: usize) -> bool {
        let along_rows = (m as isize - 1) * self.rows;
        let along_columns = (n as isize - 1) * self.columns;
        let first = self.offset + along_rows.min(0) + along_columns.min(0);
        let last = self.offset + along_rows.max(0) + along_columns.max(0);
        first >= 0 && (last as usize) < self.data.len()
    }
}
