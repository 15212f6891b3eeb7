"""Types of a component's function, read once.

The wasmtime package asks wasmtime for a function's types anew at every call, down to each field's name, and turns a list of
bytes into values one byte after the other: together three quarters of a verification's time, and seconds for a long list.
What is here are its own types with their answers kept. It rests on names of the package that are not public (the ones with an
underscore), so the package is pinned.
"""

import ctypes
from functools import cached_property
from typing import Any

from wasmtime import _ffi as ffi
from wasmtime.component import Func, ListType, OptionType, Record, RecordType, ResultType, TupleType, ValType, Variant, VariantType
from wasmtime.component import Bool, U8, U16, U32, U64


class RememberedFunc:
    """A function of an instance."""

    def __init__(self, func: Func, store: Any) -> None:
        types = func.type(store)
        self.params = [(name, remembered(each)) for name, each in types.params]
        self.result = None if types.result is None else remembered(types.result)
        # What a call asks the function for.
        setattr(func, "type", lambda _store: self)
        self.call = func


def remembered(kind: ValType) -> Any:
    """The same type with its answers kept."""
    known = _KINDS.get(type(kind))
    if known is not None:
        kind.__class__ = known
    return kind


class _Record(RecordType):
    @cached_property
    def fields(self) -> Any:
        return [(name, remembered(kind)) for name, kind in RecordType.fields.__get__(self)]

    def convert_from_c(self, c: Any) -> Record:
        found = Record()
        try:
            for place, (name, kind) in enumerate(self.fields):
                value = c.of.record.data[place].val
                setattr(found, name, kind.convert_from_c(value))
                if type(kind) not in _PLAIN:
                    # It was taken out, and is not freed again.
                    value.kind = ffi.WASMTIME_COMPONENT_BOOL
            return found
        finally:
            ffi.wasmtime_component_valrecord_delete(c.of.record)


class _List(ListType):
    @cached_property
    def element(self) -> Any:
        return remembered(ListType.element.__get__(self))

    @cached_property
    def holds_bytes(self) -> bool:
        return isinstance(self.element, U8)

    def _is_bytes(self) -> bool:
        return self.holds_bytes

    def convert_to_c(self, store: Any, val: Any, ptr: Any) -> None:
        if not self.holds_bytes or not isinstance(val, bytes) or not val:
            return super().convert_to_c(store, val, ptr)
        # All at once: each value is a kind and, behind it, its byte.
        size = ctypes.sizeof(ffi.wasmtime_component_val_t)
        values = bytearray(size * len(val))
        values[0::size] = bytes([ffi.WASMTIME_COMPONENT_U8.value]) * len(val)
        values[ffi.wasmtime_component_val_t.of.offset::size] = val
        whole = ffi.wasmtime_component_vallist_t()
        ffi.wasmtime_component_vallist_new_uninit(whole, len(val))
        ctypes.memmove(whole.data, (ctypes.c_char * len(values)).from_buffer(values), len(values))
        ctypes.memset((ctypes.c_char * len(values)).from_buffer(values), 0, len(values))
        ptr.contents.kind = ffi.WASMTIME_COMPONENT_LIST
        ptr.contents.of.list = whole
        return None


class _Tuple(TupleType):
    @cached_property
    def elements(self) -> Any:
        return [remembered(kind) for kind in TupleType.elements.__get__(self)]


def _lift(self: Any, tag: str, ptr: Any) -> Any:
    """What came back in a variant, an option or a result."""
    kind = self.kinds[tag]
    if kind is None:
        return Variant(tag) if self.tagged else None
    value = ptr.contents
    payload = kind.convert_from_c(value)
    value.kind = ffi.WASMTIME_COMPONENT_BOOL
    # WHY: the package leaves the box behind that the payload came in, 48 bytes each time.
    ffi.wasmtime_component_val_free(ptr)
    return Variant(tag, payload) if self.tagged else payload


class _Variant(VariantType):
    _lift = _lift
    tagged = cached_property(VariantType._tagged)
    kinds = cached_property(lambda self: dict(self._cases()))

    def _tagged(self) -> bool:
        return self.tagged

    @cached_property
    def cases(self) -> Any:
        return [(name, None if kind is None else remembered(kind)) for name, kind in VariantType.cases.__get__(self)]


class _Option(OptionType):
    _lift = _lift
    tagged = cached_property(OptionType._tagged)
    kinds = cached_property(lambda self: dict(self._cases()))

    def _tagged(self) -> bool:
        return self.tagged

    @cached_property
    def payload(self) -> Any:
        return remembered(OptionType.payload.__get__(self))


class _Result(ResultType):
    _lift = _lift
    tagged = cached_property(ResultType._tagged)
    kinds = cached_property(lambda self: dict(self._cases()))

    def _tagged(self) -> bool:
        return self.tagged

    @cached_property
    def ok(self) -> Any:
        kind = ResultType.ok.__get__(self)
        return None if kind is None else remembered(kind)

    @cached_property
    def err(self) -> Any:
        kind = ResultType.err.__get__(self)
        return None if kind is None else remembered(kind)


_KINDS: dict[type, Any] = {
    RecordType: _Record, ListType: _List, TupleType: _Tuple, VariantType: _Variant, OptionType: _Option, ResultType: _Result,
}
_PLAIN = {Bool, U8, U16, U32, U64}
