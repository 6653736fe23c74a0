/** Asks another service for JSON: always with a deadline, always with a bounded answer, never through a redirect. */

import type { z } from 'zod';

import { UpstreamError, upstreamProblem, type UpstreamFailure, type UpstreamProblem } from './upstream-error';

/** Bytes of an answer that are read at most; all real ones are below one kilobyte. */
export const LONGEST_ANSWER = 64 * 1024;

export interface OutgoingCall<T> {
    /** Who is asked, in the words of our own answer. */
    readonly service: string;
    readonly method: 'GET' | 'POST';
    readonly url: URL;
    /** Sent as JSON. */
    readonly body?: object;
    /** Milliseconds for everything together: connecting, waiting and reading to the last byte. */
    readonly deadline: number;
    /** What the answer must hold. */
    readonly answer: z.ZodType<T>;
}

interface Exchange {
    readonly status: number;
    readonly contentType: string;
    readonly text: string;
}

/** The answer, or an UpstreamError that says which of the four ways it failed. */
export async function call<T>(outgoing: OutgoingCall<T>): Promise<T> {
    const exchange = await perform(outgoing);
    if (exchange.status < 200 || exchange.status > 299) throw failed(outgoing, exchange);
    const parsed = outgoing.answer.safeParse(parseJson(exchange.text));
    if (parsed.success) return parsed.data;
    throw upstreamError(outgoing, { kind: 'unreadable', why: 'the answer is not the JSON that was expected' });
}

async function perform<T>(outgoing: OutgoingCall<T>): Promise<Exchange> {
    try {
        const response = await fetch(outgoing.url, {
            ...requestOf(outgoing),
            signal: AbortSignal.timeout(outgoing.deadline),
        });
        const contentType = response.headers.get('content-type') ?? '';
        return { status: response.status, contentType, text: await boundedText(response) };
    } catch (error) {
        throw upstreamError(outgoing, failureOf(error, outgoing.deadline), { cause: error });
    }
}

function requestOf<T>({ method, body }: OutgoingCall<T>): RequestInit {
    const headers = { accept: 'application/json, application/problem+json' };
    if (body === undefined) return { method, redirect: 'manual', headers };
    return {
        method,
        redirect: 'manual',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
    };
}

class AnswerTooLong extends Error {}

async function boundedText(response: Response): Promise<string> {
    if (response.body === null) return '';
    const body: AsyncIterable<Uint8Array> = response.body;
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of body) {
        length += chunk.byteLength;
        if (length > LONGEST_ANSWER) throw new AnswerTooLong();
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
}

function failureOf(error: unknown, deadline: number): UpstreamFailure {
    if (error instanceof AnswerTooLong)
        return { kind: 'unreadable', why: `the answer is longer than ${LONGEST_ANSWER} bytes` };
    const code = codeOf(error);
    if (nameOf(error) === 'TimeoutError' || /TIME(D)?_?OUT/.test(code)) return { kind: 'slow', deadline };
    return { kind: 'unreachable', why: REASONS[code] ?? `the connection broke${code && ` (${code})`}` };
}

const REASONS: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'the connection was reset',
    ENOTFOUND: 'its name is not known',
    EAI_AGAIN: 'its name cannot be looked up now',
    EHOSTUNREACH: 'there is no route to it',
    // The Fetch Standard blocks some ports (section 2.9, "port blocking"); this one has no code, only these words.
    'bad port': 'its port is one that fetch never connects to',
};

function nameOf(error: unknown): string {
    return error instanceof Error ? error.name : '';
}

/** fetch wraps what really happened: TypeError("fetch failed") with the system's error as its cause. */
function codeOf(error: unknown): string {
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(cause instanceof Error)) return '';
    return 'code' in cause ? String(cause.code) : cause.message;
}

function failed<T>(outgoing: OutgoingCall<T>, exchange: Exchange): UpstreamError {
    const problem = problemIn(exchange);
    const { status } = exchange;
    return upstreamError(
        outgoing,
        problem === undefined ? { kind: 'failed', status } : { kind: 'failed', status, problem },
    );
}

function problemIn({ contentType, text }: Exchange): UpstreamProblem | undefined {
    if (!contentType.startsWith('application/problem+json')) return undefined;
    return upstreamProblem.safeParse(parseJson(text)).data;
}

/** undefined stands for "no JSON": no shape that is asked for here accepts it. */
function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch (error) {
        if (error instanceof SyntaxError) return undefined;
        throw error;
    }
}

function upstreamError<T>(
    { service, method, url }: OutgoingCall<T>,
    failure: UpstreamFailure,
    options?: ErrorOptions,
): UpstreamError {
    return new UpstreamError(service, `${method} ${url.pathname}`, failure, options);
}
