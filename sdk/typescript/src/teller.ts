/** The client: what Teller can do, by noun. */

import { cut } from "./batches.js";
import { UnexpectedAnswer, apiError, type ApiError } from "./errors.js";
import { follow, type FollowOptions } from "./events.js";
import {
  idOf,
  inPath,
  moneyFields,
  timeQuery,
  wireFields,
  wireItem,
  type BatchItem,
  type CallOptions,
  type CaptureCreate,
  type ClientCreate,
  type ClosureCreate,
  type DepositCreate,
  type GetOptions,
  type HoldCreate,
  type ListOptions,
  type MoneyOptions,
  type Period,
  type Ref,
  type ReleaseCreate,
  type ReversalCreate,
  type SplitCreate,
  type Time,
  type TransferCreate,
  type TransferFilters,
  type WalletCreate,
  type WithdrawalCreate,
} from "./given.js";
import { Http, now, type Answer, type Call, type TellerOptions } from "./http.js";
import { checkedKey, keyOfExternalId } from "./keys.js";
import type {
  ApiKey,
  Balance,
  Client,
  ClientChange,
  ClientChanges,
  Delivery,
  DeliveryFilter,
  Entry,
  Event,
  NewApiKey,
  NewWebhookSecret,
  OpsDatabase,
  OpsProcesses,
  OpsQueue,
  OpsSettings,
  Preview,
  Problem,
  Redelivered,
  Search,
  Statement,
  TransferData,
  Wallet,
  WalletChange,
  WalletChanges,
  WebhookEndpoint,
  WebhookEndpointCreate,
  WebhookEndpointUpdate,
  WebhookEndpointWithSecret,
  WebhookSecret,
} from "./names.js";
import { Pages, type Page } from "./pages.js";
import { lookAt, transferOf, transferPath, waited, type Transfer } from "./transfer.js";
import { verifyWebhook, type VerifyOptions, type WebhookHeaders } from "./webhooks.js";

const LIMIT_MAX = 100; // items of a page

/**
 * Teller, for one key. Keep one of them for the whole program.
 *
 * Calls that move money need a `key`, and are repeated until they are answered, always with the same bytes and the same key. When no
 * answer comes within `retryWithin` seconds they raise OutcomeUnknown: repeat the call with the same key.
 */
export class Teller {
  readonly clients: Clients;
  readonly keys: Keys;
  readonly wallets: Wallets;
  readonly deposits: Deposits;
  readonly withdrawals: Withdrawals;
  readonly transfers: Transfers;
  readonly holds: Holds;
  readonly events: Events;
  readonly ops: Ops;
  readonly webhooks: Webhooks;
  readonly webhookEndpoints: WebhookEndpoints;
  readonly #wire: Wire;

  /** Raises TypeError where `url` or `key` is neither given nor in the environment as TELLER_URL and TELLER_KEY. */
  constructor(options: TellerOptions = {}) {
    const wire = new Wire(new Http(options));
    this.#wire = wire;
    this.clients = new Clients(wire);
    this.keys = new Keys(wire);
    this.wallets = new Wallets(wire);
    this.deposits = new Deposits(wire);
    this.withdrawals = new Withdrawals(wire);
    this.transfers = new Transfers(wire);
    this.holds = new Holds(wire);
    this.events = new Events(wire);
    this.ops = new Ops(wire);
    this.webhooks = new Webhooks(wire);
    this.webhookEndpoints = new WebhookEndpoints(wire);
  }

  /** Send any request, for what this version has no method for. It is repeated like all others. */
  async request(call: Call): Promise<Answer> {
    return await this.#wire.http.send(call.key === undefined ? call : { ...call, key: checkedKey(call.key) });
  }

  /** POST to any route that moves money, with its fields as the API names them: for a verb that has no method here. */
  async submit(path: string, given: Readonly<Record<string, unknown>> & MoneyOptions): Promise<Transfer> {
    return await this.#wire.submit(path, given);
  }

  /**
   * Return what would become of a transfer now, and store nothing: POST to a route that moves money, with its fields as the API names
   * them.
   */
  async preview(path: string, { signal, ...fields }: Readonly<Record<string, unknown>> & CallOptions): Promise<Preview> {
    const call: Call = { method: "POST", path, query: { preview: true }, body: moneyFields(fields), repeatable: true, signal };
    return await this.#wire.send(call);
  }

  /**
   * Return what has just this text as its id, idempotency key, external id or reference: at most 10 of each kind. Clients are found by
   * the beginning of their name too, in any case.
   */
  async search(text: string, { signal }: CallOptions = {}): Promise<Search> {
    return await this.#wire.send({ method: "GET", path: "/v1/search", query: { q: text }, signal });
  }

  /** Any list. */
  list<T>(path: string, query: Readonly<Record<string, unknown>> & ListOptions = {}): Pages<T> {
    return this.#wire.list<T>(path, query);
  }
}

/** What the nouns share. */
class Wire {
  constructor(readonly http: Http) {}

  async get<T>(path: string, options: GetOptions = {}): Promise<T> {
    return (await this.http.send({ method: "GET", path, ...options })).body as T;
  }

  async send<T>(call: Call): Promise<T> {
    return (await this.http.send(call)).body as T;
  }

  async submit(path: string, { key, wait, signal, ...fields }: MoneyOptions): Promise<Transfer> {
    const call: Call = { method: "POST", path, body: moneyFields(fields), key: checkedKey(key), wait, signal };
    const began = now();
    return await this.#waitedSince(began, transferOf(this.http, await this.send(call)), call);
  }

  async transfer(id: string, { wait, signal }: GetOptions): Promise<Transfer> {
    const began = now();
    return await this.#waitedSince(began, await lookAt(this.http, id, { wait, signal }), { wait, signal });
  }

  /** Go on waiting where the answer came earlier than the outcome: Teller waits at most 30 seconds for one request. */
  async #waitedSince(began: number, transfer: Transfer, { wait, signal }: Pick<Call, "wait" | "signal">): Promise<Transfer> {
    const left = (wait ?? 0) - (now() - began);
    return left > 0 ? (await waited(this.http, transfer, left, signal)).transfer : transfer;
  }

  list<T>(path: string, options: ListOptions & object, shape: Shape<T> = {}): Pages<T> {
    const { cursor, signal, limit = LIMIT_MAX, ...query } = options;
    const read = async (from: string | undefined): Promise<Page<T>> => {
      const page = await this.send<Page<T>>({
        method: "GET",
        path,
        query: { ...query, limit, [shape.cursor ?? "cursor"]: from },
        signal,
      });
      if (!Array.isArray(page?.data)) {
        throw new UnexpectedAnswer(`the answer to GET ${path} is no list`);
      }
      return shape.item ? { ...page, data: page.data.map(shape.item) } : page;
    };
    return new Pages<T>(read, cursor);
  }

  transfers(path: string, options: ListOptions & object): Pages<Transfer> {
    return this.list(path, options, { item: (data) => transferOf(this.http, data) });
  }
}

/** How a list differs from the others: the parameter of its cursor, and what its items become. */
interface Shape<T> {
  cursor?: string;
  item?: (data: unknown) => T;
}

class Noun {
  protected readonly wire: Wire;

  constructor(wire: Wire) {
    this.wire = wire;
  }
}

export class Clients extends Noun {
  /**
   * Make a client with its first wallet. With `external_id`, your own id of the client, or with a `key`, the same call again returns the
   * same client. With neither, each call makes another one, and a lost answer raises OutcomeUnknown.
   */
  async create({ key, signal, ...fields }: ClientCreate): Promise<Client> {
    const external = fields.external_id ? await keyOfExternalId(fields.external_id) : undefined;
    const used = key === undefined ? external : checkedKey(key);
    return await this.wire.send({ method: "POST", path: "/v1/clients", body: wireFields(fields), key: used, signal });
  }

  async get(client: Ref, options?: CallOptions): Promise<Client> {
    return await this.wire.get(`/v1/clients/${inPath(client)}`, options);
  }

  /** All clients, newest first; with `external_id` the one of it, with `name` those whose names begin so, in any case. */
  list(options: ListOptions & { external_id?: string | undefined; name?: string | undefined } = {}): Pages<Client> {
    return this.wire.list("/v1/clients", options);
  }

  /**
   * Change its name, `external_id` (null removes it) or metadata, which is replaced as a whole. What is left out stays as it is. A
   * repetition changes nothing. Its changes keep what was there before.
   */
  async update(client: Ref, { signal, ...fields }: ClientChanges & CallOptions): Promise<Client> {
    return await this.wire.send({ method: "PATCH", path: `/v1/clients/${inPath(client)}`, body: wireFields(fields), signal });
  }

  /** The changes of a client, newest first. */
  changes(client: Ref, options: ListOptions = {}): Pages<ClientChange> {
    return this.wire.list(`/v1/clients/${inPath(client)}/changes`, options);
  }
}

/** What runs, what waits, how the database is. For operators and viewers. Answers may be a second old. */
export class Ops extends Noun {
  /** How many transfers wait, for how long, and in which shards. */
  async queue(options?: CallOptions): Promise<OpsQueue> {
    return await this.wire.get("/v1/ops/queue", options);
  }

  /** The processes that have a session of the database. */
  async processes(options?: CallOptions): Promise<OpsProcesses> {
    return await this.wire.get("/v1/ops/processes", options);
  }

  /** The database's size, connections, what waits for locks, what keeps events back, and the last audit. */
  async database(options?: CallOptions): Promise<OpsDatabase> {
    return await this.wire.get("/v1/ops/database", options);
  }

  /** The settings of the API process that answers, without secrets, and its version. */
  async settings(options?: CallOptions): Promise<OpsSettings> {
    return await this.wire.get("/v1/ops/settings", options);
  }
}

/** What a key is for. */
interface KeyName {
  name?: string | undefined;
}

export class Keys extends Noun {
  /**
   * Make a key for a client; `name` says for people what it is for. Only this answer shows it. It is not repeated where it may have made
   * one: OutcomeUnknown is raised then.
   */
  async create(client: Ref, { signal, name }: CallOptions & KeyName = {}): Promise<NewApiKey> {
    const body = name === undefined ? undefined : { name };
    return await this.wire.send({ method: "POST", path: `/v1/clients/${inPath(client)}/keys`, body, signal });
  }

  /** Make a key that reads what an operator's key reads, and moves and changes nothing. Otherwise as `create`. */
  async createViewer({ signal, ...fields }: CallOptions & KeyName = {}): Promise<NewApiKey> {
    return await this.wire.send({ method: "POST", path: "/v1/keys", body: wireFields({ role: "viewer", ...fields }), signal });
  }

  /** The keys of a client, or without one all keys: newest first, revoked ones too. */
  list(client?: Ref, options: ListOptions = {}): Pages<ApiKey> {
    return this.wire.list(client === undefined ? "/v1/keys" : `/v1/clients/${inPath(client)}/keys`, options);
  }

  /** Revoke a key for ever. To revoke it again changes nothing. */
  async revoke(key: Ref, { signal }: CallOptions = {}): Promise<void> {
    await this.wire.send({ method: "DELETE", path: `/v1/keys/${inPath(key)}`, signal });
  }
}

export class Wallets extends Noun {
  /**
   * Make another wallet of a client: it has one a currency. With a `key` the same call again returns the same wallet. Without one it
   * is not repeated where it may have been served: OutcomeUnknown is raised then.
   */
  async create(client: Ref, { key, signal, ...fields }: WalletCreate): Promise<Wallet> {
    const path = `/v1/clients/${inPath(client)}/wallets`;
    const used = key === undefined ? undefined : checkedKey(key);
    return await this.wire.send({ method: "POST", path, body: wireFields(fields), key: used, signal });
  }

  async get(wallet: Ref, options?: CallOptions): Promise<Wallet> {
    return await this.wire.get(`/v1/wallets/${inPath(wallet)}`, options);
  }

  /**
   * Change what a wallet allows. Null ends a freeze and removes a limit; what is left out stays as it is. A repetition changes nothing.
   * After the answer no worker applies anything against it.
   */
  async update(wallet: Ref, { signal, ...fields }: WalletChanges & CallOptions): Promise<Wallet> {
    return await this.wire.send({ method: "PATCH", path: `/v1/wallets/${inPath(wallet)}`, body: wireFields(fields), signal });
  }

  /** The changes of what the wallet allows, newest first. */
  changes(wallet: Ref, options: ListOptions = {}): Pages<WalletChange> {
    return this.wire.list(`/v1/wallets/${inPath(wallet)}/changes`, options);
  }

  /** Close a wallet for ever. It is rejected while the wallet has open holds, or money that the closure does not sweep. */
  async close(wallet: Ref, given: ClosureCreate): Promise<Transfer> {
    return await this.wire.submit(`/v1/wallets/${inPath(wallet)}/close`, given);
  }

  /** The wallet's entries, newest first; with `since` those made then or later, with `until` those made before. */
  entries(wallet: Ref, { since, until, ...options }: ListOptions & Partial<Period> = {}): Pages<Entry> {
    const period = { from: since && timeQuery(since), to: until && timeQuery(until) };
    return this.wire.list(`/v1/wallets/${inPath(wallet)}/entries`, { ...period, ...options });
  }

  /** The balances around a period of at most 366 days, and a page of its entries, oldest first. `next_cursor` goes on after it. */
  async statement(wallet: Ref, { since, until, limit, cursor, signal }: Period & ListOptions): Promise<Statement> {
    const query = { from: timeQuery(since), to: timeQuery(until), limit, cursor };
    return await this.wire.send({ method: "GET", path: `/v1/wallets/${inPath(wallet)}/statement`, query, signal });
  }

  /** The balance and the version just before a time. */
  async balance(wallet: Ref, { at, signal }: CallOptions & { at: Time }): Promise<Balance> {
    return await this.wire.send({
      method: "GET",
      path: `/v1/wallets/${inPath(wallet)}/balance`,
      query: { at: timeQuery(at) },
      signal,
    });
  }

  /** The open holds of the wallet's money, newest first. */
  holds(wallet: Ref, options: ListOptions = {}): Pages<Transfer> {
    return this.wire.transfers(`/v1/wallets/${inPath(wallet)}/holds`, options);
  }
}

export class Deposits extends Noun {
  /** Money from outside into a wallet. */
  async create(given: DepositCreate): Promise<Transfer> {
    return await this.wire.submit("/v1/deposits", given);
  }
}

export class Withdrawals extends Noun {
  /** Money from a wallet to outside. */
  async create(given: WithdrawalCreate): Promise<Transfer> {
    return await this.wire.submit("/v1/withdrawals", given);
  }
}

export class Holds extends Noun {
  /** Reserve money of a wallet for a payee; without a `destination` for outside. `applied` means that it is reserved. */
  async create(given: HoldCreate): Promise<Transfer> {
    return await this.wire.submit("/v1/holds", given);
  }

  /** Give a hold's money, or a part of it, to its payee. Without an amount: all that is left of it. */
  async capture(hold: Ref, given: CaptureCreate): Promise<Transfer> {
    return await this.wire.submit(transferPath(idOf(hold), "/capture"), given);
  }

  /** Give a hold's money, or a part of it, back to its source. Without an amount: all that is left of it. */
  async release(hold: Ref, given: ReleaseCreate): Promise<Transfer> {
    return await this.wire.submit(transferPath(idOf(hold), "/release"), given);
  }
}

export class Transfers extends Noun {
  /** Money from one wallet to another. */
  async create(given: TransferCreate): Promise<Transfer> {
    return await this.wire.submit("/v1/transfers", given);
  }

  /** Money out of several wallets, or into several, as one transfer. It is applied whole or not at all. Both sides have the same sum. */
  async split(given: SplitCreate): Promise<Transfer> {
    return await this.wire.submit("/v1/transfers", given);
  }

  /**
   * Make any number of transfers of any type. The results are in the order of the items: a transfer, or the error that the item's own
   * call would have raised.
   *
   * When this raises, some of the items may have been stored. The same call again, with the same keys, makes only the others.
   */
  async createMany(items: readonly BatchItem[], { signal }: CallOptions = {}): Promise<(Transfer | ApiError)[]> {
    const results: (Transfer | ApiError)[] = [];
    for (const transfers of cut(items.map(wireItem))) {
      const call: Call = { method: "POST", path: "/v1/transfers/batch", body: { transfers }, repeatable: true, signal };
      const answer = await this.wire.send<{ results: BatchResult[] }>(call);
      results.push(...answer.results.map((result) => this.#resultOf(result)));
    }
    return results;
  }

  #resultOf({ status, transfer, problem }: BatchResult): Transfer | ApiError {
    return transfer
      ? transferOf(this.wire.http, transfer)
      : apiError({ status, problem: problem ?? null, requestId: null, retryAfter: null });
  }

  async get(transfer: Ref, options: GetOptions = {}): Promise<Transfer> {
    return await this.wire.transfer(idOf(transfer), options);
  }

  /** Transfers, newest first, that match all of these; with `key` the one that was made with it. Amounts are minor units. */
  list({ wallet, status, type, parent, key, client, created_from, created_to, ...options }: TransferList = {}): Pages<Transfer> {
    const query = {
      wallet_id: wallet && idOf(wallet),
      status,
      type,
      parent_id: parent && idOf(parent),
      idempotency_key: key === undefined ? undefined : checkedKey(key),
      client_id: client && idOf(client),
      ...options,
      created_from: created_from && timeQuery(created_from),
      created_to: created_to && timeQuery(created_to),
    };
    return this.wire.transfers("/v1/transfers", query);
  }

  /** Turn an applied transfer round, whole or in part. Without an amount: all that was not yet reversed. */
  async reverse(transfer: Ref, given: ReversalCreate): Promise<Transfer> {
    return await this.wire.submit(transferPath(idOf(transfer), "/reverse"), given);
  }

  /** Cancel a scheduled or queued transfer. Afterwards it is never applied. To cancel it again changes nothing. */
  async cancel(transfer: Ref, { signal }: CallOptions = {}): Promise<Transfer> {
    const call: Call = { method: "POST", path: transferPath(idOf(transfer), "/cancel"), repeatable: true, signal };
    return transferOf(this.wire.http, await this.wire.send(call));
  }

  /** Your webhook deliveries of a transfer's event, newest first. */
  deliveries(transfer: Ref, options: ListOptions & DeliveryFilter = {}): Pages<Delivery> {
    return this.wire.list(transferPath(idOf(transfer), "/deliveries"), options);
  }
}

type TransferList = ListOptions & TransferFilters;

/** The result of an item of a batch: one of the two is there. */
interface BatchResult {
  readonly status: number;
  readonly transfer?: TransferData | null;
  readonly problem?: Problem | null;
}

export class Events extends Noun {
  async get(event: Ref, options?: CallOptions): Promise<Event> {
    return await this.wire.get(`/v1/events/${inPath(event)}`, options);
  }

  /** The events so far, oldest first, after the one with the id `after`. */
  list({ after, ...options }: Omit<ListOptions, "cursor"> & { after?: string | undefined } = {}): Pages<Event> {
    return this.wire.list("/v1/events", { ...options, ...(after === undefined ? {} : { cursor: after }) }, { cursor: "after" });
  }

  /** Every event, once, oldest first, for ever: see {@link FollowOptions}. Store the id of each that you have processed. */
  follow(options: FollowOptions = {}): AsyncGenerator<Event, void, undefined> {
    return follow(this.wire.http, options);
  }
}

export class Webhooks extends Noun {
  /** Return the event of a webhook that one of the secrets has signed; raises SignatureError for any other. No network. */
  async verify(body: string | Uint8Array | ArrayBuffer, headers: WebhookHeaders, options: VerifyOptions): Promise<Event> {
    return await verifyWebhook(body, headers, options);
  }

  /** When the secret for your callback URLs was made. */
  async secret(options?: CallOptions): Promise<WebhookSecret> {
    return await this.wire.get("/v1/webhook-secret", options);
  }

  /** Make a new one, which only this answer shows. Not repeated where it may have been served: OutcomeUnknown is raised then. */
  async rotateSecret({ signal }: CallOptions = {}): Promise<NewWebhookSecret> {
    return await this.wire.send({ method: "POST", path: "/v1/webhook-secret/rotate", signal });
  }

  /** Make a delivery due now, in any status. It sends the same event with the same id. */
  async redeliver(delivery: Ref, { signal }: CallOptions = {}): Promise<Delivery> {
    return await this.wire.send({ method: "POST", path: `/v1/deliveries/${inPath(delivery)}/redeliver`, repeatable: true, signal });
  }
}

export class WebhookEndpoints extends Noun {
  /** Make an endpoint. Only this answer shows its secret. Not repeated where it may have made one: OutcomeUnknown is raised then. */
  async create({ signal, ...fields }: WebhookEndpointCreate & CallOptions): Promise<WebhookEndpointWithSecret> {
    return await this.wire.send({ method: "POST", path: "/v1/webhook-endpoints", body: wireFields(fields), signal });
  }

  async get(endpoint: Ref, options?: CallOptions): Promise<WebhookEndpoint> {
    return await this.wire.get(`/v1/webhook-endpoints/${inPath(endpoint)}`, options);
  }

  list(options: ListOptions = {}): Pages<WebhookEndpoint> {
    return this.wire.list("/v1/webhook-endpoints", options);
  }

  /** Change the fields that are given. */
  async update(endpoint: Ref, { signal, ...fields }: WebhookEndpointUpdate & CallOptions): Promise<WebhookEndpoint> {
    const path = `/v1/webhook-endpoints/${inPath(endpoint)}`;
    return await this.wire.send({ method: "PATCH", path, body: wireFields(fields), signal });
  }

  async delete(endpoint: Ref, { signal }: CallOptions = {}): Promise<void> {
    await this.wire.send({ method: "DELETE", path: `/v1/webhook-endpoints/${inPath(endpoint)}`, signal });
  }

  /**
   * Give it a new secret, which only this answer shows. The previous one signs too for 24 hours, older ones never. So it is not
   * repeated where it may have been served: OutcomeUnknown is raised then.
   */
  async rotateSecret(endpoint: Ref, { signal }: CallOptions = {}): Promise<WebhookEndpointWithSecret> {
    return await this.wire.send({ method: "POST", path: `/v1/webhook-endpoints/${inPath(endpoint)}/rotate-secret`, signal });
  }

  /** The deliveries to an endpoint, newest first. */
  deliveries(endpoint: Ref, options: ListOptions & DeliveryFilter = {}): Pages<Delivery> {
    return this.wire.list(`/v1/webhook-endpoints/${inPath(endpoint)}/deliveries`, options);
  }

  /** Make all deliveries that have failed or were canceled since then due now. Returns how many. */
  async redeliver(endpoint: Ref, { since, signal }: CallOptions & { since: string | Date }): Promise<number> {
    const path = `/v1/webhook-endpoints/${inPath(endpoint)}/redeliver`;
    for (let count = 0; ;) {
      const done = await this.wire.send<Redelivered>({
        method: "POST",
        path,
        body: wireFields({ since }),
        repeatable: true,
        signal,
      });
      count += done.count;
      if (!done.has_more) {
        return count;
      }
    }
  }
}
