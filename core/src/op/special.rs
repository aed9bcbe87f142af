//! Special functions that no short formula of elementary ones gives, and their partial derivatives of any order.
//!
//! One operation holds a function and how often it is differentiated by each operand; so its own derivative is the
//! same operation with one order more, and no function has a rule of its own. Orders have limits
//! ([`SpecialFunction::most_orders`]); beyond them the operation is refused, and no wrong number is given.

use crate::TensorType;
use crate::op::{names, same_types};

names! {
    /// A function of one to three operands of one shape and one float dtype, element by element.
    pub enum SpecialFunction {
        /// ψ(x), the logarithmic derivative of Γ; its derivatives are the polygamma functions.
        Digamma "digamma",
        /// P(a, x) = 1/Γ(a) ∫₀ˣ t^(a-1) e^-t dt, the regularised lower incomplete gamma function.
        Igamma "igamma",
        /// Q(a, x) = 1 - P(a, x), exact where it is small.
        Igammac "igammac",
        /// I_x(a, b) = 1/B(a, b) ∫₀ˣ t^(a-1) (1-t)^(b-1) dt, the regularised incomplete beta function of a, b, x.
        Betainc "betainc",
    }
}

impl SpecialFunction {
    /// The highest order of derivatives by each operand. Those by a shape parameter need series of their own, which are
    /// accurate and compiled up to here; beyond, an operation is refused. The derivatives of all functions by x, and of
    /// digamma, are formulas.
    pub fn most_orders(self) -> [u8; 3] {
        match self {
            SpecialFunction::Digamma => [255, 0, 0],
            SpecialFunction::Igamma | SpecialFunction::Igammac => [4, 20, 0],
            SpecialFunction::Betainc => [3, 3, 20],
        }
    }

    /// How many operands.
    pub fn inputs(self) -> usize {
        match self {
            SpecialFunction::Digamma => 1,
            SpecialFunction::Igamma | SpecialFunction::Igammac => 2,
            SpecialFunction::Betainc => 3,
        }
    }
}

/// A special function or a partial derivative of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Special {
    /// The function.
    pub function: SpecialFunction,
    /// How often it is differentiated by each operand; zeros behind the last operand.
    pub orders: [u8; 3],
}

impl Special {
    /// The function itself.
    pub fn of(function: SpecialFunction) -> Self {
        Special { function, orders: [0; 3] }
    }

    /// Differentiated once more by operand `i`.
    #[track_caller]
    pub fn derivative(mut self, i: usize) -> Self {
        self.orders[i] = match self.orders[i].checked_add(1) {
            Some(order) => order,
            None => panic!("{}: no derivative of order 256", self.function.name()),
        };
        self
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &[&TensorType]) -> TensorType {
        let name = self.function.name();
        same_types(name, x);
        assert!(x[0].dtype.is_float(), "{name}: takes floats, not {}; cast it first", x[0]);
        let most = self.function.most_orders();
        for (i, (order, most)) in self.orders.into_iter().zip(most).enumerate() {
            assert!(
                order <= most,
                "{name}: its derivative of order {order} by operand {i} is not implemented; the highest order is {most}"
            );
        }
        x[0].clone()
    }
}
