package sluice.demo.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.http.HttpHeaders;
import sluice.demo.Eventually;
import sluice.demo.problem.Refusal;

class StageTest {
    private final Stage stage = new Stage();
    private final List<Thread> waiting = new ArrayList<>();

    @Test
    void refuses_at_once_when_every_place_is_taken_and_serves_again_when_one_is_free() throws InterruptedException {
        fill();

        assertThatThrownBy(() -> stage.wait(Duration.ZERO)).isInstanceOfSatisfying(Refusal.class, refusal -> {
            assertThat(refusal.getStatusCode().value()).isEqualTo(503);
            assertThat(refusal.getHeaders().getFirst(HttpHeaders.RETRY_AFTER)).isEqualTo("1");
        });

        empty();
        stage.wait(Duration.ZERO);
        assertThat(stage.waiting()).isZero();
    }

    @Test
    void a_cut_short_simulation_is_refused_and_stays_interrupted() {
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> stage.wait(Duration.ofSeconds(10))).isInstanceOf(Refusal.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    private void fill() throws InterruptedException {
        for (int place = 0; place < Stage.PLACES; place++) {
            waiting.add(Thread.ofVirtual().start(this::waitUntilInterrupted));
        }
        Eventually.holds("every place is taken", () -> stage.waiting() == Stage.PLACES);
    }

    private void waitUntilInterrupted() {
        assertThatThrownBy(() -> stage.wait(Duration.ofMinutes(1))).isInstanceOf(Refusal.class);
    }

    private void empty() throws InterruptedException {
        waiting.forEach(Thread::interrupt);
        for (Thread thread : waiting) {
            thread.join();
        }
    }
}
