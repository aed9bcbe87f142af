//! Variances, quantiles, NaN left out, interpolation, integrals, comparisons up to rounding.

use super::Call;
use plywood::prelude::*;

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call("jnp.var(x)", |x| vec![x[0].var()]),
        Call("jnp.var(x, axis=1, ddof=1)", |x| vec![x[0].var_ddof(1, 1)]),
        Call("jnp.var(x, axis=0, keepdims=True)", |x| vec![x[0].var_keep(0)]),
        Call("jnp.var(x, ddof=1)", |x| vec![x[0].var_ddof(0, 1)]),
        Call("jnp.var(x, axis=(0, 2))", |x| vec![x[0].var_axes([0, 2])]),
        Call("jnp.var(x)+0", |x| vec![x[0].var()]),
        Call("jnp.std(x)", |x| vec![x[0].std()]),
        Call("jnp.std(x, axis=0, ddof=1)", |x| vec![x[0].std_ddof(0, 1)]),
        Call("jnp.std(x, axis=-1)", |x| vec![x[0].std_axes(-1)]),
        Call("jnp.median(x)", |x| vec![x[0].median()]),
        Call("jnp.median(x, axis=1)", |x| vec![x[0].median_axes(1)]),
        Call("jnp.median(x, axis=0, keepdims=True)", |x| vec![x[0].median_keep(0)]),
        Call("jnp.median(x, axis=0)", |x| vec![x[0].median_axes(0)]),
        Call("jnp.nanmedian(x, axis=1)", |x| vec![x[0].nanmedian_axes(1)]),
        Call("jnp.nanmedian(x)", |x| vec![x[0].nanmedian()]),
        Call("jnp.quantile(x, 0.3)", |x| vec![x[0].quantile(0.3)]),
        Call("jnp.quantile(x, q)", |x| vec![x[0].quantile(&x[1])]),
        Call("jnp.quantile(x, q, axis=0, method='lower')", |x| {
            vec![x[0].quantile_axes(&x[1], 0, QuantileMethod::Lower)]
        }),
        Call("jnp.quantile(x, 0.3, axis=1, method='higher')", |x| {
            vec![x[0].quantile_axes(0.3, 1, QuantileMethod::Higher)]
        }),
        Call("jnp.quantile(x, 0.45, axis=1, method='nearest')", |x| {
            vec![x[0].quantile_axes(0.45, 1, QuantileMethod::Nearest)]
        }),
        Call("jnp.quantile(x, 0.3, axis=(0, 2), method='midpoint')", |x| {
            vec![x[0].quantile_axes(0.3, [0, 2], QuantileMethod::Midpoint)]
        }),
        Call("jnp.quantile(x, q, axis=1, keepdims=True)", |x| {
            vec![x[0].quantile_keep(&x[1], 1, QuantileMethod::Linear)]
        }),
        Call("jnp.quantile(x, 0.5)", |x| vec![x[0].quantile(0.5)]),
        Call("jnp.nanquantile(x, 0.4)", |x| vec![x[0].nanquantile(0.4)]),
        Call("jnp.nanquantile(x, q, axis=1)", |x| {
            vec![x[0].nanquantile_axes(&x[1], 1, QuantileMethod::Linear)]
        }),
        Call("jnp.percentile(x, 30)", |x| vec![x[0].percentile(30)]),
        Call("jnp.percentile(x, 75, axis=0, method='lower')", |x| {
            vec![x[0].percentile_axes(75, 0, QuantileMethod::Lower)]
        }),
        Call("jnp.nanpercentile(x, 40)", |x| vec![x[0].nanpercentile(40)]),
        Call("jnp.average(x)", |x| vec![x[0].mean()]),
        Call("jnp.average(x, weights=w)", |x| vec![x[0].average(&x[1])]),
        Call("jnp.average(x, axis=1, weights=w)", |x| vec![x[0].average_axis(&x[1], 1)]),
        Call("jnp.ptp(x)", |x| vec![x[0].ptp()]),
        Call("jnp.ptp(x, axis=1)", |x| vec![x[0].ptp_axes(1)]),
        Call("jnp.cov(x)", |x| vec![x[0].cov()]),
        Call("jnp.cov(x, ddof=0)", |x| vec![x[0].cov_ddof(0)]),
        Call("jnp.cov(x, rowvar=False)", |x| vec![x[0].t().cov()]),
        Call("jnp.corrcoef(x)", |x| vec![x[0].corrcoef()]),
        Call("jnp.nansum(x, axis=0)", |x| vec![x[0].nansum_axes(0)]),
        Call("jnp.nansum(x)", |x| vec![x[0].nansum()]),
        Call("jnp.nanprod(x, axis=1)", |x| vec![x[0].nanprod_axes(1)]),
        Call("jnp.nanmax(x, axis=1)", |x| vec![x[0].nanmax_axes(1)]),
        Call("jnp.nanmin(x, axis=1, keepdims=True)", |x| vec![x[0].nanmin_keep(1)]),
        Call("jnp.nanmin(x)", |x| vec![x[0].nanmin()]),
        Call("jnp.nanmean(x, axis=0)", |x| vec![x[0].nanmean_axes(0)]),
        Call("jnp.nanvar(x, axis=1)", |x| vec![x[0].nanvar_axes(1)]),
        Call("jnp.nanvar(x, axis=0, ddof=1)", |x| vec![x[0].nanvar_ddof(0, 1)]),
        Call("jnp.nanstd(x)", |x| vec![x[0].nanstd()]),
        Call("jnp.nanstd(x, axis=0, ddof=1)", |x| vec![x[0].nanstd_ddof(0, 1)]),
        Call("jsp.special.logsumexp(x, axis=1, keepdims=True)", |x| vec![x[0].logsumexp_keep(1)]),
        Call("jsp.special.logsumexp(x, axis=0, b=b)", |x| vec![x[0].logsumexp_weighted(&x[1], 0)]),
        Call("jnp.isclose(x, y)", |x| vec![x[0].isclose(&x[1])]),
        Call("jnp.isclose(x, y, rtol=0.2, atol=0.)", |x| vec![x[0].isclose_within(&x[1], 0.2, 0.0)]),
        Call("jnp.allclose(x, y)", |x| vec![x[0].allclose(&x[1])]),
        Call("jnp.allclose(x, y, atol=0.01)", |x| vec![x[0].allclose_within(&x[1], 1e-5, 0.01)]),
        Call("jnp.array_equal(x, y)", |x| vec![x[0].array_equal(&x[1])]),
        Call("jnp.array_equal(x, x)", |x| vec![x[0].array_equal(&x[0])]),
        Call("jnp.interp(x, xp, fp)", |x| vec![x[0].interp(&x[1], &x[2])]),
        Call("jnp.interp(x, xp, fp, left=-7, right=7)", |x| vec![x[0].interp_or(&x[1], &x[2], -7, 7)]),
        Call("jnp.interp(x, xp, fp, period=4.)", |x| vec![x[0].interp_periodic(&x[1], &x[2], 4.0)]),
        Call("jnp.trapezoid(y, dx=0.5)", |x| vec![x[0].trapezoid(0.5, -1)]),
        Call("jnp.trapezoid(y, x, axis=0)", |x| vec![x[0].trapezoid_at(&x[1], 0)]),
        Call("jnp.gradient(x)", |x| vec![x[0].gradient(1, 0)]),
        Call("jnp.gradient(x, 0.5, axis=1)", |x| vec![x[0].gradient(0.5, 1)]),
        Call("jnp.gradient(x, h, axis=0)", |x| vec![x[0].gradient(&x[1], 0)]),
        Call("jnp.polyval(p, x)", |x| vec![x[0].polyval(&x[1])]),
        Call("jnp.all(x, axis=1, keepdims=True)", |x| vec![x[0].all_keep(1)]),
        Call("jnp.any(x, axis=0, keepdims=True)", |x| vec![x[0].any_keep(0)]),
        Call("jnp.round(x, 2)", |x| vec![x[0].round_to(2)]),
        Call("jnp.round(x, -1)", |x| vec![x[0].round_to(-1)]),
        Call("jnp.nan_to_num(x)", |x| vec![x[0].nan_to_num()]),
        Call("jnp.nan_to_num(x, nan=1., posinf=2., neginf=3.)", |x| {
            vec![x[0].nan_to_num_with(1.0, 2.0, 3.0)]
        }),
        Call("jnp.isposinf(x)", |x| vec![x[0].is_posinf()]),
        Call("jnp.isneginf(x)", |x| vec![x[0].is_neginf()]),
        Call("jnp.heaviside(x, y)", |x| vec![x[0].heaviside(&x[1])]),
        Call("jnp.copysign(x, y)", |x| vec![x[0].copysign(&x[1])]),
        Call("jnp.signbit(x)", |x| vec![x[0].signbit()]),
        Call("jnp.signbit(x)|False", |x| vec![x[0].signbit()]),
        Call("jnp.deg2rad(x)", |x| vec![x[0].deg2rad()]),
        Call("jnp.rad2deg(x)", |x| vec![x[0].rad2deg()]),
        Call("jnp.sinc(x)", |x| vec![x[0].sinc()]),
        Call("jnp.fmod(x, y)", |x| vec![x[0].fmod(&x[1])]),
        Call("jnp.divmod(x, y)", |x| {
            let (q, r) = x[0].divmod(&x[1]);
            vec![q, r]
        }),
        Call("jnp.divmod(x, 3)", |x| {
            let (q, r) = x[0].divmod(3);
            vec![q, r]
        }),
        Call("jnp.modf(x)", |x| {
            let (f, w) = x[0].modf();
            vec![f, w]
        }),
        Call("jnp.trunc(x)", |x| vec![x[0].trunc()]),
        Call("jnp.float_power(x, y)", |x| vec![x[0].float_power(&x[1])]),
        Call("jnp.logaddexp2(x, y)", |x| vec![x[0].logaddexp2(&x[1])]),
        Call("jnp.log2(x)", |x| vec![x[0].log2()]),
        Call("jnp.log10(x)", |x| vec![x[0].log10()]),
        Call("jnp.exp2(x)", |x| vec![x[0].exp2()]),
        Call("jnp.cbrt(x)", |x| vec![x[0].cbrt()]),
        Call("jnp.reciprocal(x)", |x| vec![x[0].reciprocal()]),
        Call("jnp.fmax(x, y)", |x| vec![x[0].fmax(&x[1])]),
        Call("jnp.fmin(x, y)", |x| vec![x[0].fmin(&x[1])]),
        Call("jnp.clip(x, -1, 1)", |x| vec![x[0].clip(-1, 1)]),
    ]
}
