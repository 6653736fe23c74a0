package sluice.demo.problem;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.test.web.servlet.assertj.MockMvcTester;
import org.springframework.test.web.servlet.assertj.MvcTestResult;
import sluice.demo.WebTest;

@WebTest
class ProblemsTest {
    @Autowired
    private MockMvcTester service;

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{                                          | reading stopped at line 1, column 2.",
        "{'scenario': 'slow', 'scenario': 'normal'} | reading stopped at line 1, column 32.",
        "{'scenario': 'slow'} {}                    | It is empty or no JSON object.",
        "[]                                         | It is empty or no JSON object.",
        "null                                       | It is empty or no JSON object.",
        "``                                         | It is empty or no JSON object.",
        "{'scenario': 5}                            | The field 'scenario' is not a string.",
        "{'scenario': true}                         | The field 'scenario' is not a string.",
        "{'scenario': {}}                           | The field 'scenario' is not a string.",
        "{'scenario': 'slow', 'delay': '500'}       | The field 'delay' is not a whole number of at most nine digits.",
        "{'scenario': 'slow', 'delay': 1.5}         | The field 'delay' is not a whole number of at most nine digits.",
        "{'scenario': 'slow', 'delay': true}        | The field 'delay' is not a whole number of at most nine digits.",
        "{'scenario': 'slow', 'delay': 99999999999} | The field 'delay' is not a whole number of at most nine digits.",
        "{'scenario': 'slow', 'depth': 1}           | It has a field 'depth', which is not known here.",
    })
    void a_body_that_cannot_be_read_is_told_where_it_is_wrong(String body, String why) {
        var answer = service.post().uri("/api/simulate").contentType(MediaType.APPLICATION_JSON)
                .content(body.replace('\'', '"')).exchange();

        assertThat(answer).hasStatus(400);
        assertThatMember(answer, "detail").endsWith(why);
        assertSaysWhatWhyAndAction(answer);
    }

    @ParameterizedTest
    @CsvSource({
        "GET,    /nope,            application/json, 404",
        "GET,    /,                application/json, 404",
        "GET,    /error,           application/json, 404",
        "GET,    /actuator,        application/json, 404",
        "DELETE, /api/greeting,    application/json, 405",
        "GET,    /api/echo,        application/json, 405",
        "POST,   /actuator/health, application/json, 405",
        "POST,   /api/echo,        text/plain,       415",
    })
    void what_the_framework_refuses_says_what_why_and_action(String method, String path, String type, int status) {
        var answer = service.method(HttpMethod.valueOf(method)).uri(path).contentType(type).content("{}").exchange();

        assertThat(answer).hasStatus(status);
        assertSaysWhatWhyAndAction(answer);
    }

    @Test
    void a_caller_that_accepts_no_json_is_still_told_why() {
        var answer = service.get().uri("/api/greeting").accept(MediaType.TEXT_HTML).exchange();

        assertThat(answer).hasStatus(406);
        assertSaysWhatWhyAndAction(answer);
    }

    @Test
    void a_long_field_name_is_not_repeated_in_full() {
        var answer = service.post().uri("/api/echo").contentType(MediaType.APPLICATION_JSON)
                .content("{\"" + "x".repeat(5000) + "\": 1}").exchange();

        assertThatMember(answer, "detail").hasSizeLessThan(100);
    }

    private static void assertSaysWhatWhyAndAction(MvcTestResult answer) {
        assertThat(answer).hasContentType(MediaType.APPLICATION_PROBLEM_JSON);
        assertThatMember(answer, "title").isNotBlank();
        assertThatMember(answer, "detail").isNotBlank();
        assertThatMember(answer, "action").isNotBlank();
    }

    private static AbstractStringAssert<?> assertThatMember(MvcTestResult answer, String member) {
        return assertThat(answer).bodyJson().extractingPath("$." + member).asString();
    }
}
