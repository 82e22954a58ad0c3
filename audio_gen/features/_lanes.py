"""Lanes: vectors of float32 for numba as wide as a register, so that one instruction serves as many frames.

numba makes vector instructions of a loop where LLVM proves that it may; of a Fourier transform in place it can't. Here
vectors are a type of their own, with `+ - *`, `load`, `store` and what else a log-mel needs.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models, register_default
from numba.core.typing.templates import ConcreteTemplate, infer_global
from numba.core.typing.templates import signature as signature_of
from numba.extending import intrinsic, lower_builtin

# of float32, in a register; eight registers' pairs are alive at once, and without AVX-512 there are 16 registers
LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_WHOLE = ir.VectorType(ir.IntType(32), LANES)
_FUSED = ("contract",)  # a * b + c may be rounded once; nothing is put in another order


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(f"lanes{LANES}")


lanes = _Lanes()


@register_default(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _give_operator(symbol: Callable[..., Any], name: str) -> None:
    class Case(ConcreteTemplate):
        key = symbol
        cases = [signature_of(lanes, lanes, lanes)]  # noqa: RUF012 - as numba wants it

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return getattr(builder, name)(*args, flags=_FUSED)

    infer_global(symbol)(Case)
    lower_builtin(symbol, lanes, lanes)(codegen)


for _symbol, _name in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _give_operator(_symbol, _name)


@intrinsic
def sqrt(typing: Any, x: Any) -> Any:
    """√x in each lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f32"), args)

    return (lanes(lanes), codegen) if x is lanes else None


@intrinsic
def maximum(typing: Any, a: Any, b: Any) -> Any:
    """The larger one in each lane; NaN of `a` stays NaN."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_unordered(">", *args), *args)

    return (lanes(lanes, lanes), codegen) if a is lanes and b is lanes else None


@intrinsic
def log(typing: Any, x: Any) -> Any:
    """The natural logarithm in each lane, to a rounding and 1e-7; x > 0 and normal, else NaN or nonsense.

    x = 2^e m with m = 1 + f from √½ to √2, and s = f / (2 + f): ln x = e ln 2 + ln m, and
    ln m = 2 s (1 + s² / 3 + s⁴ / 5 + …) = f - f² / 2 + s (f² / 2 + 2 s² / 3 + 2 s⁴ / 5 + …), since 2 s = f - s f.
    """

    def whole(value: int) -> Any:
        return ir.Constant(_WHOLE, [value] * LANES)

    def real(value: float) -> Any:
        return ir.Constant(_VECTOR, [value] * LANES)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], _WHOLE)
        exponent = builder.ashr(builder.sub(bits, whole(0x3F3504F3)), whole(23))  # √½ as bits
        m = builder.bitcast(builder.sub(bits, builder.shl(exponent, whole(23))), _VECTOR)
        f = builder.fsub(m, real(1.0))
        s = builder.fdiv(f, builder.fadd(m, real(1.0)))
        square, half = builder.fmul(s, s), builder.fmul(builder.fmul(f, f), real(0.5))
        series = real(2 / 9)
        for term in (2 / 7, 2 / 5, 2 / 3):
            series = builder.fadd(builder.fmul(series, square, flags=_FUSED), real(term), flags=_FUSED)
        e, high = builder.sitofp(exponent, _VECTOR), 355 / 512  # ln 2 to 9 bits, so that its multiples are exact
        small = builder.fmul(s, builder.fadd(half, builder.fmul(square, series)))
        small = builder.fadd(small, builder.fmul(e, real(math.log(2) - high)))
        logarithm = builder.fsub(f, builder.fsub(half, small))  # f, exact, less what is smaller
        logarithm = builder.fadd(builder.fmul(e, real(high)), logarithm)
        return builder.fadd(logarithm, builder.fsub(args[0], args[0]))  # NaN and infinity don't pass for numbers

    return (lanes(lanes), codegen) if x is lanes else None


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """`array[index : index + LANES]` of a flat array."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, array, *args), align=4)

    return (lanes(array, types.intp), codegen) if _flat(array) else None


@intrinsic
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """`array[index : index + LANES] = value`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(context, builder, array, *args[:2]), align=4)
        return context.get_dummy_value()

    return (types.void(array, types.intp, lanes), codegen) if _flat(array) and value is lanes else None


@intrinsic
def fetch_ahead(typing: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line with `array[index]`, which will be read soon."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        pointer = _pointer(context, builder, array, args[0], args[1], ir.IntType(8))
        builder.call(function, [pointer, number(0), number(2), number(1)])  # to read, into the second level, data
        return context.get_dummy_value()

    return (types.void(array, types.intp), codegen) if _flat(array) else None


@intrinsic
def spread(typing: Any, array: Any, index: Any) -> Any:
    """`array[index]` in all lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_pointer(context, builder, array, args[0], args[1], ir.FloatType()), align=4)
        first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, first, ir.Constant(_WHOLE, [0] * LANES))

    return (lanes(array, types.intp), codegen) if _flat(array) else None


@intrinsic
def transpose(typing: Any, source: Any, start: Any, stride: Any, factors: Any, at: Any, target: Any, place: Any) -> Any:
    """`target[place + LANES i + l] = factors[at + i] * source[start + stride l + i]` for i and l below LANES."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from_array, begin, step, by, first, to_array, to_index = args
        factor = builder.load(_pointer(context, builder, factors, by, first), align=4)
        rows = []
        for lane in range(LANES):
            index = builder.add(begin, builder.mul(step, step.type(lane)))
            row = builder.load(_pointer(context, builder, source, from_array, index), align=4)
            rows.append(builder.fmul(row, factor))
        for number, row in enumerate(_transposed(builder, rows)):
            index = builder.add(to_index, to_index.type(number * LANES))
            builder.store(row, _pointer(context, builder, target, to_array, index), align=4)
        return context.get_dummy_value()

    if not (_flat(source) and _flat(factors) and _flat(target)):
        return None
    return types.void(source, types.intp, types.intp, factors, types.intp, target, types.intp), codegen


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Rows that lie 1, then 2, 4 … apart exchange every other lane, pair of lanes, …: log2(LANES) rounds."""
    apart = 1
    while apart < LANES:
        lower = [LANES + i - apart if i & apart else i for i in range(LANES)]
        upper = [LANES + i if i & apart else i + apart for i in range(LANES)]
        rows = [
            builder.shuffle_vector(rows[i ^ apart], row, ir.Constant(_WHOLE, upper))
            if i & apart
            else builder.shuffle_vector(row, rows[i | apart], ir.Constant(_WHOLE, lower))
            for i, row in enumerate(rows)
        ]
        apart *= 2
    return rows


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, kind: Any = _VECTOR) -> Any:
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), kind.as_pointer())


def _flat(kind: Any) -> bool:
    return isinstance(kind, types.Array) and (kind.dtype, kind.ndim, kind.layout) == (types.float32, 1, "C")
