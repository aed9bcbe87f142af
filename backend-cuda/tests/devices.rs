//! Programs on many devices, on a GPU: the one there is stands at several places of the mesh, so each place has a thread of its own,
//! and all that they hand to each other goes the way that it would go between devices, but for the copies. Held to the CPU.

#![cfg(feature = "wgpu")]

use plywood::prelude::*;
use plywood::{Op, Value};
use plywood_backend_cuda::Wgpu;
use std::any::Any;
use std::sync::{Mutex, MutexGuard};

/// Whether there is a device; what programs did is counted for the process, so tests take turns.
fn turn() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    if let Err(e) = Wgpu::found() {
        println!("left out: {e}");
        return None;
    }
    Some(TURN.lock().unwrap_or_else(|e| e.into_inner()))
}

/// The first device at all of `n` places.
fn places(n: usize) -> Vec<Device> {
    vec![Device { kind: "wgpu", index: 0 }; n]
}

fn moved<A: Backend, B: Backend>(x: &Tensor<A>) -> Tensor<B> {
    Tensor::of(Value::create(B::ENGINE, Op::Constant(x.value().array("test"))))
}

fn gpu(x: &Tensor<Cpu>) -> Tensor<Wgpu> {
    moved(x)
}

/// Near in f32; integers are the same.
#[track_caller]
fn near(gpu: &Tensor<Wgpu>, cpu: &Tensor<Cpu>) {
    assert_eq!((gpu.shape(), gpu.dtype()), (cpu.shape(), cpu.dtype()));
    let numbers = |x: Tensor<Cpu>| x.cast(DType::F64).to_vec::<f64>();
    let (a, b) = (numbers(moved(gpu)), numbers(cpu.clone()));
    let most = if cpu.dtype().is_float() { 2e-5 } else { 0.0 };
    let largest = b.iter().fold(0.0, |m: f64, b| m.max(b.abs()));
    let far = a.iter().zip(&b).position(|(a, b)| (a - b).abs() > most * largest);
    assert_eq!(far, None, "{a:?} {b:?}");
}

fn normal(seed: u64, shape: &[usize]) -> Tensor<Cpu> {
    random::normal(&random::key::<Cpu>(seed), shape, DType::F32)
}

fn message(panic: Box<dyn Any + Send>) -> String {
    *panic.downcast::<String>().expect("a message")
}

#[test]
fn random_numbers_are_the_cpus() {
    let Some(_turn) = turn() else { return };
    for n in [1, 2, 3] {
        let keys = random::split_n(&random::key::<Cpu>(0), n);
        fn bits<B: Backend>(key: Tensor<B>) -> Tensor<B> {
            random::bits(&key, [4, 5], DType::U32)
        }
        fn numbers<B: Backend>(key: Tensor<B>) -> Tensor<B> {
            random::normal(&key, [4, 5], DType::F32)
        }
        near(&Pmap::new().devices(places(n)).of(bits)(gpu(&keys)), &pmap(bits)(keys.clone()));
        near(&Pmap::new().devices(places(n)).of(numbers)(gpu(&keys)), &vmap(numbers)(keys));
    }
}

fn loss<B: Backend>(w: Vec<Tensor<B>>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let hidden = (x.matmul(&w[0]) + &w[1]).tanh();
    (hidden.matmul(&w[2]) + &w[3] - y).square().mean()
}

#[test]
fn a_network_is_trained_on_a_share_of_the_examples_each() {
    let Some(_turn) = turn() else { return };
    fn step<B: Backend>(w: Vec<Tensor<B>>, x: Tensor<B>, y: Tensor<B>) -> Vec<Tensor<B>> {
        let g = grad(loss)(w.clone(), x, y);
        tree_map([w, g], |[w, g]| w - 0.1 * (psum(g, "i") / axis_size("i") as f64))
    }
    fn alone<B: Backend>(w: Vec<Tensor<B>>, x: Tensor<B>, y: Tensor<B>) -> Vec<Tensor<B>> {
        let g = grad(loss)(w.clone(), x, y);
        tree_map([w, g], |[w, g]| w - 0.1 * g)
    }
    for n in [1, 2, 3] {
        let mut w: Vec<Tensor<Cpu>> =
            vec![normal(1, &[6, 16]), normal(2, &[16]), normal(3, &[16, 2]), normal(4, &[2])];
        let mut on_gpu: Vec<Tensor<Wgpu>> = w.iter().map(gpu).collect();
        let (x, y) = (normal(5, &[n, 8, 6]), normal(6, &[n, 8, 2]));
        let steps =
            Pmap::new().axis_name("i").in_axes((None, 0, 0)).out_axes(None).devices(places(n)).of(step);
        for _ in 0..5 {
            on_gpu = steps(on_gpu, gpu(&x), gpu(&y));
            w = alone(w, x.reshape([n * 8, 6]), y.reshape([n * 8, 2]));
        }
        on_gpu.iter().zip(&w).for_each(|(a, b)| near(a, b));
    }
}

#[test]
fn every_collective_is_the_cpus() {
    let Some(_turn) = turn() else { return };
    fn all<B: Backend>(x: Tensor<B>) -> Vec<Tensor<B>> {
        vec![
            psum(x.clone(), "i"),
            pmean(x.clone(), "i"),
            pmax(x.clone(), "i"),
            pmin(x.clone(), "i"),
            all_gather(x.clone(), "i"),
            psum_scatter(x.clone(), "i"),
            all_to_all(x.clone(), "i", 0, 1),
            ppermute(x.clone(), "i", &[(0, axis_size("i") - 1)]),
            &x * axis_index::<B>("i"),
            // One after the other.
            psum(ppermute(psum(x.clone(), "i") * &x, "i", &[(0, axis_size("i") - 1)]), "i"),
        ]
    }
    for n in [1, 2, 3] {
        let x = normal(n as u64, &[n, n, 3, 5]);
        let integers = (&x * 100.0).cast(DType::I32);
        for x in [x, integers] {
            let on_gpu = Pmap::new().axis_name("i").devices(places(n)).of(all)(gpu(&x));
            let on_cpu = Pmap::new().axis_name("i").of(all)(x.clone());
            on_gpu.iter().zip(&on_cpu).for_each(|(a, b)| near(a, b));
            let lanes = Vmap::new().axis_name("i").of(all)(x);
            on_gpu.iter().zip(&lanes).for_each(|(a, b)| near(a, b));
        }
    }
}

#[test]
fn derivatives_go_through() {
    let Some(_turn) = turn() else { return };
    fn f<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        (psum(&w * x.sin(), "i") * &x).sum()
    }
    for n in [1, 2, 3] {
        let (w, x) = (normal(1, &[4]), normal(2, &[n, 4]));
        let on = |devices: Vec<Device>| Pmap::new().axis_name("i").in_axes((None, 0)).devices(devices);
        let (here, there) = (on(Cpu::split(n)), on(places(n)));
        let cpu =
            grad(move |w: Tensor<_>, x: Tensor<_>| here.clone().of(f)(w, x).sum())(w.clone(), x.clone());
        let again = there.clone();
        let whole = move |w: Tensor<_>, x: Tensor<_>| there.clone().of(f)(w, x).sum();
        near(&grad(whole)(gpu(&w), gpu(&x)), &cpu);
        let whole = move |w: Tensor<_>, x: Tensor<_>| again.clone().of(f)(w, x).sum();
        near(&jit(grad(whole))(gpu(&w), gpu(&x)), &cpu);
    }
}

#[test]
fn meshes_of_several_axes() {
    let Some(_turn) = turn() else { return };
    // x [examples, in] is cut by data; w [in, out] by model.
    fn loss<B: Backend>(w: Tensor<B>, b: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        let y = (x.matmul(&w) + b).tanh();
        psum(psum(y.square().sum(), "data"), "model")
    }
    fn gradients<B: Backend>(w: Tensor<B>, b: Tensor<B>, x: Tensor<B>) -> (Tensor<B>, Tensor<B>, Tensor<B>) {
        let g = Grad::new().argnum::<0>().of(loss)(w.clone(), b.clone(), x.clone());
        let h = Grad::new().argnum::<1>().of(loss)(w.clone(), b.clone(), x.clone());
        (g, h, Grad::new().argnum::<2>().of(loss)(w, b, x))
    }
    let (w, b, x) = (normal(1, &[4, 6]), normal(2, &[1]), normal(3, &[6, 4]));
    let specs = || (spec((None, "model")), spec(()), spec("data"));
    for (data, model) in [(1, 1), (2, 1), (1, 3), (2, 2)] {
        let mesh = Mesh::new([("data", data), ("model", model)]);
        let gpus = mesh.clone().devices(places(data * model));
        let args = || (gpu(&w), gpu(&b), gpu(&x));
        let (w, b, x) = (w.clone(), b.clone(), x.clone());
        let on_cpu = shard_map(loss, &mesh, specs(), spec(()))(w.clone(), b.clone(), x.clone());
        let (gw, gb, gx) = args();
        near(&shard_map(loss, &gpus, specs(), spec(()))(gw, gb, gx), &on_cpu);
        let on_cpu = shard_map(gradients, &mesh, specs(), specs())(w, b, x);
        let (gw, gb, gx) = args();
        let on_gpu = shard_map(gradients, &gpus, specs(), specs())(gw, gb, gx);
        near(&on_gpu.0, &on_cpu.0);
        near(&on_gpu.1, &on_cpu.1);
        near(&on_gpu.2, &on_cpu.2);
    }
}

#[test]
fn results_stay_in_parts_until_they_are_read() {
    let Some(_turn) = turn() else { return };
    let x = normal(0, &[3, 4, 4]);
    let double = Pmap::new().devices(places(3)).of(|x: Tensor<_>| x * 2.0);
    let squares = Pmap::new().devices(places(3)).of(|x: Tensor<_>| x.square().sum());
    let input = gpu(&x);
    let (before, bytes) = (MultiDevice::<Wgpu>::stats(), Wgpu::stats(0).expect("it was found"));
    let y = double(input);
    assert_eq!(shards(&y).len(), 3);
    eval(&y);
    let z = squares(y);
    let after = MultiDevice::<Wgpu>::stats();
    assert_eq!(
        (after.runs - before.runs, after.divided - before.divided, after.gathered - before.gathered),
        (2, 1, 0)
    );
    let now = Wgpu::stats(0).expect("it was found");
    assert_eq!((now.to_host - bytes.to_host, now.to_device - bytes.to_device), (0, 0));
    near(&z, &((&x * 2.0).square().sum_axes([1, 2])));
    assert_eq!(MultiDevice::<Wgpu>::stats().gathered - before.gathered, 1);
}

#[test]
fn a_device_that_fails_ends_the_program_on_all() {
    let Some(_turn) = turn() else { return };
    let run = |f: fn(Tensor<plywood::Traced<Wgpu>>) -> Tensor<plywood::Traced<Wgpu>>| {
        let x = gpu(&normal(0, &[3, 4]));
        let program = Pmap::new().axis_name("i").devices(places(3)).of(f);
        let run = std::panic::AssertUnwindSafe(|| program(x).to_vec::<f32>());
        std::panic::catch_unwind(run).map_err(message)
    };
    // One of them does not come where the others wait.
    let missing = run(|x| {
        let stays = axis_index("i").eq(1);
        cond(stays, |x: Tensor<_>| x, |x: Tensor<_>| psum(x, "i"), x)
    });
    let missing = missing.expect_err("one does not come");
    assert!(missing.contains("is not reached by all devices: wgpu:0 has ended"), "{missing}");
    // One of them asks for more than a device has.
    let large = run(|x| {
        let asks = axis_index("i").eq(2);
        let large = |x: Tensor<_>| x.sum() + (x.sum().broadcast_to([1 << 36]) * x.sum()).max();
        psum(cond(asks, large, |x: Tensor<_>| x.sum(), x.clone()), "i") + x
    });
    let large = large.expect_err("it is too large");
    assert!(large.contains("on wgpu:0: ") && large.contains(&(1usize << 38).to_string()), "{large}");
    // The next program runs.
    assert_eq!(run(|x| psum(x * 0.0, "i")), Ok(vec![0.0; 12]));
}

#[test]
fn fewer_devices_than_places_are_an_error_that_says_what_there_is() {
    let Some(_turn) = turn() else { return };
    let there = Wgpu::devices().len();
    let x = gpu(&normal(0, &[there + 1]));
    let run = std::panic::AssertUnwindSafe(|| pmap(|x: Tensor<_>| x * 2.0)(x));
    let run = std::panic::catch_unwind(run);
    let message = message(run.expect_err("there are too few"));
    assert!(message.contains(&format!("a program on {} devices", there + 1)), "{message}");
    assert!(message.contains("wgpu:0") && message.contains("Pmap::devices"), "{message}");
    // So many as there are.
    let x = normal(0, &[there]);
    near(&pmap(|x: Tensor<_>| x * 2.0)(gpu(&x)), &(x * 2.0));
}

/// What one thread computes others read, and overwrite when they are the last: a device has one queue for all threads.
#[test]
fn threads_hand_tensors_to_each_other() {
    let Some(_turn) = turn() else { return };
    const THREADS: usize = 3;
    const ROUNDS: usize = 40;
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..THREADS).map(|_| std::sync::mpsc::channel::<(Tensor<Wgpu>, f64)>()).unzip();
    std::thread::scope(|scope| {
        for (i, receiver) in receivers.into_iter().enumerate() {
            let next = senders[(i + 1) % THREADS].clone();
            scope.spawn(move || {
                let mut number = i as f64;
                let mut x = Tensor::<Wgpu>::zeros([1000], DType::F32) + number;
                for round in 0..ROUNDS {
                    // A few buffers come and go, one is overwritten in part, and the last one is handed on.
                    number += 1.0;
                    x = (x + 1.0).sort(0);
                    x = x.at(0..500).set(number);
                    next.send((x, number)).expect("it is there");
                    (x, number) = receiver.recv().expect("it comes");
                    if round % 8 == 7 {
                        assert_eq!(x.min().item::<f32>() as f64, number);
                        assert_eq!(x.max().item::<f32>() as f64, number);
                    }
                }
                assert_eq!(x.to_vec::<f32>(), vec![number as f32; 1000]);
            });
        }
    });
}
