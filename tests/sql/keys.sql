-- Every kind of value is a key under every affinity, in SQLite's order.
CREATE TABLE v(n INTEGER PRIMARY KEY, x);
INSERT INTO v(x) VALUES(NULL), (0), (1), (-1), (2), (5), (12), (255), (-128),
  (9007199254740991), (9007199254740992), (9007199254740993),
  (-9007199254740993), (9223372036854775807), (-9223372036854775807 - 1),
  (4611686018427387904);
INSERT INTO v(x) VALUES(0.0), (-0.0), (1.0), (0.5), (-0.5), (5.0), (12.5),
  (9007199254740992.0), (9223372036854775808.0), (-9223372036854775808.0),
  (4611686018427387904.0), (1e300), (-1e300), (1e-300), (5e-324), (9e999),
  (-9e999), (1e15), (0.1), (123456789012345678.0);
INSERT INTO v(x) VALUES(''), (' '), ('a'), ('A'), ('ab'), ('AB '), ('a '),
  ('a  '), (' a'), ('b'), ('B'), ('z'), ('5'), ('5.0'), ('05'), (' 5'), ('5 '),
  ('+5'), ('-5'), ('.5'), ('5.'), ('1e3'), ('1E3'), ('1e'), ('0x10'), ('12abc'),
  ('Inf'), ('nan'), ('9007199254740993'), ('9223372036854775807'),
  ('9223372036854775808'), ('1e400'), ('-0.0'), (':'), ('/'), ('~'), ('1.0'),
  ('0.1'), ('é'), ('É');
INSERT INTO v(x) VALUES(CAST(x'610062' AS TEXT)), (CAST(x'6100' AS TEXT)),
  (CAST(x'410063' AS TEXT)), (CAST(x'00' AS TEXT)), (CAST(x'ff28' AS TEXT)),
  (CAST(x'c328' AS TEXT)), (CAST(x'0931' AS TEXT));
INSERT INTO v(x) VALUES(x''), (x'00'), (x'0000'), (x'ff'), (x'ffff'), (x'61'),
  (x'41'), (x'35'), (x'6162'), (x'00ff'), (x'fe00'), (zeroblob(3));
.print affinity none
CREATE /*byron*/ TABLE k_none(k , v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO k_none SELECT x, n FROM v;
SELECT typeof(k), k, v FROM k_none ORDER BY k;
SELECT v FROM k_none ORDER BY k DESC;
SELECT count(*), min(k), max(k) FROM k_none;
.print affinity text
CREATE /*byron*/ TABLE k_text(k TEXT, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO k_text SELECT x, n FROM v;
SELECT typeof(k), k, v FROM k_text ORDER BY k;
SELECT v FROM k_text ORDER BY k DESC;
SELECT count(*), min(k), max(k) FROM k_text;
.print affinity int
CREATE /*byron*/ TABLE k_int(k INT, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO k_int SELECT x, n FROM v;
SELECT typeof(k), k, v FROM k_int ORDER BY k;
SELECT v FROM k_int ORDER BY k DESC;
SELECT count(*), min(k), max(k) FROM k_int;
.print affinity real
CREATE /*byron*/ TABLE k_real(k REAL, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO k_real SELECT x, n FROM v;
SELECT typeof(k), k, v FROM k_real ORDER BY k;
SELECT v FROM k_real ORDER BY k DESC;
SELECT count(*), min(k), max(k) FROM k_real;
.print affinity num
CREATE /*byron*/ TABLE k_num(k NUMERIC, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO k_num SELECT x, n FROM v;
SELECT typeof(k), k, v FROM k_num ORDER BY k;
SELECT v FROM k_num ORDER BY k DESC;
SELECT count(*), min(k), max(k) FROM k_num;
.print affinity blob
CREATE /*byron*/ TABLE k_blob(k BLOB, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO k_blob SELECT x, n FROM v;
SELECT typeof(k), k, v FROM k_blob ORDER BY k;
SELECT v FROM k_blob ORDER BY k DESC;
SELECT count(*), min(k), max(k) FROM k_blob;
