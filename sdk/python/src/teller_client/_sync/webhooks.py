"""Webhooks: endpoints, the secrets that sign, deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from teller_client._request import Id, Request, dump, get, path_of, post
from teller_client._sync.http import SyncHttp
from teller_client._sync.pages import SyncPages
from teller_client.models import (
    Delivery,
    DeliveryStatus,
    EventType,
    Redelivered,
    WebhookEndpoint,
    WebhookEndpointWithSecret,
    WebhookSecret,
    WebhookSecretWithSecret,
)
from teller_client.webhooks import verify as verify_webhook

ENDPOINTS = "/v1/webhook-endpoints"
ENDPOINT = "/v1/webhook-endpoints/{}"


class SyncWebhookEndpoints:
    """`teller.webhook_endpoints`: URLs that receive events."""

    def __init__(self, http: SyncHttp) -> None:
        self._http = http

    def create(
        self, *, url: str, events: Sequence[EventType] | None = None, description: str | None = None
    ) -> WebhookEndpointWithSecret:
        """Make an endpoint. Store `secret` of the result: no later answer shows it.

        A repetition would make another endpoint, so a lost answer raises OutcomeUnknown: look at `list` then.
        """
        body = {"url": url, "events": events and list(events), "description": description}
        return WebhookEndpointWithSecret.from_dict(self._http.send(post(ENDPOINTS, body, is_repeatable=False)))

    def get(self, id: Id) -> WebhookEndpoint:
        """Return one of your endpoints."""
        return WebhookEndpoint.from_dict(self._http.send(get(path_of(ENDPOINT, id))))

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> SyncPages[WebhookEndpoint]:
        """Your endpoints, newest first."""
        return SyncPages(self._http, ENDPOINTS, WebhookEndpoint.from_dict, {}, limit=limit, cursor=cursor)

    def update(self, id: Id, **changes: Any) -> WebhookEndpoint:
        """Change `url`, `events`, `description` (None removes it) or `status`. What is left out stays as it is."""
        request = Request("PATCH", path_of(ENDPOINT, id), {}, dump(changes))
        return WebhookEndpoint.from_dict(self._http.send(request))

    def delete(self, id: Id) -> None:
        """Delete an endpoint. Its pending deliveries are canceled."""
        self._http.send(Request("DELETE", path_of(ENDPOINT, id), {}))

    def rotate_secret(self, id: Id) -> WebhookEndpointWithSecret:
        """Give the endpoint a new secret; the previous one signs too for 24 hours, older ones never.

        A repetition would end the secret that you still verify with, so a lost answer raises OutcomeUnknown.
        """
        request = post(path_of(ENDPOINT + "/rotate-secret", id), is_repeatable=False)
        return WebhookEndpointWithSecret.from_dict(self._http.send(request))

    def deliveries(
        self, id: Id, *, status: DeliveryStatus | None = None, limit: int | None = None, cursor: str | None = None
    ) -> SyncPages[Delivery]:
        """The deliveries to one of your endpoints, newest first."""
        path = path_of(ENDPOINT + "/deliveries", id)
        return SyncPages(self._http, path, Delivery.from_dict, {"status": status}, limit=limit, cursor=cursor)

    def redeliver(self, id: Id, *, since: datetime) -> int:
        """Make all failed and canceled deliveries since a time due now. Returns how many."""
        count = 0
        while True:
            raw = self._http.send(post(path_of(ENDPOINT + "/redeliver", id), {"since": since}))
            done = Redelivered.from_dict(raw)
            count += done.count
            if not done.has_more:
                return count


class SyncWebhooks:
    """`teller.webhooks`: verification, the secret of your callback URLs, deliveries."""

    verify = staticmethod(verify_webhook)

    def __init__(self, http: SyncHttp) -> None:
        self._http = http

    def secret(self) -> WebhookSecret:
        """Return when the secret for your callback URLs was made."""
        return WebhookSecret.from_dict(self._http.send(get("/v1/webhook-secret")))

    def rotate_secret(self) -> WebhookSecretWithSecret:
        """Make a new secret for your callback URLs; the previous one signs too for 24 hours, older ones never."""
        return WebhookSecretWithSecret.from_dict(self._http.send(post("/v1/webhook-secret/rotate", is_repeatable=False)))

    def redeliver(self, delivery: Id) -> Delivery:
        """Make one delivery due now, in any status. It sends the same event with the same id."""
        return Delivery.from_dict(self._http.send(post(path_of("/v1/deliveries/{}/redeliver", delivery))))
