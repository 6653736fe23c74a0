package sluice.demo.problem;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.http.HttpStatus;
import org.springframework.http.converter.HttpMessageNotReadableException;
import sluice.demo.problem.BodyLimit.BodyTooLarge;

/** Says of a body that could not be read which part of it is wrong, without repeating any of its values. */
final class UnreadableBody {
    private static final String WHAT = "The body cannot be read.";

    private UnreadableBody() {}

    static Problem explain(HttpMessageNotReadableException unreadable) {
        return switch (NestedExceptionUtils.getMostSpecificCause(unreadable)) {
            case BodyTooLarge large -> tooLarge(large);
            case UnrecognizedPropertyException unknown -> unknownField(unknown);
            case MismatchedInputException mismatch when !mismatch.getPath().isEmpty() -> wrongType(mismatch);
            case JsonParseException broken -> notJson(broken.getLocation());
            case Exception other when unreadable.getCause() instanceof JsonMappingException mapping
                    && !mapping.getPath().isEmpty() -> wrongType(mapping);
            default -> notAnObject();
        };
    }

    private static Problem tooLarge(BodyTooLarge large) {
        return new Problem(
                HttpStatus.PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large.",
                large.getMessage(), "Send at most " + BodyLimit.BYTES + " bytes.");
    }

    private static Problem unknownField(UnrecognizedPropertyException unknown) {
        String known = unknown.getKnownPropertyIds().stream().map(Object::toString).sorted()
                .collect(Collectors.joining(", "));
        return unreadable("It has a field '" + shortened(unknown.getPropertyName()) + "', which is not known here.",
                "Send only these fields: " + known + ".");
    }

    private static Problem wrongType(JsonMappingException mapping) {
        String field = pathOf(mapping.getPath());
        return unreadable("The field '" + field + "' is not " + expected(mapping) + ".",
                "Send " + expected(mapping) + " as '" + field + "'.");
    }

    private static Problem notJson(JsonLocation place) {
        return unreadable(
                "It is not JSON, or it names a field twice: reading stopped at line " + place.getLineNr()
                        + ", column " + place.getColumnNr() + ".",
                "Send one JSON object.");
    }

    private static Problem notAnObject() {
        return unreadable("It is empty or no JSON object.", "Send one JSON object.");
    }

    private static Problem unreadable(String why, String action) {
        return Problem.badRequest("unreadable-body", WHAT, why, action);
    }

    private static String expected(JsonMappingException mapping) {
        return mapping instanceof MismatchedInputException mismatch && mismatch.getTargetType() == String.class
                ? "a string"
                : "a whole number of at most nine digits";
    }

    private static String pathOf(List<JsonMappingException.Reference> path) {
        return shortened(path.stream().map(JsonMappingException.Reference::getFieldName)
                .collect(Collectors.joining(".")));
    }

    private static String shortened(String name) {
        return name.length() <= 40 ? name : name.substring(0, 40) + "…";
    }
}
