/** The service under test: the real application, listening on loopback. */

import 'reflect-metadata';

import { deepEqual, equal, match } from 'node:assert/strict';
import type { TestContext } from 'node:test';

import { createApplication } from '../src/application';
import type { Configuration } from '../src/configuration';

/** For tests that wait until a deadline has passed; the others get one that a busy machine cannot miss. */
export const IMPATIENT = { upstreamTimeout: 300 };
const PATIENT = 15_000;

export interface Answer {
    readonly status: number;
    readonly type: string;
    readonly body: Record<string, unknown>;
}

export class Service {
    constructor(readonly url: URL) {}

    get(path: string): Promise<Answer> {
        return this.send(path, {});
    }

    post(path: string, body: unknown): Promise<Answer> {
        return this.postText(path, JSON.stringify(body), 'application/json');
    }

    postText(path: string, body: string | Uint8Array<ArrayBuffer>, type: string): Promise<Answer> {
        return this.send(path, { method: 'POST', headers: { 'content-type': type }, body });
    }

    async send(path: string, init: RequestInit): Promise<Answer> {
        const response = await fetch(new URL(path, this.url), init);
        const type = response.headers.get('content-type')?.split(';')[0] ?? '';
        return { status: response.status, type, body: (await response.json()) as Record<string, unknown> };
    }
}

/** Ends with the test that started it; a chain's next hop is the service itself unless `chainUrl` says otherwise. */
export async function startService(
    context: TestContext,
    demoServiceUrl: URL,
    settings: Partial<Configuration> = {},
): Promise<Service> {
    const url = new URL('http://127.0.0.1/');
    const application = await createApplication(
        {
            host: '127.0.0.1',
            port: 0,
            environment: 'test',
            version: '1.2.3',
            demoServiceUrl,
            chainUrl: url,
            upstreamTimeout: PATIENT,
            ...settings,
        },
        false,
    );
    await application.listen(0, '127.0.0.1');
    url.port = new URL(await application.getUrl()).port;
    context.after(async () => {
        application.getHttpServer().closeAllConnections();
        await application.close();
    });
    return new Service(url);
}

interface Expected {
    readonly status: number;
    readonly type: string;
    readonly detail: RegExp;
}

/** A problem is told completely: as problem details, with what, why and what to do. */
export function isProblem(answer: Answer, { status, type, detail }: Expected): void {
    equal(answer.type, 'application/problem+json');
    deepEqual(
        { status: answer.status, told: answer.body['status'], type: answer.body['type'] },
        { status, told: status, type: `urn:problem-type:${type}` },
    );
    match(String(answer.body['detail']), detail);
    match(String(answer.body['title']), /\w/);
    match(String(answer.body['action']), /\w/);
    match(String(answer.body['instance']), /^\//);
}

/** An address where nothing listens; fetch itself refuses port 1. */
export const NOBODY = new URL('http://127.0.0.1:2/');
