// A Worker with the module in its file, which asks it for what is not plain.
import { VaultClient } from 'workos-vault-edge/inline';

const fetch = async (url: string) => Response.json({ error: new URL(url).pathname }, { status: 404 });
const vault = new VaultClient({ apiKey: 'sk_test_inline', fetch });

export default {
  fetch: async () => {
    const said = (call: Promise<unknown>) => call.catch((error: Error) => error.message);
    return Response.json([
      await said(vault.readObject({ id: 'secret_1' })),
      await said(vault.readObjectByName('a b')),
    ]);
  },
};
