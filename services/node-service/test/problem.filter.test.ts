import 'reflect-metadata';

import { doesNotMatch } from 'node:assert/strict';
import { test } from 'node:test';

import { Controller, Get, ImATeapotException, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { ProblemFilter } from '../src/problem.filter';
import { isProblem, Service } from './service';

@Controller()
class Faulty {
    @Get('broken')
    broken(): never {
        throw new TypeError('cannot read hunter2 of undefined');
    }

    @Get('teapot')
    teapot(): never {
        throw new ImATeapotException();
    }
}

@Module({ controllers: [Faulty] })
class FaultyModule {}

async function startFaulty(context: { after(end: () => Promise<void>): void }): Promise<Service> {
    const application = await NestFactory.create(FaultyModule, { logger: false });
    application.useGlobalFilters(new ProblemFilter());
    await application.listen(0, '127.0.0.1');
    context.after(() => application.close());
    return new Service(new URL(await application.getUrl()));
}

test('a fault of this service is told as a plain 500 that gives nothing away', async (context) => {
    const service = await startFaulty(context);

    const answer = await service.get('/broken');

    isProblem(answer, { status: 500, type: 'internal', detail: /^GET \/broken met a fault of this service\.$/ });
    doesNotMatch(JSON.stringify(answer.body), /hunter2/);
});

test('a refusal without words of its own is still a problem', async (context) => {
    const service = await startFaulty(context);

    const answer = await service.get('/teapot');

    isProblem(answer, { status: 418, type: 'refused', detail: /cannot be met as it was sent/ });
});
