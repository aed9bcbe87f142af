//! `grad(tanh)`, as the article that Plywood grew from begins.
//!
//! What to look at: `grad` takes a function and gives a function, so it goes into itself; the same `tanh` runs on one,
//! two and three layers of the autodiff backend, and nothing was written for the higher orders.

use plywood::prelude::*;

fn derivatives<B: Backend>(x: Tensor<B>) {
    println!("x                          {x}");
    println!("tanh(x)                    {}", x.tanh());
    println!("grad(tanh)(x)              {}", grad(math::tanh)(x.clone()));
    println!("grad(grad(tanh))(x)        {}", grad(grad(math::tanh))(x.clone()));
    println!("grad(grad(grad(tanh)))(x)  {}", grad(grad(grad(math::tanh)))(x));
}

fn main() {
    derivatives(Tensor::<Cpu>::scalar(1.0f32));
}
