/** The endpoints that reach demo-service. */

import { Body, Controller, Get, HttpCode, Post, Query, UseGuards } from '@nestjs/common';
import type { z } from 'zod';

import { Chain, type Chained } from './chain';
import { DemoService } from './demo-service';
import { JsonOnly } from './json-only';
import { NODE_SERVICE } from './names';
import { chainBody, chainUsage, greetingQuery, greetingUsage, simulateBody, simulateUsage } from './requests';
import { Valid } from './valid';

/** Who answered and when; `timestamp` is in ISO 8601, UTC. */
interface Signed {
    readonly timestamp: string;
    readonly source: string;
}

interface Greeting extends Signed {
    readonly message: string;
    readonly upstreamSource: string;
}

interface Simulated extends Signed {
    readonly scenario: string;
    readonly delay?: number | undefined;
    readonly upstreamSource: string;
}

@Controller('api')
@UseGuards(JsonOnly)
export class ApiController {
    constructor(
        private readonly demoService: DemoService,
        private readonly chain: Chain,
    ) {}

    @Get('greeting')
    async greeting(
        @Query(new Valid(greetingQuery, greetingUsage)) query: z.infer<typeof greetingQuery>,
    ): Promise<Greeting> {
        const { message, source } = await this.demoService.greeting(query.name);
        return { message, ...signature(), upstreamSource: source };
    }

    @Post('chain')
    @HttpCode(200)
    async follow(@Body(new Valid(chainBody, chainUsage)) body: z.infer<typeof chainBody>): Promise<Chained & Signed> {
        return { ...(await this.chain.follow(body)), ...signature() };
    }

    /** `normal` and `slow` come back with 200, `error` with 502, `timeout` (or a delay past our deadline) with 504. */
    @Post('simulate')
    @HttpCode(200)
    async simulate(
        @Body(new Valid(simulateBody, simulateUsage)) body: z.infer<typeof simulateBody>,
    ): Promise<Simulated> {
        const { source } = await this.demoService.simulate(body);
        return { ...body, ...signature(), upstreamSource: source };
    }
}

function signature(): Signed {
    return { timestamp: new Date().toISOString(), source: NODE_SERVICE };
}
