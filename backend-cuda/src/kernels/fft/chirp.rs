//! Axes of any size as convolutions (Bluestein): `jk = (j² + k² - (k - j)²) / 2`, so that the transform is a product with chirps
//! around a convolution with one, and that is a product of transforms whose size is a power of two.

use super::lanes::Input;
use super::tables::Table;
use super::{Axis, Pair, Part, Transforms};
use crate::launch::Operand;
use cubecl::prelude::Runtime;

impl<R: Runtime> Transforms<'_, '_, R> {
    /// Transforms an axis by way of a circle of at least twice its size.
    pub(super) fn chirp(&self, x: &Pair, axis: Axis, circle: usize, kept: usize, factor: f64) -> Pair {
        let Axis { outer, n, inner } = axis;
        let chirp = self.table(Table::Chirp { n });
        let chirp = || [0, 1].map(|offset| Operand { offset, ..chirp.operand([0, 2, 0, 0]) });
        let domain = |n: usize| [outer, n, inner, 1];
        let wide = Axis { n: circle, ..axis };
        let whole = |x: &Pair| [&x.re, &x.im].map(|part| part.operand(wide.strides(circle, 0)));
        let elements = outer * circle * inner;

        // x times the chirp, and zeros behind it.
        let [re, im] = [(); 2].map(|()| Part::new(self.zeros(elements)));
        let padded = Pair { re, im };
        let read = [&x.re, &x.im].map(|part| part.operand(axis.strides(n, 0)));
        self.multiply(&domain(n), read, chirp(), whole(&padded));

        let transformed = self.axis(&padded, wide, Input::Complex, circle, 1.0);
        let distances = self.distances(n, circle);
        let distances = [&distances.re, &distances.im].map(|part| part.operand([0, 1, 0, 0]));
        let [re, im] = [(); 2].map(|()| Part::new(self.empty(elements)));
        let product = Pair { re, im };
        self.multiply(&domain(circle), whole(&transformed), distances, whole(&product));
        let convolved =
            self.axis(&product.exchanged(), wide, Input::Complex, circle, factor / circle as f64).exchanged();

        let [re, im] = [(); 2].map(|()| Part::new(self.empty(outer * kept * inner)));
        let result = Pair { re, im };
        let to = [&result.re, &result.im].map(|part| part.operand(axis.strides(kept, 0)));
        self.multiply(&domain(kept), whole(&convolved), chirp(), to);
        result
    }

    /// The transform of the conjugate chirp around the circle.
    fn distances(&self, n: usize, circle: usize) -> Pair {
        let table = self.table(Table::Distances { n, circle });
        let [re, im] = [0, 1].map(|offset| {
            let part = Part::new(self.empty(circle));
            let from = Operand { offset, ..table.operand([0, 2, 0, 0]) };
            self.queue.copy(self.dtype, &[1, circle, 1, 1], from, part.operand([0, 1, 0, 0]));
            part
        });
        let axis = Axis { outer: 1, n: circle, inner: 1 };
        self.axis(&Pair { re, im }, axis, Input::Complex, circle, 1.0)
    }
}
