-- Planning must not begin to read inside BEGIN: the write that waits for its
-- lock would then find its snapshot stale.
PRAGMA journal_mode = WAL;
CREATE /*byron*/ TABLE u(a, b, PRIMARY KEY(a)) WITHOUT ROWID;
.connection 1
SELECT count(*) FROM u;
.connection 0
SELECT count(*) FROM u;
.connection 1
DELETE FROM u WHERE a = 3;
.connection 0
BEGIN IMMEDIATE;
.connection 1
BEGIN;
DELETE FROM u;
.connection 0
INSERT INTO u VALUES (6,1);
COMMIT;
.connection 1
--answer: exact
SELECT * FROM u ORDER BY a;
DELETE FROM u;
