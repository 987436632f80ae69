// Prints the spans of a few calls on a local Vault, one of which is refused twice before it succeeds.
import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { VaultClient } from 'workos-vault-edge';
import { VaultEmulator } from 'workos-vault-edge/emulator';
import { tracing } from './tracing.js';

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
);

const emulator = new VaultEmulator({
  faults: [{ kind: 'status', status: 503, route: 'readObject', next: 2 }],
});
const vault = new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch, ...tracing() });
const { id } = await vault.createObject({ name: 'n', value: 'v', context: { organization_id: 'org_1' } });
await vault.readObject({ id });
await vault.readObject({ id: 'none' }).catch(() => {});

for (const { name, attributes, status } of exporter.getFinishedSpans()) {
  const { 'http.response.status_code': code, 'http.request.resend_count': resend } = attributes;
  console.log(`${name} ${code}${resend ? ` (attempt ${Number(resend) + 1})` : ''} ${status.message ?? 'ok'}`);
}
