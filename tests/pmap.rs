//! Programs on many devices: values, parts, derivatives, other layers, errors.

use plywood::prelude::*;

fn close(a: &Tensor<Cpu>, b: &Tensor<Cpu>) {
    assert_eq!(a.shape(), b.shape());
    let (a, b) = (a.cast(DType::F64).to_vec::<f64>(), b.cast(DType::F64).to_vec::<f64>());
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 1e-6 * (1.0 + b.abs())), "{a:?} {b:?}");
}

#[test]
fn the_articles_program() {
    let keys = random::split_n(&random::key::<Cpu>(0), 8);
    let numbers = pmap(|key: Tensor<_>| random::normal(&key, [5, 6], DType::F32))(keys.clone());
    assert_eq!(numbers.shape(), &[8, 5, 6]);
    assert_eq!(shards(&numbers).len(), 8);
    let squares = pmap(|x: Tensor<_>| x.square().sum())(numbers.clone());
    let together = vmap(|key: Tensor<_>| random::normal(&key, [5, 6], DType::F32))(keys);
    assert_eq!(numbers, together);
    close(&squares, &together.square().sum_axes([1, 2]));
}

#[test]
fn collectives_are_those_of_vmap() {
    fn all<B: Backend>(x: Tensor<B>) -> Vec<Tensor<B>> {
        vec![
            psum(x.clone(), "i"),
            pmean(x.clone(), "i"),
            pmax(x.clone(), "i"),
            pmin(x.clone(), "i"),
            all_gather(x.clone(), "i"),
            psum_scatter(x.clone(), "i"),
            all_to_all(x.clone(), "i", 0, 1),
            ppermute(x.clone(), "i", &[(0, 1), (1, 2)]),
            &x * axis_index::<B>("i"),
        ]
    }
    for n in [1, 2, 3, 4, 8] {
        let key = random::key::<Cpu>(n as u64);
        let x = random::normal(&key, [n, n, 3], DType::F32);
        if n < 3 {
            continue;
        }
        let here = Pmap::new().axis_name("i").of(all)(x.clone());
        let lanes = Vmap::new().axis_name("i").of(all)(x);
        for (a, b) in here.iter().zip(&lanes) {
            close(a, b);
        }
    }
}

#[test]
fn gradients_inside_are_those_of_the_sum_of_all_results() {
    fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        psum(x.square(), "i").sum()
    }
    let x = Tensor::<Cpu>::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]);
    let g = Pmap::new().axis_name("i").of(grad(f))(x.clone());
    assert_eq!(g, &x * 8.0);
    fn whole<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        Pmap::new().axis_name("i").of(f)(x).sum()
    }
    assert_eq!(grad(whole)(x.clone()), &x * 8.0);
    fn shared<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        Pmap::new().in_axes((None, 0)).of(|w: Tensor<_>, x: Tensor<_>| (w * x).sum())(w, x).sum()
    }
    let w = Tensor::<Cpu>::from([2.0, 3.0]);
    assert_eq!(grad(shared)(w.clone(), x.clone()), x.sum_axes([0]));
    let (y, dy) = jvp(shared, (w.clone(), x.clone()), (w.ones_like(), x.ones_like()));
    close(&y, &(&w * &x).sum());
    close(&dy, &(x.sum() + 4.0 * w.sum()));
    assert_eq!(jit(grad(shared))(w.clone(), x.clone()), x.sum_axes([0]));
    let second = hvp(
        |w: Tensor<_>| Pmap::new().of(|w: Tensor<_>| (&w * &w * w).sum())(w).sum(),
        x.clone(),
        x.ones_like(),
    );
    assert_eq!(second, &x * 6.0);
}

#[test]
fn a_result_that_is_the_same_for_all_has_no_axis() {
    let total = Pmap::new().axis_name("i").out_axes(None).of(|x: Tensor<_>| psum(x, "i") / 2.0);
    assert_eq!(total(Tensor::<Cpu>::from([1.0, 2.0, 3.0])).item::<f64>(), 3.0);
    let of = |x: Tensor<_>| {
        Pmap::new().axis_name("i").out_axes(None).of(|x: Tensor<_>| psum(x.square(), "i") / 2.0)(x)
    };
    assert_eq!(grad(of)(Tensor::<Cpu>::from([1.0, 2.0, 3.0])).to_vec::<f64>(), [1.0, 2.0, 3.0]);
}

#[test]
fn meshes_know_what_varies() {
    let mesh = Mesh::new([("data", 2), ("model", 2)]);
    // x [examples, in] is cut by data; w [in, out] by model.
    fn loss<B: Backend>(w: Tensor<B>, b: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        let y = (x.matmul(&w) + b).tanh();
        psum(psum(y.square().sum(), "data"), "model")
    }
    fn plain<B: Backend>(w: Tensor<B>, b: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        (x.matmul(&w) + b).tanh().square().sum()
    }
    let key = random::key::<Cpu>(1);
    let [k1, k2] = random::split(&key);
    let w = random::normal(&k1, [3, 4], DType::F64);
    let x = random::normal(&k2, [6, 3], DType::F64);
    let b = Tensor::<Cpu>::from([0.5]);
    let specs = || (spec((None, "model")), spec(()), spec("data"));
    let l = shard_map(loss, &mesh, specs(), spec(()))(w.clone(), b.clone(), x.clone());
    close(&l, &plain(w.clone(), b.clone(), x.clone()));
    fn all<B: Backend>(w: Tensor<B>, b: Tensor<B>, x: Tensor<B>) -> (Tensor<B>, Tensor<B>, Tensor<B>) {
        let g = Grad::new().argnum::<0>().of(loss)(w.clone(), b.clone(), x.clone());
        let h = Grad::new().argnum::<1>().of(loss)(w.clone(), b.clone(), x.clone());
        (g, h, Grad::new().argnum::<2>().of(loss)(w, b, x))
    }
    let outs = specs();
    let inside = shard_map(all, &mesh, specs(), outs)(w.clone(), b.clone(), x.clone());
    close(&inside.0, &Grad::new().argnum::<0>().of(plain)(w.clone(), b.clone(), x.clone()));
    close(&inside.1, &Grad::new().argnum::<1>().of(plain)(w.clone(), b.clone(), x.clone()));
    close(&inside.2, &Grad::new().argnum::<2>().of(plain)(w.clone(), b.clone(), x.clone()));
    // Through it.
    let outside = |w: Tensor<_>, b: Tensor<_>, x: Tensor<_>| {
        let mesh = Mesh::new([("data", 2), ("model", 2)]);
        let specs = (spec((None, "model")), spec(()), spec("data"));
        shard_map(loss, &mesh, specs, spec(()))(w, b, x)
    };
    close(&Grad::new().argnum::<1>().of(outside)(w.clone(), b.clone(), x.clone()), &inside.1);
    close(&Grad::new().argnum::<0>().of(outside)(w.clone(), b.clone(), x.clone()), &inside.0);
}
