// In Node. Without WORKOS_API_KEY a local Vault answers.
import { serve } from '@hono/node-server';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { makeApp } from './app.js';

const local = process.env.WORKOS_API_KEY ? undefined : new VaultEmulator();
const env = local ? { WORKOS_API_KEY: local.apiKey } : process.env;
const app = makeApp(local ? { fetch: local.fetch } : {});
const server = serve(
  {
    fetch: (request) => app.fetch(request, env),
    hostname: '127.0.0.1',
    port: Number(process.env.PORT ?? 3000),
  },
  ({ port }) => console.log(`Listening on http://127.0.0.1:${port}`),
);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close());
