package sluice.demo.flags;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Once started, looks at the flags' file now and then until it is closed.
 *
 * <p>A thread of its own rather than {@code @Scheduled}: the injected agent would report each look as a trace.
 */
final class FlagWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(FlagWatch.class);

    private final FeatureFlags flags;
    private final ScheduledExecutorService looks = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("feature-flags").daemon().factory());

    FlagWatch(FeatureFlags flags) {
        this.flags = flags;
    }

    /** The first look is over when this returns, so that no request ever sees flags that were never read. */
    void start(Duration lookEvery) {
        flags.reload();
        looks.scheduleWithFixedDelay(this::look, lookEvery.toMillis(), lookEvery.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** A look that fails must not end the watch, as an exception would. */
    private void look() {
        try {
            flags.reload();
        } catch (RuntimeException failed) {
            log.error("look at feature flags failed, the next one follows", failed);
        }
    }

    @Override
    public void close() {
        looks.shutdownNow();
    }
}
