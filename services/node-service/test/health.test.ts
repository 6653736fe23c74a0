import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';

import { IMPATIENT, isProblem, NOBODY, startService } from './service';
import { json, silent, startUpstream } from './upstream';

test('the service says what it is, and every endpoint it names is served', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const { status, body } = await service.get('/');

    const { endpoints, ...rest } = body;
    equal(status, 200);
    deepEqual(rest, { service: 'node-service', version: '1.2.3', environment: 'test', upstream: 'demo-service' });
    for (const endpoint of endpoints as string[]) {
        const [method, path] = endpoint.split(' ') as [string, string];
        equal((await service.send(path, { method })).status, method === 'GET' ? 200 : 415, endpoint);
    }
});

test('the service is alive while demo-service is down', async (context) => {
    const service = await startService(context, NOBODY);

    const answer = await service.get('/health');

    deepEqual(answer, { status: 200, type: 'application/json', body: { status: 'up' } });
});

test('the service is ready when demo-service says it takes traffic', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const answer = await service.get('/ready');

    equal(answer.status, 200);
    deepEqual(answer.body, { status: 'ready', upstream: 'demo-service' });
    equal(upstream.asked[0]?.request, 'GET /actuator/health/readiness');
});

test('the service is not ready while demo-service is out of service', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);
    upstream.behave(json(503, { status: 'OUT_OF_SERVICE' }));

    const answer = await service.get('/ready');

    isProblem(answer, { status: 503, type: 'not-ready', detail: /^demo-service failed: .*answered with 503/ });
});

test('the service is not ready while demo-service is down', async (context) => {
    const service = await startService(context, NOBODY);

    const answer = await service.get('/ready');

    isProblem(answer, { status: 503, type: 'not-ready', detail: /^demo-service cannot be reached: / });
});

test('the service is not ready while demo-service is silent', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url, IMPATIENT);
    upstream.behave(silent);

    const answer = await service.get('/ready');

    isProblem(answer, { status: 503, type: 'not-ready', detail: /^demo-service did not answer in time: / });
});
