-- An index whose columns are in the key as well.
CREATE /*byron*/ TABLE u(a INTEGER, b NUMERIC, c, PRIMARY KEY(b DESC, a, c DESC), UNIQUE(a, c)) WITHOUT ROWID;
SELECT c FROM u WHERE b IN ('a', 3) AND a = 2 AND c = '1e1';
CREATE /*byron*/ TABLE t(a, b, d, PRIMARY KEY(d, b, a), UNIQUE(b)) WITHOUT ROWID;
DELETE FROM t WHERE d = 1 AND b IS 'B';
