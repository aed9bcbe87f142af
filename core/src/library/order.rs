//! Sorting, running reductions and searching in sorted tensors.
