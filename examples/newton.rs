//! Newton's method: the slope of a function by `grad`, its curvature by `hessian`.
//!
//! What to look at: both are functions made of the same [`rosenbrock`]. `hessian` is `jacfwd(jacrev(f))`: all second
//! derivatives at once, since the directions in which it differentiates are the lanes of a `vmap`. Near the minimum a step
//! doubles the number of right digits.

use plywood::prelude::*;

/// A narrow curved valley, in which following the slope takes thousands of steps; the minimum is 0 at (1, 1).
fn rosenbrock<B: Backend>(p: Tensor<B>) -> Tensor<B> {
    let (x, y) = (p.get(0), p.get(1));
    (1.0 - &x).square() + 100.0 * (y - x.square()).square()
}

/// The place where the slope is zero, and the number of steps to it.
fn minimize<B: Backend>(mut p: Tensor<B>) -> ([f64; 2], usize) {
    let (slope, curvature) = (grad(rosenbrock), hessian(rosenbrock));
    println!("step          x          y     value     slope");
    for step in 0..50 {
        let g = slope(p.clone());
        let [x, y, value, norm] =
            [p.get(0), p.get(1), rosenbrock(p.clone()), linalg::norm(&g)].map(|x| x.item::<f64>());
        println!("{step:>4}  {x:>9.6}  {y:>9.6}  {value:>8.1e}  {norm:>8.1e}");
        if norm < 1e-10 {
            return ([x, y], step);
        }
        p -= linalg::solve(&curvature(p.clone()), &g);
    }
    panic!("no minimum in 50 steps")
}

fn main() {
    let ([x, y], steps) = minimize(Tensor::<Cpu>::from([-1.2, 1.0]));
    println!("minimum ({x:.6}, {y:.6}) in {steps} steps");
}
