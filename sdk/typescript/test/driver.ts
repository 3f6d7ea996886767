/**
 * The driver of the TypeScript SDK for the shared cases. sdk/cases/README.md says what it reads and writes.
 *
 * It uses the package as a program does: by its name, from dist.
 */

import { createInterface } from "node:readline";
import {
  ApiError,
  NotFinal,
  OutcomeUnknown,
  Rejected,
  Teller,
  type Attempt,
  type BatchItem,
  type Call,
  type TellerOptions,
} from "teller-client";

type Fields = Record<string, unknown>;

interface Asked {
  id: number;
  url: string;
  key: string;
  options: Fields;
  call: string;
  args: Fields;
  then?: Record<string, Fields>;
}

const OPTIONS: Readonly<Record<string, keyof TellerOptions | null>> = {
  retry_within_s: "retryWithin",
  read_timeout_s: "readTimeout",
  backoff_s: "backoff",
  connect_timeout_s: null, // fetch has no such limit
};
const ABOUT = ["id", "client", "delivery", "path", "text"]; // what a function is about is its first argument
const NAMES: Readonly<Record<string, string>> = {
  // of the wire, and of this package where it has shorter ones
  idempotency_key: "key",
  wallet_id: "wallet",
  source_wallet_id: "source",
  destination_wallet_id: "destination",
  parent_id: "parent",
  client_id: "client", // as a filter; `client` is what a function is about
  poll: "every",
};
const TIMES = ["scheduled_for"];
const METHODS: Readonly<Record<string, string>> = { raise_for_rejection: "throwIfRejected" };

/** A webhook, and the time at which it is verified, in seconds. */
interface Webhook {
  body: string;
  headers: Record<string, string>;
  secrets: string[];
  tolerance?: number;
  now?: number;
}

/** A client of its own for each call, so that its hook reports that call alone. */
async function perform(asked: Asked): Promise<Fields> {
  const hook: Fields[] = [];
  const options: Fields = { url: asked.url, key: asked.key };
  for (const [name, value] of Object.entries(asked.options)) {
    const own = OPTIONS[name];
    if (own === undefined) {
      throw new Error(`the driver does not know the option ${name}`);
    }
    if (own !== null) {
      options[own] = value;
    }
  }
  const onRequest = ({ method, path, status, attempt }: Attempt): void => {
    hook.push({ method, path, status, attempt });
  };
  try {
    let found = await result(new Teller({ ...options, onRequest }), asked);
    for (const [name, given] of Object.entries(asked.then ?? {})) {
      found = await method(found, METHODS[name] ?? camel(name))(given);
    }
    return { ok: wire(await drained(found, asked.args["take"])), hook };
  } catch (error) {
    return { error: fieldsOf(error), hook };
  }
}

async function result(teller: Teller, { call, args }: Asked): Promise<unknown> {
  if (call === "request") {
    return (await teller.request(args as unknown as Call)).body;
  }
  if (call === "transfers.create_many") {
    return await teller.transfers.createMany((args["items"] as Fields[]).map(own) as unknown as BatchItem[]);
  }
  if (call === "webhooks.verify") {
    const { body, headers, secrets, tolerance, now } = args as unknown as Webhook;
    return await teller.webhooks.verify(body, headers, {
      secrets,
      ...(tolerance === undefined ? {} : { tolerance }),
      ...(now === undefined ? {} : { now: new Date(now * 1000) }),
    });
  }
  const { take: _, ...given } = args;
  const about = ABOUT.filter((name) => name in given).map((name) => given[name]);
  if (call === "keys.list" && about.length === 0) {
    about.push(undefined); // of no client: all keys
  }
  const named = own(Object.fromEntries(Object.entries(given).filter(([name]) => !ABOUT.includes(name))));
  const path = call.split(".").map(camel);
  const noun = path.slice(0, -1).reduce<unknown>((at, name) => (at as Fields)[name], teller);
  return await method(noun, path.at(-1) ?? "")(...about, named);
}

function method(of: unknown, name: string): (...args: unknown[]) => unknown {
  const found = (of as Fields)[name];
  if (typeof found !== "function") {
    throw new Error(`there is no ${name}`);
  }
  return found.bind(of) as (...args: unknown[]) => unknown;
}

function own(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [NAMES[name] ?? name, TIMES.includes(name) ? new Date(value as string) : value]),
  );
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

async function drained(found: unknown, take: unknown): Promise<unknown> {
  if (typeof found !== "object" || found === null || !(Symbol.asyncIterator in found)) {
    return found;
  }
  const items: unknown[] = [];
  if (take !== 0) {
    for await (const item of found as AsyncIterable<unknown>) {
      items.push(item);
      if (items.length === take) {
        break;
      }
    }
  }
  return items;
}

function wire(found: unknown): unknown {
  if (Array.isArray(found)) {
    return found.map(wire);
  }
  return found instanceof ApiError ? found.problem : (found ?? null);
}

function fieldsOf(error: unknown): Fields {
  const { name, message } = error as Error;
  const fields: Fields = { class: name, message };
  if (error instanceof ApiError) {
    const { code, status, detail, errors, requestId, retryAfter } = error;
    Object.assign(fields, { code, status, detail, errors, request_id: requestId, retry_after: retryAfter });
  }
  if (error instanceof OutcomeUnknown) {
    fields["key"] = error.key;
  }
  if (error instanceof Rejected || error instanceof NotFinal) {
    fields["transfer"] = error.transfer;
  }
  if (error instanceof Rejected) {
    Object.assign(fields, { code: error.code, detail: error.detail });
  }
  return fields;
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line) as Asked;
  void perform(asked).then(
    (answer) => process.stdout.write(`${JSON.stringify({ id: asked.id, ...answer })}\n`),
    (error: unknown) => process.stdout.write(`${JSON.stringify({ id: asked.id, error: fieldsOf(error), hook: [] })}\n`),
  );
}
