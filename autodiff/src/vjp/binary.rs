//! Derivatives of arithmetic. Operands have equal shapes: what broadcasting repeats, its own rule sums.

use super::{Gradients, Keep, Pull, T};
use plywood_core::op::Binary;

pub(super) fn keep(op: Binary, wants_x: bool, wants_y: bool) -> Option<Keep> {
    Some(match op {
        Binary::Add | Binary::Sub => Keep::NOTHING,
        // The derivative by one side is the other.
        Binary::Mul => match (wants_x, wants_y) {
            (true, true) => Keep::inputs([0, 1]),
            (true, false) => Keep::inputs([1]),
            (false, _) => Keep::inputs([0]),
        },
        Binary::Div if wants_y => Keep::inputs([1]).and_outputs(),
        Binary::Div => Keep::inputs([1]),
        Binary::Rem if wants_y => Keep::inputs([0, 1]),
        Binary::Rem => Keep::NOTHING,
        Binary::Pow if wants_y => Keep::inputs([0, 1]).and_outputs(),
        Binary::Pow | Binary::Atan2 | Binary::Max | Binary::Min => Keep::inputs([0, 1]),
        // A step of one unit in the last place: it goes along with x, and jumps with y.
        Binary::NextAfter if wants_x => Keep::NOTHING,
        Binary::NextAfter => return None,
    })
}

pub(super) fn vjp(op: Binary, r: &Pull<'_>, ct: T) -> Gradients {
    match op {
        Binary::Add => r.each(ct, [&|ct| ct, &|ct| ct]),
        Binary::Sub => r.each(ct, [&|ct| ct, &|ct| -ct]),
        Binary::Mul => r.each(ct, [&|ct| ct * r.x(1), &|ct| ct * r.x(0)]),
        Binary::Div => r.each(ct, [&|ct| ct / r.x(1), &|ct| -(ct / r.x(1) * r.y())]),
        Binary::Rem => r.each(ct, [&|ct| ct, &|ct| {
            let q = r.x(0) / r.x(1);
            -(ct * (q.sign() * q.abs().floor()))
        }]),
        Binary::Pow => r.each(ct, [&|ct| ct * (r.x(1) * r.x(0).pow(r.x(1) - 1.0)), &|ct| {
            let x = r.x(0);
            ct * (x.eq(0).select(1, x).log() * r.y())
        }]),
        Binary::Atan2 => {
            let over = |side: &T| side / (r.x(0).square() + r.x(1).square());
            r.each(ct, [&|ct| ct * over(r.x(1)), &|ct| -(ct * over(r.x(0)))])
        }
        Binary::Max => r.each(ct, [&|ct| winner(r.x(0).gt(r.x(1)), r, ct), &|ct| winner(r.x(1).gt(r.x(0)), r, ct)]),
        Binary::Min => r.each(ct, [&|ct| winner(r.x(0).lt(r.x(1)), r, ct), &|ct| winner(r.x(1).lt(r.x(0)), r, ct)]),
        Binary::NextAfter => {
            let mut gradients = r.each(ct, [&|ct| ct]);
            gradients.push(None);
            gradients
        }
    }
}

/// All of the cotangent for the side that wins, half of it for each in a tie.
fn winner(wins: T, r: &Pull<'_>, ct: T) -> T {
    let tie = r.x(0).eq(r.x(1));
    wins.select(&ct, tie.select(&ct * 0.5, 0))
}
