-- A look inside. From the checkout's root:
--   sqlite3 < sql/inspect.sql
.load ./byron
.mode box

CREATE VIRTUAL TABLE item USING byron(
    name TEXT PRIMARY KEY, body TEXT, compression = 'zstd');
INSERT INTO item
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number
                                 WHERE n < 20000)
    SELECT printf('item-%06d', n), printf('the body of item %d', n) FROM number;

-- Into files, then every file read again and checked.
SELECT byron_flush('item');
SELECT byron_check('item');

-- A third of the rows goes, and so does its space.
DELETE FROM item WHERE name < 'item-006667';
SELECT byron_compact('item');
SELECT * FROM byron_stats('item');
