-- Sizes and numbers at their limits: the same answers as an ordinary table.
CREATE /*byron*/ TABLE t(k PRIMARY KEY, v) WITHOUT ROWID;

-- Values of 0 bytes to 100 MB.
INSERT INTO t VALUES('empty text', ''), ('empty blob', x''), ('null', NULL);
INSERT INTO t VALUES('1', zeroblob(1)), ('4 KB', zeroblob(4096));
INSERT INTO t VALUES('64 KB', replace(hex(zeroblob(32768)), '0', 'ab'));
INSERT INTO t VALUES('1 MB', replace(hex(zeroblob(500000)), '00', 'x'));
INSERT INTO t VALUES('100 MB', zeroblob(100000000));
SELECT k, typeof(v), length(v) FROM t ORDER BY k;
SELECT v = zeroblob(100000000) FROM t WHERE k = '100 MB';
DELETE FROM t WHERE k = '100 MB';

-- Keys up to 64 KB.
INSERT INTO t VALUES(zeroblob(65536), 'zeros'), (zeroblob(65535), 'one less');
INSERT INTO t VALUES(replace(hex(zeroblob(32768)), '0', 'k'), 'text');
INSERT INTO t VALUES(replace(hex(zeroblob(32768)), '0', 'k') || 'a', 'longer');
SELECT v FROM t WHERE k = zeroblob(65536);
SELECT v FROM t WHERE k > zeroblob(65535);
SELECT v, length(k) FROM t WHERE length(k) > 60000 ORDER BY k DESC;

-- Zeros inside, and bytes that are no UTF-8.
INSERT INTO t VALUES(x'610062', 1), (x'6100', 2), (x'61', 3), (x'', 4);
INSERT INTO t VALUES(cast(x'61ff62' AS TEXT), 5), (cast(x'c0' AS TEXT), 6);
SELECT hex(k), v FROM t WHERE typeof(k) = 'blob' AND length(k) < 9 ORDER BY k;
SELECT v FROM t WHERE k = cast(x'61ff62' AS TEXT);
SELECT hex(k) FROM t WHERE v IN (5, 6) ORDER BY k;

-- Integers beyond 2^53 against reals, and the ends of both.
INSERT INTO t VALUES(1, 'integer one');
INSERT INTO t VALUES(1.0, 'real one');
INSERT INTO t VALUES(9007199254740992, '2^53'), (9007199254740993, '2^53+1');
INSERT INTO t VALUES(9007199254740992.0, 'the same as 2^53');
INSERT INTO t VALUES(9223372036854775807, 'most'),
                    (-9223372036854775808, 'least');
INSERT INTO t VALUES(9223372036854775807.0, '2^63'), (9e999, 'inf'),
                    (-9e999, '-inf');
INSERT INTO t VALUES(0, 'zero');
INSERT INTO t VALUES(-0.0, 'minus zero');
SELECT k, typeof(k), v FROM t WHERE k < 'a' ORDER BY k;
SELECT v FROM t WHERE k = 1.0;
SELECT v FROM t WHERE k = 9007199254740993;
SELECT v FROM t WHERE k > 9007199254740992.0 AND k < 1e300;
SELECT v FROM t WHERE k = -0.0;
SELECT v FROM t WHERE k = 9e999;
SELECT v FROM t WHERE k >= 9223372036854775807.0 ORDER BY k LIMIT 2;
REPLACE INTO t VALUES(1.0, 'replaced by a real');
SELECT k, typeof(k), v FROM t WHERE k = 1;
REPLACE INTO t VALUES(-0.0, -0.0);
SELECT k, typeof(k), v, typeof(v) FROM t WHERE k = 0;
SELECT count(*) FROM t;
