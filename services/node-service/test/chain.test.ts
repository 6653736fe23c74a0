import { deepEqual, equal, match } from 'node:assert/strict';
import { test } from 'node:test';

import { IMPATIENT, isProblem, NOBODY, startService } from './service';
import { json, problem, silent, startUpstream } from './upstream';

for (const depth of [0, 1, 5]) {
    test(`a chain of depth ${depth} passes ${depth + 1} hops and ends at demo-service`, async (context) => {
        const upstream = await startUpstream(context);
        const service = await startService(context, upstream.url);

        const { status, body } = await service.post('/api/chain', { message: 'ping\u00e9', depth });

        equal(status, 200);
        equal(body['message'], 'ping\u00e9');
        equal(body['source'], 'node-service');
        deepEqual(body['hops'], [...Array<string>(depth + 1).fill('node-service'), 'demo-service']);
        deepEqual(upstream.asked, [{ request: 'POST /api/echo', query: '', body: { message: 'ping\u00e9' } }]);
    });
}

const REFUSED: [unknown, RegExp][] = [
    [{}, /^message is missing; depth is missing\.$/],
    [{ message: '', depth: 0 }, /^message must not be blank\.$/],
    [{ message: 7, depth: 0 }, /^message must be one text\.$/],
    [{ message: 'x'.repeat(1001), depth: 0 }, /^message must not be longer than 1000 characters\.$/],
    [{ message: 'half \ud83d', depth: 0 }, /^message must not hold .* halves of characters\.$/],
    [{ message: 'x', depth: 6 }, /^depth must be a whole number from 0 to 5\.$/],
    [{ message: 'x', depth: -1 }, /^depth must be a whole number from 0 to 5\.$/],
    [{ message: 'x', depth: 1.5 }, /^depth must be a whole number from 0 to 5\.$/],
    [{ message: 'x', depth: 1e300 }, /^depth must be a whole number from 0 to 5\.$/],
    [{ message: 'x', depth: '1' }, /^depth must be a whole number from 0 to 5\.$/],
    [{ message: 'x', depth: null }, /^depth must be a whole number from 0 to 5\.$/],
    [{ message: 'x', depth: 1, dept: 2 }, /^dept is not known\.$/],
    [[], /^the request must be a JSON object\.$/],
];

for (const [request, detail] of REFUSED) {
    test(`a chain from ${JSON.stringify(request).slice(0, 40)} is refused`, async (context) => {
        const upstream = await startUpstream(context);
        const service = await startService(context, upstream.url);

        const answer = await service.post('/api/chain', request);

        isProblem(answer, { status: 400, type: 'invalid-request', detail });
        match(String(answer.body['action']), /"depth", a whole number from 0 to 5/);
        deepEqual(upstream.asked, []);
    });
}

test('a refusal names each field for programs too', async (context) => {
    const service = await startService(context, NOBODY);

    const { body } = await service.post('/api/chain', { depth: 9 });

    deepEqual(body['errors'], [
        { field: 'message', reason: 'is missing' },
        { field: 'depth', reason: 'must be a whole number from 0 to 5' },
    ]);
});

test('a body of a thousand unknown fields gets a short answer', async (context) => {
    const service = await startService(context, NOBODY);
    const fields = Array.from({ length: 1000 }, (_, index) => [`field-${index}`, 0] as const);

    const { body } = await service.post('/api/chain', { message: 'x', depth: 0, ...Object.fromEntries(fields) });

    equal((body['errors'] as unknown[]).length, 10);
});

test('a failure of demo-service behind three hops is told as if there were none', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);
    upstream.behave(problem(500, 'It broke.', 'The disk is full.', 'Make room.'));

    const near = await service.post('/api/chain', { message: 'x', depth: 0 });
    const far = await service.post('/api/chain', { message: 'x', depth: 3 });

    isProblem(far, { status: 502, type: 'upstream-failed', detail: /^POST \/api\/echo .*500 \(It broke: The disk/ });
    deepEqual(far, near);
});

test('a slow demo-service behind the deepest chain is the one that is told', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url, IMPATIENT);
    upstream.behave(silent);

    const answer = await service.post('/api/chain', { message: 'x', depth: 5 });

    isProblem(answer, { status: 504, type: 'upstream-slow', detail: /^POST \/api\/echo .* within 300 ms/ });
    equal(answer.body['title'], 'demo-service did not answer in time');
});

test('a next hop that is down is told as 502', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url, { chainUrl: NOBODY });

    const answer = await service.post('/api/chain', { message: 'x', depth: 1 });

    isProblem(answer, { status: 502, type: 'upstream-unreachable', detail: /^POST \/api\/chain had no answer/ });
    equal(answer.body['title'], 'node-service cannot be reached');
});

test('a next hop that is silent is told as 504', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url, { chainUrl: upstream.url, ...IMPATIENT });
    upstream.behave(silent);

    const answer = await service.post('/api/chain', { message: 'x', depth: 1 });

    isProblem(answer, { status: 504, type: 'upstream-slow', detail: /^POST \/api\/chain .* within 800 ms/ });
});

test('a next hop that is no node-service is told as 502', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url, { chainUrl: upstream.url });
    upstream.behave(json(502, { title: 'Bad Gateway' }, 'application/problem+json'));

    const answer = await service.post('/api/chain', { message: 'x', depth: 1 });

    isProblem(answer, { status: 502, type: 'upstream-failed', detail: /answered with 502 \(Bad Gateway\)/ });
});
