//! The languages that there is an SDK for.

use clap::ValueEnum;

/// A language that scripts are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lowercase")]
pub enum Language {
    Rust,
    C,
    Zig,
    Go,
    AssemblyScript,
    JavaScript,
    Python,
    Wat,
}

impl Language {
    /// Folder of its templates.
    pub fn templates(self) -> &'static str {
        match self {
            Self::Rust => "rust/",
            Self::C => "c/",
            Self::Zig => "zig/",
            Self::Go => "go/",
            Self::AssemblyScript => "assemblyscript/",
            Self::JavaScript => "javascript/",
            Self::Python => "python/",
            Self::Wat => "wat/",
        }
    }

    /// What it takes of the SDK, and where that goes in the project.
    pub fn sdk(self) -> &'static [(&'static str, &'static str)] {
        const WIT: (&str, &str) = ("wit/", "weir/wit/");
        match self {
            Self::Rust => &[
                ("Cargo.toml", "weir-sdk/Cargo.toml"),
                ("src/", "weir-sdk/src/"),
                ("macros/", "weir-sdk/macros/"),
            ],
            Self::C => &[("c/", "weir/")],
            Self::Zig => &[("zig/", "weir/")],
            Self::Go => &[("go/", "weir/")],
            Self::AssemblyScript => &[("assemblyscript/", "weir/")],
            Self::JavaScript => &[("js/", "weir/"), WIT],
            Self::Python => &[("python/", "weir/"), WIT],
            Self::Wat => &[],
        }
    }
}
