/** Requests: each is sent until it is answered, always with the same bytes and the same key, for a limited time. */

import { ApiError, ConnectionFailed, OutcomeUnknown, apiError, type TellerError } from "./errors.js";
import type { Problem } from "./names.js";
import { VERSION } from "./version.js";

/** What `onRequest` is told after each attempt. */
export interface Attempt {
  readonly method: string;
  readonly path: string;
  /** Counts from 1. */
  readonly attempt: number;
  /** Null when no whole answer came. */
  readonly status: number | null;
  /** The name of this attempt in Teller's logs. */
  readonly requestId: string;
  readonly key: string | null;
  readonly milliseconds: number;
  /** Why the attempt failed. Null when it did not. */
  readonly error: Error | null;
}

/** What a Teller is made of. All times are in seconds. */
export interface TellerOptions {
  /** Where Teller is: the environment's TELLER_URL unless given. */
  url?: string | undefined;
  /** A key of an operator or a client: the environment's TELLER_KEY unless given. */
  key?: string | undefined;
  /** For how long a request is repeated until it is answered: 60. With 0 it is sent once. */
  retryWithin?: number | undefined;
  /** How long the answer to one attempt may take: 10, besides the time for which it waits for an outcome. */
  readTimeout?: number | undefined;
  /** The pause before the first repetition is at most so long, and twice as long each time: 0.2. */
  backoff?: number | undefined;
  /** Is called after each attempt, for logs, metrics and traces. What it throws is ignored. */
  onRequest?: ((attempt: Attempt) => void) | undefined;
  /** Sends requests instead of the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

/** One request. */
export interface Call {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: Readonly<Record<string, string | number | boolean | null | undefined>> | undefined;
  body?: unknown;
  /** The idempotency key, checked. */
  key?: string | undefined;
  /** Seconds to wait for the outcome, at most 30: `Prefer: wait`. */
  wait?: number | undefined;
  /**
   * A repetition of this request does no harm, so it is repeated also when the first may have been served. True of every request with
   * a key, and of GET, PATCH and DELETE, unless said.
   */
  repeatable?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Instead of the client's `retryWithin`. */
  within?: number | undefined;
}

/** A 2xx answer. `body` is null when it has none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

const WAIT_MAX = 30; // seconds; Teller waits no longer
const PAUSE_MAX = 8; // seconds between two attempts, unless Retry-After says more
const AGAIN = new Set([408, 429, 500, 502, 503, 504]);
const LEARNT_NOTHING = new Set([401, 403]); // these answers say nothing about an earlier attempt

/** An attempt without success. */
interface Failure {
  readonly error: ApiError | ConnectionFailed;
  /** Another attempt may succeed. */
  readonly again: boolean;
  /** The request may have been served all the same. */
  readonly mayBeServed: boolean;
}

interface Prepared {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string | null;
}

/** Sends requests to one Teller with one key. */
export class Http {
  readonly #base: string;
  readonly #key: string;
  readonly #retryWithin: number;
  readonly readTimeout: number;
  readonly #backoff: number;
  readonly #onRequest: (attempt: Attempt) => void;
  readonly #fetch: typeof fetch;

  constructor(options: TellerOptions) {
    this.#base = baseOf(options.url ?? environment("TELLER_URL"));
    this.#key = options.key ?? environment("TELLER_KEY") ?? missing("key", "TELLER_KEY");
    this.#retryWithin = options.retryWithin ?? 60;
    this.readTimeout = options.readTimeout ?? 10;
    this.#backoff = options.backoff ?? 0.2;
    this.#onRequest = options.onRequest ?? (() => undefined);
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
  }

  /**
   * Send the request until it is answered, and return the answer.
   *
   * Raises ApiError when Teller refuses it; OutcomeUnknown when it may have been served and no answer says so; ConnectionFailed when a
   * GET had no answer; TypeError when it cannot be a request.
   */
  async send(call: Call): Promise<Answer> {
    const prepared = this.#prepare(call);
    const until = now() + (call.within ?? this.#retryWithin);
    let mayBeServed = false;
    for (let attempt = 1; ; attempt += 1) {
      call.signal?.throwIfAborted();
      const left = attempt === 1 ? Infinity : until - now();
      const result = await this.#attempt(call, prepared, attempt, left).catch((error: unknown) => {
        throw changesNothing(call) ? error : unknownOutcome(call, error);
      });
      if (!("error" in result)) {
        return result;
      }
      if (call.method === "DELETE" && mayBeServed && result.error instanceof ApiError && result.error.status === 404) {
        return { status: 204, headers: new Headers(), body: null }; // an earlier attempt has deleted it
      }
      const pause = this.#pause(result, attempt);
      if (!result.again || (result.mayBeServed && !isRepeatable(call)) || now() + pause >= until) {
        throw conclusion(call, result, mayBeServed || result.mayBeServed);
      }
      mayBeServed ||= result.mayBeServed;
      await sleep(pause, call.signal).catch((error: unknown) => {
        throw mayBeServed && !changesNothing(call) ? unknownOutcome(call, error) : error;
      });
    }
  }

  /** Return what all attempts share. Raises TypeError for what no request can hold. */
  #prepare(call: Call): Prepared {
    if (!call.path.startsWith("/")) {
      throw new TypeError("a path begins with /"); // else it could become a part of the host's name
    }
    const given = Object.entries(call.query ?? {}).filter(([, value]) => value !== undefined && value !== null);
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    const headers = new Headers({ Accept: "application/json", Authorization: `Bearer ${this.#key}` });
    if (!("document" in globalThis)) {
      headers.set("User-Agent", `teller-typescript/${VERSION}`); // a browser sends its own, and asks leave for another
    }
    if (call.body !== undefined) {
      headers.set("Content-Type", "application/json");
    }
    if (call.key !== undefined) {
      headers.set("Idempotency-Key", call.key);
    }
    return {
      url: `${this.#base}${call.path}${query && `?${query}`}`,
      headers,
      body: call.body === undefined ? null : JSON.stringify(call.body),
    };
  }

  /** Send it once, within `left` seconds. Raises only the reason of the caller's own abort. */
  async #attempt(call: Call, { url, headers, body }: Prepared, attempt: number, left: number): Promise<Answer | Failure> {
    const requestId = crypto.randomUUID();
    headers.set("X-Request-Id", requestId);
    const wait = Math.floor(Math.min(call.wait || 0, WAIT_MAX, left - this.readTimeout));
    headers.delete("Prefer");
    if (wait > 0) {
      headers.set("Prefer", `wait=${wait}`);
    }
    const began = now();
    const limit = new Limit(Math.min(this.readTimeout + Math.max(0, wait), left), call.signal);
    let status: number | null = null;
    let result: Answer | Failure;
    try {
      const response = await this.#fetch(url, { method: call.method, headers, body, redirect: "manual", signal: limit.signal });
      const text = await response.text();
      status = response.status;
      result = read(response, text, requestId);
    } catch (error) {
      call.signal?.throwIfAborted();
      result = failure(
        new ConnectionFailed(`${call.method} ${call.path} had no answer: ${reasonOf(error)}`, requestId, { cause: error }),
      );
    } finally {
      limit.end();
    }
    this.#tell({
      method: call.method,
      path: call.path,
      attempt,
      status,
      requestId,
      key: call.key ?? null,
      milliseconds: Math.round((now() - began) * 1000),
      error: "error" in result ? result.error : null,
    });
    return result;
  }

  #tell(attempt: Attempt): void {
    try {
      this.#onRequest(attempt);
    } catch {
      // An answer about money must not be lost because a log is full.
    }
  }

  /** Return the seconds until the next attempt: full jitter, and never before Retry-After. */
  #pause({ error }: Failure, attempt: number): number {
    const notBefore = error instanceof ApiError ? (error.retryAfter ?? 0) : 0;
    return notBefore + Math.random() * Math.min(PAUSE_MAX, this.#backoff * 2 ** (attempt - 1));
  }
}

/** Return the answer's JSON, or why it is a failure. */
function read(response: Response, text: string, requestId: string): Answer | Failure {
  const body = parsed(text);
  if (response.ok && (body !== undefined || response.status === 204)) {
    return { status: response.status, headers: response.headers, body: body ?? null };
  }
  if (response.ok) {
    return failure(new ConnectionFailed(`the answer with status ${response.status} is not JSON`, requestId));
  }
  return failure(
    apiError({
      status: response.status,
      problem: isProblem(body) ? body : null,
      requestId: response.headers.get("X-Request-Id") ?? requestId,
      retryAfter: secondsOf(response.headers.get("Retry-After")),
    }),
  );
}

/** Return whether a later attempt of the same request may succeed. */
export function isFault(error: unknown): error is ApiError | ConnectionFailed {
  return error instanceof ConnectionFailed || (error instanceof ApiError && AGAIN.has(error.status));
}

function failure(error: ApiError | ConnectionFailed): Failure {
  const again = isFault(error);
  const isRefusal = error instanceof ApiError && (error.status === 429 || error.code === "backlog_full");
  return { error, again, mayBeServed: again && !isRefusal };
}

/**
 * Return the error of a call that gives up. `mayBeServed`: this or an earlier attempt may have been served.
 *
 * Then only a refusal by Teller, of the request itself, says that nothing was stored. A 401, a 403 or a proxy's answer does not.
 */
function conclusion(call: Call, { error, again }: Failure, mayBeServed: boolean): TellerError {
  const isRefusal = error instanceof ApiError && !again && error.problem !== null && !LEARNT_NOTHING.has(error.status);
  return changesNothing(call) || !mayBeServed || isRefusal ? error : unknownOutcome(call, error);
}

function changesNothing(call: Call): boolean {
  return call.method === "GET" || call.query?.["preview"] === true;
}

function isRepeatable(call: Call): boolean {
  return call.repeatable ?? (call.method !== "POST" || call.key !== undefined);
}

function unknownOutcome(call: Call, cause: unknown): OutcomeUnknown {
  return new OutcomeUnknown(
    call.key ?? null,
    isRepeatable(call),
    { method: call.method, path: call.path, body: call.body ?? null },
    cause,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && typeof (body as Problem).code === "string";
}

/** Return Retry-After in seconds. It is a number of them, or a time (RFC 9110, 10.2.3). */
function secondsOf(retryAfter: string | null): number | null {
  if (retryAfter === null) {
    return null;
  }
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

function baseOf(url: string | undefined): string {
  const parts = new URL(url ?? missing("url", "TELLER_URL"));
  if (!/^https?:$/.test(parts.protocol) || parts.search || parts.hash) {
    throw new TypeError("url must be an http or https URL without query and fragment");
  }
  return parts.href.replace(/\/+$/, "");
}

function environment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name] || undefined;
}

function missing(option: string, variable: string): never {
  throw new TypeError(`give new Teller({ ${option} }), or set ${variable}`);
}

/** Seconds on a clock that is never set. */
export function now(): number {
  return performance.now() / 1000;
}

/** Raises the reason of the caller's abort. */
export async function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const limit = new Limit(seconds, signal);
  await new Promise<void>((resolve) => {
    limit.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  limit.end();
  signal?.throwIfAborted();
}

/** A signal that aborts after some seconds, or with the caller's signal. */
class Limit {
  readonly signal: AbortSignal;
  readonly end: () => void;

  constructor(seconds: number, outer?: AbortSignal) {
    const controller = new AbortController();
    const stop = (): void => controller.abort(outer?.reason);
    const timer = setTimeout(() => controller.abort(new Error(`no answer within ${seconds} s`)), seconds * 1000);
    outer?.addEventListener("abort", stop, { once: true });
    if (outer?.aborted) {
      stop();
    }
    this.signal = controller.signal;
    this.end = () => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", stop);
    };
  }
}
