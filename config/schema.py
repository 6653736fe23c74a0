"""`config/policy.schema.json` is the policy's JSON schema, for editors and for pipelines without Sluice.

`python -m config.schema` prints it; a test keeps the file equal to the models.
"""

import sys
from json import dumps
from pathlib import Path

from config.policy_form import PolicyForm

SCHEMA_FILE = Path(__file__).with_name("policy.schema.json")


def policy_schema() -> str:
    """The schema of `.sluice/policy.yaml` (JSON Schema 2020-12); how fields fit together, only the parser knows."""
    schema = PolicyForm.model_json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Sluice policy"}
    return dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(policy_schema())
