package sluice.demo.greeting;

import java.time.Instant;
import java.util.SortedSet;

/**
 * The answer of {@code GET /api/greeting}.
 *
 * @param source who greets; callers pass it on as their upstream
 * @param features the feature flags that are on for this caller
 */
record Greeting(
        String message,
        Instant timestamp,
        String source,
        String version,
        String environment,
        SortedSet<String> features) {}
