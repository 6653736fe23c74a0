package sluice.demo.simulation;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import sluice.demo.problem.Problem;
import sluice.demo.problem.Refusal;

/** Lets a bounded number of simulations wait at once, so that they never take the threads of health probes. */
@Component
class Stage {
    /** Half of server.tomcat.threads.max. */
    static final int PLACES = 50;

    private final Semaphore places = new Semaphore(PLACES);

    /** Returns when the delay is over; refuses with 503 at once when every place is taken. */
    void wait(Duration delay) {
        if (!places.tryAcquire()) {
            throw full();
        }
        try {
            Thread.sleep(delay);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw stopping();
        } finally {
            places.release();
        }
    }

    int waiting() {
        return PLACES - places.availablePermits();
    }

    private static Refusal full() {
        return Refusal.retryAfter(1, new Problem(
                HttpStatus.SERVICE_UNAVAILABLE, "too-many-simulations", "Too many simulations run at once.",
                PLACES + " callers wait already.", "Try again when one of them has ended."));
    }

    private static Refusal stopping() {
        return Refusal.retryAfter(1, new Problem(
                HttpStatus.SERVICE_UNAVAILABLE, "stopping", "The simulation was cut short.",
                "This instance is stopping.", "Try again: another instance answers."));
    }
}
