/** What a caller is told when Nest, Express or the body parser refuse a request, or when this service is at fault. */

import { LONGEST_BODY } from './limits';
import { Problem } from './problem';

interface Asked {
    readonly method: string;
    readonly path: string;
}

interface Words {
    readonly type: string;
    readonly title: string;
    readonly detail: string;
    readonly action: string;
}

/** `status` as the framework gave it; all of 5xx becomes a plain 500. */
export function problemOfStatus(status: number, { method, path }: Asked): Problem {
    if (status >= 500) return new Problem({ status: 500, ...atFault(`${method} ${path}`) });
    if (status === 404) return new Problem({ status, ...notServed(`${method} ${path}`) });
    return new Problem({ status, ...(REFUSALS[status] ?? REFUSED) });
}

const REFUSALS: Readonly<Record<number, Words>> = {
    400: {
        type: 'unreadable-request',
        title: 'The request cannot be read',
        detail: 'Its address or its body is not well-formed.',
        action: 'Send a percent-encoded address and, in the body, one JSON object in UTF-8.',
    },
    413: {
        type: 'body-too-large',
        title: 'The body is too large',
        detail: `A body may have ${LONGEST_BODY} bytes.`,
        action: 'Send a shorter message.',
    },
    415: {
        type: 'unsupported-media-type',
        title: 'The body cannot be decoded',
        detail: 'Its charset or Content-Encoding is not supported.',
        action: 'Send JSON in UTF-8, as it is or compressed with gzip, deflate or br.',
    },
};

const REFUSED: Words = {
    type: 'refused',
    title: 'The request was refused',
    detail: 'It cannot be met as it was sent.',
    action: 'GET / lists what is served.',
};

function notServed(request: string): Words {
    return {
        type: 'no-such-endpoint',
        title: 'There is no such endpoint',
        detail: `${request} is not served here.`,
        action: 'GET / lists what is.',
    };
}

function atFault(request: string): Words {
    return {
        type: 'internal',
        title: 'The service failed',
        detail: `${request} met a fault of this service.`,
        action: 'Look at the logs of node-service at this time.',
    };
}
