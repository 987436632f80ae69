import { canonicalOf, contextOf } from './engine/requests.js';
import { failed } from './errors.js';
import { type Explanation, explain, isRotationPeriod, ROTATION_FORM } from './explain.js';
import type { KeyContextInput } from './types.js';

/** The period, in UTC, that a date falls in. */
function rotationPeriod(date: Date, every: unknown = 'quarter'): string {
  if (every !== 'year' && every !== 'quarter' && every !== 'month')
    throw failed('invalid_request', 'expected "year", "quarter" or "month"', 'every');
  let year = Number.NaN;
  try {
    year = date.getUTCFullYear();
  } catch {}
  if (!(year >= 0 && year <= 9999))
    throw failed('invalid_request', 'expected a valid Date in the years 0 to 9999', 'date');
  const text = String(year).padStart(4, '0');
  const month = date.getUTCMonth();
  if (every === 'year') return text;
  return every === 'quarter'
    ? `${text}-Q${Math.floor(month / 3) + 1}`
    : `${text}-${String(month + 1).padStart(2, '0')}`;
}

/**
 * An immutable, valid key context, built step by step. Can be passed wherever a context is taken, and to
 * `JSON.stringify`.
 *
 * @example
 * ```ts
 * const context = KeyContext.forOrganization('org_123').withUser('user_456').withRotation('2024-Q1');
 * ```
 */
export class KeyContext {
  readonly #items: Readonly<Record<string, string>>;

  private constructor(items: Record<string, string>) {
    this.#items = Object.freeze(items);
  }

  /** Adds items, each checked by itself first, so that a wrong one is told under its name. */
  static #extend(base: KeyContext | undefined, added: [name: string, value: unknown][]): KeyContext {
    let items = base?.toJSON();
    for (const [name, value] of added) {
      const item = contextOf(Object.fromEntries([[name, value]]));
      const wrong = (message: string) => failed('invalid_key_context', message, `key_context.${name}`);
      if (name === 'rotation_period' && items !== undefined && !isRotationPeriod(item[name] as string))
        throw wrong(ROTATION_FORM);
      if (items !== undefined && Object.hasOwn(items, name)) {
        if (items[name] !== item[name]) throw wrong('this name stands twice; each name may have one value');
      } else items = contextOf(Object.fromEntries([...Object.entries(items ?? {}), ...Object.entries(item)]));
    }
    return new KeyContext(items ?? {});
  }

  /**
   * Checks a plain object.
   * @throws {VaultError} `invalid_key_context` or `key_context_too_large`, naming every entry that is wrong.
   */
  static from(context: KeyContextInput): KeyContext {
    return new KeyContext(contextOf(context));
  }

  /** Keys per organization: `organization_id`. Under it a customer can bring a key of their own. */
  static forOrganization(organizationId: string): KeyContext {
    return KeyContext.#extend(undefined, [['organization_id', organizationId]]);
  }

  /** Keys per tenant of your own making: `tenant_id` and `environment`. */
  static forTenant(tenantId: string, environment: string): KeyContext {
    return KeyContext.#extend(undefined, [
      ['tenant_id', tenantId],
      ['environment', environment],
    ]);
  }

  /** Keys from the top down: `environment`, `service`, `data_classification`. */
  static forService(environment: string, service: string, dataClassification: string): KeyContext {
    return KeyContext.#extend(undefined, [
      ['environment', environment],
      ['service', service],
      ['data_classification', dataClassification],
    ]);
  }

  /** Adds an item of any name. The same item again changes nothing; another value for its name is refused. */
  with(name: string, value: string): KeyContext {
    return KeyContext.#extend(this, [[String(name), value]]);
  }

  /** Adds `user_id`. */
  withUser(userId: string): KeyContext {
    return this.with('user_id', userId);
  }

  /** Adds `resource_type`. */
  withResourceType(resourceType: string): KeyContext {
    return this.with('resource_type', resourceType);
  }

  /** Adds `environment`. */
  withEnvironment(environment: string): KeyContext {
    return this.with('environment', environment);
  }

  /** Adds `service`. */
  withService(service: string): KeyContext {
    return this.with('service', service);
  }

  /** Adds `data_classification`. */
  withClassification(dataClassification: string): KeyContext {
    return this.with('data_classification', dataClassification);
  }

  /**
   * Adds `rotation_period`: a year, quarter or month as text (`2024`, `2024-Q1`, `2024-01`), or the one that a
   * date falls in, in UTC.
   */
  withRotation(period: string | Date, every?: 'year' | 'quarter' | 'month'): KeyContext {
    const text = period instanceof Date ? rotationPeriod(period, every) : period;
    return this.with('rotation_period', text);
  }

  /** Adds `data_residency` and `compliance_framework`. */
  withCompliance(dataResidency: string, complianceFramework: string): KeyContext {
    return KeyContext.#extend(this, [
      ['data_residency', dataResidency],
      ['compliance_framework', complianceFramework],
    ]);
  }

  /** The value of a name. */
  get(name: string): string | undefined {
    return Object.hasOwn(this.#items, name) ? this.#items[name] : undefined;
  }

  /** Whether another context has the same items, in whatever order. */
  equals(other: KeyContextInput): boolean {
    return this.canonical() === canonicalOf(other);
  }

  /** A text that equal contexts share: a JSON object with sorted names. */
  canonical(): string {
    return canonicalOf(this.#items);
  }

  /** See {@link explain}. */
  explain(): Explanation {
    return explain(this.#items);
  }

  /** The items as a plain object, in the order they were given. */
  toJSON(): Record<string, string> {
    return { ...this.#items };
  }

  /** How Node, Deno and Bun print it. */
  [Symbol.for('nodejs.util.inspect.custom')](): Record<string, string> {
    return this.toJSON();
  }
}
