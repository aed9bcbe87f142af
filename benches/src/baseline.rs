//! What our own parts have reached, as files under `baselines/`, and what is lost or won against them.
//!
//! A line of a file is a name and a number, smaller is better; names are unique. Ratios hold for one processor, so
//! theirs is in the name of the file.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Names, and the number of each.
pub type Numbers = BTreeMap<String, f64>;

/// A file of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Lines above the numbers, without their `# `: what they are, and where they were measured.
    pub head: Vec<String>,
    /// The numbers.
    pub numbers: Numbers,
}

/// A file in `benches/baselines/`.
pub fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("baselines");
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    folder.join(format!("{}.txt", name.chars().map(plain).collect::<String>()))
}

impl Baseline {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// The line that is none, and why.
    pub fn parse(text: &str) -> Result<Baseline, String> {
        let mut baseline = Baseline { head: Vec::new(), numbers: Numbers::new() };
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("# ") {
                baseline.head.push(head.to_string());
                continue;
            }
            let (name, number) = line.rsplit_once(": ").ok_or_else(|| format!("{line:?} is no line"))?;
            let number: f64 = number.parse().map_err(|_| format!("{number:?} of {name} is no number"))?;
            if !(number > 0.0 && number.is_finite())
                || baseline.numbers.insert(name.to_string(), number).is_some()
            {
                return Err(format!("{name}: {number}, or a second one"));
            }
        }
        Ok(baseline)
    }

    /// The text of a file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.head {
            writeln!(text, "# {line}").expect("a string can be written to");
        }
        for (name, number) in &self.numbers {
            writeln!(text, "{name}: {number}").expect("a string can be written to");
        }
        text
    }
}

/// A number that is another than it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Of what.
    pub name: String,
    /// In the baseline.
    pub before: f64,
    /// Now.
    pub now: f64,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Change { name, before, now } = self;
        write!(f, "{name}: {before:.4} before, {now:.4} now ({:+.1} %)", 100.0 * (now / before - 1.0))
    }
}

/// What of those measured has grown by more than the tolerance (0.15: 15 %), worst first.
pub fn losses(baseline: &Numbers, now: &Numbers, tolerance: f64) -> Vec<Change> {
    let change = |(name, &now): (&String, &f64)| {
        let before = *baseline.get(name)?;
        (now > before * (1.0 + tolerance)).then(|| Change { name: name.clone(), before, now })
    };
    let mut found: Vec<_> = now.iter().filter_map(change).collect();
    found.sort_by(|a, b| (b.now / b.before).total_cmp(&(a.now / a.before)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(all: &[(&str, f64)]) -> Numbers {
        all.iter().map(|(name, n)| (name.to_string(), *n)).collect()
    }

    #[test]
    fn files_are_read_as_they_are_written() {
        let baseline =
            Baseline { head: vec!["ratios".into()], numbers: numbers(&[("a: b 1000", 0.25), ("c", 3.0)]) };
        assert_eq!(Baseline::parse(&baseline.text()), Ok(baseline));
        for bad in ["a", "a: x", "a: 1\na: 2", "a: -1", "a: NaN"] {
            assert!(Baseline::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_loss_is_more_than_the_tolerance() {
        let before = numbers(&[("a", 1.0), ("b", 2.0), ("c", 1.0), ("gone", 1.0)]);
        let now = numbers(&[("a", 1.14), ("b", 2.4), ("c", 1.5), ("new", 9.0)]);
        let names: Vec<_> = losses(&before, &now, 0.15).into_iter().map(|c| c.name).collect();
        assert_eq!(names, ["c", "b"]);
    }

    #[test]
    fn what_is_committed_can_be_read() {
        let files = std::fs::read_dir(path("x").parent().expect("a folder")).expect("there are baselines");
        let mut count = 0;
        for file in files.map(|f| f.expect("it can be read").path()) {
            let text = std::fs::read_to_string(&file).expect("it can be read");
            let baseline = Baseline::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            assert!(!baseline.numbers.is_empty() && !baseline.head.is_empty(), "{}", file.display());
            count += 1;
        }
        assert!(count >= 2, "ratios and instructions");
    }
}
