//! Prints the tables of `docs/multi-device-costs.md`: `cargo run -p plywood-benches --bin multi_device_costs`, or puts them into the
//! page (`-- --write`). Nothing is measured: it is arithmetic.

use plywood_benches::costs::tables;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => tables::all().iter().for_each(|table| println!("{}\n\n{}", table.name, table.text)),
        ["--write"] => {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/multi-device-costs.md");
            let written =
                std::fs::read_to_string(path).and_then(|page| std::fs::write(path, tables::filled(&page)));
            if let Err(e) = written {
                eprintln!("{path}: {e}");
                return ExitCode::FAILURE;
            }
        }
        _ => {
            eprintln!("it takes --write, or nothing");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
