/** What the environment says about this service, checked once before anything starts. */

/** Milliseconds each hop of a chain waits longer than the hop behind it, so that the innermost failure is the one told. */
export const HOP_ALLOWANCE = 500;

export interface Configuration {
    /** Address to listen on. */
    readonly host: string;
    readonly port: number;
    readonly environment: string;
    readonly version: string;
    /** Where demo-service answers; ends in a slash. */
    readonly demoServiceUrl: URL;
    /** Where the next hop of a chain answers: this service, as its callers reach it; ends in a slash. */
    readonly chainUrl: URL;
    /** Milliseconds within which demo-service must have answered completely. */
    readonly upstreamTimeout: number;
}

/** The environment cannot be used; the message names every variable at fault and what to set, and never a value. */
export class ConfigurationError extends Error {
    override readonly name = 'ConfigurationError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the configuration, or throws one ConfigurationError that lists all that is wrong. */
export function readConfiguration(environment: Environment): Configuration {
    const faults: string[] = [];
    const read = new Reader(environment, faults);
    const port = read.wholeNumber('PORT', { fallback: 3000, least: 1, most: 65_535 });
    const configuration = {
        host: read.text('HOST', '0.0.0.0'),
        port,
        environment: read.text('ENVIRONMENT', 'development'),
        version: read.text('APP_VERSION', 'unknown'),
        demoServiceUrl: read.url('DEMO_SERVICE_URL', undefined),
        chainUrl: read.url('CHAIN_URL', `http://127.0.0.1:${port}`),
        upstreamTimeout: read.wholeNumber('UPSTREAM_TIMEOUT_MS', { fallback: 5000, least: 50, most: 15_000 }),
    };
    if (faults.length > 0) throw new ConfigurationError(faults.join('\n'));
    return configuration;
}

/** Milliseconds a hop may take that has `depth` more hops before it. */
export function deadlineOf({ upstreamTimeout }: Configuration, depth: number): number {
    return upstreamTimeout + depth * HOP_ALLOWANCE;
}

interface Range {
    fallback: number;
    least: number;
    most: number;
}

const NOWHERE = new URL('http://unset.invalid/');

class Reader {
    constructor(
        private readonly environment: Environment,
        private readonly faults: string[],
    ) {}

    /** An empty variable counts as unset: a ConfigMap cannot remove a key, only empty it. */
    private value(name: string): string | undefined {
        return this.environment[name]?.trim() || undefined;
    }

    text(name: string, fallback: string): string {
        return this.value(name) ?? fallback;
    }

    wholeNumber(name: string, { fallback, least, most }: Range): number {
        const value = this.value(name);
        if (value === undefined) return fallback;
        const number = Number(value);
        if (/^\d+$/.test(value) && number >= least && number <= most) return number;
        this.faults.push(
            `${name} is not a whole number from ${least} to ${most}. Set it to one, or unset it for ${fallback}.`,
        );
        return fallback;
    }

    url(name: string, fallback: string | undefined): URL {
        const value = this.value(name) ?? fallback;
        if (value === undefined) return this.refuse(name, 'is not set');
        if (!URL.canParse(value)) return this.refuse(name, 'is not a URL');
        const url = new URL(value);
        if (url.protocol !== 'http:' && url.protocol !== 'https:')
            return this.refuse(name, 'is not an http or https URL');
        if (url.username || url.password)
            return this.refuse(name, 'holds a user name or password, which do not belong there');
        if (url.search || url.hash) return this.refuse(name, 'holds a query or fragment, which cannot be kept');
        if (!url.pathname.endsWith('/')) url.pathname += '/';
        return url;
    }

    private refuse(name: string, why: string): URL {
        this.faults.push(`${name} ${why}. Set it to the address of the service, such as http://demo-service:8080.`);
        return NOWHERE;
    }
}
