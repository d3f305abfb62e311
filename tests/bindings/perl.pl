# What a program in Perl expects of a table. Run by test_perl.sh.
use strict;
use warnings;
use DBI;
use DBD::SQLite;
use File::Temp qw(tempdir);

my $folder = tempdir(CLEANUP => 1);
my ($passed, $failed) = (0, 0);

sub connect_database {
    my $db = DBI->connect("dbi:SQLite:dbname=$folder/test.db", '', '',
        {RaiseError => 1, PrintError => 0, AutoCommit => 1});
    $db->sqlite_enable_load_extension(1);
    $db->do('SELECT load_extension(?)', undef, $ARGV[0]);
    return $db;
}

sub expect {
    my ($what, $actual, $expected) = @_;
    die "$what: '$actual' instead of '$expected'\n" if $actual ne $expected;
}

sub test {
    my ($name, $run) = @_;
    my $db = connect_database();
    if (eval { $run->($db); 1 }) {
        $passed++;
    } else {
        print "FAILED $name: $@";
        $failed++;
    }
    $db->disconnect;
}

sub one {
    my ($db, $sql, @values) = @_;
    return ($db->selectrow_array($sql, undef, @values))[0];
}

test('values come back as they were', sub {
    my ($db) = @_;
    $db->do('CREATE VIRTUAL TABLE value USING byron(id INTEGER PRIMARY KEY, v)');
    my @values = (undef, 1, -1.5, '', 'text', 'x' x 100000);
    my $insert = $db->prepare('INSERT INTO value VALUES (?, ?)');
    $insert->execute($_, $values[$_]) for 0 .. $#values;
    $insert->bind_param(1, 99);
    $insert->bind_param(2, "\x00\x01\xff", DBI::SQL_BLOB());
    $insert->execute;
    my $rows = $db->selectcol_arrayref(
        'SELECT v FROM value WHERE id < 99 ORDER BY id');
    expect('count', scalar @$rows, scalar @values);
    for my $i (0 .. $#values) {
        expect("value $i", $rows->[$i] // 'undef', $values[$i] // 'undef');
    }
    expect('blob', one($db, 'SELECT v FROM value WHERE id = 99'),
        "\x00\x01\xff");
});

test('a rollback is one of both kinds of table', sub {
    my ($db) = @_;
    $db->do('CREATE VIRTUAL TABLE kv USING byron');
    $db->do('CREATE TABLE log(what)');
    for my $ending ('rollback', 'commit') {
        $db->begin_work;
        $db->do('INSERT INTO kv VALUES (?, ?)', undef, 'k', 'v');
        $db->do('INSERT INTO log VALUES (?)', undef, 'k');
        $db->$ending;
        my $count = $ending eq 'commit' ? 1 : 0;
        expect("kv after $ending", one($db, 'SELECT count(*) FROM kv'), $count);
        expect("log after $ending", one($db, 'SELECT count(*) FROM log'), $count);
    }
});

test('rows are there after reopening', sub {
    my ($db) = @_;
    my $row = $db->selectrow_hashref('SELECT * FROM kv');
    expect('row', "$row->{key} $row->{value}", 'k v');
});

test('a duplicate key has its words and its code', sub {
    my ($db) = @_;
    die "it went well\n" if eval { $db->do("INSERT INTO kv VALUES ('k', 2)") };
    expect('code', $db->err, 19);
    expect('words', $db->errstr =~ /UNIQUE constraint failed: kv\.key/, 1);
});

test('the last rowid, and how many rows were changed', sub {
    my ($db) = @_;
    $db->do("INSERT INTO value(v) VALUES ('last')");
    expect('rowid', $db->sqlite_last_insert_rowid, 100);
    expect('changed', $db->do("UPDATE value SET v = 'new' WHERE id > 98"), 2);
    expect('deleted', $db->do('DELETE FROM value WHERE id = 12345'), '0E0');
});

test('a statement may be left unfinished', sub {
    my ($db) = @_;
    my $select = $db->prepare('SELECT id FROM value ORDER BY id DESC');
    $select->execute;
    expect('first', ($select->fetchrow_array)[0], 100);
    $select->finish;
    $db->do("INSERT OR REPLACE INTO kv VALUES ('k', 'w')");
    expect('value', one($db, 'SELECT value FROM kv WHERE key = ?', 'k'), 'w');
});

print "perl: $passed passed, $failed failed\n";
exit($failed > 0 || $passed == 0);
