"""OpenAPI 3.1 in the words of 3.0: what JSON Schema says in another way there."""

from __future__ import annotations

from candlewick_ui.openapi_3_0 import downgraded


def test_the_document_says_its_version():
    assert downgraded({"openapi": "3.1.0", "info": {"title": "x"}}) == {"openapi": "3.0.3", "info": {"title": "x"}}


def test_a_value_or_null_is_a_nullable_value_with_what_stood_beside_it():
    told = {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}], "description": "A name."}

    assert downgraded(told) == {"type": "string", "maxLength": 5, "description": "A name.", "nullable": True}


def test_a_reference_or_null_keeps_the_reference_apart_as_nothing_may_stand_beside_one():
    told = {"anyOf": [{"$ref": "#/components/schemas/Run"}, {"type": "null"}]}

    assert downgraded(told) == {"allOf": [{"$ref": "#/components/schemas/Run"}], "nullable": True}


def test_one_of_several_or_null_stays_one_of_several():
    told = {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}

    assert downgraded(told) == {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True}


def test_an_exclusive_bound_is_a_bound_with_a_flag():
    assert downgraded({"type": "number", "exclusiveMinimum": 0}) == {
        "type": "number", "minimum": 0, "exclusiveMinimum": True,
    }  # fmt: skip


def test_a_constant_is_an_enumeration_of_one():
    assert downgraded({"const": "ok", "type": "string"}) == {"enum": ["ok"], "type": "string"}


def test_a_property_that_happens_to_be_called_const_stays_one():
    told = {"properties": {"const": {"type": "string"}}}

    assert downgraded(told) == told


def test_what_is_given_is_not_changed():
    told = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    downgraded(told)

    assert told == {"anyOf": [{"type": "string"}, {"type": "null"}]}
