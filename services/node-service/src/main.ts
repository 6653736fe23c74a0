/** Starts the service, or says on standard error why it cannot and ends with 1. */

import 'reflect-metadata';

import { Logger } from '@nestjs/common';

import { createApplication } from './application';
import { DEEPEST_CHAIN } from './chain';
import { ConfigurationError, deadlineOf, readConfiguration } from './configuration';
import { drainOnSignal } from './drain';

const log = new Logger('Main');

async function main(): Promise<void> {
    const configuration = readConfiguration(process.env);
    const application = await createApplication(configuration);
    // No request can outlast the deepest chain, so neither need the draining.
    drainOnSignal(application, deadlineOf(configuration, DEEPEST_CHAIN + 1));
    const { host, port, demoServiceUrl, chainUrl } = configuration;
    await application.listen(port, host);
    log.log({ event: 'listening', host, port, demoService: demoServiceUrl.href, chain: chainUrl.href });
}

function whyNot(error: unknown): string {
    if (error instanceof ConfigurationError) return error.message;
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
        return `${error.message}. Another process listens there: end it, or set PORT to a free port.`;
    }
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

main().catch((error: unknown) => {
    process.stderr.write(`node-service cannot start:\n${whyNot(error)}\n`);
    process.exit(1);
});
