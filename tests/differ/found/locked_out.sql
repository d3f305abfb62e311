-- What a reader is told while another connection has it all.
CREATE /*byron*/ TABLE t(a, b, PRIMARY KEY(a)) WITHOUT ROWID;
.connection 1
SELECT 1;
.connection 0
BEGIN EXCLUSIVE;
.connection 1
SELECT a FROM t;
INSERT INTO t VALUES (1, 2);
.connection 0
INSERT INTO t VALUES (1, 1);
COMMIT;
.connection 1
SELECT a, b FROM t;
.connection 0
BEGIN EXCLUSIVE;
.connection 1
SELECT a FROM t;
UPDATE t SET b = 2;
