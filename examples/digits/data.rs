//! The images: the digits embedded in the program.

use flate2::read::GzDecoder;
use plywood::prelude::*;
use std::io::Read;

/// The digits 0 to 9.
pub const CLASSES: usize = 10;

/// 8x8 pixels of 0 to 16 and the label, comma-separated; see the README beside the file.
const DIGITS: &[u8] = include_bytes!("../data/digits.csv.gz");

/// Images and what they show.
#[derive(Clone)]
pub struct Examples<B: Backend> {
    /// f32 `[n, height * width]`, from 0 (paper) to 1 (ink).
    pub images: Tensor<B>,
    /// i32 `[n]`.
    pub labels: Tensor<B>,
}

impl<B: Backend> Examples<B> {
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The examples at the places that `rows` holds.
    pub fn get(&self, rows: &Tensor<B>) -> Self {
        Examples { images: self.images.get(rows), labels: self.labels.get(rows) }
    }
}

/// Examples to learn from, and others to be judged by.
pub struct Dataset<B: Backend> {
    pub train: Examples<B>,
    pub test: Examples<B>,
    /// Height and width of an image.
    pub size: [usize; 2],
}

impl<B: Backend> Dataset<B> {
    /// The embedded digits; the key decides which fifth of them is for testing.
    pub fn built_in(key: &Tensor<B>) -> Self {
        let mut text = String::new();
        GzDecoder::new(DIGITS).read_to_string(&mut text).expect("the embedded file is whole");
        let numbers: Vec<f32> =
            text.split(['\n', ',']).filter(|n| !n.is_empty()).map(|n| n.parse().expect("a number")).collect();
        let table = Tensor::from_vec(numbers, [text.lines().count(), 8 * 8 + 1]);
        let all =
            Examples { images: table.get((.., ..-1)) / 16.0, labels: table.get((.., -1)).cast(DType::I32) };

        let order = random::permutation(key, all.len());
        let fifth = all.len() / 5;
        Dataset { train: all.get(&order.get(fifth..)), test: all.get(&order.get(..fifth)), size: [8, 8] }
    }
}
