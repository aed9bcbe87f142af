//! What the derive refuses, where it points and what it says; and what it writes for a small type.

use crate::expand::tree;
use proc_macro2::TokenStream;

fn parse(source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|e| panic!("{source}: {e}"))
}

/// The source under each error, and its message.
fn errors(source: &str) -> Vec<(String, String)> {
    match tree(parse(source)) {
        Ok(expansion) => panic!("{source}\nwas taken:\n{expansion}"),
        Err(errors) => {
            errors.into_iter().map(|e| (e.span().source_text().unwrap_or_default(), e.to_string())).collect()
        }
    }
}

#[test]
fn what_is_refused_says_where_and_what_would_fit() {
    // Source, what the error points at, a part of what it says.
    let cases = [
        ("union U { a: f32 }", "union", "an enum does"),
        ("struct S<'a, B: Backend> { w: &'a Tensor<B> }", "'a", "hold the data by value or in an `Arc`"),
        (
            "struct S<A: Backend, B: Backend>(Tensor<A>, Tensor<B>);",
            "B: Backend",
            "`A` is the backend already",
        ),
        (
            "struct S<A: Backend, B>(Tensor<A>, Tensor<B>) where B: Backend;",
            "B",
            "`A` is the backend already",
        ),
        ("struct S { #[tree(frozen)] a: f32 }", "frozen", "on a field there is `#[tree(static)]`"),
        ("struct S { #[tree(phantom)] a: PhantomData<u8> }", "phantom", "`PhantomData` needs no option"),
        ("struct S { #[tree(crate = \"x\")] a: f32 }", "crate", "said of the whole type"),
        ("struct S { #[tree] a: f32 }", "tree", "expected attribute arguments"),
        ("#[tree(static)] struct S { a: f32 }", "static", "said of a field"),
        (
            "#[tree(name = \"x\")] struct S { a: f32 }",
            "name",
            "on a type there is `#[tree(crate = \"path\")]`",
        ),
        ("#[tree(crate = \"a\", crate = \"b\")] struct S;", "crate = \"b\"", "given twice"),
        ("#[tree(crate = \"a b\")] struct S;", "\"a b\"", "unexpected token"),
        ("enum E { #[tree(static)] A(f32) }", "#[tree(static)]", "a variant has no options"),
        (
            "struct S<B: Backend> { #[tree(static)] a: Act<B> }",
            "Act<B>",
            "its type cannot name the backend `B`",
        ),
        (
            "struct S<T> { a: T, #[tree(static)] b: Vec<T> }",
            "Vec<T>",
            "`T` is a tree in another field, and changes with the backend",
        ),
        (
            "struct S<B: Backend + Fast> { w: Tensor<B> }",
            "Fast",
            "put this bound on the functions that need it",
        ),
        (
            "struct S<B> where B: Backend + a::Fast { w: Tensor<B> }",
            "a::Fast",
            "put this bound on the functions",
        ),
        ("struct S<B: DeviceBackend> { w: Tensor<B> }", "DeviceBackend", "its bound is `Backend`"),
        ("struct S<T: Display> { a: T }", "Display", "its fields are `#[tree(static)]`"),
        ("struct S<T> where T: Copy { a: Vec<T> }", "Copy", "`T` is a tree"),
        (
            "struct S<B: Backend> where Layer<B>: Fast { w: Tensor<B> }",
            "Layer<B>: Fast",
            "on another backend",
        ),
        (
            "struct S<B: Backend, T: Of<B>> { w: Tensor<B>, #[tree(static)] t: T }",
            "Of<B>",
            "need not hold on another backend",
        ),
    ];
    for (source, place, message) in cases {
        let errors = errors(source);
        assert_eq!(errors.len(), 1, "{source}: {errors:?}");
        let (at, said) = &errors[0];
        assert_eq!(at, place, "{source}: {said}");
        assert!(said.contains(message), "{source}\nsays: {said}\nand not: {message}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let source = "struct S<'a, B: Backend + Fast> { #[tree(static)] a: Act<B>, b: &'a str }";
    let places: Vec<String> = errors(source).into_iter().map(|(at, _)| at).collect();
    assert_eq!(places, ["'a", "Act<B>", "Fast"]);
    let fields = errors("struct S { #[tree(x)] a: f32, #[tree(y)] b: f32 }");
    assert_eq!(fields.len(), 2);
}

#[test]
fn a_small_type_reads_as_written_by_hand() {
    let got = tree(parse(
        "struct Linear<B: Backend, T = f32> { w: Tensor<B>, r#type: T, #[tree(static)] act: Act, p: PhantomData<B> }",
    ));
    let want = "
        #[automatically_derived]
        impl<B: Backend, T: ::plywood::__private::Tree<B>> ::plywood::__private::Tree<B> for Linear<B, T> {
            type On<C: ::plywood::__private::Backend> = Linear<C, <T as ::plywood::__private::Tree<B>>::On<C>>;
            fn map<C: ::plywood::__private::Backend>(
                self,
                f: &mut dyn ::core::ops::FnMut(::plywood::__private::Tensor<B>) -> ::plywood::__private::Tensor<C>,
            ) -> Linear<C, <T as ::plywood::__private::Tree<B>>::On<C>> {
                let Linear { w: field_0, r#type: field_1, act: field_2, p: _ } = self;
                Linear {
                    w: <Tensor<B> as ::plywood::__private::Tree<B>>::map::<C>(field_0, f),
                    r#type: <T as ::plywood::__private::Tree<B>>::map::<C>(field_1, f),
                    act: field_2,
                    p: ::core::marker::PhantomData
                }
            }
            fn give_up(self, f: &mut dyn ::core::ops::FnMut(::plywood::__private::Tensor<B>)) {
                let Linear { w: field_0, r#type: field_1, act: field_2, p: _ } = self;
                <Tensor<B> as ::plywood::__private::Tree<B>>::give_up(field_0, f);
                <T as ::plywood::__private::Tree<B>>::give_up(field_1, f);
                let _ = field_2;
            }
            fn like<C: ::plywood::__private::Backend>(
                &self,
                f: &mut dyn ::core::ops::FnMut() -> ::plywood::__private::Tensor<C>,
            ) -> Linear<C, <T as ::plywood::__private::Tree<B>>::On<C>> {
                let Linear { w: field_0, r#type: field_1, act: field_2, p: _ } = self;
                Linear {
                    w: <Tensor<B> as ::plywood::__private::Tree<B>>::like::<C>(field_0, f),
                    r#type: <T as ::plywood::__private::Tree<B>>::like::<C>(field_1, f),
                    act: ::core::clone::Clone::clone(field_2),
                    p: ::core::marker::PhantomData
                }
            }
            fn visit(&self, path: ::plywood::__private::Path<'_>, visitor: &mut dyn ::plywood::__private::Visitor) {
                let Linear { w: field_0, r#type: field_1, act: field_2, p: _ } = self;
                <Tensor<B> as ::plywood::__private::Tree<B>>::visit(field_0, path.field(\"w\"), visitor);
                <T as ::plywood::__private::Tree<B>>::visit(field_1, path.field(\"type\"), visitor);
                visitor.plain(path.field(\"act\"), field_2);
            }
        }";
    let dense = |text: String| text.split_whitespace().collect::<String>();
    assert_eq!(dense(got.expect("no errors").to_string()), dense(want.to_string()));
}

#[test]
fn the_names_it_adds_are_not_the_users() {
    let cases = [
        ("struct S<B: Backend>(Tensor<B>);", "On < C :"),
        ("struct S<C: Backend>(Tensor<C>);", "On < C2 :"),
        ("struct S<X: Backend> { c: C, d: [C2; 3], x: Tensor<X> }", "On < C3 :"),
        ("struct B { c: C }", "Tree < B2 > for B"),
        ("#[tree(crate = \"my::own\")] struct S;", "my :: own :: __private :: Tree < B > for S"),
    ];
    for (source, part) in cases {
        let expansion = tree(parse(source)).expect("no errors").to_string();
        assert!(expansion.contains(part), "{source} has no `{part}`: {expansion}");
    }
}
