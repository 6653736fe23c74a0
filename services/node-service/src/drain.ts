/** Ends the service without losing a request that was already accepted. */

import type { Server } from 'node:http';

import { Logger, type INestApplication } from '@nestjs/common';

/** Milliseconds between looks for connections that have become idle while draining. */
const IDLE_CHECK = 100;

const log = new Logger('Drain');

/**
 * On SIGTERM or SIGINT: accept nothing new, let what runs finish, then let the process end by itself with 0,
 * so that others who listen for the signal (a tracing agent sending its last spans) can finish too.
 * What still runs after `grace` milliseconds is cut off, and the process ends with 1.
 */
export function drainOnSignal(application: INestApplication<Server>, grace: number): void {
    let draining = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.on(signal, () => {
            if (draining) return;
            draining = true;
            log.log({ event: 'draining', signal, grace });
            void drain(application, grace);
        });
    }
}

async function drain(application: INestApplication<Server>, grace: number): Promise<void> {
    const server = application.getHttpServer();
    const cut = setTimeout(cutOff, grace, grace);
    const closeIdle = setInterval(server.closeIdleConnections.bind(server), IDLE_CHECK);
    await application.close();
    clearInterval(closeIdle);
    clearTimeout(cut);
    log.log({ event: 'drained' });
}

function cutOff(grace: number): void {
    log.error({ event: 'requests cut off', grace });
    process.exit(1);
}
