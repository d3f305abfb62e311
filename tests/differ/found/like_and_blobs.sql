-- LIKE finds blobs as well (unless SQLite was built so that it does not), also
-- with ESCAPE and beside another bound.
CREATE /*byron*/ TABLE t(b TEXT COLLATE NOCASE, PRIMARY KEY(b)) WITHOUT ROWID;
INSERT INTO t VALUES (x'6100'), (x'61'), ('a'), ('ab'), (5), (x'42');
SELECT b FROM t WHERE b LIKE 'a%';
SELECT b FROM t WHERE b LIKE 'a%' ESCAPE '\';
SELECT b FROM t WHERE b LIKE 'a\%%' ESCAPE '\';
SELECT b FROM t WHERE b LIKE 'a' AND b > 'aB';
SELECT b FROM t WHERE b LIKE 'a%' ESCAPE '\' AND b > 'aA';
SELECT b FROM t WHERE b >= 'A' AND b < 'b';
SELECT b FROM t WHERE b GLOB 'a*' AND b > 'aa';
