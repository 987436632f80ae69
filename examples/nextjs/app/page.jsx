// A server component: it reads the secret, and the page gets what may be shown of it.
import { billing } from '../lib/vault.js';

// At each request, not when the app is built.
export const dynamic = 'force-dynamic';

export default async function Page() {
  const { connected, ends } = await billing();
  return (
    <main>
      <h1>Billing</h1>
      <p>{connected ? `Connected by a key that ends in ${ends}` : 'Not connected'}</p>
    </main>
  );
}
