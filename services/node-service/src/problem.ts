/** What is answered when a request cannot be met: problem details (RFC 9457) that say what, why and what to do. */

/** One field of a request that is not as it must be. */
export interface FieldError {
    readonly field: string;
    readonly reason: string;
}

interface ProblemParts {
    readonly status: number;
    /** The last part of the problem's type: stable, for programs. */
    readonly type: string;
    /** What happened, the same words for every problem of this type. */
    readonly title: string;
    /** Why it happened this time. */
    readonly detail: string;
    /** What the reader can do about it. */
    readonly action: string;
    readonly errors?: readonly FieldError[];
}

/** Thrown anywhere below a controller, it becomes the answer. */
export class Problem extends Error {
    /** How the type of every problem of this service begins. */
    static readonly TYPE = 'urn:problem-type:';

    override readonly name = 'Problem';

    constructor(readonly parts: ProblemParts) {
        super(`${parts.title}: ${parts.detail}`);
    }

    get status(): number {
        return this.parts.status;
    }

    /** The body to send, as application/problem+json; `instance` is the path that was asked for. */
    body(instance: string): Record<string, unknown> {
        return { ...this.parts, type: Problem.TYPE + this.parts.type, instance };
    }
}
