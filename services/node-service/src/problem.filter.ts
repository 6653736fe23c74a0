/** Turns whatever was thrown into problem details; what nobody foresaw is logged and told as a plain 500. */

import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';

import { Problem } from './problem';
import { problemOfStatus } from './request-problem';
import { problemOf, UpstreamError } from './upstream-error';

@Catch()
export class ProblemFilter implements ExceptionFilter {
    private readonly log = new Logger('Problem');

    catch(error: unknown, host: ArgumentsHost): void {
        const request = host.switchToHttp().getRequest<Request>();
        const response = host.switchToHttp().getResponse<Response>();
        const problem = this.problemOf(error, request);
        if (problem.status >= 500) this.tell(problem, request);
        response.status(problem.status).type('application/problem+json');
        response.send(JSON.stringify(problem.body(request.path)));
    }

    private problemOf(error: unknown, request: Request): Problem {
        if (error instanceof Problem) return error;
        if (error instanceof UpstreamError) return problemOf(error);
        if (error instanceof HttpException) return problemOfStatus(error.getStatus(), request);
        if (isHttpError(error)) return problemOfStatus(error.status, request);
        this.log.error({ event: 'request broke', error: error instanceof Error ? error.stack : String(error) });
        return problemOfStatus(500, request);
    }

    private tell({ status, parts }: Problem, { method, path }: Request): void {
        this.log.warn({ event: 'request failed', method, path, status, type: parts.type, detail: parts.detail });
    }
}

/** What Express and its body parser throw: a `status` below 500 is meant for the caller. */
function isHttpError(error: unknown): error is Error & { status: number } {
    if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return false;
    return error.status >= 400 && error.status < 500;
}
