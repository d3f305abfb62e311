-- Collations: what is equal, what comes first, and what is kept as given.
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
.print collation BINARY TEXT
CREATE /*byron*/ TABLE t_binary(k TEXT COLLATE BINARY, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO t_binary SELECT x, n FROM v;
SELECT k, v FROM t_binary ORDER BY k;
SELECT k FROM t_binary WHERE k = 'A' ORDER BY v;
SELECT k FROM t_binary WHERE k = 'a ' ORDER BY v;
SELECT k FROM t_binary WHERE k = 'A' COLLATE NOCASE ORDER BY v;
SELECT k FROM t_binary WHERE k = 'a' COLLATE RTRIM ORDER BY v;
SELECT k FROM t_binary WHERE k = 'a' COLLATE BINARY ORDER BY v;
SELECT k FROM t_binary WHERE k >= 'a' AND k < 'b' ORDER BY k, v;
SELECT k FROM t_binary WHERE k > 'a' COLLATE NOCASE AND k <= 'B' ORDER BY k DESC;
SELECT k FROM t_binary WHERE k LIKE 'a%' ORDER BY v;
SELECT k FROM t_binary WHERE k GLOB 'a*' ORDER BY v;
SELECT k FROM t_binary WHERE k IN ('a', 'A', 'ab ', 'B') ORDER BY v;
SELECT min(v), count(*) FROM t_binary GROUP BY k ORDER BY 1;
UPDATE t_binary SET k = upper(k) WHERE k = 'ab';
UPDATE OR IGNORE t_binary SET k = k || ' ' WHERE typeof(k) = 'text';
SELECT k, v FROM t_binary ORDER BY v;
REPLACE INTO t_binary VALUES('Z', 'new'), ('z  ', 'newer');
SELECT k, v FROM t_binary WHERE k >= 'z' OR k >= 'Z' ORDER BY v, k;
.print collation BINARY 
CREATE /*byron*/ TABLE u_binary(k  COLLATE BINARY, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO u_binary SELECT x, n FROM v;
SELECT k, v FROM u_binary ORDER BY k;
SELECT k FROM u_binary WHERE k = 'A' ORDER BY v;
SELECT k FROM u_binary WHERE k = 'a ' ORDER BY v;
SELECT k FROM u_binary WHERE k = 'A' COLLATE NOCASE ORDER BY v;
SELECT k FROM u_binary WHERE k = 'a' COLLATE RTRIM ORDER BY v;
SELECT k FROM u_binary WHERE k = 'a' COLLATE BINARY ORDER BY v;
SELECT k FROM u_binary WHERE k >= 'a' AND k < 'b' ORDER BY k, v;
SELECT k FROM u_binary WHERE k > 'a' COLLATE NOCASE AND k <= 'B' ORDER BY k DESC;
SELECT k FROM u_binary WHERE k LIKE 'a%' ORDER BY v;
SELECT k FROM u_binary WHERE k GLOB 'a*' ORDER BY v;
SELECT k FROM u_binary WHERE k IN ('a', 'A', 'ab ', 'B') ORDER BY v;
SELECT min(v), count(*) FROM u_binary GROUP BY k ORDER BY 1;
UPDATE u_binary SET k = upper(k) WHERE k = 'ab';
UPDATE OR IGNORE u_binary SET k = k || ' ' WHERE typeof(k) = 'text';
SELECT k, v FROM u_binary ORDER BY v;
REPLACE INTO u_binary VALUES('Z', 'new'), ('z  ', 'newer');
SELECT k, v FROM u_binary WHERE k >= 'z' OR k >= 'Z' ORDER BY v, k;
.print collation NOCASE TEXT
CREATE /*byron*/ TABLE t_nocase(k TEXT COLLATE NOCASE, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO t_nocase SELECT x, n FROM v;
SELECT k, v FROM t_nocase ORDER BY k;
SELECT k FROM t_nocase WHERE k = 'A' ORDER BY v;
SELECT k FROM t_nocase WHERE k = 'a ' ORDER BY v;
SELECT k FROM t_nocase WHERE k = 'A' COLLATE NOCASE ORDER BY v;
SELECT k FROM t_nocase WHERE k = 'a' COLLATE RTRIM ORDER BY v;
SELECT k FROM t_nocase WHERE k = 'a' COLLATE BINARY ORDER BY v;
SELECT k FROM t_nocase WHERE k >= 'a' AND k < 'b' ORDER BY k, v;
SELECT k FROM t_nocase WHERE k > 'a' COLLATE NOCASE AND k <= 'B' ORDER BY k DESC;
SELECT k FROM t_nocase WHERE k LIKE 'a%' ORDER BY v;
SELECT k FROM t_nocase WHERE k GLOB 'a*' ORDER BY v;
SELECT k FROM t_nocase WHERE k IN ('a', 'A', 'ab ', 'B') ORDER BY v;
SELECT min(v), count(*) FROM t_nocase GROUP BY k ORDER BY 1;
UPDATE t_nocase SET k = upper(k) WHERE k = 'ab';
UPDATE OR IGNORE t_nocase SET k = k || ' ' WHERE typeof(k) = 'text';
SELECT k, v FROM t_nocase ORDER BY v;
REPLACE INTO t_nocase VALUES('Z', 'new'), ('z  ', 'newer');
SELECT k, v FROM t_nocase WHERE k >= 'z' OR k >= 'Z' ORDER BY v, k;
.print collation NOCASE 
CREATE /*byron*/ TABLE u_nocase(k  COLLATE NOCASE, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO u_nocase SELECT x, n FROM v;
SELECT k, v FROM u_nocase ORDER BY k;
SELECT k FROM u_nocase WHERE k = 'A' ORDER BY v;
SELECT k FROM u_nocase WHERE k = 'a ' ORDER BY v;
SELECT k FROM u_nocase WHERE k = 'A' COLLATE NOCASE ORDER BY v;
SELECT k FROM u_nocase WHERE k = 'a' COLLATE RTRIM ORDER BY v;
SELECT k FROM u_nocase WHERE k = 'a' COLLATE BINARY ORDER BY v;
SELECT k FROM u_nocase WHERE k >= 'a' AND k < 'b' ORDER BY k, v;
SELECT k FROM u_nocase WHERE k > 'a' COLLATE NOCASE AND k <= 'B' ORDER BY k DESC;
SELECT k FROM u_nocase WHERE k LIKE 'a%' ORDER BY v;
SELECT k FROM u_nocase WHERE k GLOB 'a*' ORDER BY v;
SELECT k FROM u_nocase WHERE k IN ('a', 'A', 'ab ', 'B') ORDER BY v;
SELECT min(v), count(*) FROM u_nocase GROUP BY k ORDER BY 1;
UPDATE u_nocase SET k = upper(k) WHERE k = 'ab';
UPDATE OR IGNORE u_nocase SET k = k || ' ' WHERE typeof(k) = 'text';
SELECT k, v FROM u_nocase ORDER BY v;
REPLACE INTO u_nocase VALUES('Z', 'new'), ('z  ', 'newer');
SELECT k, v FROM u_nocase WHERE k >= 'z' OR k >= 'Z' ORDER BY v, k;
.print collation RTRIM TEXT
CREATE /*byron*/ TABLE t_rtrim(k TEXT COLLATE RTRIM, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO t_rtrim SELECT x, n FROM v;
SELECT k, v FROM t_rtrim ORDER BY k;
SELECT k FROM t_rtrim WHERE k = 'A' ORDER BY v;
SELECT k FROM t_rtrim WHERE k = 'a ' ORDER BY v;
SELECT k FROM t_rtrim WHERE k = 'A' COLLATE NOCASE ORDER BY v;
SELECT k FROM t_rtrim WHERE k = 'a' COLLATE RTRIM ORDER BY v;
SELECT k FROM t_rtrim WHERE k = 'a' COLLATE BINARY ORDER BY v;
SELECT k FROM t_rtrim WHERE k >= 'a' AND k < 'b' ORDER BY k, v;
SELECT k FROM t_rtrim WHERE k > 'a' COLLATE NOCASE AND k <= 'B' ORDER BY k DESC;
SELECT k FROM t_rtrim WHERE k LIKE 'a%' ORDER BY v;
SELECT k FROM t_rtrim WHERE k GLOB 'a*' ORDER BY v;
SELECT k FROM t_rtrim WHERE k IN ('a', 'A', 'ab ', 'B') ORDER BY v;
SELECT min(v), count(*) FROM t_rtrim GROUP BY k ORDER BY 1;
UPDATE t_rtrim SET k = upper(k) WHERE k = 'ab';
UPDATE OR IGNORE t_rtrim SET k = k || ' ' WHERE typeof(k) = 'text';
SELECT k, v FROM t_rtrim ORDER BY v;
REPLACE INTO t_rtrim VALUES('Z', 'new'), ('z  ', 'newer');
SELECT k, v FROM t_rtrim WHERE k >= 'z' OR k >= 'Z' ORDER BY v, k;
.print collation RTRIM 
CREATE /*byron*/ TABLE u_rtrim(k  COLLATE RTRIM, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO u_rtrim SELECT x, n FROM v;
SELECT k, v FROM u_rtrim ORDER BY k;
SELECT k FROM u_rtrim WHERE k = 'A' ORDER BY v;
SELECT k FROM u_rtrim WHERE k = 'a ' ORDER BY v;
SELECT k FROM u_rtrim WHERE k = 'A' COLLATE NOCASE ORDER BY v;
SELECT k FROM u_rtrim WHERE k = 'a' COLLATE RTRIM ORDER BY v;
SELECT k FROM u_rtrim WHERE k = 'a' COLLATE BINARY ORDER BY v;
SELECT k FROM u_rtrim WHERE k >= 'a' AND k < 'b' ORDER BY k, v;
SELECT k FROM u_rtrim WHERE k > 'a' COLLATE NOCASE AND k <= 'B' ORDER BY k DESC;
SELECT k FROM u_rtrim WHERE k LIKE 'a%' ORDER BY v;
SELECT k FROM u_rtrim WHERE k GLOB 'a*' ORDER BY v;
SELECT k FROM u_rtrim WHERE k IN ('a', 'A', 'ab ', 'B') ORDER BY v;
SELECT min(v), count(*) FROM u_rtrim GROUP BY k ORDER BY 1;
UPDATE u_rtrim SET k = upper(k) WHERE k = 'ab';
UPDATE OR IGNORE u_rtrim SET k = k || ' ' WHERE typeof(k) = 'text';
SELECT k, v FROM u_rtrim ORDER BY v;
REPLACE INTO u_rtrim VALUES('Z', 'new'), ('z  ', 'newer');
SELECT k, v FROM u_rtrim WHERE k >= 'z' OR k >= 'Z' ORDER BY v, k;
.print the key in another collation than the column
CREATE /*byron*/ TABLE x(k TEXT COLLATE NOCASE, v, PRIMARY KEY(k COLLATE BINARY))
  WITHOUT ROWID;
INSERT OR IGNORE INTO x SELECT x, n FROM v;
SELECT k, v FROM x ORDER BY k COLLATE BINARY;
SELECT k, v FROM x WHERE k = 'a' ORDER BY v;
SELECT k, v FROM x WHERE k = 'a' COLLATE BINARY ORDER BY v;
DELETE FROM x WHERE k = 'A';
SELECT count(*) FROM x;
DELETE FROM x;
SELECT count(*) FROM x;
