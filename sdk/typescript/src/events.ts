/** The feed of events. */

import { isFault, sleep, type Http } from "./http.js";
import type { Event } from "./names.js";
import type { Page } from "./pages.js";

export interface FollowOptions {
  /** The id of the last event that your program has processed. Left out: from the first event. */
  after?: string | null | undefined;
  /** Seconds between two looks while there is nothing new: 1. */
  every?: number | undefined;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal | undefined;
}

const PAGE = 100; // events; Teller sends no more at once
const PAUSE_MAX = 30; // seconds between two attempts while Teller does not answer

/**
 * Yield each event once, oldest first, and wait for the next ones for ever.
 *
 * It asks for what comes after the last event that it has yielded, so it misses none, whatever fails. Faults only delay it. Raises
 * ApiError for what no repetition mends: a revoked key, or an `after` that this caller has no event of.
 */
export async function* follow(http: Http, { after, every = 1, signal }: FollowOptions): AsyncGenerator<Event, void, undefined> {
  let last = after ?? undefined;
  while (!signal?.aborted) {
    const page = await pageAfter(http, last, every, signal);
    for (const event of page.data) {
      if (signal?.aborted) {
        return;
      }
      yield event;
      last = event.id;
    }
    if (!page.has_more) {
      await pause(every, signal);
    }
  }
}

/** Return the page after an event, however long it takes. It is empty once the signal has come. */
async function pageAfter(http: Http, after: string | undefined, every: number, signal?: AbortSignal): Promise<Page<Event>> {
  for (let faults = 0; !signal?.aborted; faults += 1) {
    try {
      return (await http.send({ method: "GET", path: "/v1/events", query: { after, limit: PAGE }, signal })).body as Page<Event>;
    } catch (error) {
      if (!signal?.aborted && !isFault(error)) {
        throw error;
      }
    }
    await pause(Math.min(PAUSE_MAX, every * 2 ** faults), signal);
  }
  return { data: [], has_more: false, next_cursor: null };
}

/** Sleep, and return at once when the signal comes. */
async function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(seconds, signal).catch(() => undefined);
}
