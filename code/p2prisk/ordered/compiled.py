"""Sums of the logit with parallel slopes in one compiled pass over the rows (optional extra ``fast``: numba).

The part of a row's log-likelihood that depends on the row is, in every family, a sum of log F(+-z_j) over the
thresholds j that its class touches, with the sign + from the class's own threshold upwards; for the cumulative
model because log p = log F(a) + log F(-b) + log(1 - exp(-(a - b))), where a - b does not depend on the row. One
pass therefore serves all of them. Blocks of rows are sorted by class and turned into columns in the cache. A class
then is a run of neighbouring rows with the same thresholds, and the arithmetic goes through vector registers,
several rows at a time, including one exponential a row and the triangle of the cross-product.

The vectors are written out (:class:`Lanes`) rather than left to the compiler to find: it compiles in half the time
and does not slow down when a new compiler misses the pattern. Everything is in this one file because numba looks
at this file only to tell whether its machine code on the disk is stale. That code lies in ``__pycache__`` beside this
file or, where that cannot be written, in the user's cache folder or in ``NUMBA_CACHE_DIR``.
"""

import math
import operator

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core.typing import signature
from numba.core.typing.templates import ConcreteTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model
from numba.np.arrayobj import make_array

from p2prisk.ordered.likelihood import LARGEST_EXPONENT

LANES = 8 if binding.get_host_cpu_features().get("avx512f") else 4
_DOUBLE, _INTEGER = ir.DoubleType(), ir.IntType(64)
_VECTOR, _INTEGERS = ir.VectorType(_DOUBLE, LANES), ir.VectorType(_INTEGER, LANES)
# a product and a sum may become one instruction; nothing is reordered
_FLAGS = ("contract", "nsz")


# -- vectors ------------------------------------------------------------


class Lanes(types.Type):
    """As many doubles as a vector register holds; ``+ - * /`` work lane by lane."""

    def __init__(self):
        super().__init__(name=f"Lanes{LANES}")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, _VECTOR)


def _define(operation, instruction):
    @infer_global(operation)
    class _(ConcreteTemplate):
        cases = [signature(lanes, lanes, lanes)]

    @lower_builtin(operation, Lanes, Lanes)
    def _(context, builder, sig, args):
        return getattr(builder, instruction)(*args, flags=_FLAGS)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")


def _constant(value, of=_VECTOR):
    return ir.Constant(of, [value] * LANES)


def _call(builder, name, result, *args, fastmath=()):
    """Call an intrinsic function of LLVM."""
    kind = ir.FunctionType(result, [a.type for a in args])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, args, fastmath=fastmath)


def _data(context, builder, array_type, array):
    return make_array(array_type)(context, builder, array).data


def _address(context, builder, array_type, array, index, of=_VECTOR):
    return builder.bitcast(builder.gep(_data(context, builder, array_type, array), [index]), of.as_pointer())


@intrinsic
def load(typingctx, array, index):
    """``array[index : index + LANES]`` of a contiguous array."""

    def generate(context, builder, sig, args):
        return builder.load(_address(context, builder, sig.args[0], *args), align=8)

    return lanes(array, types.int64), generate


@intrinsic
def store(typingctx, array, index, value):
    """``array[index : index + LANES] = value``."""

    def generate(context, builder, sig, args):
        builder.store(args[2], _address(context, builder, sig.args[0], *args[:2]), align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, lanes), generate


@intrinsic
def spread(typingctx, value):
    """The number in every lane."""

    def generate(context, builder, sig, args):
        nothing, order = ir.Constant(_VECTOR, ir.Undefined), ir.VectorType(ir.IntType(32), LANES)
        first = builder.insert_element(nothing, args[0], ir.IntType(32)(0))
        return builder.shuffle_vector(first, nothing, _constant(0, order))

    return lanes(types.float64), generate


def _total(builder, value):
    name, zero = f"llvm.vector.reduce.fadd.v{LANES}f64", _DOUBLE(0.0)
    return _call(builder, name, _DOUBLE, zero, value, fastmath=("reassoc", "nsz"))


@intrinsic
def total(typingctx, value):
    """Sum of the lanes."""

    def generate(context, builder, sig, args):
        return _total(builder, args[0])

    return types.float64(lanes), generate


@intrinsic
def further(typingctx, value, other):
    """The larger of the absolute values, lane by lane; NaN where either is."""

    def generate(context, builder, sig, args):
        sizes = [_call(builder, f"llvm.fabs.v{LANES}f64", _VECTOR, a) for a in args]
        return _call(builder, f"llvm.maximum.v{LANES}f64", _VECTOR, *sizes)

    return lanes(lanes, lanes), generate


def _series(builder, at, coefficients):
    """Horner's scheme, highest coefficient first."""
    value = _constant(coefficients[0])
    for coefficient in coefficients[1:]:
        value = builder.fadd(builder.fmul(value, at, flags=_FLAGS), _constant(coefficient), flags=_FLAGS)
    return value


@intrinsic
def exponential(typingctx, value):
    """exp(x) for abs(x) < 700: x = k log 2 + r, and Taylor's series of exp(r), abs(r) < 0.35, to its last bit."""

    def generate(context, builder, sig, args):
        (x,) = args
        k = _call(builder, f"llvm.rint.v{LANES}f64", _VECTOR, builder.fmul(x, _constant(1 / math.log(2))))
        # log 2 in two parts, the first short enough for an exact product
        r = builder.fsub(x, builder.fmul(k, _constant(6.93147180369123816490e-01), flags=_FLAGS), flags=_FLAGS)
        r = builder.fsub(r, builder.fmul(k, _constant(1.90821492927058770002e-10), flags=_FLAGS), flags=_FLAGS)
        series = _series(builder, r, [1.0 / math.factorial(i) for i in range(13, -1, -1)])
        exponent = builder.add(builder.fptosi(k, _INTEGERS), _constant(1023, _INTEGERS))
        power = builder.bitcast(builder.shl(exponent, _constant(52, _INTEGERS)), _VECTOR)
        return builder.fmul(series, power)

    return lanes(lanes), generate


@intrinsic
def logarithm(typingctx, value):
    """log(x) of normal x: x = 2^k m with sqrt(1/2) <= m < sqrt 2, and log m = 2 artanh((m - 1) / (m + 1))."""

    def generate(context, builder, sig, args):
        bits = builder.bitcast(args[0], _INTEGERS)
        mantissa = _constant(52, _INTEGERS)
        k = builder.ashr(builder.sub(bits, _constant(0x3FE6A09E667F3BCD, _INTEGERS)), mantissa)
        m = builder.bitcast(builder.sub(bits, builder.shl(k, mantissa)), _VECTOR)
        s = builder.fdiv(builder.fsub(m, _constant(1.0)), builder.fadd(m, _constant(1.0)))
        square = builder.fmul(s, s)
        tail = builder.fmul(builder.fmul(s, square), _series(builder, square, [2.0 / i for i in range(21, 1, -2)]))
        small = builder.fadd(tail, builder.fmul(s, _constant(2.0)))
        return builder.fadd(
            builder.fmul(builder.sitofp(k, _VECTOR), _constant(math.log(2)), flags=_FLAGS), small, flags=_FLAGS
        )

    return lanes(lanes), generate


@intrinsic
def turn(typingctx, source, row0, row1, row2, row3, target, index, width):
    """Four numbers of four rows of ``source``, given in bytes, to four columns of ``target``, ``width`` apart."""

    def generate(context, builder, sig, args):
        four, order = ir.VectorType(_DOUBLE, 4), ir.VectorType(ir.IntType(32), 4)
        start = builder.bitcast(_data(context, builder, sig.args[0], args[0]), ir.IntType(8).as_pointer())
        rows = [
            builder.load(builder.bitcast(builder.gep(start, [place]), four.as_pointer()), align=8)
            for place in args[1:5]
        ]

        def shuffle(one, other, places):
            return builder.shuffle_vector(one, other, ir.Constant(order, places))

        even = [shuffle(rows[i], rows[i + 1], [0, 4, 2, 6]) for i in (0, 2)]
        odd = [shuffle(rows[i], rows[i + 1], [1, 5, 3, 7]) for i in (0, 2)]
        columns = [shuffle(*pair, places) for places in ([0, 1, 4, 5], [2, 3, 6, 7]) for pair in (even, odd)]
        place = args[6]
        for column in columns:
            builder.store(column, _address(context, builder, sig.args[5], args[5], place, four), align=8)
            place = builder.add(place, args[7])
        return context.get_dummy_value()

    whole = types.int64
    return types.void(source, whole, whole, whole, whole, target, whole, whole), generate


@intrinsic
def fetch(typingctx, array, position):
    """Ask for a byte of the array that will be read soon; a position outside is harmless."""

    def generate(context, builder, sig, args):
        start = builder.bitcast(_data(context, builder, sig.args[0], args[0]), ir.IntType(8).as_pointer())
        read, second_level, data = (ir.IntType(32)(v) for v in (0, 2, 1))
        _call(builder, "llvm.prefetch.p0", ir.VoidType(), builder.gep(start, [args[1]]), read, second_level, data)
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


def _products_with(n_right):
    """The inner products of four runs with ``n_right`` others: as many sums as there are registers for."""

    @intrinsic
    def products(typingctx, space, left, right, width, first, last, sums, at, then, side):
        """Inner products of runs, ``left + i * width`` with ``right + j * width``, over ``first .. last``.

        Added to ``sums[at + i * side]`` for the first on the right, to ``sums[then + i * side + j - 1]`` for others.
        """
        whole = types.int64

        def generate(context, builder, sig, args):
            space, left, right, width, first, last, sums, at, then, side = args
            tile = [(i, j) for i in range(4) for j in range(n_right)]

            def runs(start, count):
                places = [start]
                while len(places) < count:
                    places.append(builder.add(places[-1], width))
                return places

            lefts, rights = runs(left, 4), runs(right, n_right)
            before = builder.block
            loop, found, after = (builder.append_basic_block(name) for name in ("loop", "found", "after"))
            builder.cbranch(builder.icmp_signed("<", first, last), loop, after)

            builder.position_at_end(loop)
            q = builder.phi(_INTEGER)
            q.add_incoming(first, before)
            products = [builder.phi(_VECTOR) for _ in tile]

            def values(places):
                spots = [_address(context, builder, sig.args[0], space, builder.add(place, q)) for place in places]
                return [builder.load(spot, align=8) for spot in spots]

            x, y = values(lefts), values(rights)
            sizes = [builder.fmul(x[i], y[j], flags=_FLAGS) for i, j in tile]
            grown = [builder.fadd(*pair, flags=_FLAGS) for pair in zip(products, sizes, strict=True)]
            following = builder.add(q, _INTEGER(LANES))
            q.add_incoming(following, loop)
            for product, new in zip(products, grown, strict=True):
                product.add_incoming(_constant(0.0), before)
                product.add_incoming(new, loop)
            builder.cbranch(builder.icmp_signed("<", following, last), loop, found)

            builder.position_at_end(found)
            for (i, j), product in zip(tile, grown, strict=True):
                place = builder.add(builder.add(then, _INTEGER(j - 1)) if j else at, builder.mul(side, _INTEGER(i)))
                spot = builder.gep(_data(context, builder, sig.args[6], sums), [place])
                builder.store(builder.fadd(builder.load(spot), _total(builder, product)), spot)
            builder.branch(after)
            builder.position_at_end(after)
            return context.get_dummy_value()

        return types.void(space, *[whole] * 5, sums, *[whole] * 3), generate

    return products


TILE = 4 if LANES == 8 else 3
products_with_three = _products_with(3)
products_with_tile = _products_with(TILE)


# -- the pass ------------------------------------------------------------


def _given(dtype, dimensions=1, layout="C"):
    return types.Array(dtype, dimensions, layout, readonly=True)


_SIGNATURE = types.boolean(
    _given(types.float64, 2, "A"),
    *[_given(types.int32)],
    *[_given(types.float64)] * 6,
    _given(types.int64, 2),
    *[types.float64[::1], types.int64[::1], types.float64[::1]],
    *[types.int64] * 2,
    types.boolean,
)


def _sums(
    exog, codes, weights, offset, centre, slopes, above, below, touched, space, place, sums, block, width, second
):
    n, p = exog.shape
    classes, m = len(touched), len(above)
    # columns are taken four at a time; those beyond the last are zero
    padded = len(slopes)
    whole = p // 4 * 4
    step, by_row = exog.strides[0], exog.strides[1] == 8
    # where things lie in the work space, in runs of `width` numbers: one run a column (and two of zeros) ...
    weight = (padded + 2) * width
    shift, odds, inverse = weight + width, weight + 2 * width, weight + 3 * width
    curvature, panel, chance = weight + 4 * width, weight + 5 * width, weight + 9 * width
    residual, densities = weight + 10 * width, weight + 11 * width
    # ... and in the sums
    counts, thresholds, density = 1, 1 + classes, 1 + classes + m
    # one row a column of the data: the score, and what it has at each threshold
    columns, side = density + m, m + 3
    product, edge = columns + padded * side, padded + 2
    row = classes
    zero, one = spread(0.0), spread(1.0)
    largest, log_sum = zero, zero
    for start in range(0, n, block):
        rows = min(block, n - start)
        # a run for each class, filled up to whole vectors with rows of weight zero
        for k in range(classes):
            place[k] = 0
        for r in range(start, start + rows):
            place[codes[r]] += 1
        last = 0
        for k in range(classes):
            count = place[k]
            place[k] = last
            last += (count + LANES - 1) // LANES * LANES
        for r in range(start, start + rows):
            k = codes[r]
            q = place[k]
            place[k] = q + 1
            place[row + q] = r
        first = 0
        for k in range(classes):
            last = place[k]
            filled = (last + LANES - 1) // LANES * LANES
            for q in range(first, filled, LANES):
                store(space, weight + q, one)
            for q in range(last, filled):
                place[row + q] = start
                space[weight + q] = 0.0
            if len(weights):
                for q in range(first, last):
                    space[weight + q] = weights[place[row + q]]
            if len(offset):
                for q in range(first, last):
                    space[shift + q] = offset[place[row + q]]
            first = filled
        last = first
        # columns
        if by_row:
            ahead = (start + block) * step
            for q in range(row, row + last, 4):
                for _ in range(4):
                    for byte in range(0, p * 8, 64):
                        fetch(exog, ahead + byte)
                    ahead += step
                r0, r1, r2, r3 = place[q] * step, place[q + 1] * step, place[q + 2] * step, place[q + 3] * step
                for j in range(0, whole, 4):
                    turn(exog, r0 + j * 8, r1 + j * 8, r2 + j * 8, r3 + j * 8, space, j * width + q - row, width)
        for j in range(whole if by_row else 0, p):
            for q in range(last):
                space[j * width + q] = exog[place[row + q], j]
        for j in range(p):
            if centre[j] != 0.0:
                middle = spread(centre[j])
                for q in range(j * width, j * width + last, LANES):
                    store(space, q, load(space, q) - middle)
        # exp of the linear predictor
        for q in range(0, last, LANES):
            eta, other = load(space, shift + q), zero
            for j in range(0, padded, 4):
                at = j * width + q
                eta = eta + spread(slopes[j]) * load(space, at)
                other = other + spread(slopes[j + 1]) * load(space, at + width)
                eta = eta + spread(slopes[j + 2]) * load(space, at + 2 * width)
                other = other + spread(slopes[j + 3]) * load(space, at + 3 * width)
            eta = eta + other
            largest = further(largest, eta)
            eta = exponential(eta)
            store(space, odds + q, eta)
            store(space, inverse + q, one / eta)
            store(space, residual + q, zero)
            store(space, curvature + q, zero)
            store(space, chance + q, one)
        # class by class and threshold by threshold: F(+-z), its complement and density
        first = 0
        for k in range(classes):
            last = (place[k] + LANES - 1) // LANES * LANES
            if first == last:
                continue
            counted = zero
            for q in range(first, last, LANES):
                counted = counted + load(space, weight + q)
            sums[counts + k] += total(counted)
            for j in range(touched[k, 0], touched[k, 1]):
                outward = j >= k
                exponent, sign = spread(above[j] if outward else below[j]), spread(1.0 if outward else -1.0)
                power, own = odds if outward else inverse, densities + (j - touched[k, 0]) * width
                # one logarithm for two thresholds: a product of more could underflow
                pair = (j - touched[k, 0]) % 2 == 1 or j + 1 == touched[k, 1]
                sum_rest, sum_density = zero, zero
                for q in range(first, last, LANES):
                    w, over = load(space, weight + q), load(space, power + q) * exponent
                    inside = one / (one + over)
                    both = load(space, chance + q) * inside
                    if pair:
                        log_sum = log_sum + w * logarithm(both)
                        both = one
                    store(space, chance + q, both)
                    rest = over * inside * w
                    f = inside * rest
                    sum_rest = sum_rest + rest
                    sum_density = sum_density + f
                    store(space, residual + q, load(space, residual + q) - sign * rest)
                    store(space, curvature + q, load(space, curvature + q) + f)
                    store(space, own + q, f)
                sums[thresholds + j] += total(sum_rest * sign)
                sums[density + j] += total(sum_density)
            # column sums, weighted by the residual and by the density at each threshold
            begin, number = touched[k, 0], touched[k, 1] - touched[k, 0] + 1
            for run in range(number, (number + 2) // 3 * 3):
                for q in range(residual + run * width + first, residual + run * width + last, LANES):
                    store(space, q, zero)
            for run in range(0, number if second else 1, 3):
                for i in range(0, padded, 4):
                    at = columns + i * side
                    then = at + begin + run + 1
                    products_with_three(
                        space,
                        i * width,
                        residual + run * width,
                        width,
                        first,
                        last,
                        sums,
                        at if run == 0 else then - 1,
                        then,
                        side,
                    )
            first = last
        if not second:
            continue
        # the triangle of the cross-product
        for i in range(0, padded, 4):
            for q in range(0, last, LANES):
                f, at, to = load(space, curvature + q), i * width + q, panel + q
                store(space, to, f * load(space, at))
                store(space, to + width, f * load(space, at + width))
                store(space, to + 2 * width, f * load(space, at + 2 * width))
                store(space, to + 3 * width, f * load(space, at + 3 * width))
            for j in range(i, padded, TILE):
                at = product + i * edge + j
                products_with_tile(space, panel, j * width, width, 0, last, sums, at, at + 1, edge)
    sums[0] = total(log_sum)
    store(space, weight, largest)
    for q in range(weight, weight + LANES):
        if not space[q] <= LARGEST_EXPONENT:
            return False
    return math.isfinite(sums[0])


def _compile(cache):
    return njit(_SIGNATURE, nogil=True, error_model="numpy", cache=cache, no_cfunc_wrapper=True)(_sums)


try:
    _pass = _compile(cache=True)
except (RuntimeError, OSError):
    # numba found no folder for its machine code: compile in every process
    _pass = _compile(cache=False)


def _all_rows(function):
    return [function(slice(None))]


def parallel_logit_sums(exog, codes, weights, offset, centre, beta, theta, touched, second=True, each=_all_rows):
    """Sums over rows for :func:`p2prisk.ordered.likelihood.assemble_parallel_logit`.

    Parameters
    ----------
    exog : ndarray of float, shape (n, p), any strides
    codes : ndarray of int, shape (n,)
    weights, offset, centre : ndarray, shape (n,), (n,), (p,), or None
    beta : ndarray, shape (p,)
    theta : ndarray, shape (m,)
        At most :data:`~p2prisk.ordered.likelihood.LARGEST_EXPONENT` in absolute value.
    touched : ndarray of int, shape (m + 1, 2)
        First and past-the-last threshold that the rows of each class touch.
    second : bool
        Whether the sums of second derivatives are wanted; they are zero otherwise.
    each : callable(function), optional
        ``[function(rows), ...]`` over slices that together are all rows, as threads may share them.

    Returns
    -------
    tuple or None
        Sum of log F(+-z), weight of each class (m + 1,), score of beta (p,) and of theta (m,), density by
        threshold (m,), weighted cross-product (p, p), density-weighted column sums by threshold (m, p). ``None``
        where a linear predictor exceeds :data:`~p2prisk.ordered.likelihood.LARGEST_EXPONENT` or is not finite.
    """
    n, p = exog.shape
    m = len(theta)
    padded = -(-p // 4) * 4
    # the columns of a block fit the second-level cache, and classes fill more of their runs than they leave empty
    block = max(512, 4 * LANES * (m + 1))
    width = -(-(min(block, n) + LANES * (m + 1)) // LANES) * LANES + LANES
    slopes = np.zeros(padded)
    slopes[:p] = beta
    above, below, nothing = np.exp(-theta), np.exp(theta), np.empty(0)
    exog = exog if exog.flags.aligned else exog.copy()
    centre = np.zeros(p) if centre is None else np.ascontiguousarray(centre, float)
    touched = np.ascontiguousarray(touched, np.int64)

    def some(rows):
        space = np.zeros((padded + 15 + int(np.max(touched[:, 1] - touched[:, 0]))) * width)
        sums = np.zeros(1 + (m + 1) + 2 * m + padded * (m + 3) + (padded + 2) ** 2)
        fine = _pass(
            exog[rows],
            np.ascontiguousarray(codes[rows], np.int32),
            nothing if weights is None else np.ascontiguousarray(weights[rows], float),
            nothing if offset is None else np.ascontiguousarray(offset[rows], float),
            centre,
            slopes,
            above,
            below,
            touched,
            space,
            np.empty(m + 1 + width, np.int64),
            sums,
            block,
            width,
            second,
        )
        return sums if fine else None

    parts = each(some)
    if not parts or any(part is None for part in parts):
        return None
    sums = sum(parts)
    log_sum, counts, thresholds, density, columns, product = np.split(
        sums, np.cumsum([1, m + 1, m, m, padded * (m + 3)])
    )
    columns = columns.reshape(padded, m + 3)[:p]
    triangle = np.triu(product.reshape(padded + 2, -1)[:p, :p])
    return (
        float(log_sum[0]),
        counts,
        columns[:, 0],
        thresholds,
        density,
        triangle + np.triu(triangle, 1).T,
        columns[:, 1 : m + 1].T,
    )
