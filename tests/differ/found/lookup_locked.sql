-- What a function says when another connection has it all.
CREATE /*byron*/ TABLE t(a, b, PRIMARY KEY(a)) WITHOUT ROWID;
.connection 1
SELECT count(*) FROM t;
BEGIN EXCLUSIVE;
.connection 0
--answer: mute
/*byron: SELECT byron_delete_range('main.t', 'a', 'b')*/ DELETE FROM t WHERE a >= 'a' AND a < 'b';
--answer: mute
/*byron: SELECT byron_delete_range('t', 'a', 'b')*/ DELETE FROM t WHERE a >= 'a' AND a < 'b';
SELECT /*byron: byron_count('main.t')*/(SELECT count(*) FROM t);
