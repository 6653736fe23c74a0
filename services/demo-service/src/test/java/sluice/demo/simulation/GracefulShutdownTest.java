package sluice.demo.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import org.junit.jupiter.api.Test;
import sluice.demo.Eventually;
import sluice.demo.RunningService;

class GracefulShutdownTest {
    @Test
    void a_simulation_under_way_is_answered_before_the_service_stops() throws InterruptedException {
        RunningService service = RunningService.start();
        Stage stage = service.bean(Stage.class);
        var answer = service.post(
                "/api/simulate", BodyPublishers.ofString("{\"scenario\": \"slow\", \"delay\": 1000}"));
        Eventually.holds("the simulation is under way", () -> stage.waiting() == 1);

        service.close();

        assertThat(answer.join().statusCode()).isEqualTo(200);
    }
}
