//! What a type is made of: its variants (a struct is one), their fields, and what the `tree` attributes say of them.
//!
//! Every attribute is read here, and none that is unknown or stands in the wrong place is passed over.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, Ident, LitStr, Member, Path, Result, Type, parse_quote,
};

/// What becomes of a field on another backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// It is mapped.
    Tree,
    /// It goes over unchanged, as part of the structure.
    Static,
    /// It holds nothing, and is made anew.
    Phantom,
}

/// A field of a struct or of a variant.
pub(crate) struct Field<'a> {
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
    pub(crate) role: Role,
    /// The variable that it is bound to.
    pub(crate) binding: Ident,
}

/// How a variant writes its fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    Named,
    Tuple,
    Unit,
}

/// A variant of an enum, or a struct.
pub(crate) struct Variant<'a> {
    /// `None` for a struct.
    pub(crate) name: Option<&'a Ident>,
    pub(crate) style: Style,
    pub(crate) fields: Vec<Field<'a>>,
}

/// Which crate has the traits.
pub(crate) fn crate_path(attributes: &[Attribute]) -> Result<Path> {
    let mut path = None;
    for attribute in tree_attributes(attributes) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("static") {
                return Err(
                    meta.error("`static` is said of a field: `#[tree(static)]` stands before the field")
                );
            }
            if !meta.path.is_ident("crate") {
                return Err(meta.error("unknown option; on a type there is `#[tree(crate = \"path\")]`"));
            }
            let name: LitStr = meta.value()?.parse()?;
            match path.replace(name.parse::<Path>()?) {
                None => Ok(()),
                Some(_) => Err(meta.error("`crate` is given twice")),
            }
        })?;
    }
    Ok(path.unwrap_or_else(|| parse_quote!(::plywood)))
}

/// The variants of the type; one for a struct.
pub(crate) fn variants(input: &DeriveInput) -> Result<Vec<Variant<'_>>> {
    match &input.data {
        Data::Struct(data) => Ok(vec![variant(None, &data.fields)?]),
        Data::Enum(data) => {
            let each = data.variants.iter().map(|v| {
                no_options(&v.attrs, "a variant")?;
                variant(Some(&v.ident), &v.fields)
            });
            all(each)
        }
        Data::Union(data) => Err(Error::new(
            data.union_token.span(),
            "a union cannot be a tree, since it does not know which field it holds; an enum does",
        )),
    }
}

fn variant<'a>(name: Option<&'a Ident>, fields: &'a Fields) -> Result<Variant<'a>> {
    let style = match fields {
        Fields::Named(_) => Style::Named,
        Fields::Unnamed(_) => Style::Tuple,
        Fields::Unit => Style::Unit,
    };
    let fields = fields.members().zip(fields).enumerate().map(|(n, (member, field))| {
        Ok(Field {
            member,
            ty: &field.ty,
            role: role(field)?,
            // Errors point at the field's type, from code that is seen to be generated.
            binding: Ident::new(&format!("field_{n}"), field.ty.span().resolved_at(Span::mixed_site())),
        })
    });
    Ok(Variant { name, style, fields: all(fields)? })
}

fn role(field: &syn::Field) -> Result<Role> {
    let mut role = if is_phantom(&field.ty) { Role::Phantom } else { Role::Tree };
    for attribute in tree_attributes(&field.attrs) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("static") {
                if role == Role::Tree {
                    role = Role::Static;
                }
                Ok(())
            } else if meta.path.is_ident("crate") {
                Err(meta
                    .error("`crate` is said of the whole type: `#[tree(crate = \"path\")]` stands before it"))
            } else if meta.path.is_ident("phantom") {
                Err(meta.error("`PhantomData` needs no option; on a field there is `#[tree(static)]`"))
            } else {
                Err(meta.error("unknown option; on a field there is `#[tree(static)]`, for plain data"))
            }
        })?;
    }
    Ok(role)
}

/// Whether the type is written `PhantomData<..>`, by whatever path.
fn is_phantom(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|s| s.ident == "PhantomData"),
        _ => false,
    }
}

fn no_options(attributes: &[Attribute], place: &str) -> Result<()> {
    match tree_attributes(attributes).next() {
        None => Ok(()),
        Some(a) => Err(Error::new_spanned(
            a,
            format!(
                "{place} has no options; on a field there is `#[tree(static)]`, on a type `#[tree(crate = \"path\")]`"
            ),
        )),
    }
}

fn tree_attributes(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|a| a.path().is_ident("tree"))
}

/// All results, or all errors.
pub(crate) fn all<T>(results: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (mut values, mut errors) = (Vec::new(), None);
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(e) => note(&mut errors, e),
        }
    }
    errors.map_or(Ok(values), Err)
}

/// Adds an error to those there are.
pub(crate) fn note(errors: &mut Option<Error>, error: Error) {
    match errors {
        None => *errors = Some(error),
        Some(first) => first.combine(error),
    }
}

/// A field's or a variant's name as it stands in a path: `type` for `r#type`.
pub(crate) fn name(ident: &Ident) -> String {
    ident.unraw().to_string()
}
