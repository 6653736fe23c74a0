/** What a person or a cluster asks about the service itself. */

import { Controller, Get, Inject } from '@nestjs/common';

import { CONFIGURATION } from './tokens';
import type { Configuration } from './configuration';
import { DemoService } from './demo-service';
import { DEMO_SERVICE, NODE_SERVICE } from './names';
import { Problem } from './problem';
import { problemOf, UpstreamError } from './upstream-error';

const ENDPOINTS = ['GET /', 'GET /health', 'GET /ready', 'GET /api/greeting', 'POST /api/chain', 'POST /api/simulate'];

@Controller()
export class ServiceController {
    constructor(
        @Inject(CONFIGURATION) private readonly configuration: Configuration,
        private readonly demoService: DemoService,
    ) {}

    @Get()
    about(): object {
        const { version, environment } = this.configuration;
        return { service: NODE_SERVICE, version, environment, upstream: DEMO_SERVICE, endpoints: ENDPOINTS };
    }

    /** Liveness: true while this process can answer at all, whatever demo-service does. */
    @Get('health')
    health(): object {
        return { status: 'up' };
    }

    /** Readiness: 200 while requests can be met, else 503 with the reason. */
    @Get('ready')
    async ready(): Promise<object> {
        try {
            await this.demoService.ready();
        } catch (error) {
            throw error instanceof UpstreamError ? notReadyBecause(problemOf(error)) : error;
        }
        return { status: 'ready', upstream: DEMO_SERVICE };
    }
}

function notReadyBecause({ parts: { title, detail, action } }: Problem): Problem {
    return new Problem({
        status: 503,
        type: 'not-ready',
        title: 'The service is not ready',
        detail: `${title}: ${detail}`,
        action,
    });
}
