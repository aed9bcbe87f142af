//! Plans: how to transform a lane of some length, and the roots of unity that go with it. They are made once and kept.

use super::batch::real_roots;
use super::matrix::Matrix;
use super::row::Row;
use super::vector::{Lanes, lanes};
use num_complex::Complex;
use rustfft::{Fft, FftDirection, FftPlanner};
use std::collections::HashMap;
use std::f64::consts::PI;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock};

/// Plans that are kept; when there are more, all are given up.
const KEPT: usize = 64;

/// A type of numbers to transform.
pub(super) trait Real: Lanes {
    fn plans() -> &'static Mutex<Plans<Self>>;

    fn reciprocal(n: usize) -> Self {
        Self::of(1.0 / n as f64)
    }
}

/// What is known of transforms of one type.
pub(super) struct Plans<T: Real> {
    planner: FftPlanner<T>,
    lanes: HashMap<(usize, bool), Arc<dyn Fft<T>>>,
    roots: HashMap<usize, Arc<[Complex<T>]>>,
    ladders: HashMap<usize, Arc<Ladder>>,
    rows: HashMap<usize, Arc<Row<T>>>,
    real_rows: HashMap<usize, Arc<[T]>>,
    matrices: HashMap<[usize; 2], Arc<Matrix<T>>>,
}

macro_rules! reals { ($($T:ty)*) => { $( impl Real for $T {
    fn plans() -> &'static Mutex<Plans<$T>> {
        static PLANS: OnceLock<Mutex<Plans<$T>>> = OnceLock::new();
        PLANS.get_or_init(|| Mutex::new(Plans::new()))
    }
} )* } }
reals!(f32 f64);

impl<T: Real> Plans<T> {
    fn new() -> Self {
        Plans {
            planner: FftPlanner::new(),
            lanes: HashMap::new(),
            roots: HashMap::new(),
            ladders: HashMap::new(),
            rows: HashMap::new(),
            real_rows: HashMap::new(),
            matrices: HashMap::new(),
        }
    }
}

/// What is kept under a key, or is made.
fn kept<T: Real, K: Eq + Hash, P: ?Sized>(
    of: impl Fn(&mut Plans<T>) -> &mut HashMap<K, Arc<P>>,
    key: K,
    make: impl FnOnce() -> Arc<P>,
) -> Arc<P> {
    let lock = || T::plans().lock().unwrap_or_else(|e| e.into_inner());
    if let Some(plan) = of(&mut lock()).get(&key) {
        return plan.clone();
    }
    let plan = make();
    let mut plans = lock();
    let all = of(&mut plans);
    if all.len() == KEPT {
        all.clear();
    }
    all.insert(key, plan.clone());
    plan
}

/// For rows of n complex numbers.
pub(super) fn row<T: Real>(n: usize) -> Arc<Row<T>> {
    kept(|plans| &mut plans.rows, n, || Arc::new(Row::new(n, lanes::<T>())))
}

/// For rows of n real numbers.
pub(super) fn real_row<T: Real>(n: usize) -> Arc<[T]> {
    kept(|plans| &mut plans.real_rows, n, || real_roots(n).into())
}

/// For one long transform.
pub(super) fn matrix<T: Real>(size: [usize; 2]) -> Arc<Matrix<T>> {
    let make = || Arc::new(Matrix::new(size, lanes::<T>(), ladder::<T>(size[0] * size[1])));
    kept(|plans| &mut plans.matrices, size, make)
}

/// The plan for complex lanes of this length.
pub(super) fn lane<T: Real>(n: usize, inverse: bool) -> Arc<dyn Fft<T>> {
    let mut plans = T::plans().lock().unwrap_or_else(|e| e.into_inner());
    if let Some(plan) = plans.lanes.get(&(n, inverse)) {
        return plan.clone();
    }
    if plans.lanes.len() == KEPT {
        *plans = Plans::new();
    }
    let direction = if inverse { FftDirection::Inverse } else { FftDirection::Forward };
    let plan = plans.planner.plan_fft(n, direction);
    plans.lanes.insert((n, inverse), plan.clone());
    plan
}

/// e^(-2πi k / n) for k up to n / 4.
pub(super) fn roots<T: Real>(n: usize) -> Arc<[Complex<T>]> {
    kept(|plans| &mut plans.roots, n, || (0..n / 4 + 1).map(|k| narrow(root(k, n))).collect())
}

/// All roots of unity of an order, as products of two: e^(-2πi k / n) is `fine[k % step] * coarse[k / step]`.
pub(super) struct Ladder {
    step: usize,
    fine: Vec<Complex<f64>>,
    coarse: Vec<Complex<f64>>,
}

impl Ladder {
    /// e^(-2πi k / n), k below n.
    #[inline]
    pub fn root(&self, k: usize) -> Complex<f64> {
        self.fine[k % self.step] * self.coarse[k / self.step]
    }
}

pub(super) fn ladder<T: Real>(n: usize) -> Arc<Ladder> {
    let make = || {
        let step = (n as f64).sqrt().ceil() as usize;
        let fine = (0..step).map(|k| root(k, n)).collect();
        let coarse = (0..n.div_ceil(step)).map(|k| root(k * step, n)).collect();
        Arc::new(Ladder { step, fine, coarse })
    };
    kept::<T, _, _>(|plans| &mut plans.ladders, n, make)
}

/// e^(-2πi k / n), by an angle of at most an eighth of the circle.
pub(super) fn root(k: usize, n: usize) -> Complex<f64> {
    let k = k % n;
    // The octant, and the way into it from the nearer side.
    let eighth = (8 * k / n) as u32;
    let from = |k: usize| 2.0 * PI * k as f64 / n as f64;
    let (re, im) = match eighth {
        0 => (from(k).cos(), -from(k).sin()),
        7 => (from(n - k).cos(), from(n - k).sin()),
        // A distance to a quarter: |4k - n| / 4 of n.
        1 | 2 => {
            let angle = PI / 2.0 * (4.0 * k as f64 - n as f64) / n as f64;
            (-angle.sin(), -angle.cos())
        }
        3 | 4 => {
            let angle = PI * (2.0 * k as f64 - n as f64) / n as f64;
            (-angle.cos(), angle.sin())
        }
        _ => {
            let angle = PI / 2.0 * (4.0 * k as f64 - 3.0 * n as f64) / n as f64;
            (angle.sin(), angle.cos())
        }
    };
    Complex::new(re, im)
}

pub(super) fn narrow<T: Lanes>(x: Complex<f64>) -> Complex<T> {
    Complex::new(T::of(x.re), T::of(x.im))
}
