/** What can go wrong when another service is asked, and what our own caller is told of it. */

import { z } from 'zod';

import { Problem } from './problem';

/** The part of another service's problem details that is worth telling on. */
export const upstreamProblem = z.object({
    type: z.string().max(200).optional(),
    title: z.string().max(500),
    detail: z.string().max(2000).optional(),
    action: z.string().max(2000).optional(),
});

export type UpstreamProblem = z.infer<typeof upstreamProblem>;

export type UpstreamFailure =
    /** No connection, or it broke before the answer was complete. */
    | { readonly kind: 'unreachable'; readonly why: string }
    /** No complete answer within the deadline, in milliseconds. */
    | { readonly kind: 'slow'; readonly deadline: number }
    /** A complete answer whose status is not 2xx. */
    | { readonly kind: 'failed'; readonly status: number; readonly problem?: UpstreamProblem }
    /** A 2xx answer that does not hold what was promised. */
    | { readonly kind: 'unreadable'; readonly why: string };

/** `request` is the method and path that was asked; addresses stay out, they are nobody's business outside. */
export class UpstreamError extends Error {
    override readonly name = 'UpstreamError';

    constructor(
        readonly service: string,
        readonly request: string,
        readonly failure: UpstreamFailure,
        options?: ErrorOptions,
    ) {
        super(`${service}: ${request}: ${failure.kind}`, options);
    }
}

/** 504 when time ran out, here or further up; 502 for all else (RFC 9110, 15.6.3 and 15.6.5). */
export function problemOf({ service, request, failure }: UpstreamError): Problem {
    switch (failure.kind) {
        case 'unreachable':
            return new Problem({
                status: 502,
                type: 'upstream-unreachable',
                title: `${service} cannot be reached`,
                detail: `${request} had no answer: ${failure.why}.`,
                action: `Try again shortly. If it stays so, check that ${service} is running and that its address is configured.`,
            });
        case 'slow':
            return new Problem({
                status: 504,
                type: 'upstream-slow',
                title: `${service} did not answer in time`,
                detail: `${request} had no complete answer within ${failure.deadline} ms.`,
                action: `Try again later, or ask for less. If it stays so, look at the load and the logs of ${service}.`,
            });
        case 'failed':
            return new Problem({
                status: failure.status === 504 ? 504 : 502,
                type: 'upstream-failed',
                title: `${service} failed`,
                detail: `${request} was answered with ${failure.status}${toldBy(failure.problem)}.`,
                action: failure.problem?.action ?? `Look at the logs of ${service} at this time.`,
            });
        case 'unreadable':
            return new Problem({
                status: 502,
                type: 'upstream-unreadable',
                title: `${service} gave an answer that cannot be used`,
                detail: `${request}: ${failure.why}.`,
                action: `Check that the versions of this service and of ${service} belong together.`,
            });
    }
}

function toldBy(problem: UpstreamProblem | undefined): string {
    if (problem === undefined) return '';
    const words = [problem.title, problem.detail].filter((part) => part !== undefined);
    return ` (${words.map((part) => part.replace(/\.+$/, '')).join(': ')})`;
}
