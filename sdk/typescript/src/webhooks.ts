/**
 * Verification of webhooks: Standard Webhooks 1.0.0, symmetric signatures. No network.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

import { SignatureError, UnexpectedAnswer } from "./errors.js";
import type { Event } from "./names.js";

/** How far the time of a webhook may be from now, in seconds. The specification leaves it open; its libraries have this. */
export const TOLERANCE_SECONDS = 300;

const SECRET_PREFIX = "whsec_";

/** The headers of a request: a `Headers`, or an object as Node's `request.headers`. Names in any case. */
export type WebhookHeaders =
  { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** The secrets that may have signed it: the current one, and for a day after a rotation the previous one too. */
  secrets: string | readonly string[];
  /** Now, for tests. */
  now?: Date | undefined;
  /** How many seconds the time of the webhook may be from now: 300 unless said. */
  tolerance?: number | undefined;
}

/**
 * Return the event of a webhook. `body` must be the request's bytes as they came, never JSON that was parsed and written again.
 *
 * Raises SignatureError unless one of the secrets has signed it in the last minutes, TypeError for a secret that is none, and
 * UnexpectedAnswer where what was signed is no event. An event may come twice: its `id` is then the same.
 */
export async function verifyWebhook(
  body: string | Uint8Array | ArrayBuffer,
  headers: WebhookHeaders,
  options: VerifyOptions,
): Promise<Event> {
  const id = required(headers, "webhook-id");
  const sentAt = required(headers, "webhook-timestamp");
  const signatures = required(headers, "webhook-signature");
  checkTime(sentAt, options);
  const bytes = bytesOf(body);
  const signed = concatenated(new TextEncoder().encode(`${id}.${sentAt}.`), bytes);
  const secrets = typeof options.secrets === "string" ? [options.secrets] : options.secrets;
  if (!(await isSigned(signed, signatures, secrets))) {
    throw new SignatureError("none of the secrets has signed this webhook");
  }
  return eventOf(id, bytes);
}

function required(headers: WebhookHeaders, name: string): string {
  const value = headerOf(headers, name);
  if (!value) {
    throw new SignatureError(`the header ${name} is missing`);
  }
  return value;
}

function headerOf(headers: WebhookHeaders, name: string): string | null {
  if (typeof headers["get"] === "function") {
    return (headers as { get(name: string): string | null }).get(name);
  }
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name) {
      return typeof value === "string" ? value : (value?.[0] ?? null);
    }
  }
  return null;
}

function checkTime(sentAt: string, { now = new Date(), tolerance = TOLERANCE_SECONDS }: VerifyOptions): void {
  if (!/^\d{1,12}$/.test(sentAt)) {
    throw new SignatureError("the header webhook-timestamp is no number of seconds");
  }
  if (Math.abs(now.getTime() / 1000 - Number(sentAt)) > tolerance) {
    throw new SignatureError(`the webhook was sent more than ${tolerance} s before or after now`);
  }
}

/** Return whether one of the secrets has made one of the signatures. The comparison takes the same time for each wrong signature. */
async function isSigned(signed: Uint8Array<ArrayBuffer>, signatures: string, secrets: readonly string[]): Promise<boolean> {
  const given = signatures.split(" ").filter((each) => each.startsWith("v1,"));
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey("raw", keyOf(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    for (const each of given) {
      const signature = fromBase64(each.slice("v1,".length));
      if (signature && (await crypto.subtle.verify("HMAC", key, signature, signed))) {
        return true;
      }
    }
  }
  return false;
}

/** Return the bytes of a secret, which begins with `whsec_` or is bare base64. Raises TypeError for a text that is neither. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = fromBase64(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret);
  if (!key?.length) {
    throw new TypeError("a webhook secret is whsec_ and base64");
  }
  return key;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

function bytesOf(body: string | Uint8Array | ArrayBuffer): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body);
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** Return the event. Its id is the header's, which has been signed too. */
function eventOf(id: string, body: Uint8Array): Event {
  const event = parsed(body) as { type?: unknown; data?: unknown } | null | undefined;
  if (typeof event?.type !== "string" || typeof event.data !== "object" || event.data === null) {
    throw new UnexpectedAnswer("the webhook is signed, and its body is no event");
  }
  return { ...event, id } as Event;
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
}
