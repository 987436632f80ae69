/** The variables that commands take their settings from: the environment's, else those of .env and .dev.vars. */

import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { VaultClient, type VaultClientOptions } from 'workos-vault-edge';
import type { Common } from './io.js';

/** The variables that are read. */
export const names = ['WORKOS_API_KEY', 'WORKOS_CLIENT_ID', 'WORKOS_API_URL'] as const;

export type Name = (typeof names)[number];

/** A variable, and where it was found. */
export interface Found {
  value: string;
  /** `the environment`, or the file's name. */
  from: string;
}

/** Files that are looked into, in the present folder, the first first. */
const files = ['.env', '.dev.vars'];

/** Each variable that is set somewhere. */
export function variables(): Partial<Record<Name, Found>> {
  const found: Partial<Record<Name, Found>> = {};
  const sources: [string, Record<string, string | undefined>][] = [['the environment', process.env]];
  for (const file of files) {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      continue;
    }
    sources.push([file, parseEnv(text) as Record<string, string | undefined>]);
  }
  for (const name of names) {
    for (const [from, source] of sources) {
      const value = source[name];
      if (value !== undefined && value !== '') {
        found[name] = { value, from };
        break;
      }
    }
  }
  return found;
}

/** The variables as `VaultClient.fromEnv` takes them. */
export function environment(common: Common): Partial<Record<Name, string>> {
  const set = Object.fromEntries(Object.entries(variables()).map(([name, { value }]) => [name, value]));
  return common.baseUrl === undefined ? set : { ...set, WORKOS_API_URL: common.baseUrl };
}

/** The client that commands use. */
export function client(common: Common, options?: Partial<VaultClientOptions>): VaultClient {
  return VaultClient.fromEnv(environment(common), options);
}
