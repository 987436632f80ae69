// Answers that are no success, or not what the API describes, as errors.
import { made, type Problem, told, type VaultError, type VaultErrorCode } from '../errors.js';
import { read } from './kinds.js';
import { nameOf, OPERATION } from './requests.js';
import { retryAfterMs } from './retries.js';
import type { Answer } from './transport.js';

const about = ({ status, header }: Answer) => ({ status, requestId: header('x-request-id') });

/** Of a success that is not what the API describes. */
export function malformed(problems: Problem[], answer: Answer): VaultError {
  const message = `the answer is not what the API describes: ${told(problems)}`;
  return made('malformed_response', message, { problems, ...about(answer) });
}

/** Of a deletion that was answered by that it did not succeed. */
export function undeleted(answer: Answer): VaultError {
  return made('server_error', 'the service says that the deletion did not succeed', about(answer));
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
