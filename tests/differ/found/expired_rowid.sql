-- A row that had expired before it was written leaves its rowid to the next.
CREATE /*byron ttl=b*/ TABLE t(a INTEGER PRIMARY KEY, b);
--plain: CREATE TRIGGER t_INSERT AFTER INSERT ON t BEGIN DELETE FROM t WHERE b < 10000000000; END;
--answer: untotalled
INSERT INTO t VALUES (NULL, NULL), (NULL, 1000), (NULL, 99999999999), (NULL, 1000);
BEGIN;
--answer: untotalled
INSERT INTO t(b) VALUES (1000);
INSERT INTO t(b) VALUES (NULL);
COMMIT;
--answer: exact
SELECT a, b FROM t ORDER BY a;
