//! Operators: `+ - * / %` between tensors by value, by reference and with plain numbers, `-x`; `& | ^ << >> !` of
//! integers and bool. `/` is true division: integers are divided in f32.

use super::{Operand, Tensor};
use crate::op::{Binary, Bits, Unary};
use crate::value::Term;
use crate::{Backend, Op, Scalar, Value};
use std::ops::*;

macro_rules! between_tensors { ($($Trait:ident $method:ident $via:ident $Op:ident $Kind:ident;)*) => { $(
    impl<B: Backend> $Trait<Tensor<B>> for Tensor<B> {
        type Output = Tensor<B>;
        #[track_caller]
        fn $method(self, y: Tensor<B>) -> Tensor<B> { Tensor::of(self.value.$via($Op::$Kind, Term::Value(y.value))) }
    }
    impl<B: Backend> $Trait<&Tensor<B>> for Tensor<B> {
        type Output = Tensor<B>;
        #[track_caller]
        fn $method(self, y: &Tensor<B>) -> Tensor<B> { Tensor::of(self.value.$via($Op::$Kind, y.term())) }
    }
    impl<B: Backend> $Trait<Tensor<B>> for &Tensor<B> {
        type Output = Tensor<B>;
        #[track_caller]
        fn $method(self, y: Tensor<B>) -> Tensor<B> { Tensor::of(self.value.clone().$via($Op::$Kind, Term::Value(y.value))) }
    }
    impl<B: Backend> $Trait<&Tensor<B>> for &Tensor<B> {
        type Output = Tensor<B>;
        #[track_caller]
        fn $method(self, y: &Tensor<B>) -> Tensor<B> { Tensor::of(self.value.clone().$via($Op::$Kind, y.term())) }
    }
    impl<B: Backend, S: Scalar> $Trait<S> for Tensor<B> {
        type Output = Tensor<B>;
        #[track_caller]
        fn $method(self, y: S) -> Tensor<B> { Tensor::of(self.value.$via($Op::$Kind, Term::Number(y.number()))) }
    }
    impl<B: Backend, S: Scalar> $Trait<S> for &Tensor<B> {
        type Output = Tensor<B>;
        #[track_caller]
        fn $method(self, y: S) -> Tensor<B> { Tensor::of(self.value.clone().$via($Op::$Kind, Term::Number(y.number()))) }
    }
)* } }

macro_rules! number_on_the_left { ($($Trait:ident $method:ident $Kind:ident: $($N:ident)*;)*) => { $( $(
    impl<B: Backend> $Trait<Tensor<B>> for $N {
        type Output = Tensor<B>;
        #[track_caller]
        fn $method(self, y: Tensor<B>) -> Tensor<B> { Tensor::of(y.value.binary_from(Binary::$Kind, self.number())) }
    }
    impl<B: Backend> $Trait<&Tensor<B>> for $N {
        type Output = Tensor<B>;
        #[track_caller]
        fn $method(self, y: &Tensor<B>) -> Tensor<B> {
            Tensor::of(y.value.clone().binary_from(Binary::$Kind, self.number()))
        }
    }
)* )* } }

macro_rules! assigning { ($($Trait:ident $method:ident $via:ident $Op:ident $Kind:ident;)*) => { $(
    impl<B: Backend, T: Operand<B>> $Trait<T> for Tensor<B> {
        #[track_caller]
        fn $method(&mut self, y: T) { self.value = self.value.clone().$via($Op::$Kind, y.term()); }
    }
)* } }

between_tensors! {
    Add add binary Binary Add; Sub sub binary Binary Sub; Mul mul binary Binary Mul; Div div binary Binary Div; Rem rem binary Binary Rem;
    BitAnd bitand bits Bits And; BitOr bitor bits Bits Or; BitXor bitxor bits Bits Xor;
    Shl shl bits Bits ShiftLeft; Shr shr shift_right Bits ShiftRightArithmetic;
}
number_on_the_left! {
    Add add Add: f64 i32; Sub sub Sub: f64 i32; Mul mul Mul: f64 i32; Div div Div: f64 i32; Rem rem Rem: f64 i32;
}
assigning! {
    AddAssign add_assign binary Binary Add; SubAssign sub_assign binary Binary Sub; MulAssign mul_assign binary Binary Mul;
    DivAssign div_assign binary Binary Div; RemAssign rem_assign binary Binary Rem;
}

impl<B: Backend> Neg for Tensor<B> {
    type Output = Tensor<B>;
    #[track_caller]
    fn neg(self) -> Tensor<B> {
        Tensor::of(self.value.unary(Unary::Neg))
    }
}
impl<B: Backend> Neg for &Tensor<B> {
    type Output = Tensor<B>;
    #[track_caller]
    fn neg(self) -> Tensor<B> {
        Tensor::of(self.value.clone().unary(Unary::Neg))
    }
}
impl<B: Backend> Not for Tensor<B> {
    type Output = Tensor<B>;
    #[track_caller]
    fn not(self) -> Tensor<B> {
        Tensor::of(Value::apply1(Op::Bits(Bits::Not), self.value))
    }
}
impl<B: Backend> Not for &Tensor<B> {
    type Output = Tensor<B>;
    #[track_caller]
    fn not(self) -> Tensor<B> {
        !self.clone()
    }
}
