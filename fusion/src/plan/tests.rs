use super::*;
use crate::passes::tests::graph;
use plywood_core::{DType, Dyn, Tensor};

/// One width of lanes, and everything that could be fused.
struct All;

impl Device for All {
    fn fuses(&self, _: &Graph, e: &Equation) -> Fuses {
        match &e.op {
            Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Select | Op::StopGradient => {
                Fuses::Elementwise(Some(Lanes(4)))
            }
            Op::Reduce { .. } => Fuses::Reduction { lanes: Lanes(4), blocks: true },
            Op::Dot(_) => Fuses::Contraction,
            _ => Fuses::No,
        }
    }

    fn keeps(&self, _: Lanes, _: DType) -> bool {
        true
    }

    fn chains(&self) -> bool {
        true
    }
}

/// The names of the operations of each step.
fn steps(graph: &Graph) -> Vec<String> {
    let name = |i: &usize| graph.equations()[*i].op.name();
    let of = |kernel: &Kernel| {
        let names: Vec<&str> = kernel.equations.iter().map(name).collect();
        format!("({}; {} to {})", names.join(" "), kernel.inputs.len(), kernel.outputs.len())
    };
    let step = |step: &Step| match step {
        Step::One(i) => name(i).to_string(),
        Step::Kernel(kernel) => of(kernel),
        Step::Contract { dot, kernel, .. } => format!("{} then {}", name(dot), of(kernel)),
        Step::Chain(chain) => {
            let then: Vec<&str> = chain.then.iter().map(|then| name(&then.dot)).collect();
            let hidden = chain.hidden.iter().filter(|hidden| **hidden).count();
            format!("{} chain {} then {}, {hidden} hidden", name(&chain.dot), of(&chain.kernel), then.len())
        }
        Step::Together(kernels) => format!("{} times {}", kernels.len(), of(&kernels[0])),
    };
    plan(graph, &All).steps.iter().map(step).collect()
}

type T = Tensor<Dyn>;

/// The first arguments as rows of four by two.
fn matrix(x: &[T]) -> T {
    x[0].broadcast_to([4, 2])
}

#[test]
fn a_chain_is_one_kernel_and_numbers_are_inside() {
    let g = graph(1, |x| vec![1.05 * x[0].gt(0.0).select(&x[0], 1.67 * x[0].exp() - 1.67)]);
    assert_eq!(steps(&g), ["(gt exp mul sub select mul; 1 to 1)"]);
    // Two results, and one that is read by both.
    let g = graph(2, |x| {
        let y = x[0].sin() * &x[1];
        vec![y.cos(), y]
    });
    assert_eq!(steps(&g), ["(sin mul cos; 2 to 2)"]);
}

#[test]
fn what_others_read_is_there_before_them() {
    let g = graph(2, |x| {
        let y = x[0].sin() + 1.0;
        let z = x[1].dot(&y);
        vec![&y * z, x[1].cos().exp()]
    });
    let found = steps(&g);
    let place = |name: &str| found.iter().position(|s| s.contains(name)).unwrap();
    assert!(place("sin") < place("dot_general") && place("dot_general") < place("mul"), "{found:?}");
    // A number that is no kernel's alone is made.
    let g = graph(1, |x| vec![x[0].full_like(3.0), &x[0] * x[0].full_like(2.0).sin()]);
    assert!(plan(&g, &All).steps.contains(&Step::One(0)));
}

#[test]
fn rows_are_reduced_and_repeated_in_one_kernel() {
    let softmax = |x: &T| {
        let e = (x - x.max_keep(-1).broadcast_to([4, 2])).exp();
        &e / e.sum_keep(-1).broadcast_to([4, 2])
    };
    let g = graph(1, |x| vec![softmax(&matrix(x))]);
    let names = "reduce_max reshape broadcast sub exp reduce_sum reshape broadcast div";
    assert_eq!(steps(&g), [format!("({names}; 1 to 1)")]);
    // Over the first axis there are no rows.
    let g = graph(1, |x| vec![(matrix(x) - matrix(x).sum_keep(0).broadcast_to([4, 2])).exp()]);
    assert!(steps(&g).iter().any(|s| s == "reduce_sum"));
}

#[test]
fn a_contraction_goes_on_with_what_follows() {
    let g = graph(2, |x| {
        let y = matrix(x);
        let z = y.matmul(&x[1].broadcast_to([2, 2])) + x[1].broadcast_to([4, 2]);
        vec![z.maximum(0.0)]
    });
    let found = steps(&g);
    assert_eq!(found.last().unwrap(), "dot_general then (add max; 2 to 1)", "{found:?}");
    // Not where others read it, too.
    let g = graph(2, |x| {
        let y = matrix(x).matmul(&x[1].broadcast_to([2, 2]));
        vec![(&y + 1.0).exp(), y]
    });
    assert!(steps(&g).contains(&"dot_general".to_string()));
}

#[test]
fn kernels_are_bounded() {
    let g = graph(30, |x| vec![x.iter().skip(1).fold(x[0].clone(), |sum, x| sum + x)]);
    for step in plan(&g, &All).steps {
        let Step::Kernel(kernel) = step else { continue };
        assert!(kernel.inputs.len() <= 22 && kernel.outputs.len() <= 8);
    }
    // More results than a kernel has are those of several.
    let g = graph(1, |x| (0..20).map(|i| (&x[0] + i as f64).sin()).collect());
    let kernels = plan(&g, &All).steps.into_iter().filter(|s| matches!(s, Step::Kernel(_))).count();
    assert!((2..=5).contains(&kernels));
}

#[test]
fn planning_grows_with_the_number_of_equations() {
    let chain = |n: usize| graph(2, |x| vec![(0..n).fold(x[0].clone(), |y, _| (y * &x[1]).sin())]);
    let found = plan(&chain(2000), &All).steps;
    let most = found.iter().map(|s| if let Step::Kernel(k) = s { k.equations.len() } else { 1 }).max();
    assert_eq!((found.len(), most), (4000usize.div_ceil(96), Some(96)));
}

#[test]
fn scalars_are_computed_where_they_are_read() {
    let step = |x: &[T]| {
        let t = x[1].dot(&x[1]);
        let scale = 1.0 - t.sin().exp();
        &x[0] * scale.broadcast_to([2])
    };
    let g = graph(2, |x| vec![step(x)]);
    assert_eq!(steps(&g), ["dot_general", "(sin exp sub broadcast mul; 2 to 1)"]);
    // Not those that others read.
    let g = graph(2, |x| {
        let scale = x[1].dot(&x[1]).sin().exp();
        vec![&x[0] * scale.broadcast_to([2]), scale]
    });
    assert_eq!(steps(&g), ["dot_general", "(sin exp; 1 to 1)", "(mul; 2 to 1)"]);
}

#[test]
fn kernels_of_one_program_run_as_one() {
    let update = |p: T, g: T| p - 0.1 * g.sin();
    let g = graph(4, |x| {
        let wide = |x: &T| x.broadcast_to([3, 2]).reshape([6]).sin();
        vec![update(x[0].clone(), x[1].clone()), update(wide(&x[2]), wide(&x[3])), &x[0] + &x[1]]
    });
    let found = steps(&g);
    assert!(!found.iter().any(|s| s.contains("times")), "others are in these kernels: {found:?}");
    let g = graph(2, |x| {
        let column = |x: &T| x.reshape([2, 1]);
        vec![update(x[0].clone(), x[1].clone()), update(column(&x[0]), column(&x[1]))]
    });
    assert_eq!(steps(&g).last().unwrap(), "2 times (sin mul sub; 2 to 1)");
    // Not where what comes between reads it.
    let g = graph(2, |x| {
        let y = update(x[0].clone(), x[1].clone()).dot(&x[1]).reshape([1, 1]);
        vec![update(y.clone(), y)]
    });
    assert!(!steps(&g).iter().any(|s| s.contains("times")));
}

/// Two matrices of four batches, 32 by 64, as a product's operands.
fn batches(x: &[T]) -> [T; 2] {
    [0, 1].map(|i: usize| x[i].sum().broadcast_to([4, 32, 64]).sin())
}

fn softmax(x: &T) -> T {
    let shape = x.shape().to_vec();
    let e = (x - x.max_keep(-1).broadcast_to(&shape[..])).exp();
    &e / e.sum_keep(-1).broadcast_to(&shape[..])
}

#[test]
fn attention_is_one_step() {
    let names = "reduce_max reshape broadcast sub exp reduce_sum reshape broadcast div";
    let g = graph(2, |x| {
        let [q, k] = batches(x);
        vec![softmax(&q.matmul(&k.swapaxes(-1, -2))).matmul(&k)]
    });
    let found = steps(&g);
    assert_eq!(
        found.last().unwrap(),
        &format!("dot_general chain ({names}; 1 to 1) then 1, 1 hidden"),
        "{found:?}"
    );
    // What others read stays; a view that was made in between is made before.
    let g = graph(2, |x| {
        let [q, k] = batches(x);
        let p = softmax(&q.matmul(&k.swapaxes(-1, -2)));
        let v = k.exp();
        let y = p.matmul(&k.swapaxes(-1, -2).swapaxes(-1, -2));
        vec![y, p.matmul(&v), p]
    });
    let found = steps(&g);
    assert!(found.contains(&format!("dot_general chain ({names}; 1 to 1) then 1, 0 hidden")), "{found:?}");
    assert_eq!(found.iter().filter(|step| *step == "dot_general").count(), 1, "{found:?}");
}

#[test]
fn no_chain_is_made_of_what_others_read_or_what_is_small() {
    let chains = |g: &Graph| steps(g).iter().filter(|step| step.contains("chain")).count();
    // The scores themselves are asked for.
    let g = graph(2, |x| {
        let [q, k] = batches(x);
        let s = q.matmul(&k.swapaxes(-1, -2));
        vec![softmax(&s).matmul(&k), s]
    });
    assert_eq!(chains(&g), 0);
    // Few elements; no batches.
    for shape in [vec![4, 4, 16], vec![1, 32, 64], vec![32, 64]] {
        let g = graph(2, |x| {
            let [q, k] = [0, 1].map(|i: usize| x[i].sum().broadcast_to(&shape[..]).sin());
            vec![softmax(&q.matmul(&k.swapaxes(-1, -2))).matmul(&k)]
        });
        assert_eq!(chains(&g), 0, "{shape:?}");
    }
}
