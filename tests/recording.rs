//! Recording functions: what a graph holds, how it prints, and that it replays anywhere.

use plywood::prelude::*;

type C = Tensor<Cpu>;

#[test]
fn what_a_function_captured_is_an_input() {
    let w = C::from([2.0, 3.0]);
    let captured = w.clone();
    let graph = trace(move |x: Tensor<_>| (x * captured.lift()).sum())(C::from([1.0, 1.0]));
    assert_eq!(graph.captured(), 1);
    assert_eq!(
        graph.to_string(),
        "{ lambda a:f64[2] ; b:f64[2]. let\n    c:f64[2] = mul b a\n    d:f64[] = reduce_sum[axes=(0)] c\n  in (d) }"
    );
    assert_eq!(graph.call(&[w, C::from([10.0, 1.0])])[0].item::<f64>(), 23.0);
}

#[test]
fn small_constants_stay_inside_and_large_ones_are_inputs() {
    let graph = trace(|x: Tensor<_>| x + Tensor::from([0.5f32; 16]))(C::zeros([16], DType::F32));
    assert_eq!(graph.captured(), 0);
    let graph = trace(|x: Tensor<_>| x + Tensor::from([0.5f32; 17]))(C::zeros([17], DType::F32));
    assert_eq!(graph.captured(), 1);
}

#[test]
fn only_what_the_result_needs_is_recorded_and_in_the_programs_order() {
    fn f<B: Backend>(x: Tensor<B>) -> (Tensor<B>, Tensor<B>) {
        let first = x.exp();
        let _unused = x.sin();
        let second = x.cos();
        (second, first)
    }
    let graph = trace(f)(C::scalar(1.0f32));
    assert_eq!(
        graph.to_string(),
        "{ lambda ; a:f32[]. let\n    b:f32[] = exp a\n    c:f32[] = cos a\n  in (c, b) }"
    );
    assert!(graph.equations().iter().all(|e| e.at.file().ends_with("tests/recording.rs")));
    let lines: Vec<u32> = graph.equations().iter().map(|e| e.at.line()).collect();
    assert_eq!(lines[1] - lines[0], 2);
}

#[test]
fn a_graph_replays_on_any_layer() {
    fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        (x.sin() * x.exp()).sum()
    }
    let x = C::from([0.3, -1.0, 2.0]);
    let graph = trace(f)(x.clone());
    assert_eq!(graph.call(std::slice::from_ref(&x))[0], f(x.clone()));
    let replayed = grad(move |x: Tensor<Autodiff<Cpu>>| graph.call(&[x]).remove(0));
    assert_eq!(replayed(x.clone()), grad(f)(x.clone()));
    // And a graph of a replay of a graph.
    let graph = trace(f)(x.clone());
    let again = trace(move |x: Tensor<Traced<Cpu>>| graph.call(&[x]).remove(0))(x.clone());
    assert_eq!(again.call(std::slice::from_ref(&x))[0], f(x));
}

#[test]
fn long_functions_are_recorded_replayed_and_dropped_without_recursion() {
    let n = 200_000;
    let graph = trace(move |x: Tensor<_>| (0..n).fold(x, |y, _| -y))(C::scalar(1.5f32));
    assert_eq!(graph.equations().len(), n);
    assert_eq!(graph.call(&[C::scalar(1.5f32)])[0].item::<f32>(), 1.5);
    // Values of a recording that never became a graph.
    trace(move |x: Tensor<_>| {
        let _dropped = (0..n).fold(x.clone(), |y, _| -y);
        x
    })(C::scalar(1.5f32));
}

#[test]
#[should_panic(expected = "depends on an argument of another function that is being recorded")]
fn an_argument_of_an_outer_recording_is_told() {
    trace(|x: Tensor<Traced<Cpu>>| {
        let captured = x.clone();
        trace(move |y: Tensor<Traced<Cpu>>| y * captured.clone())(C::scalar(1.0f32));
        x
    })(C::scalar(1.0f32));
}

#[test]
#[should_panic(expected = "replay: input 0 is f32[3], the graph takes f32[2]")]
fn a_graph_is_for_the_types_it_was_recorded_with() {
    let graph = trace(|x: Tensor<_>| x.sin())(C::zeros([2], DType::F32));
    graph.call(&[C::zeros([3], DType::F32)]);
}
