//! The entry attribute of Weir's Rust SDK.

mod function;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Item, ItemImpl, LitStr, Type, parse::Parser};

/// Makes a Wasm module's exports of a script.
///
/// On `impl Script for X`, it is that script. On a function, it is a script without parameters or state:
/// `fn(&Event) -> bool` is a filter, `fn(&Event, &mut Out)` an enricher (it may return `bool` or `Verdict` as
/// well), and the first line of its documentation is the summary.
///
/// The script has the name (without `weir-script-`) and version of its package, unless the arguments
/// `name = "…"` and `version = "…"` say otherwise. A package has one script.
#[proc_macro_attribute]
pub fn script(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand(arguments.into(), item.into()).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let identity = Identity::parse(arguments)?;
    match syn::parse2(item)? {
        Item::Impl(item) => {
            let script = script_type(&item)?;
            let exports = exports(script, &identity);
            Ok(quote! {
                #item
                const _: () = { #exports };
            })
        }
        Item::Fn(item) => {
            let script = function::script(&item)?;
            let exports = exports(&syn::parse_quote!(Function), &identity);
            Ok(quote! {
                #item
                const _: () = {
                    #script
                    #exports
                };
            })
        }
        other => {
            Err(Error::new_spanned(other, "expected `impl Script for …` or `fn(&Event) -> bool`"))
        }
    }
}

/// Name and version.
struct Identity {
    package: TokenStream,
    version: TokenStream,
}

impl Identity {
    fn parse(arguments: TokenStream) -> syn::Result<Self> {
        let mut this = Self {
            package: quote!(::core::env!("CARGO_PKG_NAME")),
            version: quote!(::core::env!("CARGO_PKG_VERSION")),
        };
        let parser = syn::meta::parser(|meta| {
            let to = if meta.path.is_ident("name") {
                &mut this.package
            } else if meta.path.is_ident("version") {
                &mut this.version
            } else {
                return Err(meta.error("expected `name = \"…\"` or `version = \"…\"`"));
            };
            let text: LitStr = meta.value()?.parse()?;
            *to = quote!(#text);
            Ok(())
        });
        parser.parse2(arguments)?;
        Ok(this)
    }
}

fn script_type(item: &ItemImpl) -> syn::Result<&Type> {
    let is_script =
        |path: &syn::Path| path.segments.last().is_some_and(|last| last.ident == "Script");
    match &item.trait_ {
        Some((None, path, _)) if is_script(path) => {}
        _ => return Err(Error::new_spanned(item, "expected `impl Script for …`")),
    }
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(&item.generics, "a script has no type parameters"));
    }
    Ok(&item.self_ty)
}

/// The functions that the host calls. On other targets than Wasm they keep their Rust names, so that tests
/// can have many scripts, and need not be called.
fn exports(script: &Type, identity: &Identity) -> TokenStream {
    let Identity { package, version } = identity;
    let attributes = quote! {
        #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
        #[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
    };
    quote! {
        ::std::thread_local! {
            static SCRIPT: ::weir::entry::Slot<#script> = const { ::weir::entry::Slot::new(None) };
        }

        #attributes
        extern "C" fn weir_abi() -> u32 {
            ::weir::entry::abi()
        }

        #attributes
        extern "C" fn weir_alloc(len: usize) -> *mut u8 {
            ::weir::entry::alloc(len)
        }

        #attributes
        extern "C" fn weir_describe() -> u64 {
            ::weir::entry::describe(<#script as ::weir::Script>::ABOUT, #package, #version)
        }

        #attributes
        extern "C" fn weir_start() -> u64 {
            ::weir::entry::start(&SCRIPT)
        }

        #attributes
        extern "C" fn weir_batch(ptr: *mut u8, len: usize) {
            ::weir::entry::batch(&SCRIPT, ptr, len)
        }

        #attributes
        extern "C" fn weir_tick(now_ms: u32) {
            ::weir::entry::tick(&SCRIPT, now_ms)
        }

        #attributes
        extern "C" fn weir_save() -> u64 {
            ::weir::entry::save(&SCRIPT)
        }

        #attributes
        extern "C" fn weir_restore(version: u32, ptr: *mut u8, len: usize) -> u64 {
            ::weir::entry::restore(&SCRIPT, version, ptr, len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: TokenStream, item: TokenStream) -> String {
        expand(arguments, item).unwrap_err().to_string()
    }

    #[test]
    fn refusals_say_what_is_expected() {
        let script = quote!(impl weir::Script for X {});
        assert!(refused(quote!(nmae = "x"), script).contains("expected `name"));
        assert!(
            refused(
                quote!(),
                quote!(
                    struct X;
                )
            )
            .contains("expected `impl Script for")
        );
        assert!(refused(quote!(), quote!(impl X {})).contains("expected `impl Script for"));
        assert!(
            refused(
                quote!(),
                quote!(
                    impl<T> Script for X<T> {}
                )
            )
            .contains("no type parameters")
        );
        assert!(
            refused(
                quote!(),
                quote!(
                    fn keep() -> bool {}
                )
            )
            .contains("takes `&Event`")
        );
        assert!(
            refused(
                quote!(),
                quote!(
                    fn keep<T>(event: T) -> bool {}
                )
            )
            .contains("no type parameters")
        );
    }

    #[test]
    fn a_script_has_its_own_name_if_it_says_so() {
        let item = quote!(impl Script for X {});
        let default = expand(quote!(), item.clone()).unwrap().to_string();
        assert!(default.contains("CARGO_PKG_NAME") && default.contains("CARGO_PKG_VERSION"));
        let own = expand(quote!(name = "mine", version = "7"), item).unwrap().to_string();
        assert!(own.contains("\"mine\"") && own.contains("\"7\"") && !own.contains("CARGO_PKG"));
    }
}
