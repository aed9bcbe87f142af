//! Named axes: what collectives give, alone and in other transformations, as JAX 0.10 gives it.

use plywood::prelude::*;

type T = Tensor<Cpu>;

fn lanes() -> T {
    T::from([1.0, 2.0, 3.0, 4.0])
}

fn named() -> Vmap {
    Vmap::new().axis_name("i")
}

#[test]
fn a_gradient_is_that_of_the_sum_of_all_lanes_results() {
    fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        psum(x.square(), "i")
    }
    // jax.vmap(jax.grad(lambda x: lax.psum(x ** 2, "i")), axis_name="i")(jnp.arange(1., 5))
    assert_eq!(named().of(grad(f))(lanes()).to_vec::<f64>(), [8.0, 16.0, 24.0, 32.0]);
    // The same, differentiated outside.
    fn total<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        Vmap::new().axis_name("i").of(f)(x).sum()
    }
    assert_eq!(grad(total)(lanes()).to_vec::<f64>(), [8.0, 16.0, 24.0, 32.0]);
    let (y, dy) = jvp(total, (lanes(),), (lanes().ones_like(),));
    assert_eq!((y.item::<f64>(), dy.item::<f64>()), (120.0, 80.0));
    // Of a value that all lanes share: the factor is the number of lanes, whether or not it happens to be repeated.
    fn shared<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        psum(w.square(), "i") + x
    }
    let each = named().in_axes((None, 0)).of(grad(shared))(T::scalar(3.0), lanes());
    assert_eq!(each.to_vec::<f64>(), [24.0; 4]);
}

#[test]
fn all_of_them() {
    let x = lanes();
    assert_eq!(named().of(|x: Tensor<_>| pmean(x, "i"))(x.clone()).to_vec::<f64>(), [2.5; 4]);
    assert_eq!(named().of(|x: Tensor<_>| pmax(x, "i"))(x.clone()).to_vec::<f64>(), [4.0; 4]);
    assert_eq!(named().of(|x: Tensor<_>| pmin(x, "i"))(x.clone()).to_vec::<f64>(), [1.0; 4]);
    let trees = named().of(|x: Tensor<_>| psum((x.clone(), vec![x * 2.0]), "i"))(x.clone());
    assert_eq!((trees.0.get(0).item::<f64>(), trees.1[0].get(3).item::<f64>()), (10.0, 20.0));
    let counted = named().of(|x: Tensor<_>| x * 0.0 + axis_size("i"))(x.clone());
    assert_eq!(counted.to_vec::<f64>(), [4.0; 4]);
    fn index<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        axis_index::<B>("i") + x
    }
    assert_eq!(named().of(index)(T::from([0, 0, 0])).to_vec::<i32>(), [0, 1, 2]);

    let m = T::arange(32).cast(DType::F64).reshape([4, 4, 2]);
    let gathered = named().of(|x: Tensor<_>| AllGather::new().axis(-1).of(x, "i"))(m.clone());
    assert_eq!(gathered.get(2), m.transpose([1, 2, 0]));
    let tiled = named().of(|x: Tensor<_>| AllGather::new().tiled().of(x, "i"))(m.clone());
    assert_eq!(tiled.get(1), m.reshape([16, 2]));
    let parts = named().of(|x: Tensor<_>| PsumScatter::new().tiled().of(x, "i"))(m.reshape([4, 8]));
    assert_eq!(parts, m.reshape([4, 8]).sum_axes([0]).reshape([4, 2]));
    let exchanged = named().of(|x: Tensor<_>| all_to_all(x, "i", 0, 0))(m.clone());
    assert_eq!(exchanged, m.transpose([1, 0, 2]));
    // A lane that nobody sends to has zeros.
    let shifted = named().of(|x: Tensor<_>| ppermute(x, "i", &[(0, 1), (1, 2), (2, 3)]))(x.clone());
    assert_eq!(shifted.to_vec::<f64>(), [0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn lanes_that_tie_share_the_gradient_of_an_extreme() {
    fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        pmax(x, "i")
    }
    let x = T::from([1.0, 4.0, 4.0, 2.0]);
    assert_eq!(named().of(grad(f))(x).to_vec::<f64>(), [0.0, 2.0, 2.0, 0.0]);
}

#[test]
fn axes_in_axes() {
    // x[i][j], both named.
    fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        psum(x.clone(), "i") * 100.0 + psum(x, "j") + axis_index::<B>("i") * 0.5
    }
    let inner = Vmap::new().axis_name("j").of(f);
    let x = T::from([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]);
    let y = named().of(inner)(x);
    assert_eq!(y.to_vec::<f64>(), [1106.0, 2206.0, 3306.0, 1160.5, 2260.5, 3360.5]);
    // Of two axes with one name the inner one is meant.
    let twice = Vmap::new().axis_name("i").of(Vmap::new().axis_name("i").of(|x: Tensor<_>| psum(x, "i")));
    assert_eq!(twice(T::from([[1.0, 2.0], [3.0, 4.0]])).to_vec::<f64>(), [3.0, 3.0, 7.0, 7.0]);
}

#[test]
fn inside_loops_branches_and_checkpoints() {
    // In a body that reads no mapped value, the state comes to differ between lanes all the same.
    fn counted<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let step = |s: Tensor<_>| s + axis_index("i");
        x + fori_loop(0, 3, |_, s: Tensor<_>| step(s), Tensor::scalar(0))
    }
    let y = named().of(counted)(T::from([0, 0, 0]));
    assert_eq!(y.to_vec::<i32>(), [0, 3, 6]);
    fn scanned<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let xs = stack([&x, &x], 0);
        scan(|s: Tensor<_>, x: Tensor<_>| (s + psum(x.square(), "i"), ()), x, xs).0
    }
    assert_eq!(named().of(scanned)(lanes()).to_vec::<f64>(), [61.0, 62.0, 63.0, 64.0]);
    assert_eq!(named().of(grad(scanned))(lanes()).to_vec::<f64>(), [17.0, 33.0, 49.0, 65.0]);
    fn inside<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        checkpoint(|x: Tensor<_>| psum(x.square(), "i"))(x)
    }
    assert_eq!(named().of(grad(inside))(lanes()).to_vec::<f64>(), [8.0, 16.0, 24.0, 32.0]);
}
