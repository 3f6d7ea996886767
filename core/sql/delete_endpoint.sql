-- Deletes an endpoint and its secrets. Its deliveries stay; who finds one that is still pending cancels it, because a drain may be
-- adding more while this runs. Leans on webhook_endpoints_pkey.
DELETE FROM webhook_endpoints
 WHERE id = %(id)s AND owner = %(owner)s
RETURNING id
