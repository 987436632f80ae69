/** A description of the local Vault's HTTP interface (OpenAPI 3.1), as it is served at `/openapi.json`. */

const text = { type: 'string' } as const;
const time = { type: 'string', format: 'date-time' } as const;
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const object = (properties: Record<string, unknown>, optional: string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

const json = (schema: unknown) => ({ content: { 'application/json': { schema } } });
const headers = {
  'X-Request-ID': { description: 'Names the request in logs.', required: true, schema: text },
};
const answer = (description: string, schema: unknown) => ({ description, headers, ...json(schema) });

const refusals: Record<string, string> = {
  400: 'Missing, of the wrong form, or refused: the sentence says which.',
  401: 'No API key, or one that is not accepted.',
  404: 'No such object.',
  409: 'The name is taken, or the version is not the current one.',
  413: 'A body of more than 8 MiB.',
  422: 'Of the right form, but beyond a limit, or an organization that there is not.',
  429: 'Too many requests; see Retry-After.',
};

function operation(
  operationId: string,
  summary: string,
  success: [number, string, unknown],
  codes: number[],
  more: Record<string, unknown> = {},
) {
  const [status, description, schema] = success;
  const failures = [401, 429, ...codes].map((code) => [code, answer(refusals[code] ?? '', ref('Error'))]);
  return {
    operationId,
    summary,
    ...more,
    responses: { [status]: answer(description, schema), ...Object.fromEntries(failures) },
  };
}

const body = (schema: unknown) => ({ requestBody: { required: true, ...json(schema) } });
const query = (name: string, schema: unknown, required = false) => ({ name, in: 'query', required, schema });
const inPath = (name: string, description: string, schema: unknown) => ({
  name,
  in: 'path',
  required: true,
  description,
  schema,
});

const id = inPath('id', "The object's ID.", { type: 'string', minLength: 1, maxLength: 256 });
const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same answer for the same key, for 24 hours.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
};
const versionId = { type: 'string', minLength: 1, maxLength: 256 } as const;
const wrappedKeys = { type: 'string', contentEncoding: 'base64', minLength: 4 } as const;
const limit = query('limit', { type: 'integer', minimum: 1, maximum: 100, default: 10 });
const order = query('order', { type: 'string', enum: ['asc', 'desc'] });

/** The description. */
export const openapi: Readonly<Record<string, unknown>> = {
  openapi: '3.1.0',
  info: {
    title: 'workos-vault-edge: the local Vault',
    version: '0.1.0',
    description:
      'What the emulator of WorkOS Vault answers. Not the description of the service, which WorkOS publishes.',
    license: { name: 'MIT OR Apache-2.0', identifier: 'MIT OR Apache-2.0' },
  },
  servers: [{ url: '/' }],
  security: [{ apiKey: [] }],
  paths: {
    '/vault/v1/kv': {
      get: operation(
        'listObjects',
        'Objects, newest first',
        [200, 'A page.', ref('ObjectList')],
        [400, 422],
        {
          parameters: [
            limit,
            query('before', ref('Cursor')),
            query('after', ref('Cursor')),
            order,
            query('search', { ...text, description: 'Part of a name.' }),
            query('updatedAfter', time),
          ],
        },
      ),
      post: operation(
        'createObject',
        'Encrypts a value under the keys of its context and stores it',
        [201, 'It is stored.', ref('ObjectMetadata')],
        [400, 409, 413, 422],
        {
          parameters: [idempotencyKey],
          ...body(
            object({
              name: { type: 'string', minLength: 1, maxLength: 200 },
              value: text,
              key_context: ref('KeyContext'),
            }),
          ),
        },
      ),
    },
    '/vault/v1/kv/name/{name}': {
      get: operation(
        'readObjectByName',
        'An object by its name',
        [200, 'It.', ref('Object')],
        [400, 404, 422],
        {
          parameters: [
            inPath('name', "The object's name.", { type: 'string', minLength: 1, maxLength: 200 }),
          ],
        },
      ),
    },
    '/vault/v1/kv/{id}': {
      parameters: [id],
      get: operation('readObject', 'An object', [200, 'It.', ref('Object')], [400, 404, 422]),
      put: operation(
        'updateObject',
        'Writes a new version',
        [201, 'It is written.', ref('ObjectWithoutValue')],
        [400, 404, 409, 413, 422],
        body(
          object({ value: text, version_check: { type: ['string', 'null'], minLength: 1, maxLength: 256 } }, [
            'version_check',
          ]),
        ),
      ),
      delete: operation(
        'deleteObject',
        'Deletes an object',
        [200, 'It is gone.', object({ name: text, success: { const: true } })],
        [400, 404, 409, 422],
        { parameters: [query('version_check', versionId)] },
      ),
    },
    '/vault/v1/kv/{id}/metadata': {
      parameters: [id],
      get: operation(
        'describeObject',
        'An object without its value',
        [200, 'It.', ref('ObjectWithoutValue')],
        [400, 404, 422],
      ),
    },
    '/vault/v1/kv/{id}/versions': {
      parameters: [id],
      get: operation(
        'listObjectVersions',
        'Versions, newest first',
        [200, 'All of them.', ref('VersionList')],
        [400, 404, 422],
      ),
    },
    '/vault/v1/keys/data-key': {
      post: operation('createDataKey', 'A data key', [200, 'It.', ref('DataKeyPair')], [400, 413, 422], {
        parameters: [idempotencyKey],
        ...body(object({ context: ref('KeyContext') })),
      }),
    },
    '/vault/v1/keys/decrypt': {
      post: operation('decryptDataKey', 'Unwraps a data key', [200, 'It.', ref('DataKey')], [400, 413, 422], {
        parameters: [idempotencyKey],
        ...body(object({ keys: wrappedKeys })),
      }),
    },
    '/vault/v1/keys/rekey': {
      post: operation(
        'createRekey',
        'Wraps a data key for another context',
        [200, 'The same key, wrapped anew.', ref('DataKeyPair')],
        [400, 413, 422],
        {
          parameters: [idempotencyKey],
          ...body(object({ encrypted_keys: wrappedKeys, context: ref('KeyContext') })),
        },
      ),
    },
    '/events': {
      get: operation(
        'listEvents',
        'The audit log, oldest first',
        [200, 'A page.', ref('EventList')],
        [400, 422],
        {
          parameters: [
            {
              ...query(
                'events',
                { type: 'array', items: ref('EventName'), minItems: 1, maxItems: 100 },
                true,
              ),
              style: 'form',
              explode: false,
            },
            limit,
            query('after', { ...text, pattern: '^event_' }),
            order,
            query('range_start', { ...time, pattern: 'Z$' }),
            query('range_end', { ...time, pattern: 'Z$' }),
            query('organization_id', text),
          ],
        },
      ),
    },
  },
  components: {
    securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: sk_…' } },
    schemas: {
      Error: object({ error: text }),
      Cursor: { type: 'string', minLength: 1, maxLength: 256, description: 'As a list gave it.' },
      KeyContext: {
        type: 'object',
        description: 'Which keys encrypt: one for each item.',
        minProperties: 1,
        maxProperties: 10,
        propertyNames: { minLength: 1, maxLength: 120 },
        additionalProperties: { type: 'string', maxLength: 500 },
      },
      ObjectMetadata: object({
        id: text,
        environment_id: text,
        context: ref('KeyContext'),
        key_id: text,
        updated_at: time,
        updated_by: object({ id: text, name: text }),
        version_id: { type: ['string', 'null'] },
      }),
      Object: object({ id: text, name: text, value: text, metadata: ref('ObjectMetadata') }),
      ObjectWithoutValue: object({ id: text, name: text, metadata: ref('ObjectMetadata') }),
      ListMetadata: object({ before: { type: ['string', 'null'] }, after: { type: ['string', 'null'] } }),
      ObjectList: object({
        data: { type: 'array', items: object({ id: text, name: text, updated_at: time }) },
        list_metadata: ref('ListMetadata'),
      }),
      VersionList: object({
        data: {
          type: 'array',
          items: object({
            id: text,
            created_at: time,
            current_version: { type: 'boolean' },
            size: { type: 'integer', minimum: 0 },
            etag: text,
          }),
        },
        list_metadata: ref('ListMetadata'),
      }),
      DataKey: object({ id: text, data_key: { type: 'string', contentEncoding: 'base64' } }),
      DataKeyPair: object({
        id: text,
        data_key: { type: 'string', contentEncoding: 'base64' },
        encrypted_keys: wrappedKeys,
        context: ref('KeyContext'),
      }),
      EventName: { type: 'string', pattern: '^[a-z._]+$', examples: ['vault.data.created'] },
      EventList: object({
        object: { const: 'list' },
        data: {
          type: 'array',
          items: object({
            object: { const: 'event' },
            id: text,
            event: ref('EventName'),
            data: { type: 'object' },
            created_at: time,
          }),
        },
        list_metadata: ref('ListMetadata'),
      }),
    },
  },
};
