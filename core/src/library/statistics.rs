//! Variances, quantiles, covariances, comparisons up to rounding.
