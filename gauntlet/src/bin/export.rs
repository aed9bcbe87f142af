//! Writes the table as JSON lines, for `oracle/make.py`: one for each different operation and input.

use plywood_core::OpKind;
use plywood_gauntlet::encode::line;
use plywood_gauntlet::sample::Expect;
use plywood_gauntlet::samples::samples;
use std::collections::HashSet;
use std::io::{BufWriter, Write};

fn main() -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut seen = HashSet::new();
    for &kind in OpKind::ALL {
        for sample in samples(kind) {
            if sample.expect == Expect::Oracle && seen.insert(sample.key()) {
                writeln!(out, "{}", line(&sample))?;
            }
        }
    }
    out.flush()
}
