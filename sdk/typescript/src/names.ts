/**
 * The names of this package for the objects of the OpenAPI document. A name that changes there changes here, and nowhere else.
 *
 * A later Teller may send fields and values of enumerations that are not listed: they come through as they are. Keep a default branch.
 */

import type { components, paths } from "./openapi.js";

type Schemas = components["schemas"];

export type TransferData = Schemas["Transfer"];
export type Client = Schemas["Client"];
export type ClientChange = Schemas["ClientChange"];
export type ClientChanges = Schemas["ClientUpdate"];
export type OpsQueue = Schemas["Queue"];
export type OpsProcesses = Schemas["Processes"];
export type OpsSettings = Schemas["Settings"];
export type OpsDatabase = Schemas["Database"];
export type Wallet = Schemas["Wallet"];
export type Entry = Schemas["Entry"];
export type WalletChange = Schemas["WalletChange"];
export type WalletChanges = Schemas["WalletUpdate"];
export type Statement = Schemas["Statement"];
export type Balance = Schemas["Balance"];
export type Preview = Schemas["Preview"];
export type ApiKey = Schemas["Key"];
export type NewApiKey = Schemas["KeyWithSecret"];
export type TransferEvent = Schemas["TransferEvent"];
export type WebhookEndpointEvent = Schemas["WebhookEndpointEvent"];
export type Event = TransferEvent | WebhookEndpointEvent;
export type WebhookEndpoint = Schemas["WebhookEndpoint"];
export type WebhookEndpointWithSecret = Schemas["WebhookEndpointWithSecret"];
export type WebhookEndpointCreate = Schemas["WebhookEndpointCreate"];
export type WebhookEndpointUpdate = Schemas["WebhookEndpointUpdate"];
export type WebhookSecret = Schemas["WebhookSecret"];
export type NewWebhookSecret = Schemas["WebhookSecretWithSecret"];
export type Search = Schemas["Search"];
export type Delivery = Schemas["Delivery"];
export type Redelivered = Schemas["Redelivered"];
export type Problem = Schemas["Problem"];
export type FieldError = Schemas["FieldError"];
export type RejectionCode = Schemas["RejectionCode"];

export type TransferFilter = Query<"/v1/transfers">;
export type DeliveryFilter = Query<"/v1/transfers/{transfer_id}/deliveries">;

export type NewClient = Schemas["ClientCreate"];
export type NewDeposit = Schemas["DepositCreate"];
export type NewWithdrawal = Schemas["WithdrawalCreate"];
export type NewTransfer = Schemas["TransferCreate"];
export type NewMultiLeg = Schemas["MultiLegCreate"];
export type NewLine = Schemas["LineCreate"];
export type NewHold = Schemas["HoldCreate"];
export type NewCapture = Schemas["CaptureCreate"];
export type NewRelease = Schemas["ReleaseCreate"];
export type NewReversal = Schemas["ReversalCreate"];
export type NewClosure = Schemas["ClosureCreate"];
export type NewWallet = Schemas["WalletCreate"];

type Query<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Parameters } } }
  ? Omit<NonNullable<Parameters>, "cursor">
  : never;
