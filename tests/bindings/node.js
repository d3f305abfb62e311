// What a program in Node.js expects of a table. Run by test_nodejs.sh.
'use strict';
const assert = require('assert');
const path = require('path');
const Database = require('better-sqlite3');

const [extension, folder] = process.argv.slice(2);
let passed = 0;
let failed = 0;

function open() {
  const db = new Database(path.join(folder, 'test.db'));
  db.loadExtension(extension);
  return db;
}

function test(name, run) {
  const db = open();
  try {
    run(db);
    passed++;
  } catch (error) {
    console.log(`FAILED ${name}: ${error.stack}`);
    failed++;
  } finally {
    db.close();
  }
}

test('values come back as they were', (db) => {
  db.exec('CREATE VIRTUAL TABLE value USING byron(id INTEGER PRIMARY KEY, v)');
  const values = [null, 1, -1.5, '', 'text', Buffer.from([0, 1, 255]),
    'x'.repeat(100000)];
  const insert = db.prepare('INSERT INTO value VALUES (?, ?)');
  values.forEach((v, i) => insert.run(i + 1, v));
  assert.deepStrictEqual(
    db.prepare('SELECT v FROM value ORDER BY id').pluck().all(), values);
});

test('an exception rolls back both kinds of table', (db) => {
  db.exec('CREATE VIRTUAL TABLE kv USING byron; CREATE TABLE log(what)');
  const both = db.transaction((fail) => {
    db.prepare('INSERT INTO kv VALUES (?, ?)').run('k', 'v');
    db.prepare('INSERT INTO log VALUES (?)').run('k');
    if (fail) throw new Error('no');
  });
  assert.throws(() => both(true), /no/);
  assert.strictEqual(db.prepare('SELECT count(*) FROM kv').pluck().get(), 0);
  both(false);
  assert.strictEqual(db.prepare('SELECT count(*) FROM kv').pluck().get(), 1);
  assert.strictEqual(db.prepare('SELECT count(*) FROM log').pluck().get(), 1);
});

test('rows are there after reopening', (db) => {
  assert.deepStrictEqual(db.prepare('SELECT * FROM kv').all(),
    [{ key: 'k', value: 'v' }]);
});

test('a duplicate key has its code', (db) => {
  assert.throws(() => db.exec("INSERT INTO kv VALUES ('k', 2)"),
    (error) => error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY' &&
      error.message === 'UNIQUE constraint failed: kv.key');
});

test('an iterator may stop early', (db) => {
  for (const row of db.prepare('SELECT * FROM value').iterate()) {
    assert.strictEqual(row.id, 1);
    break;
  }
});

test('integrity_check reaches byron', (db) => {
  assert.strictEqual(db.pragma('integrity_check', { simple: true }), 'ok');
});

console.log(`nodejs: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
