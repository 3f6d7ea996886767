-- A client's keys are listed without reading everybody's.
CREATE INDEX keys_client ON keys (client_id, id);
