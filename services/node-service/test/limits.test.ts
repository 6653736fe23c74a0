import { deepEqual, equal, match } from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { LONGEST_BODY } from '../src/limits';
import { isProblem, NOBODY, startService } from './service';
import { startUpstream } from './upstream';

test('a body that is too large is refused', async (context) => {
    const service = await startService(context, NOBODY);

    const answer = await service.post('/api/chain', { message: 'x'.repeat(LONGEST_BODY), depth: 0 });

    isProblem(answer, { status: 413, type: 'body-too-large', detail: /16384 bytes/ });
});

test('a small body that unpacks to a large one is refused', async (context) => {
    const service = await startService(context, NOBODY);
    const bomb = new Uint8Array(gzipSync(JSON.stringify({ message: 'x'.repeat(10_000_000), depth: 0 })));

    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const answer = await service.send('/api/chain', { method: 'POST', headers, body: bomb });

    isProblem(answer, { status: 413, type: 'body-too-large', detail: /16384 bytes/ });
});

for (const body of ['{"message": ', 'null', '"text"', '{"message": "x", "depth": 0} more']) {
    test(`the body ${body} is refused as unreadable`, async (context) => {
        const service = await startService(context, NOBODY);

        const answer = await service.postText('/api/chain', body, 'application/json');

        isProblem(answer, { status: 400, type: 'unreadable-request', detail: /not well-formed/ });
    });
}

test('a request without a body is told what to send', async (context) => {
    const service = await startService(context, NOBODY);

    const answer = await service.send('/api/simulate', { method: 'POST' });

    isProblem(answer, { status: 415, type: 'unsupported-media-type', detail: /not application\/json/ });
    match(String(answer.body['action']), /^Send a JSON object with Content-Type: application\/json\.$/);
});

test('a body that is not declared as JSON is refused as such', async (context) => {
    const service = await startService(context, NOBODY);

    const answer = await service.postText('/api/simulate', '{"scenario": "slow"}', 'application/x-www-form-urlencoded');

    isProblem(answer, { status: 415, type: 'unsupported-media-type', detail: /not application\/json/ });
});

test('a body in an unknown charset is refused', async (context) => {
    const service = await startService(context, NOBODY);

    const answer = await service.postText('/api/simulate', '{}', 'application/json; charset=klingon');

    isProblem(answer, { status: 415, type: 'unsupported-media-type', detail: /charset/ });
});

test('a field named like a part of every object is refused like any other', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const body = '{"message": "x", "depth": 0, "__proto__": {"depth": 5}}';
    const answer = await service.postText('/api/chain', body, 'application/json');

    isProblem(answer, { status: 400, type: 'invalid-request', detail: /^__proto__ is not known\.$/ });
});

for (const [method, path] of [
    ['GET', '/nowhere'],
    ['GET', '/api/chain'],
    ['DELETE', '/'],
] as const) {
    test(`${method} ${path} is told as no endpoint`, async (context) => {
        const service = await startService(context, NOBODY);

        const answer = await service.send(path, { method });

        isProblem(answer, { status: 404, type: 'no-such-endpoint', detail: new RegExp(`^${method} ${path} is not`) });
    });
}

test('answers do not say what they are made with', async (context) => {
    const service = await startService(context, NOBODY);

    const response = await fetch(new URL('/health', service.url));

    deepEqual([response.headers.get('x-powered-by'), response.headers.get('server')], [null, null]);
    await response.body?.cancel();
});

test('a caller that never finishes its headers is let go', { timeout: 30_000 }, async (context) => {
    const service = await startService(context, NOBODY);
    const socket = connect(Number(service.url.port), '127.0.0.1');
    socket.write('POST /api/chain HTTP/1.1\r\nHost: x\r\n');

    const answer = await text(socket);

    match(answer, /^HTTP\/1\.1 408 /);
    equal(socket.readableEnded, true);
});
