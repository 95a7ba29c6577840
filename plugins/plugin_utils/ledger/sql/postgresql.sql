-- Copyright: (c) 2026, Holdfast contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A ledger of form 2 in PostgreSQL 14 or newer. Run it once in an empty database, in one transaction, as a superuser or
-- as a role that may create roles and schemas:
--
--   holdfast ledger sql | psql --single-transaction --set ON_ERROR_STOP=1 ledger
--
-- Three roles that cannot log in; grant them to those who do:
--   holdfast_owner    owns everything; nobody needs it from day to day
--   holdfast_writer   reads, and appends through two functions; it can change and delete nothing
--   holdfast_auditor  reads

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_owner') THEN
        CREATE ROLE holdfast_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_writer') THEN
        CREATE ROLE holdfast_writer NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'holdfast_auditor') THEN
        CREATE ROLE holdfast_auditor NOLOGIN;
    END IF;
    -- Whoever makes the ledger is its owner for as long as that takes.
    PERFORM set_config('holdfast.lent', (NOT pg_has_role(current_user, 'holdfast_owner', 'MEMBER'))::text, true);
    IF current_setting('holdfast.lent')::boolean THEN
        EXECUTE format('GRANT holdfast_owner TO %I', current_user);
    END IF;
END
$$;

CREATE SCHEMA holdfast AUTHORIZATION holdfast_owner;
SET LOCAL ROLE holdfast_owner;

CREATE TABLE holdfast.form (
    version integer NOT NULL
);
INSERT INTO holdfast.form VALUES (2);

CREATE TABLE holdfast.head (
    id integer PRIMARY KEY CHECK (id = 1),
    size bigint NOT NULL CHECK (size >= 0)
);
INSERT INTO holdfast.head VALUES (1, 0);

CREATE TABLE holdfast.entries (
    idx bigint PRIMARY KEY CHECK (idx >= 0),
    record_id text NOT NULL UNIQUE,
    envelope bytea NOT NULL CHECK (octet_length(envelope) <= 65535)
);

CREATE TABLE holdfast.nodes (
    level integer NOT NULL,
    position bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, position)
);

CREATE TABLE holdfast.checkpoints (
    size bigint NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (size, note)
);

CREATE TABLE holdfast.moved (
    id integer PRIMARY KEY CHECK (id = 1),
    place text NOT NULL
);

-- The only way in. The index is the size read under the head's lock: a sequence would leave gaps after a rollback. The
-- tree grows here, by RFC 6962, 2.1, so a writer can neither leave a node out nor make one up.
CREATE FUNCTION holdfast.append_entry(wanted_id text, stored bytea) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at bigint;
    elsewhere text;
    known record;
    height integer := 0;
    place bigint;
    hashed bytea;
    sibling bytea;
BEGIN
    -- What append has returned is on disk, whatever the login's own settings say.
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    SELECT head.size INTO STRICT at FROM holdfast.head WHERE head.id = 1 FOR UPDATE;
    SELECT entries.idx, entries.envelope INTO known FROM holdfast.entries WHERE entries.record_id = wanted_id;
    IF FOUND THEN
        IF known.envelope = stored THEN
            RETURN known.idx;
        END IF;
        RAISE EXCEPTION '% is already entry % with other bytes; an id is used once', wanted_id, known.idx
            USING ERRCODE = 'HF001';
    END IF;
    SELECT moved.place INTO elsewhere FROM holdfast.moved WHERE moved.id = 1;
    IF FOUND THEN
        RAISE EXCEPTION 'was moved to %', elsewhere USING ERRCODE = 'HF002';
    END IF;
    INSERT INTO holdfast.entries VALUES (at, wanted_id, stored);
    place := at;
    hashed := sha256('\x00'::bytea || stored);
    INSERT INTO holdfast.nodes VALUES (height, place, hashed);
    WHILE place % 2 = 1 LOOP
        SELECT nodes.hash INTO STRICT sibling FROM holdfast.nodes WHERE nodes.level = height AND nodes.position = place - 1;
        hashed := sha256('\x01'::bytea || sibling || hashed);
        height := height + 1;
        place := place / 2;
        INSERT INTO holdfast.nodes VALUES (height, place, hashed);
    END LOOP;
    UPDATE holdfast.head SET size = at + 1 WHERE head.id = 1;
    RETURN at;
END
$$;

CREATE FUNCTION holdfast.save_checkpoint(covered bigint, signed text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO holdfast.checkpoints VALUES (covered, signed) ON CONFLICT DO NOTHING
$$;

REVOKE ALL ON FUNCTION holdfast.append_entry(text, bytea), holdfast.save_checkpoint(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION holdfast.append_entry(text, bytea), holdfast.save_checkpoint(bigint, text)
    TO holdfast_writer;
GRANT USAGE ON SCHEMA holdfast TO holdfast_writer, holdfast_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA holdfast TO holdfast_writer, holdfast_auditor;

RESET ROLE;

DO $$
BEGIN
    IF current_setting('holdfast.lent')::boolean THEN
        EXECUTE format('REVOKE holdfast_owner FROM %I', current_user);
    END IF;
END
$$;
