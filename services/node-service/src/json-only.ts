/** Refuses a body that is not declared as JSON, before anyone wonders why its fields are "missing". */

import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

import { Problem } from './problem';

export class JsonOnly implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
        const request = context.switchToHttp().getRequest<Request>();
        // false: there is a body of another type; null: there is none, which the validation tells better.
        if (request.is('application/json') !== false) return true;
        throw new Problem({
            status: 415,
            type: 'unsupported-media-type',
            title: 'The body is not JSON',
            detail: 'The Content-Type of the request is not application/json.',
            action: 'Send a JSON object with Content-Type: application/json.',
        });
    }
}
