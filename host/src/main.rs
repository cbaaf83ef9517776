//! See `weir --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match weir::cli::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weir: {}", weir::cli::one_line(&error));
            ExitCode::FAILURE
        }
    }
}
