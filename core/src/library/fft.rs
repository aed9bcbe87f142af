//! Fourier transforms over any axes, of any length.
