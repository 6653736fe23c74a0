/** The border for what callers send: a value of the promised shape, or a 400 that names every field at fault. */

import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';

import { Problem, type FieldError } from './problem';

/** `usage` tells the caller what to send instead, as a sentence. */
export class Valid<T> implements PipeTransform<unknown, T> {
    constructor(
        private readonly shape: z.ZodType<T>,
        private readonly usage: string,
    ) {}

    transform(value: unknown): T {
        const parsed = this.shape.safeParse(value);
        if (parsed.success) return parsed.data;
        throw this.problem(parsed.error.issues.flatMap(fieldErrors));
    }

    private problem(errors: readonly FieldError[]): Problem {
        const detail = errors.map(({ field, reason }) => `${field} ${reason}`).join('; ');
        return new Problem({
            status: 400,
            type: 'invalid-request',
            title: 'The request is not valid',
            detail: `${detail}.`,
            action: this.usage,
            errors,
        });
    }
}

/** Fields named in one answer at most: a body of thousands of unknown keys is not worth as long an answer. */
const MOST_ERRORS = 10;
const LONGEST_NAME = 60;

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
    if (issue.code === 'unrecognized_keys') {
        return issue.keys
            .slice(0, MOST_ERRORS)
            .map((key) => ({ field: key.slice(0, LONGEST_NAME), reason: 'is not known' }));
    }
    return [{ field: issue.path.join('.') || 'the request', reason: issue.message }];
}
