// What must, and must not, type-check in a user's project. Checked, never run.
import {
  type Bytes,
  type DataKeyPair,
  explain,
  KeyContext,
  type ObjectMetadata,
  type ObjectPage,
  type ObjectSummary,
  type ScopedVaultClient,
  VaultClient,
  VaultError,
  type VaultErrorCode,
  type VaultObject,
} from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Equal<A, B>): void {}

export async function usage(env: { WORKOS_API_KEY: string; DB: object }): Promise<void> {
  const emulator = new VaultEmulator({ customerKeys: [{ organizationId: 'org_1', provider: 'AWS_KMS' }] });
  const vault = new VaultClient({ apiKey: 'sk_test_x', fetch: emulator.fetch });
  new VaultClient({ apiKey: 'sk_test_x', fetch });
  VaultClient.fromEnv(env, { timeoutMs: 5 });
  VaultClient.fromEnv();
  const context = KeyContext.forOrganization('org_1').withRotation(new Date(), 'month');

  const metadata = await vault.createObject({ name: 'n', value: 'v', context });
  same<typeof metadata, ObjectMetadata>(true);
  await vault.createObject(
    { name: 'n', value: new Uint8Array(), context: { a: 'b' } },
    { signal: AbortSignal.timeout(5) },
  );
  // @ts-expect-error a context is required
  await vault.createObject({ name: 'n', value: 'v' });
  // @ts-expect-error values of a context are strings
  await vault.createObject({ name: 'n', value: 'v', context: { a: 1 } });
  // @ts-expect-error a value is text or bytes
  await vault.createObject({ name: 'n', value: 1, context });

  const text = await vault.readObject({ id: 'a' });
  same<typeof text, VaultObject<string>>(true);
  const bytes = await vault.readObject({ id: 'a', as: 'bytes' });
  same<typeof bytes.value, Uint8Array<ArrayBuffer>>(true);
  const named = await vault.readObjectByName({ name: 'n', as: 'bytes' });
  same<typeof named.value, Uint8Array<ArrayBuffer>>(true);
  const byName = await vault.readObjectByName('n');
  same<typeof byName.value, string>(true);
  const form = Math.random() > 0.5 ? 'text' : 'bytes';
  const either = await vault.readObject({ id: 'a', as: form });
  same<typeof either.value, string | Uint8Array<ArrayBuffer>>(true);
  await crypto.subtle.importKey('raw', bytes.value, 'AES-GCM', false, ['encrypt']);
  // @ts-expect-error text or bytes
  await vault.readObject({ id: 'a', as: 'json' });
  const described = await vault.describeObject({ id: 'a' });
  same<typeof described.value, undefined>(true);
  await vault.updateObject({ id: 'a', value: 'v', versionCheck: metadata.versionId });

  const page = await vault.listObjects({ limit: 5, updatedAfter: new Date() });
  same<typeof page, ObjectPage>(true);
  for await (const object of vault.listObjects()) same<typeof object, ObjectSummary>(true);
  for await (const object of page) same<typeof object, ObjectSummary>(true);
  // @ts-expect-error ascending or descending
  await vault.listObjects({ order: 'up' });

  await vault.modifyObject({ id: 'a' }, ({ value }) => value.toUpperCase());
  await vault.modifyObject({ name: 'n', as: 'bytes' }, async ({ value }) => value.slice(1));
  // @ts-expect-error an ID or a name
  await vault.modifyObject({}, ({ value }) => value);

  const tenant: ScopedVaultClient = vault.forOrganization('org_1').scoped({ user_id: 'u' });
  await tenant.createObject({ name: 'n', value: 'v' });
  await tenant.createObject({ name: 'n', value: 'v', context: { a: 'b' } });
  const pair = await tenant.createDataKey();
  same<typeof pair, DataKeyPair>(true);
  // @ts-expect-error a scoped client cannot check whose a data key is
  await tenant.decryptDataKey({ keys: pair.encryptedKeys });
  // @ts-expect-error outside a scope the context is required
  await vault.createDataKey();
  // @ts-expect-error outside a scope the context is required
  await vault.createRekey({ encryptedKeys: '' });

  try {
    await vault.deleteObject({ id: 'a' });
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    same<typeof error.code, VaultErrorCode>(true);
    same<typeof error.status, number | undefined>(true);
    // @ts-expect-error no such code
    if (error.code === 'nope') throw error;
  }
  const events = await vault.listEvents({ events: ['vault.data.read', 'vault.names.listed'] });
  for (const event of events.data) {
    same<typeof event.event, 'vault.data.read' | 'vault.names.listed'>(true);
    if (event.event === 'vault.data.read') same<typeof event.data.kvName, string>(true);
    // @ts-expect-error a list has no name
    else event.data.kvName;
  }
  // @ts-expect-error no such event
  await vault.listEvents({ events: ['vault.data.written'] });

  const file = new Blob(['x']).stream().pipeThrough(vault.encryptStream(context, { chunkSize: 4096 }));
  same<typeof file, ReadableStream<Bytes>>(true);
  file.pipeThrough(vault.decryptStream({ associatedData: 'a' }));
  new VaultClient({
    apiKey: 'sk_test_types',
    dataKeyCache: { maxAgeMs: 1, maxMessages: 1, maxBytes: 1 },
    cipher: 'webcrypto',
  }).close();
  // @ts-expect-error the bounds are required
  new VaultClient({ apiKey: 'sk_test_types', dataKeyCache: { maxAgeMs: 1 } });
  same<ReturnType<typeof vault.isStale>, boolean | undefined>(true);

  for (const lint of explain(context).lints) same<typeof lint.level, 'warning' | 'note'>(true);
}
