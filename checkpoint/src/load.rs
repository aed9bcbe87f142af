//! [`CheckpointFile`]: a file whose header was read, and loading.
//!
//! What always holds: before the first tensor is read, the file's tensors are those of the tree, by names, shapes and dtypes.
//! Tensors are read one after the other, each into the place of the old one, which is given up then.

use crate::Error;
use crate::durable::failed;
use crate::format::{self, Contents, Entry, LENGTH, MAX_HEADER};
use bytemuck::Pod;
use half::{bf16, f16};
use plywood_core::{
    Array, Backend, DType, Element, Op, Path as KeyPath, Plain, SelfTree, Tensor, TensorType, Value, Visitor,
    at,
};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// A checkpoint in a file, opened by [`Checkpoint::open`](crate::Checkpoint::open). Its header was read and fits the file's length;
/// tensors are read when they are asked for. What was opened stays the same when another checkpoint takes its name.
#[derive(Debug)]
pub struct CheckpointFile {
    path: PathBuf,
    contents: Contents,
    /// Its position is shared.
    file: Mutex<File>,
}

impl CheckpointFile {
    /// Reads a file's header.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let no_file = |reason: String| Error::Format { path: path.to_path_buf(), reason };
        // To open a pipe would wait.
        if !fs::metadata(path).map_err(failed(path, "open"))?.is_file() {
            return Err(no_file("it is not a file".to_string()));
        }
        let mut file = File::open(path).map_err(failed(path, "open"))?;
        let length = file.metadata().map_err(failed(path, "open"))?.len();
        let Some(behind) = length.checked_sub(LENGTH as u64) else {
            return Err(no_file(format!("it has {length} bytes, and not even its header's length")));
        };
        let mut bytes = [0; LENGTH];
        file.read_exact(&mut bytes).map_err(failed(path, "read"))?;
        let header = u64::from_le_bytes(bytes);
        if header > behind {
            return Err(no_file(format!("its header is to have {header} bytes, and it has {length}")));
        }
        if header > MAX_HEADER {
            return Err(Error::HeaderTooLarge { path: path.to_path_buf(), bytes: header });
        }
        let mut bytes = zeros::<u8>(header as usize).map_err(failed(path, "read"))?;
        file.read_exact(&mut bytes).map_err(failed(path, "read"))?;
        let contents = format::parse(&bytes, length).map_err(no_file)?;
        Ok(CheckpointFile { path: path.to_path_buf(), contents, file: Mutex::new(file) })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The metadata under a key.
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.contents.meta.get(key).map(String::as_str)
    }

    /// The metadata under a key, as a number or whatever else is read from text.
    ///
    /// # Errors
    ///
    /// [`Error::NoMeta`] where there is none, [`Error::Meta`] where it is not a `V`.
    pub fn meta_as<V: FromStr>(&self, key: &str) -> Result<V, Error> {
        let (path, key) = (self.path.clone(), key.to_string());
        let Some(found) = self.meta(&key) else {
            return Err(Error::NoMeta { path, key, available: self.contents.meta.keys().cloned().collect() });
        };
        let (found, expected) = (found.to_string(), std::any::type_name::<V>());
        found.parse().map_err(|_| Error::Meta { path, key, found, expected })
    }

    /// All metadata, in the order of the keys.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.contents.meta.iter().map(|(key, value)| (&key[..], &value[..]))
    }

    /// The names of all tensors, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.contents.tensors.keys().map(String::as_str)
    }

    /// The type of a tensor; `None` where there is none of that name, or it has a dtype that Plywood has not.
    pub fn ty(&self, name: &str) -> Option<TensorType> {
        self.contents.tensors.get(name)?.ty()
    }

    /// One tensor, on the host.
    ///
    /// # Errors
    ///
    /// [`Error::Names`] where there is none of that name, [`Error::UnknownDType`] and [`Error::Bool`] where it is not one of
    /// Plywood's tensors, [`Error::Io`] where it cannot be read.
    ///
    /// ```
    /// # use plywood::{checkpoint, prelude::*};
    /// # let path = std::env::temp_dir().join(format!("plywood-doc-array-{}", std::process::id()));
    /// # checkpoint::save(&path, &(Tensor::<Cpu>::from([1.0f32, 2.0]),))?;
    /// let file = checkpoint::Checkpoint::open(&path)?;
    /// assert_eq!(Tensor::<Cpu>::from_array(file.array("[0]")?).to_vec::<f32>(), [1.0, 2.0]);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn array(&self, name: &str) -> Result<Array, Error> {
        let path = || self.path.clone();
        let Some(entry) = self.contents.tensors.get(name) else {
            return Err(Error::Names {
                path: path(),
                missing: vec![name.to_string()],
                unexpected: Vec::new(),
            });
        };
        let Some(ty) = entry.ty() else {
            let (name, found) = (name.to_string(), entry.describe());
            return Err(Error::UnknownDType { path: path(), name, found });
        };
        self.read(name, entry, ty)
    }

    /// The tree with the file's tensors in the place of its own, on the same backends. The file has exactly the tree's tensors,
    /// by name, shape and dtype. Plain data (numbers, text, how long a `Vec` is, which variant) is the tree's: it is not stored.
    ///
    /// Each tensor of the tree is given up when that of the file is there, so where nobody else holds them, both need not fit
    /// into memory.
    ///
    /// # Errors
    ///
    /// [`Error::Names`] and [`Error::Type`] where the file is of another tree, [`Error::DuplicateName`] where a map's keys print
    /// alike, [`Error::Io`] where the file cannot be read, [`Error::Bool`] where it has a bool that is none.
    #[track_caller]
    pub fn load<B: Backend, T: SelfTree<B>>(&self, like: T) -> Result<T, Error> {
        let mut types = Types(Vec::new());
        like.visit(KeyPath::root(), &mut types);
        let mut loading = self.check(types.0)?;
        let tree =
            at::within(at::caller(), || like.map(&mut |old| Tensor::<B>::of(loading.next(old.into_value()))));
        loading.failed.map_or(Ok(tree), Err)
    }

    /// Finds the file's tensors to be those of a tree, and begins to load them, in the tree's order.
    fn check(&self, types: Vec<(String, TensorType)>) -> Result<Loading<'_>, Error> {
        let (path, tensors) = (|| self.path.clone(), &self.contents.tensors);
        let mut sorted: Vec<&String> = types.iter().map(|(name, _)| name).collect();
        sorted.sort();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::DuplicateName { name: twice[0].clone() });
        }
        let missing: Vec<String> =
            types.iter().map(|(name, _)| name).filter(|&name| !tensors.contains_key(name)).cloned().collect();
        let unexpected: Vec<String> =
            tensors.keys().filter(|name| sorted.binary_search(name).is_err()).cloned().collect();
        if !missing.is_empty() || !unexpected.is_empty() {
            return Err(Error::Names { path: path(), missing, unexpected });
        }
        for (name, expected) in &types {
            let found = &tensors[name];
            if found.ty().as_ref() != Some(expected) {
                let (name, found, expected) = (name.clone(), found.describe(), Box::new(expected.clone()));
                return Err(Error::Type { path: path(), name, found, expected });
            }
        }
        Ok(Loading { file: self, types: types.into_iter(), failed: None })
    }

    /// Reads a tensor of the type `ty`, which is that of `entry`.
    fn read(&self, name: &str, entry: &Entry, ty: TensorType) -> Result<Array, Error> {
        fn array<T: Element + Pod>(place: Place<'_>) -> io::Result<Array> {
            let shape = place.ty.shape.clone();
            Ok(Array::new(place.read::<T>()?, shape))
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let place = Place { file: &mut file, start: entry.start, ty: &ty };
        let array = match ty.dtype {
            DType::F64 => array::<f64>(place),
            DType::F32 => array::<f32>(place),
            DType::F16 => array::<f16>(place),
            DType::BF16 => array::<bf16>(place),
            DType::I64 => array::<i64>(place),
            DType::I32 => array::<i32>(place),
            DType::I16 => array::<i16>(place),
            DType::I8 => array::<i8>(place),
            DType::U64 => array::<u64>(place),
            DType::U32 => array::<u32>(place),
            DType::U16 => array::<u16>(place),
            DType::U8 => array::<u8>(place),
            DType::Bool => {
                let bytes = place.read::<u8>().map_err(failed(&self.path, "read"))?;
                if let Some(index) = bytes.iter().position(|&byte| byte > 1) {
                    let (path, name, found) = (self.path.clone(), name.to_string(), bytes[index]);
                    return Err(Error::Bool { path, name, index, found });
                }
                Ok(Array::new(bytes.into_iter().map(|byte| byte == 1).collect(), ty.shape.clone()))
            }
        };
        array.map_err(failed(&self.path, "read"))
    }
}

/// Elements in a file.
struct Place<'a> {
    file: &'a mut File,
    start: u64,
    ty: &'a TensorType,
}

impl Place<'_> {
    fn read<T: Pod>(self) -> io::Result<Vec<T>> {
        let mut elements = zeros::<T>(self.ty.elements())?;
        self.file.seek(SeekFrom::Start(self.start))?;
        let bytes = bytemuck::cast_slice_mut(&mut elements);
        self.file.read_exact(bytes)?;
        format::exchange(bytes, self.ty.dtype);
        Ok(elements)
    }
}

/// So many zeros, or an error where memory has no place for them.
fn zeros<T: Pod>(n: usize) -> io::Result<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(n).map_err(|_| io::ErrorKind::OutOfMemory)?;
    all.resize(n, T::zeroed());
    Ok(all)
}

/// The tensors of a tree by name, with their types alone: so the tree holds them alone.
struct Types(Vec<(String, TensorType)>);

impl Visitor for Types {
    fn tensor(&mut self, path: KeyPath<'_>, value: &Value) {
        self.0.push((format::name(path), value.ty().clone()))
    }
    fn plain(&mut self, _: KeyPath<'_>, _: &dyn Plain) {}
}

/// What goes through a tree that fits the file.
struct Loading<'a> {
    file: &'a CheckpointFile,
    /// What is still to come.
    types: std::vec::IntoIter<(String, TensorType)>,
    /// The first error. From then on nothing is read.
    failed: Option<Error>,
}

impl Loading<'_> {
    /// The file's tensor in the place of `old`, on its engine; `old` itself after an error.
    fn next(&mut self, old: Value) -> Value {
        let (name, ty) = self.types.next().expect("map meets as many tensors as visit");
        if self.failed.is_some() {
            return old;
        }
        match self.file.read(&name, &self.file.contents.tensors[&name], ty) {
            Ok(array) => Value::create(old.engine(), Op::Constant(array)),
            Err(e) => {
                self.failed = Some(e);
                old
            }
        }
    }
}
