/** Batches of any length, cut into those that Teller takes. */

const ITEMS_MAX = 1000; // of one batch
const BYTES_MAX = 1_000_000; // of the items of one batch; Teller takes 1 MiB

/** Return the items in order, cut where a batch would have too many of them or too many bytes. */
export function cut(items: readonly object[]): object[][] {
  const batches: object[][] = [];
  let room = 0;
  for (const item of items) {
    const bytes = new TextEncoder().encode(JSON.stringify(item)).length + 1;
    const last = batches.at(-1);
    if (!last || last.length >= ITEMS_MAX || bytes > room) {
      batches.push([item]);
      room = BYTES_MAX - bytes;
    } else {
      last.push(item);
      room -= bytes;
    }
  }
  return batches;
}
