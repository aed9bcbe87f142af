//! `map`: a function for each slice, one after another, as a loop that stays one operation; with a batch size, so many slices
//! at a time.

use crate::engine::Batched;
use crate::frame::{Frame, repeated};
use plywood_core::control::scan;
use plywood_core::tree::{leaves, rebuild};
use plywood_core::{Backend, SelfTree, Shape, Tensor, Traced, Tree, Value};
use std::cell::RefCell;

/// Applies `f` to each slice of `xs` along the first axis, one after another, and stacks the results. It is a loop whose
/// body is recorded once, so memory holds the inside of one step; with derivatives as [`scan`](plywood_core::control::scan)
/// has them. Several at a time: [`Map`].
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(map(|x: Tensor<_>| x.sum(), x).to_vec::<f64>(), [3.0, 7.0]);
/// ```
#[track_caller]
pub fn map<B: Backend, X: SelfTree<B>, Y: Tree<Traced<B>>, F>(f: F, xs: X) -> Y::On<B>
where
    F: Fn(X::On<Traced<B>>) -> Y,
{
    scan(|(), x| ((), f(x)), (), xs).1
}

/// [`map`] with a batch size: `Map::new().batch_size(64).of(f)(xs)`.
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::arange(5);
/// let squares = Map::new().batch_size(2).of(|x: Tensor<_>| x.square());
/// assert_eq!(squares(x).to_vec::<i32>(), [0, 1, 4, 9, 16]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Map {
    batch: usize,
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    /// One slice at a time, mapped.
    pub fn new() -> Self {
        Map { batch: 1 }
    }

    /// So many slices at a time, by `vmap`; what is left comes last.
    #[track_caller]
    pub fn batch_size(self, slices: usize) -> Self {
        assert!(slices > 0, "map: a batch has at least one slice");
        Map { batch: slices }
    }

    /// The function of all slices.
    pub fn of<B, X, Y, F>(self, f: F) -> impl Fn(X) -> Mapped<B, Y>
    where
        B: Backend,
        X: SelfTree<B>,
        Y: Tree<Batched<Traced<B>>>,
        F: Fn(X::On<Batched<Traced<B>>>) -> Y,
    {
        move |xs| self.run(&f, xs)
    }

    #[track_caller]
    fn run<B, X, Y, F>(self, f: &F, xs: X) -> Mapped<B, Y>
    where
        B: Backend,
        X: SelfTree<B>,
        Y: Tree<Batched<Traced<B>>>,
        F: Fn(X::On<Batched<Traced<B>>>) -> Y,
    {
        let slices = leaves(&xs);
        let Some(n) = slices.first().and_then(|x| x.shape().first().copied()) else {
            panic!("map: there is no tensor with an axis to map over")
        };
        for x in &slices {
            assert!(
                x.shape().first() == Some(&n),
                "map: {} has not {n} slices along its first axis, as others have",
                x.ty()
            );
        }
        // Whole batches, then what is left as one smaller batch.
        let (batches, rest) = (n / self.batch, n % self.batch);
        let template = RefCell::new(None);
        let part = |from: usize, batches: usize, lanes: usize| -> Vec<Value> {
            let cut = |x: &Value| {
                let shape: Shape =
                    [batches, lanes].into_iter().chain(x.shape()[1..].iter().copied()).collect();
                x.clone().slice_axis(0, from, from + batches * lanes).reshape_to(shape)
            };
            let parts: Vec<Value> = slices.iter().map(cut).collect();
            let parts = rebuild::<B, B, X>(&xs, parts);
            let body = |(), x| {
                let y = batch::<B, X, Y, F>(f, &xs, x, lanes);
                *template.borrow_mut() = Some(y.clone());
                ((), y)
            };
            let joined = |y: Value| {
                let shape = [batches * lanes].into_iter().chain(y.shape()[2..].iter().copied()).collect();
                y.reshape_to(shape)
            };
            leaves::<B, Mapped<B, Y>>(&scan(body, (), parts).1).into_iter().map(joined).collect()
        };
        let mut values = part(0, batches, self.batch);
        if rest > 0 {
            let last = part(batches * self.batch, 1, rest);
            let joined = |(a, b)| Value::concatenate([a, b].into_iter().collect(), 0);
            values = values.into_iter().zip(last).map(joined).collect();
        }
        let template = template.take().expect("a body is recorded");
        rebuild::<Traced<B>, B, Y::On<Traced<B>>>(&template, values)
    }
}

/// What a function on batches of recorded slices gives, on the backend below.
pub type Mapped<B, Y> = <<Y as Tree<Batched<Traced<B>>>>::On<Traced<B>> as Tree<Traced<B>>>::On<B>;

/// The function for all lanes of a batch.
fn batch<B, X, Y, F>(f: &F, like: &X, x: X::On<Traced<B>>, lanes: usize) -> Y::On<Traced<B>>
where
    B: Backend,
    X: SelfTree<B>,
    Y: Tree<Batched<Traced<B>>>,
    F: Fn(X::On<Batched<Traced<B>>>) -> Y,
{
    let frame = Frame::new(lanes, None);
    let inputs: Vec<Value> = leaves(&x).into_iter().map(|x| frame.enter::<Traced<B>>(x)).collect();
    let y = f(rebuild::<B, Batched<Traced<B>>, X>(like, inputs));
    let out = y.map::<Traced<B>>(&mut |y| {
        let (value, batched) = frame.leave(y.into_value());
        Tensor::of(if batched { value } else { repeated(value, lanes) })
    });
    frame.close();
    out
}
