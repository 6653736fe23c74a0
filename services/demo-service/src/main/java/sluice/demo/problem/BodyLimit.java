package sluice.demo.problem;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Type;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.RequestBodyAdviceAdapter;

/** No request body is read past {@link #BYTES}, whether its length is announced or it arrives in chunks. */
@RestControllerAdvice
final class BodyLimit extends RequestBodyAdviceAdapter {
    /** Room for the longest message, were each of its characters escaped. */
    static final int BYTES = 32 * 1024;

    @Override
    public boolean supports(
            MethodParameter parameter, Type target, Class<? extends HttpMessageConverter<?>> converter) {
        return true;
    }

    @Override
    public HttpInputMessage beforeBodyRead(
            HttpInputMessage message,
            MethodParameter parameter,
            Type target,
            Class<? extends HttpMessageConverter<?>> converter)
            throws IOException {
        if (message.getHeaders().getContentLength() > BYTES) {
            throw new BodyTooLarge();
        }
        return new Limited(message.getHeaders(), new LimitedStream(message.getBody()));
    }

    /** Reaches {@link UnreadableBody} as a cause: Spring wraps what goes wrong while a body is read. */
    static final class BodyTooLarge extends IOException {
        BodyTooLarge() {
            super("It has more than " + BYTES + " bytes.");
        }
    }

    private record Limited(HttpHeaders headers, InputStream body) implements HttpInputMessage {
        @Override
        public HttpHeaders getHeaders() {
            return headers;
        }

        @Override
        public InputStream getBody() {
            return body;
        }
    }

    private static final class LimitedStream extends InputStream {
        private final InputStream body;
        private int left = BYTES;

        LimitedStream(InputStream body) {
            this.body = body;
        }

        @Override
        public int read() throws IOException {
            int next = body.read();
            count(next < 0 ? 0 : 1);
            return next;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int read = body.read(buffer, offset, length);
            count(Math.max(read, 0));
            return read;
        }

        private void count(int bytes) throws BodyTooLarge {
            left -= bytes;
            if (left < 0) {
                throw new BodyTooLarge();
            }
        }
    }
}
