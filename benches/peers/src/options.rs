//! What the command line says.

use crate::Result;
use std::path::PathBuf;

/// How to call it.
pub const USAGE: &str = "cargo run --release -- [--quick] [--threads N] [--rounds N] [--seconds S] [--sides A,B] \
     [--json FILE] [--markdown FILE] [--plots FOLDER] [filter]...";

/// What is to be measured, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads of each side.
    pub threads: usize,
    /// Turns that all sides take at a case.
    pub rounds: usize,
    /// Seconds of a side in a turn.
    pub seconds: f64,
    /// The sides beside ours.
    pub sides: Vec<String>,
    /// Where the results go as JSON.
    pub json: Option<PathBuf>,
    /// Where the table goes.
    pub markdown: Option<PathBuf>,
    /// The folder of the plots.
    pub plots: Option<PathBuf>,
    /// Parts of the names of cases; without any, all are taken.
    pub filters: Vec<String>,
}

/// The cores of this machine.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Options {
    /// Reads the arguments.
    pub fn parse(args: &[String]) -> Result<Options> {
        let mut options = Options {
            threads: cores(),
            rounds: 5,
            seconds: 0.2,
            sides: ["burn", "candle", "jax", "torch"].map(String::from).to_vec(),
            json: None,
            markdown: None,
            plots: None,
            filters: Vec::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value; {USAGE}"));
            match arg.as_str() {
                "--quick" => (options.rounds, options.seconds) = (3, 0.1),
                "--threads" => options.threads = value()?.parse()?,
                "--rounds" => options.rounds = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--sides" => options.sides = value()?.split(',').map(String::from).collect(),
                "--json" => options.json = Some(value()?.into()),
                "--markdown" => options.markdown = Some(value()?.into()),
                "--plots" => options.plots = Some(value()?.into()),
                flag if flag.starts_with('-') => {
                    return Err(format!("{flag} is not an option; {USAGE}").into());
                }
                filter => options.filters.push(filter.to_string()),
            }
        }
        match (1..=cores()).contains(&options.threads) && options.rounds > 0 {
            true => Ok(options),
            false => Err(format!("threads: 1 to {}, rounds: 1 or more; {USAGE}", cores()).into()),
        }
    }

    /// Whether a case is to be measured.
    pub fn takes(&self, case: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|f| case.contains(f.as_str()))
    }
}
