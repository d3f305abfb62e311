-- Byron and ordinary tables in one transaction. From the checkout's root:
--   sqlite3 < sql/transactions.sql
.load ./byron
.mode box

CREATE VIRTUAL TABLE event USING byron(id INTEGER PRIMARY KEY, what TEXT);
CREATE TABLE total (what TEXT PRIMARY KEY, count INTEGER);

-- Both or none.
BEGIN;
INSERT INTO event(what) VALUES ('click'), ('click'), ('scroll');
INSERT INTO total SELECT what, count(*) FROM event GROUP BY what;
COMMIT;

BEGIN;
DELETE FROM event;
DELETE FROM total;
ROLLBACK;
SELECT (SELECT count(*) FROM event) AS events, sum(count) AS total FROM total;

-- Savepoints nest.
SAVEPOINT outer_work;
INSERT INTO event(what) VALUES ('kept');
SAVEPOINT inner_work;
INSERT INTO event(what) VALUES ('forgotten');
ROLLBACK TO inner_work;
RELEASE outer_work;
SELECT * FROM event ORDER BY id DESC LIMIT 2;

-- A conflict undoes its statement only, or what you ask for.
INSERT OR IGNORE INTO event VALUES (1, 'again'), (10, 'new');
REPLACE INTO event VALUES (1, 'replaced');
SELECT * FROM event WHERE id IN (1, 10);
