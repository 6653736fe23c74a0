package sluice.demo.echo;

import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import sluice.demo.DemoService;
import sluice.demo.problem.Problem;
import sluice.demo.problem.Refusal;

/** Says a message back, unchanged. */
@RestController
final class EchoController {
    private static final int LONGEST_MESSAGE = 4096;

    private final Clock clock;

    EchoController(Clock clock) {
        this.clock = clock;
    }

    @PostMapping("/api/echo")
    Echo echo(@RequestBody EchoRequest request) {
        requireMessage(request.message());
        return new Echo(request.message(), clock.instant().truncatedTo(ChronoUnit.MILLIS), DemoService.NAME);
    }

    private static void requireMessage(String message) {
        if (message == null || message.isBlank()) {
            throw invalidMessage("It is missing or blank.");
        }
        if (message.length() > LONGEST_MESSAGE) {
            throw invalidMessage("It has " + message.length() + " characters; the most is " + LONGEST_MESSAGE + ".");
        }
        if (message.codePoints().anyMatch(EchoController::isHalfOfAPair)) {
            throw invalidMessage("It holds half of a surrogate pair, which is no character.");
        }
    }

    /** JSON can spell such a half with an escape, but no encoding can write it. */
    private static boolean isHalfOfAPair(int codePoint) {
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
    }

    private static Refusal invalidMessage(String why) {
        return new Refusal(Problem.badRequest(
                "invalid-message", "The message cannot be echoed.", why,
                "Send 'message' with 1 to " + LONGEST_MESSAGE + " characters."));
    }

    record EchoRequest(String message) {}

    record Echo(String message, Instant timestamp, String source) {}
}
