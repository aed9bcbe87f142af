//! `#[derive(Tree)]`: a struct or an enum of tensors as a tree, so that transformations take and return it.
//!
//! The derive reads the type in three steps, one module each: what each field is (`fields`), what each generic
//! parameter is and what it becomes on another backend (`parameters`), and from both the implementation
//! (`expand`). What it cannot carry over to another backend it refuses at the place where it stands, with what
//! would fit. The code it writes names everything by full path, so that it compiles wherever the type does.

mod expand;
mod fields;
mod parameters;
#[cfg(test)]
mod tests;

/// Implements `Tree` for a struct or an enum: the value with each of its tensors replaced, on another backend.
///
/// ```ignore
/// use plywood::prelude::*;
///
/// #[derive(Clone, Tree)]
/// struct Linear<B: Backend> {
///     weight: Tensor<B>,
///     bias: Option<Tensor<B>>,
/// }
///
/// #[derive(Clone, Tree)]
/// struct Mlp<B: Backend> {
///     layers: Vec<Linear<B>>,
///     #[tree(static)]
///     activation: Activation,
/// }
///
/// #[derive(Clone, Debug, PartialEq)]
/// enum Activation { Relu, Tanh }
/// ```
///
/// The type has to be `Clone`, and so has each of its fields. A derived `Clone` is enough.
///
/// # Fields
///
/// - A field is a tree itself: a tensor, a derived type, a tuple, an array, `Vec`, `Option`, `Box`, a map, or plain
///   data (`f64`, `usize`, `bool`, `String`). It stands in the path to its leaves by its name, or by its index in a
///   tuple struct.
/// - `#[tree(static)]`: plain data of any type that is `Clone + Debug + PartialEq + Send + Sync + 'static`. It is
///   part of the structure, and goes over unchanged. Its type cannot name the backend.
/// - `PhantomData<..>` holds nothing and needs no attribute.
///
/// Of an enum, the name of the variant is part of the structure. Types may be recursive, through a `Box` or a `Vec`.
///
/// # Generic parameters
///
/// - The parameter with the bound `Backend` (beside it or in the where clause) is the backend. There is at most one; a
///   type without one is a tree on every backend.
/// - Another type parameter is a tree, and `T: Tree<B>` is added as a bound. If it occurs in static fields alone, it is
///   plain data, and the bounds of plain data are added.
/// - Constants stay as they are. A tree owns what it holds, so lifetimes are refused.
///
/// Further bounds on the backend or on trees are refused: they would have to hold on every other backend too. They
/// belong on the functions that need them.
///
/// # Where the traits are
///
/// The code names them through `::plywood::__private`. Where that crate goes by another name, `#[tree(crate = "name")]`
/// on the type says so.
#[proc_macro_derive(Tree, attributes(tree))]
pub fn derive_tree(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand::tree(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
