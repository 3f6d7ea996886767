/** What calls are given, and how it becomes the JSON of a request. */

import { checkedKey, type Key } from "./keys.js";
import { cents } from "./money.js";
import type {
  NewCapture,
  NewClient,
  NewClosure,
  NewDeposit,
  NewHold,
  NewMultiLeg,
  NewRelease,
  NewReversal,
  NewTransfer,
  NewWallet,
  NewWithdrawal,
  TransferFilter,
} from "./names.js";

/** An id, or anything that has one: a wallet, a transfer. */
export type Ref = string | { readonly id: string };

export interface CallOptions {
  /** Ends the call. Of a call that may have been served, OutcomeUnknown is raised; of any other, the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface GetOptions extends CallOptions {
  /** Seconds to wait for the outcome, at most 30. */
  wait?: number | undefined;
}

export interface ListOptions extends CallOptions {
  /** Items of a page: 100 unless said, which is the most. */
  limit?: number | undefined;
  /** `next_cursor` of a page, to go on after it. */
  cursor?: string | undefined;
}

/** What every call that moves money takes beside its fields. */
export interface MoneyOptions extends CallOptions {
  /**
   * Your own name for this movement of money: the id of the order, or `newKey()`, stored **before** the call. With the same key and the
   * same fields the money moves once, however often the call is made.
   */
  key: Key;
  /** Seconds to wait for the outcome. Without it, and when they are over, the transfer comes back as it is. */
  wait?: number | undefined;
}

type FromOne = { source: Ref; destination: Ref };
type Timed<Fields> = Omit<Fields, "scheduled_for"> & { scheduled_for?: string | Date | null };
type Sides = "source_wallet_id" | "destination_wallet_id";

export type DepositFields = Omit<NewDeposit, "wallet_id"> & { wallet: Ref };
export type WithdrawalFields = Timed<Omit<NewWithdrawal, "wallet_id">> & { wallet: Ref };
export type TransferFields = Timed<Omit<NewTransfer, Sides>> & FromOne;
export type SplitFields = Timed<NewMultiLeg>;
export type HoldFields = Timed<Omit<NewHold, Sides>> & { source: Ref; destination?: Ref };

export type DepositCreate = DepositFields & MoneyOptions;
export type WithdrawalCreate = WithdrawalFields & MoneyOptions;
export type TransferCreate = TransferFields & MoneyOptions;
export type SplitCreate = SplitFields & MoneyOptions;
export type HoldCreate = HoldFields & MoneyOptions;
export type CaptureCreate = NewCapture & MoneyOptions;
export type ReleaseCreate = NewRelease & MoneyOptions;
export type ReversalCreate = NewReversal & MoneyOptions;
export type ClosureCreate = Omit<NewClosure, "sweep_to_wallet_id"> & { sweep_to?: Ref } & MoneyOptions;

/** A client to make. Without a `key` its `external_id` is the key: the same call again returns the same client. */
export type ClientCreate = NewClient & CallOptions & { key?: Key };
export type WalletCreate = NewWallet & CallOptions & { key?: Key };

/** A Date, a text with an offset, or a day as 2026-01-31, which begins at midnight UTC. */
export type Time = string | Date;

/** The entries that were made at `since` or later, and before `until`. */
export interface Period {
  since: Time;
  until: Time;
}

/** Which transfers a list shows. `key` is that with which one was made. */
export type TransferFilters = Omit<TransferFilter, Refs | "limit" | "idempotency_key" | "created_from" | "created_to"> & {
  wallet?: Ref | undefined;
  parent?: Ref | undefined;
  /** A wallet of it is a party. */
  client?: Ref | undefined;
  key?: Key | undefined;
  /** Created then or later. */
  created_from?: Time | undefined;
  /** Created before then. */
  created_to?: Time | undefined;
};
type Refs = "wallet_id" | "parent_id" | "client_id";

type Keyed = { key: Key };
type OfParent = { parent: Ref };

/** One of many: as the call of its own would take it, with its `type`, which is `transfer` unless said. */
export type BatchItem =
  | ((TransferFields | SplitFields) & Keyed & { type?: "transfer" })
  | (DepositFields & Keyed & { type: "deposit" })
  | (WithdrawalFields & Keyed & { type: "withdrawal" })
  | (HoldFields & Keyed & { type: "hold" })
  | (NewCapture & Keyed & OfParent & { type: "capture" })
  | (NewRelease & Keyed & OfParent & { type: "release" })
  | (NewReversal & Keyed & OfParent & { type: "reversal" });

/** The names of this package that are shorter than those of the API. Their values are ids, or have one. */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  wallet: "wallet_id",
  source: "source_wallet_id",
  destination: "destination_wallet_id",
  parent: "parent_id",
  sweep_to: "sweep_to_wallet_id",
};

/** Return the JSON of the fields. */
export function wireFields(fields: object): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const longName = WIRE_NAMES[name];
    if (value !== undefined) {
      wire[longName ?? name] = longName ? idOf(value as Ref) : value instanceof Date ? timeText(value) : value;
    }
  }
  return wire;
}

/** Return the JSON of a movement of money. Raises TypeError for an amount that is no whole number of minor units. */
export function moneyFields(fields: object): Record<string, unknown> {
  const wire = wireFields(fields);
  if (wire["amount"] !== undefined) {
    cents(wire["amount"] as number);
  }
  return wire;
}

/** Return a time as Teller writes it: UTC, with microseconds. */
export function timeText(time: Date): string {
  return time.toISOString().replace("Z", "000Z");
}

/** Return a time as a query has it. Raises TypeError for what is no time. */
export function timeQuery(time: Time): string {
  const parsed = typeof time === "string" ? new Date(time) : time;
  if (Number.isNaN(parsed.getTime())) {
    throw new TypeError("a time is a Date, or a text as 2026-01-31 or 2026-01-31T09:30:00Z");
  }
  return typeof time === "string" && time.includes("T") ? time : timeText(parsed); // a Date has no microseconds
}

/** Return the JSON of an item. Its amount is not checked here: only this item fails for it, when Teller refuses it. */
export function wireItem({ key, ...fields }: BatchItem): Record<string, unknown> {
  return { ...wireFields(fields), idempotency_key: checkedKey(key) };
}

export function idOf(ref: Ref): string {
  const id = typeof ref === "string" ? ref : ref?.id;
  if (typeof id !== "string") {
    throw new TypeError("an id, or an object that has one, is missing");
  }
  return id;
}

/** Return the id as a part of a path. It never reaches another path. */
export function inPath(ref: Ref): string {
  return encodeURIComponent(idOf(ref));
}
