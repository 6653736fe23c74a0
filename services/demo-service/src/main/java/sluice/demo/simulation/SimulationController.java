package sluice.demo.simulation;

import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import sluice.demo.DemoService;
import sluice.demo.problem.Problem;
import sluice.demo.problem.Refusal;

/** Acts out trouble on request, so that traces, alerts and canaries have something to show. */
@RestController
final class SimulationController {
    private final Stage stage;
    private final Clock clock;

    SimulationController(Stage stage, Clock clock) {
        this.stage = stage;
        this.clock = clock;
    }

    @PostMapping("/api/simulate")
    Simulated simulate(@RequestBody SimulationRequest request) {
        Simulation simulation = Simulation.of(request.scenario(), request.delay());
        stage.wait(simulation.delay());
        return switch (simulation.scenario()) {
            case NORMAL, SLOW -> simulated(simulation);
            case ERROR -> throw simulatedError();
            case TIMEOUT -> throw simulatedTimeout(simulation);
        };
    }

    private Simulated simulated(Simulation simulation) {
        return new Simulated(
                simulation.scenario().wireName(),
                simulation.delay().toMillis(),
                clock.instant().truncatedTo(ChronoUnit.MILLIS),
                DemoService.NAME);
    }

    private static Refusal simulatedError() {
        return new Refusal(new Problem(
                HttpStatus.INTERNAL_SERVER_ERROR, "simulated-error", "The service failed, as asked.",
                "The scenario was 'error'.", "Nothing: this is the answer you asked for."));
    }

    private static Refusal simulatedTimeout(Simulation simulation) {
        return new Refusal(new Problem(
                HttpStatus.GATEWAY_TIMEOUT, "simulated-timeout", "The service gave up waiting, as asked.",
                "The scenario was 'timeout'; it took " + simulation.delay().toMillis() + " ms.",
                "Nothing: this is the answer you asked for."));
    }

    /**
     * What a caller asks for.
     *
     * @param delay in milliseconds; the scenario's own when left out
     */
    record SimulationRequest(String scenario, Integer delay) {}

    record Simulated(String scenario, long delay, Instant timestamp, String source) {}
}
