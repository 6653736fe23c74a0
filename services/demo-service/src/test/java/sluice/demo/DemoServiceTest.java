package sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.ClassUtils;
import sluice.demo.flags.MountedConfigMap;

/** The promises that only hold or break on a real port. */
class DemoServiceTest {
    @TempDir
    private static Path folder;

    private static MountedConfigMap flags;
    private static RunningService service;

    @BeforeAll
    static void start() throws IOException {
        flags = new MountedConfigMap(folder, "flags.json");
        service = RunningService.start("FEATURE_FLAGS_PATH=" + flags.file(), "demo.flags.look-every=20ms");
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness"})
    void is_healthy_alive_and_ready(String path) {
        var answer = service.get(path);

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).startsWith("{\"status\":\"UP\"");
    }

    @Test
    void prometheus_sees_requests_in_buckets_that_a_canary_is_judged_by() throws InterruptedException {
        service.get("/api/greeting?name=x");

        Eventually.holds("the request is counted", () -> service.get("/actuator/prometheus").body().contains(
                "http_server_requests_seconds_bucket{error=\"none\",exception=\"none\",method=\"GET\","
                        + "outcome=\"SUCCESS\",status=\"200\",uri=\"/api/greeting\",le=\"0.5\"}"));
    }

    @Test
    void a_flag_rollout_shows_in_the_greeting_without_a_restart() throws IOException, InterruptedException {
        flags.swap("{\"warm-welcome\": {\"enabled\": true, \"rollout\": 100}}");
        Eventually.holds("the welcome is warm", () -> greeting().contains("Hello, World! Good to see you."));
        assertThat(greeting()).contains("\"features\":[\"warm-welcome\"]");

        flags.swap("{\"warm-welcome\": {\"enabled\": false}}");
        Eventually.holds("the welcome is plain again", () -> greeting().contains("\"Hello, World!\""));
        assertThat(greeting()).contains("\"features\":[]");
    }

    @ParameterizedTest
    @MethodSource("largeBodies")
    void a_large_body_is_refused_however_it_is_sent(BodyPublisher body) {
        var answer = service.post("/api/echo", body).join();

        assertThat(answer.statusCode()).isEqualTo(413);
        assertThat(answer.body()).contains("\"action\":\"Send at most 32768 bytes.\"");
    }

    static Stream<BodyPublisher> largeBodies() {
        byte[] large = ("{\"message\": \"" + "x".repeat(40_000) + "\"}").getBytes(StandardCharsets.UTF_8);
        return Stream.of(
                BodyPublishers.ofByteArray(large), BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large)));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "/api/greeting?name=%zz", "/api/greeting?name=%", "/api/greeting?name=[x]", "/api/%2Fgreeting"
    })
    void a_target_that_cannot_be_decoded_is_a_bad_request(String target) throws IOException {
        String answer = service.raw("GET " + target + " HTTP/1.1\r\nHost: demo-service\r\nConnection: close\r\n\r\n");

        assertThat(answer).startsWith("HTTP/1.1 400");
    }

    @Test
    void holds_no_tracing_code() {
        assertThat(Stream.of("io.opentelemetry.api.OpenTelemetry", "io.micrometer.tracing.Tracer", "brave.Tracing"))
                .noneMatch(name -> ClassUtils.isPresent(name, getClass().getClassLoader()));
    }

    private static String greeting() {
        return service.get("/api/greeting").body();
    }
}
