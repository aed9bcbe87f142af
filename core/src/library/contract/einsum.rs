//! Einstein summation: any expression, the order of contractions chosen by cost.
//!
//! A pair of operands is one `dot_general`: labels of both that nobody else needs are contracted, those of both that
//! are needed run along as batch axes. What only one operand has and nobody needs is summed before.

use super::super::T;
use super::order::{Labels, order};
use crate::Shape;
use crate::shape::Axes;

/// An operand with a label, by number, for each axis; no label twice.
#[derive(Clone)]
struct Term {
    labels: Vec<usize>,
    x: T,
}

/// Sizes by label, and what labels are called.
struct Names {
    names: Vec<String>,
    sizes: Vec<usize>,
}

impl Names {
    fn number(&mut self, name: &str) -> usize {
        match self.names.iter().position(|n| n == name) {
            Some(i) => i,
            None => {
                self.names.push(name.to_string());
                self.sizes.push(1);
                self.names.len() - 1
            }
        }
    }
}

/// The part of an expression for one tensor: names of labels, and where an ellipsis stands.
fn parse(expression: &str, part: &str) -> Result<(Vec<String>, Option<usize>), String> {
    let (mut labels, mut ellipsis) = (Vec::new(), None);
    let mut rest = part.trim();
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("...") {
            if ellipsis.replace(labels.len()).is_some() {
                return Err(format!("einsum: \"{expression}\": two ellipses in \"{part}\""));
            }
            rest = behind;
        } else if c.is_alphabetic() {
            labels.push(c.to_string());
            rest = &rest[c.len_utf8()..];
        } else if c == ' ' {
            rest = &rest[1..];
        } else {
            return Err(format!("einsum: \"{expression}\": {c:?} is not a label; labels are letters"));
        }
    }
    Ok((labels, ellipsis))
}

/// The value of an expression such as `"ij,jk->ik"`.
#[track_caller]
pub fn einsum(expression: &str, operands: Vec<T>) -> T {
    match plan(expression, operands) {
        Ok((terms, output, names)) => contract(terms, &output, &names.sizes),
        Err(message) => panic!("{message}"),
    }
}

/// Operands with labels, the labels of the result, and the sizes.
#[track_caller]
fn plan(expression: &str, operands: Vec<T>) -> Result<(Vec<Term>, Vec<usize>, Names), String> {
    let (inputs, output) = match expression.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (expression, None),
    };
    let parts: Vec<&str> = inputs.split(',').collect();
    let shapes = operands.iter().map(|x| x.shape().to_string()).collect::<Vec<_>>().join(" and ");
    if parts.len() != operands.len() {
        return Err(format!(
            "einsum: \"{expression}\" names {} operands, there are {} (shapes {shapes})",
            parts.len(),
            operands.len()
        ));
    }
    let mut names = Names { names: vec![], sizes: vec![] };
    let mut terms = Vec::new();
    let mut widest = 0;
    let mut counts: Vec<(String, usize)> = Vec::new();
    for (part, x) in parts.iter().zip(operands) {
        let (mut labels, ellipsis) = parse(expression, part)?;
        for label in &labels {
            match counts.iter_mut().find(|(name, _)| name == label) {
                Some((_, n)) => *n += 1,
                None => counts.push((label.clone(), 1)),
            }
        }
        let hidden = x.rank().checked_sub(labels.len());
        let hidden = match (ellipsis, hidden) {
            (None, Some(0)) => 0,
            (Some(_), Some(hidden)) => hidden,
            _ => {
                return Err(format!(
                    "einsum: \"{expression}\": \"{}\" labels {} axes, the tensor's shape is {}",
                    part.trim(),
                    labels.len(),
                    x.shape()
                ));
            }
        };
        // Hidden axes are aligned at the end; their names are no letters.
        if let Some(at) = ellipsis {
            labels.splice(at..at, (0..hidden).map(|i| (hidden - 1 - i).to_string()));
        }
        widest = widest.max(hidden);
        let labels: Vec<usize> = labels.iter().map(|l| names.number(l)).collect();
        for (&l, &n) in labels.iter().zip(x.shape().iter()) {
            let size = &mut names.sizes[l];
            if *size != n && *size != 1 && n != 1 {
                return Err(format!(
                    "einsum: \"{expression}\": label {} has sizes {size} and {n} (shapes {shapes})",
                    names.names[l]
                ));
            }
            *size = if *size == 1 { n } else { *size };
        }
        terms.push(Term { labels, x });
    }
    let hidden = (0..widest).rev().map(|i| i.to_string());
    let output: Vec<String> = match output {
        Some(part) => {
            let (mut labels, ellipsis) = parse(expression, part)?;
            if let Some(at) = ellipsis {
                labels.splice(at..at, hidden);
            }
            labels
        }
        // NumPy's implicit form: the ellipsis, then what stands once, in the alphabet's order.
        None => {
            let mut once: Vec<String> =
                counts.into_iter().filter(|(_, n)| *n == 1).map(|(name, _)| name).collect();
            once.sort();
            hidden.chain(once).collect()
        }
    };
    let mut numbers = Vec::new();
    for name in &output {
        let Some(number) = names.names.iter().position(|n| n == name) else {
            return Err(format!("einsum: \"{expression}\": no operand has the output's label {name}"));
        };
        if numbers.contains(&number) {
            return Err(format!("einsum: \"{expression}\": the output has label {name} twice"));
        }
        numbers.push(number);
    }
    let terms = terms.into_iter().map(|t| own_labels(t, &names.sizes)).collect();
    Ok((terms, numbers, names))
}

/// An operand whose labels are all different and have their label's size: of a repeated one the diagonal; an axis of
/// size 1 that is larger elsewhere goes away.
#[track_caller]
fn own_labels(mut term: Term, sizes: &[usize]) -> Term {
    let stretched: Vec<usize> =
        (0..term.labels.len()).filter(|&d| term.x.shape()[d] == 1 && sizes[term.labels[d]] != 1).collect();
    if !stretched.is_empty() {
        term.x = term.x.squeeze(&stretched[..]);
        let mut d = 0;
        term.labels.retain(|_| {
            d += 1;
            !stretched.contains(&(d - 1))
        });
    }
    while let Some((i, j)) = repeated(&term.labels) {
        term.x = diagonal(&term.x, i, j);
        let label = term.labels[i];
        term.labels.remove(j);
        term.labels.remove(i);
        term.labels.push(label);
    }
    term
}

fn repeated(labels: &[usize]) -> Option<(usize, usize)> {
    (0..labels.len()).find_map(|j| labels[..j].iter().position(|&l| l == labels[j]).map(|i| (i, j)))
}

/// The elements whose places on axes `i` and `j` are equal, along a new last axis.
#[track_caller]
fn diagonal(x: &T, i: usize, j: usize) -> T {
    let n = x.shape()[i];
    let mut permutation: Axes = (0..x.rank()).filter(|d| *d != i && *d != j).collect();
    permutation.extend([i, j]);
    let moved = x.value().clone().permute(permutation);
    let front = moved.shape()[..moved.rank() - 2].to_vec();
    let flat = moved.reshape_to(front.iter().copied().chain([n * n]).collect());
    let last = front.len();
    let (mut starts, mut strides): (Axes, Axes) =
        (Axes::from_elem(0, last + 1), Axes::from_elem(1, last + 1));
    starts[last] = 0;
    strides[last] = n + 1;
    let limits = flat.shape().iter().copied().collect();
    T::of(flat.slice(starts, limits, strides))
}

/// Contracts pair by pair.
#[track_caller]
fn contract(mut terms: Vec<Term>, output: &[usize], sizes: &[usize]) -> T {
    let kept: Labels = output.iter().copied().collect();
    let outside = |terms: &[Term], but: usize| -> Labels {
        let others = terms.iter().enumerate().filter(|(k, _)| *k != but);
        others.flat_map(|(_, t)| t.labels.iter().copied()).chain(kept.iter().copied()).collect()
    };
    // What nobody else needs is summed first.
    for k in 0..terms.len() {
        let needed = outside(&terms, k);
        terms[k] = summed(terms[k].clone(), &needed);
    }
    let labels: Vec<Labels> = terms.iter().map(|t| t.labels.iter().copied().collect()).collect();
    for (i, j) in order(&labels, &kept, sizes) {
        let (a, b) = if i < j {
            let b = terms.remove(j);
            (terms.remove(i), b)
        } else {
            let a = terms.remove(i);
            let b = terms.remove(j);
            (a, b)
        };
        let needed = outside(&terms, usize::MAX);
        let last = terms.is_empty().then_some(output);
        terms.push(pair(a, b, &needed, last));
    }
    let Some(term) = terms.pop() else { panic!("einsum: no operands") };
    // Labels of the output that only stretched operands had stand as axes of size 1 there: they are all present.
    let permutation: Axes = (output.iter())
        .map(|l| term.labels.iter().position(|m| m == l).expect("every label of the output is an operand's"))
        .collect();
    T::of(term.x.into_value().permute(permutation))
}

/// Summed over the labels that nobody needs.
#[track_caller]
fn summed(term: Term, needed: &Labels) -> Term {
    let axes: Vec<usize> = (0..term.labels.len()).filter(|&d| !needed.contains(&term.labels[d])).collect();
    if axes.is_empty() {
        return term;
    }
    let dtype = term.x.dtype();
    let x = term.x.sum_axes(&axes[..]).cast(dtype);
    Term { labels: term.labels.into_iter().filter(|l| needed.contains(l)).collect(), x }
}

/// The product of two operands, summed over what both have and nobody needs.
#[track_caller]
fn pair(a: Term, b: Term, needed: &Labels, output: Option<&[usize]>) -> Term {
    let both: Vec<usize> = a.labels.iter().copied().filter(|l| b.labels.contains(l)).collect();
    let (batch, contracted): (Vec<usize>, Vec<usize>) = both.into_iter().partition(|l| needed.contains(l));
    let free = |t: &Term| -> Vec<usize> {
        t.labels.iter().copied().filter(|l| !batch.contains(l) && !contracted.contains(l)).collect()
    };
    if contracted.is_empty() {
        return multiplied(&a, &b, output);
    }
    let order =
        |a: &Term, b: &Term| -> Vec<usize> { batch.iter().copied().chain(free(a)).chain(free(b)).collect() };
    // The side that stands first decides the order of axes: the output's, if one of both ways has it.
    let swapped = output.is_some_and(|o| order(&a, &b) != o && order(&b, &a) == o);
    let (a, b) = if swapped { (b, a) } else { (a, b) };
    let axes = |t: &Term, labels: &[usize]| -> Axes {
        labels.iter().map(|l| t.labels.iter().position(|m| m == l).expect("a label of both")).collect()
    };
    let labels = order(&a, &b);
    let contracting = (axes(&a, &contracted), axes(&b, &contracted));
    let batching = (axes(&a, &batch), axes(&b, &batch));
    Term { labels, x: T::of(a.x.into_value().dot_general(b.x.into_value(), contracting, batching)) }
}

/// The product of two operands where nothing is summed.
#[track_caller]
fn multiplied(a: &Term, b: &Term, output: Option<&[usize]>) -> Term {
    let all: Vec<usize> = match output {
        Some(output) => output.to_vec(),
        None => {
            let more = b.labels.iter().copied().filter(|l| !a.labels.contains(l));
            a.labels.iter().copied().chain(more).collect()
        }
    };
    let aligned = |t: &Term| -> T {
        let present: Vec<usize> = all.iter().copied().filter(|l| t.labels.contains(l)).collect();
        let permutation: Axes =
            present.iter().map(|l| t.labels.iter().position(|m| m == l).expect("present")).collect();
        let moved = t.x.value().clone().permute(permutation);
        let mut sizes = moved.shape().to_vec().into_iter();
        let shape: Shape = all
            .iter()
            .map(|l| if t.labels.contains(l) { sizes.next().expect("present") } else { 1 })
            .collect();
        T::of(moved.reshape_to(shape))
    };
    Term { x: aligned(a) * aligned(b), labels: all }
}
