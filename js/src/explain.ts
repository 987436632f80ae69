// What a key context does, in words: which keys, which isolation, whose keys, and what looks like a slip.
import { contextOf } from './engine/requests.js';
import type { KeyContextInput } from './types.js';

/** How data is kept apart. */
export type Isolation =
  | 'organization'
  | 'organization_user'
  | 'organization_resource'
  | 'tenant'
  | 'hierarchy'
  | 'custom';

/** A key-encrypting key that a context calls for. */
export interface Kek {
  /** The item's name. */
  name: string;
  /** The item's value. */
  value: string;
  /** Whether a customer-managed key can stand in for it. */
  customerKeyCanApply: boolean;
}

/** Something that is allowed and yet looks wrong. */
export interface Lint {
  /** `warning`: very likely a mistake. `note`: worth a look. */
  level: 'warning' | 'note';
  /** A stable name for the kind of lint. */
  code:
    | 'misspelled_name'
    | 'organization_id_form'
    | 'rotation_form'
    | 'looks_secret'
    | 'looks_personal'
    | 'empty_value'
    | 'outer_space'
    | 'near_item_limit';
  /** Where: `key_context.organizationId`. */
  field: string;
  /** What, and what to do. */
  message: string;
}

/** What a key context does. */
export interface Explanation {
  /** One key-encrypting key an item, in canonical order. */
  keks: Kek[];
  /** How data is kept apart. */
  isolation: Isolation;
  /** Design patterns on top. */
  patterns: ('rotation' | 'compliance' | 'hierarchy')[];
  /**
   * `customer_if_configured`: the organization's own key where it has one, else WorkOS's.
   * `workos`: WorkOS's, always, because the context has no `organization_id`.
   */
  keyOwner: 'customer_if_configured' | 'workos';
  /** What looks like a slip, gravest first. */
  lints: Lint[];
}

/** Names that are often spelled otherwise, and how, squeezed to lower-case letters. */
const SPELLINGS: readonly [right: string, wrong: readonly string[]][] = [
  ['organization_id', ['organizationid', 'organisationid', 'orgid', 'organization', 'organisation', 'org']],
  ['user_id', ['userid', 'user', 'uid']],
  ['tenant_id', ['tenantid', 'tenant']],
  ['resource_type', ['resourcetype']],
  ['data_classification', ['dataclassification', 'classification']],
  ['rotation_period', ['rotationperiod', 'rotation']],
];

const ITEMS_MAX = 10;
/** From so many items on it is told how many are left. */
const ITEMS_MANY = 9;

/** A year, a quarter or a month: `2024`, `2024-Q1`, `2024-01`. */
export const isRotationPeriod = (text: string) => /^\d{4}(-(Q[1-4]|0[1-9]|1[0-2]))?$/.test(text);
export const ROTATION_FORM = 'expected a year, a quarter or a month: 2024, 2024-Q1 or 2024-01';

/** Prefixes of well-known credentials, private keys. */
const SECRET =
  /^(sk_|rk_|sk-|ghp_|gho_|ghs_|github_pat_|glpat-|xoxb-|xoxp-|AKIA|AIza|-----BEGIN|Bearer ).{8}/s;
/** What says of itself that it is one. */
const SAYS_SO = /(password|passwd|secret|api_key)=/i;

function looksSecret(value: string): boolean {
  const isToken = value.startsWith('eyJ') && value.split('.').length === 3 && value.length > 40;
  return isToken || SAYS_SO.test(value) || SECRET.test(value);
}

/** An e-mail address, a US social security number, a card number, a telephone number. */
function looksPersonal(value: string): boolean {
  const digits = value.replace(/\D/g, '');
  const isMail = /^[^\s@]+@[^\s.][^\s]*\.[^\s]*[^\s.]$/.test(value);
  const isSocialSecurity = /^\d{3}-\d{2}-\d{4}$/.test(value);
  const isCard =
    /^[\d -]+$/.test(value) && digits.length >= 13 && digits.length <= 19 && hasCheckDigit(digits);
  const isTelephone = /^\+[\d+ ()-]*$/.test(value) && digits.length >= 8 && digits.length <= 15;
  return isMail || isSocialSecurity || isCard || isTelephone;
}

/** The check digit of payment cards (ISO/IEC 7812-1, annex B). */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (const [at, digit] of [...digits].reverse().entries()) {
    const weighed = Number(digit) * (1 + (at % 2));
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return sum % 10 === 0;
}

function lintsOf(context: Record<string, string>): Lint[] {
  const lints: Lint[] = [];
  for (const [name, value] of Object.entries(context)) {
    const add = (level: Lint['level'], code: Lint['code'], message: string) =>
      lints.push({ level, code, field: `key_context.${name}`, message });
    const squeezed = name.replace(/[^A-Za-z0-9]/g, '').toLowerCase();
    for (const [right, wrong] of SPELLINGS) {
      if (name === right || !wrong.includes(squeezed)) continue;
      const consequence =
        right === 'organization_id'
          ? "Under this name a customer's own key is silently not used."
          : 'Another name is another key.';
      add('warning', 'misspelled_name', `did you mean ${right}? ${consequence}`);
    }
    if (name === 'organization_id' && !value.startsWith('org_'))
      add(
        'note',
        'organization_id_form',
        'WorkOS organization IDs start with org_; the service answers "organization_id not found" to one it does not know',
      );
    if (name === 'rotation_period' && !isRotationPeriod(value))
      add('warning', 'rotation_form', ROTATION_FORM);
    if (looksSecret(value))
      add(
        'warning',
        'looks_secret',
        'the value looks like a secret; key contexts are stored and logged in the clear',
      );
    else if (looksPersonal(value))
      add(
        'warning',
        'looks_personal',
        'the value looks like a personal datum; use an opaque ID, as key contexts are stored and logged in the clear',
      );
    if (value === '') add('note', 'empty_value', 'the value is empty; is a variable not set?');
    else if (value.trim() !== value || name.trim() !== name)
      add('note', 'outer_space', 'spaces at the ends count: this is another key than without them');
  }
  const { length } = Object.keys(context);
  if (length >= ITEMS_MANY)
    lints.push({
      level: 'note',
      code: 'near_item_limit',
      field: 'key_context',
      message: `${length} of at most ${ITEMS_MAX} items are in use`,
    });
  return [...lints.filter(({ level }) => level !== 'note'), ...lints.filter(({ level }) => level === 'note')];
}

function isolationOf(has: (name: string) => boolean): Isolation {
  if (has('organization_id')) {
    if (has('user_id')) return has('resource_type') ? 'custom' : 'organization_user';
    return has('resource_type') ? 'organization_resource' : 'organization';
  }
  if (has('tenant_id')) return 'tenant';
  return LEVELS.some(has) ? 'hierarchy' : 'custom';
}

/** From the top down. */
const LEVELS = ['environment', 'service', 'data_classification'] as const;

/** By Unicode code points, as core sorts. */
function byCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (const [at, one] of left.entries()) {
    const other = right[at];
    if (one !== other) return (one.codePointAt(0) as number) - (other?.codePointAt(0) ?? -1);
  }
  return left.length - right.length;
}

/**
 * Explains what a context does: which keys, which isolation, whose keys, and what looks like a slip.
 * @throws {VaultError} `invalid_key_context` or `key_context_too_large`, naming every entry that is wrong.
 */
export function explain(context: KeyContextInput): Explanation {
  const items = contextOf(context);
  const has = (name: string) => Object.hasOwn(items, name);
  const patterns: Explanation['patterns'] = [];
  if (has('rotation_period')) patterns.push('rotation');
  if (has('data_residency') || has('compliance_framework')) patterns.push('compliance');
  if (LEVELS.filter(has).length > 1) patterns.push('hierarchy');
  const sorted = Object.entries(items).sort(([a], [b]) => byCodePoints(a, b));
  return {
    keks: sorted.map(([name, value]) => ({ name, value, customerKeyCanApply: name === 'organization_id' })),
    isolation: isolationOf(has),
    patterns,
    keyOwner: has('organization_id') ? 'customer_if_configured' : 'workos',
    lints: lintsOf(items),
  };
}
