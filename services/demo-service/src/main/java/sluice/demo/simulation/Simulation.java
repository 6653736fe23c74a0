package sluice.demo.simulation;

import java.time.Duration;
import sluice.demo.problem.Problem;
import sluice.demo.problem.Refusal;

/** A scenario and its delay, both within bounds. */
record Simulation(Scenario scenario, Duration delay) {
    /** Shorter than the shutdown's grace, so that a simulation under way always ends in an answer. */
    static final Duration LONGEST_DELAY = Duration.ofSeconds(10);

    /** Refuses what is not in bounds with a 400 that names the bounds. */
    static Simulation of(String scenario, Integer delayMillis) {
        Scenario known = Scenario.named(scenario).orElseThrow(() -> unknownScenario(scenario));
        if (delayMillis == null) {
            return new Simulation(known, known.usualDelay());
        }
        if (delayMillis < 0 || delayMillis > LONGEST_DELAY.toMillis()) {
            throw outOfBounds(delayMillis);
        }
        return new Simulation(known, Duration.ofMillis(delayMillis));
    }

    private static Refusal unknownScenario(String scenario) {
        return new Refusal(Problem.badRequest(
                "unknown-scenario", "The scenario is not known.",
                scenario == null ? "The body names none." : "The body names one that the service cannot act out.",
                "Send 'scenario' as one of: " + Scenario.allNames() + "."));
    }

    private static Refusal outOfBounds(int delayMillis) {
        return new Refusal(Problem.badRequest(
                "invalid-delay", "The delay is out of bounds.",
                "It is " + delayMillis + " ms; a simulation takes 0 to " + LONGEST_DELAY.toMillis() + " ms.",
                "Send 'delay' as 0 to " + LONGEST_DELAY.toMillis() + ", or leave it out."));
    }
}
