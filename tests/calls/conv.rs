//! Convolutions, pooling, convolve and correlate.

use super::{Call, V};
use plywood::nn::{
    ConvOptions, ConvolveMode, Padding, WindowKind, Windows, avg_pool, conv, conv_general_dilated,
    conv_transpose, convolve, correlate, max_pool, min_pool, reduce_window, sum_pool,
};
use plywood::prelude::*;

fn options() -> ConvOptions {
    ConvOptions::new()
}

fn general(x: &[V], options: ConvOptions) -> Vec<V> {
    vec![conv_general_dilated(&x[0], &x[1], &options)]
}

fn transpose(x: &[V], options: ConvOptions) -> Vec<V> {
    vec![conv_transpose(&x[0], &x[1], &options)]
}

fn window(x: &[V], kind: WindowKind, windows: Windows) -> Vec<V> {
    vec![reduce_window(&x[0], kind, &windows)]
}

pub(super) fn calls() -> Vec<Call> {
    use ConvolveMode::{Full, Same, Valid};
    let mut all = convolutions();
    all.extend(windows());
    macro_rules! modes { ($($text:literal $mode:ident;)*) => { $(
        all.push(Call(concat!("jnp.convolve(x, v, mode='", $text, "')"), |x| vec![convolve(&x[0], &x[1], $mode)]));
        all.push(Call(concat!("jnp.convolve(v, x, mode='", $text, "')"), |x| vec![convolve(&x[0], &x[1], $mode)]));
        all.push(Call(concat!("jnp.correlate(x, v, mode='", $text, "')"), |x| vec![correlate(&x[0], &x[1], $mode)]));
        all.push(Call(concat!("jnp.correlate(v, x, mode='", $text, "')"), |x| vec![correlate(&x[0], &x[1], $mode)]));
    )* } }
    modes! { "full" Full; "same" Same; "valid" Valid; }
    all
}

fn convolutions() -> Vec<Call> {
    vec![
        Call("lax.conv(x, k, (1,), 'VALID')", |x| vec![conv(&x[0], &x[1], [1], Padding::Valid)]),
        Call("lax.conv(x, k, (2,), 'SAME')", |x| vec![conv(&x[0], &x[1], [2], Padding::Same)]),
        Call("lax.conv(x, k, (1, 1), 'SAME')", |x| vec![conv(&x[0], &x[1], [1, 1], Padding::Same)]),
        Call("lax.conv(x, k, (2, 1, 1), 'VALID')", |x| vec![conv(&x[0], &x[1], [2, 1, 1], Padding::Valid)]),
        Call("lax.conv(x, k, (), 'VALID')", |x| vec![conv(&x[0], &x[1], [], Padding::Valid)]),
        Call("lax.conv(x, k, (1, 1), 'SAME').astype(f32)", |x| {
            vec![conv(&x[0], &x[1], [1, 1], Padding::Same)]
        }),
        Call("lax.conv_general_dilated(x, k, (2, 1), [(1, 2), (0, 1)])", |x| {
            general(x, options().strides([2, 1]).padding([(1, 2), (0, 1)]))
        }),
        Call("lax.conv_general_dilated(x, k, (1, 2), [(-1, 2), (1, -1)])", |x| {
            general(x, options().strides([1, 2]).padding(vec![(-1, 2), (1, -1)]))
        }),
        Call("lax.conv_general_dilated(x, k, (1, 1), 'SAME_LOWER')", |x| {
            general(x, options().padding(Padding::SameLower))
        }),
        Call(
            "lax.conv_general_dilated(x, k, (1, 2), [(2, 1), (1, 1)], lhs_dilation=(2, 1), rhs_dilation=(1, 2))",
            |x| {
                let o = options().strides([1, 2]).padding([(2, 1), (1, 1)]);
                general(x, o.lhs_dilation([2, 1]).rhs_dilation([1, 2]))
            },
        ),
        Call("lax.conv_general_dilated(x, k, (1, 1), 'SAME', rhs_dilation=(2, 3))", |x| {
            general(x, options().padding(Padding::Same).rhs_dilation([2, 3]))
        }),
        Call(
            "lax.conv_general_dilated(x, k, (1, 1), 'VALID', dimension_numbers=('NHWC', 'HWIO', 'NHWC'))",
            |x| general(x, options().dimension_numbers("NHWC", "HWIO", "NHWC")),
        ),
        Call(
            "lax.conv_general_dilated(x, k, (2, 1), 'SAME', dimension_numbers=('HNWC', 'OWHI', 'CWHN'))",
            |x| {
                // Strides are in the order of the kernel's letters: W, then H.
                let o = options().strides([2, 1]).padding(Padding::Same);
                general(x, o.dimension_numbers("HNWC", "OWHI", "CWHN"))
            },
        ),
        Call("lax.conv_general_dilated(x, k, (1,), 'SAME', dimension_numbers=('NWC', 'WIO', 'NCW'))", |x| {
            general(x, options().padding(Padding::Same).dimension_numbers("NWC", "WIO", "NCW"))
        }),
        Call("lax.conv_general_dilated(x, k, (1, 1), 'SAME', feature_group_count=2)", |x| {
            general(x, options().padding(Padding::Same).feature_group_count(2))
        }),
        Call("lax.conv_general_dilated(x, k, (2, 2), 'SAME', feature_group_count=4)", |x| {
            general(x, options().strides([2, 2]).padding(Padding::Same).feature_group_count(4))
        }),
        Call(
            "lax.conv_general_dilated(x, k, (1, 1), 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC'), feature_group_count=3)",
            |x| {
                let o = options().padding(Padding::Same).feature_group_count(3);
                general(x, o.dimension_numbers("NHWC", "HWIO", "NHWC"))
            },
        ),
        Call("lax.conv_general_dilated(x, k, (1, 1), [(1, 1), (0, 0)], batch_group_count=2)", |x| {
            general(x, options().padding([(1, 1), (0, 0)]).batch_group_count(2))
        }),
        Call("lax.conv_general_dilated(x, k, (1,), 'VALID', preferred_element_type=f32)", |x| {
            general(x, options().preferred_element_type(DType::F32))
        }),
        Call("lax.conv_general_dilated(x, k, (1,), 'VALID')", |x| general(x, options())),
        Call("jax.grad(lambda k: (lax.conv_general_dilated(x, k, (1, 1), 'SAME') ** 2).sum())(k)", |x| {
            let f = |k: Tensor<Autodiff<Autodiff<Cpu>>>, x: Tensor<Autodiff<Autodiff<Cpu>>>| {
                conv(&x, &k, [1, 1], Padding::Same).square().sum()
            };
            vec![grad(f)(x[1].clone(), x[0].clone())]
        }),
        Call("lax.conv_transpose(x, k, (2,), 'SAME', dimension_numbers=('NCH', 'OIH', 'NCH'))", |x| {
            transpose(x, options().strides([2]).padding(Padding::Same))
        }),
        Call("lax.conv_transpose(x, k, (3,), 'VALID', dimension_numbers=('NCH', 'OIH', 'NCH'))", |x| {
            transpose(x, options().strides([3]))
        }),
        Call("lax.conv_transpose(x, k, (4,), 'SAME', dimension_numbers=('NCH', 'OIH', 'NCH'))", |x| {
            transpose(x, options().strides([4]).padding(Padding::Same))
        }),
        Call(
            "lax.conv_transpose(x, k, (2, 1), [(1, 2), (0, 1)], rhs_dilation=(1, 2), dimension_numbers=('NCHW', 'OIHW', 'NCHW'))",
            |x| transpose(x, options().strides([2, 1]).padding([(1, 2), (0, 1)]).rhs_dilation([1, 2])),
        ),
        Call(
            "lax.conv_transpose(x, k, (2, 2), 'SAME', transpose_kernel=True, dimension_numbers=('NCHW', 'OIHW', 'NCHW'))",
            |x| transpose(x, options().strides([2, 2]).padding(Padding::Same).transpose_kernel(true)),
        ),
        Call("lax.conv_transpose(x, k, (2, 2), 'VALID')", |x| {
            transpose(x, options().strides([2, 2]).dimension_numbers("NHWC", "HWIO", "NHWC"))
        }),
        Call("jnp.convolve(x, v, preferred_element_type=i32)", |x| {
            vec![convolve(&x[0], &x[1], ConvolveMode::Full)]
        }),
    ]
}

fn windows() -> Vec<Call> {
    use WindowKind::{Max, Min, Sum};
    vec![
        Call("lax.reduce_window(x, -inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), 'VALID')", |x| {
            vec![max_pool(&x[0], [2, 2], [2, 2], Padding::Valid)]
        }),
        Call("lax.reduce_window(x, inf, lax.min, (1, 1, 2, 2), (1, 1, 2, 2), 'VALID')", |x| {
            vec![min_pool(&x[0], [2, 2], [2, 2], Padding::Valid)]
        }),
        Call("lax.reduce_window(x, 0., lax.add, (1, 1, 2, 2), (1, 1, 2, 2), 'VALID')", |x| {
            vec![sum_pool(&x[0], [2, 2], [2, 2], Padding::Valid)]
        }),
        Call("lax.reduce_window(x, -inf, lax.max, (1, 3, 3, 1), (1, 2, 1, 1), 'SAME')", |x| {
            vec![max_pool(&x[0], [3, 3, 1], [2, 1, 1], Padding::Same)]
        }),
        Call("lax.reduce_window(x, -inf, lax.max, (2, 2), (1, 1), 'VALID')", |x| {
            window(x, Max, Windows::new([2, 2]))
        }),
        Call("lax.reduce_window(x, inf, lax.min, (3,), (2,), 'SAME')", |x| {
            window(x, Min, Windows::new([3]).strides([2]).padding(Padding::Same))
        }),
        Call("lax.reduce_window(x, -inf, lax.max, (2,), (1,), [(2, 1)])", |x| {
            window(x, Max, Windows::new([2]).padding([(2, 1)]))
        }),
        Call(
            "lax.reduce_window(x, 0., lax.add, (2, 3), (1, 2), [(1, 0), (2, 1)], base_dilation=(2, 1), window_dilation=(1, 2))",
            |x| {
                let w = Windows::new([2, 3]).strides([1, 2]).padding([(1, 0), (2, 1)]);
                window(x, Sum, w.base_dilation([2, 1]).window_dilation([1, 2]))
            },
        ),
        Call("lax.reduce_window(x, np.int32(0), lax.add, (3,), (1,), 'SAME_LOWER')", |x| {
            window(x, Sum, Windows::new([3]).padding(Padding::SameLower))
        }),
        Call(
            "jax.grad(lambda x: (lax.reduce_window(x, -inf, lax.max, (2,), (2,), 'VALID') ** 3).sum())(x)",
            |x| {
                let f =
                    |x: Tensor<Autodiff<Autodiff<Cpu>>>| max_pool(&x, [2], [2], Padding::Valid).powi(3).sum();
                vec![grad(f)(x[0].clone())]
            },
        ),
        Call("lax.reduce_window(x, 0., lax.add, (1, 1, 2, 2), (1, 1, 2, 2), 'SAME') / 4", |x| {
            vec![avg_pool(&x[0], [2, 2], [2, 2], Padding::Same, true)]
        }),
        Call(
            "lax.reduce_window(x, 0., lax.add, (1, 1, 2, 2), (1, 1, 2, 2), 'SAME') / \
             lax.reduce_window(jnp.ones_like(x), 0., lax.add, (1, 1, 2, 2), (1, 1, 2, 2), 'SAME')",
            |x| vec![avg_pool(&x[0], [2, 2], [2, 2], Padding::Same, false)],
        ),
    ]
}
