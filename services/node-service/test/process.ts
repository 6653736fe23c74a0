/** The service as its own process, as it runs in a container. */

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';

import { Service } from './service';

const MAIN = join(__dirname, '..', 'src', 'main.js');
/** Milliseconds; generous, for a machine that is busy with other things. */
const PATIENCE = 30_000;

export class Process {
    private constructor(private readonly child: ChildProcessByStdio<null, Readable, Readable>) {}

    /** With nothing in its environment but what is given; killed when the test ends. */
    static spawn(context: TestContext, environment: Record<string, string>): Process {
        const child = spawn(process.execPath, [MAIN], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
        child.stdout.resume();
        context.after(() => child.kill('SIGKILL'));
        return new Process(child);
    }

    signal(signal: NodeJS.Signals): void {
        this.child.kill(signal);
    }

    /** The exit code, or the name of the signal that ended it. */
    async ended(): Promise<number | NodeJS.Signals> {
        const [code, signal] = (await once(this.child, 'close')) as [number | null, NodeJS.Signals];
        return code ?? signal;
    }

    standardError(): Promise<string> {
        return text(this.child.stderr);
    }
}

/** A process that answers, and the way to ask it. */
export async function startProcess(context: TestContext, demoServiceUrl: string): Promise<[Process, Service]> {
    const port = await freePort();
    const environment = { HOST: '127.0.0.1', PORT: String(port), DEMO_SERVICE_URL: demoServiceUrl };
    const child = Process.spawn(context, { ...environment, UPSTREAM_TIMEOUT_MS: '2000' });
    const service = new Service(new URL(`http://127.0.0.1:${port}/`));
    await until(async () => await answers(service));
    return [child, service];
}

/** Resolves once no new connection is accepted. */
export async function closed(service: Service): Promise<void> {
    await until(async () => !(await answers(service)));
}

async function answers(service: Service): Promise<boolean> {
    return service.send('/health', { headers: { connection: 'close' } }).then(
        () => true,
        () => false,
    );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!(await holds())) {
        if (Date.now() > deadline) throw new Error(`waited ${PATIENCE} ms in vain`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    return port;
}
