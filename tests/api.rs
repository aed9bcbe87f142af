//! The API's forms compile and infer as the documentation writes them, and give what they say.

use plywood::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Activation {
    Tanh,
    Relu,
}

#[derive(Clone, Debug, PartialEq, Tree)]
struct Linear<B: Backend> {
    w: Tensor<B>,
    b: Tensor<B>,
}

#[derive(Clone, Tree)]
struct Mlp<B: Backend> {
    layers: Vec<Linear<B>>,
    #[tree(static)]
    activation: Activation,
}

type C = Tensor<Cpu>;

fn predict<B: Backend>(p: Mlp<B>, x: Tensor<B>) -> Tensor<B> {
    p.layers.iter().fold(x, |x, l| {
        let y = x.matmul(&l.w) + &l.b;
        match p.activation {
            Activation::Tanh => y.tanh(),
            Activation::Relu => y.relu(),
        }
    })
}

fn loss<B: Backend>(p: Mlp<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    (predict(p, x) - y).square().sum()
}

fn selu<B: Backend>(x: Tensor<B>, alpha: f64, lambda: f64) -> Tensor<B> {
    lambda * x.gt(0.0).select(&x, alpha * x.exp() - alpha)
}

fn mlp(activation: Activation) -> Mlp<Cpu> {
    let layer = |i: usize, n, m| Linear {
        w: (C::arange(n * m).cast(DType::F64).reshape([n, m]) * 0.1 - 0.2 * i as f64).sin(),
        b: C::zeros([m], DType::F64),
    };
    Mlp { layers: vec![layer(1, 3, 4), layer(2, 4, 2)], activation }
}

#[test]
fn tensors_are_made_and_read() {
    let x = C::from([[1.0f32, 2.0], [3.0, 4.0]]);
    assert_eq!(x.shape(), &[2, 2]);
    assert_eq!(x.dtype(), DType::F32);
    assert_eq!(C::from([1.0]).dtype(), DType::F64);
    assert_eq!(x.device(), Device::cpu(0));
    assert_eq!(C::from_slice(&[1i32, 2, 3, 4, 5, 6], [2, 3]).to_vec::<i32>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(C::zeros([2, 3], DType::F32).to_vec::<f32>(), [0.0; 6]);
    assert!(C::ones([], DType::Bool).item::<bool>());
    assert_eq!(C::full([2], 7, DType::U8).to_vec::<u8>(), [7, 7]);
    assert_eq!(C::eye(2, DType::I32).to_vec::<i32>(), [1, 0, 0, 1]);
    assert_eq!(C::arange(3).to_vec::<i32>(), [0, 1, 2]);
    assert_eq!(C::linspace(0.0, 1.0, 3, DType::F64).to_vec::<f64>(), [0.0, 0.5, 1.0]);
    assert_eq!(C::scalar(2.0f32).item::<f32>(), 2.0);
    assert_eq!(x.full_like(2.0).to_vec::<f32>(), [2.0; 4]);
    assert_eq!(x.cast(DType::BF16).to_vec::<bf16>()[3], bf16::from_f32(4.0));
    assert_eq!(x.to_device(&Device::cpu(0)), x);
    assert_eq!(x.to::<Cpu>(), x);
    assert_eq!(format!("{x}"), "[[1. 2.]\n [3. 4.]]");
    assert_eq!(format!("{x:?}"), "Tensor<Cpu> f32[2,2] on cpu:0");
    assert_eq!(Cpu::devices(), [Device::cpu(0)]);
}

#[test]
fn operators_take_values_references_and_numbers() {
    let x = C::scalar(3.0f32);
    let lr = 0.5f32;
    let cases = [
        (2.0 * &x, 6.0),
        (&x * 2.0, 6.0),
        (1.0 - x.clone(), -2.0),
        (x.clone() / 2, 1.5),
        (2 * &x, 6.0),
        (-(&x * &x), -9.0),
        (1.0 + &x * &x, 10.0),
        (&x * lr, 1.5),
        (&x % 2.0, 1.0),
        (x.maximum(5.0), 5.0),
        (x.maximum(&x), 3.0),
        (x.clone() + x.clone(), 6.0),
        (x.clone() - &x, 0.0),
        (x.pow(2), 9.0),
        (x.powi(-1), 1.0 / 3.0),
        (x.clip(0.0, 1.0), 1.0),
        (math::square(x.clone()), 9.0),
    ];
    for (i, (y, want)) in cases.into_iter().enumerate() {
        assert_eq!(y.item::<f32>(), want, "case {i}");
    }
    let mut sum = x.clone();
    sum += 1;
    sum -= &x;
    assert_eq!(sum.item::<f32>(), 1.0);
    let b = C::from([true, false]);
    assert_eq!((!&b).to_vec::<bool>(), [false, true]);
    assert_eq!((&b & &b | !&b).to_vec::<bool>(), [true, true]);
    assert_eq!((C::from([5u8, 6]) >> 1).to_vec::<u8>(), [2, 3]);
    assert_eq!((C::from([-8i32]) >> 1).to_vec::<i32>(), [-4]);
    let y = 1.05 * x.gt(0.0).select(&x, 1.67 * x.exp() - 1.67);
    assert!((y.item::<f32>() - 3.15).abs() < 1e-6);
}

#[test]
fn reductions_and_shapes() {
    let x = C::arange(24).reshape([2, 3, 4]);
    assert_eq!(x.sum().item::<i32>(), 276);
    assert_eq!(x.sum_axes([0, -1]).to_vec::<i32>(), [60, 92, 124]);
    assert_eq!(x.mean_keep([1]).shape(), &[2, 1, 4]);
    assert_eq!(x.max().item::<i32>(), 23);
    assert_eq!(x.argmax(1).to_vec::<i32>(), [2; 8]);
    assert_eq!(x.prod_axes(-1).shape(), &[2, 3]);
    assert_eq!(x.reshape([2, -1]).shape(), &[2, 12]);
    assert_eq!(x.t().shape(), &[4, 3, 2]);
    assert_eq!(x.transpose([1, 0, 2]).shape(), &[3, 2, 4]);
    assert_eq!(x.softmax(-1).shape(), &[2, 3, 4]);
    assert!((C::from([1.0, 2.0]).logsumexp().item::<f64>() - 2.313261687518223).abs() < 1e-15);
    let (a, b) = (C::from([[1.0f32]]), C::from([[2.0f32]]));
    assert_eq!(concatenate([&a, &b], 0).shape(), &[2, 1]);
    assert_eq!(stack([&a, &b], 0).shape(), &[2, 1, 1]);
    assert_eq!(a.matmul(&b).item::<f32>(), 2.0);
}

#[test]
#[allow(clippy::reversed_empty_ranges)] // a range may end before it starts: its end counts from the end
fn indexing() {
    let x = C::arange(60).reshape([3, 4, 5]);
    let at = |i: i32, j: i32, k: i32| i * 20 + j * 5 + k;
    assert_eq!(x.get((0, .., 1..3)).shape(), &[4, 2]);
    assert_eq!(x.get((.., ..-1)).shape(), &[3, 3, 5]);
    assert_eq!(x.get((2_i32, ..)).to_vec::<i32>()[0], at(2, 0, 0));
    assert_eq!(x.get(-1).get((1, 2)).item::<i32>(), at(2, 1, 2));
    let indices = C::from([2i32, 0, -1]);
    assert_eq!(
        x.get((.., .., &indices)).get((1, 1)).to_vec::<i32>(),
        [at(1, 1, 2), at(1, 1, 0), at(1, 1, 4)]
    );
    assert_eq!(x.get((&indices, 1, &indices)).to_vec::<i32>(), [at(2, 1, 2), at(0, 1, 0), at(2, 1, 4)]);
    assert_eq!(x.get((Ellipsis, 0)).shape(), &[3, 4]);
    assert_eq!(x.get((NewAxis, .., 0)).shape(), &[1, 3, 5]);
    assert_eq!(
        x.get((1, step(.., -1), 0)).to_vec::<i32>(),
        [at(1, 3, 0), at(1, 2, 0), at(1, 1, 0), at(1, 0, 0)]
    );
    assert_eq!(x.get((1, step(3..0, -2), 0)).to_vec::<i32>(), [at(1, 3, 0), at(1, 1, 0)]);
    assert_eq!(x.get((0..=1, 1..=-1)).shape(), &[2, 3, 5]);
    let z = C::zeros([3, 4], DType::F32);
    let set = z.at((0, ..)).set(1.0);
    assert_eq!(set.sum().item::<f32>(), 4.0);
    assert_eq!(z.at((.., 1..3)).add(2.0).sum_axes(0).to_vec::<f32>(), [0.0, 6.0, 6.0, 0.0]);
    assert_eq!(z.at(&indices).add(C::ones([3, 4], DType::F32)).sum_axes(1).to_vec::<f32>(), [4.0, 0.0, 8.0]);
    assert_eq!(
        z.at((step(.., 2), -1)).set(C::from([1.0f32, 2.0])).get((.., 3)).to_vec::<f32>(),
        [1.0, 0.0, 2.0]
    );
    assert_eq!(z.at((1, &indices)).max(3).get(1).to_vec::<f32>(), [3.0, 0.0, 3.0, 3.0]);
    assert_eq!(set.at((.., 0)).mul(5).get((.., 0)).to_vec::<f32>(), [5.0, 0.0, 0.0]);
}

#[test]
fn gradients() {
    let x = C::scalar(1.0f32);
    assert_eq!(grad(math::tanh)(x.clone()).item::<f32>(), 0.41997434);
    let third = grad(grad(grad(math::tanh)))(x.clone()).item::<f32>();
    assert!((third - 0.621_626_9).abs() < 1e-5, "{third}");
    let p = mlp(Activation::Tanh);
    let (x, y) = (C::from([[1.0, 0.5, -1.0]]), C::from([[0.2, -0.1]]));
    let g = grad(loss)(p.clone(), x.clone(), y.clone());
    assert_eq!(g.layers[1].w.shape(), &[4, 2]);
    assert_eq!(g.activation, Activation::Tanh);
    let (l, g2) = value_and_grad(loss)(p.clone(), x.clone(), y.clone());
    assert_eq!(l, loss(p.clone(), x.clone(), y.clone()));
    assert_eq!(g2.layers, g.layers);
    let by_x = Grad::new().argnum::<1>().of(loss)(p.clone(), x.clone(), y.clone());
    assert_eq!(by_x.shape(), &[1, 3]);
    fn with_metrics<B: Backend>(p: Mlp<B>, x: Tensor<B>, y: Tensor<B>) -> (Tensor<B>, (Tensor<B>, usize)) {
        let out = predict(p, x);
        ((&out - y).square().sum(), (out, 3))
    }
    let (l2, (out, n), _) = ValueAndGrad::new().has_aux().of(with_metrics)(p.clone(), x.clone(), y.clone());
    assert_eq!((l2, n), (l, 3));
    assert_eq!(out, predict(p.clone(), x.clone()));
    let (_, (_, n)) = Grad::new().has_aux().of(with_metrics)(p, x, y);
    assert_eq!(n, 3);
}

#[test]
fn static_arguments_and_closures() {
    fn total<B: Backend>(x: Tensor<B>, alpha: f64, lambda: f64) -> Tensor<B> {
        selu(x, alpha, lambda).sum()
    }
    let x = C::from([-1.0, 2.0]);
    let g = grad(total)(x.clone(), 1.67, 1.05);
    assert!((g.get(0).item::<f64>() - 1.05 * 1.67 * (-1.0f64).exp()).abs() < 1e-15);
    assert_eq!(g.get(1).item::<f64>(), 1.05);
    let w = x.clone();
    let g = grad(move |v: Tensor<_>| (v * w.lift()).sum())(x.clone());
    assert_eq!(g, x);
    // A captured struct is lifted as a whole, and by the types around it to the right level.
    let p = mlp(Activation::Tanh);
    let inputs = C::from([[1.0, 0.5, -1.0]]);
    let want = Grad::new().argnum::<1>().of(loss)(p.clone(), inputs.clone(), C::zeros([1, 2], DType::F64));
    let by_x = grad(move |x: Tensor<_>| loss(lift(&p), x, Tensor::zeros([1, 2], DType::F64)));
    assert_eq!(by_x(inputs), want);
    let (y, pullback) = vjp(|x: Tensor<_>| x.sin(), (x.clone(),));
    assert_eq!(y, x.sin());
    let (dx,) = pullback(C::ones([2], DType::F64));
    assert_eq!(dx, x.cos());
    assert_eq!(pullback(C::zeros([2], DType::F64)).0, C::zeros([2], DType::F64));
}

#[test]
fn transformed_functions_go_into_threads() {
    let p = mlp(Activation::Tanh);
    let (x, y) = (C::from([[1.0, 0.5, -1.0]]), C::from([[0.2, -0.1]]));
    let step = value_and_grad(loss);
    let want = step(p.clone(), x.clone(), y.clone());
    std::thread::scope(|scope| {
        let results: Vec<_> = (0..4).map(|_| scope.spawn(|| step(p.clone(), x.clone(), y.clone()))).collect();
        for result in results {
            let (l, g) = result.join().unwrap();
            assert_eq!(l, want.0);
            assert_eq!(g.layers, want.1.layers);
        }
    });
}

#[test]
fn recording() {
    let graph = trace(loss)(mlp(Activation::Relu), C::from([[1.0, 0.5, -1.0]]), C::from([[0.2, -0.1]]));
    let text = graph.to_string();
    assert!(
        text.starts_with("{ lambda ; a:f64[3,4] b:f64[4] c:f64[4,2] d:f64[2] e:f64[1,3] f:f64[1,2]. let\n"),
        "{text}"
    );
    assert!(text.contains("dot_general"), "{text}");
    let graph = trace(grad(|x: Tensor<_>| x.sin().sum()))(C::from([0.5, 1.0]));
    let y = graph.call(&[C::from([0.5, 1.0])]);
    assert_eq!(y[0], C::from([0.5, 1.0]).cos());
}

#[test]
fn dyn_is_chosen_at_run_time() {
    let error = Dyn::set_default("tpu").unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("no backend is named \"tpu\"; there are: cpu"), "{message}");
    assert!(message.ends_with("(`cuda` and `wgpu` are features)"), "{message}");
    Dyn::set_default("cpu").unwrap();
    let x = Tensor::<Dyn>::scalar(1.0f32);
    assert_eq!(grad(math::tanh)(x).item::<f32>(), 0.41997434);
    let y = grad(|x: Tensor<_>| (x * Tensor::scalar(2.0f32)).sum())(Tensor::<Dyn>::scalar(1.0f32));
    assert_eq!(y.item::<f32>(), 2.0);
}

#[test]
fn vmap_and_what_is_made_of_it() {
    let (x, y) = (C::ones([5, 3], DType::F64), C::zeros([5, 2], DType::F64));
    let p = mlp(Activation::Tanh);
    let per_example = Vmap::new().in_axes((None, 0, 0)).of(grad(loss))(p.clone(), x.clone(), y.clone());
    assert_eq!(per_example.layers[1].w.shape(), &[5, 4, 2]);
    let many = vec![p.clone(); 5];
    let stacked =
        |f: fn(&Mlp<Cpu>, usize) -> C, i| stack(many.iter().map(|p| f(p, i)).collect::<Vec<_>>().iter(), 0);
    let layer = |i| Linear {
        w: stacked(|p, i| p.layers[i].w.clone(), i),
        b: stacked(|p, i| p.layers[i].b.clone(), i),
    };
    let all = Mlp { layers: vec![layer(0), layer(1)], activation: Activation::Tanh };
    let own = vmap(grad(loss))(all, x.clone(), y.clone());
    assert!((&own.layers[0].w - &per_example.layers[0].w).abs().max().item::<f64>() < 1e-14);
    let batched = Vmap::new().in_axes((None, 0)).of(predict)(p.clone(), x.clone());
    assert_eq!(batched.shape(), &[5, 2]);
    let options = Vmap::new().in_axes((None, -2)).out_axes(-1).axis_size(5).chunk(64);
    assert_eq!(options.of(predict)(p.clone(), x.clone()), batched.t());
    let named = Vmap::new().in_axes((None, 0)).axis_name("batch");
    let mean = named.of(|p: Mlp<_>, x: Tensor<_>| pmean(predict(p, x), "batch"))(p.clone(), x.clone());
    assert!((mean.get(0) - batched.mean_axes([0])).abs().max().item::<f64>() < 1e-15);

    let v = C::from([1.0, 2.0]);
    fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        x.powi(3).sum()
    }
    assert_eq!(jacfwd(f)(v.clone()), jacrev(f)(v.clone()));
    assert_eq!(hessian(f)(v.clone()).get(0).to_vec::<f64>(), [6.0, 0.0]);
    assert_eq!(vmap(vmap(grad(math::tanh)))(C::ones([2, 3], DType::F64)).shape(), &[2, 3]);
    let (_, dy) = jvp(vmap(grad(math::tanh)), (v.clone(),), (v.clone(),));
    assert_eq!(dy.shape(), &[2]);
    let (_, linear) = linearize(|x: Tensor<_>| vmap(math::tanh)(x), (v.clone(),));
    assert_eq!(linear((v.clone(),)), &v * (1.0 - v.tanh().square()));
    let (vector, unravel) = ravel(&p);
    let h = hessian(move |w: Tensor<_>| {
        loss(unravel(w), Tensor::ones([3], DType::F64), Tensor::zeros([2], DType::F64))
    })(vector);
    assert_eq!(h.shape(), &[26, 26]);
    assert_eq!(map(|x: Tensor<_>| x * 2.0, v.clone()), &v * 2.0);
}
