/** Idempotency keys. One key names one intended movement of money, however often its request is sent. */

/** A key, or the number of a row that is one. */
export type Key = string | number | bigint;

/**
 * Return a random key. Store it with what you pay for **before** the call.
 *
 * A key that lives only in the process is lost with it. Then no later process can ask again without paying twice. The id of the row
 * that is paid for is a better key.
 */
export function newKey(): string {
  return crypto.randomUUID();
}

/** Return the key as a text. Raises TypeError for what no header can carry. */
export function checkedKey(key: unknown): string {
  const text = typeof key === "bigint" || Number.isSafeInteger(key) ? String(key) : key;
  if (typeof text !== "string" || !/^[!#-~][!-~]{0,254}$/.test(text)) {
    throw new TypeError(
      'key must be 1 to 255 visible ASCII characters without spaces, and not begin with ": your name for this request',
    );
  }
  return text;
}

/** Return the key under which a client of this external id is made: the same whenever the same client is made again. */
export async function keyOfExternalId(externalId: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(externalId)));
  return `external-id:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
