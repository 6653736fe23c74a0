/** Puts the service together; starting and ending it is main's. */

import { ConsoleLogger, Module, type DynamicModule, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';

import { ApiController } from './api.controller';
import { Chain } from './chain';
import type { Configuration } from './configuration';
import { DemoService } from './demo-service';
import { BoundedExpressAdapter, LONGEST_BODY } from './limits';
import { ProblemFilter } from './problem.filter';
import { ServiceController } from './service.controller';
import { CONFIGURATION } from './tokens';

@Module({})
export class ApplicationModule {
    static of(configuration: Configuration): DynamicModule {
        const demoService = new DemoService(configuration);
        return {
            module: ApplicationModule,
            controllers: [ServiceController, ApiController],
            providers: [
                { provide: CONFIGURATION, useValue: configuration },
                { provide: DemoService, useValue: demoService },
                { provide: Chain, useValue: new Chain(configuration, demoService) },
            ],
        };
    }
}

/** The application, not yet listening. `logger: false` keeps it silent. */
export async function createApplication(
    configuration: Configuration,
    logger: LoggerService | false = new ConsoleLogger({ json: true }),
): Promise<NestExpressApplication> {
    const application = await NestFactory.create<NestExpressApplication>(
        ApplicationModule.of(configuration),
        new BoundedExpressAdapter(),
        { abortOnError: false, bodyParser: false, logger },
    );
    application.disable('x-powered-by');
    application.useBodyParser('json', { limit: LONGEST_BODY });
    application.useGlobalFilters(new ProblemFilter());
    return application;
}
