import { deepEqual, equal, match } from 'node:assert/strict';
import { test } from 'node:test';

import { IMPATIENT, isProblem, startService } from './service';
import { startUpstream } from './upstream';

test('a simulation is played by demo-service and told by both', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const { status, body } = await service.post('/api/simulate', { scenario: 'slow', delay: 20 });

    const { timestamp, ...rest } = body;
    equal(status, 200);
    deepEqual(rest, { scenario: 'slow', delay: 20, source: 'node-service', upstreamSource: 'demo-service' });
    match(String(timestamp), /Z$/);
    deepEqual(upstream.asked[0]?.body, { scenario: 'slow', delay: 20 });
});

test('a delay that is left out is left to demo-service', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const { status } = await service.post('/api/simulate', { scenario: 'normal' });

    equal(status, 200);
    deepEqual(upstream.asked[0]?.body, { scenario: 'normal' });
});

test('a simulated error is told as 502, with what demo-service says of it', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const answer = await service.post('/api/simulate', { scenario: 'error' });

    isProblem(answer, { status: 502, type: 'upstream-failed', detail: /500 \(The service failed, as asked: The scen/ });
    equal(answer.body['action'], 'Nothing: you asked for it.');
});

test('a simulated timeout is told as 504', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url, IMPATIENT);

    const answer = await service.post('/api/simulate', { scenario: 'timeout' });

    isProblem(answer, { status: 504, type: 'upstream-slow', detail: /^POST \/api\/simulate had no complete answer/ });
});

const REFUSED: [unknown, RegExp][] = [
    [{}, /^scenario is missing\.$/],
    [{ scenario: 'chaos' }, /^scenario must be one of normal, slow, error, timeout\.$/],
    [{ scenario: 'SLOW' }, /^scenario must be one of normal, slow, error, timeout\.$/],
    [{ scenario: 'constructor' }, /^scenario must be one of/],
    [{ scenario: 'slow', delay: -1 }, /^delay must be a whole number from 0 to 10000\.$/],
    [{ scenario: 'slow', delay: 10_001 }, /^delay must be a whole number from 0 to 10000\.$/],
    [{ scenario: 'slow', delay: 0.5 }, /^delay must be a whole number from 0 to 10000\.$/],
    [{ scenario: 'slow', delay: '500' }, /^delay must be a whole number from 0 to 10000\.$/],
    [{ scenario: 'slow', delay: null }, /^delay must be a whole number from 0 to 10000\.$/],
    [{ scenario: 'slow', deley: 5 }, /^deley is not known\.$/],
    ['slow', /well-formed/],
];

for (const [request, detail] of REFUSED) {
    test(`a simulation from ${JSON.stringify(request)} is refused`, async (context) => {
        const upstream = await startUpstream(context);
        const service = await startService(context, upstream.url);

        const answer = await service.post('/api/simulate', request);

        const type = typeof request === 'string' ? 'unreadable-request' : 'invalid-request';
        isProblem(answer, { status: 400, type, detail });
        deepEqual(upstream.asked, []);
    });
}
