//! Indexing: places named twice, places counted from the end, places outside.

use super::*;

type R = Tensor<Traced<Cpu>>;

fn scalars(starts: &[i32]) -> Vec<V> {
    starts.iter().map(|&s| V::scalar(s)).collect()
}

/// A function of a tensor, places, and values there, recorded: the places are not known while it is.
fn recorded(f: impl Fn(R, R, R) -> R + Send + Sync + 'static, x: C, i: &[i32], u: C) -> Vec<C> {
    let i = C::from(i);
    let graph = trace(f)(x.clone(), i.clone(), u.clone());
    both(move |x: V, u: V| graph.call(&[x, i.lift(), u]).remove(0), (x, u))
}

pub(super) fn cases() -> Vec<Case> {
    let x = || C::from([1., 2., 3., 4.]);
    let u = || C::from([10., 20., 30.]);
    let i = || V::from([1, 1, 3]);
    let m = || (C::arange(12).cast(DType::F64).reshape([3, 4]),);
    let outside = || [1, 9, -9, -1];
    let with = |f: fn(R, R, R) -> R| recorded(f, x(), &outside(), x() * 10.);
    let starts = [
        (-3, "dynamic_slice -3", "dynamic_update_slice -3"),
        (-1, "dynamic_slice -1", "dynamic_update_slice -1"),
        (1, "dynamic_slice 1", "dynamic_update_slice 1"),
        (3, "dynamic_slice 3", "dynamic_update_slice 3"),
        (9, "dynamic_slice 9", "dynamic_update_slice 9"),
    ];
    let moved = starts.into_iter().flat_map(|(s, slice, update)| {
        let part = move |x: V| x.dynamic_slice(&scalars(&[s]), [2]);
        let with = move |x: V, u: V| x.dynamic_update_slice(&u, &scalars(&[s]));
        [(slice, both(part, (x(),))), (update, both(with, (x(), u().get(..2))))]
    });
    let fixed = vec![
        ("at set", both(move |x: V, u: V| x.at(&i()).set(u), (x(), u()))),
        ("at add", both(move |x: V, u: V| x.at(&i()).add(u), (x(), u()))),
        ("at set, negative", both(|x: V, u: V| x.at(-1).set(u), (x(), C::scalar(10.)))),
        ("at set a number in all", pull(move |x: V, u: V| x.at(&i()).set(u), (x(), C::scalar(10.)))),
        ("get", both(|x: V| x.get(&V::from([0, 2, 2, -1, -4])), (x(),))),
        ("get rows", pull(|x: V| x.get(&V::from([2, 0, 2])), m())),
        ("get pairs", both(|x: V| x.get((&V::from([[2], [-1]]), &V::from([0, -1]))), m())),
        ("get apart", both(|x: V| x.reshape([3, 2, 2]).get((&V::from([1, 1]), .., &V::from([0, 1]))), m())),
        ("get a step", both(|x: V| x.get((step(.., -2), step(1.., 2))), m())),
        ("get, get", pull(|x: V| x.get(&V::from([0, 0, 1])).get(&V::from([2, 0, 0])), m())),
        ("get, second", second(|x| x.get(&W::from([0, 0, 2])).powi(3), &C::from([1., 2., 3.]))),
        ("get, places outside recorded", with(|x, i, u| x.get(&i) * u)),
        ("at set, places outside recorded", with(|x, i, u| x.at(&i).set(u))),
        ("at add, places outside recorded", with(|x, i, u| x.at(&i).add(u))),
        ("pad", both(|x: V, v: V| x.pad_interior([(2, -1, 1)], v), (x(), C::scalar(7.)))),
        ("concatenate", pull(|x: V, y: V| concatenate([&x, &y, &x], 0), (x(), C::from([1.0f32, 2.0])))),
        ("flip, roll over", pull(|x: V| x.t().reshape([2, 6]).flip([1]), m())),
    ];
    moved.chain(fixed).collect()
}
