// In Node: the local Vault answers in process, in place of fetch.
import { env, localVault } from './local-vault.js';
import { run } from './steps.js';

const passed = await run({ runtime: 'Node', env, fetch: localVault.fetch, print: console.log });
process.exitCode = passed ? 0 : 1;
