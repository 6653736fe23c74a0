package sluice.demo.problem;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;
import org.springframework.web.servlet.resource.NoResourceFoundException;
import org.springframework.web.util.DisconnectedClientHelper;

/** Every error leaves as RFC 9457 problem details that say what happened, why, and what to do. */
@RestControllerAdvice
final class Problems extends ResponseEntityExceptionHandler {
    private static final Logger log = LoggerFactory.getLogger(Problems.class);

    @Override
    protected ResponseEntity<Object> handleHttpMessageNotReadable(
            HttpMessageNotReadableException unreadable,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        Problem problem = UnreadableBody.explain(unreadable);
        return handleExceptionInternal(unreadable, problem.detail(), headers, problem.status(), request);
    }

    @Override
    protected ResponseEntity<Object> handleNoResourceFoundException(
            NoResourceFoundException missing, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        missing.getBody().setDetail("Nothing answers " + missing.getHttpMethod() + " at this path.");
        return super.handleNoResourceFoundException(missing, headers, status, request);
    }

    /** What Spring refuses by itself (405, 406, 415, …) says no action yet. */
    @Override
    protected ResponseEntity<Object> createResponseEntity(
            Object body, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        if (body instanceof ProblemDetail detail && !hasAction(detail)) {
            detail.setProperty(Problem.ACTION, actionFor(status));
        }
        return super.createResponseEntity(body, headers, status, request);
    }

    /** The edge of the program: whatever nobody named is logged here and answered without its message. */
    @ExceptionHandler(Exception.class)
    ResponseEntity<Object> handleUnforeseen(Exception unforeseen, WebRequest request) {
        if (DisconnectedClientHelper.isClientDisconnectedException(unforeseen)) {
            log.debug("client went away before its answer", unforeseen);
            return null;
        }
        log.error("request failed", unforeseen);
        Problem problem = new Problem(
                HttpStatus.INTERNAL_SERVER_ERROR, "unforeseen", "The service failed.",
                "It met an error it does not know; its log has the cause.",
                "Try again; if it fails again, give the time and the path to the service's maintainers.");
        return handleExceptionInternal(unforeseen, problem.detail(), new HttpHeaders(), problem.status(), request);
    }

    private static boolean hasAction(ProblemDetail detail) {
        return detail.getProperties() != null && detail.getProperties().containsKey(Problem.ACTION);
    }

    private static String actionFor(HttpStatusCode status) {
        return switch (status.value()) {
            case 404 -> "Use /api/greeting, /api/echo, /api/simulate, /actuator/health or /actuator/prometheus.";
            case 405 -> "Use a method that the Allow header names.";
            case 406 -> "Accept application/json.";
            case 415 -> "Send the body as application/json.";
            default -> "Compare the request with the service's README.";
        };
    }
}
