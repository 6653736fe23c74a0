package sluice.demo.greeting;

import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.SortedSet;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import sluice.demo.DemoService;
import sluice.demo.flags.Caller;
import sluice.demo.flags.FeatureFlags;
import sluice.demo.problem.Problem;
import sluice.demo.problem.Refusal;
import sluice.demo.release.Release;

/** Greets a caller by name, and shows which release and which feature flags the caller got. */
@RestController
final class GreetingController {
    /** The one flag that changes the greeting itself, so that its roll-out also shows in what callers pass on. */
    static final String WARM_WELCOME = "warm-welcome";

    private static final int LONGEST_NAME = 100;

    private final GreetingText text;
    private final Release release;
    private final FeatureFlags flags;
    private final Clock clock;

    GreetingController(GreetingText text, Release release, FeatureFlags flags, Clock clock) {
        this.text = text;
        this.release = release;
        this.flags = flags;
        this.clock = clock;
    }

    @GetMapping("/api/greeting")
    Greeting greet(
            @RequestParam(defaultValue = "World") String name,
            @RequestHeader(name = "X-User-Group", defaultValue = "") String group) {
        requireName(name);
        SortedSet<String> features = flags.onFor(new Caller(name, group));
        return new Greeting(
                message(name, features),
                clock.instant().truncatedTo(ChronoUnit.MILLIS),
                DemoService.NAME,
                release.version(),
                release.environment(),
                features);
    }

    private String message(String name, SortedSet<String> features) {
        String greeting = text.around(name);
        return features.contains(WARM_WELCOME) ? greeting + " Good to see you." : greeting;
    }

    private static void requireName(String name) {
        int length = name.codePointCount(0, name.length());
        if (length > LONGEST_NAME) {
            throw invalidName("It has " + length + " characters; a name has at most " + LONGEST_NAME + ".");
        }
        if (name.isBlank() || name.chars().anyMatch(Character::isISOControl)) {
            throw invalidName("It is blank or holds control characters.");
        }
    }

    private static Refusal invalidName(String why) {
        return new Refusal(Problem.badRequest(
                "invalid-name", "The name cannot be greeted.", why,
                "Send a name of 1 to " + LONGEST_NAME + " printable characters, or leave it out."));
    }
}
