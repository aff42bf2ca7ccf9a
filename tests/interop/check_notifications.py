"""Receives notifications as others do: over HTTPS, verified by the library of Standard Webhooks.

Usage: check_notifications.py BINARY. Makes a lake in a temporary folder whose channel has two secrets, as it has while one takes
over from the other, has a sample sent and a run told of, and verifies each with either secret.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from endpoints import Endpoint, certificate
from standardwebhooks import Webhook, WebhookVerificationError

REQUIRED = {"specversion": "1.0", "source": "/lakes/hooked", "datacontenttype": "application/json"}


def secret():
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def verify(secrets, headers, body):
    for one in secrets:
        Webhook(one).verify(body, headers)
    for spoilt in (body + b" ", body.replace(b"1.0", b"1.1")):
        try:
            Webhook(secrets[0]).verify(spoilt, headers)
        except WebhookVerificationError:
            continue
        sys.exit("a body that was changed is verified")
    try:
        Webhook(secret()).verify(body, headers)
    except WebhookVerificationError:
        pass
    else:
        sys.exit("another secret verifies")
    names = {name.lower(): value for name, value in headers.items()}
    expected = hmac.new(secrets[0].encode(), body, hashlib.sha256).hexdigest()
    assert names["x-auditlake-signature"] == f"sha256={expected}", names
    assert names["content-type"].startswith("application/cloudevents+json"), names
    event = json.loads(body)
    assert REQUIRED.items() <= event.items(), event
    assert event["id"] == names["webhook-id"], event
    return event


def main(binary):
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "lake"
        subprocess.run([binary, "init", folder], check=True, stdout=subprocess.DEVNULL)
        certificate(folder)
        endpoint = Endpoint(folder)
        secrets = [secret(), secret()]
        definition = folder / "lake.yaml"
        text = "\n".join(
            "lake: hooked" if line.startswith("lake:") else line for line in definition.read_text("utf-8").splitlines()
        )
        definition.write_text(
            f"{text}\nnotify:\n  hook: {{url: \"https://127.0.0.1:{endpoint.port}/al\", secrets: [env:AL_NEW, env:AL_OLD], "
            "body_hmac: true, allow_addresses: [127.0.0.1/32], ca: file:ca.pem, events: [\"run.*\"]}\n",
            "utf-8",
        )
        (folder / "jobs").mkdir(exist_ok=True)
        (folder / "jobs" / "check.yaml").write_text("job: check\nkind: verify\n", "utf-8")
        environment = {**os.environ, "AUDITLAKE_LAKE": str(folder), "AL_NEW": secrets[0], "AL_OLD": secrets[1]}

        def auditlake(*arguments):
            subprocess.run([binary, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)

        auditlake("notify", "test", "hook")
        auditlake("run", "check", "--at", "2026-03-01T00:00:00Z")
        events = [verify(secrets, headers, body) for headers, body in endpoint.got]
        types = [event["type"] for event in events]
        assert types == ["auditlake.notify.test", "auditlake.run.succeeded"], types
        assert events[1]["subject"] == "check@20260301T000000Z", events[1]
        print(f"{len(events)} notifications, verified by the library of Standard Webhooks")


if __name__ == "__main__":
    main(sys.argv[1])
