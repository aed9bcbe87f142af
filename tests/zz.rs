use plywood::prelude::*;
#[test]
fn zz() {
    let x = Tensor::<Cpu>::from([[[1.5f32, 0.5], [2.0, 3.0], [0.25, 1.25]], [[0.7, 1.1], [1.3, 0.9], [2.5, 0.4]]]);
    println!("{}", trace(grad(|x: Tensor<_>| x.prod_axes([0, 2]).sum()))(x.clone()));
    let j = Jit::new().of(|x: Tensor<_>| grad(|x: Tensor<_>| x.prod_axes([0, 2]).sum())(x));
    println!("{}", j.call((x.clone(),)));
    println!("{}", j.graph().unwrap());
    println!("{}", grad(|x: Tensor<_>| x.prod_axes([0, 2]).sum())(x));
}
