# What a program in Tcl expects of a table. Run by test_tcl.sh.
package require sqlite3

set extension [lindex $argv 0]
set folder [lindex $argv 1]
set passed 0
set failed 0

proc connect {name} {
    sqlite3 $name [file join $::folder test.db]
    $name enable_load_extension 1
    $name eval {SELECT load_extension($::extension)}
}

proc expect {what actual expected} {
    if {$actual ne $expected} {
        error "$what: '$actual' instead of '$expected'"
    }
}

proc test {name body} {
    connect db
    if {[catch {uplevel #0 $body} words]} {
        puts "FAILED $name: $words"
        incr ::failed
    } else {
        incr ::passed
    }
    db close
}

test {values come back as they were} {
    db eval {CREATE VIRTUAL TABLE value USING byron(id INTEGER PRIMARY KEY, v)}
    set blob [binary format H* 0001ff]
    set large [string repeat x 100000]
    set umlaut "\u00e9"
    db eval {INSERT INTO value VALUES (1, NULL), (2, -1.5), (3, ''),
        (4, $umlaut), (5, @blob), (6, $large), (7, 9223372036854775807)}
    expect null [db onecolumn {SELECT v IS NULL FROM value WHERE id = 1}] 1
    expect real [db onecolumn {SELECT v FROM value WHERE id = 2}] -1.5
    expect empty [db onecolumn {SELECT v FROM value WHERE id = 3}] {}
    expect text [db onecolumn {SELECT v FROM value WHERE id = 4}] $umlaut
    expect blob [db onecolumn {SELECT hex(v) FROM value WHERE id = 5}] 0001FF
    expect large [db onecolumn {SELECT v FROM value WHERE id = 6}] $large
    expect integer [db onecolumn {SELECT v FROM value WHERE id = 7}] \
        9223372036854775807
}

test {an error rolls back both kinds of table} {
    db eval {CREATE VIRTUAL TABLE kv USING byron; CREATE TABLE log(what)}
    catch {
        db transaction {
            db eval {INSERT INTO kv VALUES ('k', 'v')}
            db eval {INSERT INTO log VALUES ('k')}
            error no
        }
    }
    expect rolled [db eval {SELECT count(*) FROM kv
        UNION ALL SELECT count(*) FROM log}] {0 0}
    db transaction {
        db eval {INSERT INTO kv VALUES ('k', 'v')}
        db eval {INSERT INTO log VALUES ('k')}
    }
    expect kept [db eval {SELECT count(*) FROM kv
        UNION ALL SELECT count(*) FROM log}] {1 1}
}

test {rows are there after reopening} {
    expect rows [db eval {SELECT * FROM kv}] {k v}
}

test {a duplicate key has its words and its code} {
    expect caught [catch {db eval {INSERT INTO kv VALUES ('k', 2)}} words] 1
    expect words $words {UNIQUE constraint failed: kv.key}
    expect code [db errorcode] 19
}

test {a loop may stop early} {
    set seen 0
    db eval {SELECT id FROM value ORDER BY id DESC} row {
        incr seen
        expect first $row(id) 7
        break
    }
    expect seen $seen 1
}

test {nested transactions are savepoints} {
    db transaction {
        db eval {INSERT INTO kv VALUES ('outer', 1)}
        catch {
            db transaction {
                db eval {DELETE FROM kv}
                error no
            }
        }
    }
    expect rows [db eval {SELECT key FROM kv ORDER BY key}] {k outer}
}

puts "tcl: $passed passed, $failed failed"
exit [expr {$failed > 0 || $passed == 0}]
