// A one-time secret: whoever has the link reads it once. In Deno, with no permission but the network and three variables.
import { VaultClient, VaultError } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';

const local = Deno.env.get('WORKOS_API_KEY') ? undefined : new VaultEmulator();
const vault = local
  ? new VaultClient({ apiKey: local.apiKey, fetch: local.fetch })
  : VaultClient.fromEnv({
      WORKOS_API_KEY: Deno.env.get('WORKOS_API_KEY'),
      WORKOS_API_URL: Deno.env.get('WORKOS_API_URL'),
    });
const context = { purpose: 'one-time-secrets' };

async function answer(request: Request): Promise<Response> {
  const [, id] = new URL(request.url).pathname.split('/');
  if (request.method === 'POST' && id === '') {
    const object = await vault.createObject({
      name: crypto.randomUUID(),
      value: await request.text(),
      context,
    });
    return Response.json({ link: `/${object.id}` }, { status: 201 });
  }
  if (request.method === 'GET' && id) {
    const { value, metadata } = await vault.readObject({ id });
    // Under the version just read: of two readers at once, one gets it.
    await vault.deleteObject({ id, versionCheck: metadata.versionId ?? undefined });
    return new Response(value);
  }
  return new Response('POST / with a secret, GET its link once\n', { status: 404 });
}

const server = Deno.serve(
  {
    hostname: '127.0.0.1',
    port: Number(Deno.env.get('PORT') ?? 8000),
    onListen: ({ port }) => console.log(`Listening on http://127.0.0.1:${port}`),
  },
  (request) =>
    answer(request).catch((error: unknown) => {
      if (!(error instanceof VaultError)) throw error;
      console.error(error.code, error.message, error.recovery);
      const gone = error.code === 'not_found' || error.code === 'version_mismatch';
      return new Response(gone ? 'read already, or never there\n' : 'try again later\n', {
        status: gone ? 410 : 503,
      });
    }),
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) Deno.addSignalListener(signal, () => server.shutdown());
