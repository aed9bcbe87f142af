//! A graph prints as JAX prints a jaxpr; a number that fills a tensor stands where it is used.
//!
//! ```text
//! { lambda ; a:f32[3]. let
//!     b:f32[3] = mul a 2.0
//!     c:f32[] = reduce_sum[axes=(0)] b
//!   in (c) }
//! ```

use super::{Graph, Var};
use crate::{Number, Op};
use std::fmt;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers: Vec<Option<Number>> = vec![None; self.types.len()];
        let mut names: Vec<Option<usize>> = vec![None; self.types.len()];
        let mut next = 0;
        let mut define = |v: Var, names: &mut Vec<Option<usize>>| {
            names[v.index()] = Some(next);
            next += 1;
        };
        self.inputs.iter().for_each(|&v| define(v, &mut names));
        for e in &self.equations {
            match e.op {
                // A number is shown in place, unless the function returns it.
                Op::Full { number, .. } if !self.outputs.contains(&e.outputs[0]) => {
                    numbers[e.outputs[0].index()] = Some(number)
                }
                _ => e.outputs.iter().for_each(|&v| define(v, &mut names)),
            }
        }
        let var = |v: Var| match (numbers[v.index()], names[v.index()]) {
            (Some(number), _) => number.to_string(),
            (None, Some(n)) => name(n),
            (None, None) => unreachable!("every variable is an input or an output"),
        };
        let typed = |v: &Var| format!("{}:{}", var(*v), self.ty(*v));
        let list = |vs: &[Var]| vs.iter().map(typed).collect::<Vec<_>>().join(" ");
        let (captured, arguments) = self.inputs.split_at(self.captured);
        let gap = if captured.is_empty() { "" } else { " " };
        writeln!(f, "{{ lambda {}{gap}; {}. let", list(captured), list(arguments))?;
        for e in &self.equations {
            if numbers[e.outputs[0].index()].is_some() {
                continue;
            }
            write!(f, "    {} = {}", list(&e.outputs), e.op)?;
            e.inputs.iter().try_for_each(|&v| write!(f, " {}", var(v)))?;
            writeln!(f)?;
        }
        let outputs: Vec<String> = self.outputs.iter().map(|&v| var(v)).collect();
        write!(f, "  in ({}) }}", outputs.join(", "))
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// a, b, .., z, ba, bb, ..
fn name(mut n: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'a' + (n % 26) as u8);
        n /= 26;
        if n == 0 {
            break;
        }
    }
    letters.iter().rev().map(|&b| b as char).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_go_on_after_z() {
        assert_eq!([0, 25, 26, 27, 26 * 26].map(super::name), ["a", "z", "ba", "bb", "baa"]);
    }
}
