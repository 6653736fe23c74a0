package sluice.demo.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;
import sluice.demo.problem.Refusal;

class SimulationTest {
    @ParameterizedTest
    @CsvSource({"normal, 0", "slow, 3000", "error, 0", "timeout, 10000"})
    void each_scenario_has_a_delay_of_its_own(String scenario, int millis) {
        assertThat(Simulation.of(scenario, null).delay()).isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @CsvSource({"normal, 0", "slow, 500", "error, 1", "timeout, 10000"})
    void the_caller_may_choose_the_delay(String scenario, int millis) {
        assertThat(Simulation.of(scenario, millis).delay()).isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 10_001, Integer.MAX_VALUE})
    void refuses_a_delay_out_of_bounds_and_names_the_bounds(int millis) {
        assertThatThrownBy(() -> Simulation.of("normal", millis)).isInstanceOf(Refusal.class)
                .hasMessageContaining("It is " + millis + " ms; a simulation takes 0 to 10000 ms.");
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"", "NORMAL", "normal ", "crash"})
    void refuses_a_scenario_it_does_not_know_and_names_those_it_does(String scenario) {
        assertThatThrownBy(() -> Simulation.of(scenario, 0)).isInstanceOfSatisfying(Refusal.class, refusal ->
                assertThat(refusal.getBody().getProperties()).containsEntry(
                        "action", "Send 'scenario' as one of: normal, slow, error, timeout."));
    }

    @Test
    void no_scenario_takes_longer_than_the_longest_delay() {
        assertThat(Scenario.values()).extracting(Scenario::usualDelay)
                .allSatisfy(delay -> assertThat(delay).isLessThanOrEqualTo(Simulation.LONGEST_DELAY));
    }
}
