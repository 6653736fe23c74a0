/** What callers may send, field by field, in words that fit into "<field> <reason>". */

import { z } from 'zod';

import { DEEPEST_CHAIN } from './chain';

const SCENARIOS = ['normal', 'slow', 'error', 'timeout'] as const;

/** Milliseconds; demo-service has the same bound. */
const LONGEST_DELAY = 10_000;
/** Characters that demo-service greets at most; the message it echoes may be longer than ours. */
const LONGEST_NAME = 64;
const LONGEST_MESSAGE = 1000;

function text(longest: number): z.ZodType<string> {
    return z
        .string({ error: (issue) => (issue.input === undefined ? 'is missing' : 'must be one text') })
        .refine((value) => value.trim() !== '', 'must not be blank')
        .refine((value) => Array.from(value).length <= longest, `must not be longer than ${longest} characters`)
        .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters or halves of characters');
}

function wholeNumber(most: number): z.ZodType<number> {
    const reason = `must be a whole number from 0 to ${most}`;
    return z
        .number({ error: (issue) => (issue.input === undefined ? 'is missing' : reason) })
        .refine((value) => Number.isInteger(value) && value >= 0 && value <= most, reason);
}

const jsonObject = { error: 'must be a JSON object' };

export const greetingQuery = z.strictObject({ name: text(LONGEST_NAME).default('World') });
export const greetingUsage = `Send ?name= with 1 to ${LONGEST_NAME} characters, or leave it out.`;

export const chainBody = z.strictObject(
    { message: text(LONGEST_MESSAGE), depth: wholeNumber(DEEPEST_CHAIN) },
    jsonObject,
);
export const chainUsage =
    `Send a JSON object with "message", a text of 1 to ${LONGEST_MESSAGE} characters, ` +
    `and "depth", a whole number from 0 to ${DEEPEST_CHAIN}.`;

export const simulateBody = z.strictObject(
    {
        scenario: z.enum(SCENARIOS, {
            error: (issue) => (issue.input === undefined ? 'is missing' : `must be one of ${SCENARIOS.join(', ')}`),
        }),
        delay: wholeNumber(LONGEST_DELAY).optional(),
    },
    jsonObject,
);
export const simulateUsage =
    `Send a JSON object with "scenario", one of ${SCENARIOS.join(', ')}, ` +
    `and, if you like, "delay", whole milliseconds from 0 to ${LONGEST_DELAY}.`;
