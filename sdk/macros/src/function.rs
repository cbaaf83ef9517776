//! A script that is one function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Expr, ExprLit, ItemFn, Lit, Meta};

/// The type `Function`, a script that calls the function.
pub fn script(item: &ItemFn) -> syn::Result<TokenStream> {
    let signature = &item.sig;
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics, "a script has no type parameters"));
    }
    let (role, arguments) = match signature.inputs.len() {
        1 => (quote!(Filter), quote!(event)),
        2 => (quote!(Enrich), quote!(event, out)),
        _ => {
            return Err(Error::new_spanned(
                signature,
                "a script takes `&Event`, or `&Event, &mut Out`",
            ));
        }
    };
    let name = &signature.ident;
    let summary = summary(&item.attrs);
    Ok(quote! {
        struct Function;

        impl ::weir::Script for Function {
            const ABOUT: ::weir::About = ::weir::About::new(::weir::Role::#role, #summary);

            fn start(_: &::weir::Params) -> ::core::result::Result<Self, ::std::string::String> {
                Ok(Self)
            }

            #[allow(unused_variables)]
            fn event(&mut self, event: &::weir::Event<'_>, out: &mut ::weir::Out) -> ::weir::Verdict {
                ::core::convert::Into::into(#name(#arguments))
            }
        }
    })
}

/// The first line of the documentation.
fn summary(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let first = lines.map(|line| line.trim().to_owned()).find(|line| !line.is_empty());
    first.unwrap_or_default().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_the_first_line() {
        let item: ItemFn = syn::parse_quote! {
            /// Keeps what root sends.
            ///
            /// More.
            fn keep(event: &Event) -> bool { true }
        };
        assert_eq!(summary(&item.attrs), "Keeps what root sends");
        assert!(script(&item).unwrap().to_string().contains("Role :: Filter"));
    }
}
