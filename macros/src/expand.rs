//! The implementation of `Tree` for a type, from its fields and parameters.
//!
//! What always holds: all functions meet the fields in the order of their declaration; no `allow` is needed, nor
//! written (a user's `forbid` would refuse it), so an argument without use is not given a name.

use crate::fields::{self, Role, Style, Variant};
use crate::parameters::{self, Parameters};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use std::collections::HashSet;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Ident, Member, Result};

/// Expands `#[derive(Tree)]`.
pub(crate) fn tree(input: TokenStream) -> Result<TokenStream> {
    let mut taken = HashSet::new();
    parameters::names(input.clone(), &mut taken);
    let input: DeriveInput = syn::parse2(input)?;
    let crate_path = fields::crate_path(&input.attrs)?;
    let traits = quote!(#crate_path::__private);
    let variants = fields::variants(&input)?;
    let parameters = parameters::read(&input.generics, &variants, &traits, &taken)?;
    let expansion = Expansion {
        name: &input.ident,
        is_enum: matches!(input.data, Data::Enum(_)),
        variants: &variants,
        traits,
        parameters: &parameters,
    };
    Ok(expansion.implementation(&input))
}

struct Expansion<'a> {
    name: &'a Ident,
    is_enum: bool,
    variants: &'a [Variant<'a>],
    /// The module that has the traits.
    traits: TokenStream,
    parameters: &'a Parameters,
}

impl Expansion<'_> {
    fn implementation(&self, input: &DeriveInput) -> TokenStream {
        let Expansion { name, traits, .. } = self;
        let Parameters { backend, other, generics, on, .. } = self.parameters;
        let (impl_generics, _, where_clause) = generics.split_for_impl();
        let (_, arguments, _) = input.generics.split_for_impl();
        let (map, give_up, like, visit) = (self.map(), self.give_up(), self.like(), self.visit());
        quote! {
            #[automatically_derived]
            impl #impl_generics #traits::Tree<#backend> for #name #arguments #where_clause {
                type On<#other: #traits::Backend> = #name #on;
                #map
                #give_up
                #like
                #visit
            }
        }
    }

    /// Whether there are tensors in it.
    fn has_tensors(&self) -> bool {
        !self.parameters.unchanged && self.fields().any(|f| f.role == Role::Tree)
    }

    fn give_up(&self) -> TokenStream {
        let traits = &self.traits;
        let backend = &self.parameters.backend;
        let f = argument("f", self.has_tensors());
        let body = if self.has_tensors() {
            self.by_variant(quote!(self), &|variant| {
                let each = variant.fields.iter().map(|field| {
                    let (ty, binding) = (field.ty, &field.binding);
                    match field.role {
                        Role::Tree => quote_spanned! {at(ty)=>
                            <#ty as #traits::Tree<#backend>>::give_up(#binding, #f);
                        },
                        Role::Static => quote!(let _ = #binding;),
                        Role::Phantom => TokenStream::new(),
                    }
                });
                quote!(#(#each)*)
            })
        } else {
            TokenStream::new()
        };
        quote! {
            fn give_up(self, #f: &mut dyn ::core::ops::FnMut(#traits::Tensor<#backend>)) {
                #body
            }
        }
    }

    fn like(&self) -> TokenStream {
        let Expansion { name, traits, .. } = self;
        let Parameters { backend, other, on, unchanged, .. } = self.parameters;
        let f = argument("f", self.has_tensors());
        let body = if *unchanged {
            quote!(::core::clone::Clone::clone(self))
        } else {
            self.by_variant(quote!(self), &|variant| {
                let made = variant.fields.iter().map(|field| {
                    let (ty, binding) = (field.ty, &field.binding);
                    match field.role {
                        Role::Tree => quote_spanned! {at(ty)=>
                            <#ty as #traits::Tree<#backend>>::like::<#other>(#binding, #f)
                        },
                        Role::Static => quote_spanned!(at(ty)=> ::core::clone::Clone::clone(#binding)),
                        Role::Phantom => quote!(::core::marker::PhantomData),
                    }
                });
                self.with_fields(variant, made)
            })
        };
        quote! {
            fn like<#other: #traits::Backend>(
                &self,
                #f: &mut dyn ::core::ops::FnMut() -> #traits::Tensor<#other>,
            ) -> #name #on {
                #body
            }
        }
    }

    fn map(&self) -> TokenStream {
        let Expansion { name, traits, .. } = self;
        let Parameters { backend, other, on, unchanged, .. } = self.parameters;
        let f = argument("f", self.has_tensors());
        let body = if *unchanged {
            quote!(self)
        } else {
            self.by_variant(quote!(self), &|variant| {
                let mapped = variant.fields.iter().map(|field| {
                    let (ty, binding) = (field.ty, &field.binding);
                    match field.role {
                        Role::Tree => quote_spanned! {at(ty)=>
                            <#ty as #traits::Tree<#backend>>::map::<#other>(#binding, #f)
                        },
                        Role::Static => quote!(#binding),
                        Role::Phantom => quote!(::core::marker::PhantomData),
                    }
                });
                self.with_fields(variant, mapped)
            })
        };
        quote! {
            fn map<#other: #traits::Backend>(
                self,
                #f: &mut dyn ::core::ops::FnMut(#traits::Tensor<#backend>) -> #traits::Tensor<#other>,
            ) -> #name #on {
                #body
            }
        }
    }

    fn visit(&self) -> TokenStream {
        let traits = &self.traits;
        let backend = &self.parameters.backend;
        let visits =
            self.fields().any(|f| f.role != Role::Phantom) || (self.is_enum && !self.variants.is_empty());
        let (path, visitor) = (argument("path", visits), argument("visitor", visits));
        let body = self.by_variant(quote!(self), &|variant| {
            let which = variant.name.iter().map(|name| {
                let name = fields::name(name);
                quote!(#visitor.plain(#path, &#name);)
            });
            let each = variant.fields.iter().map(|field| {
                let (ty, binding) = (field.ty, &field.binding);
                let key = match &field.member {
                    Member::Named(name) => {
                        let name = fields::name(name);
                        quote!(#path.field(#name))
                    }
                    Member::Unnamed(index) => {
                        let index = index.index as usize;
                        quote!(#path.index(#index))
                    }
                };
                match field.role {
                    Role::Tree => quote_spanned! {at(ty)=>
                        <#ty as #traits::Tree<#backend>>::visit(#binding, #key, #visitor);
                    },
                    Role::Static => quote_spanned! {at(ty)=> #visitor.plain(#key, #binding); },
                    Role::Phantom => TokenStream::new(),
                }
            });
            quote!(#(#which)* #(#each)*)
        });
        quote! {
            fn visit(&self, #path: #traits::Path<'_>, #visitor: &mut dyn #traits::Visitor) {
                #body
            }
        }
    }

    fn fields(&self) -> impl Iterator<Item = &fields::Field<'_>> {
        self.variants.iter().flat_map(|v| &v.fields)
    }

    /// Takes the value apart and goes on as `then` says, for each variant.
    fn by_variant(&self, value: TokenStream, then: &dyn Fn(&Variant<'_>) -> TokenStream) -> TokenStream {
        let arms = self.variants.iter().map(|variant| {
            let bindings = variant.fields.iter().map(|field| match (field.role, &field.binding) {
                (Role::Phantom, _) => quote!(_),
                (Role::Tree | Role::Static, binding) => quote!(#binding),
            });
            (self.with_fields(variant, bindings), then(variant))
        });
        if self.is_enum {
            let arms = arms.map(|(pattern, then)| quote!(#pattern => { #then }));
            let place = if self.variants.is_empty() { quote!(*#value) } else { value };
            quote!(match #place { #(#arms)* })
        } else {
            arms.map(|(pattern, then)| quote!(let #pattern = #value; #then)).collect()
        }
    }

    /// `Name { a: x, b: y }`, `Name(x, y)` or `Name`: a pattern, or an expression.
    fn with_fields(&self, variant: &Variant<'_>, values: impl Iterator<Item = TokenStream>) -> TokenStream {
        let name = self.name;
        let path = match variant.name {
            Some(variant) => quote!(#name::#variant),
            None => quote!(#name),
        };
        let members = variant.fields.iter().map(|f| &f.member);
        match variant.style {
            Style::Named => quote!(#path { #(#members: #values),* }),
            Style::Tuple => quote!(#path(#(#values),*)),
            Style::Unit => path,
        }
    }
}

/// The name of an argument, which no name in the type can be; `_` where it has no use.
fn argument(name: &str, used: bool) -> Ident {
    if used { Ident::new(name, Span::mixed_site()) } else { format_ident!("_") }
}

/// Where errors about a field's type point: there, but as generated code.
fn at(ty: &syn::Type) -> Span {
    ty.span().resolved_at(Span::mixed_site())
}
