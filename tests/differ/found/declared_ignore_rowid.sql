-- A row that a declared IGNORE passes over is not the last one inserted.
CREATE /*byron*/ TABLE t(a INTEGER PRIMARY KEY ON CONFLICT IGNORE, b NOT NULL ON CONFLICT IGNORE);
INSERT INTO t VALUES (1, 'x'), (7, 'y');
--answer: uncounted
INSERT INTO t VALUES (1, 'again');
--answer: uncounted
INSERT INTO t(b) VALUES (NULL);
--answer: uncounted
INSERT INTO t VALUES (3, 'z'), (1, 'again');
--answer: exact
SELECT a, b FROM t ORDER BY a;
