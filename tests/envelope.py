# SPDX-License-Identifier: Apache-2.0
"""The schema of the JSON document, compiled once: thousands of documents are compared with it."""

import jsonschema

from nova_decom.output.json_envelope import schema

VALIDATOR = jsonschema.Draft202012Validator(schema())


def validate(document: object) -> None:
    """Compare a document with the schema.

    :raises jsonschema.ValidationError: it is not valid by it.
    """
    VALIDATOR.validate(document)
