//! Variances, quantiles, covariances, comparisons up to rounding.

mod moments;
mod numeric;
mod quantile;

pub use moments::{average, corrcoef, cov, nan_extreme, nan_filled, nan_mean, nan_var, ptp, var};
pub use numeric::{Outside, gradient, interp, isclose, logsumexp_weighted, polyval, trapezoid};
pub use quantile::quantile;
