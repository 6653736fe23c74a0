package sluice.demo.echo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.http.MediaType;
import org.springframework.test.web.servlet.assertj.MockMvcTester;
import sluice.demo.WebTest;

@WebTest
class EchoTest {
    @Autowired
    private MockMvcTester service;

    @ParameterizedTest
    @ValueSource(strings = {"x", " two words ", "{\"a\": 1}", "Grüße 😀", "line\nline"})
    void says_the_message_back_unchanged(String message) throws JsonProcessingException {
        String body = new ObjectMapper().writeValueAsString(Map.of("message", message));

        var answer = echo(body).exchange();

        assertThat(answer).hasStatusOk().bodyJson().extractingPath("$.message").isEqualTo(message);
        assertThat(answer).bodyJson().extractingPath("$.source").isEqualTo("demo-service");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"message\": null}", "{\"message\": \"\"}", "{\"message\": \" \"}"})
    void refuses_a_message_that_says_nothing(String body) {
        assertThat(echo(body)).hasStatus(400).bodyJson()
                .extractingPath("$.detail").isEqualTo("It is missing or blank.");
    }

    @Test
    void refuses_a_message_longer_than_it_echoes() {
        assertThat(echo("{\"message\": \"" + "x".repeat(4096) + "\"}")).hasStatusOk();
        assertThat(echo("{\"message\": \"" + "x".repeat(4097) + "\"}")).hasStatus(400).bodyJson()
                .extractingPath("$.type").isEqualTo("urn:problem-type:invalid-message");
    }

    @Test
    void refuses_half_a_character_that_no_answer_could_carry() {
        assertThat(echo("{\"message\": \"\\ud83d\"}")).hasStatus(400).bodyJson()
                .extractingPath("$.type").isEqualTo("urn:problem-type:invalid-message");
    }

    private MockMvcTester.MockMvcRequestBuilder echo(String body) {
        return service.post().uri("/api/echo").contentType(MediaType.APPLICATION_JSON).content(body);
    }
}
