//! What the machine can do, as a side: the copy of so many bytes, so many floating-point operations, an empty call.

use plywood_benches::measure::Work;
use plywood_benches::peers::Bound;
use plywood_benches::peers::protocol::{Job, serve as serve_by};
use plywood_benches::reference;
use rayon::prelude::*;
use std::hint::black_box;
use std::io;

/// Sums that do not wait for each other: enough to fill the pipelines of every processor, and few enough for its registers.
const CHAINS: usize = 12;
/// Operations below which one thread does them all: waking others would take as long.
const ALONE: usize = 4_000_000;

/// The name of the case that bounds a case.
pub fn bound(bound: Bound) -> String {
    match bound {
        Bound::Bytes(bytes) => format!("copy {bytes}"),
        // What writes n numbers reads nothing; a copy moves each byte twice.
        Bound::Numbers(n) => format!("copy {}", 4 * n),
        Bound::Flops(flops) => format!("flops {flops}"),
        Bound::Dispatch => "call 0".to_string(),
    }
}

/// So many fused multiplications and additions, each two operations, by the widest registers that there are.
struct MultiplyAdd(usize);

impl pulp::WithSimd for MultiplyAdd {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> f32 {
        let [x, y] = [0.999, 0.001].map(|number: f32| simd.splat_f32s(black_box(number)));
        let mut sums = [simd.splat_f32s(0.0); CHAINS];
        for _ in 0..self.0 / (CHAINS * S::F32_LANES) {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, x, y);
            }
        }
        sums.map(|sum| simd.reduce_sum_f32s(sum)).iter().sum()
    }
}

fn multiply_add(flops: usize) -> f32 {
    pulp::Arch::new().dispatch(MultiplyAdd(flops / 2))
}

fn flops(flops: usize) -> Work {
    let threads = if flops < ALONE { 1 } else { rayon::current_num_threads() };
    Box::new(move || {
        if threads == 1 {
            black_box(multiply_add(flops));
        } else {
            (0..threads).into_par_iter().for_each(|_| {
                black_box(multiply_add(flops / threads));
            });
        }
    })
}

/// A call through a pointer that allocates its small result.
fn call() -> Work {
    let f: Box<dyn Fn() -> Box<[f32; 16]>> = Box::new(|| Box::new([1.0; 16]));
    Box::new(move || drop(black_box(black_box(&f)())))
}

fn case(name: &str) -> Option<Job> {
    let (what, n) = name.split_once(' ')?;
    let n = n.parse().ok()?;
    let call = match what {
        "copy" => reference::copy(n),
        "flops" => flops(n),
        "call" => call(),
        _ => return None,
    };
    Some(Job { call, result: Box::new(Vec::new), how: "" })
}

/// Answers.
pub fn serve() -> io::Result<()> {
    serve_by("the machine", case)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_is_a_case() {
        for all in [Bound::Bytes(64), Bound::Numbers(64), Bound::Flops(1000), Bound::Dispatch] {
            (case(&bound(all)).expect("there is one").call)();
        }
        assert!(case("nothing").is_none() && case("copy x").is_none());
    }
}
