// The package's files one by one, as bundlers get them, for tests that look inside. What Node loads by the package's name
// is another copy.
import type * as Package from 'workos-vault-edge';

/** One file, by its path in `dist`. */
export const part = (name: string): Promise<unknown> =>
  import(new URL(`../../pkg/dist/${name}.js`, import.meta.url).href);

export const { KeyContext, VaultClient, VaultError } = (await part('entry/inline.client')) as typeof Package;
export type VaultError = Package.VaultError;
