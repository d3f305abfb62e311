-- A list of values, and for each a pattern that begins with a wildcard: its
-- ranges of numbers, texts and blobs touch.
CREATE /*byron*/ TABLE t(c INTEGER, d, b, PRIMARY KEY(c, d, b)) WITHOUT ROWID;
INSERT INTO t VALUES (4, 'a', 1), (9, '', 2), (9, 'b', 3), (5, 'a', 3), (4, 7, 1), (4, x'61', 1);
--answer: exact
SELECT c, d FROM t WHERE c IN (4, 9) AND d GLOB '[ab]*' ORDER BY c, d, b;
SELECT c, d FROM t WHERE c IN (4, 9) AND d GLOB '*';
SELECT c, d FROM t WHERE c IN (4, 9) AND d LIKE '_';
--answer: exact
SELECT c, d FROM t WHERE c IN (4, 5) AND d LIKE '%a%' ORDER BY c DESC, d DESC;
