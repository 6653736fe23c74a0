package sluice.demo.problem;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import org.springframework.boot.web.servlet.error.ErrorController;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** What the servlet container refuses before a controller is found also leaves as problem details. */
@RestController
final class ContainerErrors implements ErrorController {
    @RequestMapping("/error")
    ResponseEntity<ProblemDetail> answer(HttpServletRequest request) {
        HttpStatus status = statusOf(request);
        Problem problem = new Problem(
                status, "refused", status.getReasonPhrase() + ".",
                "The request was refused before it reached the service.",
                "Compare the request with the service's README.");
        ProblemDetail detail = problem.detail();
        detail.setInstance(pathOf(request));
        return ResponseEntity.status(status).body(detail);
    }

    /** What was asked for, before the container came here. */
    private static URI pathOf(HttpServletRequest request) {
        String path = (String) request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI);
        return URI.create(path == null ? request.getRequestURI() : path);
    }

    /** Asked for directly, this page does not exist. */
    private static HttpStatus statusOf(HttpServletRequest request) {
        Integer code = (Integer) request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
        HttpStatus status = code == null ? HttpStatus.NOT_FOUND : HttpStatus.resolve(code);
        return status == null ? HttpStatus.INTERNAL_SERVER_ERROR : status;
    }
}
