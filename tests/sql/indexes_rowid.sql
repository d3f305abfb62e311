-- The same for tables with a rowid, which is checked first.
CREATE TABLE checks(what TEXT);
CREATE /*byron INDEX by_b(b)*/ TABLE r(id INTEGER PRIMARY KEY, a UNIQUE, b, c UNIQUE);
INSERT INTO r VALUES(1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3);
INSERT INTO r VALUES(1, 2, 3, 3);
INSERT INTO r VALUES(9, 2, 3, 3);
INSERT OR IGNORE INTO r(a, b, c) VALUES(9, 9, 3), (10, 10, 10), (10, 11, 11);
SELECT last_insert_rowid(), changes();
INSERT OR REPLACE INTO r VALUES(9, 1, 2, 3);
SELECT * FROM r ORDER BY id;
INSERT INTO r(a) VALUES(50);
REPLACE INTO r(id, a) VALUES(5, 50);
INSERT INTO r(a) VALUES(51);
SELECT * FROM r ORDER BY id;
UPDATE r SET id = 100 WHERE a = 10;
UPDATE OR REPLACE r SET id = 9 WHERE a = 10;
UPDATE r SET a = -a, b = b || 'x';
UPDATE r SET id = -id;
SELECT * FROM r ORDER BY id;
INSERT INTO r VALUES(-9223372036854775808, 'min', 'min', 'min'), (9223372036854775807, 'max', 'max', 'max');
INSERT INTO r VALUES(77, 'min', 1, 77);
REPLACE INTO r VALUES(78, 'min', 1, 'max');
SELECT * FROM r ORDER BY id;
--byron: INSERT INTO checks SELECT byron_check('r');
--plain: INSERT INTO checks VALUES('ok');

-- A rowid that is replaced, beside constraints that are not.
CREATE /*byron*/ TABLE q(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a UNIQUE, b UNIQUE ON CONFLICT REPLACE, c UNIQUE ON CONFLICT ABORT);
INSERT INTO q VALUES(1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3);
INSERT INTO q VALUES(1, 2, 3, 9);
INSERT OR FAIL INTO q VALUES(1, 2, 3, 3);
INSERT INTO q VALUES(1, 1, 3, 9);
INSERT INTO q VALUES(2, 9, 9, 9);
SELECT * FROM q ORDER BY id;
INSERT INTO q VALUES(2, 9, 3, 9);
SELECT * FROM q ORDER BY id;
UPDATE q SET id = 2 WHERE id = 1;
UPDATE OR ROLLBACK q SET a = 9;
SELECT * FROM q ORDER BY id;
--byron: INSERT INTO checks SELECT byron_check('q');
--plain: INSERT INTO checks VALUES('ok');

-- No key at all.
CREATE /*byron INDEX by_b(b COLLATE RTRIM DESC)*/ TABLE h(a INTEGER UNIQUE, b TEXT);
INSERT INTO h VALUES(1, 'a'), (2, 'b '), (3, 'b'), (NULL, 'c'), (NULL, 'c');
INSERT INTO h VALUES('2', 'x');
INSERT INTO h VALUES('two', 'x');
INSERT INTO h VALUES('two', 'y');
INSERT INTO h(rowid, a) VALUES(2, 2);
REPLACE INTO h(rowid, a, b) VALUES(1, 2, 'both');
SELECT rowid, a, b FROM h ORDER BY rowid;
UPDATE h SET a = a + 1 WHERE typeof(a) = 'integer';
UPDATE h SET b = b || ' ';
UPDATE h SET rowid = rowid + 10;
SELECT rowid, a, b FROM h ORDER BY rowid;
INSERT INTO h SELECT a + 100, b FROM h WHERE typeof(a) = 'integer';
INSERT INTO h SELECT a, b FROM h;
DELETE FROM h WHERE a > 100;
BEGIN;
DELETE FROM h;
INSERT INTO h VALUES(3, 'three');
SELECT rowid, a, b FROM h ORDER BY rowid;
ROLLBACK;
SELECT rowid, a, b FROM h ORDER BY rowid;
INSERT INTO h VALUES(3, 'three');
.connection 1
INSERT INTO h VALUES(3, 'three');
INSERT INTO h VALUES(30, 'thirty');
.connection 0
INSERT INTO h VALUES(30, 'thirty');
.reopen
INSERT INTO h VALUES(30, 'thirty');
SELECT rowid, a, b FROM h ORDER BY rowid;
--byron: INSERT INTO checks SELECT byron_check('h');
--plain: INSERT INTO checks VALUES('ok');
SELECT * FROM checks;

-- UNIQUE on the key itself: the rowid is looked at first, and by its own ON
-- CONFLICT, unless that is REPLACE.
CREATE /*byron*/ TABLE u1(id INTEGER PRIMARY KEY, a, UNIQUE(id) ON CONFLICT REPLACE);
INSERT INTO u1 VALUES(1, 'x'), (2, 'y');
INSERT INTO u1 VALUES(3, 'q'), (1, 'z');
INSERT OR IGNORE INTO u1 VALUES(3, 'q'), (1, 'z');
INSERT OR REPLACE INTO u1 VALUES(1, 'w');
UPDATE u1 SET id = 2 WHERE id = 1;
SELECT * FROM u1 ORDER BY id;
CREATE /*byron*/ TABLE u2(id INTEGER PRIMARY KEY UNIQUE ON CONFLICT IGNORE, a UNIQUE);
INSERT INTO u2 VALUES(1, 'x'), (2, 'y');
INSERT INTO u2 VALUES(1, 'z');
INSERT INTO u2 VALUES(3, 'x');
SELECT * FROM u2 ORDER BY id;
CREATE /*byron*/ TABLE u3(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a, UNIQUE(id) ON CONFLICT REPLACE);
INSERT INTO u3 VALUES(1, 'x'), (2, 'y');
INSERT INTO u3 VALUES(1, 'z');
SELECT * FROM u3 ORDER BY id;
CREATE /*byron*/ TABLE u4(id INTEGER PRIMARY KEY ON CONFLICT FAIL, a, UNIQUE(id) ON CONFLICT REPLACE);
INSERT INTO u4 VALUES(1, 'x'), (2, 'y');
INSERT INTO u4 VALUES(1, 'z');
SELECT * FROM u4 ORDER BY id;
CREATE /*byron*/ TABLE u5(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a, UNIQUE(id));
INSERT INTO u5 VALUES(1, 'x'), (2, 'y');
INSERT OR REPLACE INTO u5 VALUES(1, 'z');
INSERT OR IGNORE INTO u5 VALUES(2, 'z');
SELECT * FROM u5 ORDER BY id;
CREATE /*byron*/ TABLE u6(id INTEGER PRIMARY KEY UNIQUE ON CONFLICT IGNORE, a, UNIQUE(id) ON CONFLICT FAIL);
