"""Drives a Vault with PyPI's workos, through its public API: every operation, and envelopes both ways.

Usage: drive.py URL API_KEY, with envelopes to read on standard input and ours to be read on standard output (JSON).
"""

import json
import sys

from workos import ConflictError, NotFoundError, WorkOSClient
from workos._errors import AuthenticationError, BadRequestError, UnprocessableEntityError

url, api_key = sys.argv[1:3]
client = WorkOSClient(api_key=api_key, client_id="client_test", base_url=url, max_retries=0)
vault = client.vault
context = {"organization_id": "org_python", "user_id": "user_1"}


def fails(error, call):
    try:
        call()
    except error:
        return
    raise AssertionError(f"expected {error.__name__}")


created = vault.create_kv(name="python/1", value="naïve 🔑", key_context=context)
assert created.context == context and created.version_id, created
fails(ConflictError, lambda: vault.create_kv(name="python/1", value="x", key_context=context))
fails(UnprocessableEntityError, lambda: vault.create_kv(name="x" * 201, value="x", key_context=context))
fails(BadRequestError, lambda: vault.create_kv(name="y", value="x", key_context={"a": 1}))

read = vault.get_kv(created.id)
assert (read.name, read.value, read.metadata.key_id) == ("python/1", "naïve 🔑", created.key_id), read
by_name = vault.get_name("python/1")
assert by_name.id == created.id and by_name.value == read.value
fails(NotFoundError, lambda: vault.get_kv("nothing"))

described = vault.list_kv_metadata(created.id)
assert described.metadata.version_id == created.version_id

updated = vault.update_kv(created.id, value="second", version_check=created.version_id)
assert updated.metadata.version_id != created.version_id
fails(ConflictError, lambda: vault.update_kv(created.id, value="third", version_check=created.version_id))
assert vault.get_kv(created.id).value == "second"

versions = vault.list_kv_versions(created.id)
assert [version.current_version for version in versions.data] == [True, False], versions
assert versions.data[0].size == len("second")

for index in range(12):
    vault.create_kv(name=f"list/{index:02}", value="v", key_context={"tenant": "t"})
page = vault.list_kv(limit=5, search="list/", order="asc")
assert [item.name for item in page.data] == [f"list/{index:02}" for index in range(5)], page.data
assert len(list(page.auto_paging_iter())) == 12

fails(ConflictError, lambda: vault.delete_kv(created.id, version_check=created.version_id))
vault.delete_kv(created.id)
fails(NotFoundError, lambda: vault.get_kv(created.id))

pair = vault.create_data_key(context=context)
assert vault.create_decrypt(keys=pair.encrypted_keys).data_key == pair.data_key
rekeyed = vault.create_rekey(context={"tenant": "other"}, encrypted_keys=pair.encrypted_keys)
assert rekeyed.data_key == pair.data_key and rekeyed.encrypted_keys != pair.encrypted_keys
fails(BadRequestError, lambda: vault.create_decrypt(keys="AAAA"))

names = ["vault.data.created", "vault.data.deleted", "vault.dek.read", "vault.dek.rekeyed", "vault.kek.created"]
events = list(client.events.list_events(events=names, limit=5).auto_paging_iter())
kinds = {event.event for event in events}
assert kinds == set(names), kinds
first = next(event for event in events if event.event == "vault.data.created")
assert (first.data.kv_name, first.data.key_context) == ("python/1", context), first

stranger = WorkOSClient(api_key="sk_test_stranger", client_id="client_test", base_url=url, max_retries=0)
fails(AuthenticationError, lambda: stranger.vault.list_kv())

theirs = json.load(sys.stdin)
for item in theirs:
    text = vault.decrypt(encrypted_data=item["envelope"], associated_data=item["associatedData"])
    assert text == item["text"], item
ours = [
    {"text": text, "associatedData": aad, "envelope": vault.encrypt(data=text, key_context=context, associated_data=aad)}
    for text in ["", "a", "naïve 🔑", "x" * 9000]
    for aad in [None, "row-1"]
]
json.dump(ours, sys.stdout)
