//! The definition in sdk/src/event.rs, read as Rust's own parser reads it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use syn::{Attribute, Expr, Item, Lit, Meta, Type};
use weir_sdk::{Errno, event};

/// All that is in it.
pub struct Layout {
    pub consts: Vec<Const>,
    /// Names of the calls: that of call 1 first.
    pub call_names: Vec<String>,
    pub header: Struct,
    pub head: Struct,
    /// Errors that have a name, by number.
    pub errors: Vec<(u32, &'static str)>,
}

/// A number with a name.
pub struct Const {
    pub name: String,
    pub docs: String,
    pub value: i64,
}

/// A struct in memory.
pub struct Struct {
    pub docs: String,
    pub fields: Vec<Field>,
    pub bytes: usize,
}

/// A field of one.
pub struct Field {
    pub name: String,
    pub docs: String,
    pub kind: Kind,
    pub offset: usize,
}

/// What a field is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of so many bits.
    Unsigned(usize),
    /// The same with a sign.
    Signed(usize),
    /// So many bytes.
    Bytes(usize),
    /// A part of the heap.
    Span,
}

impl Kind {
    /// What it takes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Unsigned(bits) | Self::Signed(bits) => bits / 8,
            Self::Bytes(bytes) => bytes,
            Self::Span => size_of::<event::Span>(),
        }
    }

    fn alignment(self) -> usize {
        match self {
            Self::Bytes(_) => 1,
            Self::Span => align_of::<event::Span>(),
            number => number.bytes(),
        }
    }
}

impl Struct {
    /// The fields that mean something.
    pub fn used(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.is_reserved())
    }
}

impl Field {
    /// Whether it is there only to fill a gap.
    pub fn is_reserved(&self) -> bool {
        self.name.starts_with("reserved")
    }
}

impl Layout {
    /// Reads the definition. Fails at what no other language could be told, and where the compiler says
    /// otherwise.
    pub fn parse(source: &str) -> Result<Self> {
        let file = syn::parse_file(source).context("sdk/src/event.rs is not Rust")?;
        let mut values = BTreeMap::new();
        let (mut consts, mut call_names) = (Vec::new(), Vec::new());
        let mut structs = BTreeMap::new();
        for item in &file.items {
            match item {
                Item::Const(item) if item.ident == "_" => {}
                Item::Const(item) if item.ident == "CALL_NAMES" => {
                    call_names = texts(&item.expr).context("CALL_NAMES is not a list of texts")?;
                }
                Item::Const(item) => {
                    let name = item.ident.to_string();
                    let value = number(&item.expr)
                        .with_context(|| format!("{name} is not a number that can be told"))?;
                    values.insert(name.clone(), value);
                    consts.push(Const { name, docs: docs(&item.attrs), value });
                }
                Item::Struct(item) => {
                    structs.insert(item.ident.to_string(), laid_out(item, &values)?);
                }
                _ => bail!("an item in sdk/src/event.rs is neither const nor struct"),
            }
        }
        let mut of = |name: &str, bytes: usize| {
            let found: Struct =
                structs.remove(name).with_context(|| format!("there is no {name}"))?;
            ensure!(found.bytes == bytes, "{name} has {bytes} bytes, read as {}", found.bytes);
            Ok(found)
        };
        Ok(Self {
            header: of("BatchHeader", event::BATCH_HEADER_BYTES)?,
            head: of("Head", event::HEAD_BYTES)?,
            consts,
            call_names,
            errors: errors(),
        })
    }

    /// The consts whose names begin with this.
    pub fn consts(&self, prefix: &str) -> impl Iterator<Item = &Const> {
        self.consts.iter().filter(move |known| known.name.starts_with(prefix))
    }
}

/// As sdk/src/errno.rs has them: of all that a call can return.
fn errors() -> Vec<(u32, &'static str)> {
    (1..=4095).filter_map(|number| Some((number, Errno(number).name()?))).collect()
}

/// Gives each field its natural alignment, as `repr(C)` does.
fn laid_out(item: &syn::ItemStruct, values: &BTreeMap<String, i64>) -> Result<Struct> {
    let (mut fields, mut end, mut alignment) = (Vec::new(), 0_usize, 1);
    for field in &item.fields {
        let name = field.ident.as_ref().context("a field has no name")?.to_string();
        let kind = kind(&field.ty, values)
            .with_context(|| format!("{}.{name} has a type that is not known here", item.ident))?;
        let offset = end.next_multiple_of(kind.alignment());
        end = offset + kind.bytes();
        alignment = alignment.max(kind.alignment());
        fields.push(Field { name, docs: docs(&field.attrs), kind, offset });
    }
    Ok(Struct { docs: docs(&item.attrs), fields, bytes: end.next_multiple_of(alignment) })
}

fn kind(of: &Type, values: &BTreeMap<String, i64>) -> Option<Kind> {
    match of {
        Type::Path(path) => {
            let name = path.path.get_ident()?.to_string();
            match name.as_str() {
                "Span" => Some(Kind::Span),
                _ if name.starts_with('u') => Some(Kind::Unsigned(name[1..].parse().ok()?)),
                _ if name.starts_with('i') => Some(Kind::Signed(name[1..].parse().ok()?)),
                _ => None,
            }
        }
        Type::Array(array) => {
            let len = match &array.len {
                // A const that stands further down is asked of the compiler.
                Expr::Path(path) if path.path.is_ident("GROUPS") => event::GROUPS as i64,
                Expr::Path(path) => *values.get(&path.path.get_ident()?.to_string())?,
                other => number(other)?,
            };
            (kind(&array.elem, values)? == Kind::Unsigned(8)).then_some(Kind::Bytes(len as usize))
        }
        _ => None,
    }
}

fn number(of: &Expr) -> Option<i64> {
    match of {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        Expr::Path(path) => {
            let parts: Vec<_> =
                path.path.segments.iter().map(|part| part.ident.to_string()).collect();
            (parts == ["i32", "MIN"]).then_some(i64::from(i32::MIN))
        }
        Expr::Call(call) => match (&*call.func, call.args.is_empty()) {
            (Expr::Path(path), true) => size(path.path.segments.last()?),
            _ => None,
        },
        _ => None,
    }
}

/// `size_of::<Head>()`, which the compiler knows.
fn size(of: &syn::PathSegment) -> Option<i64> {
    let syn::PathArguments::AngleBracketed(arguments) = &of.arguments else { return None };
    let syn::GenericArgument::Type(Type::Path(path)) = arguments.args.first()? else { return None };
    match path.path.get_ident()?.to_string().as_str() {
        "Head" => Some(event::HEAD_BYTES as i64),
        "BatchHeader" => Some(event::BATCH_HEADER_BYTES as i64),
        _ => None,
    }
}

fn texts(of: &Expr) -> Option<Vec<String>> {
    let Expr::Array(array) = of else { return None };
    let text = |element: &Expr| match element {
        Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    };
    array.elems.iter().map(text).collect()
}

/// The documentation, in one line and without links.
fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) => {
                Some(text.value().trim().to_owned())
            }
            _ => None,
        },
        _ => None,
    });
    let text = lines.collect::<Vec<_>>().join(" ");
    let text = text.replace("[`Head::", "`").replace("[`BatchHeader::", "`").replace("[`", "`");
    text.replace("`]", "`").replace("*/", "* /")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout::parse(include_str!("../../../sdk/src/event.rs")).unwrap()
    }

    #[test]
    fn offsets_are_the_compilers() {
        let layout = layout();
        let at =
            |name: &str| layout.head.fields.iter().find(|field| field.name == name).unwrap().offset;
        assert_eq!(at("comm"), std::mem::offset_of!(event::Head, comm));
        assert_eq!(at("reserved2"), std::mem::offset_of!(event::Head, reserved2));
        assert_eq!(at("local_addr"), std::mem::offset_of!(event::Head, local_addr));
        assert_eq!(at("process"), std::mem::offset_of!(event::Head, process));
        let header: Vec<_> = layout.header.used().map(|field| field.name.as_str()).collect();
        assert_eq!(header[7..], ["first_seq", "lost_before", "now_ns"]);
    }

    #[test]
    fn consts_have_values_and_docs_without_links() {
        let layout = layout();
        let of = |name: &str| layout.consts.iter().find(|known| known.name == name).unwrap();
        assert_eq!(of("ROOM_UNKNOWN").value, i64::from(i32::MIN));
        assert_eq!(of("HEAD_BYTES").value, event::HEAD_BYTES as i64);
        assert_eq!(layout.call_names, event::CALL_NAMES);
        assert!(
            of("CALL_SENDMSG").docs.starts_with("`call`: `sendmsg(2)`"),
            "{}",
            of("CALL_SENDMSG").docs
        );
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for wrong in ["pub struct Head { pub seq: f32 }", "pub const X: u32 = f();", "fn f() {}"] {
            assert!(Layout::parse(wrong).is_err(), "{wrong}");
        }
    }
}
