"""Check events against the schemas of OpenLineage and our own, without a network.

    check_openlineage.py SCHEMAS SAMPLES

SCHEMAS is the folder `spec` of OpenLineage (its core and facet schemas); SAMPLES holds NDJSON files of events and
`facets.schema.json`, as the test `samples_are_left_for_a_validator` leaves them. Every event is checked against the
schema its schemaURL names, every facet against the one its _schemaURL names; a facet without a known schema is an
error. Prints how many of each were checked and exits with 1 if anything is wrong. Needs jsonschema and referencing.
"""

import collections
import json
import pathlib
import sys

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

HOLDERS = ("facets", "inputFacets", "outputFacets")


def registry_of(schemas, own):
    """Every schema by its id."""
    registry = Registry()
    for file in [*sorted(pathlib.Path(schemas).rglob("*.json")), own]:
        contents = json.loads(file.read_text())
        if isinstance(contents, dict) and "$id" in contents and "tests" not in file.parts:
            resource = Resource.from_contents(contents, default_specification=DRAFT202012)
            registry = registry.with_resource(contents["$id"], resource)
    return registry


class Checker:
    """Keeps a validator for each address."""

    def __init__(self, registry):
        self.registry = registry
        self.validators = {}
        self.checked = collections.Counter()
        self.errors = []

    def check(self, address, value, place):
        if address not in self.validators:
            try:
                self.registry.resolver().lookup(address)
            except Exception as error:  # Whatever it is, the address leads nowhere.
                self.errors.append(f"{place}: {address}: {error}")
                return
            self.validators[address] = jsonschema.Draft202012Validator(
                {"$ref": address},
                registry=self.registry,
                format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
            )
        self.checked[address] += 1
        for error in self.validators[address].iter_errors(value):
            self.errors.append(f"{place}: {error.json_path}: {error.message[:300]}")

    def facets(self, value, place):
        """Checks every facet below `value`, also those of runs and jobs that facets name."""
        if isinstance(value, list):
            for at, item in enumerate(value):
                self.facets(item, f"{place}/{at}")
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key in HOLDERS and isinstance(inner, dict):
                    for name, facet in inner.items():
                        if isinstance(facet, dict) and "_schemaURL" in facet:
                            self.check(facet["_schemaURL"], facet, f"{place}/{key}/{name}")
                self.facets(inner, f"{place}/{key}")


def main():
    schemas, samples = sys.argv[1], pathlib.Path(sys.argv[2])
    checker = Checker(registry_of(schemas, samples / "facets.schema.json"))
    events = 0
    for file in sorted(samples.glob("*.ndjson")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            event = json.loads(line)
            events += 1
            place = f"{file.name}:{number}"
            checker.check(event["schemaURL"], event, place)
            checker.facets(event, place)
    for address, count in sorted(checker.checked.items()):
        print(f"{count:7} {address}")
    print(f"{events} events, {sum(checker.checked.values())} checks, {len(checker.errors)} errors")
    for error in checker.errors[:50]:
        print(error)
    # An empty folder proves nothing.
    sys.exit(1 if checker.errors or events == 0 else 0)


main()
