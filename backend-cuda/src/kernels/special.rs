//! Special functions have no kernels: all of them, and their derivatives of any order, are the host's.
//!
//! They are computed in f64 whatever the dtype, by series and continued fractions that end when they have converged; which of them
//! an element takes, and for how long, its value decides, and derivatives by a shape parameter compute with truncated power series
//! of many numbers for each element. Devices without f64 could not do it, and of the others neighbouring units would wait for each
//! other. (The logarithm of the gamma
//! function, the error function and its inverse are none of these, but formulas.)
