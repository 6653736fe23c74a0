package sluice.demo.greeting;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.web.servlet.assertj.MockMvcTester;
import sluice.demo.WebTest;

@WebTest
class GreetingTest {
    @Autowired
    private MockMvcTester service;

    @Test
    void greets_in_the_words_of_the_configmap_and_names_its_release() {
        var answer = service.get().uri("/api/greeting?name={name}", "Zoë").exchange();

        assertThat(answer).hasStatusOk().bodyJson().isLenientlyEqualTo("""
                {"message": "Ahoy, Zoë?", "source": "demo-service", "version": "1.2.3", "environment": "staging",
                 "features": []}""");
    }

    @Test
    void says_when_it_greeted_in_utc() {
        var answer = service.get().uri("/api/greeting").exchange();

        assertThat(answer).bodyJson().extractingPath("$.timestamp").asString()
                .endsWith("Z").satisfies(text -> assertThat(Instant.parse(text)).isBefore(Instant.now()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/api/greeting", "/api/greeting?name="})
    void greets_the_world_when_nobody_is_named(String path) {
        assertThat(service.get().uri(path)).bodyJson().extractingPath("$.message").isEqualTo("Ahoy, World?");
    }

    @Test
    void counts_characters_not_their_encoding() {
        assertThat(service.get().uri("/api/greeting?name={name}", "😀".repeat(100))).hasStatusOk();
        assertThat(service.get().uri("/api/greeting?name={name}", "😀".repeat(101))).hasStatus(400);
    }

    @ParameterizedTest
    @ValueSource(strings = {" ", "a\nb", "\u0000", "\u009b31m"})
    void refuses_names_that_cannot_be_shown(String name) {
        assertThat(service.get().uri("/api/greeting?name={name}", name)).hasStatus(400).bodyJson()
                .extractingPath("$.type").isEqualTo("urn:problem-type:invalid-name");
    }

    @Test
    void refuses_a_name_given_twice() {
        assertThat(service.get().uri("/api/greeting?name=a&name=b")).hasStatus(400).bodyJson()
                .extractingPath("$.detail").isEqualTo("It gives a parameter more than once.");
    }
}
