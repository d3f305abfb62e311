// @grpc/grpc-js against byrond. Run by peers.py, which says where the servers are.
'use strict';
const assert = require('assert');
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const { PLAIN, SECURE, INTEROP, ROOT, READ, WRITE, PROTOS } = process.env;
const api = grpc.loadPackageDefinition(
  loader.loadSync('byron/v1/byron.proto', { includeDirs: [PROTOS] })).byron.v1;
const limits = { 'grpc.max_receive_message_length': -1 };
const byron = new api.Byron(PLAIN, grpc.credentials.createInsecure(), limits);
const { status } = grpc;

function bytes(text) {
  return Buffer.from(text);
}

// The answer to a request; fails as the call does.
function ask(client, method, request, ...more) {
  return new Promise((resolve, reject) => client[method](request, ...more,
    (error, answer) => error ? reject(error) : resolve(answer)));
}

async function codeOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error.code;
  }
  return status.OK;
}

async function all(call) {
  const messages = [];
  for await (const message of call)
    messages.push(message);
  return messages;
}

function soon() {
  return { deadline: Date.now() + 300 };
}

function load(batches, options = {}) {
  return new Promise((resolve, reject) => {
    const call = byron.load(options, (error, answer) =>
      error ? reject(error) : resolve(answer));
    for (const batch of batches)
      call.write(batch);
    call.end();
  });
}

function put(key, value) {
  return { put: { key: bytes(key), value: bytes(value) } };
}

// --- What is tried ----------------------------------------------------------

const cases = {
  async unary() {
    await ask(byron, 'put', { key: bytes('a'), value: bytes('\0\xff') });
    const there = await ask(byron, 'get', { key: bytes('a') });
    assert(there.found && there.value.equals(bytes('\0\xff')));
    await ask(byron, 'delete', { key: bytes('a') });
    assert(!(await ask(byron, 'get', { key: bytes('a') })).found);
  },

  async load_and_range() {
    const batches = [];
    for (let i = 0; i < 200; i++)
      batches.push({
        number: i + 1, loadId: i === 0 ? bytes('js') : undefined,
        ops: Array.from({ length: 50 }, (_, j) =>
          put(`r${String(i * 50 + j).padStart(5, '0')}`, 'x'.repeat(100))),
      });
    assert.equal((await load(batches)).batches, 200);
    assert.equal((await load(batches)).skipped, 200);
    const rows = (await all(byron.range({ start: bytes('r'), end: bytes('s') })))
      .flatMap((message) => message.rows);
    assert.equal(rows.length, 10000);
    rows.forEach((row, i) =>
      assert.equal(row.key.toString(), `r${String(i).padStart(5, '0')}`));
    const last = await all(byron.range({ reverse: true, limit: 1, end: bytes('s') }));
    assert.equal(last[0].rows[0].key.toString(), 'r09999');
  },

  async slow_readers_are_waited_for() {
    let count = 0;
    for await (const { rows } of byron.range({ start: bytes('r'), end: bytes('s') })) {
      count += rows.length;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(count, 10000);
  },

  async deadlines() {
    const call = byron.load(soon(), () => {});
    const ended = new Promise((resolve) => call.on('status', resolve));
    call.on('error', () => {});
    call.write({ ops: [put('d', '1')] });
    assert.equal((await ended).code, status.DEADLINE_EXCEEDED);
    assert.equal(await codeOf(ask(byron, 'get', { key: bytes('a') },
      { deadline: Date.now() - 1 })), status.DEADLINE_EXCEEDED);
    assert.equal(await codeOf(ask(byron, 'get', { key: bytes('a') },
      { deadline: Date.now() + 10000 })), status.OK);
  },

  async cancellation() {
    const call = byron.range({ start: bytes('r'), chunkBytes: 1 });
    await assert.rejects(async () => {
      for await (const _ of call)
        call.cancel();
    }, { code: status.CANCELLED });
    // The server gives up what it held for the call.
    for (let i = 0; i < 100; i++) {
      const { figures } = await ask(byron, 'stats', {});
      const open = figures.find((figure) => figure.name === 'byrond_ranges');
      if (open.value === 0)
        return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.fail('the range is still open');
  },

  async metadata() {
    const client = new grpc.Client(INTEROP, grpc.credentials.createInsecure());
    const metadata = new grpc.Metadata();
    metadata.set('x-grpc-test-echo-initial', 'told again');
    metadata.set('x-grpc-test-echo-trailing-bin', Buffer.from([0, 10, 255]));
    const first = {};
    await new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest('/grpc.testing.TestService/EmptyCall',
        (x) => x, (x) => x, bytes(''), metadata, (error) => error && reject(error));
      call.on('metadata', (got) => { first.initial = got; });
      call.on('status', (got) => { first.trailing = got.metadata; resolve(); });
    });
    client.close();
    assert.deepEqual(first.initial.get('x-grpc-test-echo-initial'), ['told again']);
    assert.deepEqual(first.trailing.get('x-grpc-test-echo-trailing-bin'),
      [Buffer.from([0, 10, 255])]);
    const many = new grpc.Metadata();
    for (let i = 0; i < 100; i++)
      many.set(`x-${i}`, 'y');
    assert.equal(await codeOf(ask(byron, 'get', { key: bytes('a') }, many)),
      status.RESOURCE_EXHAUSTED);
  },

  async error_codes() {
    const write = (more) => ask(byron, 'write', { ops: [put('e', '1')], ...more });
    assert.equal(await codeOf(ask(byron, 'get', {})), status.INVALID_ARGUMENT);
    assert.equal(await codeOf(ask(byron, 'get', { key: bytes('a'), snapshotId: 1 })),
      status.NOT_FOUND);
    assert.equal(await codeOf(write({ conditions: [{ key: bytes('e'), present: true }] })),
      status.FAILED_PRECONDITION);
    assert.equal(await codeOf(all(byron.query({ sql: 'no SQL' }))),
      status.INVALID_ARGUMENT);
    assert.equal(await codeOf(all(byron.query({ sql: "ATTACH 'x' AS y" }))),
      status.PERMISSION_DENIED);
    const unknown = new grpc.Client(PLAIN, grpc.credentials.createInsecure());
    await new Promise((resolve) => unknown.makeUnaryRequest('/byron.v1.Byron/Nothing',
      (x) => x, (x) => x, bytes(''), (error) => {
        assert.equal(error.code, status.UNIMPLEMENTED);
        resolve();
      }));
    unknown.close();
  },

  async queries() {
    await all(byron.query({ sql: 'CREATE TABLE js (a, b)' }));
    const [{ changes }] = await all(byron.query({
      sql: 'INSERT INTO js VALUES (?, ?)',
      params: [{ integer: -5 }, { text: 'ab' }],
    }));
    assert.equal(changes, 1);
    const [{ columns, rows }] = await all(byron.query({ sql: 'SELECT * FROM js' }));
    assert.deepEqual(columns, ['a', 'b']);
    assert.equal(rows[0].values[0].integer, -5);
    assert.equal(rows[0].values[1].text, 'ab');
  },

  async large_messages() {
    const value = Buffer.alloc(3900000, 'z');
    await ask(byron, 'put', { key: bytes('large'), value });
    assert((await ask(byron, 'get', { key: bytes('large') })).value.equals(value));
    const more = Buffer.alloc(5000000);
    assert.equal(await codeOf(ask(byron, 'put', { key: bytes('large'), value: more })),
      status.RESOURCE_EXHAUSTED);
  },

  async many_at_once() {
    await Promise.all(Array.from({ length: 500 }, (_, i) =>
      ask(byron, 'put', { key: bytes(`m${i}`), value: bytes(`${i}`) })));
    const { results } = await ask(byron, 'multiGet',
      { keys: Array.from({ length: 500 }, (_, i) => bytes(`m${i}`)) });
    results.forEach((result, i) => assert.equal(result.value.toString(), `${i}`));
  },

  async tls_and_tokens() {
    const secure = new api.Byron(SECURE,
      grpc.credentials.createSsl(fs.readFileSync(ROOT)), limits);
    const bearer = (token) => {
      const metadata = new grpc.Metadata();
      metadata.set('authorization', `Bearer ${token}`);
      return metadata;
    };
    const get = (...more) => codeOf(ask(secure, 'get', { key: bytes('a') }, ...more));
    assert.equal(await get(), status.UNAUTHENTICATED);
    assert.equal(await get(bearer(READ)), status.OK);
    const row = { key: bytes('a'), value: bytes('b') };
    assert.equal(await codeOf(ask(secure, 'put', row, bearer(READ))),
      status.PERMISSION_DENIED);
    assert.equal(await codeOf(ask(secure, 'put', row, bearer(WRITE))), status.OK);
    secure.close();
    const wrong = new api.Byron(SECURE, grpc.credentials.createSsl(), limits);
    assert.equal(await codeOf(ask(wrong, 'get', { key: bytes('a') }, bearer(READ),
      { deadline: Date.now() + 2000 })), status.UNAVAILABLE);
    wrong.close();
  },
};

async function main() {
  let passed = 0;
  let failed = 0;
  for (const [name, run] of Object.entries(cases)) {
    const limit = setTimeout(() => {
      console.log(`FAILED ${name}: it does not end`);
      process.exit(1);
    }, 60000);
    try {
      await run();
      passed += 1;
    } catch (error) {
      console.log(`FAILED ${name}: ${error.stack}`);
      failed += 1;
    }
    clearTimeout(limit);
  }
  byron.close();
  console.log(`node: ${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

main();
