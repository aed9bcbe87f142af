//! Pooling: the largest, smallest or mean element, or the sum, of sliding windows.
