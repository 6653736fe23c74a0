/** demo-service, as this service uses it. Every method answers within its deadline or throws an UpstreamError. */

import { z } from 'zod';

import type { Configuration } from './configuration';
import { DEMO_SERVICE } from './names';
import { call } from './outgoing';

/** Milliseconds a readiness check may take: below the three seconds that the probe itself is given. */
const READINESS_DEADLINE = 2000;

/** Who answered; demo-service names itself in `source`. */
const source = z.string().default(DEMO_SERVICE);
const spoken = z.object({ message: z.string(), source });
const simulated = z.object({ source });
const health = z.object({ status: z.string() });

export type Spoken = z.infer<typeof spoken>;
export type Simulated = z.infer<typeof simulated>;

/** What demo-service is asked to play; `delay` is in milliseconds, and demo-service has its own when it is left out. */
export interface Simulation {
    readonly scenario: string;
    readonly delay?: number | undefined;
}

export class DemoService {
    constructor(private readonly configuration: Configuration) {}

    greeting(name: string): Promise<Spoken> {
        const url = this.url('api/greeting');
        url.searchParams.set('name', name);
        return call({ ...this.patiently(url), method: 'GET', answer: spoken });
    }

    echo(message: string): Promise<Spoken> {
        return call({ ...this.patiently(this.url('api/echo')), method: 'POST', body: { message }, answer: spoken });
    }

    simulate(simulation: Simulation): Promise<Simulated> {
        return call({
            ...this.patiently(this.url('api/simulate')),
            method: 'POST',
            body: simulation,
            answer: simulated,
        });
    }

    /** Resolves when demo-service says that it takes traffic: the readiness group of Spring Boot's health endpoint. */
    async ready(): Promise<void> {
        const url = this.url('actuator/health/readiness');
        const deadline = Math.min(READINESS_DEADLINE, this.configuration.upstreamTimeout);
        await call({ service: DEMO_SERVICE, url, deadline, method: 'GET', answer: health });
    }

    private url(path: string): URL {
        return new URL(path, this.configuration.demoServiceUrl);
    }

    private patiently(url: URL): { service: string; url: URL; deadline: number } {
        return { service: DEMO_SERVICE, url, deadline: this.configuration.upstreamTimeout };
    }
}
