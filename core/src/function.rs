//! [`Function`]: a user's function as a transformation sees it, whatever its arity.
//!
//! One macro serves every transformation. It is all that a user's crate compiles of a transformation besides the
//! calls themselves: the drivers are ordinary code over values.

use crate::tree::{SelfTree, Tree};
use crate::{Backend, Layer, Tensor, Value};

/// A function of up to eight trees on the layer `L`, to be called with trees of the backend below.
///
/// `Args` is the tuple of its arguments below the layer, `Out` what it returns, on the layer.
#[diagnostic::on_unimplemented(
    message = "this function cannot be transformed on `{L}`",
    label = "not a function of trees on `{L}` that returns `{Out}`",
    note = "grad needs a function that returns one scalar tensor (or, with has_aux, a tuple of it and a tree)",
    note = "each argument is a tree of tensors on the same backend; what is captured from outside is lifted: `w.lift()`",
    note = "a closure writes its arguments' types: |x: Tensor<_>| ..; one used under two transformations is a generic fn"
)]
pub trait Function<L: Layer, Args, Out> {
    /// A function of the same arguments that returns `R`.
    type Boxed<R: 'static>;

    /// A function of these arguments out of one of their tuple.
    fn boxed<R: 'static>(run: impl Fn(Args) -> R + Send + Sync + 'static) -> Self::Boxed<R>;

    /// Calls the function with each tensor (of the argument of that number) as `enter` makes it.
    fn call(&self, args: Args, enter: &mut dyn FnMut(usize, Value) -> Value) -> Out;
}

macro_rules! function { ($First:ident $($Arg:ident)*; $($i:tt)*) => {
    #[allow(non_snake_case)]
    impl<L: Layer, Fun, Out, $First, $($Arg),*> Function<L, ($First, $($Arg,)*), Out> for Fun
    where
        $First: SelfTree<L::Inner>,
        $($Arg: SelfTree<L::Inner>,)*
        Fun: Fn(<$First as Tree<L::Inner>>::On<L>, $(<$Arg as Tree<L::Inner>>::On<L>),*) -> Out,
    {
        type Boxed<R: 'static> = Box<dyn Fn($First, $($Arg),*) -> R + Send + Sync>;

        fn boxed<R: 'static>(run: impl Fn(($First, $($Arg,)*)) -> R + Send + Sync + 'static) -> Self::Boxed<R> {
            Box::new(move |$First: $First, $($Arg: $Arg),*| run(($First, $($Arg,)*)))
        }

        fn call(&self, args: ($First, $($Arg,)*), enter: &mut dyn FnMut(usize, Value) -> Value) -> Out {
            let ($First, $($Arg,)*) =
                ($(Tree::<L::Inner>::map::<L>(args.$i, &mut |x| Tensor::of(enter($i, x.into_value()))),)*);
            self($First, $($Arg),*)
        }
    }
} }
function!(A; 0);
function!(A B; 0 1);
function!(A B C; 0 1 2);
function!(A B C D; 0 1 2 3);
function!(A B C D E; 0 1 2 3 4);
function!(A B C D E F; 0 1 2 3 4 5);
function!(A B C D E F G; 0 1 2 3 4 5 6);
function!(A B C D E F G H; 0 1 2 3 4 5 6 7);

/// The `N`th of some arguments.
#[diagnostic::on_unimplemented(
    message = "there is no argument number {N} among `{Self}` (they count from 0)"
)]
pub trait Nth<const N: usize, B: Backend> {
    /// Its type.
    type Arg: SelfTree<B>;
    /// The argument.
    fn nth(&self) -> &Self::Arg;
}

macro_rules! nth { ($($N:tt $T:ident: $($All:ident)*;)*) => { $(
    impl<Bk: Backend, $($All),*> Nth<$N, Bk> for ($($All,)*) where $T: SelfTree<Bk> {
        type Arg = $T;
        fn nth(&self) -> &$T { &self.$N }
    }
)* } }
nth! {
    0 A: A;
    0 A: A B; 1 B: A B;
    0 A: A B C; 1 B: A B C; 2 C: A B C;
    0 A: A B C D; 1 B: A B C D; 2 C: A B C D; 3 D: A B C D;
    0 A: A B C D E; 1 B: A B C D E; 2 C: A B C D E; 3 D: A B C D E; 4 E: A B C D E;
    0 A: A B C D E F; 1 B: A B C D E F; 2 C: A B C D E F; 3 D: A B C D E F; 4 E: A B C D E F; 5 F: A B C D E F;
    0 A: A B C D E F G; 1 B: A B C D E F G; 2 C: A B C D E F G; 3 D: A B C D E F G; 4 E: A B C D E F G;
    5 F: A B C D E F G; 6 G: A B C D E F G;
    0 A: A B C D E F G H; 1 B: A B C D E F G H; 2 C: A B C D E F G H; 3 D: A B C D E F G H; 4 E: A B C D E F G H;
    5 F: A B C D E F G H; 6 G: A B C D E F G H; 7 H: A B C D E F G H;
}
