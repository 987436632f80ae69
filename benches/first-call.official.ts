// From its import to the first answer, of the official SDK.
import { WorkOS } from '@workos-inc/node';

const object =
  '{"id":"a","name":"n","value":"v","metadata":{"id":"a","environment_id":"e","context":{"a":"b"},"key_id":"k","updated_at":"2026-01-01T00:00:00Z","updated_by":{"id":"u","name":"U"},"version_id":"v"}}';
const answer = async () => new Response(object, { headers: { 'content-type': 'application/json' } });
export const call = async () => {
  // Its build for Workers takes no other.
  globalThis.fetch = answer as typeof fetch;
  const { vault } = new WorkOS('sk_test_bench', { fetchFn: answer as typeof fetch });
  return (await vault.readObject({ id: 'secret_1' })).value;
};
