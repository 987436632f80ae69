// As a Cloudflare Worker: the key comes from `env`, requests go out by the global fetch.
import { run } from './steps.js';

export default {
  /**
   * @param {Request} _request
   * @param {import('workos-vault-edge').VaultEnvironment} env
   */
  async fetch(_request, env) {
    /** @type {string[]} */
    const lines = [];
    const passed = await run({ runtime: 'workerd', env, print: (line) => lines.push(line) });
    return Response.json({ passed, lines });
  },
};
