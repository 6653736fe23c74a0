/** How much and how long a caller may send, so that no connection is held for nothing. */

import { createServer } from 'node:http';

import { ExpressAdapter } from '@nestjs/platform-express';

/** Bytes of a request body, after decompression. */
export const LONGEST_BODY = 16 * 1024;

/** Milliseconds in which headers, and then the whole request, must have arrived; Node answers 408 after that. */
const HEADERS_DEADLINE = 5_000;
const REQUEST_DEADLINE = 10_000;
/** Node looks for late requests only this often; its default of 30 s would make the deadlines above a courtesy. */
const DEADLINE_CHECK = 1_000;
/** Longer than the minute that proxies keep an idle connection, so that none writes into one that just closed. */
const KEEP_ALIVE = 75_000;

export class BoundedExpressAdapter extends ExpressAdapter {
    override initHttpServer(): void {
        this.httpServer = createServer(
            {
                headersTimeout: HEADERS_DEADLINE,
                requestTimeout: REQUEST_DEADLINE,
                connectionsCheckingInterval: DEADLINE_CHECK,
                keepAliveTimeout: KEEP_ALIVE,
            },
            this.getInstance<Parameters<typeof createServer>[1] & object>(),
        );
    }
}
