//! What is saved is loaded: every dtype to the bit, every kind of tree, on every kind of backend; and files are what the crate
//! `safetensors` reads and writes.

mod common;

use common::{Folder, file_of};
use plywood::checkpoint::{self, Checkpoint, Checkpoints, Error};
use plywood::prelude::*;
use plywood::{Array, with_dtype};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;

type C = Tensor<Cpu>;

/// Two arrays are equal to the bit: as bytes in files.
fn same_bits(a: &Array, b: &Array) -> bool {
    let folder = Folder::new();
    let bytes = |array: &Array| {
        let path = folder.file("bits");
        checkpoint::save(&path, &C::from_array(array.clone())).unwrap();
        std::fs::read(path).unwrap()
    };
    a.ty() == b.ty() && bytes(a) == bytes(b)
}

#[test]
fn every_dtype_to_the_bit() {
    let f64s =
        [0, 1 << 63, 1, f64::MAX.to_bits(), 0x7ff0_0000_0000_0001, 0xfff8_dead_beef_0001, 0x7fff << 48];
    let f32s = [0, 1 << 31, 1, f32::MAX.to_bits(), 0x7f80_0001, 0xffc0_beef, 0x7fff_ffff, 0xff80_0000];
    let tree = (
        C::from(f64s.map(f64::from_bits)),
        C::from(f32s.map(f32::from_bits)),
        C::from((0..=u16::MAX).map(f16::from_bits).collect::<Vec<_>>()),
        C::from((0..=u16::MAX).map(bf16::from_bits).collect::<Vec<_>>()),
        (C::from([i64::MIN, -1, 0, i64::MAX]), C::from([i32::MIN, -1, 0, i32::MAX])),
        (C::from([i16::MIN, -1, 0, i16::MAX]), C::from((i8::MIN..=i8::MAX).collect::<Vec<_>>())),
        (C::from([0, 1, u64::MAX - 1, u64::MAX]), C::from([0, 1, u32::MAX])),
        (C::from([0, 1, u16::MAX]), C::from((0..=u8::MAX).collect::<Vec<_>>())),
        C::from([true, false, true]),
    );
    let folder = Folder::new();
    let path = folder.file("all");
    checkpoint::save(&path, &tree).unwrap();
    let zeros = tree_map([tree.clone()], |[x]| x.zeros_like());
    let (f64s_again, f32s_again, f16s, bf16s, wide, narrow, unsigned, short, bools) =
        checkpoint::load(&path, zeros).unwrap();
    let bits: Vec<u64> = f64s_again.to_vec::<f64>().into_iter().map(f64::to_bits).collect();
    assert_eq!(bits, f64s);
    let bits: Vec<u32> = f32s_again.to_vec::<f32>().into_iter().map(f32::to_bits).collect();
    assert_eq!(bits, f32s);
    assert!(f16s.to_vec::<f16>().into_iter().map(f16::to_bits).eq(0..=u16::MAX));
    assert!(bf16s.to_vec::<bf16>().into_iter().map(bf16::to_bits).eq(0..=u16::MAX));
    assert_eq!((wide, narrow, unsigned, short, bools), (tree.4, tree.5, tree.6, tree.7, tree.8));
    let dtypes = Checkpoint::open(&path).unwrap();
    let mut dtypes: Vec<DType> = dtypes.names().map(|name| dtypes.ty(name).unwrap().dtype).collect();
    dtypes.sort();
    assert_eq!(dtypes, DType::ALL, "none was left out");
}

#[test]
fn every_shape() {
    let folder = Folder::new();
    let counted = |shape: &[usize]| C::arange(shape.iter().product()).reshape(shape);
    let shapes: [&[usize]; 9] =
        [&[], &[0], &[1], &[3, 0, 2], &[2, 3], &[1, 1, 1, 1], &[2, 1, 3, 1, 2, 2], &[0, 0], &[5000]];
    let mut tensors: Vec<C> = shapes.iter().map(|shape| counted(shape)).collect();
    // Views, which are not laid out in row-major order.
    tensors.extend([
        counted(&[3, 4]).t(),
        C::scalar(7).broadcast_to([3, 2]),
        counted(&[4, 4]).get((1..3, step(0..4, 2))),
        C::zeros([2, 3], DType::I32),
    ]);
    for dtype in DType::ALL {
        let tree: Vec<C> = tensors.iter().map(|x| x.cast(dtype)).collect();
        let path = folder.file(dtype.name());
        checkpoint::save(&path, &tree).unwrap();
        let ones: Vec<C> = tree.iter().map(C::ones_like).collect();
        for (i, (x, y)) in checkpoint::load(&path, ones).unwrap().iter().zip(&tree).enumerate() {
            assert_eq!(x.ty(), y.ty(), "{i}");
            with_dtype!(dtype, T => assert_eq!(x.to_vec::<T>(), y.to_vec::<T>(), "{i}, {dtype}"));
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Activation {
    Tanh,
    Relu,
}

#[derive(Clone, Debug, PartialEq, Tree)]
struct Linear<B: Backend> {
    weight: Tensor<B>,
    bias: Option<Tensor<B>>,
}

#[derive(Clone, Debug, PartialEq, Tree)]
enum Head<B: Backend> {
    Plain,
    Scaled { by: Tensor<B>, steps: usize },
    Pair(Tensor<B>, Box<Linear<B>>),
}

#[derive(Clone, Debug, PartialEq, Tree)]
struct Net<B: Backend> {
    layers: Vec<Linear<B>>,
    heads: [Head<B>; 3],
    by_name: BTreeMap<String, Tensor<B>>,
    by_number: BTreeMap<u8, (Tensor<B>, f64)>,
    r#type: Tensor<B>,
    #[tree(static)]
    activation: Activation,
    note: String,
    none: Vec<Tensor<B>>,
}

fn net<B: Backend>(first: f64, activation: Activation) -> Net<B> {
    let x = |i: usize| Tensor::from([first + i as f64, 0.5]);
    let linear = |i, bias: bool| Linear { weight: x(i), bias: bias.then(|| x(i + 1)) };
    Net {
        layers: vec![linear(0, true), linear(2, false), linear(4, true)],
        heads: [
            Head::Scaled { by: x(6), steps: 3 },
            Head::Plain,
            Head::Pair(x(7), Box::new(linear(8, true))),
        ],
        by_name: [("a", x(9)), ("a.b", x(10)), ("", x(11))].map(|(k, v)| (k.to_string(), v)).into(),
        by_number: [(7, (x(12), 1.5))].into(),
        r#type: x(13),
        activation,
        note: format!("starts at {first}"),
        none: Vec::new(),
    }
}

#[test]
fn a_tree_of_every_kind() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    let saved = net::<Cpu>(0.0, Activation::Tanh);
    checkpoint::save(&path, &saved).unwrap();
    let names = [
        "by_name[\"\"]",
        "by_name[\"a\"]",
        "by_name[\"a.b\"]",
        "by_number[7][0]",
        "heads[0].by",
        "heads[2][0]",
        "heads[2][1].bias",
        "heads[2][1].weight",
        "layers[0].bias",
        "layers[0].weight",
        "layers[1].weight",
        "layers[2].bias",
        "layers[2].weight",
        "type",
    ];
    assert!(Checkpoint::open(&path).unwrap().names().eq(names));
    // Tensors are the file's, everything else the tree's that was given.
    let loaded = checkpoint::load(&path, net::<Cpu>(100.0, Activation::Relu)).unwrap();
    assert_eq!(tree_leaves(&loaded), tree_leaves(&saved));
    assert_eq!((&loaded.note[..], loaded.activation), ("starts at 100", Activation::Relu));
    assert_eq!(folder.names(), ["net.safetensors"]);
}

#[test]
fn trees_without_names_and_without_tensors() {
    let folder = Folder::new();
    let path = folder.file("x");
    checkpoint::save(&path, &C::from([1, 2])).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    assert_eq!(file.names().collect::<Vec<_>>(), [""]);
    assert_eq!(file.load(C::from([0, 0])).unwrap().to_vec::<i32>(), [1, 2]);
    let none: Vec<C> = Vec::new();
    checkpoint::save(&path, &none).unwrap();
    assert!(checkpoint::load(&path, none.clone()).unwrap().is_empty());
    Checkpoint::new().meta("only", "this").save(&path, &none).unwrap();
    assert_eq!(Checkpoint::open(&path).unwrap().meta("only"), Some("this"));
    checkpoint::load(&path, none).unwrap();
}

#[derive(Clone, Debug, PartialEq, Tree)]
struct Reserved<B: Backend> {
    __metadata__: Tensor<B>,
    inner: (Tensor<B>,),
}

#[test]
fn names_do_not_collide() {
    let folder = Folder::new();
    let path = folder.file("x");
    let keys = ["a", "a\"][\"b", "a.b", "\"a\"", "[0]", "\\", "\n", "ä", "__metadata__"];
    let maps = |first: usize| -> BTreeMap<String, BTreeMap<String, C>> {
        let inner = |i: usize| {
            let at = |j: usize| C::from([(first + 10 * i + j) as f32]);
            keys.iter().enumerate().map(|(j, k)| (k.to_string(), at(j))).collect()
        };
        keys.iter().enumerate().map(|(i, k)| (k.to_string(), inner(i))).collect()
    };
    checkpoint::save(&path, &maps(0)).unwrap();
    assert_eq!(Checkpoint::open(&path).unwrap().names().count(), keys.len() * keys.len());
    assert_eq!(checkpoint::load(&path, maps(1000)).unwrap(), maps(0));

    let reserved = |x: f32| Reserved { __metadata__: C::from([x]), inner: (C::from([x + 1.0]),) };
    Checkpoint::new().meta("a", "b").save(&path, &reserved(1.0)).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    assert_eq!(file.names().collect::<Vec<_>>(), [".__metadata__", "inner[0]"]);
    assert_eq!(file.load(reserved(7.0)).unwrap(), reserved(1.0));
}

/// Keys that differ, and print alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Alike(u8);
impl std::fmt::Debug for Alike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("alike")
    }
}

#[test]
fn names_that_would_collide_are_refused() {
    let folder = Folder::new();
    let path = folder.file("x");
    let tree: BTreeMap<Alike, C> = [(Alike(0), C::scalar(0)), (Alike(1), C::scalar(1.0))].into();
    let is_duplicate = |e: Error| matches!(e, Error::DuplicateName { name } if name == "[alike]");
    assert!(is_duplicate(checkpoint::save(&path, &tree).unwrap_err()));
    assert!(folder.names().is_empty());
    let one: BTreeMap<Alike, C> = [(Alike(0), C::scalar(0))].into();
    checkpoint::save(&path, &one).unwrap();
    assert!(is_duplicate(checkpoint::load(&path, tree).unwrap_err()));
}

#[test]
fn metadata() {
    let folder = Folder::new();
    let path = folder.file("x");
    let seed = u64::MAX - 1;
    let texts = ["", "\"", "ä\n\u{0}\u{1f600}", "__metadata__"];
    let mut checkpoint = Checkpoint::new().meta("seed", seed).meta("rate", 0.1).meta("rate", 1e-300);
    for text in texts {
        checkpoint = checkpoint.meta(text, text);
    }
    checkpoint.save(&path, &C::scalar(1)).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    assert_eq!(file.meta_as::<u64>("seed").unwrap(), seed);
    assert_eq!(file.meta_as::<f64>("rate").unwrap(), 1e-300);
    assert!(texts.iter().all(|text| file.meta(text) == Some(text)));
    assert_eq!(file.metadata().count(), 2 + texts.len());
    assert_eq!((file.meta("step"), file.path()), (None, path.as_path()));
    assert!(matches!(file.meta_as::<u64>("step"), Err(Error::NoMeta { key, .. }) if key == "step"));
    let error = file.meta_as::<u32>("seed").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}: metadata `seed` is \"{seed}\", which is no u32", path.display())
    );
}

#[test]
fn equal_trees_give_equal_files() {
    let folder = Folder::new();
    let written = |name: &str| {
        let mut checkpoint = Checkpoint::new();
        for i in 0..20 {
            checkpoint = checkpoint.meta(format!("key {i}"), i);
        }
        checkpoint.save(folder.file(name), &net::<Cpu>(1.0, Activation::Tanh)).unwrap();
        std::fs::read(folder.file(name)).unwrap()
    };
    assert_eq!(written("a"), written("b"));
}

#[test]
fn the_crate_safetensors_reads_what_was_written() {
    let folder = Folder::new();
    let path = folder.file("x");
    let bools = C::from([true, false, true]);
    let tree = (C::from([[1.5f32, -2.0]]), bools, C::from([7i64]), C::zeros([0, 2], DType::BF16));
    Checkpoint::new().meta("step", 3).save(&path, &tree).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!((header + 8) % 8, 0, "the first tensor is aligned");
    assert_eq!(metadata.metadata().as_ref().unwrap()["step"], "3");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let want: [(&str, Dtype, &[usize], Vec<u8>); 4] = [
        ("[0]", Dtype::F32, &[1, 2], [1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat()),
        ("[1]", Dtype::BOOL, &[3], vec![1, 0, 1]),
        ("[2]", Dtype::I64, &[1], 7i64.to_le_bytes().to_vec()),
        ("[3]", Dtype::BF16, &[0, 2], vec![]),
    ];
    assert_eq!(file.len(), want.len());
    for (name, dtype, shape, data) in want {
        let view = file.tensor(name).unwrap();
        assert_eq!((view.dtype(), view.shape(), view.data()), (dtype, shape, &data[..]), "{name}");
    }
}

#[test]
fn what_the_crate_safetensors_wrote_is_read() {
    let folder = Folder::new();
    let path = folder.file("x");
    let numbers: Vec<u8> = [1f64, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let views = [
        ("[1]", TensorView::new(Dtype::U8, vec![3], &[1, 2, 3]).unwrap()),
        ("[0]", TensorView::new(Dtype::F64, vec![2, 1], &numbers).unwrap()),
    ];
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let like = (C::zeros([2, 1], DType::F64), C::zeros([3], DType::U8));
    let want = (C::from([[1.0], [2.0]]), C::from([1u8, 2, 3]));
    assert_eq!(checkpoint::load(&path, like.clone()).unwrap(), want);
    // The format asks for no order of tensors, no alignment, and allows spaces behind the header.
    let header = br#"{"[1]":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},
        "[0]":{"dtype":"F64","shape":[2,1],"data_offsets":[3,19]}}   "#;
    std::fs::write(&path, file_of(header, &[&[1, 2, 3], &numbers[..]].concat())).unwrap();
    assert_eq!(checkpoint::load(&path, like).unwrap(), want);
}

#[test]
fn on_other_backends() {
    let folder = Folder::new();
    let path = folder.file("x");
    let want = C::from([1.0f64, 4.0]);
    // Lazy: what is put off is computed, together.
    let x = Tensor::<Fusion<Cpu>>::from([1.0, 2.0]);
    let runs = Fusion::<Cpu>::stats().runs;
    checkpoint::save(&path, &(x.square(), x.exp())).unwrap();
    assert_eq!(Fusion::<Cpu>::stats().runs, runs + 1);
    let loaded: (Tensor<Fusion<Cpu>>, _) = checkpoint::load(&path, (x.clone(), x)).unwrap();
    assert_eq!(loaded.0.to_vec::<f64>(), want.to_vec::<f64>());
    let file = Checkpoint::open(&path).unwrap();
    assert!(same_bits(&file.array("[1]").unwrap(), &loaded.1.to_array()));
    // Chosen at run time: where the tree is, whatever new tensors are made on.
    let like = Tensor::<Dyn>::of(C::from([0.0, 0.0]).into_value());
    let (a, b) = file.load((like.clone(), like)).unwrap();
    assert_eq!((a.value().engine().name(), a.to_vec::<f64>()), ("Cpu".to_string(), vec![1.0, 4.0]));
    assert!(same_bits(&b.to_array(), &file.array("[1]").unwrap()));
    // Inside a transformation: a constant.
    let f = {
        let path = path.clone();
        move |x: Tensor<Autodiff<Cpu>>| {
            let (a, b) = checkpoint::load(&path, (x.clone(), x.clone())).unwrap();
            checkpoint::save(path.with_extension("inside"), &(&a + &x)).unwrap();
            (a * x + b).sum()
        }
    };
    assert_eq!(grad(f)(C::from([5.0, 6.0])).to_vec::<f64>(), want.to_vec::<f64>());
    let inside = checkpoint::load(path.with_extension("inside"), C::from([0.0, 0.0])).unwrap();
    assert_eq!(inside.to_vec::<f64>(), [6.0, 10.0]);
    // What is recorded has no data.
    let recorded = jit(move |x: Tensor<Traced<Cpu>>| {
        let error = checkpoint::save(path.with_extension("recorded"), &(x.clone(),)).unwrap_err();
        assert!(matches!(&error, Error::Unreadable { name, .. } if name == "[0]"), "{error}");
        x
    });
    recorded(C::from([1.0]));
    assert_eq!(folder.names(), ["x", "x.inside"]);
}

#[test]
fn the_prelude_has_the_module_and_the_function_of_one_name() {
    let doubled = checkpoint(|x: Tensor<Traced<Cpu>>| x * 2.0)(C::from([1.0]));
    let path = Folder::new().file("no folder");
    assert!(checkpoint::save(path, &doubled).is_err());
}

#[test]
fn files_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let folder = Folder::new();
    let path = folder.file("x");
    let tree: Vec<C> = (0..50).map(|i| C::full([100], i, DType::I32)).collect();
    checkpoint::save(&path, &tree).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    shared(&file);
    shared(&Checkpoints::new(folder.path()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(file.load(tree.clone()).unwrap(), tree));
        }
    });
}
