/** A demo-service for tests: a real server on loopback that answers by its contract, unless told to misbehave. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { text } from 'node:stream/consumers';

export interface Asked {
    readonly request: string;
    readonly query: string;
    readonly body: unknown;
}

export type Behaviour = (response: ServerResponse, asked: Asked) => void;

export interface Upstream {
    readonly url: URL;
    /** All that was asked so far, in order. */
    readonly asked: Asked[];
    /** Answers everything like this from now on. */
    behave(behaviour: Behaviour): void;
}

/** Ends with the test that started it. */
export async function startUpstream(context: TestContext): Promise<Upstream> {
    const asked: Asked[] = [];
    let behaviour: Behaviour = byContract;
    const server = createServer((request, response) => {
        void read(request).then((what) => {
            asked.push(what);
            behaviour(response, what);
        });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    context.after(() => {
        server.closeAllConnections();
        server.close();
    });
    const { port } = server.address() as AddressInfo;
    return { url: new URL(`http://127.0.0.1:${port}/`), asked, behave: (next) => (behaviour = next) };
}

async function read(request: IncomingMessage): Promise<Asked> {
    const body = await text(request);
    const url = new URL(request.url ?? '/', 'http://upstream');
    return {
        request: `${request.method ?? ''} ${url.pathname}`,
        query: url.search,
        body: body === '' ? undefined : JSON.parse(body),
    };
}

export function json(status: number, body: unknown, type = 'application/json'): Behaviour {
    return (response) => response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
}

export function problem(status: number, title: string, detail: string, action: string): Behaviour {
    const body = { type: 'urn:problem-type:test', title, status, detail, action };
    return json(status, body, 'application/problem+json');
}

/** Takes the request and never says a word. */
export const silent: Behaviour = () => undefined;

const byContract: Behaviour = (response, asked) => {
    answerOf(asked)(response, asked);
};

function answerOf({ request, query, body }: Asked): Behaviour {
    const source = 'demo-service';
    switch (request) {
        case 'GET /api/greeting': {
            const name = new URLSearchParams(query).get('name') ?? 'World';
            return json(200, { message: `Hello, ${name}!`, source, features: [] });
        }
        case 'POST /api/echo':
            return json(200, { ...(body as object), source });
        case 'POST /api/simulate':
            return simulate((body as { scenario: string }).scenario);
        case 'GET /actuator/health/readiness':
            return json(200, { status: 'UP' });
        default:
            return problem(404, 'Not found.', request, 'Ask for something else.');
    }
}

function simulate(scenario: string): Behaviour {
    if (scenario === 'timeout') return silent;
    if (scenario !== 'error') return json(200, { scenario, delay: 0, source: 'demo-service' });
    return problem(500, 'The service failed, as asked.', "The scenario was 'error'.", 'Nothing: you asked for it.');
}
