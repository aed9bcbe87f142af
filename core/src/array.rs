//! [`Array`]: data in host memory, row-major. What tensors are made from and read into.

use crate::dtype::Elements;
use crate::{DType, Element, Shape, TensorType};
use std::fmt;
use std::sync::Arc;

/// Elements in host memory, in row-major order, with their shape. A clone shares them.
#[derive(Clone, PartialEq)]
pub struct Array {
    shape: Shape,
    elements: Arc<Elements>,
}

impl Array {
    /// Takes over `elements`; panics where their number is not that of `shape`.
    #[track_caller]
    pub fn new<T: Element>(elements: Vec<T>, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert!(
            elements.len() == shape.elements(),
            "{} elements do not fill shape {shape}, which has {}",
            elements.len(),
            shape.elements()
        );
        Array { shape, elements: Arc::new(T::wrap(elements)) }
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.elements.dtype()
    }

    /// Shape and dtype.
    pub fn ty(&self) -> TensorType {
        TensorType::new(self.shape.clone(), self.dtype())
    }

    /// The elements, whatever their type.
    pub fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The elements as `T`; `None` where they are of another type.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        T::unwrap(&self.elements)
    }

    /// The elements as `T`, without a copy where nobody else holds them; `None` where they are of another type.
    pub fn into_vec<T: Element>(self) -> Option<Vec<T>> {
        match Arc::try_unwrap(self.elements) {
            Ok(elements) => T::unwrap_owned(elements),
            Err(shared) => T::unwrap(&shared).map(<[T]>::to_vec),
        }
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.ty(), self.elements)
    }
}

impl Array {
    /// The first `most` elements in one line, for graphs and messages.
    pub fn preview(&self, most: usize) -> String {
        let n = self.elements.len();
        let shown: Vec<String> = crate::with_dtype!(self.dtype(), T => {
            let all = self.as_slice::<T>().expect("its own dtype");
            all.iter().take(most).map(|x| format!("{x:?}")).collect()
        });
        format!("{}{}", shown.join(" "), if n > most { " .." } else { "" })
    }
}
