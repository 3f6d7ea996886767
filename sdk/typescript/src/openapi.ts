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
         * @description Clients, newest first; with `name` in the order of their names. For operators and viewers.
         */
        get: operations["listClients"];
        put?: never;
        /**
         * Make a client with its first wallet
         * @description Make a client and its first wallet. With an Idempotency-Key header the request may be repeated. For operators.
         */
        post: operations["createClient"];
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
        get: operations["getClient"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change a client
         * @description Change a client's name, external_id or metadata. For operators.
         *
         *     Its history keeps what was there before. A repetition changes nothing and has the same answer.
         */
        patch: operations["updateClient"];
        trace?: never;
    };
    "/v1/clients/{client_id}/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a client's changes
         * @description The changes of the client, newest first. For operators and viewers.
         */
        get: operations["listClientChanges"];
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
        post: operations["createClientWallet"];
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
         * @description The client's keys, newest first, including revoked ones. For operators and viewers.
         */
        get: operations["listClientKeys"];
        put?: never;
        /**
         * Make a key for a client
         * @description Make a key that is bound to the client and its wallets. The answer shows it; no later answer does. For operators.
         *
         *     A repeated request makes another key. When an answer was lost, revoke the key that was never used.
         */
        post: operations["createClientKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List keys
         * @description The keys of operators, viewers and clients, newest first, including revoked ones. For operators and viewers.
         */
        get: operations["listKeys"];
        put?: never;
        /**
         * Make a key for a viewer
         * @description Make a key that reads what an operator's key reads, and moves and changes nothing. For operators.
         *
         *     The answer shows it; no later answer does. A repeated request makes another key. When an answer was lost, revoke the key that
         *     was never used.
         */
        post: operations["createKey"];
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
         * @description Revoke a key, of any role, for ever. Every API process refuses it at most 5 seconds later. For operators.
         *
         *     The key stays in its list. Revoking it again changes nothing and has the same answer.
         */
        delete: operations["revokeKey"];
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
        get: operations["getWallet"];
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
        patch: operations["updateWallet"];
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
         * @description The changes of what the wallet allows, newest first. For operators and viewers.
         */
        get: operations["listWalletChanges"];
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
        get: operations["listWalletEntries"];
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
        get: operations["listWalletHolds"];
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
        get: operations["getWalletStatement"];
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
        get: operations["getWalletBalance"];
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
        post: operations["createDeposit"];
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
        post: operations["createWithdrawal"];
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
         * @description Transfers, newest first, that match all filters. A client's key lists the transfers of its own wallets alone.
         *
         *     The amount is the one that the transfer shows. A search reads up to 10000 transfers a page. So with a filter that few match, a
         *     page may hold fewer than `limit` rows, or none, while `has_more` is true. `parent_id`, `reference`, `wallet_id`, `client_id` and
         *     a period bound what is read.
         */
        get: operations["listTransfers"];
        put?: never;
        /**
         * Transfer between wallets
         * @description Queue a transfer from one client's wallet to another's. A client's key moves money out of its own wallets only.
         */
        post: operations["createTransfer"];
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
        post: operations["createHold"];
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
        post: operations["captureHold"];
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
        post: operations["releaseHold"];
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
        post: operations["reverseTransfer"];
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
        post: operations["closeWallet"];
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
        post: operations["createTransferBatch"];
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
        get: operations["getTransfer"];
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
        post: operations["cancelTransfer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search
         * @description Find whatever has just this text: ids, idempotency keys, external ids and references match letter for letter.
         *
         *     A client's name matches by its beginning, without regard to case. For operators.
         */
        get: operations["search"];
        put?: never;
        post?: never;
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
        get: operations["listEvents"];
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
        get: operations["getEvent"];
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
        get: operations["listWebhookEndpoints"];
        put?: never;
        /**
         * Make a webhook endpoint
         * @description Make an endpoint. It receives each of its events from now on. Only this answer and that of a rotation show a secret.
         */
        post: operations["createWebhookEndpoint"];
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
        get: operations["getWebhookEndpoint"];
        put?: never;
        post?: never;
        /**
         * Delete a webhook endpoint
         * @description Delete an endpoint. Its pending deliveries are canceled.
         */
        delete: operations["deleteWebhookEndpoint"];
        options?: never;
        head?: never;
        /**
         * Change a webhook endpoint
         * @description Change the fields that are in the body. A field that is absent stays as it is.
         */
        patch: operations["updateWebhookEndpoint"];
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
        post: operations["rotateWebhookEndpointSecret"];
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
         * @description When the secret for your callback URLs was made. Your first callback URL or your first rotation makes it. Not for viewers.
         */
        get: operations["getWebhookSecret"];
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
        post: operations["rotateWebhookSecret"];
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
         * @description The deliveries of a transfer's event, newest first: to endpoints, and to its callback URL.
         *
         *     A client sees those to its own. Operators and viewers see all: `client_id` says whose each is.
         */
        get: operations["listTransferDeliveries"];
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
        get: operations["listWebhookEndpointDeliveries"];
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
        post: operations["redeliverDelivery"];
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
        post: operations["redeliverWebhookEndpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ops/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See what waits in the queue
         * @description The queue, at most a second old, with the shards in which transfers wait. For operators and viewers.
         */
        get: operations["getOpsQueue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ops/processes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See which processes run
         * @description The processes that have a session of the database, at most a second old. For operators and viewers.
         */
        get: operations["getOpsProcesses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ops/database": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See how the database is
         * @description What waits for locks, what keeps events back, the last audit; at most a second old. For operators and viewers.
         */
        get: operations["getOpsDatabase"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ops/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See the settings in force
         * @description The settings of the API process that answers, without secrets. For operators and viewers.
         */
        get: operations["getOpsSettings"];
        put?: never;
        post?: never;
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
        get: operations["getHealth"];
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
         * @description Ready means: the database is writable and durable, answers commits, and has the migrations of this version, and of
         *     newer ones those alone that serve it.
         *
         *     Redis is reported and not required, since the sweeper works without it. `redis_fault` says why Redis does not take doorbells;
         *     it is null when it does.
         */
        get: operations["getReadiness"];
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
        get: operations["listProblems"];
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
        get: operations["getProblem"];
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
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    "transfer.applied": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Transfer applied
         * @description Teller sends it at least once, and signs each attempt.
         */
        post: operations["onTransferApplied"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "transfer.rejected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Transfer rejected
         * @description Teller sends it at least once, and signs each attempt.
         */
        post: operations["onTransferRejected"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "transfer.canceled": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Transfer canceled
         * @description Teller sends it at least once, and signs each attempt.
         */
        post: operations["onTransferCanceled"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "webhook_endpoint.disabled": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Webhook endpoint disabled
         * @description Teller sends it at least once, and signs each attempt.
         */
        post: operations["onWebhookEndpointDisabled"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        AllKeysPage: {
            data: components["schemas"]["Key"][];
            has_more: boolean;
            next_cursor: string | null;
            /** @description null where the settings have no key */
            configured: components["schemas"]["ConfiguredKey"] | null;
        };
        /** @description One attempt: the status of the receiver's answer, or the error because of which there was none. */
        DeliveryAttempt: {
            /** Format: int64 */
            number: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            started_at: string;
            /** Format: int64 */
            duration_ms: number;
            status_code: number | null;
            /** @description such as `timed_out` or `not_connected`; null when there was an answer. `not_reachable`: the receiver's name is not found, or leads to an address that Teller does not send to; only operators see which, and how long it took */
            error: string | null;
        };
        /** @description The last audit of the whole ledger whose result could be stored. */
        Audit: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            began_at: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            finished_at: string;
            ok: boolean;
            /**
             * Format: int64
             * @description violations in all
             */
            failures: number;
            /** @description violations by the check that found them, without those that found none */
            broken: {
                [key: string]: number;
            };
            /** Format: int64 */
            transfers: number;
            /** Format: int64 */
            entries: number;
            /** Format: int64 */
            wallets: number;
        };
        /** @description A wallet's balance, in minor units, and version just before a time. */
        Balance: {
            wallet_id: string;
            currency: string;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            at: string;
            /** Format: int64 */
            balance: number;
            /** Format: int64 */
            version: number;
        };
        /**
         * @description The result of one item: 202 queued, 200 final, or the problem that a request of its own would get, with its status.
         *
         *     It has either `transfer` or `problem`.
         */
        TransferBatchResult: {
            status: number;
            transfer?: components["schemas"]["Transfer"];
            problem?: components["schemas"]["Problem"];
        };
        TransferBatch: {
            results: components["schemas"]["TransferBatchResult"][];
        };
        /** @description A session of this database that waits for a lock. */
        Blocked: {
            /** Format: int64 */
            pid: number;
            application: string;
            waiting_seconds: number;
            /** @description the sessions that hold the lock or wait for it before this one; 0: a prepared transaction */
            blocked_by: number[];
            /** @description null for a session that is not Teller's */
            state: string | null;
        };
        ClientChangePage: {
            data: components["schemas"]["ClientChange"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /** @description One change of a client. */
        ClientChange: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            changed_at: string;
            /** @description the API key that asked for it; null for the configured key */
            key_id: string | null;
            before: components["schemas"]["Told"];
            after: components["schemas"]["Told"];
            /** @description as it was given */
            reason: string;
        };
        ClientPage: {
            data: components["schemas"]["Client"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        Client: {
            id: string;
            name: string;
            external_id: string | null;
            metadata: components["schemas"]["Metadata"];
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /** @description its first, which was made with it */
            wallet: components["schemas"]["Wallet"];
            /** @description one a currency, in the order in which they were made */
            wallets: components["schemas"]["Wallet"][];
        };
        /** @description The operator's key of the settings. It has no id, and is replaced where the settings are. */
        ConfiguredKey: {
            /** @constant */
            role: "operator";
            /** @constant */
            name: "configured";
            hint: string;
        };
        /** @description Of the server, to all of its databases. */
        Connections: {
            /** Format: int64 */
            used: number;
            /** Format: int64 */
            allowed: number;
        };
        /** @description The database as it is now. */
        Database: {
            /**
             * @description PostgreSQL's
             * @example 17.2
             */
            version: string;
            /** @description the newest migration */
            schema: string | null;
            /** Format: int64 */
            size_bytes: number;
            connections: components["schemas"]["Connections"];
            /** @description the longest waits first, at most 20 */
            blocked: components["schemas"]["Blocked"][];
            feed: components["schemas"]["Feed"];
            last_audit: components["schemas"]["Audit"] | null;
        };
        DeliveryPage: {
            data: components["schemas"]["Delivery"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /** @description One event for one receiver: an endpoint, or a transfer's callback URL. */
        Delivery: {
            id: string;
            /** @description whose endpoint or callback URL it is; null: the operators' */
            client_id: string | null;
            /** @description the `webhook-id`, the same on every attempt */
            event_id: string;
            /** @description null for the event of an endpoint */
            transfer_id: string | null;
            /** @description null for a callback URL */
            endpoint_id: string | null;
            /** @description null for an endpoint; shown only to the caller that set it */
            callback_url: string | null;
            /** @description `canceled`: the endpoint was disabled or deleted before the event was delivered */
            status: components["schemas"]["DeliveryStatus"];
            /** @description null unless the delivery is pending */
            next_attempt_at: string | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            finished_at: string | null;
            /** @description oldest first, at most the last 100 */
            attempts: components["schemas"]["DeliveryAttempt"][];
        };
        /** @description A webhook endpoint of yours was disabled because it is gone or fails. `data` is the endpoint as of that time. */
        WebhookEndpointEvent: {
            id: string;
            /** @constant */
            type: "webhook_endpoint.disabled";
            /**
             * Format: date-time
             * @description when the endpoint was disabled
             * @example 2026-01-31T09:30:00.000000Z
             */
            timestamp: string;
            data: components["schemas"]["WebhookEndpoint"];
        };
        WebhookEndpointPage: {
            data: components["schemas"]["WebhookEndpoint"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /**
         * @description A URL that receives events of these types.
         *
         *     An operator's endpoint receives them for all transfers, a client's for the transfers of its own wallets.
         *     `webhook_endpoint.disabled` says that Teller has disabled another endpoint of yours.
         */
        WebhookEndpoint: {
            id: string;
            url: string;
            events: components["schemas"]["EventType"][];
            description: string | null;
            status: components["schemas"]["WebhookEndpointStatus"];
            /** @description `requested` by you, `gone` because it answered 410, or `failing` because no attempt succeeded for days */
            disabled_reason: components["schemas"]["WebhookEndpointDisabledReason"] | null;
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
            data: components["schemas"]["Event"][];
            has_more: boolean;
            /** @description the `after` of the next page; null when this one is the last for now */
            next_cursor: string | null;
        };
        /**
         * @description Why a transfer was rejected. The figures are in minor units, and shown to keys that may see the debited wallets.
         *
         *     They are null for reasons that have none, and for transfers that were rejected by an earlier version.
         */
        Failure: {
            code: components["schemas"]["RejectionCode"];
            detail: string;
            /** @description what was there when it was rejected: of the debited wallet's funds, of its limit, of the hold, or of what could be reversed */
            available: number | null;
            /** @description how much of that it needed */
            needed: number | null;
        };
        /** @description Events that became known after the oldest open transaction began are shown when it has ended. */
        Feed: {
            /** @description for how long, at least, one transaction has kept later events back */
            horizon_seconds: number;
            /** @description null where nothing is kept back, or a prepared transaction does so */
            holder: components["schemas"]["Holder"] | null;
        };
        /** @description What became of an applied hold, in minor units. It is `open` while something remains. */
        Hold: {
            status: components["schemas"]["HoldStatus"];
            /** Format: int64 */
            remaining_amount: number;
            /** Format: int64 */
            captured_amount: number;
            /** Format: int64 */
            released_amount: number;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            expires_at: string;
        };
        /** @description The session of the oldest open transaction. `since` and `state` are null for a session that is not Teller's. */
        Holder: {
            /** Format: int64 */
            pid: number;
            application: string;
            /** @description when its transaction began */
            since: string | null;
            state: string | null;
        };
        KeyPage: {
            data: components["schemas"]["Key"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /** @description A key, without the key itself. */
        Key: {
            id: string;
            role: components["schemas"]["KeyRole"];
            /** @description whose key it is; null for a key of an operator or a viewer */
            client_id: string | null;
            /** @description as it was given when the key was made */
            name: string | null;
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
        Limits: {
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
        Line: {
            wallet_id: string;
            /** Format: int64 */
            amount: number;
        };
        /** @description A key that has just been made. */
        KeyWithSecret: {
            id: string;
            role: components["schemas"]["KeyRole"];
            /** @description whose key it is; null for a key of an operator or a viewer */
            client_id: string | null;
            /** @description as it was given when the key was made */
            name: string | null;
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
        /** @description The secret that signs webhooks to your callback URLs, just made. */
        WebhookSecretWithSecret: {
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
            /** Format: int64 */
            queued_ahead: number;
            /** @description false: more are queued than a preview looks at */
            complete: boolean;
        };
        /** @description What a transfer would become now. It is not stored: it has no id, and nothing of it can be asked for later. */
        Preview: {
            id: null;
            type: components["schemas"]["TransferType"];
            /** @description `scheduled` until `scheduled_for`, then `queued` until it is final */
            status: components["schemas"]["TransferStatus"];
            /** @description null for outside Teller, and for a transfer with `debits` and `credits` */
            source_wallet_id: string | null;
            /** @description likewise */
            destination_wallet_id: string | null;
            /**
             * Format: int64
             * @description minor units of the currency; until an open amount is applied, the most that it may come to; of a transfer with `debits` and `credits` the sum of one side, for a client's key the amount of its own line
             */
            amount: number;
            currency: string;
            reference: string | null;
            metadata: components["schemas"]["Metadata"];
            /** @description called when the outcome is final; shown only to the caller that set it */
            callback_url: string | null;
            failure: components["schemas"]["Failure"] | null;
            /** @description of an applied transfer, as far as the key may see their wallets */
            entries: components["schemas"]["TransferEntry"][];
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            finished_at: string | null;
            /** @description of a capture, a release or a reversal: the transfer that it is about */
            parent_id: string | null;
            /** @description as far as the key may see their wallets; null for one debit and one credit */
            debits: components["schemas"]["Line"][] | null;
            /** @description likewise */
            credits: components["schemas"]["Line"][] | null;
            scheduled_for: string | null;
            /** @description rejected if a worker takes it up later; null for a scheduled one until it is queued */
            apply_by: string | null;
            /**
             * Format: int64
             * @description how much of it was reversed so far, in minor units
             */
            reversed_amount: number;
            /** @description of an applied hold */
            hold: components["schemas"]["Hold"] | null;
            /** @description of a release: asked for by a caller, or by the hold's end */
            reason: components["schemas"]["ReleaseReason"] | null;
            /** @description that it was submitted with; shown to its owner's keys and to operators */
            idempotency_key: string | null;
            /** @description the id of the key that submitted it, `configured` for the key of the settings; shown to its owner's keys and to operators; null for what no key submitted, and for transfers of earlier versions */
            submitted_by: string | null;
            /** @description shown to operators */
            shard: number | null;
            /** @description shown to operators, by a GET of one transfer, while it is queued; null while it waits for a time, or for the sweeper to queue it */
            queue: components["schemas"]["QueuePlace"] | null;
            preview: components["schemas"]["PreviewBasis"];
        };
        /** @description A process that has a session of the database. One that lost its session, or never had one, is missing here. */
        Process: {
            kind: components["schemas"]["ProcessKind"];
            /**
             * @description host and process id
             * @example one.example:4711
             */
            name: string;
            host: string | null;
            /** @description when the oldest of its sessions began */
            since: string | null;
            /** @description `active` while a statement of it runs, else as PostgreSQL says, such as `idle` */
            state: string | null;
            /** @description when a statement of it last began or ended */
            last_seen_at: string | null;
        };
        /** @description `since`, `state` and `last_seen_at` are null where the owner of the tables may not see the sessions of the role. */
        Processes: {
            processes: components["schemas"]["Process"][];
        };
        /** @description The place of a queued transfer in its shard, at the moment of the answer. */
        QueuePlace: {
            /**
             * Format: int64
             * @description how many transfers of the shard are before it; 1000 stands for so many or more
             */
            ahead: number;
            /** @description how long the first of them has waited */
            oldest_seconds: number;
        };
        /** @description The transfers that wait. A wallet's shard decides which of them wait behind each other. */
        Queue: {
            /** Format: int64 */
            queued: number;
            /**
             * Format: int64
             * @description how many may be queued before requests are refused: TELLER_BACKLOG_MAX
             */
            limit: number;
            /** @description for how long the first transfer of any shard has waited; null: none waits */
            oldest_seconds: number | null;
            /**
             * Format: int64
             * @description transfers that wait for their time; 10000 stands for that many or more
             */
            scheduled: number;
            /** @description for how long a scheduled transfer or the end of a hold has waited past its time for a sweeper; null: none does */
            due_oldest_seconds: number | null;
            /** @description those with queued transfers */
            shards: components["schemas"]["Shard"][];
        };
        /** @description The number of deliveries that this request made due. */
        Redelivered: {
            /**
             * Format: int64
             * @description at most 1000, the oldest first
             */
            count: number;
            /** @description there may be more: repeat the request */
            has_more: boolean;
        };
        /**
         * @description The reasons, in order of precedence: a command with several reasons against it is refused for the first.
         * @enum {string}
         */
        RejectionCode: "deadline_passed" | "wallet_closed" | "wallet_frozen" | "hold_closed" | "hold_exceeded" | "reversal_exceeded" | "wallet_has_holds" | "wallet_not_empty" | "debit_limit_exceeded" | "daily_limit_exceeded" | "monthly_limit_exceeded" | "insufficient_funds" | "balance_limit_exceeded" | "internal";
        /** @description What a wallet allowed. */
        Rules: {
            status: components["schemas"]["RulesStatus"];
            frozen: components["schemas"]["Freeze"] | null;
            limits: components["schemas"]["Limits"];
        };
        /** @description What was found, at most 10 of each kind. */
        Search: {
            /** @description by id, external id, idempotency key, or the beginning of their names */
            clients: components["schemas"]["Client"][];
            /** @description by id, or by the idempotency key that made them */
            wallets: components["schemas"]["Wallet"][];
            /** @description by id, idempotency key of any owner, or reference: of these the newest */
            transfers: components["schemas"]["Transfer"][];
            /** @description of the operators and of clients, by id */
            webhook_endpoints: components["schemas"]["WebhookEndpoint"][];
            /** @description by id */
            keys: components["schemas"]["Key"][];
            /** @description by id */
            events: components["schemas"]["Event"][];
            /** @description to the operators and to clients, by id */
            deliveries: components["schemas"]["Delivery"][];
        };
        /** @description The secret that signs webhooks to your callback URLs. */
        WebhookSecret: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /** @description until this time the previous secret signs too; null when there is none */
            old_secret_expires_at: string | null;
        };
        /** @description A setting, as its environment variable has it. */
        Setting: {
            /** @example TELLER_BACKLOG_MAX */
            name: string;
            /**
             * @description null where there is none
             * @example 1000000
             */
            value: string | null;
            is_default: boolean;
        };
        /** @description What the process that answers was started with. URLs of servers and keys are secrets, and are left out. */
        Settings: {
            /** @description Teller's */
            version: string;
            settings: components["schemas"]["Setting"][];
        };
        /** @description A shard with queued transfers. */
        Shard: {
            /** Format: int64 */
            shard: number;
            /** Format: int64 */
            queued: number;
            /** @description for how long its first transfer has waited */
            oldest_seconds: number;
            /** @description the process that applies transfers of it at this moment */
            drained_by: string | null;
        };
        WebhookEndpointWithSecret: {
            id: string;
            url: string;
            events: components["schemas"]["EventType"][];
            description: string | null;
            status: components["schemas"]["WebhookEndpointStatus"];
            /** @description `requested` by you, `gone` because it answered 410, or `failing` because no attempt succeeded for days */
            disabled_reason: components["schemas"]["WebhookEndpointDisabledReason"] | null;
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
        Statement: {
            wallet_id: string;
            currency: string;
            /**
             * Format: int64
             * @description digits of the currency's minor unit: 2 for cents
             */
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
            /** Format: int64 */
            opening_balance: number;
            /** Format: int64 */
            closing_balance: number;
            /** Format: int64 */
            total_credits: number;
            /**
             * Format: int64
             * @description positive: the opening balance, plus the credits, less this, is the closing balance
             */
            total_debits: number;
            /** Format: int64 */
            entry_count: number;
            /** @description `to` lies more than 15 seconds back, and no entry can be added any more */
            final: boolean;
            /** @description oldest first */
            data: components["schemas"]["Entry"][];
            next_cursor: string | null;
        };
        /** @description What of a client can change, as it was. */
        Told: {
            name: string;
            external_id: string | null;
            metadata: components["schemas"]["Metadata"];
        };
        /** @description One of an applied transfer's entries, in minor units: one for each wallet that it debits or credits. */
        TransferEntry: {
            wallet_id: string;
            /** Format: int64 */
            version: number;
            /** Format: int64 */
            amount: number;
            /** Format: int64 */
            balance_after: number;
        };
        /** @description A transfer became final. Webhooks of the event carry the same id on every attempt. */
        TransferEvent: {
            id: string;
            type: components["schemas"]["TransferEventType"];
            /**
             * Format: date-time
             * @description when the transfer became final
             * @example 2026-01-31T09:30:00.000000Z
             */
            timestamp: string;
            data: components["schemas"]["Transfer"];
        };
        TransferPage: {
            data: components["schemas"]["Transfer"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /**
         * @description One instruction to move, hold or give back money. It becomes `applied`, `rejected` or `canceled`, once and for ever.
         *
         *     `applied` means for a hold that the money is reserved. What came of it later is in `hold`, and in its captures and releases.
         */
        Transfer: {
            id: string;
            type: components["schemas"]["TransferType"];
            /** @description `scheduled` until `scheduled_for`, then `queued` until it is final */
            status: components["schemas"]["TransferStatus"];
            /** @description null for outside Teller, and for a transfer with `debits` and `credits` */
            source_wallet_id: string | null;
            /** @description likewise */
            destination_wallet_id: string | null;
            /**
             * Format: int64
             * @description minor units of the currency; until an open amount is applied, the most that it may come to; of a transfer with `debits` and `credits` the sum of one side, for a client's key the amount of its own line
             */
            amount: number;
            currency: string;
            reference: string | null;
            metadata: components["schemas"]["Metadata"];
            /** @description called when the outcome is final; shown only to the caller that set it */
            callback_url: string | null;
            failure: components["schemas"]["Failure"] | null;
            /** @description of an applied transfer, as far as the key may see their wallets */
            entries: components["schemas"]["TransferEntry"][];
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            finished_at: string | null;
            /** @description of a capture, a release or a reversal: the transfer that it is about */
            parent_id: string | null;
            /** @description as far as the key may see their wallets; null for one debit and one credit */
            debits: components["schemas"]["Line"][] | null;
            /** @description likewise */
            credits: components["schemas"]["Line"][] | null;
            scheduled_for: string | null;
            /** @description rejected if a worker takes it up later; null for a scheduled one until it is queued */
            apply_by: string | null;
            /**
             * Format: int64
             * @description how much of it was reversed so far, in minor units
             */
            reversed_amount: number;
            /** @description of an applied hold */
            hold: components["schemas"]["Hold"] | null;
            /** @description of a release: asked for by a caller, or by the hold's end */
            reason: components["schemas"]["ReleaseReason"] | null;
            /** @description that it was submitted with; shown to its owner's keys and to operators */
            idempotency_key: string | null;
            /** @description the id of the key that submitted it, `configured` for the key of the settings; shown to its owner's keys and to operators; null for what no key submitted, and for transfers of earlier versions */
            submitted_by: string | null;
            /** @description shown to operators */
            shard: number | null;
            /** @description shown to operators, by a GET of one transfer, while it is queued; null while it waits for a time, or for the sweeper to queue it */
            queue: components["schemas"]["QueuePlace"] | null;
        };
        /** @description What counts against the limits of debits, in minor units. What is given back of a hold no longer counts. */
        Usage: {
            /** Format: int64 */
            debits_today: number;
            /** Format: int64 */
            debits_this_month: number;
        };
        WalletChangePage: {
            data: components["schemas"]["WalletChange"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /** @description One change of what a wallet allows. */
        WalletChange: {
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            changed_at: string;
            /** @description the API key that asked for it; null for a closure, and for the configured key */
            key_id: string | null;
            before: components["schemas"]["Rules"];
            after: components["schemas"]["Rules"];
            /** @description as it was given; of a closure its transfer */
            reason: string;
        };
        EntryPage: {
            data: components["schemas"]["Entry"][];
            has_more: boolean;
            next_cursor: string | null;
        };
        /** @description One line of a wallet's history, in minor units. */
        Entry: {
            wallet_id: string;
            /**
             * Format: int64
             * @description 1..n with no gap
             */
            version: number;
            transfer_id: string;
            type: components["schemas"]["TransferType"];
            /**
             * Format: int64
             * @description signed
             */
            amount: number;
            /** Format: int64 */
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
        Wallet: {
            id: string;
            /** @description null for an external wallet, the other side of deposits and withdrawals */
            client_id: string | null;
            currency: string;
            /**
             * Format: int64
             * @description digits of an amount after the point: 2 for USD, so 1050 is 10.50
             * @example 2
             */
            minor_unit: number;
            /** Format: int64 */
            balance: number;
            /**
             * Format: int64
             * @description what open holds have reserved of the balance
             */
            held: number;
            /**
             * Format: int64
             * @description balance - held: what can be moved out or held
             */
            available: number;
            /**
             * Format: int64
             * @description how many entries the wallet has: of two answers, the one with the higher version is newer
             */
            version: number;
            status: components["schemas"]["WalletStatus"];
            /** @description what is stopped: money out of the wallet, into it, or both */
            frozen: components["schemas"]["Freeze"] | null;
            limits: components["schemas"]["Limits"];
            /** @description null until a limit is first set: nothing is counted before */
            usage: components["schemas"]["Usage"] | null;
            /**
             * Format: date-time
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
        };
        ClientCreate: {
            /** @example Ada */
            name: string;
            external_id?: string | null;
            metadata?: components["schemas"]["Metadata"];
            /**
             * @description of its first wallet
             * @default USD
             * @example USD
             */
            currency?: string;
        };
        /** @description What is absent stays as it is. */
        ClientUpdate: {
            /** @example Ada */
            name?: string;
            /** @description null removes it; another client may have it then */
            external_id?: string | null;
            metadata?: components["schemas"]["Metadata"];
            /** @example court order 17/26 */
            reason: string;
        };
        WalletCreate: {
            /** @example USD */
            currency: string;
        };
        /** @description Money from outside Teller for a client's wallet. */
        DepositCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            wallet_id: string;
            /**
             * Format: int64
             * @example 1050
             */
            amount: number;
        };
        /** @description Money from a client's wallet to outside Teller. */
        WithdrawalCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            wallet_id: string;
            /**
             * Format: int64
             * @example 1050
             */
            amount: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
            /** @description not before this time, at most 366 days ahead; a past time means now */
            scheduled_for?: string | null;
        };
        /** @description Money from one client's wallet for another client's wallet. */
        TransferCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            source_wallet_id: string;
            destination_wallet_id: string;
            /**
             * Format: int64
             * @example 1050
             */
            amount: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
            /** @description not before this time, at most 366 days ahead; a past time means now */
            scheduled_for?: string | null;
        };
        /** @description A wallet, and how much it is debited or credited. */
        LineCreate: {
            wallet_id: string;
            /**
             * Format: int64
             * @example 1050
             */
            amount: number;
        };
        /** @description Money out of one or several clients' wallets for one or several others: 3 to 32 lines, applied whole or not at all. */
        MultiLegCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            /** @description a client's key: its own wallet alone */
            debits: components["schemas"]["LineCreate"][];
            /** @description of the same sum as the debits; no wallet stands in two lines */
            credits: components["schemas"]["LineCreate"][];
            /** @description not before this time, at most 366 days ahead; a past time means now */
            scheduled_for?: string | null;
        };
        /** @description Money of a client's wallet that is reserved for a payee until it is captured, released or expires. */
        HoldCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
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
            /**
             * Format: int64
             * @example 1050
             */
            amount: number;
            /**
             * @description from acceptance, or from `scheduled_for`; what is left then is released
             * @default 604800
             * @example 3600
             */
            expires_in_s?: number;
            /** @description not before this time, at most 366 days ahead; a past time means now */
            scheduled_for?: string | null;
        };
        /** @description Money that a hold has reserved, for its payee. */
        CaptureCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * Format: int64
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
            credits?: components["schemas"]["LineCreate"][];
        };
        /** @description Money that a hold has reserved, available again to its source. */
        ReleaseCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * Format: int64
             * @description left out: all that is left of the hold
             * @example 1050
             */
            amount?: number;
        };
        /** @description The end of a wallet. Without a sweep it must be empty. */
        ClosureCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
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
        ReversalCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * Format: int64
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
        WholeReversalCreate: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
        };
        /** @description A limit that is absent stays as it is. null removes it. */
        LimitsUpdate: {
            balance_max?: number | null;
            debit_max?: number | null;
            debits_per_day_max?: number | null;
            debits_per_month_max?: number | null;
        };
        /** @description What is absent stays as it is. */
        WalletUpdate: {
            /** @description null ends the freeze */
            frozen?: components["schemas"]["Freeze"] | null;
            limits?: components["schemas"]["LimitsUpdate"];
            /** @example court order 17/26 */
            reason: string;
        };
        ClientKeyCreate: {
            /** @description for people: what the key is for */
            name?: string | null;
        };
        KeyCreate: {
            /**
             * @description `viewer`: reads what an operator reads, and moves and changes nothing. Operators' keys are made by `python -m core keys make --operator`, clients' by `POST /v1/clients/{client_id}/keys`
             * @constant
             */
            role: "viewer";
            /** @description for people: what the key is for */
            name?: string | null;
        };
        /** @description A capture of the hold `parent_id`. */
        CaptureItem: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * Format: int64
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
            credits?: components["schemas"]["LineCreate"][];
            /** @example order-1001 */
            idempotency_key: string;
            parent_id: string;
            /** @constant */
            type: "capture";
        };
        /** @description A deposit, as POST /v1/deposits takes it. */
        DepositItem: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            wallet_id: string;
            /**
             * Format: int64
             * @example 1050
             */
            amount: number;
            /** @example order-1001 */
            idempotency_key: string;
            /** @constant */
            type: "deposit";
        };
        /** @description A hold, as POST /v1/holds takes it. */
        HoldItem: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
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
            /**
             * Format: int64
             * @example 1050
             */
            amount: number;
            /**
             * @description from acceptance, or from `scheduled_for`; what is left then is released
             * @default 604800
             * @example 3600
             */
            expires_in_s?: number;
            /** @description not before this time, at most 366 days ahead; a past time means now */
            scheduled_for?: string | null;
            /** @example order-1001 */
            idempotency_key: string;
            /** @constant */
            type: "hold";
        };
        /** @description A transfer with several debits or credits, as POST /v1/transfers takes it. */
        MultiLegItem: {
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            /** @description a client's key: its own wallet alone */
            debits: components["schemas"]["LineCreate"][];
            /** @description of the same sum as the debits; no wallet stands in two lines */
            credits: components["schemas"]["LineCreate"][];
            /** @description not before this time, at most 366 days ahead; a past time means now */
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
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * Format: int64
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
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description left out: the earlier transfer's if `amount` is left out too, else USD, whatever its is
             * @example USD
             */
            currency?: string;
            /**
             * Format: int64
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
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            source_wallet_id: string;
            destination_wallet_id: string;
            /**
             * Format: int64
             * @example 1050
             */
            amount: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
            /** @description not before this time, at most 366 days ahead; a past time means now */
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
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
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
            reference?: string | null;
            metadata?: components["schemas"]["Metadata"];
            callback_url?: string | null;
            /** @description rejected with `deadline_passed` if it has waited longer in the queue when a worker takes it up */
            apply_within_s?: number | null;
            /**
             * @description that of the wallets; left out: USD, whatever theirs is
             * @default USD
             * @example USD
             */
            currency?: string;
            wallet_id: string;
            /**
             * Format: int64
             * @example 1050
             */
            amount: number;
            /**
             * @description true: as much of the amount as the available funds allow; refused when that is nothing
             * @default false
             */
            up_to?: boolean;
            /** @description not before this time, at most 366 days ahead; a past time means now */
            scheduled_for?: string | null;
            /** @example order-1001 */
            idempotency_key: string;
            /** @constant */
            type: "withdrawal";
        };
        TransferBatchCreate: {
            transfers: (components["schemas"]["TransferItem"] | components["schemas"]["MultiLegItem"] | components["schemas"]["DepositItem"] | components["schemas"]["WithdrawalItem"] | components["schemas"]["HoldItem"] | components["schemas"]["CaptureItem"] | components["schemas"]["ReleaseItem"] | components["schemas"]["ReversalItem"] | components["schemas"]["WholeReversalItem"])[];
        };
        WebhookEndpointCreate: {
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
            events?: components["schemas"]["EventType"][];
            description?: string | null;
        };
        /** @description A field that is absent stays as it is. */
        WebhookEndpointUpdate: {
            /**
             * Format: uri
             * @example https://example.com/hook
             */
            url?: string;
            events?: components["schemas"]["EventType"][];
            /** @description null removes it */
            description?: string | null;
            /** @description `disabled` cancels its pending deliveries */
            status?: components["schemas"]["WebhookEndpointStatus"];
        };
        RedeliveryCreate: {
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
            code: components["schemas"]["ProblemCode"];
            detail: string;
            instance: string;
            request_id: string;
            errors?: components["schemas"]["FieldError"][];
            /** @description only of `not_cancelable`: the transfer as it is */
            transfer?: components["schemas"]["Transfer"];
        };
        /** @description What is wrong with one field: a JSON pointer (RFC 6901) and a code that GET /problems explains. */
        FieldError: {
            pointer: string;
            code: string;
            detail: string;
        };
        /** @description Texts of the caller's, by keys of its own. */
        Metadata: {
            [key: string]: string;
        };
        /** @enum {string} */
        TransferType: "deposit" | "withdrawal" | "transfer" | "hold" | "capture" | "release" | "reversal" | "closure";
        /** @enum {string} */
        TransferStatus: "queued" | "applied" | "rejected" | "canceled" | "scheduled";
        /** @enum {string} */
        ReleaseReason: "requested" | "expired";
        /** @enum {string} */
        WalletStatus: "active" | "frozen" | "closed";
        /** @enum {string} */
        Freeze: "debits" | "credits" | "all";
        /** @enum {string} */
        EventType: "transfer.applied" | "transfer.rejected" | "transfer.canceled" | "webhook_endpoint.disabled";
        /** @enum {string} */
        WebhookEndpointStatus: "enabled" | "disabled";
        /** @enum {string} */
        WebhookEndpointDisabledReason: "requested" | "gone" | "failing";
        /** @enum {string} */
        DeliveryStatus: "pending" | "delivered" | "failed" | "canceled";
        /** @enum {string} */
        KeyRole: "operator" | "viewer" | "client";
        /** @enum {string} */
        HoldStatus: "open" | "closed";
        /** @enum {string} */
        ProcessKind: "api" | "worker" | "sweeper" | "deliverer";
        /** @enum {string} */
        RulesStatus: "active" | "closed";
        /** @enum {string} */
        TransferEventType: "transfer.applied" | "transfer.rejected" | "transfer.canceled";
        /** @enum {string} */
        ProblemCode: "backlog_full" | "body_too_large" | "duplicate_key" | "endpoint_disabled" | "external_id_taken" | "forbidden" | "headers_too_large" | "idempotency_key_invalid" | "idempotency_key_missing" | "idempotency_key_reused" | "internal_error" | "invalid_cursor" | "invalid_json" | "invalid_parameter" | "malformed_request" | "method_not_allowed" | "not_a_hold" | "not_cancelable" | "not_found" | "not_reversible" | "rate_limited" | "request_timeout" | "too_many_endpoints" | "unauthorized" | "unavailable" | "unsupported_media_type" | "validation_failed" | "wallet_closed" | "wallet_exists";
        /** @enum {string} */
        ExplainedCode: "address_forbidden" | "amount_not_integer" | "amount_not_positive" | "amount_too_large" | "answer_invalid" | "answer_too_large" | "backlog_full" | "balance_limit_exceeded" | "body_too_large" | "currency_mismatch" | "currency_unknown" | "daily_limit_exceeded" | "deadline_passed" | "debit_limit_exceeded" | "disconnected" | "duplicate_key" | "duplicate_wallet" | "endpoint_disabled" | "external_id_taken" | "failing" | "forbidden" | "gone" | "headers_too_large" | "hold_closed" | "hold_exceeded" | "idempotency_key_invalid" | "idempotency_key_missing" | "idempotency_key_reused" | "insufficient_funds" | "internal" | "internal_error" | "invalid_cursor" | "invalid_id" | "invalid_json" | "invalid_parameter" | "invalid_string" | "malformed_request" | "metadata_invalid" | "method_not_allowed" | "monthly_limit_exceeded" | "name_not_found" | "not_a_hold" | "not_cancelable" | "not_connected" | "not_found" | "not_reversible" | "out_of_range" | "rate_limited" | "repeated_parameter" | "request_timeout" | "requested" | "required" | "reversal_exceeded" | "same_wallet" | "seconds_out_of_range" | "time_invalid" | "timed_out" | "tls_failed" | "too_few_lines" | "too_long" | "too_many_endpoints" | "too_many_lines" | "unauthorized" | "unavailable" | "unbalanced" | "unknown_field" | "unknown_parameter" | "unknown_value" | "unsupported_media_type" | "url_forbidden" | "url_invalid" | "validation_failed" | "wallet_closed" | "wallet_exists" | "wallet_frozen" | "wallet_has_holds" | "wallet_not_empty" | "wallet_not_found" | "wrong_type";
        Event: components["schemas"]["TransferEvent"] | components["schemas"]["WebhookEndpointEvent"];
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listClients: {
        parameters: {
            query?: {
                /** @description only those whose names begin so, in any case */
                name?: string;
                /** @description only the one with this external_id */
                external_id?: string;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
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
    createClient: {
        parameters: {
            query?: never;
            header?: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClientCreate"];
            };
        };
        responses: {
            /** @description made, now or by an earlier request with this key */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Client"];
                };
            };
        };
    };
    getClient: {
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
            /** @description the client */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Client"];
                };
            };
        };
    };
    updateClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClientUpdate"];
            };
        };
        responses: {
            /** @description the client */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Client"];
                };
            };
        };
    };
    listClientChanges: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientChangePage"];
                };
            };
        };
    };
    createClientWallet: {
        parameters: {
            query?: never;
            header?: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key"?: string;
            };
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WalletCreate"];
            };
        };
        responses: {
            /** @description made, now or by an earlier request with this key */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Wallet"];
                };
            };
        };
    };
    listClientKeys: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
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
    createClientKey: {
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
                "application/json": components["schemas"]["ClientKeyCreate"];
            };
        };
        responses: {
            /** @description made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyWithSecret"];
                };
            };
        };
    };
    listKeys: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AllKeysPage"];
                };
            };
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyCreate"];
            };
        };
        responses: {
            /** @description made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyWithSecret"];
                };
            };
        };
    };
    revokeKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
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
    getWallet: {
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
            /** @description the wallet */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Wallet"];
                };
            };
        };
    };
    updateWallet: {
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
                "application/json": components["schemas"]["WalletUpdate"];
            };
        };
        responses: {
            /** @description the wallet */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Wallet"];
                };
            };
        };
    };
    listWalletChanges: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
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
    listWalletEntries: {
        parameters: {
            query?: {
                /** @description only those that were made then or later */
                from?: string;
                /** @description only those that were made before then */
                to?: string;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EntryPage"];
                };
            };
        };
    };
    listWalletHolds: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
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
    getWalletStatement: {
        parameters: {
            query: {
                /** @description its entries were made then or later */
                from: string;
                /** @description and before then; at most 366 days after `from` */
                to: string;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the statement */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Statement"];
                    "text/csv": string;
                };
            };
        };
    };
    getWalletBalance: {
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
            /** @description the balance */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Balance"];
                };
            };
        };
    };
    createDeposit: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: boolean;
            };
            header: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key": string;
                /** @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DepositCreate"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"] | components["schemas"]["Preview"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    createWithdrawal: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: boolean;
            };
            header: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key": string;
                /** @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WithdrawalCreate"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"] | components["schemas"]["Preview"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    listTransfers: {
        parameters: {
            query?: {
                /** @description only those that this wallet is a party to */
                wallet_id?: string;
                /** @description only those that a wallet of this client is a party to */
                client_id?: string;
                status?: components["schemas"]["TransferStatus"];
                type?: components["schemas"]["TransferType"];
                /** @description only the captures, releases and reversals of this one */
                parent_id?: string;
                /** @description only those with this reference, letter for letter */
                reference?: string;
                /** @description only the one of this key */
                idempotency_key?: string;
                /** @description only those of just this amount, in minor units */
                amount?: number;
                /** @description only those of this amount or more */
                amount_from?: number;
                /** @description only those of this amount or less */
                amount_to?: number;
                /** @description only those created at this time or later */
                created_from?: string;
                /** @description only those created before this time */
                created_to?: string;
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
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
    createTransfer: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: boolean;
            };
            header: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key": string;
                /** @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TransferCreate"] | components["schemas"]["MultiLegCreate"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"] | components["schemas"]["Preview"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    createHold: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: boolean;
            };
            header: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key": string;
                /** @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HoldCreate"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"] | components["schemas"]["Preview"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    captureHold: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: boolean;
            };
            header: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key": string;
                /** @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored */
                Prefer?: string;
            };
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CaptureCreate"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"] | components["schemas"]["Preview"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    releaseHold: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: boolean;
            };
            header: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key": string;
                /** @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored */
                Prefer?: string;
            };
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReleaseCreate"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"] | components["schemas"]["Preview"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    reverseTransfer: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: boolean;
            };
            header: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key": string;
                /** @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored */
                Prefer?: string;
            };
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReversalCreate"] | components["schemas"]["WholeReversalCreate"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"] | components["schemas"]["Preview"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    closeWallet: {
        parameters: {
            query?: {
                /** @description true: answer what would become of the transfer now, and store nothing. The key is ignored then */
                preview?: boolean;
            };
            header: {
                /** @description made up by the caller for this request; a repetition with the same key gets the same resource */
                "Idempotency-Key": string;
                /** @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored */
                Prefer?: string;
            };
            path: {
                wallet_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClosureCreate"];
            };
        };
        responses: {
            /** @description its outcome is final; or, with `preview=true`, what it would be */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"] | components["schemas"]["Preview"];
                };
            };
            /** @description queued, or scheduled */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    createTransferBatch: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TransferBatchCreate"];
            };
        };
        responses: {
            /** @description the result of each item, in order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferBatch"];
                };
            };
        };
    };
    getTransfer: {
        parameters: {
            query?: never;
            header?: {
                /** @description wait=N: answer when the outcome is final, or after N seconds, at most 30 (RFC 7240); anything else is ignored */
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
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    cancelTransfer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description canceled, now or before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transfer"];
                };
            };
        };
    };
    search: {
        parameters: {
            query: {
                /** @description an id of any kind, an idempotency key, an external id, a reference, or how a client's name begins */
                q: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the search */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Search"];
                };
            };
        };
    };
    listEvents: {
        parameters: {
            query?: {
                /** @description the last event that you have seen in this feed */
                after?: string;
                /** @description how many rows at most */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
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
    getEvent: {
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
            /** @description the event */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Event"];
                };
            };
        };
    };
    listWebhookEndpoints: {
        parameters: {
            query?: {
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpointPage"];
                };
            };
        };
    };
    createWebhookEndpoint: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookEndpointCreate"];
            };
        };
        responses: {
            /** @description the webhook endpoint */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpointWithSecret"];
                };
            };
        };
    };
    getWebhookEndpoint: {
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
            /** @description the webhook endpoint */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpoint"];
                };
            };
        };
    };
    deleteWebhookEndpoint: {
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
            /** @description deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateWebhookEndpoint: {
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
                "application/json": components["schemas"]["WebhookEndpointUpdate"];
            };
        };
        responses: {
            /** @description the webhook endpoint */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpoint"];
                };
            };
        };
    };
    rotateWebhookEndpointSecret: {
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
            /** @description the webhook endpoint */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookEndpointWithSecret"];
                };
            };
        };
    };
    getWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the webhook secret */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookSecret"];
                };
            };
        };
    };
    rotateWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the webhook secret */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookSecretWithSecret"];
                };
            };
        };
    };
    listTransferDeliveries: {
        parameters: {
            query?: {
                /** @description only those with this status */
                status?: components["schemas"]["DeliveryStatus"];
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                transfer_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
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
    listWebhookEndpointDeliveries: {
        parameters: {
            query?: {
                /** @description only those with this status */
                status?: components["schemas"]["DeliveryStatus"];
                /** @description how many rows at most */
                limit?: number;
                /** @description the next_cursor of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the list */
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
    redeliverDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                delivery_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description due now */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
        };
    };
    redeliverWebhookEndpoint: {
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
                "application/json": components["schemas"]["RedeliveryCreate"];
            };
        };
        responses: {
            /** @description due now */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Redelivered"];
                };
            };
        };
    };
    getOpsQueue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the queue */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Queue"];
                };
            };
        };
    };
    getOpsProcesses: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the processes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Processes"];
                };
            };
        };
    };
    getOpsDatabase: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the database */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Database"];
                };
            };
        };
    };
    getOpsSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the answer */
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
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the answer */
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
    listProblems: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the answer */
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
    getProblem: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                code: components["schemas"]["ExplainedCode"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the answer */
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
    getMetrics: {
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
    onTransferApplied: {
        parameters: {
            query?: never;
            header: {
                /** @description the event's id, the same on every attempt: an event whose id you know is a repetition */
                "webhook-id": string;
                /** @description when this attempt was sent, in seconds since 1970: refuse one that is more than five minutes off */
                "webhook-timestamp": string;
                /** @description `v1,` and the base64 of HMAC-SHA256, with your secret, over `{webhook-id}.{webhook-timestamp}.{body}`; two of them, with a space between, while the previous secret signs too (Standard Webhooks 1.0.0) */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TransferEvent"];
            };
        };
        responses: {
            /** @description the receiver is gone: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the event is received: it is not sent again */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the event is sent again later, up to ten times in all */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onTransferRejected: {
        parameters: {
            query?: never;
            header: {
                /** @description the event's id, the same on every attempt: an event whose id you know is a repetition */
                "webhook-id": string;
                /** @description when this attempt was sent, in seconds since 1970: refuse one that is more than five minutes off */
                "webhook-timestamp": string;
                /** @description `v1,` and the base64 of HMAC-SHA256, with your secret, over `{webhook-id}.{webhook-timestamp}.{body}`; two of them, with a space between, while the previous secret signs too (Standard Webhooks 1.0.0) */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TransferEvent"];
            };
        };
        responses: {
            /** @description the receiver is gone: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the event is received: it is not sent again */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the event is sent again later, up to ten times in all */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onTransferCanceled: {
        parameters: {
            query?: never;
            header: {
                /** @description the event's id, the same on every attempt: an event whose id you know is a repetition */
                "webhook-id": string;
                /** @description when this attempt was sent, in seconds since 1970: refuse one that is more than five minutes off */
                "webhook-timestamp": string;
                /** @description `v1,` and the base64 of HMAC-SHA256, with your secret, over `{webhook-id}.{webhook-timestamp}.{body}`; two of them, with a space between, while the previous secret signs too (Standard Webhooks 1.0.0) */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TransferEvent"];
            };
        };
        responses: {
            /** @description the receiver is gone: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the event is received: it is not sent again */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the event is sent again later, up to ten times in all */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    onWebhookEndpointDisabled: {
        parameters: {
            query?: never;
            header: {
                /** @description the event's id, the same on every attempt: an event whose id you know is a repetition */
                "webhook-id": string;
                /** @description when this attempt was sent, in seconds since 1970: refuse one that is more than five minutes off */
                "webhook-timestamp": string;
                /** @description `v1,` and the base64 of HMAC-SHA256, with your secret, over `{webhook-id}.{webhook-timestamp}.{body}`; two of them, with a space between, while the previous secret signs too (Standard Webhooks 1.0.0) */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookEndpointEvent"];
            };
        };
        responses: {
            /** @description the receiver is gone: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the event is received: it is not sent again */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the event is sent again later, up to ten times in all */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
