//! Conversions from and to the crate `ndarray`, in any layout.
#![cfg(feature = "ndarray")]

use ndarray::{Array2, ArrayD, Axis, Slice, arr0};
use plywood::prelude::*;

#[test]
fn arrays_go_to_tensors_and_back() {
    let a = Array2::from_shape_fn((3, 4), |(i, j)| (10 * i + j) as f32);
    let t = Tensor::<Cpu>::from(&a);
    assert_eq!(t.shape(), &[3, 4]);
    assert_eq!(t.to_ndarray::<f32>(), a.clone().into_dyn());
    // Views keep their order of elements, whatever their strides.
    let turned = Tensor::<Cpu>::from(&a.t());
    assert_eq!(turned, t.t());
    let mut reversed = a.view();
    reversed.invert_axis(Axis(0));
    let part = Tensor::<Cpu>::from(&reversed.slice_axis(Axis(1), Slice::from(1..3)));
    assert_eq!(part, t.get((step(.., -1), 1..3)));
    assert_eq!(Tensor::<Cpu>::from(&arr0(7i64)).item::<i64>(), 7);
    let empty = Tensor::<Cpu>::zeros([0, 2], DType::Bool).to_ndarray::<bool>();
    assert_eq!(empty, ArrayD::from_elem(vec![0, 2], true));
}

#[test]
#[should_panic(expected = "to_vec::<f64>() of f32[2]: read it as f32, or cast it")]
fn the_wrong_type_is_told() {
    Tensor::<Cpu>::zeros([2], DType::F32).to_ndarray::<f64>();
}
