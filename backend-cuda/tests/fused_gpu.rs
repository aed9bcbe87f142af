//! What a jitted function costs on a GPU, by counts: kernels, bytes from and to the host. On the software renderer, if there is no other.

#![cfg(feature = "wgpu")]

use plywood::prelude::*;
use plywood_backend_cuda::Wgpu;

/// How many kernels a second call launches, and the bytes that it copies between host and device.
fn second_call<R: Tree<Wgpu>>(call: impl Fn() -> R) -> Option<(usize, usize)> {
    if let Err(e) = Wgpu::found() {
        println!("left out: {e}");
        return None;
    }
    eval(&call());
    let before = Wgpu::stats(0).expect("it was found");
    let result = call();
    let after = Wgpu::stats(0).expect("it was found");
    drop(result);
    Some((
        after.launches - before.launches,
        after.to_device + after.to_host - before.to_device - before.to_host,
    ))
}

fn selu<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    1.05 * x.gt(0.0).select(&x, 1.67 * x.exp() - 1.67)
}

fn softmax<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.softmax(-1)
}

fn layer_norm<B: Backend>(x: Tensor<B>, scale: Tensor<B>, shift: Tensor<B>) -> Tensor<B> {
    let mean = x.mean_axes(-1).expand_dims(-1);
    let centred = x - mean;
    let variance = centred.square().mean_axes(-1).expand_dims(-1);
    centred * (variance + 1e-5).rsqrt() * scale + shift
}

fn loss<B: Backend>(w: Vec<Tensor<B>>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let hidden = (x.matmul(&w[0]) + &w[1]).relu();
    (hidden.matmul(&w[2]) + &w[3] - y).square().mean()
}

fn step<B: Backend>(w: Vec<Tensor<B>>, x: Tensor<B>, y: Tensor<B>) -> Vec<Tensor<B>> {
    let g = grad(loss)(w.clone(), x, y);
    tree_map([w, g], |[w, g]| w - 0.01 * g)
}

fn normal(shape: &[usize]) -> Tensor<Wgpu> {
    random::normal(&random::key::<Wgpu>(0), shape, DType::F32)
}

/// One test: counts are the process's.
#[test]
fn jitted_functions_are_few_kernels_and_move_nothing() {
    if Wgpu::found().is_err() {
        println!("left out: {}", Wgpu::found().unwrap_err());
        return;
    }
    let x = normal(&[64, 256]);
    assert_eq!(second_call(|| jit(selu)(x.clone())), Some((1, 0)));
    assert_eq!(second_call(|| jit(softmax)(x.clone())), Some((1, 0)));
    let (scale, shift) = (normal(&[256]), normal(&[256]));
    assert_eq!(second_call(|| jit(layer_norm)(x.clone(), scale.clone(), shift.clone())), Some((1, 0)));
    // Two products forward, three backward; what comes after each; the updates.
    let w = vec![normal(&[256, 64]), normal(&[64]), normal(&[64, 8]), normal(&[8])];
    let y = normal(&[64, 8]);
    let (kernels, bytes) = second_call(|| jit(step)(w.clone(), x.clone(), y.clone())).expect("it was found");
    assert!(kernels <= 16, "{kernels} kernels");
    assert_eq!(bytes, 0);

    // Of a part of a tensor, no more than that is read.
    let before = Wgpu::stats(0).expect("it was found").to_host;
    let part = x.get((3, 5)).item::<f32>();
    assert_eq!(Wgpu::stats(0).expect("it was found").to_host - before, 4);
    assert_eq!(part, x.to_vec::<f32>()[3 * 256 + 5]);

    // What is computed is what the CPU computes.
    let host = |x: &Tensor<Wgpu>| Tensor::<Cpu>::from_vec(x.to_vec::<f32>(), x.shape().clone());
    let near = |a: Tensor<Wgpu>, b: Tensor<Cpu>| {
        let difference = (host(&a) - &b).abs().max().item::<f32>();
        assert!(difference <= 2e-5 * b.abs().max().item::<f32>(), "{difference}");
    };
    near(jit(softmax)(x.clone()), softmax(host(&x)));
    near(
        jit(layer_norm)(x.clone(), scale.clone(), shift.clone()),
        layer_norm(host(&x), host(&scale), host(&shift)),
    );
    let on_cpu = step(w.iter().map(&host).collect(), host(&x), host(&y));
    for (a, b) in jit(step)(w, x, y).into_iter().zip(on_cpu) {
        near(a, b);
    }
}

#[test]
fn what_a_device_cannot_hold_is_an_error_that_says_so() {
    if Wgpu::found().is_err() {
        println!("left out: {}", Wgpu::found().unwrap_err());
        return;
    }
    let bytes = 1usize << 38;
    let panic = std::panic::catch_unwind(|| {
        Tensor::<Wgpu>::zeros([bytes / 4], DType::F32) + Tensor::<Wgpu>::zeros([bytes / 4], DType::F32)
    });
    let message = *panic.expect_err("it is too large").downcast::<String>().expect("a message");
    assert!(message.contains(&bytes.to_string()), "{message}");
    // The device goes on, and so do others.
    assert_eq!((normal(&[4]) * 0.0).sum().item::<f32>(), 0.0);
    assert_eq!(Tensor::<Cpu>::from([1.0, 2.0]).sum().item::<f64>(), 3.0);
}
