package sluice.demo.problem;

import java.net.URI;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;

/**
 * What went wrong in the words of a caller, ready to be answered as RFC 9457 problem details.
 *
 * @param kind names the problem for programs; the last part of the answer's {@code type}
 * @param what one sentence; becomes {@code title}
 * @param why the value and the rule it met; becomes {@code detail}
 * @param action what to do about it; an extension member of the same name, as in node-service
 */
public record Problem(HttpStatus status, String kind, String what, String why, String action) {
    /** The extension member that says what to do. */
    static final String ACTION = "action";

    /** A name and no address: there is no page to read (RFC 9457, section 3.1.1). */
    private static final String TYPE_PREFIX = "urn:problem-type:";

    public static Problem badRequest(String kind, String what, String why, String action) {
        return new Problem(HttpStatus.BAD_REQUEST, kind, what, why, action);
    }

    ProblemDetail detail() {
        ProblemDetail detail = ProblemDetail.forStatusAndDetail(status, why);
        detail.setType(URI.create(TYPE_PREFIX + kind));
        detail.setTitle(what);
        detail.setProperty(ACTION, action);
        return detail;
    }
}
