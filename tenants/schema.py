"""`python -m tenants.schema`: write the JSON Schema of a catalog file, so that editors complete and check it."""

import json
from pathlib import Path

from tenants.model import Organization

FILE = Path(__file__).parent / "organization.schema.json"


def text() -> str:
    """The schema of one catalog file, as committed."""
    schema = Organization.model_json_schema()
    schema["required"] = [key for key in schema["required"] if key != "slug"]  # made from the name
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Organization"}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
