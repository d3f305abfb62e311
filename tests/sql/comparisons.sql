-- A key column is compared with any value as SQLite compares: by literal-like
-- parameters, by columns of every affinity, in ranges from both sides.
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
CREATE TABLE o(n INTEGER PRIMARY KEY, i INT, t TEXT, r REAL, m NUMERIC, b);
INSERT INTO o SELECT n, x, x, x, x, x FROM v;
.print affinity none
CREATE /*byron*/ TABLE c_none(k , v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO c_none SELECT x, n FROM v;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k = o.i ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k IS o.i ORDER BY v)),
  (SELECT total(v) FROM c_none WHERE k < o.i),
  (SELECT total(v) FROM c_none WHERE o.i >= k),
  (SELECT total(v) FROM c_none WHERE k > o.i),
  (SELECT total(v) FROM c_none WHERE k >= o.i AND k <> o.i),
  (SELECT total(v) FROM c_none WHERE k BETWEEN o.i AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k = o.t ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k IS o.t ORDER BY v)),
  (SELECT total(v) FROM c_none WHERE k < o.t),
  (SELECT total(v) FROM c_none WHERE o.t >= k),
  (SELECT total(v) FROM c_none WHERE k > o.t),
  (SELECT total(v) FROM c_none WHERE k >= o.t AND k <> o.t),
  (SELECT total(v) FROM c_none WHERE k BETWEEN o.t AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k = o.r ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k IS o.r ORDER BY v)),
  (SELECT total(v) FROM c_none WHERE k < o.r),
  (SELECT total(v) FROM c_none WHERE o.r >= k),
  (SELECT total(v) FROM c_none WHERE k > o.r),
  (SELECT total(v) FROM c_none WHERE k >= o.r AND k <> o.r),
  (SELECT total(v) FROM c_none WHERE k BETWEEN o.r AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k = o.m ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k IS o.m ORDER BY v)),
  (SELECT total(v) FROM c_none WHERE k < o.m),
  (SELECT total(v) FROM c_none WHERE o.m >= k),
  (SELECT total(v) FROM c_none WHERE k > o.m),
  (SELECT total(v) FROM c_none WHERE k >= o.m AND k <> o.m),
  (SELECT total(v) FROM c_none WHERE k BETWEEN o.m AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k = o.b ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_none WHERE k IS o.b ORDER BY v)),
  (SELECT total(v) FROM c_none WHERE k < o.b),
  (SELECT total(v) FROM c_none WHERE o.b >= k),
  (SELECT total(v) FROM c_none WHERE k > o.b),
  (SELECT total(v) FROM c_none WHERE k >= o.b AND k <> o.b),
  (SELECT total(v) FROM c_none WHERE k BETWEEN o.b AND 'b')
  FROM o ORDER BY n;
SELECT v FROM c_none WHERE k IN (SELECT i FROM o) ORDER BY v;
SELECT v FROM c_none WHERE k IN (SELECT t FROM o) ORDER BY v;
SELECT v FROM c_none WHERE k NOT IN (SELECT b FROM o WHERE b > 5) ORDER BY v;
.print affinity text
CREATE /*byron*/ TABLE c_text(k TEXT, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO c_text SELECT x, n FROM v;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k = o.i ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k IS o.i ORDER BY v)),
  (SELECT total(v) FROM c_text WHERE k < o.i),
  (SELECT total(v) FROM c_text WHERE o.i >= k),
  (SELECT total(v) FROM c_text WHERE k > o.i),
  (SELECT total(v) FROM c_text WHERE k >= o.i AND k <> o.i),
  (SELECT total(v) FROM c_text WHERE k BETWEEN o.i AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k = o.t ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k IS o.t ORDER BY v)),
  (SELECT total(v) FROM c_text WHERE k < o.t),
  (SELECT total(v) FROM c_text WHERE o.t >= k),
  (SELECT total(v) FROM c_text WHERE k > o.t),
  (SELECT total(v) FROM c_text WHERE k >= o.t AND k <> o.t),
  (SELECT total(v) FROM c_text WHERE k BETWEEN o.t AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k = o.r ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k IS o.r ORDER BY v)),
  (SELECT total(v) FROM c_text WHERE k < o.r),
  (SELECT total(v) FROM c_text WHERE o.r >= k),
  (SELECT total(v) FROM c_text WHERE k > o.r),
  (SELECT total(v) FROM c_text WHERE k >= o.r AND k <> o.r),
  (SELECT total(v) FROM c_text WHERE k BETWEEN o.r AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k = o.m ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k IS o.m ORDER BY v)),
  (SELECT total(v) FROM c_text WHERE k < o.m),
  (SELECT total(v) FROM c_text WHERE o.m >= k),
  (SELECT total(v) FROM c_text WHERE k > o.m),
  (SELECT total(v) FROM c_text WHERE k >= o.m AND k <> o.m),
  (SELECT total(v) FROM c_text WHERE k BETWEEN o.m AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k = o.b ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_text WHERE k IS o.b ORDER BY v)),
  (SELECT total(v) FROM c_text WHERE k < o.b),
  (SELECT total(v) FROM c_text WHERE o.b >= k),
  (SELECT total(v) FROM c_text WHERE k > o.b),
  (SELECT total(v) FROM c_text WHERE k >= o.b AND k <> o.b),
  (SELECT total(v) FROM c_text WHERE k BETWEEN o.b AND 'b')
  FROM o ORDER BY n;
SELECT v FROM c_text WHERE k IN (SELECT i FROM o) ORDER BY v;
SELECT v FROM c_text WHERE k IN (SELECT t FROM o) ORDER BY v;
SELECT v FROM c_text WHERE k NOT IN (SELECT b FROM o WHERE b > 5) ORDER BY v;
.print affinity int
CREATE /*byron*/ TABLE c_int(k INT, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO c_int SELECT x, n FROM v;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k = o.i ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k IS o.i ORDER BY v)),
  (SELECT total(v) FROM c_int WHERE k < o.i),
  (SELECT total(v) FROM c_int WHERE o.i >= k),
  (SELECT total(v) FROM c_int WHERE k > o.i),
  (SELECT total(v) FROM c_int WHERE k >= o.i AND k <> o.i),
  (SELECT total(v) FROM c_int WHERE k BETWEEN o.i AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k = o.t ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k IS o.t ORDER BY v)),
  (SELECT total(v) FROM c_int WHERE k < o.t),
  (SELECT total(v) FROM c_int WHERE o.t >= k),
  (SELECT total(v) FROM c_int WHERE k > o.t),
  (SELECT total(v) FROM c_int WHERE k >= o.t AND k <> o.t),
  (SELECT total(v) FROM c_int WHERE k BETWEEN o.t AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k = o.r ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k IS o.r ORDER BY v)),
  (SELECT total(v) FROM c_int WHERE k < o.r),
  (SELECT total(v) FROM c_int WHERE o.r >= k),
  (SELECT total(v) FROM c_int WHERE k > o.r),
  (SELECT total(v) FROM c_int WHERE k >= o.r AND k <> o.r),
  (SELECT total(v) FROM c_int WHERE k BETWEEN o.r AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k = o.m ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k IS o.m ORDER BY v)),
  (SELECT total(v) FROM c_int WHERE k < o.m),
  (SELECT total(v) FROM c_int WHERE o.m >= k),
  (SELECT total(v) FROM c_int WHERE k > o.m),
  (SELECT total(v) FROM c_int WHERE k >= o.m AND k <> o.m),
  (SELECT total(v) FROM c_int WHERE k BETWEEN o.m AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k = o.b ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_int WHERE k IS o.b ORDER BY v)),
  (SELECT total(v) FROM c_int WHERE k < o.b),
  (SELECT total(v) FROM c_int WHERE o.b >= k),
  (SELECT total(v) FROM c_int WHERE k > o.b),
  (SELECT total(v) FROM c_int WHERE k >= o.b AND k <> o.b),
  (SELECT total(v) FROM c_int WHERE k BETWEEN o.b AND 'b')
  FROM o ORDER BY n;
SELECT v FROM c_int WHERE k IN (SELECT i FROM o) ORDER BY v;
SELECT v FROM c_int WHERE k IN (SELECT t FROM o) ORDER BY v;
SELECT v FROM c_int WHERE k NOT IN (SELECT b FROM o WHERE b > 5) ORDER BY v;
.print affinity real
CREATE /*byron*/ TABLE c_real(k REAL, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO c_real SELECT x, n FROM v;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k = o.i ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k IS o.i ORDER BY v)),
  (SELECT total(v) FROM c_real WHERE k < o.i),
  (SELECT total(v) FROM c_real WHERE o.i >= k),
  (SELECT total(v) FROM c_real WHERE k > o.i),
  (SELECT total(v) FROM c_real WHERE k >= o.i AND k <> o.i),
  (SELECT total(v) FROM c_real WHERE k BETWEEN o.i AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k = o.t ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k IS o.t ORDER BY v)),
  (SELECT total(v) FROM c_real WHERE k < o.t),
  (SELECT total(v) FROM c_real WHERE o.t >= k),
  (SELECT total(v) FROM c_real WHERE k > o.t),
  (SELECT total(v) FROM c_real WHERE k >= o.t AND k <> o.t),
  (SELECT total(v) FROM c_real WHERE k BETWEEN o.t AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k = o.r ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k IS o.r ORDER BY v)),
  (SELECT total(v) FROM c_real WHERE k < o.r),
  (SELECT total(v) FROM c_real WHERE o.r >= k),
  (SELECT total(v) FROM c_real WHERE k > o.r),
  (SELECT total(v) FROM c_real WHERE k >= o.r AND k <> o.r),
  (SELECT total(v) FROM c_real WHERE k BETWEEN o.r AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k = o.m ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k IS o.m ORDER BY v)),
  (SELECT total(v) FROM c_real WHERE k < o.m),
  (SELECT total(v) FROM c_real WHERE o.m >= k),
  (SELECT total(v) FROM c_real WHERE k > o.m),
  (SELECT total(v) FROM c_real WHERE k >= o.m AND k <> o.m),
  (SELECT total(v) FROM c_real WHERE k BETWEEN o.m AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k = o.b ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_real WHERE k IS o.b ORDER BY v)),
  (SELECT total(v) FROM c_real WHERE k < o.b),
  (SELECT total(v) FROM c_real WHERE o.b >= k),
  (SELECT total(v) FROM c_real WHERE k > o.b),
  (SELECT total(v) FROM c_real WHERE k >= o.b AND k <> o.b),
  (SELECT total(v) FROM c_real WHERE k BETWEEN o.b AND 'b')
  FROM o ORDER BY n;
SELECT v FROM c_real WHERE k IN (SELECT i FROM o) ORDER BY v;
SELECT v FROM c_real WHERE k IN (SELECT t FROM o) ORDER BY v;
SELECT v FROM c_real WHERE k NOT IN (SELECT b FROM o WHERE b > 5) ORDER BY v;
.print affinity num
CREATE /*byron*/ TABLE c_num(k NUMERIC, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO c_num SELECT x, n FROM v;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k = o.i ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k IS o.i ORDER BY v)),
  (SELECT total(v) FROM c_num WHERE k < o.i),
  (SELECT total(v) FROM c_num WHERE o.i >= k),
  (SELECT total(v) FROM c_num WHERE k > o.i),
  (SELECT total(v) FROM c_num WHERE k >= o.i AND k <> o.i),
  (SELECT total(v) FROM c_num WHERE k BETWEEN o.i AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k = o.t ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k IS o.t ORDER BY v)),
  (SELECT total(v) FROM c_num WHERE k < o.t),
  (SELECT total(v) FROM c_num WHERE o.t >= k),
  (SELECT total(v) FROM c_num WHERE k > o.t),
  (SELECT total(v) FROM c_num WHERE k >= o.t AND k <> o.t),
  (SELECT total(v) FROM c_num WHERE k BETWEEN o.t AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k = o.r ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k IS o.r ORDER BY v)),
  (SELECT total(v) FROM c_num WHERE k < o.r),
  (SELECT total(v) FROM c_num WHERE o.r >= k),
  (SELECT total(v) FROM c_num WHERE k > o.r),
  (SELECT total(v) FROM c_num WHERE k >= o.r AND k <> o.r),
  (SELECT total(v) FROM c_num WHERE k BETWEEN o.r AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k = o.m ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k IS o.m ORDER BY v)),
  (SELECT total(v) FROM c_num WHERE k < o.m),
  (SELECT total(v) FROM c_num WHERE o.m >= k),
  (SELECT total(v) FROM c_num WHERE k > o.m),
  (SELECT total(v) FROM c_num WHERE k >= o.m AND k <> o.m),
  (SELECT total(v) FROM c_num WHERE k BETWEEN o.m AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k = o.b ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_num WHERE k IS o.b ORDER BY v)),
  (SELECT total(v) FROM c_num WHERE k < o.b),
  (SELECT total(v) FROM c_num WHERE o.b >= k),
  (SELECT total(v) FROM c_num WHERE k > o.b),
  (SELECT total(v) FROM c_num WHERE k >= o.b AND k <> o.b),
  (SELECT total(v) FROM c_num WHERE k BETWEEN o.b AND 'b')
  FROM o ORDER BY n;
SELECT v FROM c_num WHERE k IN (SELECT i FROM o) ORDER BY v;
SELECT v FROM c_num WHERE k IN (SELECT t FROM o) ORDER BY v;
SELECT v FROM c_num WHERE k NOT IN (SELECT b FROM o WHERE b > 5) ORDER BY v;
.print affinity blob
CREATE /*byron*/ TABLE c_blob(k BLOB, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT OR IGNORE INTO c_blob SELECT x, n FROM v;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k = o.i ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k IS o.i ORDER BY v)),
  (SELECT total(v) FROM c_blob WHERE k < o.i),
  (SELECT total(v) FROM c_blob WHERE o.i >= k),
  (SELECT total(v) FROM c_blob WHERE k > o.i),
  (SELECT total(v) FROM c_blob WHERE k >= o.i AND k <> o.i),
  (SELECT total(v) FROM c_blob WHERE k BETWEEN o.i AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k = o.t ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k IS o.t ORDER BY v)),
  (SELECT total(v) FROM c_blob WHERE k < o.t),
  (SELECT total(v) FROM c_blob WHERE o.t >= k),
  (SELECT total(v) FROM c_blob WHERE k > o.t),
  (SELECT total(v) FROM c_blob WHERE k >= o.t AND k <> o.t),
  (SELECT total(v) FROM c_blob WHERE k BETWEEN o.t AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k = o.r ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k IS o.r ORDER BY v)),
  (SELECT total(v) FROM c_blob WHERE k < o.r),
  (SELECT total(v) FROM c_blob WHERE o.r >= k),
  (SELECT total(v) FROM c_blob WHERE k > o.r),
  (SELECT total(v) FROM c_blob WHERE k >= o.r AND k <> o.r),
  (SELECT total(v) FROM c_blob WHERE k BETWEEN o.r AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k = o.m ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k IS o.m ORDER BY v)),
  (SELECT total(v) FROM c_blob WHERE k < o.m),
  (SELECT total(v) FROM c_blob WHERE o.m >= k),
  (SELECT total(v) FROM c_blob WHERE k > o.m),
  (SELECT total(v) FROM c_blob WHERE k >= o.m AND k <> o.m),
  (SELECT total(v) FROM c_blob WHERE k BETWEEN o.m AND 'b')
  FROM o ORDER BY n;
SELECT n,
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k = o.b ORDER BY v)),
  (SELECT group_concat(v) FROM (SELECT v FROM c_blob WHERE k IS o.b ORDER BY v)),
  (SELECT total(v) FROM c_blob WHERE k < o.b),
  (SELECT total(v) FROM c_blob WHERE o.b >= k),
  (SELECT total(v) FROM c_blob WHERE k > o.b),
  (SELECT total(v) FROM c_blob WHERE k >= o.b AND k <> o.b),
  (SELECT total(v) FROM c_blob WHERE k BETWEEN o.b AND 'b')
  FROM o ORDER BY n;
SELECT v FROM c_blob WHERE k IN (SELECT i FROM o) ORDER BY v;
SELECT v FROM c_blob WHERE k IN (SELECT t FROM o) ORDER BY v;
SELECT v FROM c_blob WHERE k NOT IN (SELECT b FROM o WHERE b > 5) ORDER BY v;

-- A pattern that begins with a wildcard, after a list.
CREATE /*byron INDEX by_b(b)*/ TABLE after_list(b TEXT, a, c INT, PRIMARY KEY(b, a, c)) WITHOUT ROWID;
INSERT INTO after_list VALUES ('3', 'ax', 1), ('3', 7, 1), ('4', '1x', 2), ('4', x'6178', 3), ('5', 'x', 4);
SELECT a, b FROM after_list WHERE b IN ('3', '4') AND a GLOB '*x' ORDER BY b, a;
SELECT a, b FROM after_list WHERE b IN ('3', '4') AND a GLOB '[0-9]*' ORDER BY b, a;
SELECT a, b FROM after_list WHERE b IN ('3', '5', NULL) AND a GLOB lower('*X') ORDER BY b DESC, a DESC;
SELECT a, b FROM after_list WHERE b IN ('3', '4') AND a LIKE '_x' ORDER BY b, a;
