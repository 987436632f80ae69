// Spans of the client's requests, through its hooks. No value, key, ID or name is in what hooks are told.
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/**
 * Hooks for a client: `new VaultClient({ apiKey, ...tracing() })`. One span an attempt, a child of what is active when
 * the request is sent; a pause before another attempt is an event of the span before it.
 * @param {import('@opentelemetry/api').Tracer} [tracer]
 * @returns {Required<Pick<import('workos-vault-edge').VaultClientOptions, 'onRequest' | 'onResponse' | 'onRetry'>>}
 */
export function tracing(tracer = trace.getTracer('workos-vault-edge')) {
  /** Attempts under way, by their call. @type {Map<number, import('@opentelemetry/api').Span>} */
  const spans = new Map();
  return {
    onRequest({ call, attempt, operation, method, route }) {
      const span = tracer.startSpan(`${method} ${route}`, {
        kind: SpanKind.CLIENT,
        attributes: {
          'http.request.method': method,
          'url.template': route,
          'http.request.resend_count': attempt - 1,
          'vault.operation': operation,
        },
      });
      spans.set(call, span);
    },
    onResponse({ call, status, requestId, code }) {
      const span = spans.get(call);
      spans.delete(call);
      if (!span) return;
      if (status !== undefined) span.setAttribute('http.response.status_code', status);
      if (requestId !== undefined) span.setAttribute('vault.request_id', requestId);
      if (code !== undefined) {
        span.setAttribute('error.type', code);
        span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      }
      span.end();
    },
    onRetry({ code, delayMs }) {
      trace.getActiveSpan()?.addEvent('vault.retry', { 'error.type': code, 'vault.delay_ms': delayMs });
    },
  };
}
