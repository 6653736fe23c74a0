package sluice.demo.problem;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import sluice.demo.RunningService;

class SlowSenderTest {
    @Test
    void a_caller_that_stops_sending_is_let_go_and_told_why() throws IOException {
        try (RunningService service = RunningService.start("server.tomcat.connection-timeout=1s")) {
            String answer = service.raw("""
                    POST /api/echo HTTP/1.1\r
                    Host: demo-service\r
                    Content-Type: application/json\r
                    Content-Length: 100\r
                    \r
                    {"mess""");

            assertThat(answer).startsWith("HTTP/1.1 408").contains("\"instance\":\"/api/echo\"", "\"action\":");
        }
    }
}
