package sluice.demo.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.http.MediaType;
import org.springframework.test.web.servlet.assertj.MockMvcTester;
import sluice.demo.WebTest;

@WebTest
class SimulateTest {
    @Autowired
    private MockMvcTester service;

    @ParameterizedTest
    @CsvSource({"normal, 0", "slow, 20"})
    void what_goes_well_is_said_with_its_delay(String scenario, int delay) {
        var answer = simulate("{\"scenario\": \"%s\", \"delay\": %d}".formatted(scenario, delay));

        assertThat(answer).hasStatusOk().bodyJson().isLenientlyEqualTo(
                "{\"scenario\": \"%s\", \"delay\": %d, \"source\": \"demo-service\"}".formatted(scenario, delay));
    }

    @ParameterizedTest
    @CsvSource({"error, 500, simulated-error", "timeout, 504, simulated-timeout"})
    void what_goes_wrong_is_a_problem_that_says_it_was_asked_for(String scenario, int status, String kind) {
        var answer = simulate("{\"scenario\": \"%s\", \"delay\": 1}".formatted(scenario));

        assertThat(answer).hasStatus(status).hasContentType(MediaType.APPLICATION_PROBLEM_JSON).bodyJson()
                .extractingPath("$.type").isEqualTo("urn:problem-type:" + kind);
    }

    @Test
    void no_scenario_is_a_bad_request() {
        assertThat(simulate("{}")).hasStatus(400).bodyJson()
                .extractingPath("$.detail").isEqualTo("The body names none.");
    }

    private MockMvcTester.MockMvcRequestBuilder simulate(String body) {
        return service.post().uri("/api/simulate").contentType(MediaType.APPLICATION_JSON).content(body);
    }
}
