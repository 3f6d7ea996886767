/** The OpenAPI document as types. Written by `npm run generate`: do not edit. */

export interface paths {
    "/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List clients
         * @description Clients, newest first. For operators.
         */
        get: operations["list_clients_v1_clients_get"];
        put?: never;
        /**
         * Make a client with its first wallet
         * @description Make a client and its first wallet. With an Idempotency-Key header the request may be repeated. For operators.
         */
        post: operations["post_client_v1_clients_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clients/{client_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look a client up
         * @description A client with its wallets, all as of one instant. A client's key opens its own client only.
         */
        get: operations["get_client_v1_clients__client_id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clients/{client_id}/wallets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make another wallet of a client
         * @description Make a wallet of the client in another currency. A client has one wallet a currency. For operators.
         *
         *     With an Idempotency-Key header the request may be repeated. The client's keys may use the wallet from the answer on.
         */
        post: operations["post_wallet_v1_clients__client_id__wallets_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clients/{client_id}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a client's keys
         * @description The client's keys, newest first, including revoked ones. For operators.
         */
        get: operations["list_keys_v1_clients__client_id__keys_get"];
        put?: never;
        /**
         * Make a key for a client
         * @description Make a key that is bound to the client and its wallets. The answer shows it; no later answer does. For operators.
         *
         *     A repeated request makes another key. When an answer was lost, revoke the key that was never used.
         */
        post: operations["post_key_v1_clients__client_id__keys_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke a key
         * @description Revoke a key of a client or an operator, for ever. Every API process refuses it at most 5 seconds later. For operators.
         *
         *     The key stays in its list. Revoking it again changes nothing and has the same answer.
         */
        delete: operations["delete_key_v1_keys__key_id__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/wallets/{wallet_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look a wallet up
         * @description A wallet, its balance and version as of one instant. A client's key opens its client's wallets only.
         */
        get: operations["get_wallet_v1_wallets__wallet_id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Freeze or limit a wallet
         * @description Change what of a wallet is frozen, and its limits. For operators.
         *
         *     After 200 nothing is applied against it, whatever was queued before. A repetition changes nothing and has the same answer.
         */
        patch: operations["patch_wallet_v1_wallets__wallet_id__patch"];
        trace?: never;
    };
    "/v1/wallets/{wallet_id}/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a wallet's changes
         * @description The changes of what the wallet allows, newest first. For operators.
         */
        get: operations["list_wallet_changes_v1_wallets__wallet_id__changes_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/wallets/{wallet_id}/entries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a wallet's entries
         * @description The wallet's entries, newest first. A client's key opens those of its client's wallets only.
         */
        get: operations["list_wallet_entries_v1_wallets__wallet_id__entries_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/wallets/{wallet_id}/holds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a wallet's open holds
         * @description The open holds of the wallet's money, newest first. What remains of them sums to `held`.
         *
         *     A client's key opens those of its client's wallets only.
         */
        get: operations["list_wallet_holds_v1_wallets__wallet_id__holds_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/wallets/{wallet_id}/statement": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A wallet's statement of a period
         * @description The entries of a period, oldest first, with opening and closing balance. A client's key opens its own wallet's only.
         *
         *     Periods tile: the closing balance of one is the opening balance of the next. With `Accept: text/csv` all entries are streamed as
         *     one document, without `limit` and `cursor`.
         */
        get: operations["get_statement_v1_wallets__wallet_id__statement_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/wallets/{wallet_id}/balance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A wallet's balance as of a time
         * @description The balance and the version of a wallet just before a time. A client's key opens its own wallet only.
         */
        get: operations["get_balance_v1_wallets__wallet_id__balance_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deposits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deposit into a wallet
         * @description Queue a deposit into a client's wallet. For operators.
         */
        post: operations["post_deposit_v1_deposits_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/withdrawals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Withdraw from a wallet
         * @description Queue a withdrawal from a client's wallet to outside Teller. For operators.
         */
        post: operations["post_withdrawal_v1_withdrawals_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List transfers
         * @description Transfers, newest first. A client's key lists the transfers of its own wallets, and none for another `wallet_id`.
         *
         *     With a rare `status` or `type` a page may hold fewer than `limit` rows while `has_more` is true.
         */
        get: operations["list_transfers_v1_transfers_get"];
        put?: never;
        /**
         * Transfer between wallets
         * @description Queue a transfer from one client's wallet to another's. A client's key moves money out of its own wallets only.
         */
        post: operations["post_transfer_v1_transfers_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/holds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Hold money
         * @description Queue a hold: it reserves money of a wallet for a payee. A client's key holds money of its own wallets only.
         *
         *     `applied` means that the money is reserved. It stays in the source's balance, is no longer available there, and waits for
         *     captures, releases, or the end of the hold.
         */
        post: operations["post_hold_v1_holds_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{transfer_id}/capture": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Capture a hold
         * @description Queue a capture of a hold: its payee gets the amount. For operators, and for the payee's key.
         *
         *     A hold may be captured several times. What is left stays held, unless the capture is `final`.
         */
        post: operations["post_capture_v1_transfers__transfer_id__capture_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{transfer_id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Release a hold
         * @description Queue a release of a hold, whole or in part: the amount is available to its source again.
         *
         *     For operators, and for the payee's key: the payer waits for the hold's end.
         */
        post: operations["post_release_v1_transfers__transfer_id__release_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{transfer_id}/reverse": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reverse a transfer
         * @description Queue a reversal of an applied deposit, withdrawal, transfer or capture, whole or in part.
         *
         *     All reversals of a transfer together never pass its amount. A client's key reverses transfers and captures into its own wallets.
         */
        post: operations["post_reversal_v1_transfers__transfer_id__reverse_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/wallets/{wallet_id}/close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Close a wallet
         * @description Queue the closure of a wallet, for ever. What was sent out of it before is applied first. For operators.
         *
         *     It is rejected while the wallet has open holds, or money that it does not sweep. After it is applied, whatever would touch the
         *     wallet is rejected with `wallet_closed`.
         */
        post: operations["post_closure_v1_wallets__wallet_id__close_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Transfer many at once
         * @description Queue up to 1000 transfers. Results come in the order of the items. Each item succeeds or fails on its own.
         *
         *     An item's `type` says of which verb it is. It has the fields, the rights and the answer of that verb's own route.
         */
        post: operations["post_batch_v1_transfers_batch_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{transfer_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look a transfer up
         * @description One transfer in its current state. A client's key opens the transfers of its own wallets.
         */
        get: operations["get_transfer_v1_transfers__transfer_id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{transfer_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a transfer
         * @description Cancel a scheduled or queued transfer, of any type. For the caller that submitted it, and for operators.
         *
         *     After 200 it is never applied. The request has no key: to cancel again changes nothing.
         */
        post: operations["post_cancel_v1_transfers__transfer_id__cancel_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow the events
         * @description Events, oldest first. A caller that always continues after the last event of a page gets each event once and misses none.
         *
         *     A client's key gets the events of its own wallets' transfers. The event of a disabled endpoint goes to its owner only.
         */
        get: operations["list_events_v1_events_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{event_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look an event up
         * @description An event. It exists as soon as its transfer is final, or its endpoint disabled, and never changes.
         */
        get: operations["get_event_v1_events__event_id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List webhook endpoints
         * @description Your endpoints, newest first.
         */
        get: operations["list_endpoints_v1_webhook_endpoints_get"];
        put?: never;
        /**
         * Make a webhook endpoint
         * @description Make an endpoint. It receives each of its events from now on. Only this answer and that of a rotation show a secret.
         */
        post: operations["post_endpoint_v1_webhook_endpoints_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look a webhook endpoint up
         * @description One of your endpoints.
         */
        get: operations["get_endpoint_v1_webhook_endpoints__endpoint_id__get"];
        put?: never;
        post?: never;
        /**
         * Delete a webhook endpoint
         * @description Delete an endpoint. Its pending deliveries are canceled.
         */
        delete: operations["delete_endpoint_v1_webhook_endpoints__endpoint_id__delete"];
        options?: never;
        head?: never;
        /**
         * Change a webhook endpoint
         * @description Change the fields that are in the body. A field that is absent stays as it is.
         */
        patch: operations["patch_endpoint_v1_webhook_endpoints__endpoint_id__patch"];
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a webhook endpoint another secret
         * @description Give an endpoint a new secret; only this answer shows it. The previous secret signs too for 24 hours, older ones never.
         */
        post: operations["rotate_endpoint_secret_v1_webhook_endpoints__endpoint_id__rotate_secret_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look up when your secret was made
         * @description When the secret for your callback URLs was made. Your first callback URL or your first rotation makes it.
         */
        get: operations["get_secret_v1_webhook_secret_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-secret/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a secret for your callback URLs
         * @description Make a new secret; only this answer shows it. The previous secret signs too for 24 hours, older ones never.
         *
         *     Your first callback URL makes a secret that no answer has shown. Rotate it to get one that you know.
         */
        post: operations["rotate_secret_v1_webhook_secret_rotate_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/transfers/{transfer_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a transfer's deliveries
         * @description Your deliveries of a transfer's event, newest first: to your endpoints, and to its callback URL if you set one.
         */
        get: operations["list_transfer_deliveries_v1_transfers__transfer_id__deliveries_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a webhook endpoint's deliveries
         * @description The deliveries to one of your endpoints, newest first.
         */
        get: operations["list_endpoint_deliveries_v1_webhook_endpoints__endpoint_id__deliveries_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/{delivery_id}/redeliver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deliver again
         * @description Make a delivery due now, in any status. It sends the same event with the same id, and its retries start from the first.
         */
        post: operations["redeliver_v1_deliveries__delivery_id__redeliver_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}/redeliver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deliver again what a webhook endpoint has missed
         * @description Make the failed and canceled deliveries since a time due now, oldest first. While `has_more` is true, repeat the request.
         */
        post: operations["redeliver_since_v1_webhook_endpoints__endpoint_id__redeliver_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Is the process alive?
         * @description The process runs. No I/O.
         */
        get: operations["get_health_healthz_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * May traffic be sent?
         * @description Ready means: the database is writable and durable, and has exactly the migrations of this version.
         *
         *     Redis is reported and not required, since the sweeper works without it. `redis_fault` says why Redis does not take doorbells;
         *     it is null when it does.
         */
        get: operations["get_readiness_readyz_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List problem codes
         * @description Every code of an answer: those of problems in `data`, all others in `codes`, each with the fields that hold it.
         */
        get: operations["list_problems_problems_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/problems/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Explain a code
         * @description What a code means, and what the caller should do.
         */
        get: operations["get_problem_problems__code__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics for Prometheus
         * @description All counters of this API, and its queue as it is now. A key is needed only when TELLER_METRICS_KEY is set.
         */
        get: operations["get_metrics_metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description One attempt: the status of the receiver's answer, or the error because of which there was none. */
        AttemptView: {
            number: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            started_at: string;
            duration_ms: number;
            status_code: number | null;
            /** @description such as `timed_out` or `not_connected`; null when there was an answer. `not_reachable`: the receiver's name is not found, or leads to an address that Teller does not send to; only operators see which, and how long it took */
            error: string | null;
        };
        /** @description A wallet's balance, in minor units, and version just before a time. */
        BalanceView: {
            wallet_id: string;
            currency: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            at: string;
            balance: number;
            version: number;
        };
        /** @description The result of one item: 202 queued, 200 final, or the problem that a request of its own would get, with its status. */
        BatchResult: {
            status: number;
            transfer?: components["schemas"]["TransferView"] | null;
            problem?: {
                [key: string]: unknown;
            } | null;
        };
        BatchView: {
            results: components["schemas"]["BatchResult"][];
        };
        ClientPage: {
            data: components["schemas"]["ClientView"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        ClientView: {
            id: string;
            name: string;
            external_id: string | null;
            metadata: {
                [key: string]: string;
            };
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /** @description its first, which was made with it */
            wallet: components["schemas"]["WalletView"];
            /** @description one a currency, in the order in which they were made */
            wallets: components["schemas"]["WalletView"][];
        };
        DeliveryPage: {
            data: components["schemas"]["DeliveryView"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /** @description One event for one receiver: an endpoint, or a transfer's callback URL. */
        DeliveryView: {
            id: string;
            /** @description the `webhook-id`, the same on every attempt */
            event_id: string;
            /** @description null for the event of an endpoint */
            transfer_id: string | null;
            /** @description null for a callback URL */
            endpoint_id: string | null;
            /** @description null for an endpoint */
            callback_url: string | null;
            /**
             * @description `canceled`: the endpoint was disabled or deleted before the event was delivered
             * @enum {string}
             */
            status: "pending" | "delivered" | "failed" | "canceled";
            /** @description null unless the delivery is pending */
            next_attempt_at: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            finished_at: string | null;
            /** @description oldest first, at most the last 100 */
            attempts: components["schemas"]["AttemptView"][];
        };
        /** @description A webhook endpoint of yours was disabled because it is gone or fails. `data` is the endpoint as of that time. */
        EndpointEventView: {
            id: string;
            /** @constant */
            type: "webhook_endpoint.disabled";
            /**
             * Format: date-time
             * @description when the endpoint was disabled
             * @example 2026-01-31T09:30:00.000000Z
             */
            timestamp: string;
            data: components["schemas"]["EndpointView"];
        };
        EndpointPage: {
            data: components["schemas"]["EndpointView"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /**
         * @description A URL that receives events of these types.
         *
         *     An operator's endpoint receives them for all transfers, a client's for the transfers of its own wallets.
         *     `webhook_endpoint.disabled` says that Teller has disabled another endpoint of yours.
         */
        EndpointView: {
            id: string;
            url: string;
            events: ("transfer.applied" | "transfer.rejected" | "transfer.canceled" | "webhook_endpoint.disabled")[];
            description: string | null;
            /** @enum {string} */
            status: "enabled" | "disabled";
            /** @description `requested` by you, `gone` because it answered 410, or `failing` because no attempt succeeded for days */
            disabled_reason: ("requested" | "gone" | "failing") | null;
            disabled_at: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /** @description until this time the previous secret signs too; null when there is none */
            old_secret_expires_at: string | null;
        };
        EventPage: {
            data: (components["schemas"]["TransferEventView"] | components["schemas"]["EndpointEventView"])[];
            has_more: boolean;
            /** @description the `after` of the next page; null when this one is the last for now */
            next_cursor: string | null;
        };
        FailureView: {
            code: components["schemas"]["Refusal"];
            detail: string;
        };
        /** @description What became of an applied hold, in minor units. It is `open` while something remains. */
        HoldView: {
            /** @enum {string} */
            status: "open" | "closed";
            remaining_amount: number;
            captured_amount: number;
            released_amount: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            expires_at: string;
        };
        KeyPage: {
            data: components["schemas"]["KeyView"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /** @description A client's key, without the key itself. */
        KeyView: {
            id: string;
            client_id: string;
            /** @description the first 8 hexadecimal digits of the key's SHA-256: `printf %s KEY | sha256sum` */
            hint: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /** @description to the minute */
            last_used_at: string | null;
            revoked_at: string | null;
        };
        /** @description What a wallet allows, in minor units. null: no such limit. */
        LimitsView: {
            /** @description no credit may make the balance greater */
            balance_max: number | null;
            /** @description of one transfer, withdrawal or hold */
            debit_max: number | null;
            /** @description of all transfers, withdrawals and holds of a UTC day */
            debits_per_day_max: number | null;
            /** @description of all transfers, withdrawals and holds of a UTC month */
            debits_per_month_max: number | null;
        };
        /** @description A wallet, and how much a transfer debits or credits it, in minor units. */
        LineView: {
            wallet_id: string;
            amount: number;
        };
        /** @description A key that has just been made. */
        NewKeyView: {
            id: string;
            client_id: string;
            /** @description the first 8 hexadecimal digits of the key's SHA-256: `printf %s KEY | sha256sum` */
            hint: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /** @description to the minute */
            last_used_at: string | null;
            revoked_at: string | null;
            /** @description shown this once: only its SHA-256 is kept */
            key: string;
        };
        NewSecretView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /** @description until this time the previous secret signs too; null when there is none */
            old_secret_expires_at: string | null;
            /**
             * @description signs webhooks; no later answer shows it
             * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
             */
            secret: string;
        };
        /** @description What a preview rests on: the transfers of the shard that are queued, and so are applied before this one. */
        PreviewBasis: {
            queued_ahead: number;
            /** @description false: more are queued than a preview looks at */
            complete: boolean;
        };
        /** @description What a transfer would become now. It is not stored: it has no id, and nothing of it can be asked for later. */
        PreviewView: {
            id: null;
            /** @enum {string} */
            type: "deposit" | "withdrawal" | "transfer" | "hold" | "capture" | "release" | "reversal" | "closure";
            /** @description `scheduled` until `scheduled_for`, then `queued` until it is final */
            status: ("queued" | "applied" | "rejected" | "canceled") | "scheduled";
            /** @description null for outside Teller, and for a transfer with `debits` and `credits` */
            source_wallet_id: string | null;
            /** @description likewise */
            destination_wallet_id: string | null;
            /** @description minor units of the currency; until an open amount is applied, the most that it may come to; of a transfer with `debits` and `credits` the sum of one side, for a client's key the amount of its own line */
            amount: number;
            currency: string;
            reference: string | null;
            metadata: {
                [key: string]: string;
            };
            /** @description called when the outcome is final; shown only to the caller that set it */
            callback_url: string | null;
            failure: components["schemas"]["FailureView"] | null;
            /** @description of an applied transfer, as far as the key may see their wallets */
            entries: components["schemas"]["TransferEntryView"][];
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            finished_at: string | null;
            /** @description of a capture, a release or a reversal: the transfer that it is about */
            parent_id: string | null;
            /** @description as far as the key may see their wallets; null for one debit and one credit */
            debits: components["schemas"]["LineView"][] | null;
            /** @description likewise */
            credits: components["schemas"]["LineView"][] | null;
            scheduled_for: string | null;
            /** @description rejected if a worker takes it up later; null for a scheduled one until it is queued */
            apply_by: string | null;
            /** @description how much of it was reversed so far, in minor units */
            reversed_amount: number;
            /** @description of an applied hold */
            hold: components["schemas"]["HoldView"] | null;
            /** @description of a release: asked for by a caller, or by the hold's end */
            reason: ("requested" | "expired") | null;
            preview: components["schemas"]["PreviewBasis"];
        };
        /** @description The number of deliveries that this request made due. */
        RedeliveredView: {
            /** @description at most 1000, the oldest first */
            count: number;
            /** @description there may be more: repeat the request */
            has_more: boolean;
        };
        /**
         * @description The reasons, in order of precedence: a command with several reasons against it is refused for the first.
         * @enum {string}
         */
        Refusal: "deadline_passed" | "wallet_closed" | "wallet_frozen" | "hold_closed" | "hold_exceeded" | "reversal_exceeded" | "wallet_has_holds" | "wallet_not_empty" | "debit_limit_exceeded" | "daily_limit_exceeded" | "monthly_limit_exceeded" | "insufficient_funds" | "balance_limit_exceeded" | "internal";
        /** @description What a wallet allowed. */
        RulesView: {
            /** @enum {string} */
            status: "active" | "closed";
            frozen: ("debits" | "credits" | "all") | null;
            limits: components["schemas"]["LimitsView"];
        };
        /** @description The secret that signs webhooks to your callback URLs. */
        SecretView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /** @description until this time the previous secret signs too; null when there is none */
            old_secret_expires_at: string | null;
        };
        SignedEndpointView: {
            id: string;
            url: string;
            events: ("transfer.applied" | "transfer.rejected" | "transfer.canceled" | "webhook_endpoint.disabled")[];
            description: string | null;
            /** @enum {string} */
            status: "enabled" | "disabled";
            /** @description `requested` by you, `gone` because it answered 410, or `failing` because no attempt succeeded for days */
            disabled_reason: ("requested" | "gone" | "failing") | null;
            disabled_at: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /** @description until this time the previous secret signs too; null when there is none */
            old_secret_expires_at: string | null;
            /**
             * @description signs webhooks; no later answer shows it
             * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
             */
            secret: string;
        };
        /** @description The entries of a wallet in a period, and the balances around them, in minor units. All but `data` is of the whole period. */
        StatementView: {
            wallet_id: string;
            currency: string;
            /** @description digits of the currency's minor unit: 2 for cents */
            minor_unit: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            from: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            to: string;
            opening_balance: number;
            closing_balance: number;
            total_credits: number;
            /** @description positive: the opening balance, plus the credits, less this, is the closing balance */
            total_debits: number;
            entry_count: number;
            /** @description `to` lies more than 15 seconds back, and no entry can be added any more */
            final: boolean;
            /** @description oldest first */
            data: components["schemas"]["WalletEntryView"][];
            next_cursor: string | null;
        };
        /** @description One of an applied transfer's entries, in minor units: one for each wallet that it debits or credits. */
        TransferEntryView: {
            wallet_id: string;
            version: number;
            amount: number;
            balance_after: number;
        };
        /** @description A transfer became final. Webhooks of the event carry the same id on every attempt. */
        TransferEventView: {
            id: string;
            /** @enum {string} */
            type: "transfer.applied" | "transfer.rejected" | "transfer.canceled";
            /**
             * Format: date-time
             * @description when the transfer became final
             * @example 2026-01-31T09:30:00.000000Z
             */
            timestamp: string;
            data: components["schemas"]["TransferView"];
        };
        TransferPage: {
            data: components["schemas"]["TransferView"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /**
         * @description One instruction to move, hold or give back money. It becomes `applied`, `rejected` or `canceled`, once and for ever.
         *
         *     `applied` means for a hold that the money is reserved. What came of it later is in `hold`, and in its captures and releases.
         */
        TransferView: {
            id: string;
            /** @enum {string} */
            type: "deposit" | "withdrawal" | "transfer" | "hold" | "capture" | "release" | "reversal" | "closure";
            /** @description `scheduled` until `scheduled_for`, then `queued` until it is final */
            status: ("queued" | "applied" | "rejected" | "canceled") | "scheduled";
            /** @description null for outside Teller, and for a transfer with `debits` and `credits` */
            source_wallet_id: string | null;
            /** @description likewise */
            destination_wallet_id: string | null;
            /** @description minor units of the currency; until an open amount is applied, the most that it may come to; of a transfer with `debits` and `credits` the sum of one side, for a client's key the amount of its own line */
            amount: number;
            currency: string;
            reference: string | null;
            metadata: {
                [key: string]: string;
            };
            /** @description called when the outcome is final; shown only to the caller that set it */
            callback_url: string | null;
            failure: components["schemas"]["FailureView"] | null;
            /** @description of an applied transfer, as far as the key may see their wallets */
            entries: components["schemas"]["TransferEntryView"][];
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            finished_at: string | null;
            /** @description of a capture, a release or a reversal: the transfer that it is about */
            parent_id: string | null;
            /** @description as far as the key may see their wallets; null for one debit and one credit */
            debits: components["schemas"]["LineView"][] | null;
            /** @description likewise */
            credits: components["schemas"]["LineView"][] | null;
            scheduled_for: string | null;
            /** @description rejected if a worker takes it up later; null for a scheduled one until it is queued */
            apply_by: string | null;
            /** @description how much of it was reversed so far, in minor units */
            reversed_amount: number;
            /** @description of an applied hold */
            hold: components["schemas"]["HoldView"] | null;
            /** @description of a release: asked for by a caller, or by the hold's end */
            reason: ("requested" | "expired") | null;
        };
        /** @description What counts against the limits of debits, in minor units. What is given back of a hold no longer counts. */
        UsageView: {
            debits_today: number;
            debits_this_month: number;
        };
        WalletChangePage: {
            data: components["schemas"]["WalletChangeView"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /** @description One change of what a wallet allows. */
        WalletChangeView: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            changed_at: string;
            /** @description the API key that asked for it; null for a closure, and for the configured key */
            key_id: string | null;
            before: components["schemas"]["RulesView"];
            after: components["schemas"]["RulesView"];
            /** @description as it was given; of a closure its transfer */
            reason: string;
        };
        WalletEntryPage: {
            data: components["schemas"]["WalletEntryView"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /** @description One line of a wallet's history, in minor units. */
        WalletEntryView: {
            wallet_id: string;
            /** @description 1..n with no gap */
            version: number;
            transfer_id: string;
            /** @enum {string} */
            type: "deposit" | "withdrawal" | "transfer" | "hold" | "capture" | "release" | "reversal" | "closure";
            /** @description signed */
            amount: number;
            balance_after: number;
            /** @description null for outside Teller, and for a transfer with several debits or credits */
            counterparty_wallet_id: string | null;
            reference: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
        };
        /** @description A wallet. Its balance, in minor units, is the sum of its first `version` entries. Holds change neither of the two. */
        WalletView: {
            id: string;
            /** @description null for an external wallet, the other side of deposits and withdrawals */
            client_id: string | null;
            currency: string;
            /**
             * @description digits of an amount after the point: 2 for USD, so 1050 is 10.50
             * @example 2
             */
            minor_unit: number;
            balance: number;
            /** @description what open holds have reserved of the balance */
            held: number;
            /** @description balance - held: what can be moved out or held */
            available: number;
            /** @description how many entries the wallet has: of two answers, the one with the higher version is newer */
            version: number;
            /** @enum {string} */
            status: "active" | "frozen" | "closed";
            /** @description what is stopped: money out of the wallet, into it, or both */
            frozen: ("debits" | "credits" | "all") | null;
            limits: components["schemas"]["LimitsView"];
            /** @description null until a limit is first set: nothing is counted before */
            usage: components["schemas"]["UsageView"] | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
        };
        ClientRequest: {
            /** @example Ada */
            name: string;
            /** @default null */
            external_id?: string | null;
            /** @default {} */
            metadata?: {
                [key: string]: string;
            };
            /**
             * @description of its first wallet
             * @default USD
             * @example USD
             */
            currency?: string;
        };
        WalletRequest: {
            /** @example USD */
            currency: string;
        };
        /** @description Money from outside Teller for a client's wallet. */
        NewDeposit: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            wallet_id: string;
            /** @example 1050 */
            amount: number;
        };
        /** @description Money from a client's wallet to outside Teller. */
        NewWithdrawal: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            wallet_id: string;
            /** @example 1050 */
            amount: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
            /**
             * @description not before this time, at most 366 days ahead; a past time means now
             * @default null
             */
            scheduled_for?: string | null;
        };
        /** @description Money from one client's wallet for another client's wallet. */
        NewTransfer: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            source_wallet_id: string;
            destination_wallet_id: string;
            /** @example 1050 */
            amount: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
            /**
             * @description not before this time, at most 366 days ahead; a past time means now
             * @default null
             */
            scheduled_for?: string | null;
        };
        /** @description A wallet, and how much it is debited or credited. */
        NewLine: {
            wallet_id: string;
            /** @example 1050 */
            amount: number;
        };
        /** @description Money out of one or several clients' wallets for one or several others: 3 to 32 lines, applied whole or not at all. */
        NewMultiLeg: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            /** @description a client's key: its own wallet alone */
            debits: components["schemas"]["NewLine"][];
            /** @description of the same sum as the debits; no wallet stands in two lines */
            credits: components["schemas"]["NewLine"][];
            /**
             * @description not before this time, at most 366 days ahead; a past time means now
             * @default null
             */
            scheduled_for?: string | null;
        };
        /** @description Money of a client's wallet that is reserved for a payee until it is captured, released or expires. */
        NewHold: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            source_wallet_id: string;
            /** @description the payee; left out: to outside Teller, for operators alone */
            destination_wallet_id?: string;
            /** @example 1050 */
            amount: number;
            /**
             * @description from acceptance, or from `scheduled_for`; what is left then is released
             * @default 604800
             * @example 3600
             */
            expires_in_s?: number;
            /**
             * @description not before this time, at most 366 days ahead; a past time means now
             * @default null
             */
            scheduled_for?: string | null;
        };
        /** @description Money that a hold has reserved, for its payee. */
        NewCapture: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * @description left out: all that is left of the hold
             * @example 1050
             */
            amount?: number;
            /**
             * @description true: what this capture leaves of the hold is released
             * @default false
             */
            final?: boolean;
            /** @description for these wallets, and not for the hold's payee; they sum to the amount; for operators alone */
            credits?: components["schemas"]["NewLine"][];
        };
        /** @description Money that a hold has reserved, available again to its source. */
        NewRelease: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * @description left out: all that is left of the hold
             * @example 1050
             */
            amount?: number;
        };
        /** @description The end of a wallet. Without a sweep it must be empty. */
        NewClosure: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description left out: the wallet's
             * @example USD
             */
            currency?: string;
            /** @description where its balance goes */
            sweep_to_wallet_id?: string;
            /**
             * @description true: its balance goes to outside Teller
             * @default false
             */
            sweep_outside?: boolean;
        };
        /** @description Money of an applied transfer, back to where it came from. */
        NewReversal: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * @description left out: all that was not yet reversed
             * @example 1050
             */
            amount?: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
        };
        /** @description All money of an applied transfer with several debits or credits, back to where it came from. */
        NewWholeReversal: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
        };
        /** @description A limit that is absent stays as it is. null removes it. */
        LimitChanges: {
            balance_max?: number | null;
            debit_max?: number | null;
            debits_per_day_max?: number | null;
            debits_per_month_max?: number | null;
        };
        /** @description What is absent stays as it is. */
        WalletChanges: {
            /** @description null ends the freeze */
            frozen?: ("debits" | "credits" | "all") | null;
            limits?: components["schemas"]["LimitChanges"];
            /** @example court order 17/26 */
            reason: string;
        };
        /** @description A capture of the hold `parent_id`. */
        CaptureItem: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * @description left out: all that is left of the hold
             * @example 1050
             */
            amount?: number;
            /**
             * @description true: what this capture leaves of the hold is released
             * @default false
             */
            final?: boolean;
            /** @description for these wallets, and not for the hold's payee; they sum to the amount; for operators alone */
            credits?: components["schemas"]["NewLine"][];
            /** @example order-1001 */
            idempotency_key: string;
            parent_id: string;
            /** @constant */
            type: "capture";
        };
        /** @description A deposit, as POST /v1/deposits takes it. */
        DepositItem: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            wallet_id: string;
            /** @example 1050 */
            amount: number;
            /** @example order-1001 */
            idempotency_key: string;
            /** @constant */
            type: "deposit";
        };
        /** @description A hold, as POST /v1/holds takes it. */
        HoldItem: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            source_wallet_id: string;
            /** @description the payee; left out: to outside Teller, for operators alone */
            destination_wallet_id?: string;
            /** @example 1050 */
            amount: number;
            /**
             * @description from acceptance, or from `scheduled_for`; what is left then is released
             * @default 604800
             * @example 3600
             */
            expires_in_s?: number;
            /**
             * @description not before this time, at most 366 days ahead; a past time means now
             * @default null
             */
            scheduled_for?: string | null;
            /** @example order-1001 */
            idempotency_key: string;
            /** @constant */
            type: "hold";
        };
        /** @description A transfer with several debits or credits, as POST /v1/transfers takes it. */
        MultiLegItem: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            /** @description a client's key: its own wallet alone */
            debits: components["schemas"]["NewLine"][];
            /** @description of the same sum as the debits; no wallet stands in two lines */
            credits: components["schemas"]["NewLine"][];
            /**
             * @description not before this time, at most 366 days ahead; a past time means now
             * @default null
             */
            scheduled_for?: string | null;
            /** @example order-1001 */
            idempotency_key: string;
            /**
             * @default transfer
             * @constant
             */
            type?: "transfer";
        };
        /** @description A release of the hold `parent_id`. */
        ReleaseItem: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * @description left out: all that is left of the hold
             * @example 1050
             */
            amount?: number;
            /** @example order-1001 */
            idempotency_key: string;
            parent_id: string;
            /** @constant */
            type: "release";
        };
        /** @description A reversal of the transfer `parent_id`. */
        ReversalItem: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * @description left out: all that was not yet reversed
             * @example 1050
             */
            amount?: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
            /** @example order-1001 */
            idempotency_key: string;
            parent_id: string;
            /** @constant */
            type: "reversal";
        };
        /** @description A transfer between two wallets, as POST /v1/transfers takes it. */
        TransferItem: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            source_wallet_id: string;
            destination_wallet_id: string;
            /** @example 1050 */
            amount: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
            /**
             * @description not before this time, at most 366 days ahead; a past time means now
             * @default null
             */
            scheduled_for?: string | null;
            /** @example order-1001 */
            idempotency_key: string;
            /**
             * @default transfer
             * @constant
             */
            type?: "transfer";
        };
        /** @description A reversal of the transfer `parent_id`, which has several debits or credits. */
        WholeReversalItem: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /** @example order-1001 */
            idempotency_key: string;
            parent_id: string;
            /** @constant */
            type: "reversal";
        };
        /** @description A withdrawal, as POST /v1/withdrawals takes it. */
        WithdrawalItem: {
            /** @default null */
            reference?: string | null;
            metadata?: {
                [key: string]: string;
            };
            /** @default null */
            callback_url?: string | null;
            /**
             * @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up
             * @default null
             */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            wallet_id: string;
            /** @example 1050 */
            amount: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
            /**
             * @description not before this time, at most 366 days ahead; a past time means now
             * @default null
             */
            scheduled_for?: string | null;
            /** @example order-1001 */
            idempotency_key: string;
            /** @constant */
            type: "withdrawal";
        };
        BatchRequest: {
            transfers: (components["schemas"]["TransferItem"] | components["schemas"]["MultiLegItem"] | components["schemas"]["DepositItem"] | components["schemas"]["WithdrawalItem"] | components["schemas"]["HoldItem"] | components["schemas"]["CaptureItem"] | components["schemas"]["ReleaseItem"] | components["schemas"]["ReversalItem"] | components["schemas"]["WholeReversalItem"])[];
        };
        EndpointRequest: {
            /**
             * Format: uri
             * @example https://example.com/hook
             */
            url: string;
            /**
             * @default [
             *       "transfer.applied",
             *       "transfer.rejected",
             *       "transfer.canceled",
             *       "webhook_endpoint.disabled"
             *     ]
             */
            events?: ("transfer.applied" | "transfer.rejected" | "transfer.canceled" | "webhook_endpoint.disabled")[];
            /** @default null */
            description?: string | null;
        };
        /** @description A field that is absent stays as it is. */
        EndpointChanges: {
            /**
             * Format: uri
             * @example https://example.com/hook
             */
            url?: string;
            events?: ("transfer.applied" | "transfer.rejected" | "transfer.canceled" | "webhook_endpoint.disabled")[];
            /** @description null removes it */
            description?: string | null;
            /**
             * @description `disabled` cancels its pending deliveries
             * @enum {string}
             */
            status?: "enabled" | "disabled";
        };
        RedeliverRequest: {
            /**
             * Format: date-time
             * @description deliveries that were created at this time or later
             * @example 2026-01-31T09:30:00Z
             */
            since: string;
        };
        /** @description RFC 9457. GET /problems explains each code. */
        Problem: {
            /** @example /problems/validation_failed */
            type: string;
            title: string;
            status: number;
            /** @enum {string} */
            code: "backlog_full" | "body_too_large" | "duplicate_key" | "endpoint_disabled" | "external_id_taken" | "forbidden" | "headers_too_large" | "idempotency_key_invalid" | "idempotency_key_missing" | "idempotency_key_reused" | "internal_error" | "invalid_cursor" | "invalid_json" | "invalid_parameter" | "malformed_request" | "method_not_allowed" | "not_a_hold" | "not_cancelable" | "not_found" | "not_reversible" | "rate_limited" | "request_timeout" | "too_many_endpoints" | "unauthorized" | "unavailable" | "unsupported_media_type" | "validation_failed" | "wallet_closed" | "wallet_exists";
            detail: string;
            instance: string;
            request_id: string;
            errors?: {
                pointer: string;
                code: string;
                detail: string;
            }[];
            /** @description only of `not_cancelable`: the transfer as it is */
            transfer?: components["schemas"]["TransferView"];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_clients_v1_clients_get: {
        parameters: {
            query?: {
                /** @description only the one with this external_id */
                external_id?: string | null;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientPage"];
                };
            };
        };
    };
    post_client_v1_clients_post: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClientRequest"];
            };
        };
        responses: {
            /** @description made, now or by an earlier request with this key */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientView"];
                };
            };
        };
    };
    get_client_v1_clients__client_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientView"];
                };
            };
        };
    };
    post_wallet_v1_clients__client_id__wallets_post: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WalletRequest"];
            };
        };
        responses: {
            /** @description made, now or by an earlier request with this key */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletView"];
                };
            };
        };
    };
    list_keys_v1_clients__client_id__keys_get: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyPage"];
                };
            };
        };
    };
    post_key_v1_clients__client_id__keys_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewKeyView"];
                };
            };
        };
    };
    delete_key_v1_keys__key_id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description revoked, now or before */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_wallet_v1_wallets__wallet_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletView"];
                };
            };
        };
    };
    patch_wallet_v1_wallets__wallet_id__patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WalletChanges"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletView"];
                };
            };
        };
    };
    list_wallet_changes_v1_wallets__wallet_id__changes_get: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletChangePage"];
                };
            };
        };
    };
    list_wallet_entries_v1_wallets__wallet_id__entries_get: {
        parameters: {
            query?: {
                /** @description only those that were made then or later */
                from?: string | null;
                /** @description only those that were made before then */
                to?: string | null;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletEntryPage"];
                };
            };
        };
    };
    list_wallet_holds_v1_wallets__wallet_id__holds_get: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferPage"];
                };
            };
        };
    };
    get_statement_v1_wallets__wallet_id__statement_get: {
        parameters: {
            query: {
                /** @description its entries were made then or later */
                from: string;
                /** @description and before then; at most 366 days after `from` */
                to: string;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatementView"];
                    "text/csv": string;
                };
            };
        };
    };
    get_balance_v1_wallets__wallet_id__balance_get: {
        parameters: {
            query: {
                /** @description entries that were made before then count */
                at: string;
            };
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BalanceView"];
                };
            };
        };
    };
    post_deposit_v1_deposits_post: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: "true" | "false";
            };
            header: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key": string;
                /**
                 * @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored
                 * @example wait=10
                 */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDeposit"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"] | components["schemas"]["PreviewView"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    post_withdrawal_v1_withdrawals_post: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: "true" | "false";
            };
            header: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key": string;
                /**
                 * @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored
                 * @example wait=10
                 */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewWithdrawal"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"] | components["schemas"]["PreviewView"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    list_transfers_v1_transfers_get: {
        parameters: {
            query?: {
                /** @description only those that this wallet is a party to */
                wallet_id?: string | null;
                status?: ("queued" | "applied" | "rejected" | "canceled") | "scheduled" | null;
                type?: ("deposit" | "withdrawal" | "transfer" | "hold" | "capture" | "release" | "reversal" | "closure") | null;
                /** @description only the captures, releases and reversals of this one */
                parent_id?: string | null;
                /** @description only the one of this key */
                idempotency_key?: string | null;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferPage"];
                };
            };
        };
    };
    post_transfer_v1_transfers_post: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: "true" | "false";
            };
            header: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key": string;
                /**
                 * @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored
                 * @example wait=10
                 */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTransfer"] | components["schemas"]["NewMultiLeg"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"] | components["schemas"]["PreviewView"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    post_hold_v1_holds_post: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: "true" | "false";
            };
            header: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key": string;
                /**
                 * @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored
                 * @example wait=10
                 */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewHold"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"] | components["schemas"]["PreviewView"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    post_capture_v1_transfers__transfer_id__capture_post: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: "true" | "false";
            };
            header: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key": string;
                /**
                 * @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored
                 * @example wait=10
                 */
                Prefer?: string;
            };
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewCapture"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"] | components["schemas"]["PreviewView"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    post_release_v1_transfers__transfer_id__release_post: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: "true" | "false";
            };
            header: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key": string;
                /**
                 * @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored
                 * @example wait=10
                 */
                Prefer?: string;
            };
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRelease"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"] | components["schemas"]["PreviewView"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    post_reversal_v1_transfers__transfer_id__reverse_post: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: "true" | "false";
            };
            header: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key": string;
                /**
                 * @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored
                 * @example wait=10
                 */
                Prefer?: string;
            };
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewReversal"] | components["schemas"]["NewWholeReversal"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"] | components["schemas"]["PreviewView"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    post_closure_v1_wallets__wallet_id__close_post: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: "true" | "false";
            };
            header: {
                /**
                 * @description made up by the caller for this request; a repetition with the same key gets the same resource
                 * @example order-1001
                 */
                "Idempotency-Key": string;
                /**
                 * @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored
                 * @example wait=10
                 */
                Prefer?: string;
            };
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewClosure"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"] | components["schemas"]["PreviewView"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    post_batch_v1_transfers_batch_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BatchRequest"];
            };
        };
        responses: {
            /** @description the result of each item, in order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BatchView"];
                };
            };
        };
    };
    get_transfer_v1_transfers__transfer_id__get: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored
                 * @example wait=10
                 */
                Prefer?: string;
            };
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the transfer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    post_cancel_v1_transfers__transfer_id__cancel_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description canceled, now or before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferView"];
                };
            };
        };
    };
    list_events_v1_events_get: {
        parameters: {
            query?: {
                /** @description the last event that you have seen in this feed */
                after?: string | null;
                /** @description how many rows at most */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                };
            };
        };
    };
    get_event_v1_events__event_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                event_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferEventView"] | components["schemas"]["EndpointEventView"];
                };
            };
        };
    };
    list_endpoints_v1_webhook_endpoints_get: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointPage"];
                };
            };
        };
    };
    post_endpoint_v1_webhook_endpoints_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EndpointRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedEndpointView"];
                };
            };
        };
    };
    get_endpoint_v1_webhook_endpoints__endpoint_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointView"];
                };
            };
        };
    };
    delete_endpoint_v1_webhook_endpoints__endpoint_id__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    patch_endpoint_v1_webhook_endpoints__endpoint_id__patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EndpointChanges"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointView"];
                };
            };
        };
    };
    rotate_endpoint_secret_v1_webhook_endpoints__endpoint_id__rotate_secret_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedEndpointView"];
                };
            };
        };
    };
    get_secret_v1_webhook_secret_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecretView"];
                };
            };
        };
    };
    rotate_secret_v1_webhook_secret_rotate_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewSecretView"];
                };
            };
        };
    };
    list_transfer_deliveries_v1_transfers__transfer_id__deliveries_get: {
        parameters: {
            query?: {
                /** @description only those with this status */
                status?: ("pending" | "delivered" | "failed" | "canceled") | null;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryPage"];
                };
            };
        };
    };
    list_endpoint_deliveries_v1_webhook_endpoints__endpoint_id__deliveries_get: {
        parameters: {
            query?: {
                /** @description only those with this status */
                status?: ("pending" | "delivered" | "failed" | "canceled") | null;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string | null;
            };
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryPage"];
                };
            };
        };
    };
    redeliver_v1_deliveries__delivery_id__redeliver_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                delivery_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description due now */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryView"];
                };
            };
        };
    };
    redeliver_since_v1_webhook_endpoints__endpoint_id__redeliver_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RedeliverRequest"];
            };
        };
        responses: {
            /** @description due now */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RedeliveredView"];
                };
            };
        };
    };
    get_health_healthz_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: string;
                    };
                };
            };
        };
    };
    get_readiness_readyz_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
        };
    };
    list_problems_problems_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
        };
    };
    get_problem_problems__code__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                code: "address_forbidden" | "amount_not_integer" | "amount_not_positive" | "amount_too_large" | "answer_invalid" | "answer_too_large" | "backlog_full" | "balance_limit_exceeded" | "body_too_large" | "currency_mismatch" | "currency_unknown" | "daily_limit_exceeded" | "deadline_passed" | "debit_limit_exceeded" | "disconnected" | "duplicate_key" | "duplicate_wallet" | "endpoint_disabled" | "external_id_taken" | "failing" | "forbidden" | "gone" | "headers_too_large" | "hold_closed" | "hold_exceeded" | "idempotency_key_invalid" | "idempotency_key_missing" | "idempotency_key_reused" | "insufficient_funds" | "internal" | "internal_error" | "invalid_cursor" | "invalid_id" | "invalid_json" | "invalid_parameter" | "invalid_string" | "malformed_request" | "metadata_invalid" | "method_not_allowed" | "monthly_limit_exceeded" | "name_not_found" | "not_a_hold" | "not_cancelable" | "not_connected" | "not_found" | "not_reversible" | "out_of_range" | "rate_limited" | "repeated_parameter" | "request_timeout" | "requested" | "required" | "reversal_exceeded" | "same_wallet" | "seconds_out_of_range" | "time_invalid" | "timed_out" | "tls_failed" | "too_few_lines" | "too_long" | "too_many_endpoints" | "too_many_lines" | "unauthorized" | "unavailable" | "unbalanced" | "unknown_field" | "unknown_parameter" | "unknown_value" | "unsupported_media_type" | "url_forbidden" | "url_invalid" | "validation_failed" | "wallet_closed" | "wallet_exists" | "wallet_frozen" | "wallet_has_holds" | "wallet_not_empty" | "wallet_not_found" | "wrong_type";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
        };
    };
    get_metrics_metrics_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description in Prometheus' text format */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain; version=0.0.4; charset=utf-8": string;
                };
            };
        };
    };
}
