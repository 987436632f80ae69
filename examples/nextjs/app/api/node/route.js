// On Node: the same code.
import { billing, tenant } from '../../../lib/vault.js';

export const runtime = 'nodejs';
export const dynamic = 'force-dynamic';

export async function GET() {
  return Response.json(await billing());
}

export async function PUT(request) {
  const value = await request.text();
  await tenant.modifyObject({ name: 'org_acme/billing' }, () => value);
  return Response.json(await billing());
}
