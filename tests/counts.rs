//! How often things are executed: recomputation in checkpoints, blocks of bounded loops, what linearize computes once.

mod counting;

use counting::{Counting, counting};
use plywood::Partial;
use plywood::prelude::*;

type C = Tensor<Counting>;
type Ad = Tensor<Autodiff<Counting>>;

fn x() -> C {
    C::arange(64).cast(DType::F64) * 0.1
}

/// sin of cos of tanh, each named.
fn chain<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let y = checkpoint_name(&x.tanh(), "y");
    let z = checkpoint_name(&y.cos(), "z");
    z.sin()
}

/// The executions of tanh, cos, sin in a gradient of `chain` inside a checkpoint of some policy.
fn executed(checkpoint: Checkpoint) -> [usize; 3] {
    let f = move |x: Ad| checkpoint.clone().of(chain)(x).sum();
    let (_, counts, _) = counting(|| grad(f)(x()));
    ["tanh", "cos", "sin"].map(|name| counts.get(name).copied().unwrap_or(0))
}

#[test]
fn a_checkpoint_computes_again_what_its_policy_does_not_keep() {
    // d sin = cos z, d cos = -sin y, d tanh = 1 - y².
    assert_eq!(
        executed(Checkpoint::new().policy(Policy::Everything)),
        [1, 2, 2],
        "once, and the derivatives"
    );
    assert_eq!(executed(Checkpoint::new()), [2, 3, 2], "tanh and cos once more; the last sin is not needed");
    assert_eq!(executed(Checkpoint::new().names(["y"])), [1, 3, 2], "from y on");
    assert_eq!(executed(Checkpoint::new().names(["y", "z"])), [1, 2, 2], "nothing again");
    assert_eq!(executed(Checkpoint::new().policy(Policy::Dots)), [2, 3, 2], "there is no product");
}

#[test]
fn dots_are_kept_by_their_policy() {
    fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let x = x.reshape([8, 8]);
        x.matmul(&x).sin().matmul(&x).cos()
    }
    let products = |checkpoint: Checkpoint| {
        let f = move |x: Ad| checkpoint.clone().of(f)(x).sum();
        let (_, counts, _) = counting(|| grad(f)(x()));
        (counts["dot_general"], counts["sin"])
    };
    // Two forward, and two for each of them backward.
    assert_eq!(products(Checkpoint::new().policy(Policy::Dots)), (6, 3));
    assert_eq!(products(Checkpoint::new()), (8, 3));
    assert_eq!(products(Checkpoint::new().policy(Policy::Everything)), (6, 2));
}

#[test]
fn a_checkpoint_in_a_scan_bounds_the_memory() {
    fn step<B: Backend>(s: Tensor<B>) -> Tensor<B> {
        s.sin().exp().tanh().cos().square().sqrt()
    }
    let run = |checkpointed: bool| {
        counting(move || {
            grad(move |x: Ad| {
                let body = |s: Tensor<Traced<Autodiff<Counting>>>, (): ()| match checkpointed {
                    true => (checkpoint(step)(s), ()),
                    false => (step(s), ()),
                };
                Scan::new().length(100).of(body)(x, ()).0.sum()
            })(x())
        })
    };
    let ((a, counts, kept), (b, again, checkpointed)) = (run(false), run(true));
    assert_eq!(a, b);
    assert_eq!(counts["exp"], 100);
    assert_eq!(again["exp"], 200);
    // A state for each step, instead of six values.
    let state = 100 * 64 * 8;
    assert!(
        kept > 5 * state && checkpointed < 3 * state,
        "{kept} and {checkpointed} bytes, a state for each step {state}"
    );
}

/// A loop of `steps` steps, bounded by `bound`.
fn bounded<B: Backend>(x: Tensor<B>, steps: i32, bound: usize) -> Tensor<B> {
    let run = WhileLoop::new().max_steps(bound).of(
        move |(i, _): &(Tensor<_>, Tensor<_>)| i.lt(steps),
        |(i, s): (Tensor<_>, Tensor<_>)| (i + 1, s.sin()),
    );
    run((Tensor::scalar(0), x)).1
}

#[test]
fn a_bounded_while_executes_its_steps_and_not_its_bound() {
    for (steps, bound) in [(10, 100), (10, 100_000), (300, 300), (300, 5000)] {
        let (_, counts, _) = counting(|| bounded(x(), steps, bound));
        assert_eq!(counts["sin"], steps as usize, "{steps} of {bound}");
        // Conditions: one for each step, and at each end of a block one that does not hold, as long as its block runs.
        assert!(counts["lt"] <= 2 * steps as usize + 200, "{steps} of {bound}: {}", counts["lt"]);
    }
}

#[test]
fn the_reverse_mode_of_a_bounded_while_takes_logarithmic_memory() {
    let reverse = |steps: i32| {
        let (_, counts, bytes) = counting(|| grad(move |x: Ad| bounded(x, steps, steps as usize).sum())(x()));
        (counts["sin"], counts["cos"], bytes as f64 / (64.0 * 8.0))
    };
    for (steps, levels) in [(16, 1), (256, 2), (4096, 3)] {
        let (sin, cos, states) = reverse(steps);
        // Each level of blocks computes its steps once more; each step has one derivative.
        assert_eq!(cos, steps as usize);
        assert!(sin <= (levels + 1) * steps as usize, "{steps} steps: {sin} forward");
        // Sixteen states of each level, a few times over.
        assert!(states <= 16.0 * 3.0 * (levels + 1) as f64, "{steps} steps: {states} states are held");
    }
}

#[test]
fn linearize_computes_what_is_known_once() {
    fn g<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let w = &x * 0.5;
        Scan::new().length(10).of(|s: Tensor<_>, (): ()| ((s * w.lift()).tanh(), ()))(x, ()).0
    }
    let ((_, df), counts, _) = counting(|| linearize(|x: Tensor<Forward<Partial<Counting>>>| g(x), (x(),)));
    assert_eq!(counts["tanh"], 10);
    let (_, counts, _) = counting(|| df((x(),)));
    assert!(!counts.contains_key("tanh"), "{counts:?}");
    assert_eq!(counts["scan"], 1);
}

#[test]
fn scans_without_steps_or_results() {
    let y = Scan::new().length(0).of(|s: Tensor<_>, (): ()| (s.sin(), s.cos()))(x(), ()).1;
    assert_eq!(y.shape()[..], [0, 64]);
    let (_, counts, _) =
        counting(|| Scan::new().of(|(): (), x: Tensor<_>| ((), x.sin()))((), x().reshape([4, -1])));
    assert_eq!(counts["sin"], 4);
}

#[test]
fn a_body_is_recorded_once_and_what_does_not_change_is_computed_once() {
    let recorded = std::cell::Cell::new(0);
    let f = |w: Ad, x: Ad| {
        let body = |s: Tensor<_>, (): ()| {
            recorded.set(recorded.get() + 1);
            ((s * w.lift().exp().sin()).tanh(), ())
        };
        Scan::new().length(50).of(body)(x, ()).0.sum()
    };
    let ((_, pullback), counts, _) = counting(|| vjp(f, (x(), x())));
    assert_eq!(recorded.get(), 1);
    assert_eq!((counts["exp"], counts["sin"], counts["tanh"]), (1, 1, 50));
    let (_, counts, _) = counting(|| pullback(C::scalar(1.0)));
    assert_eq!(counts["cos"], 1, "the derivative of what was computed once is");
    assert_eq!(recorded.get(), 1);
}
