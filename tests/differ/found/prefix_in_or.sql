-- A prefix beside something that no key answers: rows would have to be looked at.
CREATE /*byron*/ TABLE t(k TEXT, v, PRIMARY KEY(k)) WITHOUT ROWID;
INSERT INTO t VALUES ('ab', 1), ('ac', 2), ('b', 3), ('c', 4);
--refused: SELECT k FROM t WHERE prefix = 'a' OR v = 4;
--refused: SELECT k FROM t WHERE NOT prefix = 'a';
--refused: SELECT k FROM t WHERE CASE WHEN prefix = 'a' THEN 1 ELSE 0 END;
--refused: SELECT prefix FROM t;
--refused: DELETE FROM t WHERE prefix = 'a' OR v = 4;
SELECT k FROM t WHERE /*byron: prefix = 'a'*/(substr(k, 1, 1) = 'a') OR k > 'b';
CREATE TABLE o(id INTEGER PRIMARY KEY, x, y);
INSERT INTO o VALUES (1, 'ab', 7), (2, 'c', 8);
UPDATE t SET v = y FROM o WHERE x = k;
--answer: exact
SELECT k, v FROM t ORDER BY k;
