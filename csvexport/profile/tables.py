"""What all tables of the profile share: they know their keys, and word every mistake for the profile's writer."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, PlainValidator, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from csvexport.profile.wording import ProfileValueError, key_written, kind, suggestion, written

# Where a mistake stands, from its table on, and the sentence that tells it.
Mistake = tuple[tuple[int | str, ...], str]


def apart(table: type[BaseModel]) -> PlainValidator:
    """Read a table by a validator of its own, which is built only for profiles that have the table."""
    return PlainValidator(table.model_validate, json_schema_input_type=table)


class Table(BaseModel):
    """A table of the profile: knows its keys, and words every mistake as a sentence for the profile's writer."""

    # Deferred: a validator is built when it is first needed, and most tables are read by that of a larger one.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    @classmethod
    def mistakes_between(cls, table: Mapping[str, Any]) -> Iterable[Mistake]:
        """Find what is wrong between the keys of a table, as TOML gave it, whether or not its values can be read.

        A mistake at a place whose value cannot be read either is not told.
        """
        del table
        return ()

    @model_validator(mode="wrap")
    @classmethod
    def _in_our_words(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(value, dict):
            raise ProfileValueError(f"must be a table, not {kind(value)}")
        table, details = None, []
        try:
            table = handler(value)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        mistakes = [_mistake(detail["loc"], cls._sentence(detail)) for detail in details]
        mistakes += [_mistake(*mistake) for mistake in cls._further(value, details)]
        if table is None or mistakes:
            raise ValidationError.from_exception_data(cls.__name__, sorted(mistakes, key=cls._position))
        return table

    @classmethod
    def _further(cls, value: dict[str, Any], details: list[ErrorDetails]) -> Iterator[Mistake]:
        for location, sentence in cls.mistakes_between(value):
            if not any(detail["loc"][: len(location)] == location for detail in details):
                yield location, sentence

    @classmethod
    def _position(cls, mistake: InitErrorDetails) -> int:
        """Give the place of a mistake's key among the keys of the table; unknown keys come last."""
        keys = cls._keys()
        location = mistake.get("loc", ())
        return keys.index(str(location[0])) if location and location[0] in keys else len(keys)

    @classmethod
    def _keys(cls) -> list[str]:
        return [field.alias or name for name, field in cls.model_fields.items()]

    @classmethod
    def _sentence(cls, detail: ErrorDetails) -> str:
        key = str(detail["loc"][-1]) if detail["loc"] else ""
        match detail["type"]:
            case "value_error":
                return str(detail["ctx"]["error"])
            case "missing":
                return cls.required(key)
            case "extra_forbidden":
                return f"unknown key{suggestion(key, cls._keys()) or '; the keys here are ' + ', '.join(cls._keys())}"
        return detail["msg"]

    @classmethod
    def required(cls, key: str, when: str = "") -> str:
        """Say that a key is missing, and when it is required, with the first of its examples."""
        fields = {field.alias or name: field for name, field in cls.model_fields.items()}
        example = next(iter(fields[key].examples or ()), "…")
        return f"is required{when}, such as {key_written(key)} = {written(example)}"


def _mistake(location: tuple[int | str, ...], sentence: str) -> InitErrorDetails:
    # Pydantic would keep the value, which may be a secret.
    return InitErrorDetails(type=PydanticCustomError("mistake", sentence), loc=location, input=None)
