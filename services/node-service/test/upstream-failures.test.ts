import { doesNotMatch, equal } from 'node:assert/strict';
import { test } from 'node:test';

import { LONGEST_ANSWER } from '../src/outgoing';
import { IMPATIENT, isProblem, NOBODY, startService } from './service';
import { json, problem, silent, startUpstream, type Behaviour } from './upstream';

const trickling: Behaviour = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"message": "Hel');
};
const endless: Behaviour = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('x'.repeat(LONGEST_ANSWER + 1));
};
const brokenOff: Behaviour = (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"message"');
    setImmediate(() => response.destroy());
};
const busy = problem(503, 'Too many simulations run at once.', '50 callers wait already.', 'Try again later.');

const FAILURES: [string, Behaviour, number, string, RegExp][] = [
    ['says nothing', silent, 504, 'upstream-slow', /^GET \/api\/greeting had no complete answer within 300 ms\.$/],
    ['stops in mid-answer', trickling, 504, 'upstream-slow', /no complete answer within 300 ms/],
    ['hangs up', (response) => response.destroy(), 502, 'upstream-unreachable', /had no answer: the connection broke/],
    ['hangs up in mid-answer', brokenOff, 502, 'upstream-unreachable', /had no answer: the connection broke/],
    ['answers 500', json(500, {}), 502, 'upstream-failed', /^GET \/api\/greeting was answered with 500\.$/],
    ['tells why it fails', busy, 502, 'upstream-failed', /503 \(Too many simulations run at once: 50 callers wait/],
    ['ran out of time itself', json(504, {}), 504, 'upstream-failed', /was answered with 504/],
    ['refuses us', json(400, {}), 502, 'upstream-failed', /was answered with 400/],
    ['sends us elsewhere', (to) => to.writeHead(302, { location: '/' }).end(), 502, 'upstream-failed', /with 302/],
    ['answers no JSON', (response) => response.end('<html>'), 502, 'upstream-unreadable', /not the JSON/],
    ['answers nothing', (response) => response.writeHead(204).end(), 502, 'upstream-unreadable', /not the JSON/],
    ['answers other JSON', json(200, { greeting: 'Hi' }), 502, 'upstream-unreadable', /not the JSON/],
    ['answers without end', endless, 502, 'upstream-unreadable', /longer than 65536 bytes/],
];

for (const [what, behaviour, status, type, detail] of FAILURES) {
    test(`a demo-service that ${what} is told as ${status} ${type}`, async (context) => {
        const upstream = await startUpstream(context);
        const service = await startService(context, upstream.url, type === 'upstream-slow' ? IMPATIENT : {});
        upstream.behave(behaviour);

        const answer = await service.get('/api/greeting');

        isProblem(answer, { status, type, detail });
    });
}

test('a demo-service that is down is told as 502, without its address', async (context) => {
    const service = await startService(context, NOBODY);

    const answer = await service.get('/api/greeting');

    isProblem(answer, { status: 502, type: 'upstream-unreachable', detail: /the connection was refused/ });
    doesNotMatch(JSON.stringify(answer.body), /127\.0\.0\.1/);
});

test('a demo-service on a port that fetch refuses is told as such', async (context) => {
    const service = await startService(context, new URL('http://127.0.0.1:1/'));

    const answer = await service.get('/api/greeting');

    isProblem(answer, { status: 502, type: 'upstream-unreachable', detail: /its port is one that fetch never/ });
});

test('a demo-service without a known name is told as 502', async (context) => {
    const service = await startService(context, new URL('http://demo-service.invalid/'));

    const answer = await service.get('/api/greeting');

    isProblem(answer, {
        status: 502,
        type: 'upstream-unreachable',
        detail: /its name (is not known|cannot be looked up)/,
    });
});

test('a demo-service that recovers is used again at once', async (context) => {
    const upstream = await startUpstream(context);
    const service = await startService(context, upstream.url);
    upstream.behave((response) => response.destroy());
    await service.get('/api/greeting');
    upstream.behave(json(200, { message: 'Hello again' }));

    const answer = await service.get('/api/greeting');

    equal(answer.status, 200);
    equal(answer.body['message'], 'Hello again');
});
