import { expect, test } from 'vitest';
import { createTestVault, type VaultMatchers, vaultMatchers } from 'workos-vault-edge/testing';
import 'workos-vault-edge/cipher';
import { suite } from '../conformance/suite.ts';

declare module 'vitest' {
  interface Matchers<T> extends VaultMatchers<T> {}
}

for (const { name, run } of suite) test(name, async () => run());

expect.extend(vaultMatchers);

test('the matchers', async () => {
  const { vault, leaks } = createTestVault();
  leaks.secret('123-45-6789');
  await expect(vault.readObject({ id: 'none' })).rejects.toBeVaultError('not_found');
  const envelope = await vault.encrypt('123-45-6789', { organization_id: 'org_1' });
  expect(await vault.decrypt(envelope)).toBe('123-45-6789');
  expect(leaks).toHaveNoLeaks();
  console.log('a slip: 123-45-6789');
  expect(leaks).not.toHaveNoLeaks();
  leaks.stop();
});
