-- Deletes an endpoint and its secrets. Its deliveries stay: cancel_deliveries. Leans on webhook_endpoints_pkey.
DELETE FROM webhook_endpoints
 WHERE id = %(id)s AND owner = %(owner)s
RETURNING id
