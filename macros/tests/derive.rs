//! Derived trees do what they say: each type here is mapped to another backend and visited on both.
//!
//! The types stand in a module of their own that denies every lint, so that generated code is seen to be clean.

use plywood_core::{
    Array, Backend, DType, Device, Engine, Error, Path, Plain, SelfTree, Step, Tensor, TensorType, Tree,
    Value, Values, Visitor,
};
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// Where the generated code finds the traits.
mod facade {
    pub mod __private {
        pub use plywood_core::{Backend, Path, Tensor, Tree, Visitor};
    }
}

#[deny(warnings, clippy::all, clippy::pedantic, clippy::nursery, unused, unused_qualifications)]
#[forbid(unused_variables, unused_mut, unsafe_code)]
mod types {
    use plywood_core::{Backend, Tensor};
    use plywood_macros::Tree;
    use std::collections::BTreeMap;
    use std::fmt::Debug;
    use std::marker::PhantomData;

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Activation {
        Relu,
        Tanh,
    }

    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub struct Linear<B: Backend> {
        pub weight: Tensor<B>,
        pub bias: Option<Tensor<B>>,
    }

    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub struct Everything<B>
    where
        B: Backend,
    {
        pub layers: Vec<Linear<B>>,
        pub head: Option<Box<Linear<B>>>,
        pub pair: (Tensor<B>, f64),
        pub array: [Tensor<B>; 2],
        pub map: BTreeMap<String, Tensor<B>>,
        pub r#type: usize,
        #[tree(static)]
        pub activation: Activation,
        pub marker: PhantomData<B>,
    }

    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub struct Tuple<B: Backend>(pub Tensor<B>, #[tree(static)] pub Activation, pub Linear<B>);

    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub struct Unit;

    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub enum Never {}

    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub struct Settings {
        pub rate: f64,
        #[tree(static)]
        pub names: Vec<&'static str>,
    }

    /// Recursive both ways, and with each style of variant.
    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub enum Chain<B: Backend> {
        End,
        Link(Linear<B>, Box<Self>),
        Fork { left: Vec<Self>, scale: Tensor<B> },
    }

    /// A tree parameter, a plain one, one that is in no field, and a constant.
    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub struct Generic<C: Backend, T: Clone, P, Q, const N: usize> {
        pub tensors: [Tensor<C>; N],
        pub inner: Vec<T>,
        #[tree(static)]
        pub plain: P,
        pub marker: PhantomData<Q>,
    }

    /// No backend: a tree on the backend of what it holds.
    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub struct Residual<T>
    where
        T: Send,
    {
        pub main: T,
        pub skip: T,
    }

    /// Bounds on plain data stay.
    #[derive(Clone, Tree)]
    #[tree(crate = "crate::facade")]
    pub struct Bounded<B: Backend, P>
    where
        P: Debug + Default + Ord,
    {
        pub x: Tensor<B>,
        #[tree(static)]
        pub plain: Option<P>,
    }

    /// Names like those in generated code, and like those of the standard library, mean what they mean here.
    pub mod shadows {
        use plywood_core::{Backend, Tensor};
        use plywood_macros::Tree;

        #[derive(Debug, PartialEq, Eq, Clone, Copy)]
        pub struct C(pub u8);
        #[derive(Debug, PartialEq, Eq, Clone, Copy)]
        pub struct FnMut;
        #[derive(Debug, PartialEq, Eq, Clone, Copy)]
        pub struct Path;
        #[derive(Debug, PartialEq, Eq, Clone, Copy)]
        pub struct Visitor(pub FnMut, pub Path);
        pub mod core {}

        #[derive(Clone, Tree)]
        #[tree(crate = "crate::facade")]
        pub struct Shadows<B: Backend> {
            pub f: Tensor<B>,
            pub path: Tensor<B>,
            #[tree(static)]
            pub visitor: (C, Visitor),
            pub field_0: Tensor<B>,
        }
    }
}
use types::shadows::{self, C, Shadows};
use types::*;

/// Two backends that hold a number for a tensor and compute nothing.
macro_rules! backends { ($($Name:ident)*) => { $(
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct $Name;
    impl Backend for $Name {
        const ENGINE: &'static dyn Engine = &$Name;
    }
    impl Engine for $Name {
        fn execute(&'static self, step: Step<'_>, _: Values) -> Values {
            let _: &[TensorType] = step.outputs;
            panic!("nothing is computed here")
        }
        fn read(&'static self, _: &Value) -> Result<Array, Error> {
            panic!("nothing is read here")
        }
        fn device(&'static self, _: Option<&Value>) -> Device {
            panic!("there is no device here")
        }
        fn name(&self) -> String {
            stringify!($Name).to_string()
        }
    }
)* } }
backends!(One Two);

fn tensor<B: Backend>(id: u32) -> Tensor<B> {
    Tensor::of(Value::new(B::ENGINE, TensorType::scalar(DType::F32), id))
}

fn linear(id: u32) -> Linear<One> {
    Linear { weight: tensor(id), bias: Some(tensor(id + 1)) }
}

/// Every leaf, as `path = tensor` or `path: plain`.
fn show<B: Backend>(tree: &impl Tree<B>) -> Vec<String> {
    struct Show(Vec<String>);
    impl Visitor for Show {
        fn tensor(&mut self, path: Path<'_>, value: &Value) {
            self.0.push(format!("{path} = {}", value.data::<u32>()))
        }
        fn plain(&mut self, path: Path<'_>, data: &dyn Plain) {
            self.0.push(format!("{path}: {data:?}"))
        }
    }
    let mut show = Show(Vec::new());
    tree.visit(Path::root(), &mut show);
    show.0
}

/// Checks the leaves of a tree, and that on another backend it has the same, each tensor a hundred up, and was mapped
/// in the order in which it is visited. A tree on its own backend is itself, and its second backend's first is too.
#[track_caller]
fn check<T: SelfTree<One>>(tree: T, want: &[&str]) -> T::On<Two> {
    assert_eq!(show(&tree), want);
    let mut order = Vec::new();
    let same: T = Tree::<One>::map(tree, &mut |t: Tensor<One>| t);
    let mapped = Tree::<One>::map(same, &mut |t: Tensor<One>| {
        order.push(*t.value().data::<u32>());
        tensor::<Two>(t.value().data::<u32>() + 100)
    });
    let number =
        |leaf: &str| leaf.split_once(" = ").map(|(path, id)| (path.to_string(), id.parse::<u32>().unwrap()));
    let shown: Vec<u32> = want.iter().filter_map(|leaf| number(leaf)).map(|(_, id)| id).collect();
    assert_eq!(order, shown);
    let up: Vec<String> = want
        .iter()
        .map(|leaf| number(leaf).map_or(leaf.to_string(), |(path, id)| format!("{path} = {}", id + 100)))
        .collect();
    assert_eq!(show::<Two>(&mapped), up);
    mapped
}

#[test]
fn a_struct_of_everything() {
    let tree = Everything {
        layers: vec![linear(1), Linear { weight: tensor(3), bias: None }],
        head: Some(Box::new(linear(4))),
        pair: (tensor(6), 0.5),
        array: [tensor(7), tensor(8)],
        map: BTreeMap::from([("a".to_string(), tensor(9)), ("b".to_string(), tensor(10))]),
        r#type: 11,
        activation: Activation::Relu,
        marker: PhantomData,
    };
    let want = [
        ".layers: 2",
        ".layers[0].weight = 1",
        ".layers[0].bias: true",
        ".layers[0].bias = 2",
        ".layers[1].weight = 3",
        ".layers[1].bias: false",
        ".head: true",
        ".head.weight = 4",
        ".head.bias: true",
        ".head.bias = 5",
        ".pair[0] = 6",
        ".pair[1]: 0.5",
        ".array[0] = 7",
        ".array[1] = 8",
        ".map: 2",
        ".map[\"a\"]: \"\\\"a\\\"\"",
        ".map[\"a\"] = 9",
        ".map[\"b\"]: \"\\\"b\\\"\"",
        ".map[\"b\"] = 10",
        ".type: 11",
        ".activation: Relu",
    ];
    let mapped: Everything<Two> = check(tree, &want);
    assert_eq!(mapped.activation, Activation::Relu);
    let _: PhantomData<Two> = mapped.marker;
}

#[test]
fn tuple_structs_units_and_plain_structs() {
    let _: Tuple<Two> = check(
        Tuple(tensor(1), Activation::Tanh, linear(2)),
        &["[0] = 1", "[1]: Tanh", "[2].weight = 2", "[2].bias: true", "[2].bias = 3"],
    );
    let _: Unit = check(Unit, &[]);
    let settings: Settings =
        check(Settings { rate: 0.1, names: vec!["a"] }, &[".rate: 0.1", ".names: [\"a\"]"]);
    assert_eq!((settings.rate, settings.names), (0.1, vec!["a"]));
    let _: Vec<Never> = check(Vec::<Never>::new(), &[": 0"]);
}

#[test]
fn enums_and_recursion() {
    let link = Chain::Link(linear(1), Box::new(Chain::Link(linear(3), Box::new(Chain::End))));
    let tree = Chain::Fork { left: vec![link, Chain::End], scale: tensor(5) };
    let want = [
        ": \"Fork\"",
        ".left: 2",
        ".left[0]: \"Link\"",
        ".left[0][0].weight = 1",
        ".left[0][0].bias: true",
        ".left[0][0].bias = 2",
        ".left[0][1]: \"Link\"",
        ".left[0][1][0].weight = 3",
        ".left[0][1][0].bias: true",
        ".left[0][1][0].bias = 4",
        ".left[0][1][1]: \"End\"",
        ".left[1]: \"End\"",
        ".scale = 5",
    ];
    let _: Chain<Two> = check(tree, &want);
}

#[test]
fn generic_parameters() {
    struct NotATree;
    impl Clone for NotATree {
        fn clone(&self) -> Self {
            NotATree
        }
    }
    let tree = Generic::<One, Linear<One>, Activation, NotATree, 2> {
        tensors: [tensor(1), tensor(2)],
        inner: vec![linear(3)],
        plain: Activation::Tanh,
        marker: PhantomData,
    };
    let want = [
        ".tensors[0] = 1",
        ".tensors[1] = 2",
        ".inner: 1",
        ".inner[0].weight = 3",
        ".inner[0].bias: true",
        ".inner[0].bias = 4",
        ".plain: Tanh",
    ];
    let _: Generic<Two, Linear<Two>, Activation, NotATree, 2> = check(tree, &want);

    let residual = Residual { main: (tensor(1), 2.0), skip: (tensor(3), 4.0) };
    let want = [".main[0] = 1", ".main[1]: 2.0", ".skip[0] = 3", ".skip[1]: 4.0"];
    let _: Residual<(Tensor<Two>, f64)> = check(residual, &want);
    let _: Residual<u8> = check(Residual { main: 1u8, skip: 2u8 }, &[".main: 1", ".skip: 2"]);

    let bounded = Bounded { x: tensor(1), plain: Some('p') };
    let _: Bounded<Two, char> = check(bounded, &[".x = 1", ".plain: Some('p')"]);
}

#[test]
fn names_mean_what_they_mean_to_the_user() {
    let visitor = (C(7), shadows::Visitor(shadows::FnMut, shadows::Path));
    let tree = Shadows { f: tensor(1), path: tensor(2), visitor, field_0: tensor(3) };
    let want = [".f = 1", ".path = 2", ".visitor: (C(7), Visitor(FnMut, Path))", ".field_0 = 3"];
    let _: Shadows<Two> = check(tree, &want);
}

#[test]
fn a_tensor_that_is_moved_in_is_held_by_nobody_else() {
    let tree = Chain::Link(linear(1), Box::new(Chain::End));
    let mut leaves = 0;
    let _: Chain<Two> = tree.map(&mut |t: Tensor<One>| {
        leaves += 1;
        assert!(t.into_value().data_mut::<u32>().is_some(), "the tree still holds leaf {leaves}");
        tensor(0)
    });
    assert_eq!(leaves, 2);
}
