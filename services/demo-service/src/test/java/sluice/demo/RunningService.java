package sluice.demo;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** The real service on a real port of the loopback interface, until it is closed. */
public final class RunningService implements AutoCloseable {
    private static final List<String> ALWAYS =
            List.of("server.port=0", "server.address=127.0.0.1", "server.tomcat.basedir=target/tomcat");
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final ConfigurableApplicationContext context;
    private final HttpClient client = HttpClient.newHttpClient();

    private RunningService(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /** @param properties as "name=value" */
    public static RunningService start(String... properties) {
        String[] arguments = Stream.concat(ALWAYS.stream(), Arrays.stream(properties)).map("--"::concat)
                .toArray(String[]::new);
        return new RunningService(SpringApplication.run(DemoService.class, arguments));
    }

    public <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    public HttpResponse<String> get(String path) {
        return send(to(path).build()).join();
    }

    public CompletableFuture<HttpResponse<String>> post(String path, BodyPublisher json) {
        return send(to(path).header("Content-Type", "application/json").POST(json).build());
    }

    /** Sends bytes that no proper client would, and waits for all of the answer. */
    public String raw(String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port())) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        context.close();
    }

    private CompletableFuture<HttpResponse<String>> send(HttpRequest request) {
        return client.sendAsync(request, BodyHandlers.ofString());
    }

    private HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path)).timeout(PATIENCE);
    }

    private int port() {
        return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }
}
