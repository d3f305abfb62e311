-- The bounds that SQLite makes of LIKE with ESCAPE are not the only ones.
CREATE /*byron*/ TABLE v(a TEXT COLLATE NOCASE, b, PRIMARY KEY(a)) WITHOUT ROWID;
INSERT INTO v VALUES (x'41', 1), ('a', 2), (x'42', 3), ('b', 4);
SELECT * FROM v WHERE a >= '5.0' AND a LIKE 'a' ESCAPE '\';
SELECT * FROM v WHERE a LIKE 'a' ESCAPE '\' AND a >= '5.0';
SELECT * FROM v WHERE a < x'99aa' AND a LIKE 'b%' ESCAPE '\';
SELECT * FROM v WHERE a < 'xyz' AND a LIKE 'b%' ESCAPE '\';
