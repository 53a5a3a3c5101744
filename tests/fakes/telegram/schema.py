"""Whether a request is one of the Bot API: its method, its parameters and their types, by the models of aiogram.

aiogram is generated from Telegram's own description, so what it does not know a client of ours should not send.
"""

import datetime as dt
import enum
import json
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import aiogram.methods
from aiogram.client.default import Default
from aiogram.types.base import TelegramObject
from aiogram.types.input_file import InputFile
from pydantic import BaseModel

FIRST = '0123456789-[{tfn"'  # what a JSON value can begin with


class Upload(typing.NamedTuple):
    """A file in a request."""

    name: str
    content: bytes
    mime: str


@cache
def methods() -> Mapping[str, type[BaseModel]]:
    """The model of every method, by its name in lower case."""
    known = (getattr(aiogram.methods, name) for name in aiogram.methods.__all__)
    return {
        each.__api_method__.lower(): each for each in known if isinstance(getattr(each, "__api_method__", None), str)
    }


def decoded(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as values: a form sends everything but text as JSON."""
    model = methods().get(method.lower())
    fields = model.model_fields if model else {}
    return {
        name: _value(value)
        if isinstance(value, str) and name in fields and not _is_text(fields[name].annotation)
        else value
        for name, value in given.items()
    }


def problems(method: str, given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a request, a sentence each. `given` is decoded."""
    model = methods().get(method.lower())
    if model is None:
        yield f"{method}: there is no such method"
        return
    yield from _object_problems(method, given, model)


def _object_problems(where: str, given: Mapping[str, Any], model: type[BaseModel]) -> Iterator[str]:
    for name, value in given.items():
        field = model.model_fields.get(name)
        if field is None:
            yield f"{where}: there is no field {name!r}"
        elif problem := next(iter(_value_problems(f"{where}.{name}", value, field.annotation)), None):
            yield problem
    for name, field in model.model_fields.items():
        if field.is_required() and name not in given:
            yield f"{where}: the field {name!r} is missing"


def _value_problems(where: str, value: Any, kind: Any) -> list[str]:
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        tries = [_value_problems(where, value, each) for each in get_args(kind) if each is not type(None)]
        return [] if value is None or any(not each for each in tries) else min(tries, key=len)
    if origin is Literal:
        return [] if value in get_args(kind) else [f"{where}: {value!r} is none of {get_args(kind)}"]
    if origin is typing.Annotated:
        return _value_problems(where, value, get_args(kind)[0])
    if origin is list:
        if not isinstance(value, list):
            return [f"{where}: {value!r} is no list"]
        return [each for item in value for each in _value_problems(where, item, get_args(kind)[0])]
    if isinstance(kind, type):
        return _of_type(where, value, kind)
    return []


def _of_type(where: str, value: Any, kind: type) -> list[str]:
    if issubclass(kind, InputFile):
        return (
            []
            if isinstance(value, Upload) or (isinstance(value, str) and value)
            else [f"{where}: {value!r} is no file"]
        )
    if issubclass(kind, TelegramObject):
        return list(_object_problems(where, value, kind)) if isinstance(value, dict) else [f"{where}: no object"]
    if kind is Default:
        return [f"{where}: not for the wire"]
    if issubclass(kind, enum.Enum):
        return [] if value in {each.value for each in kind} else [f"{where}: {value!r} is none of {kind.__name__}"]
    if kind in {dt.datetime, dt.timedelta, int}:
        return [] if isinstance(value, int) and not isinstance(value, bool) else [f"{where}: {value!r} is no number"]
    if kind is float:
        return [] if isinstance(value, int | float) else [f"{where}: {value!r} is no number"]
    if kind in {str, bool}:
        return [] if isinstance(value, kind) else [f"{where}: {value!r} is no {kind.__name__}"]
    return []


def _is_text(kind: Any) -> bool:
    """Whether a parameter can only be text, so that "5" is the text 5."""
    members = [each for each in (get_args(kind) or (kind,)) if each not in {type(None), Default}]
    return all(each is str or get_origin(each) is Literal for each in members)


def _value(text: str) -> Any:
    if text[:1] and text[0] in FIRST:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
