//! Writes the table as JSON lines, for `oracle/make.py`: one for each different operation and input, of the kinds that
//! are named (all, if none is).

use plywood_core::OpKind;
use plywood_gauntlet::encode::line;
use plywood_gauntlet::oracle::file_name;
use plywood_gauntlet::sample::Expect;
use plywood_gauntlet::samples::samples;
use std::collections::HashSet;
use std::io::{BufWriter, Write};

fn main() -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut seen = HashSet::new();
    let named: Vec<String> = std::env::args().skip(1).collect();
    let chosen = |kind: &&OpKind| named.is_empty() || named.iter().any(|n| n == file_name(**kind));
    for &kind in OpKind::ALL.iter().filter(chosen) {
        for sample in samples(kind) {
            if sample.expect == Expect::Oracle && seen.insert(sample.key()) {
                writeln!(out, "{}", line(&sample))?;
            }
        }
    }
    out.flush()
}
