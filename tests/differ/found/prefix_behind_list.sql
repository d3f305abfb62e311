-- Numbers in a list before the column whose beginning is asked for: SQLite does
-- not look at the beginning again.
CREATE /*byron*/ TABLE t(b, c TEXT, d TEXT, PRIMARY KEY(b, c DESC)) WITHOUT ROWID;
INSERT INTO t VALUES (12, 'a', 1), (12, 'ab', 2), ('12', 'b', 3), ('12', 'abc', 4), ('x', 'abc', 5), ('x', 'b', 6);
--answer: exact
SELECT * FROM t WHERE b IN (12, 'x') AND /*byron: prefix = 'ab'*/(substr(c, 1, 2) = 'ab') ORDER BY b, c DESC;
SELECT * FROM t WHERE b IN (12, '12') AND /*byron: prefix = 'ab'*/(substr(c, 1, 2) = 'ab');
.bind 12, 13
.again 'x', '12'
SELECT * FROM t WHERE b IN (?1, ?2) AND /*byron: prefix = 'ab'*/(substr(c, 1, 2) = 'ab');
