package sluice.demo.simulation;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What the service can act out, and how long it takes when the caller does not say. */
enum Scenario {
    /** Answers well. */
    NORMAL(Duration.ZERO),
    /** Answers well, but late. */
    SLOW(Duration.ofSeconds(3)),
    /** Fails with 500. */
    ERROR(Duration.ZERO),
    /** Keeps the caller waiting as long as the service ever waits, then gives up with 504. */
    TIMEOUT(Simulation.LONGEST_DELAY);

    private final Duration usualDelay;

    Scenario(Duration usualDelay) {
        this.usualDelay = usualDelay;
    }

    Duration usualDelay() {
        return usualDelay;
    }

    String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<Scenario> named(String wireName) {
        return Arrays.stream(values()).filter(scenario -> scenario.wireName().equals(wireName)).findFirst();
    }

    static String allNames() {
        return Arrays.stream(values()).map(Scenario::wireName).collect(Collectors.joining(", "));
    }
}
