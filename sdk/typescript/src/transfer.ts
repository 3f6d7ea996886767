/** A transfer that can be waited for. */

import { NotFinal, UnexpectedAnswer, throwIfRejected } from "./errors.js";
import { isFault, now, sleep, type Call, type Http } from "./http.js";
import type { TransferData } from "./names.js";

export interface WaitOptions {
  /** Seconds until NotFinal is raised: 60 unless said. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface TransferMethods {
  /** Whether its outcome stands for ever. */
  readonly isFinal: boolean;
  /** Whether the money has moved; of a hold, whether it is reserved. */
  readonly isApplied: boolean;
  /**
   * Return the transfer once its outcome is final. Faults of the network and of Teller only delay it.
   * Raises NotFinal when the time is over.
   */
  wait(options?: WaitOptions): Promise<Transfer>;
  /** Return the transfer. Raises Rejected, or one of its kinds, when a rule about money has rejected it; not while it is queued. */
  throwIfRejected(): Transfer;
}

/** A transfer as Teller showed it last, and what can be done with it. */
export type Transfer = TransferData & TransferMethods;

const SHORT_POLL = 0.5; // seconds between two looks where Teller answers at once instead of waiting

class WaitableTransfer implements TransferMethods {
  readonly #http: Http;

  constructor(http: Http, data: TransferData) {
    this.#http = http;
    Object.assign(this, data);
  }

  get isFinal(): boolean {
    return isFinal(asTransfer(this));
  }

  get isApplied(): boolean {
    return asTransfer(this).status === "applied";
  }

  async wait({ timeout = 60, signal }: WaitOptions = {}): Promise<Transfer> {
    const { transfer, fault } = await waited(this.#http, asTransfer(this), timeout, signal);
    if (!transfer.isFinal) {
      throw new NotFinal(transfer, timeout, { cause: fault });
    }
    return transfer;
  }

  throwIfRejected(): Transfer {
    return throwIfRejected(asTransfer(this));
  }
}

/** The constructor has given it all members of a transfer. */
function asTransfer(transfer: WaitableTransfer): Transfer {
  return transfer as unknown as Transfer;
}

/** Also of an outcome that a later Teller adds. */
function isFinal(transfer: TransferData): boolean {
  return transfer.finished_at !== null;
}

/**
 * Return the transfer once its outcome is final, or after some seconds as it was last seen, with the fault because of which.
 *
 * Faults are not raised here: the transfer is stored, and an error would hide its id.
 */
export async function waited(
  http: Http,
  transfer: Transfer,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<{ transfer: Transfer; fault?: Error }> {
  const until = now() + seconds;
  let latest = transfer;
  for (let left = seconds; !latest.isFinal && left > 0; left = until - now()) {
    const began = now();
    try {
      latest = await lookAt(http, latest.id, { wait: left + 1, within: left + 1 + http.readTimeout, signal });
    } catch (error) {
      if (!isFault(error)) {
        throw error;
      }
      return { transfer: latest, fault: error }; // after attempts for as long as there was time
    }
    if (!latest.isFinal) {
      await sleep(Math.max(0, Math.min(SHORT_POLL - (now() - began), until - now())), signal);
    }
  }
  return { transfer: latest };
}

export async function lookAt(http: Http, id: string, options: Pick<Call, "wait" | "within" | "signal">): Promise<Transfer> {
  return transferOf(http, (await http.send({ method: "GET", path: transferPath(id), ...options })).body);
}

export function transferPath(id: string, action = ""): string {
  return `/v1/transfers/${encodeURIComponent(id)}${action}`;
}

/** Raises UnexpectedAnswer for what is no transfer: it comes from something that stands where Teller should be. */
export function transferOf(http: Http, body: unknown): Transfer {
  const { id, status } = (body ?? {}) as Partial<TransferData>;
  if (typeof id !== "string" || typeof status !== "string") {
    throw new UnexpectedAnswer(
      "the answer is no transfer; whether the request was served is not known: repeat it with the same key",
    );
  }
  return asTransfer(new WaitableTransfer(http, body as TransferData));
}
