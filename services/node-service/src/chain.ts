/** A chain of requests: each hop asks the next until depth 0, where demo-service echoes the message. */

import { z } from 'zod';

import { deadlineOf, type Configuration } from './configuration';
import type { DemoService } from './demo-service';
import { NODE_SERVICE } from './names';
import { call } from './outgoing';
import { Problem } from './problem';
import { UpstreamError } from './upstream-error';

/** Hops that a request may ask for, beyond the one that receives it. Every hop checks it anew. */
export const DEEPEST_CHAIN = 5;

export interface ChainRequest {
    readonly message: string;
    readonly depth: number;
}

const chained = z.object({ message: z.string(), hops: z.array(z.string()).max(DEEPEST_CHAIN + 2) });

/** The message as it came back, and who passed it on, in the order of the requests. */
export type Chained = z.infer<typeof chained>;

export class Chain {
    constructor(
        private readonly configuration: Configuration,
        private readonly demoService: DemoService,
    ) {}

    async follow({ message, depth }: ChainRequest): Promise<Chained> {
        const behind = depth === 0 ? await this.end(message) : await this.nextHop({ message, depth: depth - 1 });
        return { message: behind.message, hops: [NODE_SERVICE, ...behind.hops] };
    }

    private async end(message: string): Promise<Chained> {
        const echo = await this.demoService.echo(message);
        return { message: echo.message, hops: [echo.source] };
    }

    private async nextHop(body: ChainRequest): Promise<Chained> {
        const url = new URL('api/chain', this.configuration.chainUrl);
        const deadline = deadlineOf(this.configuration, body.depth + 1);
        try {
            return await call({ service: NODE_SERVICE, method: 'POST', url, body, deadline, answer: chained });
        } catch (error) {
            throw error instanceof UpstreamError ? asToldByLastHop(error) : error;
        }
    }
}

/** A hop that already says what failed behind it is believed: the caller gets the cause, not a nest of "failed". */
function asToldByLastHop(error: UpstreamError): Error {
    const { failure } = error;
    if (failure.kind !== 'failed' || (failure.status !== 502 && failure.status !== 504)) return error;
    const { type, title, detail, action } = failure.problem ?? {};
    if (!type?.startsWith(Problem.TYPE) || !title || !detail || !action) return error;
    return new Problem({ status: failure.status, type: type.slice(Problem.TYPE.length), title, detail, action });
}
