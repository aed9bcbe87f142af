//! `shard_map` against one device: values, gradients inside of it and through it, and what other transformations make of it.

use plywood::prelude::*;

type T = Tensor<Cpu>;
type Params<B> = (Tensor<B>, Tensor<B>);

fn normal<B: Backend>(seed: u64, shape: [usize; 2]) -> Tensor<B> {
    random::normal(&random::key::<B>(seed), shape, DType::F64)
}

fn params<B: Backend>() -> Params<B> {
    (0.5 * normal(1, [4, 8]), 0.5 * normal(2, [8, 4]))
}

#[track_caller]
fn close(what: &str, a: &T, b: &T) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    let (x, y) = (a.to_vec::<f64>(), b.to_vec::<f64>());
    assert!(
        x.iter().zip(&y).all(|(x, y)| (x - y).abs() <= 1e-11 * (1.0 + y.abs())),
        "{what}: {a}\nis not\n{b}"
    );
}

#[track_caller]
fn all_close<A: Tree<Cpu>>(what: &str, a: &A, b: &A) {
    tree_leaves(a).iter().zip(&tree_leaves(b)).for_each(|(a, b)| close(what, a, b));
}

/// A loss by devices (`$on`) and by one (`$alone`), both of parameters and examples, which are cut by `$specs`.
macro_rules! case {
    ($name:ident, $mesh:expr, $specs:expr, $on:ident, $alone:ident) => {
        #[test]
        fn $name() {
            fn inside<B: Backend>(p: Params<B>, x: Tensor<B>) -> (Tensor<B>, Params<B>, Tensor<B>) {
                let (loss, dp) = value_and_grad($on)(p.clone(), x.clone());
                (loss, dp, Grad::new().argnum::<1>().of($on)(p, x))
            }
            fn outside<B: Backend>(p: Params<B>, x: Tensor<B>) -> Tensor<B> {
                shard_map($on, &Mesh::new($mesh), $specs, spec(()))(p, x)
            }
            fn of_x<B: Backend>(x: Tensor<B>) -> Tensor<B> {
                outside(params(), x)
            }
            fn alone_of_x<B: Backend>(x: Tensor<B>) -> Tensor<B> {
                $alone(params(), x)
            }
            fn norm<B: Backend>(p: Params<B>, x: Tensor<B>) -> Tensor<B> {
                let g = grad(outside)(p, x);
                g.0.square().sum() + g.1.square().sum()
            }
            fn norm_alone<B: Backend>(p: Params<B>, x: Tensor<B>) -> Tensor<B> {
                let g = grad($alone)(p, x);
                g.0.square().sum() + g.1.square().sum()
            }
            let (p, x) = (params::<Cpu>(), normal::<Cpu>(3, [8, 4]));
            let (v, dp) = (normal::<Cpu>(4, [8, 4]), (normal::<Cpu>(5, [4, 8]), normal::<Cpu>(6, [8, 4])));
            let (loss, g) = value_and_grad($alone)(p.clone(), x.clone());
            let dx = Grad::new().argnum::<1>().of($alone)(p.clone(), x.clone());

            let (of_params, of_x_too) = $specs;
            let results = (spec(()), of_params.clone(), of_x_too.clone());
            let of_inside = shard_map(inside, &Mesh::new($mesh), (of_params, of_x_too), results);
            all_close("inside", &of_inside(p.clone(), x.clone()), &(loss.clone(), g.clone(), dx.clone()));
            all_close("through", &value_and_grad(outside)(p.clone(), x.clone()), &(loss.clone(), g.clone()));
            close("through, examples", &Grad::new().argnum::<1>().of(outside)(p.clone(), x.clone()), &dx);

            all_close("jit", &jit(value_and_grad(outside))(p.clone(), x.clone()), &(loss.clone(), g.clone()));
            let of_jit = grad(|p: Params<_>, x: Tensor<_>| jit(outside)(p, x))(p.clone(), x.clone());
            all_close("grad of jit", &of_jit, &g);
            let (args, tangents) = ((p.clone(), x.clone()), (dp, v.clone()));
            all_close("jvp", &jvp(outside, args.clone(), tangents.clone()), &jvp($alone, args, tangents));
            close("hvp", &hvp(of_x, x.clone(), v.clone()), &hvp(alone_of_x, x.clone(), v.clone()));
            let ((y, df), (z, dg)) = (linearize(of_x, (x.clone(),)), linearize(alone_of_x, (x.clone(),)));
            all_close("linearize", &(y, df((v.clone(),))), &(z, dg((v.clone(),))));
            all_close(
                "reverse over reverse",
                &grad(norm)(p.clone(), x.clone()),
                &grad(norm_alone)(p, x.clone()),
            );
            let many = stack([&x, &v, &(&x * 2.0)], 0);
            all_close(
                "vmap",
                &(vmap(of_x)(many.clone()), vmap(grad(of_x))(many.clone())),
                &(vmap(alone_of_x)(many.clone()), vmap(grad(alone_of_x))(many)),
            );
        }
    };
}

fn mlp<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    x.matmul(&w1).tanh().matmul(&w2).square().mean()
}

/// Each device has some of the examples.
fn by_examples<B: Backend>(p: Params<B>, x: Tensor<B>) -> Tensor<B> {
    pmean(mlp(p, x), "data")
}
case!(data_parallel, [("data", 4)], ((spec(()), spec(())), spec("data")), by_examples, mlp);

/// Columns of the first matrix; what they give is gathered.
fn by_columns<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let hidden = AllGather::new().axis(-1).tiled().of(x.matmul(&w1).tanh(), "model");
    pmean(hidden.matmul(&w2).square().mean(), "model")
}
case!(columns, [("model", 2)], ((spec((None, "model")), spec(())), spec(())), by_columns, mlp);

/// Rows of the first matrix, and columns of what it is multiplied with.
fn by_rows<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    psum(x.matmul(&w1), "model").tanh().matmul(&w2).square().mean()
}
case!(rows, [("model", 4)], ((spec("model"), spec(())), spec((None, "model"))), by_rows, mlp);

/// Columns of the first matrix and rows of the second; examples too.
fn by_columns_and_rows<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    pmean(psum(x.matmul(&w1).tanh().matmul(&w2), "model").square().mean(), "data")
}
case!(
    columns_and_rows,
    [("data", 2), ("model", 2)],
    ((spec((None, "model")), spec("model")), spec("data")),
    by_columns_and_rows,
    mlp
);

/// Parameters are cut where they lie, and gathered for use: their gradients come back cut, the sums of all examples'.
fn fully_sharded<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let whole = |w: Tensor<B>| AllGather::new().tiled().of(w, "data");
    pmean(mlp((whole(w1), whole(w2)), x), "data")
}
case!(shards_of_parameters, [("data", 2)], ((spec("data"), spec("data")), spec("data")), fully_sharded, mlp);

/// The same, computed again for the backward pass.
fn checkpointed<B: Backend>(p: Params<B>, x: Tensor<B>) -> Tensor<B> {
    checkpoint(by_columns_and_rows)(p, x)
}
case!(
    checkpoint_inside,
    [("model", 2), ("data", 2)],
    ((spec((None, "model")), spec("model")), spec("data")),
    checkpointed,
    mlp
);

/// Classes are cut: the largest logit and the sum of all exponentials are found together.
fn by_classes<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let logits = x.matmul(&w1);
    let largest = stop_gradient(pmax(logits.max_keep([-1]), "model"));
    let sum = psum((&logits - &largest).exp().sum_keep([-1]), "model");
    (sum.log() + largest).mean() + w2.square().sum()
}
fn logsumexp<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    x.matmul(&w1).logsumexp_axes([-1]).mean() + w2.square().sum()
}
case!(classes, [("model", 4)], ((spec((None, "model")), spec(())), spec(())), by_classes, logsumexp);

/// Examples are cut, then features: parts are exchanged between, and back.
fn exchanged<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let (n, d) = (x.size(0), x.size(1));
    // [n, devices, d / devices] to [devices * n, d / devices].
    let parts = all_to_all(x.reshape([n, 2, d / 2]), "data", 1, 0).reshape([2 * n, d / 2]);
    let centred = &parts - parts.mean_keep([0]);
    let back = all_to_all(centred.reshape([2, n, d / 2]), "data", 0, 1).reshape([n, d]);
    pmean(mlp((w1, w2), back), "data")
}
fn centred<B: Backend>(p: Params<B>, x: Tensor<B>) -> Tensor<B> {
    mlp(p, &x - x.mean_keep([0]))
}
case!(exchange, [("data", 2)], ((spec(()), spec(())), spec("data")), exchanged, centred);

/// Two stages, a matrix on each; micro-batches travel in a scan. Square matrices of rows 0..4 and 4..8 of the second parameter.
fn pipeline<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let micro = x.reshape([4, 2, 4]);
    let entering = concatenate([&micro, &Tensor::zeros([1, 2, 4], x.dtype())], 0);
    let last = axis_index::<B>("stage").eq(1);
    let tick = |arrived: Tensor<_>, entering: Tensor<_>| {
        let x = last.lift().select(&arrived, &entering);
        let y = checkpoint(|w: Tensor<_>, x: Tensor<_>| x.matmul(&w).tanh())(w2.lift(), x);
        (ppermute(y.clone(), "stage", &[(0, 1)]), y)
    };
    let (_, out) = scan(tick, Tensor::zeros([2, 4], x.dtype()), entering);
    let out = out.get(1..);
    psum(last.select(&out, 0.0), "stage").square().mean() + w1.square().sum()
}
fn stages<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let y = x.matmul(&w2.get(..4)).tanh().matmul(&w2.get(4..)).tanh();
    y.square().mean() + w1.square().sum()
}
case!(pipelined, [("stage", 2)], ((spec(()), spec("stage")), spec(())), pipeline, stages);

/// A state that is the same everywhere and stays it, one that begins to vary, and slices that vary.
fn loops<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let w = w1.matmul(&w2);
    let step = |(same, own): (Tensor<_>, Tensor<_>), x: Tensor<_>| {
        let own = (own + x.matmul(&w.lift())).tanh();
        let same = same + psum(own.sum(), "data") * w.lift().sum();
        ((same, own.clone()), own * x)
    };
    let zeros = Tensor::zeros([4], x.dtype());
    let ((same, own), ys) = scan(step, (Tensor::zeros([], x.dtype()), zeros), x);
    same + psum(own.square().sum() + ys.sum(), "data")
}
fn loops_alone<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let w = w1.matmul(&w2);
    let (mut same, mut owns) = (Tensor::zeros([], x.dtype()), Tensor::zeros([2, 4], x.dtype()));
    let mut total = Tensor::zeros([], x.dtype());
    for i in 0..4 {
        let x = stack([&x.get(i), &x.get(4 + i)], 0);
        owns = (owns + x.matmul(&w)).tanh();
        same += owns.sum() * w.sum();
        total += (&owns * x).sum();
    }
    same + owns.square().sum() + total
}
case!(scans, [("data", 2)], ((spec(()), spec(())), spec("data")), loops, loops_alone);

/// Branches chosen alike everywhere, with a collective inside; and by each device for itself, with a loop inside. The parameters
/// are the same everywhere, and captured.
fn branches<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let total = psum(x.square().sum(), "data");
    let yes = |x: Tensor<_>| psum((x * w1.lift().sum()).tanh().sum(), "data");
    let no = |x: Tensor<_>| psum(x.sum(), "data");
    let together = cond(total.gt(0.0), yes, no, x.clone());
    let first = axis_index::<B>("data").eq(0);
    let looped = |x: Tensor<Traced<B>>| damped(w2.lift(), x);
    let apart = cond(first, looped, |x: Tensor<_>| (x * w1.lift().mean()).sin().sum(), x);
    together + psum(apart, "data")
}
/// A loop over rows, with a constant and a parameter.
fn damped<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
    let (half, zeros) = (x.get(0).full_like(-0.5).exp(), x.get(0).zeros_like());
    let step = |s: Tensor<_>, x: Tensor<_>| ((s * half.lift() + x.matmul(&w.lift().get(..4))).sin(), ());
    scan(step, zeros, x).0.sum()
}
fn branches_alone<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let apart = damped(w2, x.get(..4)) + (x.get(4..) * w1.mean()).sin().sum();
    (&x * w1.sum()).tanh().sum() + apart
}
case!(conds, [("data", 2)], ((spec(()), spec(())), spec("data")), branches, branches_alone);

/// As many steps as a device's number says, and one for all; the parameters are the same everywhere.
fn steps<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let (a, b) = (w1.mean(), w2.mean());
    let goes = |(i, _): &(Tensor<_>, Tensor<_>)| i.gt(0);
    let step = |(i, x): (Tensor<_>, Tensor<_>)| (i - 1, (x * a.lift() + b.lift()).sin());
    let bounded = WhileLoop::new().max_steps(5);
    let (_, own) = bounded.of(goes, step)((axis_index::<B>("data") + 1, x));
    let (_, same) = bounded.of(goes, step)((Tensor::scalar(3), psum(own.sum(), "data")));
    same
}
fn steps_alone<B: Backend>((w1, w2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let (a, b) = (w1.mean(), w2.mean());
    let step = |x: Tensor<B>, n: usize| (0..n).fold(x, |x, _| (x * &a + &b).sin());
    step(step(x.get(..4), 1).sum() + step(x.get(4..), 2).sum(), 3)
}
case!(while_loops, [("data", 2)], ((spec(()), spec(())), spec("data")), steps, steps_alone);
