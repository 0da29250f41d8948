"""The profile's JSON Schema, for editors that complete and check TOML."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from csvexport.profile.model import Settings


class _TomlSchema(GenerateJsonSchema):
    """The schema of what TOML can say: it knows no null, so a key that is not set is left out."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        return {key: value for key, value in described.items() if key != "default" or value not in (None, [])}

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        """Keep the keys as the model has them; in examples the order of identifiers matters."""
        del parent_key
        return value

    def field_title_should_be_set(self, schema: object) -> bool:
        """Leave the keys without titles, which would be the keys again, in other letters."""
        del schema
        return False


def profile_schema() -> dict[str, Any]:
    """Make the JSON Schema (draft 2020-12) of a profile as it is written in TOML."""
    schema = Settings.model_json_schema(schema_generator=_TomlSchema)
    dialect = {"$schema": _TomlSchema.schema_dialect, "title": "Profile of csvexport"}
    return dialect | {key: value for key, value in schema.items() if key != "title"}
