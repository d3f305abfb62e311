-- The first five minutes. From the checkout's root, after make:
--   sqlite3 < sql/quickstart.sql
.load ./byron
.mode box

-- A map from keys to values.
CREATE VIRTUAL TABLE kv USING byron;
INSERT INTO kv VALUES ('ada', 1815), ('grace', 1906), ('barbara', 1928);
SELECT * FROM kv WHERE key = 'grace';

-- Columns and keys as in CREATE TABLE; rows lie in the order of the key.
CREATE VIRTUAL TABLE reading USING byron(
    sensor TEXT NOT NULL,
    at INTEGER NOT NULL,
    value REAL,
    PRIMARY KEY (sensor, at DESC)
);
INSERT INTO reading
    WITH RECURSIVE minute(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM minute
                                 WHERE n < 999)
    SELECT 's' || (n % 10), n * 60, n / 7.0 FROM minute;

-- The newest three of one sensor: the first three of its range.
SELECT at, value FROM reading WHERE sensor = 's3' LIMIT 3;
EXPLAIN QUERY PLAN
SELECT at, value FROM reading WHERE sensor = 's3' AND at < 6000;

-- Answers like any other table's.
SELECT sensor, count(*), avg(value) FROM reading
WHERE sensor IN ('s1', 's2') GROUP BY sensor;
UPDATE reading SET value = 0 WHERE sensor = 's1' AND at < 6000;
DELETE FROM reading WHERE sensor = 's2';
SELECT count(*) FROM reading;
