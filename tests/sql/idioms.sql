-- what README tells to write in place of triggers, upsert and RETURNING
CREATE /*byron*/ TABLE kv(key, value, PRIMARY KEY(key)) WITHOUT ROWID;
CREATE TABLE journal(words TEXT);
INSERT INTO kv VALUES('ada', 1815), ('grace', 1906), ('barbara', 1928);
CREATE VIEW birth AS SELECT key AS name, value AS year FROM kv;
CREATE TRIGGER birth_insert INSTEAD OF INSERT ON birth BEGIN
    INSERT INTO kv VALUES(new.name, new.year);
    INSERT INTO journal VALUES('new: ' || new.name);
END;
CREATE TRIGGER birth_update INSTEAD OF UPDATE ON birth BEGIN
    UPDATE kv SET key = new.name, value = new.year WHERE key = old.name;
    INSERT INTO journal VALUES(old.name || ': ' || old.year || ' is ' || new.year);
END;
CREATE TRIGGER birth_delete INSTEAD OF DELETE ON birth BEGIN
    DELETE FROM kv WHERE key = old.name;
    INSERT INTO journal VALUES('gone: ' || old.name);
END;
INSERT INTO birth VALUES('alan', 1911), ('edsger', 1930);
INSERT INTO birth VALUES('alan', 1911);
INSERT OR IGNORE INTO birth VALUES('alan', 1911), ('tony', 1934);
UPDATE birth SET year = 1912 WHERE name = 'alan';
UPDATE birth SET name = upper(name) WHERE year < 1915;
DELETE FROM birth WHERE year > 1929;
SELECT words FROM journal ORDER BY rowid;
SELECT * FROM kv ORDER BY key;
BEGIN;
DELETE FROM birth;
ROLLBACK;
SELECT count(*) FROM kv;
.print a host table's triggers write to it
CREATE TABLE plain(a);
CREATE TRIGGER plain_insert AFTER INSERT ON plain BEGIN
    INSERT OR REPLACE INTO kv
        SELECT new.a, coalesce((SELECT value FROM kv WHERE key = new.a), 0) + 1;
END;
INSERT INTO plain VALUES('x'), ('y'), ('x');
SELECT * FROM kv WHERE key IN ('x', 'y') ORDER BY key;
.print upsert
CREATE /*byron*/ TABLE visit(page TEXT, n INTEGER, PRIMARY KEY(page)) WITHOUT ROWID;
INSERT OR REPLACE INTO visit SELECT '/home', coalesce((SELECT n FROM visit WHERE page = '/home'), 0) + 1;
INSERT OR REPLACE INTO visit SELECT '/home', coalesce((SELECT n FROM visit WHERE page = '/home'), 0) + 1;
INSERT OR REPLACE INTO visit SELECT page, sum(n) FROM (SELECT page, n FROM visit UNION ALL VALUES('/home', 5), ('/new', 1)) GROUP BY page;
SELECT * FROM visit ORDER BY page;
.print RETURNING
INSERT INTO visit VALUES('/about', 1), ('/more', 3) RETURNING page, n * 2;
BEGIN IMMEDIATE;
SELECT page, n FROM visit WHERE n < 2 ORDER BY page;
DELETE FROM visit WHERE n < 2;
COMMIT;
SELECT * FROM visit ORDER BY page;
