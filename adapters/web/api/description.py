"""The OpenAPI document: what can be asked, made from the operations and their models."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from adapters.web.api.contract import Going, Part, Problem
from adapters.web.api.operations import JSON, NAMED, ROOT, Answer, Operation, kind
from adapters.web.api.problems import MEDIA

VERSION = "1.0.0"
REFS = "#/components/schemas/{model}"
TOKEN = "token"  # noqa: S105 - what the scheme is called
BEARER = {"type": "http", "scheme": "bearer", "description": "`errand token add NAME` makes one, and tells it once."}
ABOUT = (
    "Messages go in and are on disk before they are acknowledged; turns work on them; questions, also approvals, are "
    "answered by their id; a stream brings what goes on, and can be resumed."
)

STREAM = "text/event-stream"
PROBLEM = kind(Problem)
STREAMED = kind(Part), kind(Going)

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]


def document(operations: Sequence[Operation], *, need_tokens: bool) -> Json:
    """The document, for a server that lets nobody in without a token, or whoever reaches it."""
    written = _Written(operations)
    paths: dict[str, Json] = {}
    for each in operations:
        paths.setdefault(f"{ROOT}{each.path}", {})[each.method.lower()] = written.operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Errand", "version": VERSION, "description": ABOUT},
        "security": [{TOKEN: []}] if need_tokens else [{TOKEN: []}, {}],
        "paths": paths,
        "components": {"schemas": written.schemas, "securitySchemes": {TOKEN: BEARER}},
    }


class _Written:
    """Operations on paper. `schemas` are those of all their models, by name."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        besides = (PROBLEM, *STREAMED)
        used: list[tuple[int, Mode, TypeAdapter[object]]] = [(id(each), "serialization", each) for each in besides]
        used += [each for operation in operations for each in _models(operation)]
        self._refs, known = TypeAdapter.json_schemas(used, ref_template=REFS)
        self.schemas: Json = known["$defs"]

    def operation(self, operation: Operation) -> Json:
        """One operation."""
        refused = sorted({*operation.problems, *([] if operation.is_open else [401, 403, 503])})
        answers = {str(status): self._answer(status, answer) for status, answer in operation.answers.items()}
        problems = {str(status): self._told(status, MEDIA, PROBLEM) for status in refused}
        body = self._content(operation.body, "validation") if operation.body else None
        return {
            "operationId": operation.name,
            "summary": operation.summary,
            "parameters": [*_parameters(operation)],
            **({"requestBody": {"required": True, "content": body}} if body else {}),
            "responses": {**answers, **problems},
            **({"security": []} if operation.is_open else {}),
        }

    def _answer(self, status: int, answer: Answer) -> Json:
        return {"description": HTTPStatus(status).phrase, "content": self._content(answer, "serialization")}

    def _told(self, status: int, media: str, model: TypeAdapter[object]) -> Json:
        schema = self._refs[id(model), "serialization"]
        return {"description": HTTPStatus(status).phrase, "content": {media: {"schema": schema}}}

    def _content(self, made_of: Answer, mode: Mode) -> Json:
        if made_of == STREAM:
            return {STREAM: {"schema": self._event()}}
        if isinstance(made_of, str):
            return {made_of: {"schema": {}}}
        return {JSON: {"schema": self._refs[id(made_of), mode]}}

    def _event(self) -> Json:
        """One event of a stream."""
        told = {"anyOf": [self._refs[id(each), "serialization"] for each in STREAMED]}
        data = {"type": "string", "contentMediaType": JSON, "contentSchema": told}
        fields = {"id": {"type": "string"}, "event": {"enum": ["part", "live"]}, "data": data}
        return {"type": "object", "properties": fields, "required": ["event", "data"]}


def _models(operation: Operation) -> Iterator[tuple[int, Mode, TypeAdapter[object]]]:
    if isinstance(operation.body, TypeAdapter):
        yield id(operation.body), "validation", operation.body
    for answer in operation.answers.values():
        if isinstance(answer, TypeAdapter):
            yield id(answer), "serialization", answer


def _parameters(operation: Operation) -> Iterator[Json]:
    for name in operation.names:
        named = NAMED[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": f"One {named.what} of yours.",
            "example": named.example,
            "schema": {"type": "string", "pattern": named.pattern},
        }
    for name, what in operation.headers:
        yield {"name": name, "in": "header", "description": what, "schema": {"type": "string"}}
    if operation.query:
        yield from _in_the_query(operation.query)


def _in_the_query(model: type[BaseModel]) -> Iterator[Json]:
    schema = model.model_json_schema()
    for name, known in schema["properties"].items():
        what = known.pop("description", "")
        is_required = name in schema.get("required", ())
        yield {"name": name, "in": "query", "required": is_required, "description": what, "schema": _given(known)}


def _given(schema: Mapping[str, Any]) -> Json:
    """The schema of a value that a query cannot leave empty: it is there, or not."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    kept = {name: value for name, value in schema.items() if name not in {"anyOf", "title", "default"}}
    return {**kept, **(kinds[0] if len(kinds) == 1 else {})}
