package sluice.demo.flags;

import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Wires the flags to their file, and watches it when there is one. */
@Configuration(proxyBeanMethods = false)
class FlagConfiguration {
    @Bean
    FeatureFlags featureFlags(FlagSource source, MeterRegistry meters) {
        return new FeatureFlags(new FlagFile(Path.of(source.path())), meters);
    }

    @Bean
    FlagWatch flagWatch(FeatureFlags flags, FlagSource source) {
        FlagWatch watch = new FlagWatch(flags);
        if (!source.path().isEmpty()) {
            watch.start(source.lookEvery());
        }
        return watch;
    }
}
