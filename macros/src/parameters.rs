//! What each generic parameter is (the backend, a tree, plain data, a constant), and what it becomes in `On<C>`.
//!
//! What always holds of the result: with each parameter replaced as it says, every bound of the type holds on every
//! other backend. A bound of which that cannot be known is refused.

use crate::fields::{Role, Variant, note};
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::collections::HashSet;
use syn::{
    Error, GenericParam, Generics, Ident, Result, Type, TypeParam, TypeParamBound, WherePredicate,
    parse_quote,
};

/// What a type parameter is, apart from the backend.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `T: Tree<B>`; becomes `<T as Tree<B>>::On<C>`.
    Tree,
    /// It occurs in static fields, and stays.
    Static,
    /// It occurs in no field that holds something, and stays.
    Phantom,
}

/// The generic parameters of the implementation.
pub(crate) struct Parameters {
    /// The backend: the type's parameter, or one of the implementation alone.
    pub(crate) backend: Ident,
    /// The other backend, the parameter of `On`.
    pub(crate) other: Ident,
    /// The generics of the implementation, with the bounds that it adds.
    pub(crate) generics: Generics,
    /// The arguments of the type in `On<C>`, as `<..>`; nothing where it has none.
    pub(crate) on: TokenStream,
    /// Whether `On<C>` is the type itself.
    pub(crate) unchanged: bool,
}

/// Reads the parameters. `traits` is the path of the module that has them, `taken` are the names the type uses.
pub(crate) fn read(
    generics: &Generics,
    variants: &[Variant<'_>],
    traits: &TokenStream,
    taken: &HashSet<String>,
) -> Result<Parameters> {
    let mut errors = None;
    for lifetime in generics.lifetimes() {
        let message = "a tree owns what it holds, so it has no lifetime parameter; hold the data by value or in an `Arc`";
        note(&mut errors, Error::new_spanned(lifetime, message));
    }
    let mut backends = generics.type_params().filter(|p| {
        all_bounds(generics, &p.ident).any(|bound| last_segment(bound).is_some_and(|s| s == "Backend"))
    });
    let backend = backends.next().map(|p| p.ident.clone());
    if let (Some(first), Some(second)) = (&backend, backends.next()) {
        let message = format!(
            "`{first}` is the backend already: all tensors of a tree are on one; make `{}` a tree, without this bound",
            second.ident
        );
        return Err(Error::new_spanned(second, message));
    }
    let kinds = kinds(generics, variants, backend.as_ref(), &mut errors);
    check_bounds(generics, backend.as_ref(), &kinds, &mut errors);
    if let Some(errors) = errors {
        return Err(errors);
    }

    let other = unused("C", taken);
    let own = backend.clone().unwrap_or_else(|| unused("B", taken));
    let arguments = generics.params.iter().map(|param| match param {
        GenericParam::Type(p) if Some(&p.ident) == backend.as_ref() => other.to_token_stream(),
        GenericParam::Type(p) => {
            let t = &p.ident;
            match kind(&kinds, t) {
                Some(Kind::Tree) => quote!(<#t as #traits::Tree<#own>>::On<#other>),
                Some(Kind::Static | Kind::Phantom) | None => t.to_token_stream(),
            }
        }
        GenericParam::Const(p) => p.ident.to_token_stream(),
        GenericParam::Lifetime(p) => p.lifetime.to_token_stream(),
    });
    let on = if generics.params.is_empty() { TokenStream::new() } else { quote!(<#(#arguments),*>) };
    let unchanged = backend.is_none() && kinds.iter().all(|(_, kind)| *kind != Kind::Tree);

    let mut with_bounds: Generics = parse_quote!(#generics);
    let where_clause = &generics.where_clause;
    with_bounds.where_clause = parse_quote!(#where_clause);
    if backend.is_none() {
        with_bounds.params.insert(0, parse_quote!(#own: #traits::Backend));
    }
    for param in with_bounds.type_params_mut() {
        let wanted: &[TypeParamBound] = match kind(&kinds, &param.ident) {
            Some(Kind::Tree) => &[parse_quote!(#traits::Tree<#own>)],
            Some(Kind::Static) => &[
                parse_quote!(::core::clone::Clone),
                parse_quote!(::core::fmt::Debug),
                parse_quote!(::core::cmp::PartialEq),
                parse_quote!(::core::marker::Send),
                parse_quote!(::core::marker::Sync),
                parse_quote!('static),
            ],
            Some(Kind::Phantom) => &[
                parse_quote!(::core::clone::Clone),
                parse_quote!(::core::marker::Send),
                parse_quote!(::core::marker::Sync),
                parse_quote!('static),
            ],
            None => &[],
        };
        for bound in wanted {
            // What the user has written is not repeated: a lint would point there.
            let same = |b: &TypeParamBound| last_segment(b) == last_segment(bound);
            if !all_bounds(generics, &param.ident).any(same) {
                let bound = bound.to_token_stream();
                param.bounds.push(parse_quote!(#bound));
            }
        }
    }
    Ok(Parameters { backend: own, other, generics: with_bounds, on, unchanged })
}

/// What the type parameters apart from the backend are, by the fields they occur in.
fn kinds(
    generics: &Generics,
    variants: &[Variant<'_>],
    backend: Option<&Ident>,
    errors: &mut Option<Error>,
) -> Vec<(Ident, Kind)> {
    let fields = || variants.iter().flat_map(|v| &v.fields);
    let statics = || fields().filter(|f| f.role == Role::Static);
    for field in statics() {
        if let Some(b) = backend.filter(|b| mentions(&field.ty, b)) {
            let message = format!(
                "a static field goes to other backends unchanged, so its type cannot name the backend `{b}`"
            );
            note(errors, Error::new_spanned(field.ty, message));
        }
    }
    let mut kinds = Vec::new();
    for TypeParam { ident: t, .. } in generics.type_params().filter(|p| Some(&p.ident) != backend) {
        let in_trees = fields().any(|f| f.role == Role::Tree && mentions(&f.ty, t));
        let in_static = statics().find(|f| mentions(&f.ty, t));
        kinds.push((
            t.clone(),
            match (in_trees, in_static) {
                (true, None) => Kind::Tree,
                (false, Some(_)) => Kind::Static,
                (false, None) => Kind::Phantom,
                (true, Some(field)) => {
                    let message = format!(
                        "`{t}` is a tree in another field, and changes with the backend; a static field does not. \
                         Give this field a type parameter of its own, or leave out `#[tree(static)]`"
                    );
                    note(errors, Error::new_spanned(field.ty, message));
                    Kind::Tree
                }
            },
        ));
    }
    kinds
}

/// Refuses bounds that need not hold on another backend.
fn check_bounds(
    generics: &Generics,
    backend: Option<&Ident>,
    kinds: &[(Ident, Kind)],
    errors: &mut Option<Error>,
) {
    let changes = |tokens: &dyn ToTokens| {
        let trees = kinds.iter().filter(|(_, kind)| *kind == Kind::Tree).map(|(t, _)| t);
        trees.chain(backend).any(|p| mentions(tokens, p))
    };
    for TypeParam { ident: t, .. } in generics.type_params() {
        for bound in all_bounds(generics, t) {
            let known = |names: &[&str]| match bound {
                TypeParamBound::Lifetime(_) => true,
                _ => last_segment(bound).is_some_and(|s| names.iter().any(|name| s == name)),
            };
            let message = if Some(t) == backend {
                if known(&["Backend", "Copy", "Clone", "Debug", "PartialEq", "Send", "Sync", "Sized"]) {
                    continue;
                }
                format!(
                    "of the other backends that `{t}` is replaced by, nothing is known but that they are a `Backend`; \
                     put this bound on the functions that need it"
                )
            } else if kind(kinds, t) == Some(Kind::Tree) {
                if known(&["Tree", "Clone", "Send", "Sync", "Sized"]) {
                    continue;
                }
                format!(
                    "`{t}` is a tree, and of what it becomes on another backend nothing is known but that it is a \
                     `Tree`; put this bound on the functions that need it (if `{t}` is the backend, its bound is \
                     `Backend`; if it is plain data, its fields are `#[tree(static)]`)"
                )
            } else if changes(bound) {
                "this bound need not hold on another backend; put it on the functions that need it"
                    .to_string()
            } else {
                continue;
            };
            note(errors, Error::new_spanned(bound, message));
        }
    }
    for predicate in generics.where_clause.iter().flat_map(|w| &w.predicates) {
        let of_parameter = bounded(predicate).is_some_and(|t| generics.type_params().any(|p| p.ident == *t));
        if !of_parameter && changes(predicate) {
            let message = "this bound need not hold on another backend; put it on the functions that need it";
            note(errors, Error::new_spanned(predicate, message));
        }
    }
}

fn kind(kinds: &[(Ident, Kind)], t: &Ident) -> Option<Kind> {
    kinds.iter().find(|(name, _)| name == t).map(|(_, kind)| *kind)
}

/// The bounds of a type parameter, beside it and in the where clause.
fn all_bounds<'a>(generics: &'a Generics, t: &'a Ident) -> impl Iterator<Item = &'a TypeParamBound> {
    let beside = generics.type_params().filter(move |p| p.ident == *t).flat_map(|p| &p.bounds);
    let predicates = generics.where_clause.iter().flat_map(|w| &w.predicates);
    let below = predicates.filter(move |p| bounded(p) == Some(t)).flat_map(bounds);
    beside.chain(below)
}

/// The one name that a predicate bounds; `None` where it bounds something longer.
fn bounded(predicate: &WherePredicate) -> Option<&Ident> {
    match predicate {
        WherePredicate::Type(p) => match &p.bounded_ty {
            Type::Path(path) if path.qself.is_none() => path.path.get_ident(),
            _ => None,
        },
        _ => None,
    }
}

fn bounds(predicate: &WherePredicate) -> impl Iterator<Item = &TypeParamBound> {
    let bounds = match predicate {
        WherePredicate::Type(p) => Some(&p.bounds),
        _ => None,
    };
    bounds.into_iter().flatten()
}

fn last_segment(bound: &TypeParamBound) -> Option<&Ident> {
    match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().map(|s| &s.ident),
        _ => None,
    }
}

/// Whether the tokens name the parameter: not a part of a path after `::`.
fn mentions(tokens: &(impl ToTokens + ?Sized), parameter: &Ident) -> bool {
    fn within(tokens: TokenStream, parameter: &Ident) -> bool {
        let mut after_colon = false;
        tokens.into_iter().any(|token| {
            let here = match &token {
                TokenTree::Ident(ident) => ident == parameter && !after_colon,
                TokenTree::Group(group) => within(group.stream(), parameter),
                TokenTree::Punct(_) | TokenTree::Literal(_) => false,
            };
            after_colon = matches!(&token, TokenTree::Punct(p) if p.as_char() == ':');
            here
        })
    }
    within(tokens.to_token_stream(), parameter)
}

/// Every name in the tokens.
pub(crate) fn names(tokens: TokenStream, into: &mut HashSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => drop(into.insert(ident.to_string())),
            TokenTree::Group(group) => names(group.stream(), into),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// A name that the type does not use: `wanted`, or with a number.
fn unused(wanted: &str, taken: &HashSet<String>) -> Ident {
    let numbered = (2..).map(|n| format!("{wanted}{n}"));
    let name = std::iter::once(wanted.to_string()).chain(numbered).find(|name| !taken.contains(name));
    Ident::new(&name.expect("names do not run out"), proc_macro2::Span::mixed_site())
}
