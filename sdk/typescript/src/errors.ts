/** The errors of the client. All of them are a {@link TellerError}. */

import type { FieldError, Problem, TransferData } from "./names.js";

/** The base of every error that this client raises, but for a TypeError of a wrong argument and the reason of your own abort. */
export class TellerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Teller refused the request. `code` is one of `GET /problems`, or `http_502` and the like when a proxy answered in its place. */
export class ApiError extends TellerError {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  /** What is wrong with which field. Empty unless the request is not valid. */
  readonly errors: readonly FieldError[];
  /** Teller's name of the request, for its logs and its support. */
  readonly requestId: string | null;
  /** Seconds after which to try again, as the answer said. Null when it did not. */
  readonly retryAfter: number | null;
  /** The whole problem document. Null when the answer was none. */
  readonly problem: Problem | null;

  constructor(refusal: Refusal) {
    const { status, problem, requestId, retryAfter } = refusal;
    const code = problem?.code ?? `http_${status}`;
    const detail = problem?.detail ?? `the answer with status ${status} is no problem document of Teller`;
    super(`${code}: ${detail}${inWords(problem?.errors ?? [])}`);
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.errors = problem?.errors ?? [];
    this.requestId = problem?.request_id ?? requestId;
    this.retryAfter = retryAfter;
    this.problem = problem;
  }
}

/** An answer that refuses a request: its problem document, or null where it has none. */
export interface Refusal {
  readonly status: number;
  readonly problem: Problem | null;
  readonly requestId: string | null;
  readonly retryAfter: number | null;
}

/** 401: the key is absent, not known, or revoked. */
export class Unauthorized extends ApiError {}

/** 403: the key's role may not do this. */
export class Forbidden extends ApiError {}

/** 404: there is no such thing, or it is another caller's. */
export class NotFound extends ApiError {}

/** 409: the state of the thing forbids it. `transfer` shows the transfer where the answer did. */
export class Conflict extends ApiError {
  get transfer(): TransferData | null {
    return this.problem?.transfer ?? null;
  }
}

/** 422: fields are not valid; `errors` names each by JSON pointer. Nothing was stored, and the key is still free. */
export class ValidationFailed extends ApiError {}

/** 422: the key belongs to another request. Nothing happened. The calling program has a bug. */
export class KeyReused extends ApiError {}

/** 429: too many requests. Nothing was stored. */
export class RateLimited extends ApiError {}

/** 503: too many transfers are waiting. Nothing was stored. */
export class Overloaded extends ApiError {}

/** 408, 500, 502, 503 or 504 of a request that changes nothing: Teller, or a proxy before it, cannot answer. */
export class Unavailable extends ApiError {}

/** No readable answer came to a request that changes nothing. `cause` says why. */
export class ConnectionFailed extends TellerError {
  /** `requestId` names the attempt in Teller's logs, if it came so far. */
  constructor(
    message: string,
    readonly requestId: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What came has not the form that this version of the client knows. */
export class UnexpectedAnswer extends TellerError {}

/** A request as it was sent. */
export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/**
 * No answer says whether the request was served. It may have been. `cause` is the last fault.
 *
 * Make the same call again, with the same arguments and the same key, now or after a restart: however often it is served, it has one
 * effect. `key` is null of a request without a key; where `isRepeatable` is false, look what there is before you repeat it.
 */
export class OutcomeUnknown extends TellerError {
  /** The name of the last attempt in Teller's logs. Null after your own abort. */
  readonly requestId: string | null;

  constructor(
    readonly key: string | null,
    readonly isRepeatable: boolean,
    readonly request: SentRequest,
    cause: unknown,
  ) {
    const harmless = isRepeatable ? "repeat it: that does no harm" : "look what there is before you repeat it";
    const advice = key === null ? harmless : `repeat it with the same key, ${key}`;
    super(`the outcome of ${request.method} ${request.path} is unknown; ${advice}`, { cause });
    this.requestId = cause instanceof ApiError || cause instanceof ConnectionFailed ? cause.requestId : null;
  }
}

/** The transfer had no outcome within the time. It is queued and safe: wait again, or look it up later. */
export class NotFinal extends TellerError {
  constructor(
    readonly transfer: TransferData,
    timeout: number,
    options?: ErrorOptions,
  ) {
    super(`transfer ${transfer.id} is ${transfer.status} after ${timeout} s of waiting; it is not lost`, options);
  }
}

/** The webhook was not signed with one of these secrets, or its time is too far from now. Answer it with 401. */
export class SignatureError extends TellerError {}

/** A rule about money rejected the transfer, for ever: a new attempt needs a new key. Only `throwIfRejected` raises it. */
export class Rejected extends TellerError {
  readonly code: string;
  readonly detail: string;

  constructor(readonly transfer: TransferData) {
    const { code, detail } = transfer.failure ?? { code: "rejected", detail: "the answer says no reason" };
    super(`transfer ${transfer.id} was rejected: ${code}: ${detail}`);
    this.code = code;
    this.detail = detail;
  }
}

/** The source wallet had less than the amount. */
export class InsufficientFunds extends Rejected {}

/** A wallet's balance would have passed its limit. */
export class BalanceLimitExceeded extends Rejected {}

/** Teller could not apply the transfer and gave it up. It changed nothing. */
export class RejectedInternally extends Rejected {}

/** The transfer waited longer than its `apply_within_s`. */
export class DeadlinePassed extends Rejected {}

/** The hold was not applied, has nothing left, or had expired. */
export class HoldClosed extends Rejected {}

/** The hold had less left than the amount. */
export class HoldExceeded extends Rejected {}

/** Less than the amount was left to reverse. */
export class ReversalExceeded extends Rejected {}

/** A wallet of the transfer is closed. */
export class WalletClosed extends Rejected {}

/** A wallet of the transfer is frozen on this side. */
export class WalletFrozen extends Rejected {}

/** The wallet to close had open holds. */
export class WalletHasHolds extends Rejected {}

/** The wallet to close had money that its closure did not sweep. */
export class WalletNotEmpty extends Rejected {}

/** The amount was greater than the source wallet's limit of one debit. */
export class DebitLimitExceeded extends Rejected {}

/** The source wallet's debits of the UTC day would have passed their limit. */
export class DailyLimitExceeded extends Rejected {}

/** The source wallet's debits of the UTC month would have passed their limit. */
export class MonthlyLimitExceeded extends Rejected {}

const BY_CODE: Readonly<Record<string, typeof ApiError>> = {
  validation_failed: ValidationFailed,
  idempotency_key_reused: KeyReused,
  backlog_full: Overloaded,
};
const BY_STATUS: Readonly<Record<number, typeof ApiError>> = {
  401: Unauthorized,
  403: Forbidden,
  404: NotFound,
  408: Unavailable,
  409: Conflict,
  429: RateLimited,
  500: Unavailable,
  502: Unavailable,
  503: Unavailable,
  504: Unavailable,
};
const BY_FAILURE: Readonly<Record<string, typeof Rejected>> = {
  insufficient_funds: InsufficientFunds,
  balance_limit_exceeded: BalanceLimitExceeded,
  internal: RejectedInternally,
  deadline_passed: DeadlinePassed,
  hold_closed: HoldClosed,
  hold_exceeded: HoldExceeded,
  reversal_exceeded: ReversalExceeded,
  wallet_closed: WalletClosed,
  wallet_frozen: WalletFrozen,
  wallet_has_holds: WalletHasHolds,
  wallet_not_empty: WalletNotEmpty,
  debit_limit_exceeded: DebitLimitExceeded,
  daily_limit_exceeded: DailyLimitExceeded,
  monthly_limit_exceeded: MonthlyLimitExceeded,
};

/** Return the error of an answer. A code that a later Teller adds becomes the error of its status. */
export function apiError(refusal: Refusal): ApiError {
  const kind = BY_CODE[refusal.problem?.code ?? ""] ?? BY_STATUS[refusal.status] ?? ApiError;
  return new kind(refusal);
}

/** Return the transfer as it is. Raises Rejected, or one of its kinds, when the transfer was rejected. */
export function throwIfRejected<T extends TransferData>(transfer: T): T {
  if (transfer.status === "rejected") {
    throw new (BY_FAILURE[transfer.failure?.code ?? ""] ?? Rejected)(transfer);
  }
  return transfer;
}

function inWords(errors: readonly FieldError[]): string {
  return errors.length ? ` (${errors.map((error) => `${error.pointer}: ${error.detail}`).join("; ")})` : "";
}
