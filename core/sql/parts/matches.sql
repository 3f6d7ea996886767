-- Whether the row `t` of transfers has the wanted status and type; NULL stands for any. A transfer that is scheduled for later is
-- stored as queued, and is not found as such.
(%(status)s::text IS NULL OR %(status)s = CASE WHEN t.status = 'queued' AND t.scheduled_for > now() THEN 'scheduled' ELSE t.status END)
       AND (%(type)s::text IS NULL OR t.type = %(type)s)
