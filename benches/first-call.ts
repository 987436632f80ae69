// From its import to the first answer.
import { VaultClient } from 'workos-vault-edge';

const object =
  '{"id":"a","name":"n","value":"v","metadata":{"id":"a","environment_id":"e","context":{"a":"b"},"key_id":"k","updated_at":"2026-01-01T00:00:00Z","updated_by":{"id":"u","name":"U"},"version_id":"v"}}';
const answer = async () => new Response(object, { headers: { 'content-type': 'application/json' } });
export const call = async () =>
  (await new VaultClient({ apiKey: 'sk_test_bench', fetch: answer }).readObject({ id: 'secret_1' })).value;
