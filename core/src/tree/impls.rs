//! The trees that Rust comes with.

use super::{Path, Tree, Visitor};
use crate::{Backend, Tensor};
use half::{bf16, f16};
use std::collections::BTreeMap;
use std::fmt::Debug;

impl<B: Backend> Tree<B> for Tensor<B> {
    type On<C: Backend> = Tensor<C>;
    fn map<C: Backend>(self, f: &mut dyn FnMut(Tensor<B>) -> Tensor<C>) -> Tensor<C> {
        f(self)
    }
    fn give_up(self, f: &mut dyn FnMut(Tensor<B>)) {
        f(self)
    }
    fn like<C: Backend>(&self, f: &mut dyn FnMut() -> Tensor<C>) -> Tensor<C> {
        f()
    }
    fn visit(&self, path: Path<'_>, visitor: &mut dyn Visitor) {
        visitor.tensor(path, self.value())
    }
}

macro_rules! plain { ($($T:ty)*) => { $(
    impl<B: Backend> Tree<B> for $T {
        type On<C: Backend> = $T;
        fn map<C: Backend>(self, _: &mut dyn FnMut(Tensor<B>) -> Tensor<C>) -> $T { self }
        fn give_up(self, _: &mut dyn FnMut(Tensor<B>)) {}
        fn like<C: Backend>(&self, _: &mut dyn FnMut() -> Tensor<C>) -> $T { self.clone() }
        fn visit(&self, path: Path<'_>, visitor: &mut dyn Visitor) { visitor.plain(path, self) }
    }
)* } }
plain!(() bool char f64 f32 f16 bf16 i8 i16 i32 i64 isize u8 u16 u32 u64 usize String &'static str);

impl<B: Backend, T: Tree<B>> Tree<B> for Vec<T> {
    type On<C: Backend> = Vec<T::On<C>>;
    fn map<C: Backend>(self, f: &mut dyn FnMut(Tensor<B>) -> Tensor<C>) -> Self::On<C> {
        self.into_iter().map(|t| t.map(f)).collect()
    }
    fn give_up(self, f: &mut dyn FnMut(Tensor<B>)) {
        self.into_iter().for_each(|t| t.give_up(f))
    }
    fn like<C: Backend>(&self, f: &mut dyn FnMut() -> Tensor<C>) -> Self::On<C> {
        self.iter().map(|t| t.like(f)).collect()
    }
    fn visit(&self, path: Path<'_>, visitor: &mut dyn Visitor) {
        visitor.plain(path, &self.len());
        for (i, t) in self.iter().enumerate() {
            t.visit(path.index(i), visitor)
        }
    }
}

impl<B: Backend, T: Tree<B>, const N: usize> Tree<B> for [T; N] {
    type On<C: Backend> = [T::On<C>; N];
    fn map<C: Backend>(self, f: &mut dyn FnMut(Tensor<B>) -> Tensor<C>) -> Self::On<C> {
        self.map(|t| t.map(f))
    }
    fn give_up(self, f: &mut dyn FnMut(Tensor<B>)) {
        self.into_iter().for_each(|t| t.give_up(f))
    }
    fn like<C: Backend>(&self, f: &mut dyn FnMut() -> Tensor<C>) -> Self::On<C> {
        self.each_ref().map(|t| t.like(f))
    }
    fn visit(&self, path: Path<'_>, visitor: &mut dyn Visitor) {
        for (i, t) in self.iter().enumerate() {
            t.visit(path.index(i), visitor)
        }
    }
}

impl<B: Backend, T: Tree<B>> Tree<B> for Option<T> {
    type On<C: Backend> = Option<T::On<C>>;
    fn map<C: Backend>(self, f: &mut dyn FnMut(Tensor<B>) -> Tensor<C>) -> Self::On<C> {
        self.map(|t| t.map(f))
    }
    fn give_up(self, f: &mut dyn FnMut(Tensor<B>)) {
        self.into_iter().for_each(|t| t.give_up(f))
    }
    fn like<C: Backend>(&self, f: &mut dyn FnMut() -> Tensor<C>) -> Self::On<C> {
        self.as_ref().map(|t| t.like(f))
    }
    fn visit(&self, path: Path<'_>, visitor: &mut dyn Visitor) {
        visitor.plain(path, &self.is_some());
        if let Some(t) = self {
            t.visit(path, visitor)
        }
    }
}

impl<B: Backend, T: Tree<B>> Tree<B> for Box<T> {
    type On<C: Backend> = Box<T::On<C>>;
    fn map<C: Backend>(self, f: &mut dyn FnMut(Tensor<B>) -> Tensor<C>) -> Self::On<C> {
        Box::new((*self).map(f))
    }
    fn give_up(self, f: &mut dyn FnMut(Tensor<B>)) {
        (*self).give_up(f)
    }
    fn like<C: Backend>(&self, f: &mut dyn FnMut() -> Tensor<C>) -> Self::On<C> {
        Box::new((**self).like(f))
    }
    fn visit(&self, path: Path<'_>, visitor: &mut dyn Visitor) {
        (**self).visit(path, visitor)
    }
}

impl<B: Backend, K, T: Tree<B>> Tree<B> for BTreeMap<K, T>
where
    K: Ord + Clone + Debug + Send + Sync + 'static,
{
    type On<C: Backend> = BTreeMap<K, T::On<C>>;
    fn map<C: Backend>(self, f: &mut dyn FnMut(Tensor<B>) -> Tensor<C>) -> Self::On<C> {
        self.into_iter().map(|(k, t)| (k, t.map(f))).collect()
    }
    fn give_up(self, f: &mut dyn FnMut(Tensor<B>)) {
        self.into_values().for_each(|t| t.give_up(f))
    }
    fn like<C: Backend>(&self, f: &mut dyn FnMut() -> Tensor<C>) -> Self::On<C> {
        self.iter().map(|(k, t)| (k.clone(), t.like(f))).collect()
    }
    fn visit(&self, path: Path<'_>, visitor: &mut dyn Visitor) {
        visitor.plain(path, &self.len());
        for (k, t) in self {
            let key = format!("{k:?}");
            visitor.plain(path.key(&key), &key);
            t.visit(path.key(&key), visitor)
        }
    }
}

macro_rules! tuple { ($($T:ident $i:tt),*) => {
    #[allow(non_snake_case)]
    impl<Bk: Backend, $($T: Tree<Bk>),*> Tree<Bk> for ($($T,)*) {
        type On<Other: Backend> = ($($T::On<Other>,)*);
        fn map<Other: Backend>(self, f: &mut dyn FnMut(Tensor<Bk>) -> Tensor<Other>) -> Self::On<Other> {
            ($(self.$i.map(f),)*)
        }
        fn give_up(self, f: &mut dyn FnMut(Tensor<Bk>)) {
            $(self.$i.give_up(f);)*
        }
        fn like<Other: Backend>(&self, f: &mut dyn FnMut() -> Tensor<Other>) -> Self::On<Other> {
            ($(self.$i.like(f),)*)
        }
        fn visit(&self, path: Path<'_>, visitor: &mut dyn Visitor) {
            $(self.$i.visit(path.index($i), visitor);)*
        }
    }
} }
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
