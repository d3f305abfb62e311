-- A number is equal to many texts: the rows are sorted by what follows in the
-- index, where columns stand that it has already.
CREATE /*byron INDEX i1(a DESC)*/ TABLE u(a TEXT COLLATE NOCASE, b, PRIMARY KEY(a, b DESC)) WITHOUT ROWID;
CREATE /*byron INDEX i2(b)*/ TABLE w(a, b TEXT, c, PRIMARY KEY(a, b, c)) WITHOUT ROWID;
CREATE TABLE o(id INTEGER PRIMARY KEY);
INSERT INTO o VALUES (5);
INSERT INTO u VALUES ('+5', -9223372036854775808), ('5 ', 5.0), ('5', 0), ('05', 100), ('5', 7);
INSERT INTO w VALUES (1, '+5', 4), (1, '5 ', 1), (1, '05', 3), (1, '5', 2), (0, '5', 9), (2, '+5', 0);
--answer: exact
SELECT (SELECT min(s.b) FROM u AS s WHERE s.a IS id), (SELECT max(s.b) FROM u AS s WHERE s.a = id) FROM o;
--answer: exact
SELECT (SELECT b FROM u AS s WHERE s.a = id ORDER BY b LIMIT 1), (SELECT b FROM u AS s WHERE s.a = id ORDER BY b DESC LIMIT 1) FROM o;
--answer: exact
SELECT (SELECT a || ' ' || c FROM w WHERE b = id ORDER BY a, c LIMIT 1), (SELECT a || ' ' || c FROM w WHERE b = id ORDER BY a, c LIMIT 1 OFFSET 1), (SELECT a || ' ' || c FROM w WHERE b = id ORDER BY a DESC, c DESC LIMIT 1 OFFSET 1) FROM o;
--answer: exact
SELECT (SELECT group_concat(a || c) FROM (SELECT a, c FROM w WHERE b = id ORDER BY a, c)) FROM o;
