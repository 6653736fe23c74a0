package sluice.demo.problem;

import org.springframework.http.HttpHeaders;
import org.springframework.web.ErrorResponseException;

/** Ends a request with a problem as its answer. */
public final class Refusal extends ErrorResponseException {
    public Refusal(Problem problem) {
        super(problem.status(), problem.detail(), null);
    }

    /** Ends a request with a problem that time heals: the caller is told how many seconds to wait. */
    public static Refusal retryAfter(int seconds, Problem problem) {
        Refusal refusal = new Refusal(problem);
        refusal.getHeaders().set(HttpHeaders.RETRY_AFTER, Integer.toString(seconds));
        return refusal;
    }
}
