import { deepEqual, equal, match } from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import { closed, Process, startProcess } from './process';
import { startUpstream } from './upstream';

test('a faulty environment ends the start with 1 and all there is to mend', async (context) => {
    const child = Process.spawn(context, { PORT: 'http', DEMO_SERVICE_URL: 'http://user:hunter2@demo-service' });

    const [told, end] = await Promise.all([child.standardError(), child.ended()]);

    equal(end, 1);
    deepEqual(told.trim().split('\n'), [
        'node-service cannot start:',
        'PORT is not a whole number from 1 to 65535. Set it to one, or unset it for 3000.',
        'DEMO_SERVICE_URL holds a user name or password, which do not belong there. ' +
            'Set it to the address of the service, such as http://demo-service:8080.',
    ]);
});

test('a port that is taken ends the start with 1 and says so', async (context) => {
    const taken = createServer().listen(0, '127.0.0.1');
    context.after(() => taken.close());
    await once(taken, 'listening');
    const PORT = String((taken.address() as AddressInfo).port);
    const child = Process.spawn(context, { HOST: '127.0.0.1', PORT, DEMO_SERVICE_URL: 'http://demo-service' });

    const [told, end] = await Promise.all([child.standardError(), child.ended()]);

    equal(end, 1);
    match(told, /address already in use.*set PORT to a free port\./);
});

test('on SIGTERM a request under way is answered, and the process ends with 0', async (context) => {
    const upstream = await startUpstream(context);
    const [child, service] = await startProcess(context, upstream.url.href);
    const arrivals = new EventEmitter();
    upstream.behave((response) => arrivals.emit('request', response));
    const arrival = once(arrivals, 'request') as Promise<[ServerResponse]>;

    const answer = service.get('/api/greeting');
    const [response] = await arrival;
    child.signal('SIGTERM');
    child.signal('SIGTERM');
    await closed(service);
    response.end('{"message": "Hello, late one"}');

    equal((await answer).body['message'], 'Hello, late one');
    equal(await child.ended(), 0);
});

test('on SIGTERM an idle connection does not keep the process', async (context) => {
    const [child, service] = await startProcess(context, 'http://127.0.0.1:2');
    const agent = new Agent({ keepAlive: true });
    context.after(() => {
        agent.destroy();
    });
    const [response] = (await once(get(new URL('/health', service.url), { agent }), 'response')) as [IncomingMessage];
    await text(response);

    child.signal('SIGTERM');

    equal(await child.ended(), 0);
});

test('on SIGTERM a caller that never finishes is cut off, and the process ends with 1', async (context) => {
    const [child, service] = await startProcess(context, 'http://127.0.0.1:2');
    const socket = connect(Number(service.url.port), '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.write('POST /api/chain HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n');
    await service.get('/health');

    child.signal('SIGTERM');

    equal(await child.ended(), 1);
});
