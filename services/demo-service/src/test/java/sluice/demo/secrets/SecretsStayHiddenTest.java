package sluice.demo.secrets;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.logging.LogLevel;
import org.springframework.boot.logging.LoggingSystem;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import sluice.demo.RunningService;

/** The values are those that pom.xml puts into the tests' environment. */
@ExtendWith(OutputCaptureExtension.class)
class SecretsStayHiddenTest {
    private static final String HIDDEN = "must-stay-hidden";

    private static final List<String> PATHS = List.of(
            "/api/greeting", "/api/greeting?name=API_KEY", "/actuator", "/actuator/health", "/actuator/prometheus",
            "/actuator/env", "/actuator/env/API_KEY", "/actuator/configprops", "/actuator/beans",
            "/actuator/heapdump", "/actuator/threaddump", "/actuator/loggers", "/actuator/info", "/error", "/");

    @AfterEach
    void quietenTheLogOfTheTestsThatFollow() {
        LoggingSystem.get(getClass().getClassLoader()).setLogLevel(LoggingSystem.ROOT_LOGGER_NAME, LogLevel.INFO);
    }

    @Test
    void no_answer_and_no_line_of_the_most_talkative_log_shows_a_secret(CapturedOutput output) {
        assertThat(Secrets.NAMES).allSatisfy(name -> assertThat(System.getenv(name)).contains(HIDDEN));

        try (RunningService service = RunningService.start("logging.level.root=trace")) {
            assertThat(PATHS).allSatisfy(path -> assertThat(service.get(path).body()).doesNotContain(HIDDEN));
            var refused = service.post("/api/echo", BodyPublishers.ofString("{")).join();
            assertThat(refused.body()).doesNotContain(HIDDEN);
        }

        assertThat(output).contains("secrets read").doesNotContain(HIDDEN);
    }
}
