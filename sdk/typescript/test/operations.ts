/** Calls every method against a running Teller, and prints each operation that it has used: `METHOD path`, one a line. */

import { ApiError, Teller, newKey } from "teller-client";

const used = new Set<string>();
const teller = new Teller({ onRequest: ({ method, path, status }) => used.add(`${method} ${path} ${status}`) });
const run = newKey();
let number = 0;

function payment(): { key: string; wait: number } {
  number += 1;
  return { key: `${run}-${number}`, wait: 10 };
}

/** What is not there is told by a NotFound, which is an answer too. */
async function absent(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== 404) {
      throw error;
    }
  });
}

const ada = await teller.clients.create({ name: "Ada", external_id: `ada-${run}`, metadata: { of: "tests" } });
const again = await teller.clients.create({ name: "Ada", external_id: `ada-${run}`, metadata: { of: "tests" } });
expect(again.id, ada.id);
const bob = await teller.clients.create({ name: "Bob" });
expect((await teller.clients.get(bob)).name, "Bob");
expect((await teller.clients.list({ external_id: `ada-${run}` }).toArray()).length, 1);

const key = await teller.keys.create(ada);
expect((await teller.keys.list(ada).toArray()).length, 1);
await teller.keys.revoke(key);

const paid = await teller.deposits.create({ wallet: ada.wallet, amount: 5000, ...payment() });
expect(paid.throwIfRejected().status, "applied");
const sent = await teller.transfers.create({ source: ada.wallet, destination: bob.wallet, amount: 1000, ...payment() });
expect((await teller.transfers.get(sent)).isApplied, true);
expect((await teller.transfers.reverse(sent, { amount: 100, ...payment() })).status, "applied");
expect((await teller.withdrawals.create({ wallet: bob.wallet, amount: 100, ...payment() })).status, "applied");
const hold = await teller.holds.create({ source: ada.wallet, destination: bob.wallet, amount: 500, ...payment() });
expect((await teller.wallets.holds(ada.wallet).toArray())[0]?.id, hold.id);
expect((await teller.holds.capture(hold, { amount: 200, ...payment() })).status, "applied");
expect((await teller.holds.release(hold, payment())).status, "applied");
const later = await teller.transfers.create({
  source: ada.wallet, destination: bob.wallet, amount: 1, key: `${run}-later`, scheduled_for: new Date(Date.now() + 3_600_000),
});
expect((await teller.transfers.cancel(later)).status, "canceled");
const [one, two] = await teller.transfers.createMany([
  { source: ada.wallet, destination: bob.wallet, amount: 7, key: `${run}-one` },
  { type: "withdrawal", wallet: bob.wallet.id, amount: 0 + 7, key: `${run}-two`, reference: "out" },
]);
for (const each of [one, two]) {
  expect(each instanceof ApiError || each === undefined ? each : (await each.wait()).status, "applied");
}
expect((await teller.transfers.list({ wallet: ada.wallet, key: `${run}-one` }).toArray()).length, 1);
expect((await teller.transfers.list({ parent: hold, type: "capture" }).toArray()).length, 1);
expect((await teller.wallets.get(ada.wallet)).balance, 5000 - 1000 + 100 - 200 - 7);
expect((await teller.wallets.entries(ada.wallet, { limit: 2 }).toArray()).length, 5);

const stop = new AbortController();
for await (const event of teller.events.follow({ after: paid.id.replace("trf_", "evt_"), every: 0.1, signal: stop.signal })) {
  if ("amount" in event.data && event.data.id === sent.id) {
    stop.abort();
    expect((await teller.events.get(event)).id, event.id);
  }
}
expect((await teller.events.list({ limit: 1 }).toArray(2)).length, 2);

const endpoint = await teller.webhookEndpoints.create({ url: "https://hooks.example.com/teller", events: ["transfer.rejected"] });
expect((await teller.webhookEndpoints.update(endpoint, { description: "of tests" })).description, "of tests");
expect((await teller.webhookEndpoints.get(endpoint)).id, endpoint.id);
expect((await teller.webhookEndpoints.list().toArray()).some(({ id }) => id === endpoint.id), true);
expect((await teller.webhookEndpoints.rotateSecret(endpoint)).secret === endpoint.secret, false);
expect((await teller.webhookEndpoints.deliveries(endpoint).toArray()).length, 0);
expect(await teller.webhookEndpoints.redeliver(endpoint, { since: new Date() }), 0);
await teller.webhookEndpoints.delete(endpoint);
expect((await teller.transfers.deliveries(sent).toArray()).length, 0);
await absent(teller.webhooks.redeliver("dlv_01h455vb4pex5vsknk084sn02q"));
expect((await teller.webhooks.rotateSecret()).secret.startsWith("whsec_"), true);
expect(typeof (await teller.webhooks.secret()).created_at, "string");

console.log([...used].join("\n"));

function expect(found: unknown, wanted: unknown): void {
  if (found !== wanted) {
    throw new Error(`${String(found)} instead of ${String(wanted)}`, { cause: found });
  }
}
