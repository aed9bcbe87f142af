//! The format: the text of a header and what it says, dtypes, the bytes of elements.
//!
//! A file is the length of the header (8 bytes), the header (JSON), and the elements of all tensors without gaps, in
//! row-major order and little-endian. What always holds: tensors stand in the order of their elements' sizes, then of
//! their names, so that each is aligned and equal trees give equal files.

use crate::Error;
use bytemuck::cast_slice;
use plywood_core::{DType, Elements, TensorType, Value};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Serialize;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The bytes before the header, which say its length.
pub(crate) const LENGTH: usize = 8;
/// The longest header that the format allows.
pub(crate) const MAX_HEADER: u64 = 100_000_000;
/// The key of metadata in the header, which no tensor can have.
const RESERVED: &str = "__metadata__";

/// The name of the tensor at a path: the path, but that a first field has no dot before it. (A first field of the reserved name
/// keeps it.)
pub(crate) fn name(path: plywood_core::Path<'_>) -> String {
    let path = path.to_string();
    match path.strip_prefix('.') {
        Some(name) if name != RESERVED => name.to_string(),
        Some(_) | None => path,
    }
}

/// What the format calls a dtype.
pub(crate) fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

/// Where a file has a tensor, and of what type.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    /// Its first byte, counted from the file's.
    pub(crate) start: u64,
}

impl Entry {
    /// Its type; `None` where Plywood has no such dtype.
    pub(crate) fn ty(&self) -> Option<TensorType> {
        let dtype = DType::ALL.into_iter().find(|&ours| dtype(ours) == self.dtype)?;
        Some(TensorType::new(&self.shape[..], dtype))
    }

    /// Its type for messages.
    pub(crate) fn describe(&self) -> String {
        match self.ty() {
            Some(ty) => ty.to_string(),
            None => format!("{:?}{:?}", self.dtype, self.shape),
        }
    }
}

/// What a file says about itself.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    pub(crate) meta: BTreeMap<String, String>,
    pub(crate) tensors: BTreeMap<String, Entry>,
}

/// Reads a header of a file of `length` bytes; the error says what is wrong. Offsets, shapes and dtypes are found to fit each
/// other and the file, without gaps and without overflow.
pub(crate) fn parse(header: &[u8], length: u64) -> Result<Contents, String> {
    let header_end = (LENGTH + header.len()) as u64;
    let metadata: Metadata = serde_json::from_slice(header).map_err(|e| e.to_string())?;
    let (said, found) = (metadata.data_len() as u64, length.saturating_sub(header_end));
    if said != found {
        return Err(format!("its header speaks of {said} bytes of tensors, and there are {found}"));
    }
    let entry = |info: &TensorInfo| Entry {
        dtype: info.dtype,
        shape: info.shape.clone(),
        start: header_end + info.data_offsets.0 as u64,
    };
    let meta = metadata.metadata().iter().flatten();
    Ok(Contents {
        meta: meta.map(|(key, value)| (key.clone(), value.clone())).collect(),
        tensors: metadata.tensors().into_iter().map(|(name, info)| (name, entry(info))).collect(),
    })
}

/// Puts tensors in the order that they have in a file.
pub(crate) fn sort(tensors: &mut [(String, Value)]) {
    tensors.sort_by(|(a, x), (b, y)| (Reverse(x.dtype().size()), a).cmp(&(Reverse(y.dtype().size()), b)))
}

/// The beginning of a file, up to the first tensor. The tensors are in order.
pub(crate) fn header(
    path: &Path,
    meta: &BTreeMap<String, String>,
    tensors: &[(String, Value)],
) -> Result<Vec<u8>, Error> {
    let mut text = match meta.is_empty() {
        true => String::from("{"),
        false => format!("{{{}:{},", json(RESERVED), json(meta)),
    };
    let (mut names, mut end) = (BTreeSet::new(), 0usize);
    for (name, value) in tensors {
        let (start, ty) = (end, value.ty());
        let bytes = ty.shape.iter().try_fold(ty.dtype.size(), |bytes, &n| bytes.checked_mul(n));
        end = (bytes.and_then(|bytes| start.checked_add(bytes)))
            .ok_or_else(|| Error::TooLarge { name: name.clone(), ty: Box::new(ty.clone()) })?;
        if !names.insert(name) {
            return Err(Error::DuplicateName { name: name.clone() });
        }
        let info =
            TensorInfo { dtype: dtype(ty.dtype), shape: ty.shape.to_vec(), data_offsets: (start, end) };
        text += &format!("{}:{},", json(name), json(&info));
    }
    if text.ends_with(',') {
        text.pop();
    }
    text.push('}');
    // So the first tensor is aligned.
    let padding = text.len().next_multiple_of(LENGTH) - text.len();
    text.extend(std::iter::repeat_n(' ', padding));
    let bytes = text.len() as u64;
    if bytes > MAX_HEADER {
        return Err(Error::HeaderTooLarge { path: path.to_path_buf(), bytes });
    }
    Ok([&bytes.to_le_bytes(), text.as_bytes()].concat())
}

fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("strings and numbers can be written")
}

/// The bytes of elements, as they stand in a file.
pub(crate) fn bytes(elements: &Elements) -> Cow<'_, [u8]> {
    let native: &[u8] = match elements {
        Elements::F64(x) => cast_slice(x),
        Elements::F32(x) => cast_slice(x),
        Elements::F16(x) => cast_slice(x),
        Elements::BF16(x) => cast_slice(x),
        Elements::I64(x) => cast_slice(x),
        Elements::I32(x) => cast_slice(x),
        Elements::I16(x) => cast_slice(x),
        Elements::I8(x) => cast_slice(x),
        Elements::U64(x) => cast_slice(x),
        Elements::U32(x) => cast_slice(x),
        Elements::U16(x) => cast_slice(x),
        Elements::U8(x) => cast_slice(x),
        Elements::Bool(x) => cast_slice(x),
    };
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(native);
    }
    let mut bytes = native.to_vec();
    exchange(&mut bytes, elements.dtype());
    Cow::Owned(bytes)
}

/// From the order of bytes of a file to this machine's, or back.
pub(crate) fn exchange(bytes: &mut [u8], dtype: DType) {
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse)
    }
}
