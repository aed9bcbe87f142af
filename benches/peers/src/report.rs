//! The results as a table in Markdown, which terminals show too, and as JSON.

use crate::measure::{Measured, Row};
use crate::sides::OURS;
use plywood_benches::machine::{digits, time};
use plywood_benches::peers::Bound;
use serde_json::{Value, json};

/// All that a run has found.
#[derive(Debug)]
pub struct Report {
    /// The machine, the commit, and the number of threads.
    pub machine: String,
    /// Names and versions of the sides, ours first.
    pub sides: Vec<(String, String)>,
    /// Nanoseconds from a process's start to its end, where it adds 16 numbers.
    pub startup: Vec<(String, f64)>,
    /// The rows.
    pub rows: Vec<Row>,
}

fn bytes(n: f64) -> String {
    match n {
        n if n < 1e6 => format!("{:.0} kB", n / 1e3),
        n if n < 1e9 => format!("{} MB", digits(n / 1e6)),
        n => format!("{} GB", digits(n / 1e9)),
    }
}

fn cell(measured: Option<&Measured>) -> String {
    measured.map_or("-".to_string(), |m| {
        let how = if m.how.is_empty() { String::new() } else { format!(" {}", m.how) };
        let mark = if m.different.is_some() { " ≠" } else { "" };
        format!("{} ({}){how}{mark}", time(m.timing.min), time(m.timing.median))
    })
}

/// The geometric mean.
pub fn geometric(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    let logs: Vec<f64> = ratios.map(f64::ln).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

impl Report {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.sides.iter().map(|(name, _)| name.as_str())
    }

    /// What stands above the table.
    pub fn head(&self) -> String {
        let versions: Vec<_> = self.sides.iter().map(|(_, version)| version.as_str()).collect();
        let names: Vec<_> = self.names().collect();
        format!(
            "{}\n\n{}.\n\nA warm call: the minimum (the median), and how it is done. `ratio`: the best peer's minimum over ours. `of limit`: what \
             the machine needs for what bounds the case, measured in the same run, as a percentage of our time: the copy of the same bytes, as many \
             multiplications and additions (flops), an empty call. `first`: the first call, ours and the best peer's. `memory`: the most that a process had beyond what it had before, ours and \
             the best peer's. ≠: other numbers than ours, and left out.\n\n\
             | case | {} | ratio | of limit | first | memory |\n|---|{}---|---|---|---|",
            self.machine,
            versions.join("; "),
            names.join(" | "),
            "---|".repeat(names.len()),
        )
    }

    /// A row of the table.
    pub fn line(&self, row: &Row) -> String {
        let cells: Vec<_> = self.names().map(|name| cell(row.of(name))).collect();
        let ours = row.of(OURS);
        let both = |f: fn(&Measured) -> f64, show: fn(f64) -> String| {
            let shown = |m: Option<&Measured>| m.map_or("-".to_string(), |m| show(f(m)));
            format!("{} / {}", shown(ours), shown(row.best_peer()))
        };
        let ratio = row.ratio().map_or("-".to_string(), digits);
        let what = match row.bound {
            Bound::Bytes(_) | Bound::Numbers(_) => "copy",
            Bound::Flops(_) => "flops",
            Bound::Dispatch => "call",
        };
        let limit =
            row.limit.zip(ours).map(|(limit, m)| format!("{what} {:.0} %", 100.0 * limit / m.timing.min));
        format!(
            "| {} | {} | {ratio} | {} | {} | {} |",
            row.name,
            cells.join(" | "),
            limit.unwrap_or("-".to_string()),
            both(|m| m.first, time),
            both(|m| m.memory, bytes)
        )
    }

    /// What stands below the table.
    pub fn foot(&self) -> String {
        let mut lines = Vec::new();
        if !self.startup.is_empty() {
            let all: Vec<_> = self.startup.iter().map(|(name, ns)| format!("{name} {}", time(*ns))).collect();
            lines.push(format!(
                "A process that adds 16 numbers, from its start to its end: {}.",
                all.join(", ")
            ));
        }
        let ratios = || self.rows.iter().filter_map(Row::ratio);
        if let Some(mean) = geometric(ratios()) {
            let (all, ahead) = (ratios().count(), ratios().filter(|r| *r > 1.0).count());
            lines.push(format!("Geometric mean of the ratios: {}; ahead in {ahead} of {all}.", digits(mean)));
            let mut worst: Vec<_> =
                self.rows.iter().filter_map(|row| Some((row.ratio()?, row.name))).collect();
            worst.sort_by(|a, b| a.0.total_cmp(&b.0));
            let worst: Vec<_> =
                worst.iter().take(10).map(|(r, name)| format!("{name} {}", digits(*r))).collect();
            lines.push(format!("The least: {}.", worst.join("; ")));
        }
        lines.join("\n\n")
    }

    /// All of it in Markdown.
    pub fn markdown(&self) -> String {
        let rows: Vec<_> = self.rows.iter().map(|row| self.line(row)).collect();
        format!("{}\n{}\n\n{}\n", self.head(), rows.join("\n"), self.foot())
    }

    /// All of it as JSON; times in nanoseconds, memory in bytes.
    pub fn json(&self) -> Value {
        let side = |m: &Measured| {
            json!({"side": m.side, "min": m.timing.min, "median": m.timing.median, "first": m.first,
                   "memory": m.memory, "how": m.how, "different": m.different})
        };
        let row = |row: &Row| {
            json!({"case": row.name, "bound": format!("{:?}", row.bound), "limit": row.limit,
                   "ratio": row.ratio(), "sides": row.sides.iter().map(side).collect::<Vec<_>>()})
        };
        json!({
            "machine": self.machine,
            "sides": self.sides.iter().map(|(name, version)| json!({"side": name, "version": version})).collect::<Vec<_>>(),
            "startup": self.startup.iter().map(|(name, ns)| json!({"side": name, "time": ns})).collect::<Vec<_>>(),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plywood_benches::measure::Timing;

    fn report() -> Report {
        let measured = |side: &str, min: f64, different: Option<&str>| Measured {
            side: side.into(),
            timing: Timing { min, median: 2.0 * min },
            first: 1e6,
            memory: 5e6,
            how: String::new(),
            different: different.map(String::from),
        };
        let sides =
            vec![measured(OURS, 100.0, None), measured("a", 400.0, None), measured("b", 50.0, Some("mean"))];
        let row = Row { name: "case", bound: Bound::Dispatch, limit: Some(25.0), sides };
        let versions = [OURS, "a", "b"].map(|name| (name.to_string(), format!("{name} 1"))).to_vec();
        Report { machine: "here".into(), sides: versions, startup: vec![], rows: vec![row] }
    }

    #[test]
    fn peers_that_compute_something_else_do_not_count() {
        let report = report();
        assert_eq!(report.rows[0].ratio(), Some(4.0));
        let line = report.line(&report.rows[0]);
        assert_eq!(
            line,
            "| case | 100 ns (200 ns) | 400 ns (800 ns) | 50 ns (100 ns) ≠ | 4.00 | call 25 % | 1.00 ms / 1.00 ms | 5.00 MB / 5.00 MB |"
        );
        let columns = |line: &str| line.matches('|').count();
        let head = report.head();
        let mut lines = head.lines().rev();
        assert_eq!(
            [lines.next(), lines.next()].map(|l| columns(l.expect("there is one"))),
            [columns(&line); 2]
        );
        assert_eq!(report.json()["rows"][0]["ratio"], 4.0);
    }

    #[test]
    fn means_are_geometric() {
        assert_eq!(geometric([0.5, 2.0].into_iter()), Some(1.0));
        assert_eq!(geometric([].into_iter()), None);
    }
}
