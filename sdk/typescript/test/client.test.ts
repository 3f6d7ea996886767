/** What the shared cases cannot say: signals, hooks, the forms of arguments, and what is peculiar to JavaScript. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import {
  ApiError,
  NotFinal,
  OutcomeUnknown,
  SignatureError,
  Teller,
  TellerError,
  cents,
  formatMoney,
  newKey,
  verifyWebhook,
  type Attempt,
  type BatchItem,
  type TellerOptions,
} from "teller-client";

const TRANSFER = {
  id: "trf_01h455vb4pex5vsknk084sn02q",
  type: "transfer",
  status: "queued",
  amount: 1050,
  finished_at: null,
  failure: null,
};
const APPLIED = { ...TRANSFER, status: "applied", finished_at: "2026-01-31T09:30:00.010000Z" };
const PAYMENT = { source: "wal_a", destination: "wal_b", amount: 1050, key: "order-1001" };

interface Received {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

type Reply = (response: ServerResponse, received: Received) => void;

/** A server that answers each request with the next reply, and a client of it. What it received is in order. */
async function served(context: TestContext, replies: Reply[], options: TellerOptions = {}): Promise<[Teller, Received[]]> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      const got = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body };
      received.push(got);
      (replies[received.length - 1] ?? json({ code: "no_more_answers" }, 599))(response, got);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return [new Teller({ url, key: "a-key", backoff: 0.01, ...options }), received];
}

function json(body: unknown, status = 200): Reply {
  return (response) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

const silence: Reply = () => undefined;
const cut: Reply = (response) => response.destroy();

test("a hook that throws loses no answer", async (context) => {
  const options = { onRequest: () => assert.fail("the log is full") };
  const [teller] = await served(context, [json(TRANSFER, 202)], options);

  assert.equal((await teller.transfers.create(PAYMENT)).status, "queued");
});

test("the hook is told the key, the request's id, the time and the fault of each attempt", async (context) => {
  const told: Attempt[] = [];
  const [teller, received] = await served(context, [cut, json(TRANSFER, 202)], { onRequest: (attempt) => told.push(attempt) });
  await teller.transfers.create(PAYMENT);

  assert.deepEqual(
    told.map(({ attempt, status, key }) => [attempt, status, key]),
    [
      [1, null, "order-1001"],
      [2, 202, "order-1001"],
    ],
  );
  assert.deepEqual(
    told.map(({ requestId }) => requestId),
    received.map(({ headers }) => headers["x-request-id"]),
  );
  assert.deepEqual(
    told.map(({ error }) => error?.name),
    ["ConnectionFailed", undefined],
  );
  assert.ok(told.every(({ milliseconds }) => milliseconds >= 0));
});

test("an unknown outcome has the key, the request and its id, and says what to do", async (context) => {
  const [teller, received] = await served(context, [cut, cut], { retryWithin: 0 });
  const unknown = await teller.transfers.create(PAYMENT).catch((error: unknown) => error);

  assert.ok(unknown instanceof OutcomeUnknown);
  assert.match(unknown.message, /POST \/v1\/transfers is unknown; repeat it with the same key, order-1001$/);
  assert.deepEqual([unknown.requestId, unknown.request.method], [received[0]?.headers["x-request-id"], "POST"]);
  await assert.rejects(teller.keys.create("cli_a"), {
    isRepeatable: false,
    key: null,
    message: /look what there is before you repeat it$/,
  });
});

test("an abort before a call sends nothing", async (context) => {
  const [teller, received] = await served(context, []);
  const reason = new Error("enough");

  await assert.rejects(teller.transfers.create({ ...PAYMENT, signal: AbortSignal.abort(reason) }), reason);
  assert.equal(received.length, 0);
});

test("an abort during a payment leaves its outcome unknown", async (context) => {
  const [teller, received] = await served(context, [silence]);
  const stop = new AbortController();
  const sent = teller.transfers.create({ ...PAYMENT, signal: stop.signal });
  await until(() => received.length === 1);
  stop.abort(new Error("enough"));

  await assert.rejects(
    sent,
    (error) => error instanceof OutcomeUnknown && error.key === "order-1001" && error.cause === stop.signal.reason,
  );
});

test("an abort between two attempts of a payment leaves its outcome unknown", async (context) => {
  const stop = new AbortController();
  context.mock.method(Math, "random", () => 0.9); // a pause of 7.2 s
  const [teller] = await served(context, [cut], { backoff: 8, onRequest: () => setImmediate(() => stop.abort()) });

  await assert.rejects(teller.transfers.create({ ...PAYMENT, signal: stop.signal }), OutcomeUnknown);
});

test("an abort of a question gives its reason", async (context) => {
  const [teller, received] = await served(context, [silence]);
  const stop = new AbortController();
  const sent = teller.wallets.get("wal_a", { signal: stop.signal });
  await until(() => received.length === 1);
  stop.abort(new Error("enough"));

  await assert.rejects(sent, { message: "enough" });
});

test("a feed ends at its signal, without an error, in the middle of a page and of a pause", async (context) => {
  const page = { data: [{ id: "evt_a" }, { id: "evt_b" }], has_more: false, next_cursor: null };
  const [teller] = await served(context, [json(page), json({ ...page, data: [] })]);

  const middle = new AbortController();
  for await (const event of teller.events.follow({ signal: middle.signal })) {
    assert.equal(event.id, "evt_a");
    middle.abort();
  }
  const pause = new AbortController();
  setTimeout(() => pause.abort(), 50);
  for await (const event of teller.events.follow({ signal: pause.signal, every: 3600 })) {
    assert.fail(event.id);
  }
});

test("a transfer is the JSON that came, and what can be done with it", async (context) => {
  const [teller, received] = await served(context, [json(TRANSFER, 202), json(APPLIED)]);
  const sent = await teller.transfers.create(PAYMENT);

  assert.deepEqual(JSON.parse(JSON.stringify(sent)), TRANSFER);
  assert.deepEqual({ ...sent }, TRANSFER);
  assert.deepEqual([sent.isFinal, sent.isApplied], [false, false]);
  const applied = await sent.wait({ timeout: 5 });
  assert.deepEqual([applied.isFinal, applied.isApplied], [true, true]);
  assert.equal(received[1]?.headers["prefer"], "wait=6");
});

test("waiting asks not more than twice a second where Teller answers at once", async (context) => {
  const [teller, received] = await served(context, Array<Reply>(100).fill(json(TRANSFER)));
  const sent = await teller.transfers.get(TRANSFER.id);

  await assert.rejects(sent.wait({ timeout: 1 }), (error) => error instanceof NotFinal && error.transfer.id === TRANSFER.id);
  assert.ok(received.length <= 5, `${received.length} requests`);
});

test("an empty answer is none, and what is no transfer or no list is not taken for one", async (context) => {
  const empty: Reply = (response) => response.writeHead(200).end();
  const [teller, received] = await served(context, [empty, json({ status: "ok" }), json({ welcome: "portal" })]);

  await assert.rejects(teller.transfers.create(PAYMENT), { name: "UnexpectedAnswer", message: /repeat it with the same key/ });
  assert.equal(received.length, 2);
  await assert.rejects(teller.clients.list().toArray(), { name: "UnexpectedAnswer" });
});

test("a batch of any length is cut by items and by bytes, and the results keep the order", async (context) => {
  const answer: Reply = (response, { body }) => {
    const { transfers } = JSON.parse(body) as { transfers: { idempotency_key: string }[] };
    json({ results: transfers.map(({ idempotency_key: reference }) => ({ status: 202, transfer: { ...TRANSFER, reference } })) })(
      response,
      { body } as Received,
    );
  };
  const [teller, received] = await served(context, Array<Reply>(5).fill(answer));
  const small = Array.from({ length: 2001 }, (_, number): BatchItem => ({ ...PAYMENT, key: `small-${number}` }));
  const large = Array.from({ length: 100 }, (_, number): BatchItem => ({
    ...PAYMENT,
    key: `large-${number}`,
    reference: "x".repeat(12_000),
  }));
  const results = await teller.transfers.createMany([...small, ...large]);

  const sizes = received.map(({ body }) => (JSON.parse(body) as { transfers: unknown[] }).transfers.length);
  assert.deepEqual([sizes.length, ...sizes.slice(0, 2)], [4, 1000, 1000]);
  assert.ok(received.every(({ body }) => Buffer.byteLength(body) <= 1 << 20));
  assert.deepEqual(
    results.map((result) => !(result instanceof ApiError) && result.reference),
    [...small, ...large].map(({ key }) => key),
  );
});

test("an item that is refused is an error among the results, and throws nothing", async (context) => {
  const problem = {
    code: "validation_failed",
    status: 422,
    detail: "1 field is not valid",
    errors: [{ pointer: "/amount", code: "x", detail: "y" }],
  };
  const [teller] = await served(context, [
    json({
      results: [
        { status: 422, problem },
        { status: 202, transfer: TRANSFER },
      ],
    }),
  ]);
  const [refused, queued] = await teller.transfers.createMany([PAYMENT, { ...PAYMENT, type: "transfer", key: 2n }]);

  assert.ok(refused instanceof ApiError && refused.name === "ValidationFailed" && refused.errors[0]?.pointer === "/amount");
  assert.ok(!(queued instanceof ApiError) && queued?.status === "queued");
});

test("no items are no request", async (context) => {
  const [teller, received] = await served(context, []);

  assert.deepEqual(await teller.transfers.createMany([]), []);
  assert.equal(received.length, 0);
});

test("a wallet stands for its id, and a time for its text", async (context) => {
  const [teller, received] = await served(context, [json(TRANSFER, 202)]);
  await teller.transfers.create({ ...PAYMENT, source: { id: "wal_a" }, scheduled_for: new Date("2026-02-01T10:30:00+01:00") });

  assert.deepEqual(JSON.parse(received[0]?.body ?? ""), {
    source_wallet_id: "wal_a",
    destination_wallet_id: "wal_b",
    amount: 1050,
    scheduled_for: "2026-02-01T09:30:00.000000Z",
  });
});

test("an id never leaves its place in the path, and a path never the host", async (context) => {
  const [teller, received] = await served(context, [json({}), json({})]);
  await teller.wallets.get("../clients?x=#y");
  await teller.request({ method: "GET", path: "/v1/search", query: { q: "a&b=c d", none: undefined } });

  assert.deepEqual(
    received.map(({ url }) => url),
    ["/v1/wallets/..%2Fclients%3Fx%3D%23y", "/v1/search?q=a%26b%3Dc+d"],
  );
  await assert.rejects(teller.request({ method: "GET", path: "@elsewhere.example/v1" }), TypeError);
});

test("a list gives its pages with their cursors, and as many items as are wanted", async (context) => {
  const pages = [
    { data: [{ id: "a" }, { id: "b" }], has_more: true, next_cursor: "1" },
    { data: [{ id: "c" }], has_more: false, next_cursor: null },
  ];
  const [teller, received] = await served(
    context,
    [...pages, ...pages, pages[0]].map((page) => json(page)),
  );
  const clients = teller.clients.list();
  const cursors: (string | null)[] = [];
  for await (const page of clients.pages()) {
    cursors.push(page.next_cursor);
  }

  assert.deepEqual(cursors, ["1", null]);
  assert.deepEqual(
    (await clients.toArray()).map(({ id }) => id),
    ["a", "b", "c"],
  );
  assert.deepEqual(
    (await clients.toArray(1)).map(({ id }) => id),
    ["a"],
  );
  assert.deepEqual(await clients.toArray(0), []);
  assert.equal(received.length, 5);
});

test("a deletion whose first answer was lost has deleted, also when nothing is left to delete", async (context) => {
  const gone = json({ code: "not_found", status: 404, detail: "There is nothing here" }, 404);
  const [teller] = await served(context, [cut, gone, gone]);

  await teller.webhookEndpoints.delete("whk_a");
  await assert.rejects(teller.webhookEndpoints.delete("whk_a"), { name: "NotFound" });
});

test("a client without a URL or a key says what is missing", () => {
  assert.throws(() => new Teller({ key: "k" }), /TELLER_URL/);
  assert.throws(() => new Teller({ url: "http://127.0.0.1" }), /TELLER_KEY/);
  assert.throws(() => new Teller({ url: "ftp://127.0.0.1", key: "k" }), TypeError);
});

test("the environment says where Teller is", async (context) => {
  const asked: string[] = [];
  const own: typeof fetch = async (url, options) => {
    asked.push(String(url), new Headers(options?.headers).get("Authorization") ?? "");
    return Response.json({});
  };
  Object.assign(process.env, { TELLER_URL: "https://teller.example", TELLER_KEY: "k" });
  context.after(() => {
    delete process.env["TELLER_URL"];
    delete process.env["TELLER_KEY"];
  });
  await new Teller({ fetch: own }).wallets.get("wal_a");

  assert.deepEqual(asked, ["https://teller.example/v1/wallets/wal_a", "Bearer k"]);
});

test("another fetch sends the requests", async () => {
  const asked: string[] = [];
  const own: typeof fetch = async (url, options) => {
    asked.push(`${options?.method} ${String(url)}`);
    return Response.json({ balance: 5 });
  };

  assert.equal((await new Teller({ url: "https://teller.example/behind/", key: "k", fetch: own }).wallets.get("wal_a")).balance, 5);
  assert.deepEqual(asked, ["GET https://teller.example/behind/v1/wallets/wal_a"]);
});

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

function signed(body: string): Record<string, string> {
  const at = Math.floor(Date.now() / 1000);
  const digest = createHmac("sha256", Buffer.from(SECRET.slice("whsec_".length), "base64"))
    .update(`evt_a.${at}.${body}`)
    .digest("base64");
  return { "Webhook-Id": "evt_a", "Webhook-Timestamp": String(at), "Webhook-Signature": `v1,${digest}` };
}

test("a webhook is verified in each form in which bodies and headers come", async () => {
  const body = JSON.stringify({
    type: "transfer.applied",
    timestamp: "2026-01-31T09:30:00Z",
    data: { ...APPLIED, reference: "café" },
  });
  const bytes = new TextEncoder().encode(body);
  const headers = signed(body);
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value]]));

  for (const form of [body, bytes, bytes.buffer as ArrayBuffer, Buffer.from(body)]) {
    for (const given of [headers, new Headers(headers), lists]) {
      const event = await verifyWebhook(form, given, { secrets: SECRET });
      assert.deepEqual([event.id, event.type], ["evt_a", "transfer.applied"]);
    }
  }
  await assert.rejects(verifyWebhook(`${body} `, headers, { secrets: [SECRET] }), SignatureError);
});

test("amounts are whole, and are written for people", () => {
  assert.deepEqual(
    [
      formatMoney(0),
      formatMoney(5),
      formatMoney(1050, "USD"),
      formatMoney(-123456789, "USD"),
      formatMoney(1050, "JPY", 0),
      formatMoney(5, "BHD", 3),
    ],
    ["0.00", "0.05", "10.50 USD", "-1,234,567.89 USD", "1,050 JPY", "0.005 BHD"],
  );
  assert.equal(formatMoney(Number.MAX_SAFE_INTEGER), "90,071,992,547,409.91");
  assert.equal(cents(Number.MAX_SAFE_INTEGER), 2 ** 53 - 1);
  for (const wrong of [10.5, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => formatMoney(wrong), TypeError);
    assert.throws(() => cents(wrong), TypeError);
  }
});

test("each key is new, and each error one of this package", () => {
  assert.notEqual(newKey(), newKey());
  assert.match(newKey(), /^[\x21-\x7e]{1,255}$/);
  assert.ok(new SignatureError("x") instanceof TellerError);
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, "the condition did not become true");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
