import { CoreEmulator } from '../wasm/emulator/emulator.js';

/** A customer-managed key (BYOK) of an organization. */
export interface CustomerKey {
  /** The organization that brings it. */
  organizationId: string;
  /** Where it is kept. */
  provider: 'AWS_KMS' | 'GCP_KMS' | 'AZURE_KEY_VAULT';
  /** Whether the Vault may use it at first. Default: true. */
  accessible?: boolean;
}

/** How a {@link VaultEmulator} behaves. */
export interface VaultEmulatorOptions {
  /** Accepted API keys, each starting with `sk_`. Default: `['sk_test_emulator']`. */
  apiKeys?: string[];
  /** Organizations that exist; any other in a context is "organization_id not found". Default: all exist. */
  organizations?: string[];
  /** Customer-managed keys. */
  customerKeys?: CustomerKey[];
  /** How long a deleted object's name stays taken, in milliseconds. Default: 0. */
  recoveryPeriodMs?: number;
}

/**
 * A WorkOS Vault in memory, to develop and test against: the service's wire format, real envelope encryption,
 * versions, locks. Lives in this process; nothing leaves it.
 *
 * @example
 * ```ts
 * const emulator = new VaultEmulator();
 * const vault = new VaultClient({ apiKey: emulator.apiKey, fetch: emulator.fetch });
 * ```
 */
export class VaultEmulator {
  /** The first accepted API key. */
  readonly apiKey: string;
  readonly #core: CoreEmulator;
  #aheadMs = 0;

  /** @throws {Error} Naming the option that is wrong. */
  constructor(options: VaultEmulatorOptions = {}) {
    // JSON would turn NaN and Infinity into null, which stands for a default.
    const text = JSON.stringify(options, (_, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
    );
    this.#core = new CoreEmulator(text ?? 'null', Date.now());
    this.apiKey = options.apiKeys?.[0] ?? 'sk_test_emulator';
  }

  /** A `fetch` that this Vault answers, whatever the host. Can be passed on without its object. */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    return (await this.#core.fetch(request, Date.now() + this.#aheadMs)) as Response;
  };

  /** How many objects there are. */
  get objectCount(): number {
    return this.#core.objectCount;
  }

  /** Sets the Vault's clock ahead, by milliseconds. */
  advance(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError('ms: expected milliseconds, 0 or more');
    this.#aheadMs += ms;
  }

  /** Gives or takes away the Vault's access to an organization's customer-managed key. */
  setCustomerKeyAccess(organizationId: string, accessible: boolean): void {
    this.#core.setCustomerKeyAccess(organizationId, accessible);
  }

  /** Deletes an organization's customer-managed key: what it wrapped can never be read again. */
  deleteCustomerKey(organizationId: string): void {
    this.#core.deleteCustomerKey(organizationId);
  }
}
