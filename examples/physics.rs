//! From Earth to Mars: derivatives through a simulation, and the flight found with them.
//!
//! What to look at:
//! - [`fly`] integrates an orbit with `scan`: the loop stays one operation, whose derivative is a loop too; its state is a
//!   plain struct, and its body calls `grad`, since gravity is the gradient of a potential;
//! - the same `miss` goes into `grad` (backwards through the loop: all derivatives at once) and into `jvp` (along with the
//!   loop: one direction at a time), and both agree with differences;
//! - [`aim`] finds the velocity that reaches the target, by Newton's method: `linearize` flies once, and gives the linear
//!   map from changes of the start to changes of the arrival.
//!
//! Lengths are in astronomical units, times in years; the Sun rests at the origin.

use plywood::prelude::*;
use std::f64::consts::PI;

const GM: f64 = 4.0 * PI * PI;
const STEPS: usize = 1000;
const DT: f64 = 0.7 / STEPS as f64;
/// Where Mars is when the flight ends.
const TARGET: [f64; 2] = [-1.42, 0.52];

#[derive(Clone, Tree)]
struct Body<B: Backend> {
    position: Tensor<B>,
    velocity: Tensor<B>,
}

fn potential<B: Backend>(r: Tensor<B>) -> Tensor<B> {
    -GM / r.square().sum().sqrt()
}

fn gravity<B: Backend>(r: &Tensor<B>) -> Tensor<B> {
    -grad(potential)(r.clone())
}

fn energy<B: Backend>(body: &Body<B>) -> Tensor<B> {
    0.5 * body.velocity.square().sum() + potential(body.position.clone())
}

/// A step of the leapfrog method: half a kick, a drift, half a kick.
fn leapfrog<B: Backend>(Body { position, velocity }: Body<B>) -> Body<B> {
    let velocity = velocity + 0.5 * DT * gravity(&position);
    let position = position + DT * &velocity;
    let velocity = velocity + 0.5 * DT * gravity(&position);
    Body { position, velocity }
}

/// The state at the end, and the energy after each step.
fn fly<B: Backend>(start: Body<B>) -> (Body<B>, Tensor<B>) {
    let step = |body, ()| {
        let body = leapfrog(body);
        let energy = energy(&body);
        (body, energy)
    };
    Scan::new().length(STEPS).of(step)(start, ())
}

/// Where a flight from Earth ends.
fn arrival<B: Backend>(velocity: Tensor<B>) -> Tensor<B> {
    let start = Body { position: Tensor::from([1.0, 0.0]), velocity };
    fly(start).0.position
}

/// The square of the distance from the target at the end.
fn miss<B: Backend>(start: Body<B>) -> Tensor<B> {
    (fly(start).0.position - Tensor::from(TARGET)).square().sum()
}

/// The velocity that reaches the target, by Newton's method.
fn aim<B: Backend>(mut velocity: Tensor<B>) -> Tensor<B> {
    for _ in 0..6 {
        let (end, push) = linearize(arrival, (velocity.clone(),));
        let error = end - Tensor::from(TARGET);
        println!("  {velocity}, off by {:.1e}", error.square().sum().sqrt().item::<f64>());
        let along = |i: usize| push((Tensor::eye(2, DType::F64).get(i),));
        velocity -= linalg::solve(&stack([&along(0), &along(1)], 1), &error);
    }
    velocity
}

/// The derivative of `f` in a direction by central differences, of two step sizes so that the leading errors cancel.
fn differences<B: Backend>(f: fn(Body<B>) -> Tensor<B>, at: &Body<B>, along: &Body<B>) -> f64 {
    let f = |h: f64| f(tree_map([at.clone(), along.clone()], |[x, d]| x + h * d)).item::<f64>();
    let slope = |h: f64| (f(h) - f(-h)) / (2.0 * h);
    (4.0 * slope(5e-4) - slope(1e-3)) / 3.0
}

/// Prints the derivatives of `miss` by each coordinate of the start, in three ways; the largest relative error.
fn compare<B: Backend>(start: Body<B>) -> f64 {
    let Body { position, velocity } = grad(miss)(start.clone());
    let reverse = concatenate([&position, &velocity], 0).to_vec::<f64>();
    let directions = Tensor::<B>::eye(4, DType::F64);
    let mut error = 0.0f64;
    println!("miss by                 grad             jvp     differences");
    for (i, name) in ["position x", "position y", "velocity x", "velocity y"].iter().enumerate() {
        let along = Body { position: directions.get((i, ..2)), velocity: directions.get((i, 2..)) };
        let reverse = reverse[i];
        let forward = jvp(miss, (start.clone(),), (along.clone(),)).1.item::<f64>();
        let expected = differences(miss, &start, &along);
        println!("  {name}  {reverse:>14.9}  {forward:>14.9}  {expected:>14.9}");
        error = error.max((reverse - expected).abs().max((forward - expected).abs()) / expected.abs());
    }
    error
}

fn run<B: Backend>() -> f64 {
    let start = Body { position: Tensor::<B>::from([1.0, 0.0]), velocity: Tensor::from([0.0, 7.0]) };
    let (_, energies) = fly(start.clone());
    let drift = (energies / energy(&start) - 1.0).abs().max();
    println!("relative drift of the energy {:.1e}\n", drift.item::<f64>());

    let error = compare(start.clone());

    println!("\nvelocity");
    let velocity = aim(start.velocity);
    assert!(miss(Body { velocity, ..start }).item::<f64>() < 1e-20);
    error
}

fn main() {
    let error = run::<Cpu>();
    println!("\ngradient error {error:.1e}");
    assert!(error <= 1e-6);
}
