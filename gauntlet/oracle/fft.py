"""Fourier transforms by numpy, in long doubles, rounded once."""

from primitives import np


def fft(op, x, im=None):
    axes, sizes, kind = range(-len(op["sizes"]), 0), op["sizes"], op["name"]
    z = x.astype(np.longdouble)
    if im is not None:
        z = z + 1j * im.astype(np.longdouble)
    if z.size == 0:
        shape = list(x.shape)
        shape[-1] = {"rfft": sizes[-1] // 2 + 1, "irfft": sizes[-1]}.get(kind, shape[-1])
        empty = np.zeros(shape, x.dtype)
        return empty if kind == "irfft" else (empty, empty)
    call = {"fft": np.fft.fftn, "ifft": np.fft.ifftn, "rfft": np.fft.rfftn, "irfft": np.fft.irfftn}[kind]
    y = call(z, s=sizes, axes=axes)
    assert y.dtype in (np.longdouble, np.clongdouble)
    if kind == "irfft":
        return y.astype(x.dtype)
    return y.real.astype(x.dtype), y.imag.astype(x.dtype)


ANSWERS = {"Fft": fft}
