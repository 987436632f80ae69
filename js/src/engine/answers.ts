// Answers that are no success, or not what the API describes: what is wrong with them, as an error.
import { made, type Problem, told, type VaultError, type VaultErrorCode } from '../errors.js';
import { bytesIn, isBase64 } from './base64.js';
import { expected, isAbsent, isMap, read } from './kinds.js';
import { nameOf, OPERATION } from './requests.js';
import { retryAfterMs } from './retries.js';
import { time } from './shapes.js';
import type { Answer } from './transport.js';

/** Finds what is wrong with a value. */
type Check = (value: unknown, path: string, problems: Problem[]) => void;

/** More would be the same again. */
const PROBLEMS_MAX = 10;

function check(what: string, fits: (value: unknown) => boolean): Check {
  return (value, field, problems) => {
    if (!fits(value)) problems.push({ field, message: expected(what, value) });
  };
}

const text = check('a string', (value) => typeof value === 'string');
const flag = check('true or false', (value) => typeof value === 'boolean');
const aTime: Check = (value, field, problems) => {
  if (time(value) !== undefined) return;
  const isText = typeof value === 'string';
  const message = isText
    ? 'expected an RFC 3339 time, got a string that is none'
    : expected('an RFC 3339 time', value);
  problems.push({ field, message });
};
const size = check(
  `a whole number from 0 to ${2 ** 53}`,
  (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 2 ** 53,
);

/** What may be `null`, or not there. */
const optional =
  (its: Check): Check =>
  (value, path, problems) => {
    if (!isAbsent(value)) its(value, path, problems);
  };

const map =
  (fields: Record<string, Check>): Check =>
  (value, path, problems) => {
    if (!isMap(value)) problems.push({ field: path || 'body', message: expected('an object', value) });
    else
      for (const [name, its] of Object.entries(fields))
        its(value[name], path ? `${path}.${name}` : name, problems);
  };

const list =
  (item: Check): Check =>
  (value, path, problems) => {
    if (!Array.isArray(value)) problems.push({ field: path, message: expected('an array', value) });
    else
      for (const [at, one] of value.entries())
        if (problems.length <= PROBLEMS_MAX) item(one, `${path}[${at}]`, problems);
  };

const context: Check = (value, path, problems) =>
  map(isMap(value) ? Object.fromEntries(Object.keys(value).map((name) => [name, text])) : {})(
    value,
    path,
    problems,
  );

/** A data key of 32 bytes: how many it has is told, and nothing else of it. */
const key: Check = (value, field, problems) => {
  text(value, field, problems);
  if (typeof value !== 'string') return;
  const length = bytesIn(value);
  if (length === 32) return;
  const found = length === undefined ? 'text that is not base64' : `${length} bytes`;
  problems.push({ field, message: `expected 32 bytes in base64, got ${found}` });
};

const blob: Check = (value, field, problems) => {
  text(value, field, problems);
  if (value === '') problems.push({ field, message: 'expected wrapped keys, got an empty text' });
  else if (typeof value === 'string' && !isBase64(value))
    problems.push({ field, message: 'expected standard padded base64, as createDataKey returned it' });
};

const metadata = {
  id: text,
  environment_id: text,
  context,
  key_id: text,
  updated_at: aTime,
  version_id: optional(text),
  updated_by: map({ id: text, name: text }),
};
const page = (item: Record<string, Check>) =>
  map({ data: list(map(item)), list_metadata: map({ before: optional(text), after: optional(text) }) });
const described = map({ id: text, name: text, metadata: map(metadata) });
const object = map({ id: text, name: text, value: text, metadata: map(metadata) });
const pair = map({ id: text, data_key: key, encrypted_keys: blob, context });

/** What each operation is answered, by its place in {@link OPERATION}. */
const ANSWERS: readonly Check[] = [
  map(metadata),
  page({ id: text, name: text, updated_at: optional(aTime) }),
  object,
  object,
  described,
  page({ id: text, created_at: aTime, current_version: flag, etag: text, size }),
  described,
  map({ success: flag }),
  pair,
  map({ id: text, data_key: key }),
  pair,
  page({ data: map({}), id: text, event: text, created_at: aTime }),
];

/** What is wrong with a success, where something is. `body` is `undefined` where it was not JSON. */
export function problemsOf(operation: number, body: unknown): Problem[] {
  if (body === undefined) return [{ field: 'body', message: 'it is not JSON' }];
  const problems: Problem[] = [];
  ANSWERS[operation]?.(body, '', problems);
  return problems;
}

const about = ({ status, header }: Answer) => ({ status, requestId: header('x-request-id') });

/** Of a success that is not what the API describes. */
export function malformed(operation: number, answer: Answer): VaultError {
  const problems = problemsOf(operation, answer.body);
  if (problems.length === 0 && operation === OPERATION.deleteObject)
    return made('server_error', 'the service says that the deletion did not succeed', about(answer));
  const message = `the answer is not what the API describes: ${told(problems)}`;
  return made('malformed_response', message, { problems, ...about(answer) });
}

/** Known sentences of the service's, wherever it puts them. */
const SENTENCES: readonly [RegExp, VaultErrorCode][] = [
  [/customer key not accessible/i, 'customer_key_inaccessible'],
  [/marked for deletion/i, 'object_pending_deletion'],
  [/organization(_id)? not found/i, 'organization_not_found'],
  [/maximum key context size exceeded/i, 'key_context_too_large'],
  [/invalid key context/i, 'invalid_key_context'],
  [/version mismatch|item version/i, 'version_mismatch'],
];

const STATUSES: Readonly<Record<number, VaultErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  408: 'timeout',
  409: 'version_mismatch',
  422: 'validation_failed',
  429: 'rate_limited',
};

function codeOf(operation: number, status: number, said: string): VaultErrorCode {
  if (status >= 400 && status < 500 && status !== 401 && status !== 429) {
    const known = SENTENCES.find(([sentence]) => sentence.test(said));
    if (known !== undefined) return known[1];
  }
  if (status === 409 && operation === OPERATION.createObject) return 'name_conflict';
  if (status >= 500 && status < 600) return 'server_error';
  const isRequests = (status >= 400 && status <= 428) || status === 431;
  return STATUSES[status] ?? (isRequests ? 'invalid_request' : 'malformed_response');
}

/** Some text, without what is around it; nothing where there is none. */
function words(value: unknown): string | undefined {
  return (typeof value === 'string' && value.trim()) || undefined;
}

/** The `errors` of WorkOS's other body shape: texts, or objects that name a field and say what is wrong. */
function namedProblems(body: unknown): Problem[] {
  const errors = read(body, 'errors');
  if (!Array.isArray(errors)) return [];
  return errors.slice(0, 20).flatMap((error: unknown) => {
    const [field, ...texts] = [read(error, 'field'), error, read(error, 'message'), read(error, 'code')];
    const message = texts.find((text) => typeof text === 'string');
    return message === undefined
      ? []
      : [{ field: typeof field === 'string' ? field : '', message: message as string }];
  });
}

/** The error that an answer is which is no success, from its status and its body (`{"error"}`, or `{"message"}`, or no
 * JSON at all). */
export function refusal(operation: number, answer: Answer): VaultError {
  const { status, body } = answer;
  const said = ['error', 'message', 'error_description'].map((name) => words(read(body, name))).find(Boolean);
  const silent =
    (status >= 300 && status < 400) || status === 0
      ? 'the service answered with a redirect, which is never followed'
      : body === undefined
        ? 'the service answered with a body that is not JSON'
        : 'the service gave no reason';
  return made(
    codeOf(operation, status, said ?? ''),
    `${nameOf(operation)}: ${said ?? silent} (status ${status})`,
    {
      problems: namedProblems(body),
      retryAfterMs: retryAfterMs(answer.header('retry-after')),
      ...about(answer),
    },
  );
}
