//! Convolutions in any layout, and NumPy's `convolve`.
