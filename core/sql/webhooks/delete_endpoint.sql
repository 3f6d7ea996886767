-- Deletes an endpoint and its secrets. Its deliveries stay: webhooks/cancel_deliveries.
-- Index: webhook_endpoints_pkey.
DELETE FROM webhook_endpoints
 WHERE id = %(id)s AND owner = %(owner)s
RETURNING id
