"""Check events against the schemas of OpenLineage and our own, without a network.

    check_openlineage.py SCHEMAS SAMPLES

SCHEMAS is the folder `spec` of OpenLineage (its core and facet schemas); SAMPLES holds NDJSON files of events and
`facets.schema.json`, as the test `samples_are_left_for_a_validator` leaves them. Every event is checked against the
schema its schemaURL names, every facet against the one its _schemaURL names and under the name that schema gives it; a
facet without a known schema is an error. Before that, events broken on purpose have to be found out. Prints how many of
each were checked and exits with 1 if anything is wrong. Needs jsonschema, referencing, and for formats
rfc3339-validator and rfc3986-validator.
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

    def facet(self, name, facet, place):
        address = facet.get("_schemaURL")
        if not isinstance(address, str):
            self.errors.append(f"{place}: has no _schemaURL")
            return
        self.check(address, facet, place)
        file = self.registry.get(address.split("#")[0])
        names = (file.contents.get("properties") if file else None) or {}
        if name not in names:
            self.errors.append(f"{place}: {address} has no facet of this name")

    def facets(self, value, place):
        """Checks every facet below `value`, also those of runs and jobs that facets name."""
        if isinstance(value, list):
            for at, item in enumerate(value):
                self.facets(item, f"{place}/{at}")
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key in HOLDERS and isinstance(inner, dict):
                    for name, facet in inner.items():
                        self.facet(name, facet, f"{place}/{key}/{name}")
                self.facets(inner, f"{place}/{key}")


def broken(event):
    """Copies of an event, each with one fault; none for an event that has not what to break."""
    faults = [
        lambda copy: copy["run"].update(runId="no-uuid"),
        lambda copy: copy.update(eventTime="soon"),
        lambda copy: copy.update(eventType="DONE"),
        lambda copy: copy["run"]["facets"]["auditlake_operations"].update(operations=["guessing"]),
        lambda copy: copy["run"]["facets"]["nominalTime"].pop("nominalStartTime"),
        lambda copy: copy["outputs"][0]["facets"]["columnLineage"].pop("fields"),
        lambda copy: copy["outputs"][0]["facets"]["auditlake_lineage"].update(certainty="exact"),
        lambda copy: copy["outputs"][0]["facets"].update(oddity=copy["outputs"][0]["facets"]["schema"]),
        lambda copy: copy["outputs"][0]["outputFacets"]["outputStatistics"].update(rowCount="many"),
    ]
    for fault in faults:
        copy = json.loads(json.dumps(event))
        fault(copy)
        yield copy


def finds_faults(registry, event):
    """Whether each fault is found."""
    found = []
    for copy in broken(event):
        checker = Checker(registry)
        checker.check(copy["schemaURL"], copy, "")
        checker.facets(copy, "")
        found.append(bool(checker.errors))
    print(f"{sum(found)} of {len(found)} faults found")
    return all(found)


def main():
    schemas, samples = sys.argv[1], pathlib.Path(sys.argv[2])
    registry = registry_of(schemas, samples / "facets.schema.json")
    checker = Checker(registry)
    events = 0
    can_find = False
    for file in sorted(samples.glob("*.ndjson")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            event = json.loads(line)
            events += 1
            if not can_find and event.get("outputs") and "auditlake_operations" in event.get("run", {}).get("facets", {}):
                can_find = finds_faults(registry, event)
            place = f"{file.name}:{number}"
            checker.check(event["schemaURL"], event, place)
            checker.facets(event, place)
    for address, count in sorted(checker.checked.items()):
        print(f"{count:7} {address}")
    print(f"{events} events, {sum(checker.checked.values())} checks, {len(checker.errors)} errors")
    for error in checker.errors[:20]:
        print(error)
    # Neither an empty folder nor a blind checker proves anything.
    sys.exit(1 if checker.errors or not can_find else 0)


main()
