package sluice.demo;

import java.time.Clock;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.context.annotation.Bean;

/**
 * The upstream of the governed system: greets, echoes and acts out trouble on request.
 *
 * <p>It holds no tracing code: spans come from the agent that the OpenTelemetry operator injects.
 */
@SpringBootApplication
@ConfigurationPropertiesScan
public class DemoService {
    /** How the service names itself in answers; the same name as its Deployment, Service and image. */
    public static final String NAME = "demo-service";

    public static void main(String[] arguments) {
        SpringApplication.run(DemoService.class, arguments);
    }

    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }
}
