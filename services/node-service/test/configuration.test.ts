import { deepEqual, doesNotMatch, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';

import { ConfigurationError, deadlineOf, readConfiguration } from '../src/configuration';

const ENOUGH = { DEMO_SERVICE_URL: 'http://demo-service:8080' };

function faultsOf(environment: Record<string, string>): string[] {
    try {
        readConfiguration(environment);
    } catch (error) {
        if (error instanceof ConfigurationError) return error.message.split('\n');
        throw error;
    }
    return [];
}

test('the address of demo-service is all that must be set', () => {
    const { demoServiceUrl, chainUrl, ...rest } = readConfiguration(ENOUGH);

    equal(demoServiceUrl.href, 'http://demo-service:8080/');
    equal(chainUrl.href, 'http://127.0.0.1:3000/');
    deepEqual(rest, {
        host: '0.0.0.0',
        port: 3000,
        environment: 'development',
        version: 'unknown',
        upstreamTimeout: 5000,
    });
});

test('all of it can be set', () => {
    const configuration = readConfiguration({
        HOST: '127.0.0.1',
        PORT: '8081',
        ENVIRONMENT: 'staging',
        APP_VERSION: '1.4.0',
        DEMO_SERVICE_URL: 'https://demo.example/base',
        CHAIN_URL: 'http://node-service:3000/',
        UPSTREAM_TIMEOUT_MS: '250',
    });

    deepEqual(configuration, {
        host: '127.0.0.1',
        port: 8081,
        environment: 'staging',
        version: '1.4.0',
        demoServiceUrl: new URL('https://demo.example/base/'),
        chainUrl: new URL('http://node-service:3000/'),
        upstreamTimeout: 250,
    });
});

test('a chain comes back to the port that is listened on unless told otherwise', () => {
    const { chainUrl } = readConfiguration({ ...ENOUGH, PORT: '4000' });

    equal(chainUrl.port, '4000');
});

test('an empty variable counts as unset', () => {
    const { port, environment } = readConfiguration({ ...ENOUGH, PORT: '', ENVIRONMENT: '  ' });

    deepEqual([port, environment], [3000, 'development']);
});

const FAULTS: [string, string, RegExp][] = [
    ['PORT', '0', /^PORT is not a whole number from 1 to 65535\. Set it to one, or unset it for 3000\.$/],
    ['PORT', '65536', /^PORT is not/],
    ['PORT', '3000x', /^PORT is not/],
    ['PORT', '3e3', /^PORT is not/],
    ['UPSTREAM_TIMEOUT_MS', '5s', /^UPSTREAM_TIMEOUT_MS is not a whole number from 50 to 15000\./],
    ['UPSTREAM_TIMEOUT_MS', '-1', /^UPSTREAM_TIMEOUT_MS is not/],
    ['UPSTREAM_TIMEOUT_MS', '15001', /^UPSTREAM_TIMEOUT_MS is not/],
    ['DEMO_SERVICE_URL', '', /^DEMO_SERVICE_URL is not set\. Set it to the address of the service, such as http:/],
    ['DEMO_SERVICE_URL', 'demo service', /^DEMO_SERVICE_URL is not a URL\./],
    ['DEMO_SERVICE_URL', 'demo-service:8080', /^DEMO_SERVICE_URL is not an http or https URL\./],
    ['DEMO_SERVICE_URL', 'http://demo?x=1', /^DEMO_SERVICE_URL holds a query or fragment/],
    ['CHAIN_URL', 'ftp://node-service', /^CHAIN_URL is not an http or https URL\./],
];

for (const [name, value, fault] of FAULTS) {
    test(`${name}=${value} is refused with what to set instead`, () => {
        throws(() => readConfiguration({ ...ENOUGH, [name]: value }), { name: 'ConfigurationError', message: fault });
    });
}

test('all faults are told at once', () => {
    const faults = faultsOf({ PORT: 'x', UPSTREAM_TIMEOUT_MS: 'y' });

    deepEqual(
        faults.map((fault) => fault.split(' ')[0]),
        ['PORT', 'DEMO_SERVICE_URL', 'UPSTREAM_TIMEOUT_MS'],
    );
});

test('a fault never shows the value', () => {
    const faults = faultsOf({ PORT: 'hunter2', DEMO_SERVICE_URL: 'http://bot:hunter2@demo' }).join('\n');

    doesNotMatch(faults, /hunter2/);
});

test('each hop waits longer than the hop behind it', () => {
    const configuration = readConfiguration(ENOUGH);

    deepEqual(
        [0, 1, 2].map((depth) => deadlineOf(configuration, depth)),
        [5000, 5500, 6000],
    );
});
