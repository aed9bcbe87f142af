//! What is moved into a mapped function is overwritten there. (A file of its own: the pool is the whole process's.)

use plywood::prelude::*;

#[test]
fn an_argument_that_is_moved_in_is_donated() {
    let big = || Tensor::<Cpu>::arange(1 << 20).cast(DType::F64).reshape([1 << 10, 1 << 10]);
    let bytes = 8 << 20;
    let taken = |f: &dyn Fn(Tensor<Cpu>) -> Tensor<Cpu>, keep: bool| {
        let x = big();
        let kept = keep.then(|| x.clone());
        Cpu::reset_memory_peak();
        let before = Cpu::memory().in_use;
        let y = f(x);
        drop(kept);
        assert_eq!(y.shape(), &[1 << 10, 1 << 10]);
        Cpu::memory().peak - before
    };
    let f = vmap(|x: Tensor<_>| math::exp((x + 1.0) * 2.0));
    assert!(taken(&*f, false) < bytes / 2, "{}", taken(&*f, false));
    assert!(taken(&*f, true) >= bytes);
    let g = vmap(vmap(|x: Tensor<_>| (x + 1.0) * 2.0));
    assert!(taken(&*g, false) < bytes / 2);
}
