/**
 * The names of this package for the objects of the OpenAPI document. A name that changes there changes here, and nowhere else.
 *
 * A later Teller may send fields and values of enumerations that are not listed: they come through as they are. Keep a default branch.
 */

import type { components, paths } from "./openapi.js";

type Schemas = components["schemas"];

export type TransferData = Schemas["TransferView"];
export type Client = Schemas["ClientView"];
export type Wallet = Schemas["WalletView"];
export type Entry = Schemas["WalletEntryView"];
export type WalletChange = Schemas["WalletChangeView"];
export type WalletChanges = Schemas["WalletChanges"];
export type Statement = Schemas["StatementView"];
export type Balance = Schemas["BalanceView"];
export type Preview = Schemas["PreviewView"];
export type ApiKey = Schemas["KeyView"];
export type NewApiKey = Schemas["NewKeyView"];
export type TransferEvent = Schemas["TransferEventView"];
export type WebhookEndpointEvent = Schemas["EndpointEventView"];
export type Event = TransferEvent | WebhookEndpointEvent;
export type WebhookEndpoint = Schemas["EndpointView"];
export type WebhookEndpointWithSecret = Schemas["SignedEndpointView"];
export type WebhookEndpointCreate = Schemas["EndpointRequest"];
export type WebhookEndpointUpdate = Schemas["EndpointChanges"];
export type WebhookSecret = Schemas["SecretView"];
export type NewWebhookSecret = Schemas["NewSecretView"];
export type Search = Schemas["SearchView"];
export type Delivery = Schemas["DeliveryView"];
export type Redelivered = Schemas["RedeliveredView"];
export type Problem = Schemas["Problem"];
export type FieldError = NonNullable<Problem["errors"]>[number];
export type RejectionCode = Schemas["Refusal"];

export type TransferFilter = Query<"/v1/transfers">;
export type DeliveryFilter = Query<"/v1/transfers/{transfer_id}/deliveries">;

export type NewClient = Schemas["ClientRequest"];
export type NewDeposit = Schemas["NewDeposit"];
export type NewWithdrawal = Schemas["NewWithdrawal"];
export type NewTransfer = Schemas["NewTransfer"];
export type NewMultiLeg = Schemas["NewMultiLeg"];
export type NewLine = Schemas["NewLine"];
export type NewHold = Schemas["NewHold"];
export type NewCapture = Schemas["NewCapture"];
export type NewRelease = Schemas["NewRelease"];
export type NewReversal = Schemas["NewReversal"];
export type NewClosure = Schemas["NewClosure"];
export type NewWallet = Schemas["WalletRequest"];

type Query<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Parameters } } }
  ? Omit<NonNullable<Parameters>, "cursor">
  : never;
