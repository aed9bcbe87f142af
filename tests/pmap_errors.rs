//! What goes wrong on many devices: an error that names the device, the axis and the line, within a time limit; and the next program
//! runs well.

use plywood::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::time::Duration;

type C = Tensor<Cpu>;

/// Longer than any program takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// The message with which `f` panics, on a thread of its own; panics if it does not end, or does not fail.
fn fails(what: &str, f: impl FnOnce() + Send + 'static) -> String {
    let (done, ended) = channel();
    std::thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(f));
        let _ = done.send(result.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or(panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default()
        }));
    });
    match ended.recv_timeout(LIMIT) {
        Ok(Err(message)) => message,
        Ok(Ok(())) => panic!("{what}: it does not fail"),
        Err(_) => panic!("{what}: it hangs"),
    }
}

fn holds(what: &str, message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{what}: {part:?} is not in: {message}");
    }
}

fn next_program_runs() {
    let y = Pmap::new().axis_name("i").of(|x: Tensor<_>| psum(x, "i"))(C::arange(4).cast(DType::F32));
    assert_eq!(y.to_vec::<f32>(), [6.0; 4]);
}

/// On four devices: what each does with a number of its own.
fn on_four<F>(f: F)
where
    F: Fn(Tensor<Traced<Cpu>>) -> Tensor<Traced<Cpu>> + Send + Sync + 'static,
{
    let y = Pmap::new().axis_name("i").of(f)(C::from([1.0f32, 2.0, 3.0, 4.0]));
    y.to_vec::<f32>();
}

type R = Tensor<Traced<Cpu>>;

fn first() -> R {
    axis_index::<Traced<Cpu>>("i").eq(0)
}

fn doubled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x * 2.0
}
fn sum<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    psum(x, "i")
}
fn another_sum<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    psum(x * 3.0, "i")
}
fn most<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    pmax(x, "i")
}
fn sum_then_most<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    pmax(psum(x, "i") + 1.0, "i")
}
fn most_then_sum<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    psum(pmax(x, "i") + 1.0, "i")
}
fn sum_of_one<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    psum(x.reshape([1]), "i").sum()
}
fn sum_of_three<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    psum(x.broadcast_to([3]), "i").sum()
}
/// As many sums as the number of the device, and one.
fn loops<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let n = axis_index::<B>("i");
    let (_, _, x) = while_loop(
        |(k, n, _): &(Tensor<_>, Tensor<_>, Tensor<_>)| k.le(n),
        |(k, n, x): (Tensor<_>, Tensor<_>, Tensor<_>)| (k + 1, n, psum(x, "i")),
        (n.zeros_like(), n, x),
    );
    x
}

#[test]
fn devices_that_go_different_ways() {
    type Case = (&'static str, fn(), &'static [&'static str]);
    let cases: &[Case] = &[
        (
            "one skips",
            || on_four(|x| cond(first(), doubled, sum, x)),
            &["psum over \"i\", at tests/pmap_errors.rs:", "is not reached by all devices: cpu:0 has ended"],
        ),
        (
            "all but one skip",
            || on_four(|x| cond(first(), sum, doubled, x)),
            &["on cpu:0: psum over \"i\"", "cpu:1 has ended, cpu:2 has ended, cpu:3 has ended"],
        ),
        (
            "another one",
            || on_four(|x| cond(first(), sum, most, x)),
            &["psum over \"i\"", "pmax over \"i\"", "devices reach the same collectives in the same order"],
        ),
        (
            "another order",
            || on_four(|x| cond(first(), sum_then_most, most_then_sum, x)),
            &["psum over \"i\"", "pmax over \"i\"", "devices reach the same collectives in the same order"],
        ),
        (
            "the same one elsewhere",
            || on_four(|x| cond(first(), sum, another_sum, x)),
            &["psum over \"i\"", "devices reach the same collectives in the same order"],
        ),
        (
            "of another shape",
            || on_four(|x| cond(first(), sum_of_one, sum_of_three, x)),
            &["f32[1]", "f32[3]", "devices reach the same collectives in the same order"],
        ),
        (
            "a loop that ends at different times",
            || on_four(loops),
            &[
                "psum over \"i\", at tests/pmap_errors.rs:",
                "is not reached by all devices",
                "cpu:0 has ended",
            ],
        ),
    ];
    for (what, program, parts) in cases {
        let message = fails(what, program);
        holds(what, &message, &["pmap, at tests/pmap_errors.rs:", "on cpu:"]);
        holds(what, &message, parts);
        next_program_runs();
    }
}

/// On a mesh of two by two: what each does with a number of its own, and with its numbers along the axes.
fn on_square<F>(f: F)
where
    F: Fn(R, R, R) -> R + Send + Sync + 'static,
{
    let g = move |x: R| {
        let (i, j) = (axis_index::<Traced<Cpu>>("i"), axis_index::<Traced<Cpu>>("j"));
        f(x.sum(), i, j).reshape([1, 1])
    };
    let mesh = Mesh::new([("i", 2), ("j", 2)]);
    let both = || spec(("i", "j"));
    let y = ShardMap::new(&mesh).in_specs(both()).out_specs(both()).of(g)(C::from([[1.0, 2.0], [3.0, 4.0]]));
    y.to_vec::<f64>();
}

/// As one that differs along both axes, as what the other branch gives does.
fn differing<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let zero = (axis_index::<B>("i") + axis_index::<B>("j")).minimum(0);
    x + zero.cast(DType::F64)
}
fn along_i_then_j<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    differing(psum(psum(x * 2.0, "i") + 1.0, "j"))
}
fn along_j_then_i<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    differing(psum(psum(x * 2.0, "j") + 1.0, "i"))
}
fn along_all<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    differing(pmax(pmax(pmax(psum(x, "i"), "j"), "i"), "j"))
}

/// Two axes: each device waits in one for somebody who waits in the other.
#[test]
fn axes_that_cross() {
    let message = fails("crossing", || on_square(|x, i, j| cond(i.eq(j), along_i_then_j, along_j_then_i, x)));
    holds(
        "crossing",
        &message,
        &["psum over ", "is not reached by all devices: cpu:", " waits in psum over "],
    );
    next_program_runs();
}

/// A sum of a sum: who waits for the second, waits for the first.
#[test]
fn one_is_missing_some_collectives_before() {
    for missing in 0..4 {
        let message = fails("before", move || {
            on_square(move |x, i, j| cond((i * 2 + j).eq(missing), differing, along_all, x))
        });
        let ended = format!("cpu:{missing} has ended");
        holds(
            "before",
            &message,
            &["at tests/pmap_errors.rs:", " over ", "is not reached by all devices", &ended],
        );
        next_program_runs();
    }
}

#[test]
fn results_that_differ_are_not_said_to_be_the_same() {
    let mesh = || Mesh::new([("data", 2), ("model", 2)]);
    type Case = (&'static str, fn(R) -> R, &'static str);
    let cases: &[Case] = &[
        ("as it came", |x| x, "\"data\""),
        ("summed over the other", |x| psum(x, "model"), "\"data\""),
        ("sent on", |x| ppermute(psum(x, "data"), "model", &[(0, 1), (1, 0)]), "\"model\""),
        ("numbered", |x| psum(x, "data") * axis_index::<Traced<Cpu>>("model"), "\"model\""),
        ("gathered", |x| all_gather(x, "data").sum_axes([0]), "\"data\""),
        ("scattered", |x| psum_scatter(x.reshape([2, 1]), "data"), "\"data\""),
    ];
    for &(what, f, axis) in cases {
        let message = fails(what, move || {
            let f = move |x: R| f(x).sum();
            ShardMap::new(&mesh()).in_specs(spec("data")).of(f)(C::from([1.0, 2.0, 3.0, 4.0]));
        });
        let said = format!(
            "which differs between devices over {axis}, and its spec in out_specs says that it is the same there"
        );
        holds(what, &message, &["shard_map: result is f64[]", &said, "tests/pmap_errors.rs:"]);
        next_program_runs();
    }
    let message = fails("pmap", || {
        Pmap::new().axis_name("i").out_axes(None).of(|x: R| x * 2.0)(C::from([1.0, 2.0]));
    });
    holds(
        "pmap",
        &message,
        &["pmap: tensor 0 of the result may differ between devices, and out_axes says None"],
    );
}

/// Programs that fail and programs that do not, of several threads at once, on the same devices.
#[test]
fn threads_at_once() {
    let threads: Vec<_> = (0..4u64)
        .map(|seed| {
            std::thread::spawn(move || {
                for k in 0..10 {
                    if (seed + k) % 3 == 0 {
                        let message = fails("at once", || on_four(|x| cond(first(), doubled, sum, x)));
                        holds("at once", &message, &["is not reached by all devices: cpu:0 has ended"]);
                    } else {
                        next_program_runs();
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("each thread's programs are its own"));
}
