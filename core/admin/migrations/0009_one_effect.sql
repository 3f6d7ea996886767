-- An operator's idempotency key has one effect, whichever verb it comes with; and no number in an answer passes 2^53 - 1.

-- Takes a key for a client that is about to be made, until the transaction ends; false when a transfer has it.
-- Transfers have their keys in transfers_owner_key, clients in clients_idempotency_key_key: no index refuses a key that is in both. So
-- the client's transaction puts its key into the transfers' index as well, with a row that it takes away again at once and that
-- no other transaction ever sees. An INSERT of a transfer with this key, in progress, is waited for here; one that comes
-- later waits for this transaction, and looks for the client then (are_keys_of_no_client).
-- The application has no right to delete transfers: this runs with the owner's, and deletes nothing but its own row.
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

-- To be called once by the statement that has inserted transfers with these keys of operators, before its transaction ends. A client
-- with one of them that was committed after that statement began was invisible to it, and is seen here: each statement of a
-- VOLATILE function looks anew. It is a serialization failure: the same statement again sees the client, and leaves the row out.
CREATE FUNCTION are_keys_of_no_client(keys text[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF EXISTS (SELECT FROM clients WHERE idempotency_key = ANY (keys)) THEN
        RAISE EXCEPTION 'a client was made with a key of these transfers' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN true;
END
$$;

-- How many endpoints the owner has beside this one, by a lock that no other transaction counts them until this one ends. They are
-- counted when the lock is there: each statement of a VOLATILE function looks anew.
CREATE FUNCTION count_endpoints_locked(wanted text, beside uuid) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7355609, hashtext(wanted));
    RETURN (SELECT count(*) FROM webhook_endpoints WHERE owner = wanted AND id <> beside);
END
$$;

-- NOT VALID: new rows are checked from now on, and no table is read. A balance that had passed the bound before stays as it
-- is: the ledger refuses whatever would move it further, and nothing ever leads back from an external wallet's debt.
ALTER TABLE wallets
    ADD CONSTRAINT balance_not_below_limit CHECK (balance >= -9007199254740991) NOT VALID,
    ADD CONSTRAINT version_within_limit CHECK (version <= 9007199254740991) NOT VALID;
ALTER TABLE entries
    ADD CONSTRAINT balance_after_within_limits CHECK (balance_after BETWEEN -9007199254740991 AND 9007199254740991) NOT VALID,
    ADD CONSTRAINT amount_within_limits CHECK (amount BETWEEN -9007199254740991 AND 9007199254740991) NOT VALID,
    ADD CONSTRAINT version_within_limit CHECK (version <= 9007199254740991) NOT VALID;
