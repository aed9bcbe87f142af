//! Cholesky and LU factors and what is made of them, and triangular systems.
//!
//! A cube has a matrix, or a few right sides of one ([`cube::Cube`]): a step eliminates a column from what is right of it, and the units
//! meet. Small matrices lie in shared memory meanwhile. Large ones are taken panel by panel: what is right of a panel is then a
//! product, of which every cube takes a tile ([`update`]). Each element is computed in one order, so no result depends on the
//! batch. What has no result is NaN, matrix by matrix.
//!
//! QR, eigenvalues and singular values are the host's: many short steps that wait for each other, and for tests of convergence, at
//! which a device idles.

mod cholesky;
mod cube;
mod lu;
mod triangular;
mod update;

use super::Queue;
use crate::data::{self, Buffer, Storage};
use crate::queue::{self, Code};
use cube::{Cube, PANEL};
use cubecl::ir::Type;
use cubecl::prelude::Runtime;
use plywood_core::op::Linalg;
use plywood_core::{DType, TensorType, Value, Values};
use std::sync::Arc;
use triangular::Triangular;
use update::Update;

/// Right sides that a cube solves at once.
const COLUMNS: usize = 32;

/// Each matrix of the batch by itself.
pub fn linalg<R: Runtime>(queue: &Queue<'_, R>, types: &[TensorType], x: Values, l: Linalg) -> Values {
    let (rank, dtype) = (x[0].rank(), x[0].dtype());
    let (m, n) = (x[0].shape()[rank - 2], x[0].shape()[rank - 1]);
    let columns = x.get(1).map_or(0, |b| b.shape()[rank - 1]);
    let count = x[0].shape()[..rank - 2].iter().product();
    let x: Vec<Matrices> = x.into_iter().map(|x| Matrices::of(&queue.contiguous(x))).collect();
    let batch = Batch { queue, dtype, count, m, n };
    let to: Vec<Buffer> = types.iter().map(|ty| queue.empty(ty)).collect();
    match l {
        Linalg::Cholesky => batch.cholesky(&x[0], &to[0]),
        Linalg::TriangularSolve { lower, transpose, unit_diagonal } => {
            batch.triangular([lower, transpose, unit_diagonal], &x[0], &x[1], None, columns, &to[0]);
        }
        Linalg::Solve { transpose } => {
            let [factors, pivots, permutation] = batch.space();
            batch.lu(&x[0], transpose, [&factors, &pivots, &permutation], None);
            let (factors, between) = (Matrices { buffer: factors, offset: 0 }, batch.empty(n * columns));
            batch.triangular([true, false, true], &factors, &x[1], Some(&permutation), columns, &between);
            let between = Matrices { buffer: between, offset: 0 };
            batch.triangular([false, false, false], &factors, &between, None, columns, &to[0]);
        }
        Linalg::Det => {
            let [factors, pivots, permutation] = batch.space();
            batch.lu(&x[0], false, [&factors, &pivots, &permutation], Some(&to[0]));
        }
        Linalg::Lu => batch.lu(&x[0], false, [&to[0], &to[1], &to[2]], None),
        Linalg::Qr { .. } | Linalg::Eigh | Linalg::Svd { .. } => unreachable!("{} has no kernels", l.name()),
    }
    types.iter().zip(to).map(|(ty, buffer)| queue.filled(ty.clone(), buffer)).collect()
}

/// Matrices in row-major order, from an element on.
struct Matrices {
    buffer: Buffer,
    offset: usize,
}

impl Matrices {
    fn of(x: &Value) -> Matrices {
        match &data::data(x).storage {
            Storage::Device(buffer) => {
                Matrices { buffer: buffer.clone(), offset: data::data(x).layout.offset }
            }
            Storage::Number(_) => unreachable!("it is in memory"),
        }
    }
}

/// So many m x n matrices.
struct Batch<'a, 'q, R: Runtime> {
    queue: &'a Queue<'q, R>,
    dtype: DType,
    count: usize,
    m: usize,
    n: usize,
}

impl<R: Runtime> Batch<'_, '_, R> {
    /// Memory for so many elements of each matrix.
    fn empty(&self, each: usize) -> Buffer {
        self.queue.client.empty(self.count * each * self.dtype.size())
    }

    /// For factors, pivots and permutations.
    fn space(&self) -> [Buffer; 3] {
        let integers = |n: usize| self.queue.client.empty(self.count * n * 4);
        [self.empty(self.m * self.n), integers(self.m.min(self.n)), integers(self.m)]
    }

    fn cube(&self, elements: usize) -> Cube {
        Cube::new(&self.queue.client.facts, self.dtype, elements)
    }

    fn ty(&self) -> Type {
        cube::ty(self.dtype)
    }

    fn numbers(&self, all: &[usize]) -> Vec<u32> {
        let whole = |&n: &usize| {
            u32::try_from(n).unwrap_or_else(|_| panic!("{}: {n} elements", self.queue.client.device))
        };
        whole(&(self.count * self.m * self.n));
        all.iter().map(whole).collect()
    }

    /// The ends of panels, of which one is all where the matrix lies in shared memory.
    fn panels(&self, cube: Cube) -> impl Iterator<Item = [usize; 2]> + use<R> {
        let least = self.m.min(self.n);
        let width = if cube.shared.is_some() || least <= PANEL { least.max(1) } else { PANEL };
        (0..least.max(1)).step_by(width).map(move |first| [first, (first + width).min(least)])
    }

    fn cholesky(&self, x: &Matrices, to: &Buffer) {
        let code = Arc::new(cholesky::Cholesky { dtype: self.dtype, cube: self.cube(self.n * self.n) });
        let arguments = [(&x.buffer, self.ty()), (to, self.ty())];
        for [first, end] in self.panels(code.cube) {
            let numbers = self.numbers(&[self.count, self.n, x.offset, first, end]);
            self.queue("cholesky", code.clone(), &arguments, &numbers, code.cube.units, self.count);
            self.update(to, [first, end], true);
        }
    }

    /// The factors of the matrices, or of their transposes; and their determinants, where these are asked for.
    fn lu(
        &self,
        x: &Matrices,
        transposed: bool,
        [factors, pivots, order]: [&Buffer; 3],
        determinants: Option<&Buffer>,
    ) {
        let (m, n, least) = (self.m, self.n, self.m.min(self.n));
        let (cube, integers) = (self.cube(m * n), cube::ty(DType::I32));
        let mut arguments =
            vec![(&x.buffer, self.ty()), (factors, self.ty()), (pivots, integers), (order, integers)];
        for [first, end] in self.panels(cube) {
            // Alone it eliminates what is right of it as well.
            let all = cube.shared.is_some() || least <= PANEL;
            let determinants = determinants.filter(|_| end == least);
            arguments.extend(determinants.map(|buffer| (buffer, self.ty())));
            let code = lu::Lu { dtype: self.dtype, cube, transposed, determinant: determinants.is_some() };
            let numbers =
                self.numbers(&[self.count, m, n, least, x.offset, first, if all { n } else { end }]);
            self.queue("lu", Arc::new(code), &arguments, &numbers, cube.units, self.count);
            if !all {
                self.beside(factors, [first, end]);
                self.update(factors, [first, end], false);
            }
        }
    }

    /// The rows of U beside a panel, by the panel's triangle.
    fn beside(&self, factors: &Buffer, [first, end]: [usize; 2]) {
        let (n, columns) = (self.n, self.n - end);
        let place = |column: usize| [first * n + column, self.m * n, n];
        let system = Triangular {
            dtype: self.dtype,
            cube: self.few(end - first, columns),
            lower: true,
            transposed: false,
            unit_diagonal: true,
            ordered: false,
            in_place: true,
        };
        self.solve(
            system,
            end - first,
            columns,
            &[(factors, self.ty())],
            [place(first), place(end), place(end)],
        );
    }

    /// What is right of a panel and below.
    fn update(&self, factors: &Buffer, [first, end]: [usize; 2], symmetric: bool) {
        let [down, across] = [self.m - end, self.n - end].map(|left| left.div_ceil(PANEL));
        let cube = Cube { shared: None, ..self.cube(PANEL * PANEL) };
        let code = Update { dtype: self.dtype, cube, symmetric };
        let all = self.count * down * across;
        let numbers = self.numbers(&[all, down, across, self.m, self.n, first, end]);
        self.queue("update", Arc::new(code), &[(factors, self.ty())], &numbers, cube.units, all);
    }

    /// Solves for right sides, whose rows may come in another order.
    fn triangular(
        &self,
        [lower, transposed, unit_diagonal]: [bool; 3],
        a: &Matrices,
        b: &Matrices,
        order: Option<&Buffer>,
        columns: usize,
        to: &Buffer,
    ) {
        let n = self.n;
        let system = Triangular {
            dtype: self.dtype,
            cube: self.few(n, columns),
            lower,
            transposed,
            unit_diagonal,
            ordered: order.is_some(),
            in_place: false,
        };
        let mut arguments = vec![(&a.buffer, self.ty()), (&b.buffer, self.ty())];
        arguments.extend(order.map(|buffer| (buffer, cube::ty(DType::I32))));
        arguments.push((to, self.ty()));
        let sides = |offset: usize| [offset, n * columns, columns];
        self.solve(system, n, columns, &arguments, [[a.offset, n * n, n], sides(b.offset), sides(0)]);
    }

    /// Puts triangular systems of order n in the queue.
    fn solve(
        &self,
        system: Triangular,
        n: usize,
        columns: usize,
        arguments: &[(&Buffer, Type)],
        places: [[usize; 3]; 3],
    ) {
        let (units, blocks) = (system.cube.units, columns.div_ceil(COLUMNS));
        self.numbers(&[self.count * n * columns]);
        let numbers = [&[self.count * blocks, blocks, n, columns][..], places.as_flattened()].concat();
        self.queue(
            "triangular",
            Arc::new(system),
            arguments,
            &self.numbers(&numbers),
            units,
            self.count * blocks,
        );
    }

    /// The cube for a few right sides.
    fn few(&self, n: usize, columns: usize) -> Cube {
        let cube = self.cube(n * columns.min(COLUMNS));
        let across = columns.clamp(1, COLUMNS).next_power_of_two() as u32;
        Cube { shared: None, across: across.min(cube.units), ..cube }
    }

    fn queue<C: Code>(
        &self,
        name: &str,
        code: Arc<C>,
        arguments: &[(&Buffer, Type)],
        numbers: &[u32],
        units: u32,
        cubes: usize,
    ) {
        queue::queue(self.queue.client, name, code, arguments, numbers, units, cubes);
    }
}
