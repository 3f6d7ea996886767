-- An operator's idempotency key has one effect, whatever verb it comes with; and no number in an answer exceeds 2^53 - 1.

-- Reserves a key for a new client until the transaction ends. Returns false if a transfer has the key. The keys of transfers are in
-- transfers_owner_key, those of clients in clients_idempotency_key_key: no index refuses a key that is in both. So the client's
-- transaction inserts its key into the transfers' index too, with a row that it deletes at once and that no other transaction ever
-- sees. It waits for an INSERT of a transfer with this key that is in progress. A later INSERT waits for this transaction, and then
-- searches for the client (are_keys_of_no_client). The application may not delete transfers. This function runs with the owner's
-- rights, and deletes only its own row.
CREATE FUNCTION take_client_key(wanted text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    placeholder uuid;
BEGIN
    INSERT INTO transfers (id, type, source, destination, amount, currency, metadata, owner, idempotency_key, fingerprint, shard)
    VALUES (mint_uuid(), 'transfer', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 1, 'USD', '{}',
            'operator', wanted, decode(repeat('00', 32), 'hex'), 0)
    ON CONFLICT (owner, idempotency_key) DO NOTHING
    RETURNING id INTO placeholder;
    IF placeholder IS NULL THEN
        RETURN false;
    END IF;
    DELETE FROM transfers WHERE id = placeholder;
    RETURN true;
END
$$;

-- Called once by the statement that inserts transfers with these keys of operators. A client with one of them that was committed
-- after that statement began is invisible to it, and visible here: each statement of a VOLATILE function has a new snapshot. Then
-- it raises a serialization failure. The repeated statement sees the client and leaves the row out.
CREATE FUNCTION are_keys_of_no_client(keys text[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF EXISTS (SELECT FROM clients WHERE idempotency_key = ANY (keys)) THEN
        RAISE EXCEPTION 'a client was made with a key of these transfers' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN true;
END
$$;

-- Returns how many other endpoints the owner has, under a lock: no other transaction counts them until this one ends. It counts
-- after it has the lock: each statement of a VOLATILE function has a new snapshot.
CREATE FUNCTION count_endpoints_locked(wanted text, beside uuid) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7355609, hashtext(wanted));
    RETURN (SELECT count(*) FROM webhook_endpoints WHERE owner = wanted AND id <> beside);
END
$$;

-- NOT VALID: only new rows are checked, and no table is read. A balance beyond the bound stays as it is: the ledger refuses each
-- transfer that would move it further, and nothing reduces the debt of an external wallet.
ALTER TABLE wallets
    ADD CONSTRAINT balance_not_below_limit CHECK (balance >= -9007199254740991) NOT VALID,
    ADD CONSTRAINT version_within_limit CHECK (version <= 9007199254740991) NOT VALID;
ALTER TABLE entries
    ADD CONSTRAINT balance_after_within_limits CHECK (balance_after BETWEEN -9007199254740991 AND 9007199254740991) NOT VALID,
    ADD CONSTRAINT amount_within_limits CHECK (amount BETWEEN -9007199254740991 AND 9007199254740991) NOT VALID,
    ADD CONSTRAINT version_within_limit CHECK (version <= 9007199254740991) NOT VALID;
