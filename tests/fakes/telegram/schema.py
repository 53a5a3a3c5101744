"""The Bot API's schema, read off aiogram's models: what a call, an answer or an update may hold, at any depth.

The real server ignores what it does not know. Here it works the same, and is written down as a problem.
"""

import functools
import inspect
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Annotated, Any, ForwardRef, Literal, Union, get_args, get_origin

import aiogram.methods
import aiogram.types
from aiogram.client.default import Default
from aiogram.methods import TelegramMethod
from aiogram.types import InputFile, TelegramObject, Update
from pydantic import TypeAdapter, ValidationError

Method = type[TelegramMethod[Any]]

METHODS: Mapping[str, Method] = {
    each.__api_method__.lower(): each
    for each in vars(aiogram.methods).values()
    if inspect.isclass(each) and issubclass(each, TelegramMethod) and each is not TelegramMethod
}
NOT_ON_THE_WIRE = (Default, datetime, timedelta, type(None))


def read_call(method: Method, raw: Mapping[str, Any], uploads: set[str]) -> tuple[dict[str, Any], list[str]]:
    """The parameters with their types, those left out that have the wrong one; and all that is wrong with them."""
    reader = _Reader(uploads)
    fields = method.model_fields
    where = method.__api_method__
    reader.problems += [f"{where}.{name}: unknown" for name in raw if name not in fields]
    required = [name for name, field in fields.items() if field.is_required()]
    reader.problems += [f"{where}.{name}: missing" for name in required if name not in raw and name not in uploads]
    given = {
        name: reader.parameter(fields[name].annotation, value, f"{where}.{name}")
        for name, value in raw.items()
        if name in fields
    }
    return {name: value for name, value in given.items() if value is not None}, reader.problems


def answer_problems(method: Method, result: Any) -> list[str]:
    """What is wrong with an answer of ours."""
    return _own_problems(method.__returning__, result, f"answer of {method.__api_method__}")


def update_problems(update: Mapping[str, Any]) -> list[str]:
    """What is wrong with an update of ours."""
    return _own_problems(Update, update, "update")


def _own_problems(hint: Any, value: Any, where: str) -> list[str]:
    reader = _Reader(set())
    reader.value(hint, value, where)
    try:
        _adapter(hint).validate_python(value)
    except ValidationError as error:
        reader.problems.append(f"{where}: {error}")
    return reader.problems


@functools.cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


class _Reader:
    """Walks values along type hints, and notes what does not fit."""

    def __init__(self, uploads: set[str]) -> None:
        self.problems: list[str] = []
        self._uploads = uploads

    def parameter(self, hint: Any, value: Any, where: str) -> Any:
        """A parameter of a call: what is no text may come as JSON in a text."""
        kinds = list(_alternatives(hint))
        if not isinstance(value, str):
            return self.value(hint, value, where)
        if {str, InputFile} & set(kinds) and not (int in kinds and value.lstrip("-").isdigit()):
            return self.value(hint, value, where)
        try:
            return self.value(hint, json.loads(value), where)
        except json.JSONDecodeError:
            return self._wrong(where, f"{value[:80]!r} is not JSON")

    def value(self, hint: Any, value: Any, where: str) -> Any:
        """The value where it fits the hint, else None."""
        kinds = list(_alternatives(hint))
        found = [kind for kind in kinds if _is_kind(kind, value)]
        models = [kind for kind in found if _is_model(kind)]
        if models:
            return self._model(models, value, where)
        if not found:
            names = " or ".join(sorted({getattr(kind, "__name__", str(kind)) for kind in kinds}))
            return self._wrong(where, f"{json.dumps(value)[:80]} is no {names}")
        if isinstance(value, list):
            return [self.value(get_args(found[0])[0], each, f"{where}[{at}]") for at, each in enumerate(value)]
        if InputFile in kinds and value.startswith("attach://") and value[len("attach://") :] not in self._uploads:
            return self._wrong(where, f"{value!r} is attached nowhere")
        return value

    def _model(self, models: list[type[TelegramObject]], value: dict[str, Any], where: str) -> Any:
        """Read as that model which it fits best."""
        tries = []
        for model in models:
            reader = _Reader(self._uploads)
            tries.append((reader.problems, reader._fields(model, value, where)))
            if not reader.problems:
                break
        problems, read = min(tries, key=lambda each: len(each[0]))
        self.problems += problems
        return read

    def _fields(self, model: type[TelegramObject], value: dict[str, Any], where: str) -> dict[str, Any]:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        self.problems += [f"{where}.{name}: unknown" for name in value if name not in fields]
        self.problems += [
            f"{where}.{name}: missing" for name, field in fields.items() if field.is_required() and name not in value
        ]
        return {
            name: self.value(fields[name].annotation, each, f"{where}.{name}")
            for name, each in value.items()
            if name in fields
        }

    def _wrong(self, where: str, words: str) -> None:
        self.problems.append(f"{where}: {words}")


def _alternatives(hint: Any) -> Iterator[Any]:
    """What a value may be: classes, literals and lists."""
    if isinstance(hint, ForwardRef | str):
        name = hint.__forward_arg__ if isinstance(hint, ForwardRef) else hint
        yield from _alternatives(getattr(aiogram.types, name))
    elif hasattr(hint, "__value__"):
        yield from _alternatives(hint.__value__)
    elif get_origin(hint) is Annotated:
        yield from _alternatives(get_args(hint)[0])
    elif get_origin(hint) in (Union, UnionType):
        for each in get_args(hint):
            yield from _alternatives(each)
    elif hint is datetime:
        yield int  # seconds since 1970
    elif hint not in NOT_ON_THE_WIRE:
        yield hint


def _is_kind(kind: Any, value: Any) -> bool:
    if kind is Any:
        return True
    if get_origin(kind) is Literal:
        return value in [each.value if isinstance(each, Enum) else each for each in get_args(kind)]
    if get_origin(kind) is list:
        return isinstance(value, list)
    if kind is InputFile:
        return isinstance(value, str)
    if _is_model(kind):
        return isinstance(value, dict) and _says_its_kind(kind, value)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _is_model(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, TelegramObject) and kind is not InputFile


def _says_its_kind(model: type[TelegramObject], value: Mapping[str, Any]) -> bool:
    """Whether the fields that tell one model from another, such as `type`, fit."""
    return all(
        _is_kind(field.annotation, value[name])
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) is Literal and name in value
    )
