//! How an explanation prints: the number of kernels, a line for each step, the sums, the peak, notes.

use super::{ExplainedOp, ExplainedStep, Explanation, Flops, StepKind};
use std::fmt;

/// Names of operations that stand in a line, at most.
const NAMES: usize = 8;

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            StepKind::Kernel => "kernel",
            StepKind::Contraction => "contraction",
            StepKind::Operation => "operation",
            StepKind::Loop => "loop",
            StepKind::Call => "call",
            StepKind::View => "view",
        })
    }
}

/// `6.2 k`, `3.1 G each step`, `unknown`.
impl fmt::Display for Flops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Flops::Total(n) => scaled(*n as f64, ""),
            Flops::EachStep(n) => format!("{} each step", scaled(*n as f64, "")),
            Flops::Unknown => "unknown".to_string(),
        };
        f.pad(&text)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unplanned {
            Some(why) => write!(f, "{why}")?,
            None => self.table(f)?,
        }
        self.notes.iter().try_for_each(|note| write!(f, "\n{note}"))
    }
}

impl Explanation {
    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&counted(self.kernels(), "kernel"))?;
        if self.loops() > 0 {
            write!(f, ", {}", counted(self.loops(), "loop"))?;
        }
        let mut rows =
            vec![["", "", "shape", "read", "written", "flops", "time", "operations"].map(String::from)];
        self.rows("", &mut rows);
        let (read, written) = self.steps.iter().fold((0, 0), |(r, w), s| (r + s.read, w + s.written));
        let [read, written] = [read, written].map(|bytes| scaled(bytes as f64, "B"));
        let [flops, time] = [self.flops().to_string(), time(self.seconds())];
        rows.push([
            String::new(),
            "total".to_string(),
            String::new(),
            read,
            written,
            flops,
            time,
            String::new(),
        ]);
        let width = |k: usize| rows.iter().map(|row| row[k].chars().count()).max().unwrap_or(0);
        let widths: [usize; 8] = std::array::from_fn(width);
        for row in &rows {
            let mut line = String::new();
            for (k, (text, &width)) in row.iter().zip(&widths).enumerate() {
                // Numbers stand to the right, words to the left.
                line += &match k {
                    3..=6 => format!("{text:>width$}  "),
                    _ => format!("{text:width$}  "),
                };
            }
            write!(f, "\n{}", line.trim_end())?;
        }
        write!(f, "\npeak {} at most, beyond inputs", scaled(self.peak as f64, "B"))
    }

    fn rows(&self, prefix: &str, rows: &mut Vec<[String; 8]>) {
        for (i, step) in self.steps.iter().enumerate() {
            let number = format!("{prefix}{}", i + 1);
            rows.push([
                number.clone(),
                step.kind.to_string(),
                step.shape.to_string(),
                scaled(step.read as f64, "B"),
                scaled(step.written as f64, "B"),
                step.flops.to_string(),
                time(step.seconds),
                operations(step),
            ]);
            if let Some(inside) = &step.inside {
                inside.rows(&format!("{number}."), rows);
            }
        }
    }
}

/// `2 kernels`.
fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The operations of a step and their lines: `exp, mul x2 at src/main.rs:3,4`.
fn operations(step: &ExplainedStep) -> String {
    let mut names: Vec<(&str, usize)> = Vec::new();
    for ExplainedOp { name, .. } in &step.operations {
        match names.iter_mut().find(|(known, _)| known == name) {
            Some((_, times)) => *times += 1,
            None => names.push((name, 1)),
        }
    }
    let one = |&(name, times): &(&str, usize)| match times {
        1 => name.to_string(),
        _ => format!("{name} x{times}"),
    };
    let mut text = names.iter().take(NAMES).map(one).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        text += &format!(" and {} more", names.len() - NAMES);
    }
    if let Some(n) = step.length {
        text += &format!(", {}", counted(n, "step"));
    }
    let mut places: Vec<(&str, u32)> =
        step.operations.iter().map(|op| (op.at.file(), op.at.line())).collect();
    places.sort_unstable();
    places.dedup();
    let mut file = "";
    for (k, (of, line)) in places.into_iter().enumerate() {
        text += &match (k, of == file) {
            (0, _) => format!(" at {of}:{line}"),
            (_, true) => format!(",{line}"),
            (_, false) => format!(", {of}:{line}"),
        };
        file = of;
    }
    text
}

/// With a unit of three digits: `12.3 MB`.
fn scaled(x: f64, unit: &str) -> String {
    let (mut x, mut k) = (x, 0);
    while x >= 999.5 && k < 4 {
        (x, k) = (x / 1e3, k + 1);
    }
    let prefix = ["", "k", "M", "G", "T"][k];
    let digits = if k == 0 || x >= 99.95 { 0 } else { 1 };
    format!("{x:.digits$} {prefix}{unit}").trim_end().to_string()
}

fn time(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_string(),
        Some(s) if s < 999.5e-9 => format!("{:.0} ns", 1e9 * s),
        Some(s) if s < 999.5e-6 => format!("{:.1} µs", 1e6 * s),
        Some(s) if s < 0.9995 => format!("{:.1} ms", 1e3 * s),
        Some(s) => format!("{s:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        assert_eq!([0.0, 7.0, 999.0].map(|x| scaled(x, "B")), ["0 B", "7 B", "999 B"]);
        assert_eq!([1000.0, 12345.0, 8e6].map(|x| scaled(x, "B")), ["1.0 kB", "12.3 kB", "8.0 MB"]);
        assert_eq!([6.0, 6e6].map(|x| scaled(x, "")), ["6", "6.0 M"]);
        assert_eq!([Some(3e-7), Some(2e-3), None].map(time), ["300 ns", "2.0 ms", "-"]);
    }

    #[test]
    fn the_first_line_says_how_many_kernels_or_why_there_are_none() {
        assert_eq!(Explanation::default().to_string().lines().next(), Some("0 kernels"));
        let none = Explanation { notes: vec!["2 calls".into()], ..Explanation::unplanned("no plan: why") };
        assert_eq!(none.to_string(), "no plan: why\n2 calls");
    }
}
