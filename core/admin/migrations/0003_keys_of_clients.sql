-- Lists a client's keys without reading the keys of others.
CREATE INDEX keys_client ON keys (client_id, id);
