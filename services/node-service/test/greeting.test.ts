import { deepEqual, equal, match } from 'node:assert/strict';
import { test } from 'node:test';

import { isProblem, startService } from './service';
import { startUpstream } from './upstream';

test('a greeting carries the words of demo-service and names both services', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const { status, body } = await service.get('/api/greeting?name=Ada');

    const { timestamp, ...rest } = body;
    equal(status, 200);
    deepEqual(rest, { message: 'Hello, Ada!', source: 'node-service', upstreamSource: 'demo-service' });
    match(String(timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('a name reaches demo-service as it was sent', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const { body } = await service.get(`/api/greeting?name=${encodeURIComponent(' Zoë & co=1 +😀')}`);

    equal(body['message'], 'Hello,  Zoë & co=1 +😀!');
});

test('who gives no name is greeted as the world', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const { body } = await service.get('/api/greeting');

    equal(body['message'], 'Hello, World!');
});

test('a name of 64 characters is greeted, however many units they take', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);

    const { status } = await service.get(`/api/greeting?name=${encodeURIComponent('😀'.repeat(64))}`);

    equal(status, 200);
});

test('a demo-service under a path of its own is found there', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, new URL('behind/a/proxy/', upstream.url));

    await service.get('/api/greeting');

    equal(upstream.asked[0]?.request, 'GET /behind/a/proxy/api/greeting');
});

const REFUSED: [string, RegExp][] = [
    ['?name=', /^name must not be blank\.$/],
    ['?name=%20%20', /^name must not be blank\.$/],
    [`?name=${'x'.repeat(65)}`, /^name must not be longer than 64 characters\.$/],
    ['?name=a%0Ab', /^name must not hold control characters/],
    ['?name=a&name=b', /^name must be one text\.$/],
    ['?nmae=Ada', /^nmae is not known\.$/],
    ['?name[first]=Ada', /^name\[first\] is not known\.$/],
];

for (const [query, detail] of REFUSED) {
    test(`a greeting for ${query.slice(0, 20)} is refused before demo-service is asked`, async (context) => {
        const upstream = await startUpstream(context);
        const service = await startService(context, upstream.url);

        const answer = await service.get(`/api/greeting${query}`);

        isProblem(answer, { status: 400, type: 'invalid-request', detail });
        match(String(answer.body['action']), /1 to 64 characters/);
        deepEqual(upstream.asked, []);
    });
}
