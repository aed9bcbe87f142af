//! Discrete Fourier transforms, with NumPy's names. There are no complex dtypes: a complex tensor is a pair (re, im) of real
//! ones.
