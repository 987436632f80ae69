import {
  canonicalContext,
  checkContext,
  explainContext,
  extendContext,
  rotationPeriod,
} from '../wasm/client/client.js';
import { checked } from './errors.js';
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

/**
 * Explains what a context does: which keys, which isolation, whose keys, and what looks like a slip.
 * @throws {VaultError} `invalid_key_context` or `key_context_too_large`, naming every entry that is wrong.
 */
export function explain(context: KeyContextInput): Explanation {
  return checked(() => explainContext(context) as Explanation);
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

  private constructor(items: unknown) {
    this.#items = Object.freeze(items as Record<string, string>);
  }

  static #extend(base: KeyContext | undefined, names: string[], values: unknown[]): KeyContext {
    return new KeyContext(checked(() => extendContext(base, names, values)));
  }

  /**
   * Checks a plain object.
   * @throws {VaultError} `invalid_key_context` or `key_context_too_large`, naming every entry that is wrong.
   */
  static from(context: KeyContextInput): KeyContext {
    return new KeyContext(checked(() => checkContext(context)));
  }

  /** Keys per organization: `organization_id`. Under it a customer can bring a key of their own. */
  static forOrganization(organizationId: string): KeyContext {
    return KeyContext.#extend(undefined, ['organization_id'], [organizationId]);
  }

  /** Keys per tenant of your own making: `tenant_id` and `environment`. */
  static forTenant(tenantId: string, environment: string): KeyContext {
    return KeyContext.#extend(undefined, ['tenant_id', 'environment'], [tenantId, environment]);
  }

  /** Keys from the top down: `environment`, `service`, `data_classification`. */
  static forService(environment: string, service: string, dataClassification: string): KeyContext {
    const names = ['environment', 'service', 'data_classification'];
    return KeyContext.#extend(undefined, names, [environment, service, dataClassification]);
  }

  /** Adds an item of any name. The same item again changes nothing; another value for its name is refused. */
  with(name: string, value: string): KeyContext {
    return KeyContext.#extend(this, [String(name)], [value]);
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
    const text = period instanceof Date ? checked(() => rotationPeriod(period, every)) : period;
    return this.with('rotation_period', text);
  }

  /** Adds `data_residency` and `compliance_framework`. */
  withCompliance(dataResidency: string, complianceFramework: string): KeyContext {
    return KeyContext.#extend(
      this,
      ['data_residency', 'compliance_framework'],
      [dataResidency, complianceFramework],
    );
  }

  /** The value of a name. */
  get(name: string): string | undefined {
    return Object.hasOwn(this.#items, name) ? this.#items[name] : undefined;
  }

  /** Whether another context has the same items, in whatever order. */
  equals(other: KeyContextInput): boolean {
    return this.canonical() === checked(() => canonicalContext(other));
  }

  /** A text that equal contexts share: a JSON object with sorted names. */
  canonical(): string {
    return checked(() => canonicalContext(this.#items));
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
