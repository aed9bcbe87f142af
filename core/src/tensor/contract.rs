//! Products of tensors: einsum, tensordot, outer, kron.
