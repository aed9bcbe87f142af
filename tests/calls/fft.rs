//! Fourier transforms. Complex numbers are pairs; what JAX shows as `(c.real, c.imag)` is what comes out here.

use super::{Call, V};
use plywood::fft::{Fft, Norm};
use plywood::prelude::*;

fn pair((re, im): (V, V)) -> Vec<V> {
    vec![re, im]
}

pub(super) fn calls() -> Vec<Call> {
    macro_rules! parts {
        ($call:literal) => {
            concat!("(lambda c: (c.real, c.imag))(jnp.fft.", $call, ")")
        };
    }
    vec![
        Call(parts!("fft(x + 1j*y)"), |x| pair(fft::fft(&x[0], &x[1]))),
        Call(parts!("fft(x + 1j*y, axis=0)"), |x| pair(Fft::new().axis(0).fft(&x[0], &x[1]))),
        Call(parts!("fft(x + 1j*y, n=6)"), |x| pair(Fft::new().n(6).fft(&x[0], &x[1]))),
        Call(parts!("fft(x + 1j*y, n=3, axis=0, norm='ortho')"), |x| {
            pair(Fft::new().axis(0).n(3).norm(Norm::Ortho).fft(&x[0], &x[1]))
        }),
        Call(parts!("fft(x + 1j*y, norm='forward')"), |x| {
            pair(Fft::new().norm(Norm::Forward).fft(&x[0], &x[1]))
        }),
        Call(parts!("ifft(x + 1j*y)"), |x| pair(fft::ifft(&x[0], &x[1]))),
        Call(parts!("ifft(x + 1j*y, norm='ortho')"), |x| {
            pair(Fft::new().norm(Norm::Ortho).ifft(&x[0], &x[1]))
        }),
        Call(parts!("ifft(x + 1j*y, norm='forward')"), |x| {
            pair(Fft::new().norm(Norm::Forward).ifft(&x[0], &x[1]))
        }),
        Call(parts!("rfft(x)"), |x| pair(fft::rfft(&x[0]))),
        Call(parts!("rfft(odd)"), |x| pair(fft::rfft(&x[0]))),
        Call(parts!("rfft(x, n=5, axis=0, norm='ortho')"), |x| {
            pair(Fft::new().n(5).axis(0).norm(Norm::Ortho).rfft(&x[0]))
        }),
        Call(parts!("rfft(n.astype(f32))"), |x| pair(fft::rfft(&x[0]))),
        Call("jnp.fft.irfft(x + 1j*y)", |x| vec![fft::irfft(&x[0], &x[1])]),
        Call("jnp.fft.irfft(x + 1j*y, n=7)", |x| vec![Fft::new().n(7).irfft(&x[0], &x[1])]),
        Call("jnp.fft.irfft(x + 1j*y, axis=0, norm='forward')", |x| {
            vec![Fft::new().axis(0).norm(Norm::Forward).irfft(&x[0], &x[1])]
        }),
        Call(parts!("fft2(x + 1j*y)"), |x| pair(fft::fft2(&x[0], &x[1]))),
        Call(parts!("ifft2(x + 1j*y)"), |x| pair(fft::ifft2(&x[0], &x[1]))),
        Call(parts!("rfft2(x)"), |x| pair(fft::rfft2(&x[0]))),
        Call("jnp.fft.irfft2(x + 1j*y)", |x| vec![fft::irfft2(&x[0], &x[1])]),
        Call(parts!("fftn(x + 1j*y)"), |x| pair(fft::fftn(&x[0], &x[1]))),
        Call(parts!("fftn(x + 1j*y, axes=(0, 2))"), |x| pair(Fft::new().axes([0, 2]).fft(&x[0], &x[1]))),
        Call(parts!("fftn(x + 1j*y, s=(4, 2))"), |x| pair(Fft::new().s([4, 2]).fft(&x[0], &x[1]))),
        Call(parts!("ifftn(x + 1j*y)"), |x| pair(fft::ifftn(&x[0], &x[1]))),
        Call(parts!("rfftn(x)"), |x| pair(fft::rfftn(&x[0]))),
        Call(parts!("rfftn(x, axes=(1, 0))"), |x| pair(Fft::new().axes([1, 0]).rfft(&x[0]))),
        Call("jnp.fft.irfftn(x + 1j*y)", |x| vec![fft::irfftn(&x[0], &x[1])]),
        Call("jnp.fft.irfftn(x + 1j*y, s=(3, 5))", |x| vec![Fft::new().s([3, 5]).irfft(&x[0], &x[1])]),
        Call("jnp.fft.fftfreq(5, 0.5) + 0*x", |x| {
            vec![fft::fftfreq::<_>(5, 0.5, DType::F64) + x[0].zeros_like()]
        }),
        Call("jnp.fft.rfftfreq(6) + 0*x", |x| vec![fft::rfftfreq(6, 1.0, DType::F64) + x[0].zeros_like()]),
        Call("jnp.fft.fftshift(x)", |x| vec![fft::fftshift(&x[0])]),
        Call("jnp.fft.fftshift(x, axes=1)", |x| vec![fft::fftshift_axes(&x[0], 1)]),
        Call("jnp.fft.ifftshift(x)", |x| vec![fft::ifftshift(&x[0])]),
        Call("jnp.fft.ifftshift(x, axes=(0,))", |x| vec![fft::ifftshift_axes(&x[0], [0])]),
        Call("jnp.fft.irfft(jnp.fft.rfft(x) * jnp.fft.rfft(y))", |x| {
            // A circular convolution.
            let ((a, b), (c, d)) = (fft::rfft(&x[0]), fft::rfft(&x[1]));
            vec![fft::irfft(&(&a * &c - &b * &d), &(a * d + b * c))]
        }),
        Call("jax.grad(lambda x: jnp.sum(jnp.abs(jnp.fft.rfft(x)) ** 4))(x)", |x| {
            let f = |x: Tensor<Autodiff<Autodiff<Cpu>>>| {
                let (re, im) = fft::rfft(&x);
                (re.square() + im.square()).square().sum()
            };
            vec![grad(f)(x[0].clone())]
        }),
    ]
}
