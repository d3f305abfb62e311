-- Rows: values of every kind in columns of every affinity, defaults, NOT NULL,
-- updates that use the old row, keys that move.
CREATE /*byron*/ TABLE t(k TEXT, n, x TEXT, i INT, r REAL, m NUMERIC, b BLOB,
  PRIMARY KEY(k)) WITHOUT ROWID;
CREATE TABLE v(x);
INSERT INTO v VALUES(NULL), (0), (1), (-1), (127), (128), (-129), (32768),
  (8388608), (2147483648), (-549755813889), (281474976710656),
  (9223372036854775807), (-9223372036854775807 - 1), (0.0), (-0.0), (1.0), (1.5),
  (1e300), (5e-324), (9e999), (-9e999), (2147483648.0), (-2147483648.0),
  (9007199254740993.0), (''), ('text'), ('12'), ('1e3'), (' 7 '), ('12x'),
  ('0x1f'), ('é'), (CAST(x'6100620063' AS TEXT)), (CAST(x'ff' AS TEXT)), (x''),
  (x'00'), (x'3132'), (zeroblob(20)), ('-0'), ('1.0'), ('.5e1'), ('1_000');
INSERT INTO t SELECT 'k' || rowid, x, x, x, x, x, x FROM v;
SELECT * FROM t ORDER BY k;
SELECT k, typeof(n), typeof(x), typeof(i), typeof(r), typeof(m), typeof(b) FROM t
  ORDER BY k;
SELECT k, n = x, i = r, m = b, x < i FROM t ORDER BY k;
SELECT i, count(*) FROM t GROUP BY i ORDER BY i;
SELECT k FROM t WHERE i = '12' ORDER BY k;
SELECT k FROM t WHERE r > 1 AND m <= 1000 ORDER BY k;
SELECT k FROM t WHERE n IS NULL OR b IS NULL ORDER BY k;
UPDATE t SET n = i, i = n, x = r WHERE k < 'k2';
UPDATE t SET m = m + 1;
UPDATE t SET k = 'moved ' || k WHERE typeof(m) = 'real';
SELECT * FROM t ORDER BY k;
UPDATE t SET k = 'k5' WHERE k = 'k6';
UPDATE t SET k = NULL WHERE k = 'k6';
UPDATE t SET n = (SELECT count(*) FROM t AS u WHERE u.k < t.k);
SELECT k, n FROM t ORDER BY n DESC, k;
DELETE FROM t WHERE n % 3 = 0;
DELETE FROM t WHERE k = 'absent';
INSERT INTO t SELECT k || '+', n, x, i, r, m, b FROM t WHERE n < 10;
SELECT count(*), sum(n) FROM t;
REPLACE INTO t(k, x) SELECT k, n FROM t WHERE n < 10;
SELECT * FROM t WHERE n IS NULL ORDER BY k;
CREATE /*byron*/ TABLE d(a INT, b TEXT DEFAULT 5, c INT NOT NULL DEFAULT '7',
  e NOT NULL ON CONFLICT REPLACE DEFAULT x'00ff', f REAL DEFAULT 3, PRIMARY KEY(a))
  WITHOUT ROWID;
INSERT INTO d(a) VALUES(1);
INSERT INTO d(a, b, c) VALUES(2, 'b', 'c');
INSERT INTO d(a, e) VALUES('3', 'e'), ('x', 1), (4.0, 2), (4.5, 3);
INSERT INTO d(b) VALUES('no key');
UPDATE d SET e = NULL WHERE a = 3;
UPDATE d SET c = NULL WHERE a = 3;
UPDATE d SET b = NULL, f = NULL WHERE a = 2;
SELECT a, b, c, e, f, typeof(b), typeof(c), typeof(f) FROM d ORDER BY a;
INSERT INTO d(a) VALUES(9) RETURNING a;
WITH big(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM big WHERE n < 500)
INSERT INTO d(a, b) SELECT 1000 + n, printf('%.*c', n * 20, 'z') FROM big;
SELECT count(*), sum(length(b)), max(a) FROM d;
SELECT a, length(b) FROM d WHERE a BETWEEN 1490 AND 1495 ORDER BY a DESC;
UPDATE d SET b = b || b WHERE a > 1000;
SELECT sum(length(b)) FROM d;
DELETE FROM d WHERE a % 2 = 0;
SELECT count(*), sum(a) FROM d;
CREATE /*byron*/ TABLE only(k, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO only SELECT x FROM v;
SELECT k FROM only ORDER BY k;
UPDATE only SET k = k || 'x' WHERE typeof(k) = 'text';
SELECT k FROM only ORDER BY k DESC;
